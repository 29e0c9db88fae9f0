//! The names of files: letters count in either case.

use std::path::Path;

use staycast_events::formats::{self, OpenOptions};
use staycast_events::time::format_instant;
use staycast_events::{Event, Source};

use crate::common::{Folder, fixture, gzip, read};

const FORMATS: [&str; 10] =
    ["kdd2015", "oulad", "edx", "xapi", "caliper", "xuetangx2019", "moodle", "coursera", "futurelearn", "table"];

fn open(folder: &Path) -> Source {
    let mapping = Some(folder.join("mapping.toml")).filter(|path| path.exists());
    formats::open(&[folder.to_owned()], &OpenOptions { mapping, ..OpenOptions::default() }).unwrap()
}

/// Describes the events of a source by learner, instant and kind, in whatever case its courses are written.
fn contents(source: &Source) -> (Vec<String>, u64) {
    let describe = |event: &Event| {
        let enrolment = &source.roster.enrolments.get(event.enrolment().as_usize());
        let start = source.roster.course_of(event.enrolment()).start_seconds();
        let instant = format_instant(start + i64::from(event.seconds()));
        let kind = &source.kinds[usize::from(event.kind())].raw;
        format!("{} {} {instant} {kind} {:?}", enrolment.id().to_lowercase(), enrolment.learner(), enrolment.dropout)
    };
    let all = read(source).unwrap();
    let mut events: Vec<String> = all.events.iter().map(describe).collect();
    events.sort();
    (events, source.tables.used + all.tally.used)
}

/// Copies a fixture, its files renamed and rewritten by `change`.
fn changed(format: &str, change: impl Fn(&str, Vec<u8>) -> (String, Vec<u8>)) -> Folder {
    let folder = Folder::of(&[]);
    for entry in std::fs::read_dir(fixture(&format!("{format}/base"))).unwrap() {
        let path = entry.unwrap().path();
        let (name, bytes) = (path.file_name().unwrap().to_str().unwrap(), std::fs::read(&path).unwrap());
        let (name, bytes) = if name == "mapping.toml" { (name.to_owned(), bytes) } else { change(name, bytes) };
        folder.write(&name, &bytes);
    }
    folder
}

fn ending_in_capitals(name: &str) -> String {
    let (stem, ending) = name.rsplit_once('.').unwrap();
    format!("{stem}.{}", ending.to_uppercase())
}

#[test]
fn csv_in_capitals_is_csv() {
    for format in FORMATS {
        let expected = contents(&open(&fixture(&format!("{format}/base"))));
        assert!(!expected.0.is_empty());
        let endings = changed(format, |name, bytes| (ending_in_capitals(name), bytes));
        let whole = changed(format, |name, bytes| (name.to_uppercase(), bytes));
        let packed = changed(format, |name, bytes| (format!("{}.GZ", ending_in_capitals(name)), gzip(&bytes)));
        for folder in [&endings, &whole, &packed] {
            let source = open(folder.path());
            assert_eq!(source.format, format);
            assert_eq!(contents(&source), expected, "{format}");
        }
    }
}

#[test]
fn a_pattern_finds_csv_in_capitals() {
    let folder = changed("kdd2015", |name, bytes| (ending_in_capitals(name), bytes));
    let source = formats::open(&[folder.path().join("*.csv")], &OpenOptions::default()).unwrap();
    assert_eq!(contents(&source), contents(&open(&fixture("kdd2015/base"))));
}

#[test]
fn json_lines_in_capitals_are_json_lines() {
    let mapping = "single_course = \"C\"\n[log]\nfiles = [\"log.jsonl\"]\n\
        columns = { learner = \"who\", time = { column = \"at\", format = \"iso\" } }\n";
    let folder = Folder::of(&[
        ("LOG.JSONL", b"{\"who\": \"ann\", \"at\": \"2014-01-01\"}\n"),
        ("mapping.toml", mapping.as_bytes()),
    ]);
    assert_eq!(read(&open(folder.path())).unwrap().events.len(), 1);
}
