//! `staycast preprocess` when things go wrong: nothing half-written is ever left under its final name.

mod common;

use std::fs;
use std::path::Path;

use common::{
    TinyLog, arguments, assert_same_bytes, command, folder, kill_when, names_in, run, run_with_file_limit, simulate,
};

#[test]
fn an_existing_output_is_refused_unless_forced() {
    let here = folder();
    let (logs, out) = (here.path().join("logs"), here.path().join("out"));
    TinyLog::default().write(&logs);
    run("preprocess {} --out {}", &[&logs, &out]).expect(0);
    let before = fs::read(out.join("manifest.json")).expect("readable");
    run("preprocess {} --out {} --weeks 2", &[&logs, &out]).expect(1).complains(&["exists", "--force"]);
    assert_eq!(fs::read(out.join("manifest.json")).expect("readable"), before);
    run("preprocess {} --out {} --weeks 2 --force", &[&logs, &out]).expect(0);
    assert_ne!(fs::read(out.join("manifest.json")).expect("readable"), before);
    assert_eq!(names_in(here.path()), ["logs", "out"]);
}

#[test]
fn force_replaces_sequences_and_nothing_else() {
    let here = folder();
    let (logs, out) = (here.path().join("logs"), here.path().join("thesis"));
    TinyLog::default().write(&logs);
    fs::create_dir(&out).expect("a new folder");
    fs::write(out.join("chapter-1.txt"), "years of work").expect("writable");
    run("preprocess {} --out {} --force", &[&logs, &out]).expect(1).complains(&["not a sequences folder"]);
    run("preprocess {} --out {} --resume", &[&logs, &out]).expect(1);
    assert_eq!(names_in(&out), ["chapter-1.txt"]);
}

#[test]
fn resume_keeps_what_is_finished_and_refuses_what_is_other() {
    let here = folder();
    let (logs, out) = (here.path().join("logs"), here.path().join("out"));
    TinyLog::default().write(&logs);
    run("preprocess {} --out {} --resume", &[&logs, &out]).expect(0);
    let before = fs::metadata(out.join("manifest.json")).and_then(|file| file.modified()).expect("a time");
    let printed = run("preprocess {} --out {} --resume --json", &[&logs, &out]).expect(0).json();
    assert_eq!(printed["kept"], true);
    assert_eq!(fs::metadata(out.join("manifest.json")).and_then(|file| file.modified()).expect("a time"), before);
    run("preprocess {} --out {} --resume --weeks 2", &[&logs, &out]).expect(1).complains(&["other options"]);
    let mut log = TinyLog::default();
    log.log += "1,2014-06-20T10:00:00,server,access,o\n";
    log.write(&logs);
    run("preprocess {} --out {} --resume", &[&logs, &out]).expect(1).complains(&["another input"]);
}

#[test]
fn an_output_that_cannot_be_written_is_an_error() {
    let here = folder();
    let logs = here.path().join("logs");
    TinyLog::default().write(&logs);
    let file = here.path().join("file");
    fs::write(&file, "").expect("writable");
    run("preprocess {} --out {}", &[&logs, &file.join("out")]).expect(1).complains(&["written"]);
    run("preprocess {} --out {}", &[&logs, Path::new("/dev/null/out")]).expect(1);
}

#[test]
fn a_full_disk_leaves_nothing() {
    let here = folder();
    let (logs, out) = (here.path().join("logs"), here.path().join("out"));
    simulate(150, &logs);
    run_with_file_limit(8, "preprocess {} --out {}", &[&logs, &out]).expect(1).complains(&["error:"]);
    assert_eq!(names_in(here.path()), ["logs"]);
    // While events are spilled, too.
    run_with_file_limit(8, "preprocess {} --out {} --memory 1MB", &[&logs, &out]).expect(1);
    assert_eq!(names_in(here.path()), ["logs"]);
}

/// Tells whether a draft of an output is being written in `folder`.
fn has_draft(folder: &Path) -> bool {
    names_in(folder).iter().any(|name| name.contains(".draft-"))
}

#[test]
fn a_killed_build_leaves_nothing_and_is_built_anew() {
    let here = folder();
    let (logs, whole) = (here.path().join("logs"), here.path().join("whole"));
    simulate(2_500, &logs);
    run("preprocess {} --out {}", &[&logs, &whole]).expect(0);
    let work = here.path().join("work");
    fs::create_dir(&work).expect("a new folder");
    let out = work.join("out");
    let line = arguments("preprocess {} --out {} --resume", &[&logs, &out]);
    // Once as soon as something is written, once when the weeks are on their way to the disk.
    for stage in ["", "sequences.parquet"] {
        let there = || {
            let drafts = names_in(&work).into_iter().filter(|name| name.contains(".draft-"));
            drafts.map(|draft| work.join(draft).join(stage)).any(|path| path.exists())
        };
        assert!(kill_when(command(&line), there), "the build was over before it could be killed");
        assert!(!out.exists());
        assert!(has_draft(&work));
    }
    common::staycast(&line).expect(0);
    assert!(!has_draft(&work), "{:?}", names_in(&work));
    assert_same_bytes(&whole, &out);
}

#[test]
fn bad_input_is_refused_with_the_file_and_what_to_do() {
    let whole = TinyLog::default();
    type Change = fn(&Path);
    let cases: [(&str, Change, &[&str]); 6] = [
        (
            "an empty folder",
            |logs| {
                for file in fs::read_dir(logs).expect("readable") {
                    fs::remove_file(file.expect("an entry").path()).expect("removable");
                }
            },
            &["no format fits", "--format"],
        ),
        ("no enrolments", |logs| fs::remove_file(logs.join("enrollment.csv")).expect("removable"), &["enrol"]),
        ("no calendar", |logs| fs::remove_file(logs.join("date.csv")).expect("removable"), &["date.csv"]),
        (
            "binary",
            |logs| fs::write(logs.join("date.csv"), b"PK\x03\x04\0\0\0\0").expect("writable"),
            &["date.csv", "zip archive", "unpack it"],
        ),
        (
            "nothing but rubbish",
            |logs| {
                fs::write(logs.join("log.csv"), "enrollment_id,time,source,event,object\nx\ny\n").expect("writable");
            },
            &["not one of the 2 rows", "log.csv line 2"],
        ),
        (
            "a missing column",
            |logs| {
                fs::write(logs.join("enrollment.csv"), "enrollment_id,course_id\n1,a\n").expect("writable");
            },
            &["username"],
        ),
    ];
    for (case, change, complaints) in cases {
        let here = folder();
        let (logs, out) = (here.path().join("logs"), here.path().join("out"));
        whole.write(&logs);
        change(&logs);
        let ran = run("preprocess {} --out {}", &[&logs, &out]);
        assert_eq!(ran.status, Some(1), "{case}: {}{}", ran.stdout, ran.stderr);
        ran.complains(complaints);
        assert_eq!(names_in(here.path()), ["logs"], "{case}");
    }
}
