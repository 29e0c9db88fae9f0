//! The `moodle` reader.

use staycast_events::formats::{self, OpenOptions};
use staycast_events::{Activity, Detail, EnrolledAgain, Enrolments, Notice, ObjectKey, Reason, SourceLabels};

use crate::common::{
    Folder, check_odd_logs, courses, cut, fixture, in_words, open, outcome, outcome_with, read, rows, with_their,
};
use crate::kdd2015::events;

const DAY: i32 = 86_400;
const LOG: &str = "mdl_logstore_standard_log.csv";

fn check(fixture_name: &str, expected: &str) {
    assert_eq!(outcome_with("moodle", LOG, fixture_name), expected, "{fixture_name}");
}

#[test]
fn a_second_way_in_does_not_date_an_enrolment_without_a_date() {
    let folder = Folder::copy_of("moodle/base");
    let table = |rows: &str| format!("id,status,enrolid,userid,timestart,timeend,timecreated\n{rows}");
    let since = |rows: &str| {
        folder.write("mdl_user_enrolments.csv", table(rows).as_bytes());
        open(folder.path()).unwrap().roster.enrolments.get(0).enrolled_seconds
    };
    let (undated, dated) = ("1,0,21,5,0,0,0\n", "2,0,22,5,1393891200,0,0\n");
    assert_eq!(since(undated), None);
    assert_eq!(since(&format!("{undated}{dated}")), None);
    assert_eq!(since(dated), Some(DAY));
    // Whichever comes first or between two that have a date.
    let later = "3,0,21,5,1393977600,0,0\n";
    for rows in [[dated, undated, later], [dated, later, undated], [undated, dated, later]] {
        assert_eq!(since(&rows.concat()), None, "{rows:?}");
    }
    assert_eq!(since(&format!("{later}{dated}")), Some(DAY));
}

#[test]
fn ways_of_enrolling_on_different_dates_are_enrolments_again() {
    let folder = Folder::copy_of("moodle/base");
    let read_with = |enrolled_again| {
        let options = OpenOptions { enrolled_again, ..OpenOptions::default() };
        let source = formats::open(&[folder.path().to_owned()], &options).unwrap();
        let dates: Vec<(String, Option<i32>)> =
            source.roster.enrolments.iter().map(|one| (one.id().to_owned(), one.enrolled_seconds)).collect();
        (dates, rows(&source.tables, Reason::EnrolledAgain), source.tables.rejected())
    };
    let others = [("2/6".to_owned(), Some(DAY)), ("3/5".to_owned(), Some(-7 * DAY))];
    let with = |first: &[(&str, i32)]| -> Vec<(String, Option<i32>)> {
        first.iter().map(|&(id, since)| (id.to_owned(), Some(since))).chain(others.clone()).collect()
    };
    let (first, last) = (-3 * DAY, -DAY);
    assert_eq!(read_with(EnrolledAgain::First), (with(&[("2/5", first)]), 1, 0));
    assert_eq!(read_with(EnrolledAgain::Last), (with(&[("2/5", last)]), 1, 0));
    assert_eq!(read_with(EnrolledAgain::Each), (with(&[("2/5", first), ("2/5@2014-03-02", last)]), 0, 0));
}

#[test]
fn a_sound_folder() {
    let source = open(&fixture("moodle/base")).unwrap();
    assert_eq!(source.format, "moodle");
    let reason = "mdl_logstore_standard_log.csv has the columns eventname, userid, courseid and timecreated";
    assert_eq!(source.reason, reason);
    assert_eq!(source.labels, SourceLabels::Nothing);
    assert!(
        source.capabilities.learners
            && source.capabilities.objects
            && source.capabilities.dates
            && source.capabilities.time_of_day
    );
    assert!(!source.capabilities.withdrawals && !source.capabilities.correctness);
    // Botany has no end date: it ends with its last event.
    let expected =
        [("2".to_owned(), "2014-03-03".to_owned(), 28, false), ("3".to_owned(), "2014-03-10".to_owned(), 4, true)];
    assert_eq!(courses(&source), expected);
    let enrolments: Vec<(&str, &str, Option<i32>)> = with_their(&source, Enrolments::enrolled_seconds);
    // Enrolled two ways counts from the earlier; without a start, from when the enrolment was made. 9 teaches.
    assert_eq!(enrolments, [("2/5", "5", Some(-3 * DAY)), ("2/6", "6", Some(DAY)), ("3/5", "5", Some(-7 * DAY))]);
    let event = |id: &str, seconds, kind: &str| (id.to_owned(), seconds, kind.to_owned(), 1);
    let expected = [
        event("2/5", 3_600, "course_viewed"),
        event("2/5", 7_200, "mod_quiz_attempt_submitted"),
        event("2/6", 9 * DAY, "mod_forum_post_created"),
        event("2/6", 20 * DAY, "mod_assign_submitted"),
        event("2/6", 20 * DAY + 60, "undeclared"),
        event("3/5", 3 * DAY, "mod_page"),
    ];
    assert_eq!(events(&source), expected);
    let all = read(&source).unwrap();
    assert_eq!(
        in_words(&all.tally),
        "6 of 13 used\n\
            7 filtered_out: mdl_logstore_standard_log.csv:8: its enrolment is set aside by the mapping \
            | mdl_logstore_standard_log.csv:9: its `userid` is set aside by the mapping's `except` \
            | mdl_logstore_standard_log.csv:10: its `courseid` is set aside by the mapping's `except` \
            | mdl_logstore_standard_log.csv:11: its `anonymous` is set aside by the mapping's `except` \
            | mdl_logstore_standard_log.csv:12: its `realuserid` is set aside by the mapping's `only`"
    );
    assert_eq!(
        in_words(&source.tables),
        "18 of 24 used\n\
            1 enrolled_again: mdl_user_enrolments.csv:3: enrolled again; the first counts\n\
            5 filtered_out: mdl_context.csv:2: the context of something other than a course \
            | mdl_context.csv:5: the context of something other than a course \
            | mdl_role_assignments.csv:7: a role in something other than a course \
            | mdl_course.csv:2: its `id` is set aside by the mapping's `except` \
            | mdl_user_enrolments.csv:5: its `role` is set aside by the mapping's `only`"
    );
    assert_eq!(all.events[0].object(), ObjectKey::from_id(b"core 7"));
    let kind = |name: &str| source.kinds.iter().find(|kind| kind.raw == name).unwrap();
    assert_eq!((kind("mod_quiz").activity, kind("mod_quiz").detail), (Activity::Problem, Detail::Nothing));
    assert_eq!(kind("mod_quiz_attempt_submitted").detail, Detail::Attempt);
    let roles: Vec<&str> = source.inputs.iter().map(|file| file.role).collect();
    let expected = ["log", "calendar", "user-enrolments", "enrol", "role-assignments", "contexts", "roles"];
    assert_eq!(roles, expected);
}

#[test]
fn odd_logs_with_the_same_events() {
    check_odd_logs("moodle", LOG, &["swapped_columns.csv", "semicolons.csv", "nulls.csv", "twice.csv"]);
    check(
        "twice.csv",
        "6 of 15 used\n\
         2 repeated_id: mdl_logstore_standard_log.csv:15: an event id that came before \
         | mdl_logstore_standard_log.csv:16: an event id that came before\n\
         7 filtered_out: mdl_logstore_standard_log.csv:8: its enrolment is set aside by the mapping \
         | mdl_logstore_standard_log.csv:9: its `userid` is set aside by the mapping's `except` \
         | mdl_logstore_standard_log.csv:10: its `courseid` is set aside by the mapping's `except` \
         | mdl_logstore_standard_log.csv:11: its `anonymous` is set aside by the mapping's `except` \
         | mdl_logstore_standard_log.csv:12: its `realuserid` is set aside by the mapping's `only`",
    );
}

#[test]
fn the_rows_of_two_sites_are_no_repeats_of_each_other() {
    let base = fixture("moodle/base");
    let once = open(&base).unwrap();
    assert_eq!(once.notices, []);
    let log = std::fs::read_to_string(base.join(LOG)).unwrap();
    let folder = Folder::copy_of("moodle/base");
    // The same ids, a second later.
    let later = log.replace(",1393808400,", ",1393808401,").replace(",1393812000,", ",1393812001,");
    folder.write("mdl_logstore_standard_log_2.csv", later.as_bytes());
    let both = open(folder.path()).unwrap();
    assert_eq!(both.inputs.iter().filter(|input| input.role == "log").count(), 2);
    let (one, two) = (read(&once).unwrap(), read(&both).unwrap());
    assert_eq!(both.notices, [Notice::ClashingIds { at_least: 2 }]);
    assert_eq!(two.tally.used, one.tally.used + 2);
}

#[test]
fn as_a_mapping_to_copy() {
    // The mapping alone can't put enrolments together: it reads them put together.
    let folder = Folder::copy_of("moodle/base");
    for table in ["enrol", "user_enrolments", "role", "context", "role_assignments"] {
        folder.remove(&format!("mdl_{table}.csv"));
    }
    folder.write("enrolments.csv", b"userid,courseid,timestart,role\n5,2,1393545600,student\n6,2,1393891200,student\n9,2,,staff\n5,3,1393804800,\n");
    let built_in = open(folder.path()).unwrap();
    assert_eq!(events(&built_in), events(&open(&fixture("moodle/base")).unwrap()));
    assert_eq!(built_in.roster.enrolments, open(&fixture("moodle/base")).unwrap().roster.enrolments);
    let mapping = Some(crate::common::workspace().join("configs/mappings/moodle.toml"));
    let options = OpenOptions { mapping, ..OpenOptions::default() };
    let mapped = staycast_events::formats::open(&[folder.path().to_owned()], &options).unwrap();
    assert_eq!(read(&mapped).unwrap(), read(&built_in).unwrap());
}

#[test]
fn a_log_alone() {
    let folder = Folder::of(&[("log.csv", &std::fs::read(fixture("moodle/base").join(LOG)).unwrap())]);
    let source = open(folder.path()).unwrap();
    let expected =
        [("2".to_owned(), "2014-03-03".to_owned(), 21, true), ("3".to_owned(), "2014-03-13".to_owned(), 1, true)];
    assert_eq!(courses(&source), expected);
    // Nothing tells that 9 teaches and 8 only looked in.
    let ids: Vec<&str> = source.roster.enrolments.ids().collect();
    assert_eq!(ids, ["2/5", "2/6", "2/8", "2/9", "3/5"]);
    assert_eq!(
        in_words(&read(&source).unwrap().tally),
        "8 of 13 used\n\
            5 filtered_out: log.csv:9: its `userid` is set aside by the mapping's `except` \
            | log.csv:10: its `courseid` is set aside by the mapping's `except` \
            | log.csv:11: its `anonymous` is set aside by the mapping's `except` \
            | log.csv:12: its `realuserid` is set aside by the mapping's `only` \
            | log.csv:13: its `origin` is set aside by the mapping's `except`"
    );
    let few = Folder::of(&[("log.csv", &std::fs::read(fixture("moodle/logs/few_columns.csv")).unwrap())]);
    assert_eq!(events(&open(few.path()).unwrap()).len(), 7);
}

#[test]
fn logs_of_which_rows_are_counted_out() {
    check("header_only.csv", "0 of 0 used");
    check(
        "truncated.csv",
        "6 of 13 used\n\
         1 malformed: mdl_logstore_standard_log.csv:14: 16 fields where the first line has 21\n\
         6 filtered_out: mdl_logstore_standard_log.csv:8: its enrolment is set aside by the mapping \
         | mdl_logstore_standard_log.csv:9: its `userid` is set aside by the mapping's `except` \
         | mdl_logstore_standard_log.csv:10: its `courseid` is set aside by the mapping's `except` \
         | mdl_logstore_standard_log.csv:11: its `anonymous` is set aside by the mapping's `except` \
         | mdl_logstore_standard_log.csv:12: its `realuserid` is set aside by the mapping's `only`",
    );
    check(
        "not_utf8.csv",
        "6 of 14 used\n\
         1 not_utf8: mdl_logstore_standard_log.csv:15: bytes that are not UTF-8\n\
         7 filtered_out: mdl_logstore_standard_log.csv:8: its enrolment is set aside by the mapping \
         | mdl_logstore_standard_log.csv:9: its `userid` is set aside by the mapping's `except` \
         | mdl_logstore_standard_log.csv:10: its `courseid` is set aside by the mapping's `except` \
         | mdl_logstore_standard_log.csv:11: its `anonymous` is set aside by the mapping's `except` \
         | mdl_logstore_standard_log.csv:12: its `realuserid` is set aside by the mapping's `only`",
    );
    check(
        "bad_values.csv",
        "2 of 5 used\n\
         1 malformed: mdl_logstore_standard_log.csv:5: 2 fields where the first line has 21\n\
         1 after_the_calendar: mdl_logstore_standard_log.csv:4: 2014-03-31T00:00:00\n\
         1 filtered_out: mdl_logstore_standard_log.csv:6: its `userid` is set aside by the mapping's `except`",
    );
}

#[test]
fn logs_that_can_not_be_read() {
    check("empty.csv", "error: mdl_logstore_standard_log.csv: the file is empty; the log table needs rows");
    check(
        "binary.csv",
        "error: mdl_logstore_standard_log.csv: the file holds zero bytes, which is not read; save it as text in UTF-8",
    );
    check("truncated.csv.gz", &cut("mdl_logstore_standard_log.csv.gz", 13));
    check("truncated.csv.zst", &cut("mdl_logstore_standard_log.csv.zst", 0));
}

#[test]
fn courses_given_for_some() {
    let folder = Folder::copy_of("moodle/base");
    folder.write("dates.csv", b"course_id,from,to\n2,2014-03-03,2014-03-09\n");
    let options = OpenOptions { courses: Some(folder.path().join("dates.csv")), ..OpenOptions::default() };
    let source = staycast_events::formats::open(&[folder.path().to_owned()], &options).unwrap();
    assert_eq!(courses(&source), [("2".to_owned(), "2014-03-03".to_owned(), 7, false)]);
    assert_eq!(source.left_out.total(), 1);
    // Botany has a learner and no dates: that is not the same as having nobody.
    let tally = read(&source).unwrap().tally;
    assert_eq!(crate::common::rows(&tally, staycast_events::Reason::UnknownCourse), 1);
    assert_eq!(crate::common::rows(&tally, staycast_events::Reason::FilteredOut), 7);
}

#[test]
fn tables_given_by_halves() {
    let without = |tables: &[&str]| {
        let folder = Folder::copy_of("moodle/base");
        tables.iter().for_each(|table| folder.remove(&format!("mdl_{table}.csv")));
        outcome(folder.path(), &OpenOptions::default())
    };
    assert_eq!(
        without(&["enrol"]),
        "error: moodle: no mdl_enrol table among the files given; mdl_user_enrolments names courses only through it"
    );
    assert_eq!(
        without(&["context"]),
        "error: moodle: no mdl_context or mdl_role table among the files given; mdl_role_assignments names courses and roles only through them"
    );
    let folder = Folder::copy_of("moodle/base");
    folder.write("mdl_role.csv", b"");
    assert_eq!(
        outcome(folder.path(), &OpenOptions::default()),
        "error: moodle: no mdl_context or mdl_role table among the files given (of which mdl_role.csv is empty); \
         mdl_role_assignments names courses and roles only through them"
    );
    assert_eq!(
        without(&["user_enrolments"]),
        "error: moodle: no mdl_user_enrolments table among the files given; mdl_enrol.csv says nothing without it"
    );
    // Without roles, whoever is enrolled is a learner, staff included.
    assert_eq!(
        without(&["role", "context", "role_assignments"]),
        "7 of 13 used\n\
            6 filtered_out: mdl_logstore_standard_log.csv:9: its `userid` is set aside by the mapping's `except` \
            | mdl_logstore_standard_log.csv:10: its `courseid` is set aside by the mapping's `except` \
            | mdl_logstore_standard_log.csv:11: its `anonymous` is set aside by the mapping's `except` \
            | mdl_logstore_standard_log.csv:12: its `realuserid` is set aside by the mapping's `only` \
            | mdl_logstore_standard_log.csv:13: its `origin` is set aside by the mapping's `except`"
    );
}

#[test]
fn kinds_that_the_format_does_not_know_are_named() {
    let mut log = String::from("eventname,userid,courseid,timecreated,component,contextinstanceid\n");
    for user in 5..10 {
        log += &format!(
            "\\tool_new\\event\\thing_done,{user},2,1393808400,,\n\\mod_quiz\\event\\x,{user},2,1393808400,,\n"
        );
    }
    log += "Ann Example,5,2,1393808400,,\n,5,2,1393808400,,\n7,7,2,1393808400,,\n";
    let folder = Folder::of(&[("log.csv", log.as_bytes())]);
    let source = open(folder.path()).unwrap();
    let unknown = read(&source).unwrap().tally.unknown_kinds;
    assert_eq!(unknown.rows, 8);
    let all = &source.roster.enrolments;
    let people = all.places().map(|place| all.learner(place));
    let named: Vec<(String, u64)> =
        unknown.most_frequent(people).into_iter().map(|kind| (kind.shown, kind.rows)).collect();
    let expected = [("\\tool_new\\event\\thing_done", 5), ("", 1), ("9", 1), ("aaa aaaaaaa", 1)];
    assert_eq!(named, expected.map(|(kind, rows)| (kind.to_owned(), rows)));
}

/// The sound log as MySQL writes it into a file: with backslashes, `\\N`, and line breaks inside cells.
fn as_mysql_writes_it(delimiter: char, quotes: bool) -> String {
    let mut reader = csv::Reader::from_path(fixture("moodle/base").join(LOG)).unwrap();
    let mut text = reader.headers().unwrap().iter().collect::<Vec<_>>().join(&delimiter.to_string()) + "\n";
    let other = reader.headers().unwrap().iter().position(|name| name == "other").unwrap();
    for row in reader.records() {
        let cell = |(place, cell): (usize, &str)| match cell {
            "" => "\\N".to_owned(),
            cell => {
                let cell = if place == other { format!("{cell}\n\tmore, \"quoted\"; text") } else { cell.to_owned() };
                let mut written = cell.replace('\\', r"\\").replace('\n', "\\\n");
                written = if quotes {
                    written.replace('"', "\\\"")
                } else {
                    written.replace(delimiter, &format!("\\{delimiter}"))
                };
                if quotes { format!("\"{written}\"") } else { written }
            }
        };
        text += &row.unwrap().iter().enumerate().map(cell).collect::<Vec<_>>().join(&delimiter.to_string());
        text += "\n";
    }
    text
}

#[test]
fn doubled_backslashes_of_mysql() {
    let sound = open(&fixture("moodle/base")).unwrap();
    for (delimiter, quotes) in [('\t', false), (',', true), (',', false), (';', true)] {
        let folder = Folder::copy_of("moodle/base");
        folder.write(LOG, as_mysql_writes_it(delimiter, quotes).as_bytes());
        let source = open(folder.path()).unwrap();
        assert_eq!(read(&source).unwrap().events, read(&sound).unwrap().events, "{delimiter} {quotes}");
        assert_eq!(read(&source).unwrap().tally.unknown_kinds, read(&sound).unwrap().tally.unknown_kinds);
    }
}

#[test]
fn line_breaks_inside_the_column_other() {
    let sound = open(&fixture("moodle/base")).unwrap();
    let folder = Folder::copy_of("moodle/base");
    let text = String::from_utf8(folder.bytes(LOG)).unwrap();
    for inside in ["\n", "\r\n", "\n\n\n", "\n1,2,3\n"] {
        let broken = text.replace("\"{\"\"quizid\"\"", &format!("\"{{{inside}\"\"quizid\"\""));
        assert_ne!(broken, text);
        folder.write(LOG, broken.as_bytes());
        let source = open(folder.path()).unwrap();
        assert_eq!(read(&source).unwrap().events, read(&sound).unwrap().events, "{inside:?}");
        assert_eq!(read(&source).unwrap().tally.read, 13);
    }
}

const REPORT: &str = "\u{feff}Time,\"User full name\",\"Affected user\",\"Event context\",Component,\"Event name\",Description,Origin,\"IP address\"\n\
    \"5/09/23, 03:00\",-,-,\"Course: Algebra\",System,\"Course section updated\",\"x\",cli,\n\
    \"4/09/23, 10:00\",\"Ann Example\",-,\"Page: One\",Page,\"Course module viewed\",\"The user with id '5' viewed the 'page' activity with course module id '12'.\",web,10.0.0.1\n\
    \"14/09/23, 10:05\",\"Ann Example\",-,\"Quiz: One\",Quiz,\"Course module viewed\",\"The user with id '5' viewed the 'quiz' activity with course module id '13'.\",web,10.0.0.1\n\
    \"14/09/23, 10:09\",\"Bob Example\",-,\"Quiz: One\",Quiz,\"Quiz attempt submitted\",\"The user with id '6' has submitted the attempt with id '7' for the quiz with course module id '13'.\",web,10.0.0.1\n";

#[test]
fn the_report_of_moodles_own_page_is_refused_by_name_in_any_language() {
    let spanish = "Hora,\"Nombre completo del usuario\",\"Usuario afectado\",\"Contexto del evento\",Componente,\"Nombre evento\",Descripci\u{f3}n,Origen,\"Direcci\u{f3}n IP\"";
    let in_spanish = format!("{spanish}\n{}", REPORT.split_once('\n').unwrap().1);
    for (report, format) in [(REPORT, None), (REPORT, Some("moodle")), (&in_spanish, None)] {
        let folder = Folder::of(&[("logs_algebra_20231010-1200.csv", report.as_bytes())]);
        let options = OpenOptions { format: format.map(|name: &str| name.parse().unwrap()), ..OpenOptions::default() };
        assert_eq!(
            outcome(folder.path(), &options),
            "error: moodle: no log table among the files given; logs_algebra_20231010-1200.csv is the report that Moodle's own \
             page of logs exports, and not the log itself; export the table mdl_logstore_standard_log, or give a mapping that \
             describes the report (begin with configs/mappings/moodle-report.toml)"
        );
    }
}

#[test]
fn the_report_of_moodles_own_page_by_its_mapping() {
    let folder = Folder::of(&[("logs_algebra_20231010-1200.csv", REPORT.as_bytes())]);
    let mapping = Some(crate::common::workspace().join("configs/mappings/moodle-report.toml"));
    let options = OpenOptions { mapping, ..OpenOptions::default() };
    let source = staycast_events::formats::open(&[folder.path().to_owned()], &options).unwrap();
    assert_eq!(source.roster.enrolments.len(), 2);
    let kinds: Vec<String> = events(&source).into_iter().map(|(_, _, kind, _)| kind).collect();
    assert_eq!(kinds, ["module_viewed", "quiz_viewed", "attempt_submitted"]);
    assert_eq!(read(&source).unwrap().tally.unknown_kinds.rows, 0);
}

#[test]
fn facts_that_others_bring_about_are_no_activity_in_moodle() {
    let mut log = String::from("eventname,component,contextinstanceid,userid,courseid,timecreated\n");
    for name in ["user_enrolment_created", "role_assigned", "user_graded", "course_completed", "grade_item_updated"] {
        log += &format!("\\core\\event\\{name},core,1,9,2,1393808400\n");
    }
    log += "\\core\\event\\course_viewed,core,1,5,2,1393808400\n";
    let source = open(Folder::of(&[("log.csv", log.as_bytes())]).path()).unwrap();
    assert_eq!(source.roster.enrolments.ids().collect::<Vec<_>>(), ["2/5"]);
}

#[test]
fn times_that_nothing_reads_are_what_is_wrong_with_a_log_without_a_table_of_enrolments() {
    let log = |times: &[&str]| {
        let row = |(number, time): (usize, &&str)| {
            format!("{number},\\mod_page\\event\\course_module_viewed,mod_page,12,5,2,\"{time}\"\n")
        };
        let rows: Vec<String> = times.iter().enumerate().map(row).collect();
        format!("id,eventname,component,contextinstanceid,userid,courseid,timecreated\n{}", rows.concat())
    };
    let folder = Folder::of(&[(LOG, log(&["4/09/23, 10:00", "1.6938e+09"]).as_bytes())]);
    let error = open(folder.path()).err().unwrap().to_string();
    assert!(error.contains("2 bad_time"), "{error}");
    assert!(
        error.contains(
            "time of shape `9/99/99, 99:99` is not a time such as 2014-06-14T09:38:29 or a number since 1970"
        ),
        "{error}"
    );
    assert!(!error.contains("nobody is enrolled"), "{error}");
}
