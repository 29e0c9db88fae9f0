//! The `xapi` reader.

use staycast_events::formats::OpenOptions;
use staycast_events::{Detail, ObjectKey};

use crate::common::{Folder, enrolments, events, fixture, in_words, open, outcome, read};

/// A folder with this fixture as its only file.
fn folder_of(name: &str) -> Folder {
    let folder = Folder::of(&[]);
    folder.write(name, &std::fs::read(fixture(&format!("xapi/logs/{name}"))).unwrap());
    folder
}

const A: &str = "course-v1:edX+Algebra+2026";

#[test]
fn sound_statements() {
    let source = open(&fixture("xapi/base")).unwrap();
    assert_eq!(source.format, "xapi");
    assert_eq!(source.reason, "statements.jsonl has statements with actor, verb and object");
    assert_eq!(
        enrolments(&source),
        [
            format!("{A}/ann ann 2026-01-02T09:00:00 - completed"),
            format!("{A}/bob bob 2026-01-02T10:00:00 2026-01-09T00:00:00 unenrolled"),
            "https://other.example/courses/botany/mailto:cho@example.org mailto:cho@example.org - - -".to_owned(),
        ]
    );
    assert_eq!(
        events(&source),
        [
            format!("{A}/ann 2026-01-02T09:00:00 registered_course"),
            format!("{A}/ann 2026-01-05T08:00:00 initialized_video"),
            format!("{A}/ann 2026-01-05T08:00:01 video_played"),
            format!("{A}/ann 2026-01-05T08:10:00 problem_wrong"),
            format!("{A}/ann 2026-01-05T08:11:00 problem_right"),
            format!("{A}/ann 2026-01-06T12:05:00 response"),
            format!("{A}/ann 2026-01-06T12:06:00 upvote"),
            format!("{A}/bob 2026-01-02T10:00:00 registered_course"),
            format!("{A}/bob 2026-01-05T23:30:00 navigated"),
            format!("{A}/bob 2026-01-06T12:00:00 thread"),
            "https://other.example/courses/botany/mailto:cho@example.org 2026-01-07T12:00:00 problem_attempt"
                .to_owned(),
        ]
    );
    let all = read(&source).unwrap();
    assert_eq!(in_words(&all.tally), "13 of 13 used");
    let problem = ObjectKey::from_id(b"http://lms.example/xblock/block-v1:edX+Algebra+2026+type@problem+block@p1");
    let right = all.events.iter().find(|event| source.kinds[event.kind() as usize].detail == Detail::AttemptRight);
    assert_eq!(right.unwrap().object(), problem);
}

#[test]
fn the_same_statements_laid_out_otherwise() {
    let base = open(&fixture("xapi/base")).unwrap();
    for name in [
        "array.json",
        "pretty.json",
        "one_after_another.json",
        "store_answer.json",
        "answers.json",
        "bom.json",
        "packed.json.gz",
    ] {
        let folder = folder_of(name);
        let source = open(folder.path()).unwrap();
        assert_eq!(source.roster.courses, base.roster.courses, "{name}");
        assert_eq!(source.roster.enrolments, base.roster.enrolments, "{name}");
        let all = read(&source).unwrap();
        assert_eq!(all.events, read(&base).unwrap().events, "{name}");
        assert_eq!(all.tally.read, 13, "{name}");
    }
}

#[test]
fn statements_of_which_some_are_counted_out() {
    let folder = folder_of("counted_out.jsonl");
    assert_eq!(
        outcome(folder.path(), &OpenOptions::default()),
        "2 of 11 used\n\
         3 malformed: counted_out.jsonl:8: no statement: it has no verb \
         | counted_out.jsonl:9: not JSON: no object \
         | counted_out.jsonl:10: not JSON: no value where it ends\n\
         2 bad_time: counted_out.jsonl:6: no timestamp \
         | counted_out.jsonl:7: timestamp of shape `aaaaaaaaa` is not YYYY-MM-DDTHH:MM:SS or seconds since 1970; write it so in the file\n\
         2 no_learner: counted_out.jsonl:2: no actor with an id of its own \
         | counted_out.jsonl:3: its actor is a group that names no members\n\
         2 no_course: counted_out.jsonl:4: no course | counted_out.jsonl:5: no course"
    );
}

#[test]
fn an_array_cut_short() {
    let whole = std::fs::read(fixture("xapi/logs/array.json")).unwrap();
    let folder = Folder::of(&[("array.json", &whole[..whole.len() - 20])]);
    let tally = read(&open(folder.path()).unwrap()).unwrap().tally;
    assert_eq!(tally.read, 13);
    assert_eq!(tally.rejected(), 1);
}

#[test]
fn withdrawals_are_recorded_in_courses_of_open_edx_alone() {
    let statement = |course: &str| {
        let activity = r#"{"definition":{"type":"http://adlnet.gov/expapi/activities/course"},"id":"#;
        format!(
            r#"{{"actor":{{"mbox":"mailto:a@b.c"}},"verb":{{"id":"v/viewed"}},"object":{activity}"{course}"}},"timestamp":"2026-01-02T03:04:05Z"}}"#
        ) + "\n"
    };
    let records_withdrawals = |course: &str| {
        open(Folder::of(&[("s.jsonl", statement(course).as_bytes())]).path()).unwrap().capabilities.withdrawals
    };
    assert!(records_withdrawals("http://lms.example/course/course-v1:edX+Algebra+2026"));
    assert!(!records_withdrawals("https://other.example/courses/botany"));
}

/// A statement of somebody who viewed something, on this day, with this id.
fn viewed(id: &str, learner: &str, day: u32) -> String {
    format!(
        "{{\"id\":\"{id}\",\"actor\":{{\"account\":{{\"name\":\"{learner}\"}}}},\"verb\":{{\"id\":\"v/viewed\"}},\
         \"object\":{{\"id\":\"http://l/course/{A}\",\"definition\":{{\"type\":\"t/course\"}}}},\
         \"timestamp\":\"2026-01-{day:02}T00:00:00Z\"}}\n"
    )
}

#[test]
fn a_statement_that_comes_again_counts_once() {
    let id = "0a000000-0000-4000-8000-00000000000f";
    let first = [viewed(id, "ann", 5), viewed("", "bob", 5), viewed("", "bob", 5), viewed(id, "ann", 5)].concat();
    // In another file, in other letters; and somebody who is known from nothing else.
    let second = [viewed(&id.to_uppercase(), "ann", 5), viewed(id, "cho", 6), "{\"id\": \"x\"}\n".to_owned()].concat();
    let array = format!("[{}]", second.trim_end().replace('\n', ","));
    for (name, second) in [("second.jsonl", &second), ("second.json", &array)] {
        let folder = Folder::of(&[("first.jsonl", first.as_bytes()), (name, second.as_bytes())]);
        let source = open(folder.path()).unwrap();
        let all = read(&source).unwrap();
        assert_eq!(
            in_words(&all.tally),
            format!(
                "3 of 7 used\n1 malformed: {name}:3: no statement: it has no verb\n\
                 3 repeated_id: first.jsonl:4: an id that came before | {name}:1: an id that came before \
                 | {name}:2: an id that came before"
            )
        );
        // Whoever is known from a statement that does not count alone is no learner.
        assert_eq!(enrolments(&source), [format!("{A}/ann ann - - -"), format!("{A}/bob bob - - -")]);
    }
}

#[test]
fn statements_that_stand_in_lists_on_some_lines() {
    let [one, two, three, four] = ["ann", "bob", "cho", "dan"].map(|name| viewed("", name, 5).trim_end().to_owned());
    let lines = format!("{one}\n[{two},\n{three}]\n{{\"more\":\"\",\"statements\":[{four}]}}\n");
    let folder = Folder::of(&[("s.jsonl", lines.as_bytes())]);
    let source = open(folder.path()).unwrap();
    assert_eq!(in_words(&read(&source).unwrap().tally), "4 of 4 used");
    assert_eq!(source.roster.enrolments.len(), 4);
}
