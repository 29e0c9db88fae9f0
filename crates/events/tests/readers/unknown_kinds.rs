//! Kinds of event that a format does not know are counted by name, in every format.

use staycast_events::formats::{self, OpenOptions};

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
    check("oulad", "vle.csv", "forumng", "riddle", &[("aaaaaa", 2)]);
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

/// How the unknown kinds of a log of these rows are listed, in each of the ways to write one. `learners` have the kind `name`.
fn shown(learners: &[&str], name: &str) -> Vec<(&'static str, Vec<String>)> {
    let json = |line: &dyn Fn(&str, u32) -> String| -> String {
        learners.iter().zip(10..).map(|(learner, second)| line(learner, second) + "\n").collect()
    };
    let csv: String = json(&|learner, second| format!("{learner},C,2024-01-08T09:00:{second},{name}"));
    let mapping = |ending: &str| {
        format!(
            "[log]\nfiles = [\"log.{ending}\"]\n[log.columns]\nlearner = \"who\"\ncourse = \"course\"\n\
             time = {{ column = \"at\", format = \"iso\" }}\nactivity = \"what\"\n"
        )
    };
    let members = json(&|learner, second| {
        format!("{{\"who\":\"{learner}\",\"course\":\"C\",\"at\":\"2024-01-08T09:00:{second}\",\"what\":\"{name}\"}}")
    });
    // Words with hyphens between them are commands of a course team.
    let in_words = name.replace('-', "_");
    let tracking = json(&|learner, second| {
        format!(
            "{{\"username\":\"{learner}\",\"event_type\":\"{in_words}\",\"event_source\":\"browser\",\"event\":{{}},\
             \"time\":\"2024-01-08T09:00:{second}+00:00\",\"context\":{{\"course_id\":\"course-v1:O+C+R\",\"user_id\":\"\"}}}}"
        )
    });
    let xapi = json(&|learner, second| {
        format!(
            "{{\"id\":\"s{second}\",\"actor\":{{\"account\":{{\"homePage\":\"https://lms.example.org\",\"name\":\"{learner}\"}}}},\
             \"verb\":{{\"id\":\"https://x.example.org/{name}\"}},\"object\":{{\"id\":\"https://x.example.org/a\"}},\
             \"timestamp\":\"2024-01-08T09:00:{second}Z\",\"context\":{{\"contextActivities\":{{\"grouping\":\
             [{{\"id\":\"http://lms.example.org/course/course-v1:O+C+R\",\"definition\":{{\"type\":\
             \"http://adlnet.gov/expapi/activities/course\"}}}}]}}}}}}"
        )
    });
    let logs = [
        ("csv", "log.csv", format!("who,course,at,what\n{csv}"), Some(mapping("csv"))),
        ("json", "log.jsonl", members, Some(mapping("jsonl"))),
        ("edx", "tracking.log", tracking, None),
        ("xapi", "statements.jsonl", xapi, None),
    ];
    let list = |(how, file, text, mapping): (&'static str, &str, String, Option<String>)| {
        let folder = Folder::of(&[(file, text.as_bytes())]);
        let mapping = mapping.map(|mapping| {
            folder.write("mapping.toml", mapping.as_bytes());
            folder.path().join("mapping.toml")
        });
        let source =
            formats::open(&[folder.path().to_owned()], &OpenOptions { mapping, ..OpenOptions::default() }).unwrap();
        let kinds = read(&source).unwrap().tally.unknown_kinds;
        let all = &source.roster.enrolments;
        let people = all.places().flat_map(|place| [all.id(place), all.learner(place)]);
        (how, kinds.most_frequent(people).into_iter().map(|kind| kind.shown).collect())
    };
    logs.map(list).into_iter().collect()
}

#[test]
fn a_kind_that_one_or_two_people_have_is_not_named() {
    for learners in [["qzcarl", "qzcarl", "qzcarl", "qzcarl", "qzcarl"], ["ann", "bob", "ann", "bob", "qzcarl"]] {
        for name in ["custom.qzcarl.seen", "praised-qzcarl"] {
            for (how, kinds) in shown(&learners, name) {
                assert_eq!(kinds.len(), 1, "{how} {kinds:?}");
                assert!(!kinds[0].contains("carl"), "{how} {kinds:?}");
            }
        }
    }
}

#[test]
fn a_kind_that_five_people_have_is_named_unless_one_of_them_stands_in_it() {
    let learners = ["ann", "bob", "qzcarl", "dora", "eve"];
    for (how, kinds) in shown(&learners, "custom.juggled") {
        assert!(kinds.len() == 1 && kinds[0].ends_with("custom.juggled"), "{how} {kinds:?}");
    }
    for (how, kinds) in shown(&learners, "praised-QZcarl") {
        assert!(kinds.len() == 1 && !kinds[0].to_lowercase().contains("carl"), "{how} {kinds:?}");
    }
}

#[test]
fn one_learner_in_five_courses_is_one() {
    let rows: String = (0..6).map(|course| format!("qzcarl,C{course},2024-01-08T09:00:00,qzjuggled\n")).collect();
    let mapping = "[log]\nfiles = [\"log.csv\"]\n[log.columns]\nlearner = \"who\"\ncourse = \"course\"\n\
        time = { column = \"at\", format = \"iso\" }\nactivity = \"what\"\n";
    let folder = Folder::of(&[
        ("log.csv", format!("who,course,at,what\n{rows}").as_bytes()),
        ("mapping.toml", mapping.as_bytes()),
    ]);
    let mapping = Some(folder.path().join("mapping.toml"));
    let source =
        formats::open(&[folder.path().to_owned()], &OpenOptions { mapping, ..OpenOptions::default() }).unwrap();
    assert_eq!(source.roster.enrolments.len(), 6);
    let kinds = read(&source).unwrap().tally.unknown_kinds.most_frequent(std::iter::empty());
    assert_eq!(kinds.iter().map(|kind| (kind.shown.as_str(), kind.rows)).collect::<Vec<_>>(), [("aaaaaaaaa", 6)]);
}

#[test]
fn a_type_of_sites_that_oulad_does_not_list_names_no_column() {
    let folder = Folder::copy_of("oulad/base");
    let text = String::from_utf8(folder.bytes("vle.csv")).unwrap().replace("forumng", "praised-qzcarl");
    folder.write("vle.csv", text.as_bytes());
    let source = open(folder.path()).unwrap();
    assert!(source.kinds.iter().all(|kind| !kind.raw.contains("qz")));
    assert!(read(&source).unwrap().by_kind(&source.kinds).contains(&("unlisted_type".to_owned(), 306)));
}
