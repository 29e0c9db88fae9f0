//! Every file offered is read, or named with the reason why not.

use std::path::PathBuf;

use staycast_events::formats::{self, OpenOptions};
use staycast_events::{ReadError, Source};

use crate::common::{Folder, events, gzip, without_folder, zstandard};

/// The formats that are told from files, each with a log of its fixture.
const LOGS: [(&str, &str); 9] = [
    ("kdd2015", "log.csv"),
    ("oulad", "studentVle.csv"),
    ("edx", "tracking.log"),
    ("xapi", "statements.jsonl"),
    ("caliper", "events.jsonl"),
    ("xuetangx2019", "train_log.csv"),
    ("moodle", "mdl_logstore_standard_log.csv"),
    ("coursera", "video-2016-02.csv"),
    ("futurelearn", "algebra-1_step-activity.csv"),
];

fn open(folder: &Folder) -> Result<Source, ReadError> {
    formats::open(&[folder.path().to_owned()], &OpenOptions::default())
}

fn error(inputs: &[PathBuf], options: &OpenOptions, folder: &Folder) -> String {
    match formats::open(inputs, options) {
        Ok(source) => panic!("opened as {}", source.format),
        Err(error) => without_folder(folder.path(), &error),
    }
}

fn left_out(source: &Source) -> Vec<String> {
    // FutureLearn's fixture has a table that no reader has a use for.
    let others = source.files.left_out.iter().filter(|file| !file.file.ends_with("video-stats.csv"));
    others.map(|file| format!("{} {}", file.file, file.why)).collect()
}

fn expected(format: &str) -> Vec<String> {
    events(&open(&Folder::copy_of(&format!("{format}/base"))).unwrap())
}

/// A JSON line of over 100 KB in place of the first one.
fn with_a_long_member(line: &str) -> String {
    line.replacen('{', &format!("{{\"padding\": \"{}\", ", "x".repeat(100_000)), 1)
}

#[test]
fn every_file_is_read_or_named_with_a_reason() {
    for (format, _) in LOGS {
        let folder = Folder::copy_of(&format!("{format}/base"));
        folder.write("zz/README.md", b"About this export.\n");
        folder.write("zz/empty.csv", b"");
        folder.write("zz/sheet.xlsx", b"PK\x03\x04....xl/workbook.xml");
        let source = open(&folder).unwrap();
        assert_eq!((source.format, events(&source)), (format, expected(format)));
        let out = left_out(&source);
        assert_eq!(out.len(), 3, "{format}: {out:?}");
        assert!(out[0].starts_with("zz/README.md has ") || out[0].starts_with("zz/README.md is "), "{}", out[0]);
        assert_eq!(
            out[1..],
            ["zz/empty.csv is empty", "zz/sheet.xlsx is a spreadsheet; save each sheet as CSV in UTF-8"]
        );
    }
}

#[test]
fn a_named_file_that_is_not_read_is_an_error() {
    for (format, log) in LOGS {
        let folder = Folder::copy_of(&format!("{format}/base"));
        let mut inputs: Vec<PathBuf> =
            std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
        inputs.retain(|path| !path.ends_with("algebra-1_video-stats.csv"));
        inputs.sort();
        let source = formats::open(&inputs, &OpenOptions::default()).unwrap();
        assert_eq!(events(&source), expected(format), "{format}");
        folder.write("notes.txt", b"About this export.\n");
        inputs.push(folder.path().join("notes.txt"));
        let told = error(&inputs, &OpenOptions::default(), &folder);
        assert!(told.starts_with("notes.txt: this file is not read, as it "), "{format}: {told}");
        let utf_16: Vec<u8> =
            String::from_utf8(folder.bytes(log)).unwrap().encode_utf16().flat_map(u16::to_le_bytes).collect();
        folder.write("notes.txt", &utf_16);
        let told = error(&inputs, &OpenOptions::default(), &folder);
        if format != "futurelearn" {
            assert!(told.contains("as it is UTF-16 without a byte-order mark; convert it"), "{format}: {told}");
        }
    }
}

#[test]
fn logs_in_subfolders_are_found() {
    for (format, _) in LOGS {
        let sound = Folder::copy_of(&format!("{format}/base"));
        let folder = Folder::of(&[]);
        for entry in std::fs::read_dir(sound.path()).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            folder.write(&format!("a/b/{name}"), &sound.bytes(&name));
        }
        let source = open(&folder).unwrap();
        assert_eq!(events(&source), expected(format), "{format}");
        assert!(left_out(&source).is_empty());
    }
}

#[test]
fn packed_copies_under_other_names_are_read_once() {
    let copies = [("kdd2015", "log.csv", "log_train.csv"), ("edx", "tracking.log", "tracking-20230930.log")];
    let coursera = ("coursera", "video-2016-02.csv", "video-all.csv");
    for (format, log, other) in copies.into_iter().chain([coursera]) {
        let folder = Folder::copy_of(&format!("{format}/base"));
        let text = folder.bytes(log);
        folder.write(&format!("{other}.gz"), &gzip(&text));
        folder.write(&format!("{other}.zst"), &zstandard(&text));
        let source = open(&folder).unwrap();
        assert_eq!(events(&source), expected(format), "{format}");
        let out = left_out(&source);
        assert_eq!(out.len(), 2, "{format}: {out:?}");
        assert!(out.iter().all(|file| file.contains(" is an identical copy of ")), "{format}: {out:?}");
    }
}

#[test]
fn identical_copies_are_read_once() {
    for (format, log) in LOGS {
        let folder = Folder::copy_of(&format!("{format}/base"));
        let bytes = folder.bytes(log);
        folder.write(&format!("zz/{log}"), &bytes);
        let (stem, ending) = log.rsplit_once('.').unwrap();
        let second = format!("{stem} (1).{ending}");
        folder.write(&second, &bytes);
        folder.write(&format!("{log}.zst"), &zstandard(&bytes));
        let source = open(&folder).unwrap();
        assert_eq!(events(&source), expected(format), "{format}");
        let why = "looks like another download or copy of";
        let mut out = left_out(&source);
        out.sort();
        let mut told = vec![
            format!("{log}.zst is an identical copy of {log}, which is read"),
            format!("zz/{log} is an identical copy of {log}, which is read"),
            format!("{second} {why} {log}; if it holds other rows, give it another name"),
        ];
        told.sort();
        assert_eq!(out, told, "{format}");
    }
}

#[test]
fn a_second_download_is_read_where_there_is_no_first() {
    for (format, log) in LOGS {
        let folder = Folder::copy_of(&format!("{format}/base"));
        let bytes = folder.bytes(log);
        folder.remove(log);
        let (stem, ending) = log.rsplit_once('.').unwrap();
        folder.write(&format!("{stem} (1).{ending}.gz"), &gzip(&bytes));
        let source = open(&folder).unwrap();
        assert_eq!(events(&source), expected(format), "{format}");
        assert!(left_out(&source).is_empty());
        let note = format!("{stem} (1).{ending}.gz is read in place of {stem}.{ending}.gz, which is not there");
        assert_eq!(source.files.notes, [note]);
    }
}

#[test]
fn two_numbered_files_with_other_rows_are_both_read() {
    let half = |from: usize| {
        let line = |who: usize| {
            format!(
                r#"{{"username":"u{who}","event_source":"browser","event_type":"page_close","time":"2023-09-04T10:00:00","context":{{"course_id":"a/b/c"}},"event":"{{}}"}}"#
            ) + "\n"
        };
        (from..from + 3).map(line).collect::<String>()
    };
    let folder = Folder::of(&[("t (1).log", half(0).as_bytes()), ("t (2).log", half(3).as_bytes())]);
    let source = open(&folder).unwrap();
    assert_eq!((events(&source).len(), left_out(&source).len()), (6, 0));
    // Where they are the same, one is a copy.
    let folder = Folder::of(&[("t (1).log", half(0).as_bytes()), ("t (2).log", half(0).as_bytes())]);
    let source = open(&folder).unwrap();
    assert_eq!(events(&source).len(), 3);
    assert_eq!(left_out(&source), ["t (2).log is an identical copy of t (1).log, which is read"]);
}

#[test]
fn an_empty_file_beside_good_ones_stops_nothing() {
    for (format, log) in LOGS {
        for empty in [&b""[..], b"\xef\xbb\xbf", b"\n \n", &[0; 100]] {
            let folder = Folder::copy_of(&format!("{format}/base"));
            // A run of FutureLearn without its steps is another matter.
            let name = if format == "futurelearn" { "algebra-1_comments.csv".to_owned() } else { format!("2/{log}") };
            folder.write(&name, empty);
            let source = open(&folder).unwrap();
            let out = left_out(&source);
            let said =
                out.iter().any(|line| line.starts_with(&format!("{name} is empty")) || line.contains("nothing but"));
            assert!(said, "{format}: {out:?}");
        }
    }
    for (format, optional) in [
        ("kdd2015", "object.csv"),
        ("oulad", "studentAssessment.csv"),
        ("xuetangx2019", "course_info.csv"),
        ("moodle", "mdl_course.csv"),
        ("futurelearn", "algebra-1_question-response.csv"),
    ] {
        let folder = Folder::copy_of(&format!("{format}/base"));
        folder.remove(optional);
        folder.write(optional, b"");
        assert_eq!(left_out(&open(&folder).unwrap()), [format!("{optional} is empty")], "{format}");
    }
}

#[test]
fn a_run_whose_steps_are_an_empty_file_is_no_run_of_silent_learners() {
    let folder = Folder::copy_of("futurelearn/base");
    folder.write("algebra-1_step-activity.csv", b"");
    folder
        .write("logic-1_step-activity.csv", &Folder::copy_of("futurelearn/base").bytes("algebra-1_step-activity.csv"));
    folder.write("logic-1_enrolments.csv", &folder.bytes("algebra-1_enrolments.csv"));
    assert_eq!(
        error(&[folder.path().to_owned()], &OpenOptions::default(), &folder),
        "algebra-1_step-activity.csv: the file is empty; the log table needs rows"
    );
}

#[test]
fn a_first_line_past_the_head_hides_no_log() {
    for (format, log) in [("edx", "tracking.log"), ("xapi", "statements.jsonl"), ("caliper", "events.jsonl")] {
        let folder = Folder::copy_of(&format!("{format}/base"));
        let text = String::from_utf8(folder.bytes(log)).unwrap();
        let (first, rest) = text.split_once('\n').unwrap();
        folder.write(log, format!("{}\n{rest}", with_a_long_member(first)).as_bytes());
        assert_eq!(events(&open(&folder).unwrap()), expected(format), "{format}");
        // Megabytes of something else come first.
        let noise = format!("{}\n", "# a comment of a hundred signs".repeat(4)).repeat(10_000);
        let noise = if format == "edx" { noise } else { format!("{{\"padding\": \"{}\"}}\n", "x".repeat(9 << 20)) };
        folder.write(log, format!("{noise}{text}").as_bytes());
        assert_eq!(events(&open(&folder).unwrap()), expected(format), "{format}");
    }
}

#[test]
fn a_log_that_begins_with_zero_bytes_is_read_and_it_is_said() {
    for (format, log) in LOGS {
        let folder = Folder::copy_of(&format!("{format}/base"));
        let bytes = [vec![0; 70_000], folder.bytes(log)].concat();
        for (name, bytes) in [(log.to_owned(), bytes.clone()), (format!("{log}.gz"), gzip(&bytes))] {
            folder.write(&name, &bytes);
            let source = open(&folder).unwrap();
            assert_eq!(events(&source), expected(format), "{format}");
            let note = format!(
                "{name} begins with 70000 zero bytes, which are skipped: a log begins so that is cut while it is written"
            );
            assert_eq!(source.files.notes, [note]);
            folder.remove(&name);
        }
    }
}

#[test]
fn zero_bytes_within_a_log_cost_one_row_at_most() {
    for (format, log) in [("edx", "tracking.log"), ("xapi", "statements.jsonl"), ("caliper", "events.jsonl")] {
        let folder = Folder::copy_of(&format!("{format}/base"));
        let text = String::from_utf8(folder.bytes(log)).unwrap();
        let (first, rest) = text.split_once('\n').unwrap();
        folder.write(log, &[first.as_bytes(), b"\n", &[0; 5_000], rest.as_bytes()].concat());
        assert_eq!(events(&open(&folder).unwrap()), expected(format), "{format}");
    }
}
