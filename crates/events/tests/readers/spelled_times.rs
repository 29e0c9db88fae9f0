//! Times in every spelling that is well known, in every format that has times of its own: the events, enrolments and courses are
//! those of the plain fixture.

use staycast_events::formats::{self, OpenOptions};
use staycast_events::time::{format_instant, parse_instant};
use staycast_events::{ReadError, Reason, Source};

use crate::common::{Folder, courses, enrolments, events, fixture, in_words, read, rows, samples};

const FORMATS: [&str; 8] = ["kdd2015", "edx", "xapi", "caliper", "xuetangx2019", "moodle", "coursera", "futurelearn"];

/// A way to write an instant, in seconds since 1970.
type Spelling = (&'static str, fn(i64) -> String);

const SPELLINGS: [Spelling; 12] = [
    ("ISO", format_instant),
    ("ISO in UTC", |instant| format!("{}Z", format_instant(instant))),
    ("with a blank", blank),
    ("PostgreSQL", |instant| format!("{}+00", blank(instant))),
    ("PostgreSQL elsewhere", |instant| format!("{}-03:30", blank(instant - 12_600))),
    ("a fraction that comes and goes", |instant| match instant % 3 {
        0 => format!("{}+00", blank(instant)),
        1 => format!("{}.5+00", blank(instant)),
        _ => format!("{}.123456+00", blank(instant)),
    }),
    ("without seconds", |instant| match blank(instant).strip_suffix(":00") {
        Some(short) => short.to_owned(),
        None => blank(instant),
    }),
    ("seconds", |instant| instant.to_string()),
    ("seconds with a fraction", |instant| format!("{instant}.25")),
    ("milliseconds", |instant| format!("{instant}123")),
    ("microseconds", |instant| format!("{instant}123456")),
    ("nanoseconds", |instant| format!("{instant}123456789")),
];

fn blank(instant: i64) -> String {
    format_instant(instant).replace('T', " ")
}

/// Returns a text with each time in it, and each number that stands for one, written anew.
fn respelled(text: &str, write: fn(i64) -> String) -> String {
    let mut out = String::new();
    let mut rest = text;
    let mut before = ' ';
    while let Some(sign) = rest.chars().next() {
        let is_inside = before.is_ascii_alphanumeric() || before == '-';
        match time_at(rest).filter(|_| sign.is_ascii_digit() && !is_inside) {
            Some((length, instant)) => {
                out += &write(instant);
                rest = &rest[length..];
                before = '0';
            }
            None => {
                out.push(sign);
                rest = &rest[sign.len_utf8()..];
                before = sign;
            }
        }
    }
    out
}

/// Returns the length of the time that a text begins with, and its instant.
fn time_at(text: &str) -> Option<(usize, i64)> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    if digits == 10 && text.starts_with('1') {
        return Some((digits, text[..digits].parse().ok()?));
    }
    let is_of_time = |sign: char| sign.is_ascii_digit() || "-:.+TZ".contains(sign);
    let date = text.get(..10).filter(|date| parse_instant(date.as_bytes()).is_some())?;
    let clock = text.get(10..11).filter(|sign| matches!(*sign, "T" | " "))?;
    let end = 11 + text[11..].find(|sign| !is_of_time(sign)).unwrap_or(text.len() - 11);
    let end = if text[end..].starts_with(" UTC") { end + 4 } else { end };
    let whole = &text[..end];
    assert!(whole.starts_with(date) && whole[10..].starts_with(clock));
    Some((end, parse_instant(whole.as_bytes())?))
}

fn open(format: &str, folder: &Folder) -> Result<Source, ReadError> {
    let options = OpenOptions { format: Some(format.parse().unwrap()), ..OpenOptions::default() };
    formats::open(&[folder.path().to_owned()], &options)
}

/// Lists the events, enrolments and courses of a source.
fn contents(source: &Source) -> [Vec<String>; 3] {
    [events(source), enrolments(source), courses(source).iter().map(|course| format!("{course:?}")).collect()]
}

fn with_each_file(format: &str, change: impl Fn(&str) -> String) -> Folder {
    let folder = Folder::of(&[]);
    for entry in std::fs::read_dir(fixture(&format!("{format}/base"))).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        folder.write(path.file_name().unwrap().to_str().unwrap(), change(&text).as_bytes());
    }
    folder
}

#[test]
fn every_format_reads_every_spelling() {
    for format in FORMATS {
        let plain = Folder::copy_of(&format!("{format}/base"));
        let expected = contents(&open(format, &plain).unwrap());
        assert!(!expected[0].is_empty());
        for (name, write) in SPELLINGS {
            let folder = with_each_file(format, |text| respelled(text, write));
            let source = open(format, &folder).unwrap_or_else(|error| panic!("{format}, {name}: {error}"));
            assert_eq!(contents(&source), expected, "{format}, {name}: {}", in_words(&read(&source).unwrap().tally));
        }
    }
}

#[test]
fn numbers_of_json_are_times_as_texts_are() {
    for format in ["edx", "xapi", "caliper"] {
        let expected = contents(&open(format, &Folder::copy_of(&format!("{format}/base"))).unwrap());
        for write in [|instant: i64| format!("~{instant}~"), |instant: i64| format!("~{instant}123~")] {
            let folder = with_each_file(format, |text| respelled(text, write).replace("\"~", "").replace("~\"", ""));
            assert_eq!(contents(&open(format, &folder).unwrap()), expected, "{format}");
        }
    }
}

#[test]
fn a_course_team_s_export_of_moodle_by_to_timestamp() {
    let log = "id,eventname,component,contextinstanceid,userid,courseid,timecreated\n\
        1,\\core\\event\\course_viewed,core,0,5,2,2023-09-04 00:00:00+00\n\
        2,\\core\\event\\course_viewed,core,0,5,2,2023-09-05 00:00:00.5+02\n\
        3,\\core\\event\\course_viewed,core,0,6,2,2023-09-06 10:00:00.123456+00\n";
    let folder = Folder::of(&[
        ("mdl_logstore_standard_log.csv", log.as_bytes()),
        // What is not set is 1970 in one or another place's time.
        (
            "mdl_course.csv",
            b"id,startdate,enddate\n2,2023-09-01 00:00:00+00,2023-10-01 00:00:00+00\n3,1970-01-01 01:00:00+01,1970-01-01 00:00:00+00\n",
        ),
        ("mdl_enrol.csv", b"id,courseid,enrol\n9,2,manual\n"),
        (
            "mdl_user_enrolments.csv",
            b"id,userid,enrolid,timestart,timecreated\n1,5,9,2023-09-02 08:00:00+00,2023-09-01 00:00:00+00\n2,6,9,1970-01-01 00:00:00+00,2023-09-03 08:00:00.25+00\n3,7,9,1970-01-01 00:00:00+00,0\n",
        ),
    ]);
    let source = open("moodle", &folder).unwrap();
    assert_eq!(
        events(&source),
        [
            "2/5 2023-09-04T00:00:00 course_viewed",
            "2/5 2023-09-04T22:00:00 course_viewed",
            "2/6 2023-09-06T10:00:00 course_viewed"
        ]
    );
    let expected = ["2/5 5 2023-09-02T08:00:00 - -", "2/6 6 2023-09-03T08:00:00 - -", "2/7 7 - - -"];
    assert_eq!(enrolments(&source), expected);
    assert_eq!(courses(&source), [("2".to_owned(), "2023-09-01".to_owned(), 31, false)]);
    assert_eq!(source.tables.rejected(), 0, "{}", in_words(&source.tables));
}

#[test]
fn what_to_do_about_a_time_that_is_not_read_holds_for_formats_that_are_built_in() {
    let log = "eventname,component,contextinstanceid,userid,courseid,timecreated\n\
        \\core\\event\\course_viewed,core,1,5,2,1693785600\n\
        \\core\\event\\course_viewed,core,1,5,2,\"4/09/23, 10:00\"\n\\core\\event\\course_viewed,core,1,5,2,soon\n";
    let folder = Folder::of(&[("log.csv", log.as_bytes())]);
    let source = open("moodle", &folder).unwrap();
    assert_eq!(
        samples(&read(&source).unwrap().tally, Reason::BadTime),
        [
            "log.csv:3: time of shape `9/99/99, 99:99` is not a time such as 2014-06-14T09:38:29 or a number since 1970; write \
             it so in the file, or set the format \"%d/%m/%y, %H:%M\" or \"%m/%d/%y, %H:%M\" in a mapping",
            "log.csv:4: time of shape `aaaa` is not a time such as 2014-06-14T09:38:29 or a number since 1970; write it so in \
             the file",
        ]
    );
    let folder = Folder::copy_of("kdd2015/base");
    let log = String::from_utf8(folder.bytes("log.csv")).unwrap().replace("2014-", "14-");
    folder.write("log.csv", log.as_bytes());
    let source = open("kdd2015", &folder).unwrap();
    let tally = read(&source).unwrap().tally;
    assert_eq!(tally.read, rows(&tally, Reason::BadTime) + rows(&tally, Reason::UnknownEnrolment));
    assert!(samples(&tally, Reason::BadTime)[0].ends_with("write it so in the file"), "{}", in_words(&tally));
}
