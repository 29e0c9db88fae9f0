//! The `xuetangx2019` reader.

use staycast_events::formats::OpenOptions;
use staycast_events::{Detail, Enrolments, SourceLabels};

use crate::common::{
    Folder, check_copied_mapping, check_odd_logs, courses, cut, fixture, in_words, open, outcome, outcome_with,
    with_their,
};
use crate::kdd2015::events;

const DAY: i32 = 86_400;
const LOG: &str = "train_log.csv";

fn check(fixture_name: &str, expected: &str) {
    assert_eq!(outcome_with("xuetangx2019", LOG, fixture_name), expected, "{fixture_name}");
}

#[test]
fn a_sound_folder() {
    let source = open(&fixture("xuetangx2019/base")).unwrap();
    assert_eq!(source.format, "xuetangx2019");
    assert_eq!(source.reason, "train_log.csv has the columns enroll_id, action and time");
    assert_eq!(source.labels, SourceLabels::Labels);
    assert!(
        source.capabilities.learners
            && source.capabilities.correctness
            && source.capabilities.objects
            && source.capabilities.dates
    );
    assert!(!source.capabilities.withdrawals);
    // The second course has a start and no end: its last event's day is its last.
    let expected = [
        ("course-v1:U+A+1".to_owned(), "2015-09-01".to_owned(), 14, false),
        ("course-v1:U+B+1".to_owned(), "2015-09-06".to_owned(), 3, true),
    ];
    assert_eq!(courses(&source), expected);
    let labels: Vec<(&str, &str, Option<bool>)> = with_their(&source, Enrolments::dropout);
    assert_eq!(labels, [("11", "ann", Some(false)), ("12", "bob", Some(true)), ("13", "ann", Some(false))]);
    let event = |id: &str, seconds, kind: &str| (id.to_owned(), seconds, kind.to_owned(), 1);
    let expected = [
        event("11", 8 * 3_600, "click_about"),
        event("11", 8 * 3_600 + 10, "play_video"),
        event("11", 2 * DAY, "problem_check_correct"),
        event("12", 14 * DAY - 1, "problem_check_incorrect"),
        event("13", 2 * DAY + DAY / 2, "create_comment"),
    ];
    assert_eq!(events(&source), expected);
    let detail = |name: &str| source.kinds.iter().find(|kind| kind.raw == name).unwrap().detail;
    assert_eq!(detail("problem_check_correct"), Detail::AttemptRight);
    assert_eq!(detail("problem_check_incorrect"), Detail::AttemptWrong);
    assert_eq!((detail("problem_check"), detail("play_video")), (Detail::Nothing, Detail::VideoPlayed));
    let roles: Vec<&str> = source.inputs.iter().map(|file| file.role).collect();
    assert_eq!(roles, ["log", "calendar", "labels"]);
}

#[test]
fn odd_logs_with_the_same_events() {
    check_odd_logs("xuetangx2019", LOG, &["swapped_columns.csv"]);
}

#[test]
fn as_a_mapping_to_copy() {
    check_copied_mapping("xuetangx2019");
}

#[test]
fn logs_of_which_rows_are_counted_out() {
    check(
        "truncated.csv",
        "4 of 5 used\n\
         1 malformed: train_log.csv:6: 5 fields where the first line has 7",
    );
    check(
        "not_utf8.csv",
        "5 of 6 used\n\
         1 not_utf8: train_log.csv:7: bytes that are not UTF-8",
    );
    check(
        "bad_values.csv",
        "2 of 6 used\n\
         1 malformed: train_log.csv:4: 6 fields where the first line has 7\n\
         1 bad_time: train_log.csv:3: time of shape `aaaaaaaaa` is not a time such as 2014-06-14T09:38:29 or a number since 1970; write it so in the file\n\
         1 missing_id: train_log.csv:5: no id where the enrolment or learner must stand\n\
         1 after_the_calendar: train_log.csv:6: 2015-09-15T00:00:00",
    );
    check(
        "enrolment_without_course.csv",
        "4 of 5 used\n\
         1 missing_id: train_log.csv:6: no id where the course or the learner must stand, in any row of its enrolment",
    );
}

#[test]
fn who_has_no_name_is_no_learner_named_by_the_enrolment() {
    let folder = Folder::copy_of("xuetangx2019/base");
    let with = |rows: &str| {
        let text = format!("enroll_id,username,course_id,session_id,action,object,time\n{rows}");
        folder.write(LOG, text.as_bytes());
        let source = open(folder.path()).unwrap();
        let tally = in_words(&crate::common::read(&source).unwrap().tally);
        (
            source
                .roster
                .enrolments
                .iter()
                .map(|one| (one.id().to_owned(), one.learner().to_owned()))
                .collect::<Vec<_>>(),
            tally,
        )
    };
    let row =
        |enrolment: u32, name: &str| format!("{enrolment},{name},course-v1:U+A+1,s,click_info,,2015-09-02T08:00:00\n");
    let ann = ("11".to_owned(), "ann".to_owned());
    let (who, said) = with(&(row(11, "ann") + &row(12, "NA") + &row(12, "")));
    let what = "no id where the course or the learner must stand, in any row of its enrolment";
    assert_eq!(who, std::slice::from_ref(&ann));
    assert_eq!(said, format!("1 of 3 used\n2 missing_id: train_log.csv:3: {what} | train_log.csv:4: {what}"));
    // One row of an enrolment that lacks the name is of the learner whom its others name.
    let (who, said) = with(&(row(11, "NA") + &row(11, "ann")));
    assert_eq!((who, said.as_str()), (vec![ann], "2 of 2 used"));
}

#[test]
fn logs_that_can_not_be_read() {
    check("empty.csv", "error: train_log.csv: the file is empty; the log table needs rows");
    check("header_only.csv", "error: train_log.csv: the log table has a header and no rows");
    check("binary.csv", "error: train_log.csv: the file holds zero bytes, which is not read; save it as text in UTF-8");
    check("truncated.csv.gz", &cut("train_log.csv.gz", 5));
    check("truncated.csv.zst", &cut("train_log.csv.zst", 0));
    let none = Folder::of(&[("notes.txt", b"nothing")]);
    let options = OpenOptions { format: Some("xuetangx2019".parse().unwrap()), ..OpenOptions::default() };
    assert_eq!(
        outcome(none.path(), &options),
        "error: xuetangx2019: no log table among the files given; \
         it has the columns enroll_id,username,course_id,session_id,action,object,time"
    );
}

#[test]
fn a_log_alone() {
    let folder = Folder::copy_of("xuetangx2019/base");
    folder.remove("course_info.csv");
    folder.remove("train_truth.csv");
    let source = open(folder.path()).unwrap();
    assert_eq!(source.labels, SourceLabels::Nothing);
    let expected = [
        ("course-v1:U+A+1".to_owned(), "2015-09-01".to_owned(), 14, true),
        ("course-v1:U+B+1".to_owned(), "2015-09-08".to_owned(), 1, true),
    ];
    assert_eq!(courses(&source), expected);
    folder.write("dates.csv", b"course_id,from,to\ncourse-v1:U+A+1,2015-09-01,2015-09-07\n");
    let given = OpenOptions { courses: Some(folder.path().join("dates.csv")), ..OpenOptions::default() };
    let source = staycast_events::formats::open(&[folder.path().join(LOG)], &given).unwrap();
    assert_eq!(courses(&source), [("course-v1:U+A+1".to_owned(), "2015-09-01".to_owned(), 7, false)]);
    assert_eq!(
        in_words(&crate::common::read(&source).unwrap().tally),
        "3 of 5 used\n\
            1 unknown_course: train_log.csv:6: its enrolment has no course with dates\n\
            1 after_the_calendar: train_log.csv:5: 2015-09-14T23:59:59"
    );
}
