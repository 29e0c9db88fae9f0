//! The inputs of `staycast preprocess`: files, patterns, standard input, several institutions.

mod common;

use std::fs;
use std::process::Stdio;

use common::{TinyLog, arguments, assert_same_bytes, command, folder, names_in, run};

const PARTS: &str = "preprocess {} {} {} {} --out {}";

#[test]
fn standard_input_is_read_as_a_file_is() {
    let here = folder();
    let [logs, as_file, piped] = ["logs", "as-file", "piped"].map(|name| here.path().join(name));
    TinyLog::default().write(&logs);
    let part = |name: &str| logs.join(name);
    let rest = [part("enrollment.csv"), part("date.csv"), part("truth.csv")];
    run(PARTS, &[&part("log.csv"), &rest[0], &rest[1], &rest[2], &as_file]).expect(0);
    let line = arguments("preprocess - {} {} {} --out {}", &[&rest[0], &rest[1], &rest[2], &piped]);
    let log = fs::File::open(part("log.csv")).expect("it was written");
    let ran = command(&line).stdin(Stdio::from(log)).output().expect("it runs");
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    for name in ["sequences.parquet", "enrolments.parquet", "courses.parquet"] {
        assert_eq!(fs::read(as_file.join(name)).expect("there"), fs::read(piped.join(name)).expect("there"), "{name}");
    }
    assert_eq!(names_in(here.path()), ["as-file", "logs", "piped"], "nothing of the standard input is left");
    run("preprocess - - --out {}", &[&piped]).expect(2).complains(&["give - once"]);
}

#[test]
fn a_pattern_stands_for_the_files_that_fit_it() {
    let here = folder();
    let [logs, folder_given, pattern_given] = ["logs", "folder", "pattern"].map(|name| here.path().join(name));
    TinyLog::default().write(&logs);
    run("preprocess {} --out {}", &[&logs, &folder_given]).expect(0);
    run("preprocess {} --out {}", &[&logs.join("*.csv"), &pattern_given]).expect(0);
    fs::remove_file(folder_given.join("timing.json")).expect("there");
    fs::remove_file(pattern_given.join("timing.json")).expect("there");
    assert_same_bytes(&folder_given, &pattern_given);
    run("preprocess {} --out {}", &[&logs.join("*.json"), &here.path().join("none")])
        .expect(2)
        .complains(&["*.json", "no such file"]);
}

#[test]
fn logs_of_several_institutions_are_one_folder_with_a_column() {
    let here = folder();
    let [north, south, out] = ["north", "south", "out"].map(|name| here.path().join(name));
    TinyLog::default().write(&north);
    TinyLog::default().write(&south);
    let line = "preprocess --institution n={} --institution s={} --out {} --json";
    let printed = run(line, &[&north, &south, &out]).expect(0).json();
    assert_eq!(printed["manifest"]["rows"]["used"], 2 * 168);
    assert_eq!(printed["manifest"]["static_columns"][0], "institution");
    let printed = run("inspect {} --json", &[&out]).expect(0).json();
    let courses: Vec<&str> =
        printed["courses"].as_array().expect("a list").iter().filter_map(|course| course["course"].as_str()).collect();
    assert!(!courses.is_empty() && courses.iter().all(|id| id.starts_with("n:") || id.starts_with("s:")), "{printed}");
    run("preprocess {} --institution n={} --out {}", &[&north, &south, &out]).expect(2);
    run("preprocess --institution north --out {}", &[&out]).expect(2).complains(&["NAME=PATH"]);
}

/// An event of a tracking log: somebody closed a page, on this day of January 2026.
fn closed(name: &str, id: u32, host: &str, day: u32) -> String {
    format!(
        r#"{{"username":"{name}","host":"{host}","event_source":"browser","event_type":"page_close","time":"2026-01-{day:02}T10:00:00+00:00","event":"{{}}","context":{{"course_id":"course-v1:Org+C1+2026","user_id":{id}}}}}"#
    ) + "\n"
}

#[test]
fn two_sites_in_one_folder_are_a_warning_that_names_the_flag() {
    let here = folder();
    let (logs, out) = (here.path().join("logs"), here.path().join("out"));
    fs::create_dir(&logs).expect("a new folder");
    let of = |name: &str, host: &str| (1..20).map(|day| closed(name, 7, host, day)).collect::<String>();
    fs::write(logs.join("north.log"), of("ann", "lms.north.example")).expect("writable");
    fs::write(logs.join("south.log"), of("bob", "lms.south.example")).expect("writable");
    let said =
        ["Warning", "1 with several names, 1 from hosts of several sites", "north.log", "south.log", "--institution"];
    run("preprocess {} --out {}", &[&logs, &out]).expect(0).says(&said);
    run("inspect {}", &[&logs]).expect(0).says(&said);
    let report = run("inspect {} --json", &[&logs]).expect(0).json();
    assert_eq!(report["notices"][0]["what"], "shared_user_ids");
}

#[test]
fn who_is_left_out_because_nothing_of_theirs_counts_is_said() {
    let here = folder();
    let (logs, out) = (here.path().join("tracking.log"), here.path().join("out"));
    let mut log: String = (1..29).flat_map(|day| ["ann", "bob"].map(|name| closed(name, 1, "", day))).collect();
    log = log.replace("\"user_id\":1", "\"user_id\":null");
    log += &closed("cho", 3, "", 5).replace("2026-01", "2036-01");
    fs::write(&logs, log).expect("writable");
    run("preprocess {} --out {}", &[&logs, &out])
        .expect(0)
        .says(&["1 left out, as all of their events were set aside"]);
    run("inspect {}", &[&logs]).expect(0).says(&["1 learner left out: all of their events were set aside"]);
    let manifest = fs::read_to_string(out.join("manifest.json")).expect("readable");
    let manifest: serde_json::Value = serde_json::from_str(&manifest).expect("JSON");
    assert_eq!(manifest["totals"]["enrolments_left_out"]["no_event_used"], 1);
    assert_eq!((&manifest["totals"]["enrolments"], &manifest["labels"]["known"]), (&2.into(), &2.into()));
}

#[test]
fn a_file_of_no_use_that_is_given_by_its_own_name_is_wrong_usage() {
    let here = folder();
    let [sheet, table, out] = ["sheet.xlsx", "table.csv", "out"].map(|name| here.path().join(name));
    fs::write(&sheet, b"PK\x03\x04....xl/workbook.xml").expect("writable");
    fs::write(&table, "foo,bar\n1,2\n").expect("writable");
    let advice = ["is not read, as it is a spreadsheet; save each sheet as CSV in UTF-8"];
    run("inspect {}", &[&sheet]).expect(2).complains(&advice);
    run("inspect {} --format edx", &[&sheet]).expect(2).complains(&advice);
    run("mapping new {}", &[&sheet]).expect(2).complains(&advice);
    let ran = run("preprocess {} --out {}", &[&sheet, &out]).expect(2).complains(&advice);
    assert!(!ran.stderr.contains("--format"), "no format reads it: {}", ran.stderr);
    run("inspect {}", &[&table]).expect(2).complains(&["no format fits", "--mapping"]);
    // Of a folder nobody said what is in it.
    run("inspect {}", &[here.path()]).expect(1).complains(&["no format fits", "sheet.xlsx is a spreadsheet"]);
}

#[test]
fn a_course_without_dates_in_a_table_is_said_to_have_none() {
    for unset in ["1970-01-01,1970-01-01", "0,0", "1970-01-01T01:00:00+01,0"] {
        let here = folder();
        let (logs, out) = (here.path().join("logs"), here.path().join("out"));
        let dates = format!("course_id,from,to\na,2014-06-01,2014-06-30\nb,{unset}\n");
        TinyLog { dates, ..TinyLog::default() }.write(&logs);
        run("preprocess {} --out {} --verbose", &[&logs, &out]).expect(3).says(&[
            "date.csv line 3: start `1970-01-01` stands for a date that is not set: the course has no dates",
            "course b: no table says when it runs; 3 enrolments left out",
        ]);
    }
}

#[test]
fn a_round_number_of_r_beside_the_same_in_full_is_a_warning() {
    let here = folder();
    let [log, mapping, out] = ["log.csv", "m.toml", "out"].map(|name| here.path().join(name));
    let rows: String = (1..20).map(|day| format!("1e+05,2023-09-{day:02},x\n100000,2023-09-{day:02},x\n")).collect();
    fs::write(&log, format!("user,at,what\n{rows}")).expect("writable");
    let text = "single_course = \"C\"\n[log]\nfiles = \"log.csv\"\ncolumns = { learner = \"user\", time = \"at\" }\n";
    fs::write(&mapping, text).expect("writable");
    run("preprocess {} --mapping {} --out {}", &[&log, &mapping, &out]).expect(0).says(&[
        "Warning",
        "as R writes round numbers (1e+05)",
        "2 learners",
    ]);
    let manifest = fs::read_to_string(out.join("manifest.json")).expect("there");
    assert!(manifest.contains("\"what\": \"round_numbers\""), "{manifest}");
}
