//! Mappings of the `table` reader that can't be used.

use staycast_events::formats::OpenOptions;

use crate::common::{Folder, outcome};
use crate::table::{error, options_of};

#[test]
fn mappings_at_odds_with_themselves() {
    let folder = Folder::copy_of("table/base");
    let sound = String::from_utf8(folder.bytes("mapping.toml")).unwrap();
    let check = |from: &str, to: &str, expected: &str| {
        assert!(sound.contains(from), "{from}");
        assert_eq!(error(&folder, &sound.replace(from, to)), format!("mapping.toml: {expected}"), "{to}");
    };
    check(
        "object = \"thing\"",
        "objekt = \"thing\"",
        "line 3, column 113: unknown field `objekt`, expected one of `enrolment`, `learner`, `course`, `time`, `activity`, `object`, `count`, `event_id`, `correct`",
    );
    check("files = [\"log.csv\"]", "files = []", "log.files is empty; name at least one file");
    check(
        "solve = \"problem\"",
        "solve = \"puzzle\"",
        "activities.kinds.solve: `puzzle` is not an activity; the activities are access, navigate, video, problem, \
         discussion, post, wiki, submission, download, live, login, page_close, other",
    );
    check("solve = ", "undeclared = ", "activities.kinds.undeclared is taken: it stands for every kind not declared");
    check(
        "format = \"iso\"",
        "format = \"date\"",
        "log.columns.time.format has no time of day, so the log tells time to the day: set granularity = \"day\"",
    );
    check(
        "[outcomes]\ncompleted = [\"passed\"]\nfailed = [\"failed\"]\nwithdrew = [\"left\"]",
        "",
        "enrolments.columns.outcome needs [outcomes], with the words for completed, failed and withdrew",
    );
    check("failed = [\"failed\"]", "failed = [\"passed\"]", "outcomes: `passed` stands there twice");
    check("columns.days = \"length\"", "", "courses.columns must name one of `end` and `days`");
    check("columns.start = { column = \"first\", format = \"date\" }\n", "", "courses.columns names no `start`");
    check(
        "learner = \"user\", course",
        "course",
        "log.columns must name `enrolment`, or `learner` and `course`, and the enrolments table the same columns, so that \
         each row can be put down to an enrolment",
    );
    check("[log]\n", "[log]\ndelimiter = \"é\"\n", "log.delimiter is `\\u{e9}`; it must be one ASCII sign");
    check(
        "[log]\n",
        "[log]\ntype = \"jsonl\"\nheader = false\n",
        "log.header has no meaning for files that are not CSV; remove it",
    );
    let many: String = (0..256).map(|kind| format!("k{kind} = \"other\"\n")).collect();
    check(
        "kinds = { solve = \"problem\", play = \"video\" }\n",
        &format!("[activities.kinds]\n{many}"),
        "activities.kinds declares 256 kinds; at most 255 are told apart",
    );
}

#[test]
fn what_has_no_meaning_where_it_stands() {
    let folder = Folder::copy_of("table/base");
    let sound = String::from_utf8(folder.bytes("mapping.toml")).unwrap();
    let check = |from: &str, to: &str, expected: &str| {
        assert!(sound.contains(from), "{from}");
        assert_eq!(error(&folder, &sound.replace(from, to)), format!("mapping.toml: {expected}"), "{to}");
    };
    let no_meaning = |key: &str| format!("{key} has no meaning for this table; remove it");
    check("[enrolments]\n", "[enrolments]\nkind = \"x\"\n", &no_meaning("enrolments.kind"));
    check("[enrolments]\n", "[enrolments]\ninfer_missing = true\n", &no_meaning("enrolments.infer_missing"));
    check("[courses]\n", "[courses]\ncourse_in_file_name = true\n", &no_meaning("courses.course_in_file_name"));
    check("[log]\n", "[log]\nothers = \"reject\"\n", &no_meaning("log.others"));
    check(
        "[log]\n",
        "[log]\ncourse_in_file_name = true\n",
        "log.course_in_file_name names the course: remove columns.course and single_course",
    );
    let time = "time = { column = \"when\", format = \"iso\" }, ";
    check(time, "", "log must have columns.time, events or both");
    check(
        "[log]\n",
        "[log]\nevents = [{ time = { column = \"when\", format = \"iso\" }, kind = \"play\" }]\n",
        "log.events all name a time of their own: remove columns.time",
    );
    let event = "events = [{ time = { column = \"when\", format = \"iso\" }, kind = \"sing\" }]";
    let mapping =
        sound.replace(time, "").replace("activity = \"what\", ", "").replace("[log]\n", &format!("[log]\n{event}\n"));
    assert_eq!(error(&folder, &mapping), "mapping.toml: log.events: `sing` is not declared in [activities.kinds]");
    check(
        "object = \"thing\"",
        "correct = \"thing\"",
        "log.columns.correct needs a kind with detail = \"attempt\", which it says more about",
    );
    check(
        "play = \"video\"",
        "play = { activity = \"video\", name = \"solve\" }",
        "activities.kinds.solve: `solve` is the name of a kind that counts as something else",
    );
    check(
        "files = [\"log.csv\"]",
        "files = [\"log.csv\"]\nescape = \"é\"",
        "log.escape is `\\u{e9}`; it must be one ASCII sign",
    );
    let many: Vec<String> = (0..30).map(|number| format!("\"c{number}\"")).collect();
    check(
        "object = \"thing\"",
        &format!("object = [{}]", many.join(", ")),
        "log names 36 columns; at most 24 are read",
    );
    check(
        "format = \"iso\" }",
        "format = \"iso\", shift = \"eight\" }",
        "line 3, column 100: `eight` is not hours and minutes such as `+08:00`",
    );
}

#[test]
fn a_mapping_and_its_format_go_together() {
    let folder = Folder::copy_of("table/base");
    let table = OpenOptions { format: Some("table".parse().unwrap()), ..OpenOptions::default() };
    assert_eq!(
        outcome(folder.path(), &table),
        "error: tables of no known format need a mapping that says what they are"
    );
    let other = OpenOptions { format: Some("oulad".parse().unwrap()), ..options_of(folder.path()) };
    assert_eq!(
        outcome(folder.path(), &other),
        "error: mapping.toml: a mapping describes tables of no known format; oulad needs none"
    );
    let none = OpenOptions { mapping: Some(folder.path().join("none.toml")), ..OpenOptions::default() };
    assert_eq!(outcome(folder.path(), &none), "error: none.toml: no such file or folder");
}

#[test]
fn a_database_and_files_do_not_go_together() {
    let folder = Folder::copy_of("moodle/base");
    let source = Some(staycast_events::formats::DatabaseSource::at("postgres://127.0.0.1:1/moodle".parse().unwrap()));
    let with = OpenOptions { source, ..OpenOptions::default() };
    assert_eq!(
        outcome(folder.path(), &with),
        "error: both files and the address of a database are given; give one of them"
    );
    let says = |options: &OpenOptions| match staycast_events::formats::open(&[], options) {
        Ok(_) => panic!("no error"),
        Err(error) => error.to_string(),
    };
    let oulad = OpenOptions { format: Some("oulad".parse().unwrap()), ..with.clone() };
    assert_eq!(says(&oulad), "databases of Moodle are read, and none of the format oulad");
    let mapped = OpenOptions { mapping: Some(folder.path().join("x.toml")), ..with.clone() };
    assert_eq!(says(&mapped), "a mapping is for files; the database of Moodle needs none");
    assert_eq!(
        format!("{:?}", with.source),
        "Some(DatabaseSource { address: postgres://127.0.0.1:1/moodle mdl_*, timeout: 300s, .. })"
    );
    #[cfg(not(feature = "sql"))]
    assert!(says(&with).starts_with("this build of staycast reads no databases"));
}

#[test]
fn dates_too_far_apart_to_infer_from() {
    let folder = Folder::of(&[("log.csv", b"who,at\nann,2014-01-01\nann,1980-01-01\n")]);
    let mapping = "single_course = \"C\"\n[log]\nfiles = [\"log.csv\"]\n\
         columns = { learner = \"who\", time = { column = \"at\", format = \"iso\" } }\n";
    assert_eq!(
        error(&folder, mapping),
        "the events of course C lie from 1980-01-01 to 2014-01-01, too far apart to infer when it runs; \
         give its dates in [courses] of mapping.toml"
    );
    let torn = Folder::of(&[("log.csv", b"e,c,at\n1,A,2014-01-01\n1,B,2014-01-01\n")]);
    let mapping = "[log]\nfiles = [\"log.csv\"]\n\
         columns = { enrolment = \"e\", course = \"c\", time = { column = \"at\", format = \"iso\" } }\n";
    assert_eq!(
        error(&torn, mapping),
        "mapping.toml: 1 enrolment ids of the log stand with more than one learner or course; give an [enrolments] table, \
         or leave log.columns.enrolment out so that learner and course tell enrolments apart"
    );
}
