//! `staycast mapping`: from a table of no known format to sequences.

mod common;

use std::fmt::Write;
use std::fs;

use common::{folder, names_in, replace_in, run};

/// A month of a made-up platform's clicks: semicolons, days before months, no seconds.
fn clicks(from: u32) -> String {
    let mut text = "student;course;at;what;page\n".to_owned();
    for day in from..from + 10 {
        for learner in 1..=5 {
            let what = ["video_play", "quiz_answer", "page_open"][(day + learner) as usize % 3];
            writeln!(text, "{learner};algebra;{day:02}/09/2023 10:0{learner};{what};p{day}").expect("text takes it");
        }
    }
    text
}

#[test]
fn a_draft_is_completed_checked_and_read() {
    let here = folder();
    let [logs, mapping, out] = ["logs", "clicks.toml", "out"].map(|name| here.path().join(name));
    fs::create_dir(&logs).expect("a new folder");
    fs::write(logs.join("clicks_1.csv"), clicks(1)).expect("writable");
    fs::write(logs.join("clicks_2.csv"), clicks(3)).expect("writable");
    run("mapping new {} --out {}", &[&logs, &mapping]).expect(0).says(&[
        "fields are separated by `;`",
        "learner: `student`",
        "course: `course`",
        "time: `at`, of format \"%d/%m/%Y %H:%M\"",
        "whether the day or the month comes first in `at`",
        "Next: staycast mapping check",
    ]);
    run("mapping new {} --out {}", &[&logs, &mapping]).expect(2).complains(&["exists; choose another --out"]);
    // Completed: the kind that its name does not tell well counts as something else.
    replace_in(&mapping, "\"page_open\" = \"access\"", "\"page_open\" = \"navigate\"");
    run("mapping check {} {}", &[&mapping, &logs]).expect(0).says(&[
        "log: learner is `student`",
        "100 of the log, 100 usable",
        "navigate 34 (page_open 34)",
        "5 enrolments",
        "1 course with dates inferred from the events",
        "algebra  2023-09-01  2023-09-12",
    ]);
    run("preprocess {} --mapping {} --out {}", &[&logs, &mapping, &out]).expect(0).says(&["100 of the log: 100 used"]);
    assert!(names_in(&out).contains(&"sequences.parquet".to_owned()));
}

#[test]
fn a_check_says_what_is_not_understood() {
    let here = folder();
    let (log, mapping) = (here.path().join("log.csv"), here.path().join("m.toml"));
    let mut rows = "user,at,what\n".to_owned();
    for number in 0..40 {
        writeln!(rows, "u{},2023-09-0{} 10:00,{}", number % 10, number % 9 + 1, ["play", "hum"][number % 2])
            .expect("text takes it");
    }
    rows += "u1,04/09/2023 10:00,play\n";
    fs::write(&log, rows).expect("writable");
    let text = "single_course = \"C\"\n[log]\nfiles = \"log.csv\"\ncolumns.learner = \"user\"\ncolumns.time = \"at\"\n\
         columns.activity = \"what\"\n[activities.kinds]\nplay = \"video\"\nsing = \"live\"\n";
    fs::write(&mapping, text).expect("writable");
    let ran = run("mapping check {} {}", &[&mapping, &log]).expect(3).says(&[
        "41 of the log, 40 usable",
        "times like it have the format \"%d/%m/%Y %H:%M\" or \"%m/%d/%Y %H:%M\"",
        "video 20 (play 20)",
        "no events of sing",
        "20 rows used (50.0 %) of unknown kinds",
        "hum 20",
    ]);
    assert!(!ran.stdout.contains("u1"), "{}", ran.stdout);
    let printed = run("mapping check {} {} --json", &[&mapping, &log]).expect(3).json();
    assert_eq!((&printed["usable"], &printed["unknown_kinds"]["rows"]), (&true.into(), &20.into()));
    // Nothing that the mapping says of the time is so: not one row can be used.
    fs::write(&mapping, text.replace("\"at\"", "{ column = \"at\", format = \"unix\" }")).expect("writable");
    run("mapping check {} {}", &[&mapping, &log]).expect(1);
    // A fault of the mapping itself is named with its line.
    fs::write(&mapping, text.replace("files", "fiels")).expect("writable");
    run("mapping check {} {}", &[&mapping, &log]).expect(1).complains(&["unknown field `fiels`", "line 3"]);
}

#[test]
fn a_draft_goes_to_stdout_as_a_mapping_and_nothing_else() {
    let here = folder();
    let log = here.path().join("log.csv");
    fs::write(&log, clicks(1)).expect("writable");
    let ran = run("mapping new {}", &[&log]).expect(0);
    assert!(ran.stdout.starts_with("# A mapping of log.csv, drafted from 50 rows."), "{}", ran.stdout);
    assert!(ran.stdout.contains("\n[log]\nfiles = [\"log.csv\"]\n"), "{}", ran.stdout);
    assert!(ran.stderr.contains("To fill in"), "{}", ran.stderr);
}

#[test]
fn a_row_without_a_kind_is_no_kind_of_its_own() {
    let here = folder();
    let [log, draft] = ["log.csv", "draft.toml"].map(|name| here.path().join(name));
    let rows: String = (1..9).map(|day| format!("u{},C1,2023-09-0{day} 10:00,view\n", day % 5)).collect();
    for missing in ["", "NA"] {
        let text = format!("user,course,time,action\n{rows}u1,C1,2023-09-09 10:00,{missing}\n");
        fs::write(&log, text).expect("writable");
        let ran = run("mapping new {}", &[&log]).expect(0);
        assert!(!ran.stdout.contains("free text"), "{}", ran.stdout);
    }
    run("mapping new {} --out {}", &[&log, &draft]).expect(0);
}
