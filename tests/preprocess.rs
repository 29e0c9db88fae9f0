//! `staycast preprocess` and `staycast inspect` on what they make of logs.

mod common;

use std::fs;
use std::io::Write;

use common::{TinyLog, assert_same_bytes, folder, names_in, run, simulate};

#[test]
fn a_log_becomes_a_sequences_folder() {
    let here = folder();
    let (logs, out) = (here.path().join("logs"), here.path().join("out"));
    TinyLog::default().write(&logs);
    run("preprocess {} --out {}", &[&logs, &out]).expect(0).says(&[
        "kdd2015",
        "168 of the log: 168 used",
        "6, of 5 learners",
        "Next: staycast train",
    ]);
    assert_eq!(
        names_in(&out),
        ["courses.parquet", "enrolments.parquet", "manifest.json", "sequences.parquet", "timing.json"]
    );
    assert_eq!(names_in(here.path()), ["logs", "out"]);
    run("inspect {}", &[&out]).expect(0).says(&["Weekly sequences", "course", "33.3 %"]);
    let printed = run("inspect {} --json", &[&out]).expect(0).json();
    assert_eq!(printed["kind"], "sequences");
    assert_eq!(printed["courses"][0]["enrolments"], 3);
    assert_eq!(printed["manifest"]["totals"]["enrolment_weeks"], 30);
}

#[test]
fn json_is_one_object_and_quiet_is_silent() {
    let here = folder();
    let (logs, out) = (here.path().join("logs"), here.path().join("out"));
    TinyLog::default().write(&logs);
    let printed = run("preprocess {} --out {} --json", &[&logs, &out]).expect(0).json();
    assert_eq!(printed["status"], 0);
    assert_eq!(printed["kept"], false);
    assert_eq!(printed["manifest"]["rows"]["used"], 168);
    let ran = run("preprocess {} --out {} --force --quiet", &[&logs, &out]).expect(0);
    assert_eq!((ran.stdout.as_str(), ran.stderr.as_str()), ("", ""));
}

#[test]
fn without_a_terminal_each_stage_is_a_line_on_stderr() {
    let here = folder();
    let (logs, out) = (here.path().join("logs"), here.path().join("out"));
    TinyLog::default().write(&logs);
    let ran = run("preprocess {} --out {}", &[&logs, &out]).expect(0);
    let stages: Vec<&str> = ran.stderr.lines().filter_map(|line| line.split_whitespace().next()).collect();
    assert_eq!(stages, ["reading", "weeks"], "{}", ran.stderr);
}

#[test]
fn learners_are_named_in_no_log_line() {
    let here = folder();
    let (logs, out) = (here.path().join("logs"), here.path().join("out"));
    let mut log = TinyLog::default();
    log.log += "1,not a time,server,access,o\nstranger,2014-06-02T10:00:00,server,access,o\n";
    log.truth += "nobody,1\n";
    log.write(&logs);
    let ran = run("preprocess {} --out {} --max-rejected 1 -vv", &[&logs, &out]).expect(0);
    for name in ["anna", "boris", "xenia", "stranger", "nobody"] {
        assert!(!ran.stderr.contains(name) && !ran.stdout.contains(name), "{name}: {}{}", ran.stderr, ran.stdout);
    }
}

#[test]
fn too_many_rejected_rows_are_status_3_and_the_output_is_there() {
    let here = folder();
    let (logs, out) = (here.path().join("logs"), here.path().join("out"));
    let mut log = TinyLog::default();
    log.log += &"9,2014-06-02T10:00:00,server,access,o\n".repeat(20);
    log.write(&logs);
    run("preprocess {} --out {}", &[&logs, &out])
        .expect(3)
        .says(&["20 unknown enrolment", "log.csv line 170"])
        .complains(&["--max-rejected 0.01"]);
    assert!(out.join("manifest.json").is_file());
    let printed = run("preprocess {} --out {} --force --json", &[&logs, &out]).expect(3).json();
    assert_eq!(printed["status"], 3);
    assert_eq!(printed["manifest"]["rows"]["rejected"]["unknown_enrolment"]["rows"], 20);
    run("preprocess {} --out {} --force --max-rejected 0.2", &[&logs, &out]).expect(0);
}

#[test]
fn a_small_table_of_which_too_many_rows_are_rejected_is_named() {
    let here = folder();
    let (logs, out) = (here.path().join("logs"), here.path().join("out"));
    // One row of eight, which the log's hundreds of sound rows do not hide.
    let mut log = TinyLog::default();
    log.enrolments += "7,zoe,a\n,zoe,b\n";
    log.write(&logs);
    run("preprocess {} --out {}", &[&logs, &out])
        .expect(3)
        .complains(&["12.5 % of the rows of the enrolments table were rejected, more than --max-rejected 0.01 allows"]);
    run("preprocess {} --out {} --force --max-rejected 0.13", &[&logs, &out]).expect(0);
    // The same row again is none too many; with other content it is named.
    let mut log = TinyLog::default();
    log.dates += "a,2014-06-01,2014-06-30\nb,2014-06-01,2014-07-15\n";
    log.write(&logs);
    run("preprocess {} --out {} --force", &[&logs, &out])
        .expect(3)
        .says(&["1 row of the calendar table: an id that came before, with other content; the first is used"])
        .complains(&["25.0 % of the rows of the calendar table"]);
}

#[test]
fn who_enrols_again_counts_once_or_each_time() {
    let here = folder();
    let (logs, out) = (here.path().join("logs"), here.path().join("out"));
    fs::create_dir(&logs).expect("a new folder");
    let people = "learner_id,enrolled_at,unenrolled_at,role,fully_participated_at\n\
        ann,2023-09-01 00:00:00 UTC,2023-09-08 00:00:00 UTC,learner,\n\
        ann,2023-09-15 00:00:00 UTC,,learner,\n\
        bob,2023-09-01 00:00:00 UTC,,learner,\n";
    let steps = "learner_id,step,week_number,step_number,first_visited_at,last_completed_at\n\
        ann,1.1,1,1,2023-09-04 08:00:00 UTC,2023-09-20 08:00:00 UTC\n\
        bob,1.1,1,1,2023-09-04 08:00:00 UTC,2023-10-01 08:00:00 UTC\n";
    fs::write(logs.join("a-1_enrolments.csv"), people).expect("writable");
    fs::write(logs.join("a-1_step-activity.csv"), steps).expect("writable");
    for (which, enrolments, dropouts) in [("first", 2, 1), ("last", 2, 0), ("each", 3, 1)] {
        let command = format!("preprocess {{}} --out {{}} --force --dropout withdrawn --json --enrolment {which}");
        let printed = run(&command, &[&logs, &out]).expect(0).json();
        assert_eq!(printed["manifest"]["totals"]["enrolments"], enrolments, "{which}");
        assert_eq!(printed["manifest"]["labels"]["known"], enrolments, "{which}");
        assert_eq!(printed["manifest"]["labels"]["dropouts"], dropouts, "{which}");
        let aside = &printed["manifest"]["rows"]["set_aside_roster"]["enrolled_again"]["rows"];
        assert_eq!(aside.as_u64(), (which != "each").then_some(1), "{which}");
    }
    run("preprocess {} --out {} --resume --dropout withdrawn", &[&logs, &out]).expect(1).complains(&["other options"]);
    let log = here.path().join("tracking.log");
    let line = r#"{"username":"u","event_source":"browser","event_type":"page_close","time":"2023-09-01T09:00:00","context":{"course_id":"a/b/c"},"event":"{}"}"#;
    fs::write(&log, line).expect("writable");
    run("preprocess {} --out {} --force --enrolment each", &[&log, &out])
        .expect(1)
        .complains(&["needs a table with dates of enrolment", "leave --enrolment out"]);
}

#[test]
fn an_event_of_a_wrong_clock_is_named_with_its_course_and_date() {
    let here = folder();
    let (log, out) = (here.path().join("tracking.log"), here.path().join("out"));
    let line = |who: u32, at: &str| {
        format!(
            r#"{{"username":"u{who}","event_source":"browser","event_type":"page_close","time":"{at}T09:00:00","context":{{"course_id":"a/b/c"}},"event":"{{}}"}}"#
        ) + "\n"
    };
    let days = |who: u32| {
        (1..if who.is_multiple_of(2) { 29 } else { 10 }).map(move |day| line(who, &format!("2023-09-{day:02}")))
    };
    let regular: String = (0..12).flat_map(days).collect();
    for (stray, summary) in [
        ("", "6 dropouts (50.0 %)"),
        ("2026-02-03", "course a/b/c: 1 event on 2026-02-03, far from all others: set aside"),
        ("2003-02-01", "course a/b/c: 1 event on 2003-02-01, far from all others: set aside"),
    ] {
        let more = if stray.is_empty() { String::new() } else { line(3, stray) };
        fs::write(&log, format!("{more}{regular}")).expect("writable");
        run("preprocess {} --out {} --force", &[&log, &out]).expect(0).says(&[
            summary,
            "of up to 4 weeks",
            "6 dropouts (50.0 %) of the 12 enrolments",
            "2023-09-29 00:00:00, the end of its newest event's day",
        ]);
    }
}

#[test]
fn where_no_outcome_is_known_yet_the_summary_says_how_to_say_that_the_log_is_complete() {
    let here = folder();
    let (logs, out) = (here.path().join("logs"), here.path().join("out"));
    // Nobody works on the last days.
    let log = TinyLog {
        dates: "course_id,from,to\na,2014-06-01,2014-06-26\nb,2014-06-01,2014-06-27\n".to_owned(),
        ..TinyLog::default()
    };
    log.write(&logs);
    fs::remove_file(logs.join("truth.csv")).expect("written just now");
    run("preprocess {} --out {}", &[&logs, &out]).expect(0).says(&[
        "no enrolment's outcome is known",
        "6 unknown: the course was not over when the log was taken",
        "If the log is complete until then, add --as-of 2014-06-28: the outcomes are then known.",
    ]);
    let ran = run("preprocess {} --out {} --force --as-of 2014-06-28", &[&logs, &out]).expect(0);
    assert!(!ran.stdout.contains("--as-of") && ran.stdout.contains("2014-06-28 00:00:00, as given"), "{}", ran.stdout);
    assert!(!ran.stdout.contains("unknown: the course"), "{}", ran.stdout);
}

#[test]
fn compressed_files_and_any_number_of_threads_give_the_same_bytes() {
    let here = folder();
    let (logs, packed) = (here.path().join("logs"), here.path().join("packed"));
    simulate(150, &logs);
    fs::create_dir(&packed).expect("a new folder");
    for name in ["enrollment.csv", "date.csv", "object.csv", "truth.csv"] {
        fs::copy(logs.join(name), packed.join(name)).expect("copied");
    }
    let file = fs::File::create(packed.join("log.csv.gz")).expect("a new file");
    let mut gzip = flate2::write::GzEncoder::new(file, flate2::Compression::fast());
    gzip.write_all(&fs::read(logs.join("log.csv")).expect("readable")).expect("writable");
    gzip.finish().expect("writable");

    let [one, two, three, small, gz] = ["one", "two", "three", "small", "gz"].map(|name| here.path().join(name));
    run("preprocess {} --out {} --threads 1", &[&logs, &one]).expect(0);
    run("preprocess {} --out {} --threads 2", &[&logs, &two]).expect(0);
    run("preprocess {} --out {} --threads 3", &[&logs, &three]).expect(0);
    run("preprocess {} --out {} --memory 1MB", &[&logs, &small]).expect(0);
    run("preprocess {} --out {}", &[&packed, &gz]).expect(0);
    assert_same_bytes(&one, &two);
    assert_same_bytes(&one, &three);
    assert_same_bytes(&one, &small);
    // The manifests name and hash other input files; the data is the same.
    for name in ["sequences.parquet", "enrolments.parquet", "courses.parquet"] {
        assert!(fs::read(one.join(name)).expect("readable") == fs::read(gz.join(name)).expect("readable"), "{name}");
    }
}

#[test]
fn options_reach_the_sequences() {
    let here = folder();
    let (logs, out) = (here.path().join("logs"), here.path().join("out"));
    TinyLog::default().write(&logs);
    let labels = here.path().join("labels.csv");
    fs::write(&labels, "enrolment_id,dropout\n1,0\n2,0\n3,1\n").expect("writable");
    let courses = here.path().join("courses.csv");
    fs::write(&courses, "course_id,from,to\na,2014-06-01,2014-06-28\nb,2014-06-01,2014-06-28\n").expect("writable");
    let printed = run(
        "preprocess {} --out {} --labels {} --courses {} --weeks 3 --features core --raw-kinds --json",
        &[&logs, &out, &labels, &courses],
    )
    .expect(0)
    .json();
    let manifest = &printed["manifest"];
    assert_eq!(manifest["calendar"]["weeks"], 3);
    assert_eq!(manifest["calendar"]["source"], "courses-file");
    assert_eq!((&manifest["labels"]["known"], &manifest["labels"]["dropouts"]), (&3.into(), &1.into()));
    assert_eq!(manifest["feature_set"], "core");
    let names: Vec<&str> = manifest["features"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|feature| feature["name"].as_str())
        .collect();
    assert!(names.contains(&"n_raw_server_access"), "{names:?}");

    let printed =
        run("preprocess {} --out {} --force --dropout inactive-last=1 --as-of 2014-07-20 --json", &[&logs, &out])
            .expect(0)
            .json();
    assert_eq!(printed["manifest"]["labels"]["rule"], "inactive-last 1");
    assert_eq!(printed["manifest"]["labels"]["dropouts"], 5);

    // Of a log taken in mid-course, later weeks are not observed and outcomes are not known.
    let printed = run("preprocess {} --out {} --force --as-of 2014-06-15 --json", &[&logs, &out]).expect(0).json();
    assert_eq!(printed["manifest"]["calendar"]["as_of"], "2014-06-15T00:00:00");
    assert_eq!(printed["manifest"]["labels"]["known"], 0);
    let printed = run("inspect {} --json", &[&out]).expect(0).json();
    assert_eq!(printed["courses"][0]["observed_weeks"], 2);
}

#[test]
fn a_log_is_inspected_before_anything_is_made_of_it() {
    let here = folder();
    let logs = here.path().join("logs");
    let mut log = TinyLog::default();
    log.log += "1,then,server,access,o\n";
    log.write(&logs);
    run("inspect {}", &[&logs]).expect(0).says(&["format kdd2015", "169 of the log, 168 usable", "bad time", "Next:"]);
    let printed = run("inspect {} --json", &[&logs]).expect(0).json();
    assert_eq!(printed["kind"], "log");
    assert_eq!(printed["rows"]["rejected"]["bad_time"]["rows"], 1);
    assert_eq!(printed["courses"].as_array().map(Vec::len), Some(2));
    assert_eq!(names_in(here.path()), ["logs"]);
}

#[test]
fn a_table_is_read_through_a_mapping() {
    let here = folder();
    let (input, out) = (here.path().join("input"), here.path().join("out"));
    fs::create_dir(&input).expect("a new folder");
    let mapping = here.path().join("mapping.toml");
    fs::write(&mapping, include_str!("fixtures/table/mapping.toml")).expect("writable");
    for (name, text) in [
        ("clicks.csv", include_str!("fixtures/table/clicks.csv")),
        ("people.csv", include_str!("fixtures/table/people.csv")),
        ("dates.csv", include_str!("fixtures/table/dates.csv")),
    ] {
        fs::write(input.join(name), text).expect("writable");
    }
    let printed = run("preprocess {} --mapping {} --out {} --json", &[&input, &mapping, &out]).expect(0).json();
    assert_eq!(printed["manifest"]["format"], "table");
    assert_eq!(printed["manifest"]["totals"]["events"], 9);
    run("inspect {} --mapping {}", &[&input, &mapping]).expect(0).says(&["format table"]);
}

/// Lines and columns of a terminal.
const SCREEN: (usize, usize) = (24, 80);

#[track_caller]
fn assert_fits_a_screen(summary: &str) {
    assert!(summary.lines().count() <= SCREEN.0, "{} lines:\n{summary}", summary.lines().count());
    for line in summary.lines().filter(|line| !line.starts_with("Next:")) {
        assert!(line.chars().count() <= SCREEN.1, "{line}");
    }
}

/// A log with a row for each of many reasons to reject or set aside one.
fn faulty_log() -> TinyLog {
    let mut log = TinyLog::default();
    for row in [
        "1,then,server,access,o",
        "1,2014-06-02T10:00:00,server",
        ",2014-06-02T10:00:00,server,access,o",
        "1,2044-06-02T10:00:00,server,access,o",
        "1,2014-07-20T10:00:00,server,access,o",
        "1,2014-06-02T10:00:00,server,,o",
        "stranger,2014-06-02T10:00:00,server,access,o",
    ] {
        log.log += &format!("{row}\n");
    }
    log.enrolments += "7,zoe\n8,zoe,nowhere\n,zoe,a\n";
    log.dates += "c,2014-06-01\nd,then,2014-06-30\n";
    log.truth += "1,2\nnobody,1\n";
    log
}

#[test]
fn the_summary_fits_a_screen_with_what_was_rejected_first() {
    let here = folder();
    let (logs, out) = (here.path().join("logs"), here.path().join("out"));
    faulty_log().write(&logs);
    let ran = run("preprocess {} --out {} --max-rejected 1", &[&logs, &out]).expect(0);
    assert_fits_a_screen(&ran.stdout);
    let place = |text: &str| ran.stdout.find(text).unwrap_or_else(|| panic!("no `{text}` in\n{}", ran.stdout));
    assert!(place("Rejected") < place("Set aside") && place("Set aside") < place("Features"), "{}", ran.stdout);
    assert!(ran.stdout.contains("(--verbose says which and why)"), "{}", ran.stdout);
    assert!(ran.stdout.contains("more reasons, which --verbose and manifest.json list"), "{}", ran.stdout);
    assert_fits_a_screen(&run("preprocess {} --out {} --max-rejected 1 --resume", &[&logs, &out]).expect(0).stdout);

    // In full: every reason, and every null feature with what it lacks; the manifest has both, too.
    let printed = run("preprocess {} --out {} --max-rejected 1 --force --json", &[&logs, &out]).expect(0).json();
    let full = run("preprocess {} --out {} --max-rejected 1 --force --verbose", &[&logs, &out]).expect(0).stdout;
    let words = full.split_whitespace().collect::<Vec<_>>().join(" ");
    let features = printed["manifest"]["features"].as_array().expect("a list");
    let null: Vec<&serde_json::Value> = features.iter().filter(|feature| feature["lacking"].is_string()).collect();
    assert!(!null.is_empty());
    for feature in null {
        assert!(words.contains(feature["name"].as_str().expect("a name")), "{feature}\n{full}");
        assert!(words.contains(feature["lacking"].as_str().expect("a reason")), "{feature}\n{full}");
    }
    for reasons in ["rejected", "rejected_roster", "set_aside"] {
        for (reason, count) in printed["manifest"]["rows"][reasons].as_object().expect("by reason") {
            assert!(words.contains(&count["rows"].to_string()), "{reason}\n{full}");
        }
    }
    assert!(full.lines().all(|line| line.chars().count() <= SCREEN.1), "{full}");
}

#[test]
fn other_formats_fit_a_screen_too() {
    let here = folder();
    for format in ["edx", "oulad", "kdd2015"] {
        let (logs, out) = (here.path().join(format), here.path().join(format!("{format}-sequences")));
        let simulated =
            run(&format!("simulate --out {{}} --format {format} --learners 60 --weeks 6"), &[&logs]).expect(0);
        // The command that it names next is the one that works.
        let next = simulated.stdout.lines().find_map(|line| line.strip_prefix("Next: staycast "));
        let next = next.expect("a command").strip_suffix(" --out sequences").expect("a folder to write").to_owned();
        let ran = run(&format!("{next} --out {{}}"), &[&out]).expect(0);
        assert_fits_a_screen(&ran.stdout);
    }
}

#[test]
fn one_of_a_kind_is_singular() {
    let here = folder();
    let (logs, out) = (here.path().join("logs"), here.path().join("out"));
    let log = TinyLog {
        log: "enrollment_id,time,source,event,object\n1,2014-06-01T10:00:00,server,access,o\n".to_owned(),
        enrolments: "enrollment_id,username,course_id\n1,anna,a\n".to_owned(),
        dates: "course_id,from,to\na,2014-06-01,2014-06-07\n".to_owned(),
        truth: "1,1\n".to_owned(),
    };
    log.write(&logs);
    // Running a command checks that what follows a 1 is singular.
    run("preprocess {} --out {}", &[&logs, &out]).expect(0).says(&[
        "of 1 learner",
        "1 dropout (100.0 %) of the 1 enrolment",
        "of up to 1 week;",
    ]);
    run("inspect {}", &[&logs]).expect(0).says(&["1 enrolment of 1 learner"]);
    run("inspect {}", &[&out]).expect(0).says(&["1 row, one an enrolment and week; 1 event"]);
}

/// A log of Open edX in a subfolder, beside a file that is none.
fn small_log(here: &std::path::Path) -> std::path::PathBuf {
    let logs = here.join("logs");
    fs::create_dir_all(logs.join("january")).expect("writable");
    let line = |user: &str, day: u32| {
        format!(
            "{{\"username\": \"{user}\", \"event_source\": \"browser\", \"event_type\": \"play_video\", \"event\": \"{{}}\", \
             \"time\": \"2024-01-{day:02}T10:00:00+00:00\", \"context\": {{\"course_id\": \"course-v1:U+C+R\"}}}}\n"
        )
    };
    let rows: String = (1..=20).map(|day| line(if day % 2 == 0 { "ann" } else { "bob" }, day)).collect();
    fs::write(logs.join("january/tracking.log"), format!("{rows}no JSON\n")).expect("writable");
    fs::write(logs.join("README.md"), "About these logs.\n").expect("writable");
    logs
}

#[test]
fn inspect_and_a_dry_run_say_what_each_file_holds_and_what_would_become_of_it() {
    let here = folder();
    let logs = small_log(here.path());
    for line in ["inspect {}", "preprocess {} --dry-run --max-rejected 1"] {
        let ran = run(line, &[&logs]).expect(0);
        let parts = [
            "A log of format edx",
            "tracking.log (log, ",
            "UTF-8): 21 rows from 2024-01-01 to 2024-01-20, 2 enrolments in 1 course",
            "README.md: has no events with event_source, event_type and time",
            "21 of the log, 20 usable",
            "1 malformed",
            "video 20 (unengaged_video 20)",
            "2 enrolments of 2 learners",
        ];
        let ran = ran.says(&parts);
        assert!(!ran.stdout.contains("ann") && !ran.stdout.contains("bob"), "{}", ran.stdout);
        assert!(ran.stdout.lines().count() <= SCREEN.0, "{}", ran.stdout);
        let printed = run(&format!("{line} --json"), &[&logs]).expect(0).json();
        let file = &printed["files"][0];
        assert_eq!((file["encoding"].as_str(), file["compression"].as_str()), (Some("UTF-8"), Some("none")));
        assert_eq!((file["events"]["rows"].as_u64(), file["events"]["rejected"].as_u64()), (Some(21), Some(1)));
        assert_eq!(printed["left_out"][0]["file"], "README.md");
    }
    assert_eq!(names_in(here.path()), ["logs"], "nothing is written");
    run("preprocess {} --dry-run", &[&logs]).expect(3);
}

#[test]
fn a_file_that_is_not_read_is_named_on_the_screen_and_in_the_manifest() {
    let here = folder();
    let (logs, out) = (small_log(here.path()), here.path().join("out"));
    let why = "has no events with event_source, event_type and time near its beginning";
    run("preprocess {} --out {} --max-rejected 1", &[&logs, &out])
        .expect(0)
        .says(&["Not read", "README.md: has no events"]);
    let manifest: serde_json::Value =
        serde_json::from_slice(&fs::read(out.join("manifest.json")).expect("a manifest")).expect("JSON");
    assert_eq!(manifest["left_out"], serde_json::json!([{ "file": "README.md", "why": why }]));
    let readme = logs.join("README.md");
    let ran = run("preprocess {} {} --out x", &[&logs.join("january/tracking.log"), &readme]).expect(2);
    ran.complains(&["README.md: this file is not read, as it has no events", "leave it out"]);
}
