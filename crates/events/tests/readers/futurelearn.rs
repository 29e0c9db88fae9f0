//! The `futurelearn` reader.

use staycast_events::formats::OpenOptions;
use staycast_events::{Activity, Detail, OutcomeKind, SourceLabels};

use crate::common::{
    Folder, check_copied_mapping, check_odd_logs, courses, cut, fixture, in_words, open, outcome, outcome_with, read,
};
use crate::kdd2015::events;

const DAY: i32 = 86_400;
const HOUR: i32 = 3_600;
const LOG: &str = "algebra-1_step-activity.csv";

fn check(fixture_name: &str, expected: &str) {
    assert_eq!(outcome_with("futurelearn", LOG, fixture_name), expected, "{fixture_name}");
}

#[test]
fn a_sound_folder() {
    let source = open(&fixture("futurelearn/base")).unwrap();
    assert_eq!(source.format, "futurelearn");
    let reason = "algebra-1_step-activity.csv is named like a step activity and has the column first_visited_at";
    assert_eq!(source.reason, reason);
    assert_eq!(source.labels, SourceLabels::Nothing);
    assert!(
        source.capabilities.learners
            && source.capabilities.correctness
            && source.capabilities.withdrawals
            && source.capabilities.objects
    );
    // Staff's visit on the day before the first does not count.
    let expected = [
        ("algebra-1".to_owned(), "2017-01-02".to_owned(), 14, true),
        ("botany-2".to_owned(), "2017-02-06".to_owned(), 2, true),
    ];
    assert_eq!(courses(&source), expected);
    let enrolments = &source.roster.enrolments;
    let ids: Vec<&str> = enrolments.ids().collect();
    assert_eq!(ids, ["algebra-1/a-1", "algebra-1/b-2", "botany-2/a-1"]);
    let ends: Vec<Option<OutcomeKind>> =
        enrolments.iter().map(|one| one.outcome.as_ref().map(|outcome| outcome.kind)).collect();
    assert_eq!(ends, [Some(OutcomeKind::Completed), Some(OutcomeKind::Withdrew), None]);
    assert_eq!(
        (enrolments.get(1).enrolled_seconds, enrolments.get(1).withdrawn_seconds),
        (Some(0), Some(8 * DAY + DAY / 2))
    );
    assert_eq!(source.roster.static_columns.len(), 7);
    // Older exports have no detected country.
    assert_eq!((enrolments.get(0).statics[6].as_deref(), enrolments.get(2).statics[6].as_deref()), (Some("FR"), None));
    let event = |id: &str, seconds, kind: &str| (id.to_owned(), seconds, kind.to_owned(), 1);
    let expected = [
        event("algebra-1/a-1", 8 * HOUR, "step_visited"),
        event("algebra-1/a-1", 8 * HOUR + 1_800, "step_completed"),
        event("algebra-1/a-1", 9 * HOUR, "step_visited"),
        event("algebra-1/a-1", DAY + 10 * HOUR, "answer_wrong"),
        event("algebra-1/a-1", DAY + 10 * HOUR + 60, "answer_right"),
        event("algebra-1/a-1", 2 * DAY + 10 * HOUR, "comment"),
        event("algebra-1/a-1", 4 * DAY + 10 * HOUR, "assignment"),
        event("algebra-1/b-2", 3 * DAY + 10 * HOUR, "reply"),
        event("algebra-1/b-2", 7 * DAY + 10 * HOUR, "step_visited"),
        event("algebra-1/b-2", 14 * DAY - 1, "step_completed"),
        event("botany-2/a-1", 8 * HOUR, "step_visited"),
        event("botany-2/a-1", DAY + 8 * HOUR, "step_completed"),
    ];
    assert_eq!(events(&source), expected);
    let kind = |name: &str| {
        let kind = source.kinds.iter().find(|kind| kind.raw == name).unwrap();
        (kind.activity, kind.detail)
    };
    assert_eq!(kind("answer_right"), (Activity::Problem, Detail::AttemptRight));
    assert_eq!(kind("reply"), (Activity::Post, Detail::Response));
    assert_eq!(
        in_words(&read(&source).unwrap().tally),
        "9 of 13 used\n\
            1 zero_count: algebra-1_peer-review-assignments.csv:4: none of the row's times is given\n\
            3 filtered_out: algebra-1_step-activity.csv:5: its enrolment is set aside by the mapping \
            | algebra-1_step-activity.csv:6: its `learner_id` is set aside by the mapping's `except` \
            | algebra-1_question-response.csv:5: its `learner_id` is set aside by the mapping's `except`"
    );
    assert_eq!(
        in_words(&source.tables),
        "3 of 4 used\n\
            1 filtered_out: algebra-1_enrolments.csv:4: its `role` is set aside by the mapping's `only`"
    );
}

#[test]
fn odd_logs_with_the_same_events() {
    check_odd_logs("futurelearn", LOG, &["swapped_columns.csv"]);
}

#[test]
fn as_a_mapping_to_copy() {
    check_copied_mapping("futurelearn");
}

#[test]
fn logs_of_which_rows_are_counted_out() {
    check(
        "header_only.csv",
        "6 of 8 used\n\
         1 zero_count: algebra-1_peer-review-assignments.csv:4: none of the row's times is given\n\
         1 filtered_out: algebra-1_question-response.csv:5: its `learner_id` is set aside by the mapping's `except`",
    );
    check(
        "truncated.csv",
        "9 of 13 used\n\
         1 malformed: algebra-1_step-activity.csv:6: 2 fields where the first line has 6\n\
         1 zero_count: algebra-1_peer-review-assignments.csv:4: none of the row's times is given\n\
         2 filtered_out: algebra-1_step-activity.csv:5: its enrolment is set aside by the mapping \
         | algebra-1_question-response.csv:5: its `learner_id` is set aside by the mapping's `except`",
    );
    check(
        "not_utf8.csv",
        "9 of 14 used\n\
         1 not_utf8: algebra-1_step-activity.csv:7: bytes that are not UTF-8\n\
         1 zero_count: algebra-1_peer-review-assignments.csv:4: none of the row's times is given\n\
         3 filtered_out: algebra-1_step-activity.csv:5: its enrolment is set aside by the mapping \
         | algebra-1_step-activity.csv:6: its `learner_id` is set aside by the mapping's `except` \
         | algebra-1_question-response.csv:5: its `learner_id` is set aside by the mapping's `except`",
    );
    check(
        "bad_values.csv",
        "7 of 13 used\n\
         1 malformed: algebra-1_step-activity.csv:6: 3 fields where the first line has 6\n\
         1 bad_time: algebra-1_step-activity.csv:3: time of shape `aaaaa` is not a time such as 2014-06-14T09:38:29 or a number since 1970; write it so in the file\n\
         1 unknown_enrolment: algebra-1_step-activity.csv:5: its learner is not in the enrolments table for its course\n\
         2 zero_count: algebra-1_step-activity.csv:4: none of the row's times is given \
         | algebra-1_peer-review-assignments.csv:4: none of the row's times is given\n\
         1 filtered_out: algebra-1_question-response.csv:5: its `learner_id` is set aside by the mapping's `except`",
    );
}

#[test]
fn logs_that_can_not_be_read() {
    check("empty.csv", "error: algebra-1_step-activity.csv: the file is empty; the log table needs rows");
    check(
        "binary.csv",
        "error: algebra-1_step-activity.csv: the file holds zero bytes, which is not read; save it as text in UTF-8",
    );
    check("truncated.csv.gz", &cut("algebra-1_step-activity.csv.gz", 5));
    check("truncated.csv.zst", &cut("algebra-1_step-activity.csv.zst", 0));
    let folder = Folder::copy_of("futurelearn/base");
    folder.remove("algebra-1_enrolments.csv");
    folder.remove("botany-2_enrolments.csv");
    assert_eq!(
        outcome(folder.path(), &OpenOptions::default()),
        "error: futurelearn: no enrolments table among the files given; its name fits `*_enrolments.csv`"
    );
}

#[test]
fn a_run_whose_steps_are_not_there_is_no_run_of_silent_learners() {
    let folder = Folder::copy_of("futurelearn/base");
    folder.remove("botany-2_step-activity.csv");
    assert_eq!(
        outcome(folder.path(), &staycast_events::formats::OpenOptions::default()),
        "error: futurelearn: no step activity table among the files given; botany-2_step-activity.csv is not there; give it, \
         or leave botany-2_enrolments.csv out"
    );
    folder.remove("botany-2_enrolments.csv");
    assert!(open(folder.path()).is_ok());
}

#[test]
fn steps_1_1_and_1_10_are_two() {
    let folder = Folder::copy_of("futurelearn/base");
    let log = "learner_id,step,first_visited_at,last_completed_at\na-1,1.1,2017-02-06 08:00:00 UTC,\n\
        a-1,1.10,2017-02-06 08:00:00 UTC,\na-1,1.0,2017-02-06 08:00:00 UTC,\na-1,1,2017-02-06 08:00:00 UTC,\n";
    folder.write("botany-2_step-activity.csv", log.as_bytes());
    let source = open(folder.path()).unwrap();
    let botany = source.roster.enrolments.iter().position(|one| one.id() == "botany-2/a-1").unwrap();
    let all = read(&source).unwrap().events;
    let objects: std::collections::HashSet<_> =
        all.iter().filter(|event| event.enrolment().as_usize() == botany).map(|event| event.object()).collect();
    assert_eq!(objects.len(), 4);
}
