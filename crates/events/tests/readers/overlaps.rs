//! Files of one log that overlap are named, in every format whose rows have no ids, and nothing is said of those that do not.

use staycast_events::formats::{self, OpenOptions};
use staycast_events::{Notice, Reason};

use crate::common::{Folder, read, rows};
use crate::stray_days::{FORMATS, regular};

/// Writes the log of a format in two files: the first, and the rest from a line on, with the header of the first.
fn in_two_files(name: &str, header: usize, cut: usize, from: usize) -> (Folder, String) {
    let format = FORMATS.iter().find(|format| format.name == name).unwrap();
    let folder = Folder::of(&[]);
    (format.write)(&folder, &regular());
    let (log, other) = match name {
        "edx" => ("tracking.log", "tracking.log-20240101"),
        "coursera" => ("clickstream.csv", "clickstream-2.csv"),
        "xuetangx2019" => ("train_log.csv", "test_log.csv"),
        "xapi" => ("statements.jsonl", "statements-2.jsonl"),
        "caliper" => ("events.jsonl", "events-2.jsonl"),
        _ => ("log.csv", "log-2.csv"),
    };
    let text = String::from_utf8(folder.bytes(log)).unwrap();
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    folder.remove(log);
    folder.write(log, lines[..cut].concat().as_bytes());
    folder.write(other, [&lines[..header], &lines[from..]].concat().concat().as_bytes());
    if name == "table" {
        let mapping = String::from_utf8(folder.bytes("mapping.toml")).unwrap();
        folder.remove("mapping.toml");
        folder.write("mapping.toml", mapping.replace("\"log.csv\"", "\"log*.csv\"").as_bytes());
    }
    (folder, format!("{other} in {log}"))
}

fn overlaps(folder: &Folder, mapping: bool) -> (Vec<String>, u64) {
    let mapping = mapping.then(|| folder.path().join("mapping.toml"));
    let source =
        formats::open(&[folder.path().to_owned()], &OpenOptions { mapping, ..OpenOptions::default() }).unwrap();
    let tally = read(&source).unwrap().tally;
    let named = |notice: Notice| match notice {
        Notice::OverlappingFiles { files, pairs } => {
            assert_eq!(pairs, files.len() as u64);
            files.into_iter().map(|[one, other]| format!("{one} in {other}")).collect::<Vec<_>>()
        }
        other => panic!("{other}"),
    };
    (source.overlaps(&tally).flat_map(named).collect(), rows(&tally, Reason::RepeatedId))
}

#[test]
fn rotated_logs_that_overlap_are_named() {
    for (name, header) in [("edx", 0), ("coursera", 0), ("xuetangx2019", 1), ("table", 1)] {
        let is_mapped = name == "table";
        for (cut, from, expected) in [(300, 300, 0), (300, 200, 1), (300, 294, 1), (300, header, 1)] {
            let (folder, named) = in_two_files(name, header, cut, from);
            let (found, repeated) = overlaps(&folder, is_mapped);
            assert_eq!((found.len(), repeated), (expected, 0), "{name} {from}: {found:?}");
            // Where both begin alike, either may be named first.
            assert!(found.iter().all(|found| *found == named || from == header), "{name} {from}: {found:?}");
        }
    }
}

#[test]
fn statements_with_ids_that_come_again_are_set_aside_and_not_named() {
    for name in ["xapi", "caliper"] {
        let (folder, _) = in_two_files(name, 0, 300, 200);
        assert_eq!(overlaps(&folder, false), (Vec::new(), 100), "{name}");
    }
}

#[test]
fn identical_rows_in_one_file_are_clicks() {
    let (folder, _) = in_two_files("edx", 0, 300, 300);
    let text = folder.bytes("tracking.log");
    folder.remove("tracking.log-20240101");
    folder.remove("tracking.log");
    folder.write("tracking.log", &[text.clone(), text].concat());
    assert_eq!(overlaps(&folder, false), (Vec::new(), 0));
}
