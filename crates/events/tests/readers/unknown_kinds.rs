//! Kinds of event that a format does not know are counted by name, in every format.

use crate::common::{Folder, open, read};

/// The rows of unknown kinds in a copy of the format's sound folder, where `from` in the file `log` is `to`: how many, and
/// those of each kind.
fn unknown(format: &str, log: &str, from: &str, to: &str) -> (u64, Vec<(String, u64)>) {
    let folder = Folder::copy_of(&format!("{format}/base"));
    let text = String::from_utf8(folder.bytes(log)).unwrap();
    let changed = text.replace(from, to);
    assert!(from.is_empty() || changed != text, "{format}: nothing is called {from}");
    folder.write(log, if from.is_empty() { text.as_bytes() } else { changed.as_bytes() });
    let source = open(folder.path()).unwrap();
    let kinds = read(&source).unwrap().tally.unknown_kinds;
    let people = source
        .roster
        .enrolments
        .places()
        .flat_map(|place| [source.roster.enrolments.id(place), source.roster.enrolments.learner(place)]);
    let listed = kinds.most_frequent(people).into_iter().map(|kind| (kind.shown, kind.rows)).collect();
    (kinds.rows, listed)
}

/// Checks that one more kind is unknown after the change, and that as many rows are as had it.
fn check(format: &str, log: &str, from: &str, to: &str, expected: &[(&str, u64)]) {
    let before = unknown(format, log, "", "").0;
    let (rows, listed) = unknown(format, log, from, to);
    let new: u64 = expected.iter().map(|(_, rows)| rows).sum();
    assert_eq!(rows, before + new, "{format}: {listed:?}");
    for (kind, rows) in expected {
        assert!(listed.contains(&((*kind).to_owned(), *rows)), "{format}: {listed:?}");
    }
}

#[test]
fn in_tables() {
    check("kdd2015", "log.csv", "problem", "riddle", &[("aaaaaa", 2)]);
    check("xuetangx2019", "train_log.csv", "play_video", "watch_film", &[("aaaaa_aaaa", 1)]);
    check("oulad", "vle.csv", "forumng", "riddle", &[("riddle", 2)]);
}

#[test]
fn in_statements() {
    check("edx", "tracking.log", "play_video", "watch_film", &[("aaaaa_aaaa", 1)]);
    check(
        "xapi",
        "statements.jsonl",
        "/verbs/played",
        "/verbs/juggled",
        &[("aaaaa://a9aa.aaa/aaaa/aaaaa/aaaaa/aaaaaa", 1)],
    );
    check("caliper", "events.jsonl", "\"MediaEvent\"", "\"JugglingEvent\"", &[("aaaaaaaaaaaaa", 3)]);
}
