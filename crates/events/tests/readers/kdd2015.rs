//! The `kdd2015` reader.

use std::path::PathBuf;

use staycast_events::formats::{self, OpenOptions};
use staycast_events::{CourseIndex, Enrolments, ObjectKey, Reason, Source, SourceLabels};

use crate::common::{Folder, cut, fixture, in_words, open, outcome, read, rows, with_log, with_their, without_folder};

/// Events as enrolment, seconds from the course's start, raw kind and weight.
pub(crate) fn events(source: &Source) -> Vec<(String, i32, String, u32)> {
    let all = read(source).unwrap();
    let shown = |event: &staycast_events::Event| {
        let enrolment = source.roster.enrolments.get(event.enrolment().as_usize()).id().to_owned();
        (enrolment, event.seconds(), source.kinds[event.kind() as usize].raw.clone(), event.weight())
    };
    all.events.iter().map(shown).collect()
}

const DAY: i32 = 86_400;

fn check(fixture_name: &str, expected: &str) {
    let folder = with_log("kdd2015", "log.csv", fixture_name);
    assert_eq!(outcome(folder.path(), &OpenOptions::default()), expected, "{fixture_name}");
}

#[test]
fn a_sound_folder() {
    let source = open(&fixture("kdd2015/base")).unwrap();
    assert_eq!(source.reason, "log.csv has the columns enrollment_id, time, event and object");
    assert_eq!(source.labels, SourceLabels::Labels);
    let learners: Vec<(&str, &str, Option<bool>)> = with_their(&source, Enrolments::dropout);
    assert_eq!(learners, [("1", "ann", Some(false)), ("2", "bob", Some(true)), ("3", "ann", Some(false))]);
    assert_eq!(source.left_out.total(), 1);
    assert_eq!(
        in_words(&source.tables),
        "12 of 13 used\n1 unknown_course: enrollment.csv:5: a course of shape `aaaaa` that the calendar gives no dates"
    );
    // Midday of the first day is the earlier of the two releases; `null` is none, and chess has no dates.
    let released = 1_388_577_600;
    let releases: Vec<_> = source.roster.releases.iter().collect();
    assert_eq!(releases, [((CourseIndex(0), ObjectKey::from_id(b"o1").unwrap()), released)]);

    let event = |id: &str, seconds, kind: &str| (id.to_owned(), seconds, kind.to_owned(), 1);
    let problem = event("1", 2 * DAY + 36_000, "browser_problem");
    let expected = [
        event("1", 0, "server_access"),
        problem.clone(),
        problem,
        event("2", 14 * DAY - 1, "server_nagivate"),
        event("3", -DAY / 2, "browser_video"),
        event("3", DAY + DAY / 2, "server_wiki"),
    ];
    assert_eq!(events(&source), expected);
}

#[test]
fn odd_logs_with_the_same_events() {
    let expected = events(&open(&fixture("kdd2015/base")).unwrap());
    for name in [
        "swapped_columns.csv",
        "semicolons.csv",
        "crlf_bom.csv",
        "no_last_newline.csv",
        "blank_lines.csv",
        "packed.csv.gz",
        "packed.csv.zst",
    ] {
        let folder = with_log("kdd2015", "log.csv", name);
        assert_eq!(events(&open(folder.path()).unwrap()), expected, "{name}");
        check(name, "6 of 6 used");
    }
}

#[test]
fn logs_that_can_not_be_read() {
    check("empty.csv", "error: log.csv: the file is empty; the log table needs rows");
    check(
        "headerless.csv",
        "error: log.csv: no column `enrollment_id` in the log table; its header has: 5 fields; \
         its first line looks like data: put a header above it",
    );
    check(
        "duplicate_header.csv",
        "error: log.csv: the header has `enrollment_id` twice, in columns 1 and 6; name each column once",
    );
    check("binary.csv", "error: log.csv: the file holds zero bytes, which is not read; save it as text in UTF-8");
    check(
        "utf16.csv",
        "error: log.csv: the file is UTF-16, which is not read; convert it to UTF-8, for instance with iconv",
    );
    check("truncated.csv.gz", &cut("log.csv.gz", 19));
    check("truncated.csv.zst", &cut("log.csv.zst", 0));
}

#[test]
fn logs_of_which_rows_are_counted_out() {
    check("header_only.csv", "0 of 0 used");
    check("truncated.csv", "5 of 6 used\n1 malformed: log.csv:7: 2 fields where the header has 5");
    check("not_utf8.csv", "7 of 8 used\n1 not_utf8: log.csv:8: bytes that are not UTF-8");
    check("unknown_events.csv", "2 of 2 used");
    check(
        "outside_calendar.csv",
        "2 of 4 used\n\
         1 implausible_time: log.csv:5: 2099-01-01T00:00:00 is far from its course\n\
         1 after_the_calendar: log.csv:4: 2014-01-15T00:00:00",
    );
    check(
        "bad_times.csv",
        "2 of 5 used\n\
         3 bad_time: log.csv:2: time of shape `9999-99-99a99:99:99` is not YYYY-MM-DDTHH:MM:SS or seconds since 1970; write it so in the file \
         | log.csv:3: time of shape `aaaaaaaaa` is not YYYY-MM-DDTHH:MM:SS or seconds since 1970; write it so in the file \
         | log.csv:4: no time",
    );
    check(
        "unknown_enrolments.csv",
        "1 of 5 used\n\
         1 missing_id: log.csv:4: no enrollment_id\n\
         2 unknown_enrolment: log.csv:3: its enrollment_id is not in the enrolments table \
         | log.csv:6: its enrollment_id is not in the enrolments table\n\
         1 unknown_course: log.csv:5: its enrolment has no course with dates",
    );
}

#[test]
fn a_missing_table_is_named() {
    let check = |table: &str, expected: &str| {
        let folder = Folder::copy_of("kdd2015/base");
        folder.remove(table);
        assert_eq!(outcome(folder.path(), &OpenOptions::default()), expected, "{table}");
    };
    check(
        "enrollment.csv",
        "error: kdd2015: no enrolments table among the files given; it is enrollment*.csv, with the columns \
         enrollment_id,username,course_id",
    );
    check(
        "date.csv",
        "error: kdd2015: no calendar table among the files given; it is date.csv, with the columns course_id,from,to",
    );
    check("object.csv", "6 of 6 used");
    check("truth.csv", "6 of 6 used");
    // Without a log nothing says that this is KDD Cup 2015, so the format must be named to get this far.
    let folder = Folder::copy_of("kdd2015/base");
    folder.remove("log.csv");
    let options = OpenOptions { format: Some("kdd2015".parse().unwrap()), ..OpenOptions::default() };
    assert_eq!(
        outcome(folder.path(), &options),
        "error: kdd2015: no log table among the files given; it is log*.csv, with the columns \
         enrollment_id,time,source,event,object"
    );
}

#[test]
fn a_table_with_a_log_of_another_kind_beside_it() {
    let folder = Folder::copy_of("kdd2015/base");
    folder.write("log.csv.gz", &crate::common::gzip(&folder.bytes("log.csv")));
    assert_eq!(outcome(folder.path(), &OpenOptions::default()), "6 of 6 used", "the copy is not read");
    let other = [folder.bytes("log.csv"), b"2,2014-01-01T09:00:00,browser,access,m\n".to_vec()].concat();
    folder.write("log.csv.gz", &crate::common::gzip(&other));
    assert_eq!(
        outcome(folder.path(), &OpenOptions::default()),
        "error: log.csv and log.csv.gz are the same table twice; give one of them"
    );
}

#[test]
fn a_log_in_parts() {
    let folder = Folder::copy_of("kdd2015/base");
    let log = String::from_utf8(folder.bytes("log.csv")).unwrap();
    let expected = events(&open(folder.path()).unwrap());
    let lines: Vec<&str> = log.lines().collect();
    folder.remove("log.csv");
    folder.write("log_1.csv", [lines[0], lines[1], lines[2]].join("\n").as_bytes());
    folder.write("log_2.csv.zst", &crate::common::zstandard([&lines[..1], &lines[3..]].concat().join("\n").as_bytes()));
    assert_eq!(events(&open(folder.path()).unwrap()), expected);
}

#[test]
fn labels_that_cover_half() {
    let labels = Some(fixture("kdd2015/labels/half.csv"));
    let inputs = [fixture("kdd2015/base")];
    let source = formats::open(&inputs, &OpenOptions { labels, ..OpenOptions::default() }).unwrap();
    let labels: Vec<Option<bool>> = source.roster.enrolments.iter().map(|one| one.dropout).collect();
    assert_eq!(labels, [None, Some(true), None], "a labels file stands in place of the source's labels");
}

#[test]
fn missing_labels_are_unknown_outcomes() {
    for (truth, labels) in [
        ("1,0\n2,NA\n3,1\n", [Some(false), None, Some(true)]),
        ("1,NA\n2,\n3,1\n", [None, None, Some(true)]),
        ("enrollment_id,truth\n1,0\n2,null\n3,\n", [Some(false), None, None]),
        ("1,\n2,?\n3,NaN\n", [None; 3]),
    ] {
        let folder = Folder::copy_of("kdd2015/base");
        folder.write("truth.csv", truth.as_bytes());
        let source = open(folder.path()).unwrap();
        let found: Vec<Option<bool>> = source.roster.enrolments.iter().map(|one| one.dropout).collect();
        assert_eq!(found, labels, "{truth}");
        let missing = labels.iter().filter(|label| label.is_none()).count() as u64;
        assert_eq!(rows(&source.tables, Reason::MissingLabel), missing, "{truth}");
        assert_eq!(source.tables.rejected(), 1, "chess has no dates: {truth}");
    }
}

#[test]
fn a_missing_date_of_a_course_is_said_to_be_missing() {
    for missing in ["NA", "", "NULL"] {
        let folder = Folder::copy_of("kdd2015/base");
        folder.write("date.csv", format!("course_id,from,to\nalgebra,2014-01-01,{missing}\n").as_bytes());
        let said = outcome(folder.path(), &OpenOptions::default());
        assert!(said.contains("date.csv line 2: the end is missing; give one, as YYYY-MM-DD"), "{said}");
    }
}

#[test]
fn labels_that_contradict_themselves() {
    let labels = Some(fixture("kdd2015/labels/contradictory.csv"));
    let folder = Folder::copy_of("kdd2015/base");
    folder.remove("truth.csv");
    let options = OpenOptions { labels, ..OpenOptions::default() };
    let source = formats::open(&[folder.path().to_owned()], &options).unwrap();
    assert_eq!(
        in_words(&source.tables),
        "11 of 16 used\n\
         1 bad_value: contradictory.csv:6: label of shape `aaaaa` is not 0, 1, false or true\n\
         1 unknown_enrolment: contradictory.csv:5: a label for an enrolment that no table names\n\
         1 unknown_course: enrollment.csv:5: a course of shape `aaaaa` that the calendar gives no dates\n\
         1 contradiction: contradictory.csv:2: an enrolment labelled both ways; the first label is used\n\
         1 repeated: contradictory.csv:4: the same label again"
    );
    let labels: Vec<Option<bool>> = source.roster.enrolments.iter().map(|one| one.dropout).collect();
    assert_eq!(labels, [Some(true), Some(true), None]);
}

#[test]
fn course_dates_from_a_file() {
    let given = Folder::of(&[(
        "dates.csv",
        b"course_id,from,to\nchess,2014-01-01,2014-01-07\nalgebra,2014-01-02,2014-01-03\n",
    )]);
    let options = OpenOptions { courses: Some(given.path().join("dates.csv")), ..OpenOptions::default() };
    assert_eq!(
        outcome(&fixture("kdd2015/base"), &options),
        "3 of 6 used\n\
         2 unknown_course: log.csv:6: its enrolment has no course with dates \
         | log.csv:7: its enrolment has no course with dates\n\
         1 after_the_calendar: log.csv:5: 2014-01-14T23:59:59"
    );
}

#[test]
fn what_is_no_log() {
    let error = |inputs: &[PathBuf], folder: &std::path::Path| match formats::open(inputs, &OpenOptions::default()) {
        Ok(source) => panic!("opened as {}", source.format),
        Err(error) => without_folder(folder, &error),
    };
    let folder = Folder::of(&[
        ("a.csv", b"user,minutes\nann,3\n"),
        ("b.csv", b"ann,2014-01-01\n"),
        ("c.csv", b""),
        ("d.xlsx", b"PK\x03\x04...."),
    ]);
    assert_eq!(
        error(&[folder.path().to_owned()], folder.path()),
        "no format fits FOLDER: a.csv has the columns user, minutes; b.csv has no header that is known; c.csv is empty; \
             d.xlsx is a spreadsheet (save each sheet as CSV in UTF-8)"
    );
    let foreign = Folder::of(&[("log.csv", b"who,when\nann,2014-01-01\n")]);
    assert_eq!(
        error(&[foreign.path().to_owned()], foreign.path()),
        "no format fits FOLDER: log.csv has the columns who, when"
    );
    let empty = Folder::of(&[]);
    assert_eq!(error(&[empty.path().to_owned()], empty.path()), "no format fits an empty folder: there is no file");
    assert_eq!(error(&[empty.path().join("none")], empty.path()), "none: no such file or folder");
}
