//! The `table` reader.

use std::path::Path;
use std::sync::Arc;

use arrow_array::{Date32Array, Int64Array, StringArray, TimestampMillisecondArray};
use staycast_events::formats::{self, OpenOptions};
use staycast_events::time::format_date;
use staycast_events::{Activity, EnrolmentIndex, Granularity, OutcomeKind, ReadError, Source, SourceLabels};

use crate::common::{
    Folder, cut, fixture, gzip, in_words, outcome, parquet_bytes, read, with_log, without_folder, zstandard,
};
use crate::kdd2015::events;

const DAY: i32 = 86_400;

fn mapped(folder: &Folder, mapping: &str) -> Result<Source, ReadError> {
    folder.write("mapping.toml", mapping.as_bytes());
    let options = OpenOptions { mapping: Some(folder.path().join("mapping.toml")), ..OpenOptions::default() };
    formats::open(&[folder.path().to_owned()], &options)
}

pub(crate) fn options_of(folder: &Path) -> OpenOptions {
    OpenOptions { mapping: Some(folder.join("mapping.toml")), ..OpenOptions::default() }
}

fn open(folder: &Path) -> Source {
    formats::open(&[folder.to_owned()], &options_of(folder)).unwrap()
}

pub(crate) fn error(folder: &Folder, mapping: &str) -> String {
    match mapped(folder, mapping) {
        Ok(_) => panic!("no error"),
        Err(error) => without_folder(folder.path(), &error),
    }
}

fn check(fixture_name: &str, expected: &str) {
    let folder = with_log("table", "log.csv", fixture_name);
    assert_eq!(outcome(folder.path(), &options_of(folder.path())), expected, "{fixture_name}");
}

#[test]
fn a_sound_folder() {
    let source = open(&fixture("table/base"));
    assert_eq!(source.reason, "described by mapping.toml");
    assert_eq!((source.labels, source.granularity), (SourceLabels::Outcomes, Granularity::Second));
    let capabilities = source.capabilities;
    assert!(
        capabilities.time_of_day
            && capabilities.objects
            && capabilities.dates
            && capabilities.learners
            && capabilities.withdrawals
    );
    assert!(!capabilities.releases && !capabilities.correctness && !capabilities.submissions);
    let kinds: Vec<(&str, Activity)> = source.kinds.iter().map(|kind| (kind.raw.as_str(), kind.activity)).collect();
    assert_eq!(kinds, [("play", Activity::Video), ("solve", Activity::Problem), ("undeclared", Activity::Access)]);

    let roster = &source.roster;
    let courses: Vec<(&str, String, u32)> =
        roster.courses.iter().map(|course| (course.id.as_str(), format_date(course.start_day), course.days)).collect();
    assert_eq!(courses, [("algebra", "2014-01-01".to_owned(), 14), ("botany", "2014-01-08".to_owned(), 14)]);
    let bob = &roster.enrolments.get(1);
    assert_eq!((bob.id(), bob.learner()), ("2", "bob"));
    assert_eq!((bob.enrolled_seconds, bob.withdrawn_seconds), (Some(0), Some(9 * DAY)));
    assert_eq!(bob.outcome.as_ref().unwrap().kind, OutcomeKind::Withdrew);
    assert_eq!((roster.static_columns.as_slice(), &*bob.statics), (&["age".to_owned()][..], &[None][..]));
    assert_eq!(roster.enrolments.get(0).enrolled_seconds, Some(-8 * DAY));

    let event = |id: &str, seconds, kind: &str, weight| (id.to_owned(), seconds, kind.to_owned(), weight);
    let expected = [
        event("1", 8 * 3_600, "play", 2),
        event("1", DAY + 6 * 3_600, "solve", 1),
        event("2", 14 * DAY - 1, "undeclared", 1),
        event("3", DAY + DAY / 2, "play", 1),
    ];
    assert_eq!(events(&source), expected);
    check("no_last_newline.csv", "4 of 5 used\n1 repeated_id: log.csv:3: an event id that came before");
}

#[test]
fn odd_logs_with_the_same_events() {
    let expected = events(&open(&fixture("table/base")));
    for name in [
        "swapped_columns.csv",
        "crlf_bom.csv",
        "no_last_newline.csv",
        "blank_lines.csv",
        "packed.csv.gz",
        "packed.csv.zst",
    ] {
        let folder = with_log("table", "log.csv", name);
        assert_eq!(events(&open(folder.path())), expected, "{name}");
    }
}

#[test]
fn logs_that_can_not_be_read() {
    check("empty.csv", "error: log.csv: the file is empty; the log table needs rows");
    check(
        "headerless.csv",
        "error: log.csv: no column `user` in the log table; its header has: 7 fields; \
         its first line looks like data: put a header above it",
    );
    check(
        "duplicate_header.csv",
        "error: log.csv: the header has `user` twice, in columns 1 and 8; name each column once",
    );
    check("binary.csv", "error: log.csv: the file holds zero bytes, which is not read; save it as text in UTF-8");
    check(
        "utf16.csv",
        "error: log.csv: the file is UTF-16, which is not read; convert it to UTF-8, for instance with iconv",
    );
    check("truncated.csv.gz", &cut("log.csv.gz", 16));
    check("truncated.csv.zst", &cut("log.csv.zst", 0));
}

#[test]
fn logs_of_which_rows_are_counted_out() {
    check("header_only.csv", "0 of 0 used");
    check(
        "truncated.csv",
        "3 of 5 used\n\
         1 malformed: log.csv:6: 2 fields where the first line has 7\n\
         1 repeated_id: log.csv:3: an event id that came before",
    );
    check(
        "not_utf8.csv",
        "4 of 7 used\n\
         1 not_utf8: log.csv:7: bytes that are not UTF-8\n\
         2 repeated_id: log.csv:3: an event id that came before | log.csv:8: an event id that came before",
    );
    check(
        "outside_calendar.csv",
        "1 of 3 used\n\
         1 implausible_time: log.csv:4: 2199-01-01T00:00:00 is far from its course\n\
         1 after_the_calendar: log.csv:3: 2014-01-15T00:00:00",
    );
    check(
        "bad_values.csv",
        "1 of 8 used\n\
         2 bad_time: log.csv:2: time of shape `aaaa` is not a time such as 2014-06-14T09:38:29 \
         | log.csv:3: no time\n\
         4 bad_count: log.csv:4: count of shape `aaaa` is not a whole number from 0 up \
         | log.csv:5: count of shape `-9` is not a whole number from 0 up \
         | log.csv:6: count of shape `9.9` is not a whole number from 0 up \
         | log.csv:8: count of shape `` is not a whole number from 0 up\n\
         1 zero_count: log.csv:7: the row's count is 0",
    );
    check(
        "unknown_enrolments.csv",
        "1 of 5 used\n\
         2 missing_id: log.csv:5: no id where the enrolment or learner must stand \
         | log.csv:6: no id where the course must stand\n\
         1 unknown_enrolment: log.csv:3: its learner is not in the enrolments table for its course\n\
         1 unknown_course: log.csv:4: nobody is enrolled in its course",
    );
    let what = "quotes that do not end where a field does; if line breaks occur inside quotes, set quoted_newlines";
    check("quotes.csv", &format!("2 of 4 used\n2 malformed: log.csv:3: {what} | log.csv:4: {what}"));
}

#[test]
fn everything_inferred_from_a_log_alone() {
    let folder = Folder::of(&[(
        "log.csv",
        b"who;course;at\nann;algebra;2014-01-03 10:00:00\nbob;algebra;2014-01-05 00:00:00\n;algebra;2013-01-01\n\
          bob;botany;2014-02-01 09:00:00\nann;algebra;2014-01-03 11:00:00\nann;algebra;never\n",
    )]);
    let source = mapped(
        &folder,
        "[log]\nfiles = [\"log.csv\"]\ndelimiter = \";\"\n\
         columns = { learner = \"who\", course = \"course\", time = { column = \"at\", format = \"iso\" } }\n",
    )
    .unwrap();
    let courses: Vec<(&str, String, u32, bool)> = source
        .roster
        .courses
        .iter()
        .map(|course| (course.id.as_str(), format_date(course.start_day), course.days, course.inferred))
        .collect();
    let expected = [("algebra", "2014-01-03".to_owned(), 3, true), ("botany", "2014-02-01".to_owned(), 1, true)];
    assert_eq!(courses, expected);
    let ids: Vec<(&str, &str)> = source
        .roster
        .enrolments
        .places()
        .map(|place| (source.roster.enrolments.id(place), source.roster.enrolments.learner(place)))
        .collect();
    assert_eq!(ids, [("algebra/ann", "ann"), ("algebra/bob", "bob"), ("botany/bob", "bob")]);
    assert_eq!(
        in_words(&read(&source).unwrap().tally),
        "4 of 6 used\n\
         1 bad_time: log.csv:7: time of shape `aaaaa` is not a time such as 2014-06-14T09:38:29\n\
         1 missing_id: log.csv:4: no id where the enrolment or learner must stand"
    );
    assert_eq!(source.kinds.len(), 1);
    assert_eq!((source.labels, source.capabilities.withdrawals), (SourceLabels::Nothing, false));
}

#[test]
fn days_counted_from_an_unnamed_start() {
    let folder = Folder::of(&[
        ("counts.csv", b"e,d,n\nA1,-3,2\nA1,0,1\nA1,9,4\nA2,10,1\n"),
        ("people.csv", b"e,c,left\nA1,A,\nA2,A,7\nB1,B,\n"),
        ("runs.csv", b"c,length\nA,10\n"),
    ]);
    let mapping = "granularity = \"day\"\n\
         [log]\nfiles = [\"counts.csv\"]\n\
         columns = { enrolment = \"e\", time = { column = \"d\", format = \"day-offset\" }, count = \"n\" }\n\
         [enrolments]\nfiles = [\"people.csv\"]\n\
         columns = { enrolment = \"e\", course = \"c\", withdrawn = { column = \"left\", format = \"day-offset\" } }\n";
    let with_runs =
        format!("{mapping}[courses]\nfiles = [\"runs.csv\"]\ncolumns = {{ course = \"c\", days = \"length\" }}\n");
    let source = mapped(&folder, &with_runs).unwrap();
    assert!(!source.capabilities.dates && source.capabilities.withdrawals);
    assert_eq!(source.roster.enrolments.get(1).withdrawn_seconds, Some(7 * DAY));
    assert_eq!(source.left_out.total(), 1);
    assert_eq!(
        in_words(&source.tables),
        "3 of 4 used\n1 unknown_course: people.csv:4: a course of shape `a` without dates"
    );
    let all = read(&source).unwrap();
    assert_eq!(all.weight(), 7);
    assert_eq!(in_words(&all.tally), "3 of 4 used\n1 after_the_calendar: counts.csv:5: 2000-01-11T00:00:00");

    let inferred = mapped(&folder, mapping).unwrap();
    assert!(!inferred.capabilities.dates);
    let courses: Vec<(&str, u32)> =
        inferred.roster.courses.iter().map(|course| (course.id.as_str(), course.days)).collect();
    assert_eq!(courses, [("A", 11)], "a course without events has no days to infer");
    assert_eq!(inferred.left_out.total(), 1);
    assert_eq!(read(&inferred).unwrap().weight(), 8);
}

#[test]
fn json_lines() {
    let folder = Folder::of(&[(
        "events.jsonl",
        "{\"id\": 7, \"context\": {\"course\": \"algèbre\"}, \"t\": 1388534400500, \"verb\": \"played\"}\n\
         {\"id\": \"7\", \"context\": {\"course\": \"algèbre\"}, \"t\": 1388620800000, \"verb\": null}\n\
         \n\
         {\"id\": 8\n\
         [1, 2]\n\
         {\"id\": 8, \"context\": \"none\", \"t\": 1388534400500}\n"
            .as_bytes(),
    )]);
    let mapping = "[log]\nfiles = [\"events.jsonl\"]\n\
         columns.learner = \"id\"\ncolumns.course = \"context.course\"\n\
         columns.time = { column = \"t\", format = \"unix-millis\" }\ncolumns.activity = \"verb\"\n\
         [activities.kinds]\nplayed = \"video\"\n";
    let source = mapped(&folder, mapping).unwrap();
    let event = |seconds, kind: &str| ("algèbre/7".to_owned(), seconds, kind.to_owned(), 1);
    assert_eq!(events(&source), [event(0, "played"), event(DAY, "undeclared")]);
    assert_eq!(
        in_words(&read(&source).unwrap().tally),
        "2 of 5 used\n\
         2 malformed: events.jsonl:4: not JSON: EOF while parsing an object at line 1 column 8 \
         | events.jsonl:5: JSON, but not an object\n\
         1 missing_id: events.jsonl:6: no id where the course must stand"
    );
}

#[test]
fn line_breaks_inside_quotes() {
    let log = "who,said,at\r\nann,\"one\ntwo\",2014-01-01\r\nbob,\"a \"\"word\"\"\",2014-01-02\r\nann,x\r\n\
               ann,\"three\r\nfour\",later\r\nann,,2014-01-03\r\n";
    let mapping = "single_course = \"C\"\n[log]\nfiles = [\"log.csv\"]\nquoted_newlines = true\n\
         columns = { learner = \"who\", object = \"said\", time = { column = \"at\", format = \"iso\" } }\n";
    for (name, bytes) in [
        ("log.csv", log.as_bytes().to_vec()),
        ("log.csv.gz", gzip(log.as_bytes())),
        ("log.csv.zst", zstandard(log.as_bytes())),
    ] {
        let folder = Folder::of(&[(name, &bytes)]);
        let source = mapped(&folder, mapping).unwrap();
        let all = read(&source).unwrap();
        assert_eq!(
            in_words(&all.tally),
            format!(
                "3 of 5 used\n\
                 1 malformed: {name}:5: 2 fields where the first line has 3\n\
                 1 bad_time: {name}:6: time of shape `aaaaa` is not a time such as 2014-06-14T09:38:29"
            )
        );
        assert_eq!(all.events[0].object(), staycast_events::ObjectKey::from_id(b"one\ntwo"));
    }
    let open_quote = Folder::of(&[(
        "log.csv",
        format!("who,said,at\nann,\"{}", "x\n".repeat(3 << 20) + "bob,x,2014-01-01\n").as_bytes(),
    )]);
    let all = read(&mapped(&open_quote, mapping).unwrap()).unwrap();
    assert_eq!((all.rows(staycast_events::Reason::Malformed), all.tally.used), (3 << 20, 1));
}

#[test]
fn parquet() {
    // Before 1970, and not in that year, which stands for times that are not set.
    const IN_1969: i64 = -365 * 86_400_000;
    let times = [Some(-1), Some(999), None, Some(86_400_000), Some(0)];
    let log = parquet_bytes(
        vec![
            ("unused", Arc::new(StringArray::from(vec!["x"; 5]))),
            ("at", Arc::new(TimestampMillisecondArray::from(times.map(|at| at.map(|at| at + IN_1969)).to_vec()))),
            ("who", Arc::new(Int64Array::from(vec![Some(7), Some(7), Some(8), Some(8), None]))),
            ("verb", Arc::new(StringArray::from(vec![Some("play"), None, Some("play"), Some("sing"), Some("play")]))),
        ],
        2,
    );
    let people = parquet_bytes(
        vec![
            ("who", Arc::new(Int64Array::from(vec![7, 8]))),
            ("since", Arc::new(Date32Array::from(vec![Some(-370), None]))),
            ("gone", Arc::new(arrow_array::BooleanArray::from(vec![Some(true), None]))),
        ],
        10,
    );
    let folder = Folder::of(&[
        ("log.parquet", &log),
        ("people.parquet", &people),
        ("runs.csv", b"from,to\n1969-01-01,1969-01-07\n"),
    ]);
    let mapping = "single_course = \"C\"\n[log]\nfiles = [\"log.parquet\"]\n\
         columns = { learner = \"who\", activity = \"verb\", time = { column = \"at\", format = \"iso\" } }\n\
         [enrolments]\nfiles = [\"people.parquet\"]\ncolumns.learner = \"who\"\ncolumns.label = \"gone\"\n\
         columns.enrolled = { column = \"since\", format = \"date\" }\n\
         [courses]\nfiles = [\"runs.csv\"]\ncolumns.start = { column = \"from\", format = \"date\" }\n\
         columns.end = { column = \"to\", format = \"date\" }\n[activities.kinds]\nplay = \"video\"\n";
    let source = mapped(&folder, mapping).unwrap();
    assert_eq!(source.labels, SourceLabels::Labels);
    let enrolments = &source.roster.enrolments;
    assert_eq!((enrolments.get(0).dropout, enrolments.get(0).enrolled_seconds), (Some(true), Some(-5 * DAY)));
    assert_eq!((enrolments.get(1).dropout, enrolments.get(1).enrolled_seconds), (None, None));
    let event = |who: &str, seconds, kind: &str| (format!("C/{who}"), seconds, kind.to_owned(), 1);
    // A millisecond before the start is the second before it.
    assert_eq!(events(&source), [event("7", -1, "play"), event("7", 0, "undeclared"), event("8", DAY, "undeclared")]);
    let expected = "3 of 5 used\n\
         1 bad_time: log.parquet:3: no time\n\
         1 missing_id: log.parquet:5: no id where the enrolment or learner must stand";
    assert_eq!(in_words(&read(&source).unwrap().tally), expected);

    let number = mapping.replace("\"iso\"", "\"unix-seconds\"");
    assert_eq!(
        error(&folder, &number),
        "mapping.toml: log.columns.time.format is for numbers, but the column holds times in log.parquet; \
         use `iso` or `date`"
    );
    let missing = mapping.replace("\"verb\"", "\"word\"");
    assert_eq!(
        error(&folder, &missing),
        "log.parquet: no column `word` in the log table; its header has: unused, at, who, verb"
    );
    folder.write("log.parquet", &log[..log.len() - 6]);
    assert!(error(&folder, mapping).starts_with("log.parquet: Parquet error"), "{}", error(&folder, mapping));
}

#[test]
fn files_by_pattern_in_folders_below() {
    let rows = |who: &str| format!("who,at\n{who},2014-01-01\n{who},2014-01-02\n");
    let folder = Folder::of(&[
        ("logs/2014/a.csv", rows("ann").as_bytes()),
        ("logs/2014/b.csv.gz", &gzip(rows("bob").as_bytes())),
        ("logs/2014/notes.txt", b"no log"),
        ("logs/2014/.hidden.csv", b"\0"),
        ("logs/c.csv", b"\0"),
    ]);
    let mapping = "single_course = \"C\"\n[log]\nfiles = [\"logs/20*/?.csv\"]\n\
         columns = { learner = \"who\", time = { column = \"at\", format = \"iso\" } }\n";
    let source = mapped(&folder, mapping).unwrap();
    assert_eq!(source.roster.enrolments.len(), 2);
    assert_eq!(events(&source).len(), 4);
    let none = mapping.replace("?.csv", "?.tsv");
    assert_eq!(
        error(&folder, &none),
        "table: no log table among the files given; the mapping mapping.toml says it is `logs/20*/?.tsv`"
    );
    let outside = mapping.replace("logs/20*/?.csv", "../log.csv");
    assert_eq!(
        error(&folder, &outside),
        "mapping.toml: log.files: `../log.csv` is not the name of a file relative to the input folder"
    );
    folder.write("logs/2014/b.csv", rows("bob").as_bytes());
    assert_eq!(events(&mapped(&folder, mapping).unwrap()).len(), 4, "an identical copy is not read");
    folder.write("logs/2014/b.csv", rows("cid").as_bytes());
    assert_eq!(error(&folder, mapping), "logs/2014/b.csv and b.csv.gz are the same table twice; give one of them");
}

#[test]
fn files_given_one_by_one() {
    let base = fixture("table/base");
    let inputs = ["log.csv", "people.csv", "runs.csv"].map(|name| base.join(name));
    let source = formats::open(&inputs, &options_of(&base)).unwrap();
    assert_eq!(events(&source), events(&open(&base)));
    assert!(formats::open(&inputs[..2], &options_of(&base)).is_err());
}

#[test]
fn rows_that_say_something_else_the_second_time() {
    let folder = Folder::copy_of("table/base");
    folder.write(
        "people.csv",
        b"number,user,course,since,until,end,age\n1,ann,algebra,,,passed,30\n1,ann,algebra,,,passed,30\n\
          1,ann,algebra,,,failed,30\n4,ann,algebra,,,passed,30\n2,bob,algebra,soon,,,\n3,cid,algebra,,,vanished,\n\
          5,,algebra,,,,\n6,dan,algebra,1500-01-01,,,\n",
    );
    let source = open(folder.path());
    assert_eq!(
        in_words(&source.tables),
        "4 of 10 used\n\
         1 bad_time: people.csv:6: since of shape `aaaa` is not a date YYYY-MM-DD\n\
         1 bad_value: people.csv:7: outcome of shape `aaaaaaaa` is not in the mapping's [outcomes]\n\
         1 missing_id: people.csv:8: no learner\n\
         2 contradiction: people.csv:4: an enrolment again, saying something else; the first is used \
         | people.csv:5: a learner in a course again, as another enrolment; the first is used\n\
         1 repeated: people.csv:3: the enrolment again"
    );
    assert_eq!(
        source.roster.enrolments.get(1).enrolled_seconds,
        Some(i32::MIN),
        "long before the course, however long"
    );
}

#[test]
fn a_packed_copy_under_another_name_counts_once() {
    let text = b"e,c,at\n1,C,2014-01-01\n2,C,2014-01-02\n";
    let packed = gzip(text);
    let folder = Folder::of(&[("log.csv", text), ("log_backup.csv.gz", &packed)]);
    let mapping = "granularity = \"day\"\n[log]\nfiles = [\"log*.csv\"]\n\
         columns = { enrolment = \"e\", course = \"c\", time = { column = \"at\", format = \"date\" } }\n";
    let source = mapped(&folder, mapping).unwrap();
    assert_eq!(read(&source).unwrap().events.len(), 2);
    let why = "log_backup.csv.gz is an identical copy of log.csv, which is read";
    assert!(source.files.left_out.iter().any(|file| format!("{} {}", file.file, file.why) == why));
}

#[test]
fn labels_in_words_that_cover_half() {
    let folder = Folder::of(&[
        ("log.csv", b"e,c,at\n1,C,2014-01-01\n2,C,2014-01-02\n"),
        ("labels.csv", b"e,y\n1,gone\n9,gone\n2,perhaps\n1,here\n1,gone\n2,NA\n2,\n"),
    ]);
    let mapping = "granularity = \"day\"\n[log]\nfiles = [\"log.csv\"]\n\
         columns = { enrolment = \"e\", course = \"c\", time = { column = \"at\", format = \"date\" } }\n\
         [labels]\nfiles = [\"labels.csv\"]\ncolumns = { enrolment = \"e\", label = \"y\" }\n\
         [label_values]\ndropout = [\"gone\"]\nstayed = [\"here\"]\n";
    let source = mapped(&folder, mapping).unwrap();
    let labels: Vec<Option<bool>> = source.roster.enrolments.iter().map(|one| one.dropout).collect();
    assert_eq!(labels, [Some(true), None]);
    assert_eq!(
        in_words(&source.tables),
        "1 of 7 used\n\
         1 bad_value: labels.csv:4: label of shape `aaaaaaa` is neither for dropout nor for stayed\n\
         1 unknown_enrolment: labels.csv:3: a label for an enrolment that no table names\n\
         1 contradiction: labels.csv:5: an enrolment labelled both ways; the first label is used\n\
         1 repeated: labels.csv:6: the same label again\n\
         2 missing_label: labels.csv:7: no label: the outcome is unknown | labels.csv:8: no label: the outcome is unknown"
    );
}

#[test]
fn times_of_day_are_dropped_where_the_log_tells_days() {
    let folder = Folder::of(&[
        ("log.csv", b"who,at\nann,946684799999999\nann,946771199999999\nann,946771200000000\n"),
        ("runs.csv", b"from,to\n2000-01-01,2000-01-02\n"),
    ]);
    let mapping = "granularity = \"day\"\nsingle_course = \"C\"\n[log]\nfiles = [\"log.csv\"]\n\
         columns = { learner = \"who\", time = { column = \"at\", format = \"unix-micros\" } }\n\
         [courses]\nfiles = [\"runs.csv\"]\ncolumns.start = { column = \"from\", format = \"date\" }\n\
         columns.end = { column = \"to\", format = \"date\" }\n";
    let source = mapped(&folder, mapping).unwrap();
    assert!(!source.capabilities.time_of_day && source.capabilities.dates);
    let seconds: Vec<i32> = events(&source).into_iter().map(|(_, seconds, ..)| seconds).collect();
    assert_eq!(seconds, [-DAY, 0, DAY]);
}

#[test]
fn attempts_that_were_right_and_times_of_a_place() {
    let folder = Folder::of(&[
        (
            "answers.csv",
            b"who,at,ok\nann,2014-01-01 20:00:00,TRUE\nann,2014-01-01 20:00:01,0.5\nann,2014-01-01 20:00:02,1.0\n\
          ann,2014-01-01 20:00:03,\nann,2014-01-01 20:00:04,maybe\nann,2014-01-01 20:00:05,2\n",
        ),
        ("pages.csv", b"who,at,kind\nann,1388606400,view intro\nann,1388606401,view\n"),
    ]);
    let mapping = "single_course = \"C\"\n\
         [[log]]\nfiles = [\"answers.csv\"]\nkind = \"answer\"\n\
         columns = { learner = \"who\", correct = \"ok\", time = { column = \"at\", format = \"iso\", shift = \"+08:00\" } }\n\
         [[log]]\nfiles = [\"pages.csv\"]\n\
         columns = { learner = \"who\", activity = \"kind\", time = { column = \"at\", format = \"unix-seconds\", shift = \"+08:00\" } }\n\
         [activities.kinds]\nanswer = { activity = \"problem\", detail = \"attempt\" }\n\"view*\" = { activity = \"access\", name = \"page\" }\n";
    let source = mapped(&folder, mapping).unwrap();
    assert!(source.capabilities.correctness);
    let day = 4 * 3_600;
    let event = |seconds, kind: &str| ("C/ann".to_owned(), seconds, kind.to_owned(), 1);
    let expected = [
        event(day, "answer_right"),
        event(day, "page"),
        event(day + 1, "answer_wrong"),
        event(day + 1, "page"),
        event(day + 2, "answer_right"),
        event(day + 3, "answer"),
    ];
    let mut found = events(&source);
    found.sort_by(|a, b| (a.1, &a.2).cmp(&(b.1, &b.2)));
    assert_eq!(found, expected);
    assert_eq!(format_date(source.roster.courses[0].start_day), "2014-01-02");
    assert_eq!(
        in_words(&read(&source).unwrap().tally),
        "6 of 8 used\n\
         2 bad_value: answers.csv:6: `aaaaa` does not say whether an attempt was right \
         | answers.csv:7: `9` does not say whether an attempt was right"
    );
}

#[test]
fn a_row_counts_once_however_many_events_it_is() {
    let folder = Folder::of(&[
        ("steps.csv", b"who,seen,done\nann,2014-01-01,2014-01-02\nann,2014-01-01,2014-01-09\nann,2014-01-08,2014-01-09\nann,,\nann,2014-01-03,soon\n"),
        ("runs.csv", b"course_id,from,to\nC,2014-01-01,2014-01-07\n"),
    ]);
    folder.write(
        "mapping.toml",
        b"single_course = \"C\"\ngranularity = \"day\"\n[log]\nfiles = [\"steps.csv\"]\ncolumns.learner = \"who\"\nevents = [\n\
          { time = { column = \"seen\", format = \"date\" }, kind = \"seen\" },\n\
          { time = { column = \"done\", format = \"date\" }, kind = \"done\" },\n]\n\
          [activities.kinds]\nseen = \"access\"\ndone = \"other\"\n",
    );
    let options = OpenOptions { courses: Some(folder.path().join("runs.csv")), ..options_of(folder.path()) };
    let source = formats::open(&[folder.path().to_owned()], &options).unwrap();
    let all = read(&source).unwrap();
    assert_eq!(all.events.len(), 3);
    assert_eq!(all.after_calendar, [7, 8, 8].map(|day| (EnrolmentIndex(0), day * DAY)));
    assert_eq!(
        in_words(&all.tally),
        "2 of 5 used\n\
         1 bad_time: steps.csv:6: time of shape `aaaa` is not a date YYYY-MM-DD\n\
         1 after_the_calendar: steps.csv:4: 2014-01-08T00:00:00\n\
         1 zero_count: steps.csv:5: none of the row's times is given"
    );
}

#[test]
fn rows_of_others_set_aside() {
    let folder = Folder::of(&[
        ("log.csv", b"who,at,role\nann,2014-01-01,s\nbob,2014-01-01,s\neve,2014-01-01,s\nann,2014-01-02,x-1\nann,2014-01-03,NIL\n"),
        ("people.csv", b"who,as\nann,pupil\nbob,teacher\n"),
    ]);
    let mapping = "single_course = \"C\"\n[log]\nfiles = [\"log.csv\"]\nnull = [\"NIL\"]\nonly = { role = [\"s\", \"\"] }\n\
         columns = { learner = \"who\", time = { column = \"at\", format = \"iso\" } }\n\
         [enrolments]\nfiles = [\"people.csv\"]\nexcept = { as = \"teach*\" }\ncolumns.learner = \"who\"\n";
    let rejecting = mapped(&folder, mapping).unwrap();
    assert_eq!(
        in_words(&read(&rejecting).unwrap().tally),
        "2 of 5 used\n\
         1 unknown_enrolment: log.csv:4: its learner is not in the enrolments table for its course\n\
         2 filtered_out: log.csv:3: its enrolment is set aside by the mapping \
         | log.csv:5: its `role` is set aside by the mapping's `only`"
    );
    let lenient = mapping.replace("[enrolments]\n", "[enrolments]\nothers = \"set-aside\"\n");
    let tally = read(&mapped(&folder, &lenient).unwrap()).unwrap().tally;
    assert_eq!((tally.used, tally.rejected()), (2, 0));
}

#[test]
fn a_parquet_file_that_says_a_column_lies_before_it_is_an_error() {
    let damaged = std::fs::read(fixture("table/column_before_the_file.parquet")).unwrap();
    let mapping = "single_course = \"C\"\n[log]\nfiles = [\"log.parquet\"]\n\
        columns = { learner = \"who\", object = \"thing\", time = { column = \"at\", format = \"iso\" } }\n";
    let folder = Folder::of(&[("log.parquet", &damaged), ("mapping.toml", mapping.as_bytes())]);
    let options = OpenOptions { mapping: Some(folder.path().join("mapping.toml")), ..OpenOptions::default() };
    let said = outcome(folder.path(), &options);
    assert_eq!(said, "error: log.parquet: a column lies outside the file; is the file damaged?");
}
