//! The `oulad` reader.

use staycast_events::formats::{self, OpenOptions};
use staycast_events::time::format_date;
use staycast_events::{Activity, CourseIndex, ObjectKey, Outcome, OutcomeKind, SourceLabels};

use crate::common::{Folder, cut, fixture, in_words, open, outcome, with_log};
use crate::kdd2015::events;

const DAY: i32 = 86_400;

/// The base folder without submissions, so that only clicks are counted.
fn clicks_only(fixture_name: &str) -> Folder {
    let folder = with_log("oulad", "studentVle.csv", fixture_name);
    folder.remove("studentAssessment.csv");
    folder
}

fn check(fixture_name: &str, expected: &str) {
    let folder = clicks_only(fixture_name);
    assert_eq!(outcome(folder.path(), &OpenOptions::default()), expected, "{fixture_name}");
}

#[test]
fn a_sound_folder() {
    let source = open(&fixture("oulad/base")).unwrap();
    assert_eq!(source.reason, "studentVle.csv is a table of OULAD");
    assert_eq!(source.labels, SourceLabels::Outcomes);
    assert_eq!(in_words(&source.tables), "17 of 17 used");
    let capabilities = source.capabilities;
    assert!(
        capabilities.objects
            && capabilities.learners
            && capabilities.submissions
            && capabilities.withdrawals
            && capabilities.releases
    );
    assert!(!capabilities.time_of_day && !capabilities.dates && !capabilities.attempts && !capabilities.correctness);

    let roster = &source.roster;
    // The quiz is planned for week 2, which begins on day 7.
    let quiz = ObjectKey::from_id(b"502").unwrap();
    let releases: Vec<_> = roster.releases.iter().collect();
    assert_eq!(releases, [((CourseIndex(0), quiz), roster.courses[0].start_seconds() + 7 * i64::from(DAY))]);
    let courses: Vec<(&str, String, u32)> =
        roster.courses.iter().map(|course| (course.id.as_str(), format_date(course.start_day), course.days)).collect();
    let expected = [("AAA-2013J", "2013-10-01".to_owned(), 21), ("BBB-2014B", "2014-02-01".to_owned(), 31)];
    assert_eq!(courses, expected);
    let ids: Vec<&str> = roster.enrolments.ids().collect();
    assert_eq!(ids, ["AAA-2013J/11", "AAA-2013J/12", "BBB-2014B/11", "BBB-2014B/13"]);
    let second = &roster.enrolments.get(1);
    assert_eq!(second.learner(), "12");
    assert_eq!((second.enrolled_seconds, second.withdrawn_seconds), (Some(-30 * DAY), Some(12 * DAY)));
    assert_eq!(
        second.outcome.as_deref(),
        Some(&Outcome { recorded: "Withdrawn".to_owned(), kind: OutcomeKind::Withdrew })
    );
    // A Fail may have withdrawn, and a registration day may be missing: facts stay as they are.
    let last = &roster.enrolments.get(3);
    assert_eq!((last.enrolled_seconds, last.withdrawn_seconds), (None, Some(25 * DAY)));
    assert_eq!(last.outcome.as_ref().unwrap().kind, OutcomeKind::Failed);

    let statics: Vec<(&str, Option<&str>)> =
        roster.static_columns.iter().map(String::as_str).zip(second.statics.iter().map(Option::as_deref)).collect();
    assert_eq!(statics[3], ("imd_band", None), "`?` is a missing value");
    assert_eq!(statics[5], ("num_of_prev_attempts", Some("1")));
    assert_eq!(roster.enrolments.get(2).statics[3], None, "so is nothing");

    let event = |id: &str, day, kind: &str, weight| (id.to_owned(), day * DAY, kind.to_owned(), weight);
    let expected = [
        event("AAA-2013J/11", -10, "forumng", 4),
        // Repeated rows count.
        event("AAA-2013J/11", 0, "quiz", 1),
        event("AAA-2013J/11", 0, "quiz", 1),
        event("AAA-2013J/11", 9, "submission", 1),
        event("AAA-2013J/12", 11, "submission", 1),
        // 300 clicks of one row, on the course's last day: the greatest weight up to them, and what is left.
        event("AAA-2013J/12", 20, "forumng", 12),
        event("AAA-2013J/12", 20, "forumng", 288),
        event("BBB-2014B/11", 3, "unlisted_type", 2),
        event("BBB-2014B/13", 15, "submission", 1),
        event("BBB-2014B/13", 30, "unknown_site", 1),
    ];
    assert_eq!(events(&source), expected);
    let activity = |raw: &str| source.kinds.iter().find(|kind| kind.raw == raw).unwrap().activity;
    assert_eq!(activity("forumng"), Activity::Discussion);
    assert_eq!(activity("oucollaborate"), Activity::Live);
    assert_eq!(activity("unlisted_type"), Activity::Other, "a type that the format's description does not have");
    assert_eq!(activity("submission"), Activity::Submission);
}

#[test]
fn submissions_and_assessments() {
    let source = open(&fixture("oulad/base")).unwrap();
    let roster = &source.roster;
    let due: Vec<(&str, u32, Option<i32>)> =
        roster.assessments.iter().map(|one| (one.id.as_str(), one.course.0, one.due_day)).collect();
    assert_eq!(due, [("1001", 0, Some(10)), ("1002", 0, None), ("2001", 1, Some(15))]);
    let submissions: Vec<(u32, u32, i32, Option<f32>, bool)> = roster
        .submissions
        .iter()
        .map(|one| (one.enrolment.0, one.assessment, one.seconds / DAY, one.score, one.banked))
        .collect();
    let expected = [
        (0, 0, 9, Some(78.0), false),
        (1, 0, 11, None, false),
        (2, 2, -1, Some(60.0), true),
        (3, 2, 15, Some(55.5), false),
    ];
    assert_eq!(submissions, expected);
    assert_eq!(
        outcome(&fixture("oulad/base"), &OpenOptions::default()),
        "9 of 10 used\n1 banked: studentAssessment.csv:4: a result carried over from an earlier run"
    );
}

#[test]
fn odd_clicks_with_the_same_events() {
    let expected = events(&open(clicks_only("no_last_newline.csv").path()).unwrap());
    assert_eq!(expected.len(), 7);
    for name in
        ["swapped_columns.csv", "semicolons.csv", "crlf_bom.csv", "blank_lines.csv", "packed.csv.gz", "packed.csv.zst"]
    {
        assert_eq!(events(&open(clicks_only(name).path()).unwrap()), expected, "{name}");
        check(name, "6 of 6 used");
    }
}

#[test]
fn fields_in_quotes_as_the_original_has_them() {
    let plain = Folder::copy_of("oulad/base");
    let expected = events(&open(plain.path()).unwrap());
    for name in ["studentVle.csv", "studentAssessment.csv", "studentInfo.csv", "vle.csv"] {
        let text = String::from_utf8(plain.bytes(name)).unwrap();
        let quoted = text.lines().map(|line| format!("\"{}\"\n", line.replace(',', "\",\""))).collect::<String>();
        plain.write(name, quoted.as_bytes());
    }
    assert_eq!(events(&open(plain.path()).unwrap()), expected);
}

#[test]
fn clicks_that_can_not_be_read() {
    check("empty.csv", "error: studentVle.csv: the file is empty; the clicks table needs rows");
    check(
        "headerless.csv",
        "error: studentVle.csv: no column `code_module` in the clicks table; its header has: 6 fields; \
         its first line looks like data: put a header above it",
    );
    check(
        "duplicate_header.csv",
        "error: studentVle.csv: the header has `code_module` twice, in columns 1 and 7; name each column once",
    );
    check(
        "binary.csv",
        "error: studentVle.csv: the file holds zero bytes, which is not read; save it as text in UTF-8",
    );
    check(
        "utf16.csv",
        "error: studentVle.csv: the file is UTF-16, which is not read; convert it to UTF-8, for instance with iconv",
    );
    check("truncated.csv.gz", &cut("studentVle.csv.gz", 19));
    check("truncated.csv.zst", &cut("studentVle.csv.zst", 0));
}

#[test]
fn clicks_of_which_rows_are_counted_out() {
    check("header_only.csv", "0 of 0 used");
    check("truncated.csv", "5 of 6 used\n1 malformed: studentVle.csv:7: 2 fields where the header has 6");
    check("not_utf8.csv", "7 of 8 used\n1 not_utf8: studentVle.csv:8: bytes that are not UTF-8");
    check(
        "outside_calendar.csv",
        "1 of 4 used\n\
         2 implausible_time: studentVle.csv:2: 2012-08-27T00:00:00 is far from its course \
         | studentVle.csv:5: 2287-07-16T00:00:00 is far from its course\n\
         1 after_the_calendar: studentVle.csv:4: 2013-10-22T00:00:00",
    );
    check(
        "bad_numbers.csv",
        "1 of 8 used\n\
         2 bad_time: studentVle.csv:2: date of shape `aaa` is not a day's number | studentVle.csv:3: no date\n\
         3 bad_count: studentVle.csv:4: sum_click of shape `-9` is not a whole number from 0 up \
         | studentVle.csv:5: sum_click of shape `9.9` is not a whole number from 0 up \
         | studentVle.csv:7: a count of 99999999 in one row\n\
         1 implausible_time: studentVle.csv:8: day 999999999999999999 is out of all bounds\n\
         1 zero_count: studentVle.csv:6: the row's count is 0",
    );
    check(
        "unknown_enrolments.csv",
        "1 of 6 used\n\
         1 missing_id: studentVle.csv:6: no id_student, code_module or code_presentation\n\
         2 unknown_enrolment: studentVle.csv:3: its student is not in the students table for its course \
         | studentVle.csv:7: its student is not in the students table for its course\n\
         2 unknown_course: studentVle.csv:4: a course of shape `aaa-9999a` that is not in the courses table \
         | studentVle.csv:5: a course of shape `aaa-9999a` that is not in the courses table",
    );
}

#[test]
fn submissions_of_which_rows_are_counted_out() {
    let folder = Folder::copy_of("oulad/base");
    folder.write("studentAssessment.csv", &std::fs::read(fixture("oulad/tables/submissions_bad.csv")).unwrap());
    assert_eq!(
        outcome(folder.path(), &OpenOptions::default()),
        "7 of 15 used\n\
         1 malformed: studentAssessment.csv:9: 4 fields where the header has 5\n\
         1 bad_time: studentAssessment.csv:6: date_submitted of shape `aaaa` is not a day's number\n\
         2 bad_value: studentAssessment.csv:7: is_banked of shape `aaaaaaa` is not 0, 1, False or True \
         | studentAssessment.csv:8: score of shape `999` is not a number from 0 to 100\n\
         1 missing_id: studentAssessment.csv:5: no id_assessment or id_student\n\
         1 unknown_enrolment: studentAssessment.csv:4: its student is not in the students table for the assessment's course\n\
         1 unknown_object: studentAssessment.csv:3: assessment 9999 is not in the assessments table\n\
         1 after_the_calendar: studentAssessment.csv:10: 2013-11-10T00:00:00"
    );
    // What came too late for the calendar was handed in all the same.
    assert_eq!(open(folder.path()).unwrap().roster.submissions.len(), 2);
}

#[test]
fn registrations_of_which_rows_are_counted_out() {
    let folder = Folder::copy_of("oulad/base");
    folder.write("studentRegistration.csv", &std::fs::read(fixture("oulad/tables/registrations_bad.csv")).unwrap());
    let source = open(folder.path()).unwrap();
    assert_eq!(
        in_words(&source.tables),
        "15 of 20 used\n\
         1 bad_value: studentRegistration.csv:5: date_registration of shape `aaaaa` is not a whole number\n\
         1 unknown_enrolment: studentRegistration.csv:6: its student is not in the students table for its course\n\
         1 unknown_course: studentRegistration.csv:7: a course of shape `aaa-9999a` that is not in the courses table\n\
         1 repeated: studentRegistration.csv:3: the registration again\n\
         1 enrolled_again: studentRegistration.csv:4: registered again; the first counts"
    );
    assert_eq!(source.roster.enrolments.get(0).enrolled_seconds, Some(-159 * DAY));
}

#[test]
fn a_missing_table_is_named_or_unknown() {
    let check = |table: &str, expected: &str| {
        let folder = Folder::copy_of("oulad/base");
        folder.remove(table);
        let options = OpenOptions { format: Some("oulad".parse().unwrap()), ..OpenOptions::default() };
        assert_eq!(outcome(folder.path(), &options), expected, "{table}");
    };
    check(
        "courses.csv",
        "error: oulad: no courses table among the files given; it is courses.csv, with the columns \
         code_module,code_presentation,module_presentation_length",
    );
    check(
        "studentInfo.csv",
        "error: oulad: no students table among the files given; it is studentInfo.csv, with the columns \
         code_module,code_presentation,id_student and final_result",
    );
    check(
        "studentVle.csv",
        "error: oulad: no clicks table among the files given; it is studentVle.csv, with the columns \
         code_module,code_presentation,id_student,id_site,date,sum_click",
    );
    check(
        "assessments.csv",
        "error: oulad: no assessments table among the files given; it is assessments.csv, and says of which course each \
         of the submissions in studentAssessment.csv is; give both or neither",
    );

    let without = |table: &str| {
        let folder = Folder::copy_of("oulad/base");
        folder.remove(table);
        let source = open(folder.path()).unwrap();
        (folder, source)
    };
    let (_folder, source) = without("studentRegistration.csv");
    assert!(!source.capabilities.withdrawals);
    assert!(source.roster.enrolments.iter().all(|one| one.enrolled_seconds.is_none()));
    let (_folder, source) = without("studentAssessment.csv");
    assert!(!source.capabilities.submissions && source.roster.submissions.is_empty());
    let (_folder, source) = without("vle.csv");
    assert!(events(&source).iter().all(|(_, _, kind, _)| kind == "unknown_site" || kind == "submission"));
}

#[test]
fn students_of_a_course_without_dates() {
    let folder = Folder::copy_of("oulad/base");
    folder
        .write("courses.csv", b"code_module,code_presentation,module_presentation_length\nAAA,2013J,20\nCCC,20XX,9\n");
    let source = open(folder.path()).unwrap();
    assert_eq!(source.left_out.total(), 2);
    assert_eq!(
        in_words(&source.tables),
        "9 of 17 used\n\
         1 bad_value: courses.csv:3: code_presentation `20XX` is not a year and the letter of a month, A to L\n\
         7 unknown_course: studentInfo.csv:4: a course of shape `aaa-9999a` that is not in the courses table \
         | studentInfo.csv:5: a course of shape `aaa-9999a` that is not in the courses table \
         | studentRegistration.csv:4: a course of shape `aaa-9999a` that is not in the courses table \
         | studentRegistration.csv:5: a course of shape `aaa-9999a` that is not in the courses table \
         | vle.csv:4: a course of shape `aaa-9999a` that is not in the courses table"
    );
}

#[test]
fn real_dates_from_a_file() {
    let given = Folder::of(&[("dates.csv", b"course_id,from,to\nAAA-2013J,2013-10-05,2013-10-25\n")]);
    let options = OpenOptions { courses: Some(given.path().join("dates.csv")), ..OpenOptions::default() };
    let source = formats::open(&[fixture("oulad/base")], &options).unwrap();
    assert!(source.capabilities.dates);
    let course = &source.roster.courses[0];
    assert_eq!((format_date(course.start_day).as_str(), course.days), ("2013-10-05", 21));
    assert_eq!(events(&source).len(), 7);
}
