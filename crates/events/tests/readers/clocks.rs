//! Time zones, leap seconds and ways to write them, in every format that has times as text; and years without events.

use staycast_events::formats::{self, OpenOptions};
use staycast_events::time::{format_instant, parse_instant};
use staycast_events::{ReadError, Reason};

use crate::common::{Folder, courses, events, fixture, in_words, open, outcome, read, rows, samples};

/// Ways to write the instant after the last second of 2016, which was a leap second: that second itself, which is the
/// one after it here, and the same in other zones.
const MIDNIGHT: [&str; 17] = [
    "2016-12-31T23:59:60Z",
    "2016-12-31T23:59:60.999+00:00",
    "2017-01-01T00:00:00",
    "2017-01-01 00:00:00 UTC",
    "2017-01-01T05:45:00+05:45",
    "2016-12-31T12:00:00-12:00",
    "2017-01-01T14:00:00.5+1400",
    "2017-01-01T05:29:60+05:30",
    "2017-01-01T23:59:00+23:59",
    // As PostgreSQL writes it, where fractions come and go; without seconds; the end of the day before.
    "2017-01-01 00:00:00+00",
    "2017-01-01 05:30:00.123+05:30",
    "2017-01-01 05:30:00+0530",
    "2017-01-01 00:00",
    "2017-01-01T00:00Z",
    "2017-01-01t00:00:00.12345678901234z",
    "2016-12-31T24:00:00Z",
    "20170101T000000Z",
];

/// Texts that are no times.
const WRONG: [&str; 12] = [
    "2016-12-31T23:59:61Z",
    "2016-12-31T23:60:00Z",
    "2017-01-01T24:00:01Z",
    "2017-01-01T00:00:00+24:00",
    // May be the first of January or not; may be days or seconds of this or that.
    "01/01/2017 00:00",
    "1/01/17 00:00",
    "42736.0",
    "1.4832288e9",
    "20170101",
    "2017-02-29T00:00:00Z",
    "2017-01-01T00:00:00 Europe/London",
    "yesterday",
];

/// Replaces the time `at` on the last line of the format's sound log by each of the times: the same event comes out for
/// all of [`MIDNIGHT`], and none for any of [`WRONG`].
fn check(format: &str, log: &str, line: usize, at: &str) {
    let folder = Folder::copy_of(&format!("{format}/base"));
    let sound = String::from_utf8(folder.bytes(log)).unwrap();
    let template = sound.lines().nth(line - 1).unwrap();
    assert_eq!(template.matches(at).count(), 1, "{template}");
    let of = |times: &[&str]| -> String { times.iter().map(|time| template.replace(at, time) + "\n").collect() };
    folder.write(log, format!("{sound}{}{}", of(&MIDNIGHT), of(&WRONG)).as_bytes());
    // A course may have ended by then: the roster is of no concern here, instants are.
    let calendar = Folder::of(&[]);
    let source = open(folder.path()).unwrap();
    let ids = courses(&source).into_iter().map(|(id, ..)| format!("{id},2013-01-01,2019-12-31\n"));
    calendar.write("courses.csv", format!("course_id,from,to\n{}", ids.collect::<String>()).as_bytes());
    let options = OpenOptions { courses: Some(calendar.path().join("courses.csv")), ..OpenOptions::default() };
    let source = formats::open(&[folder.path().to_owned()], &options).unwrap();
    let midnights = events(&source).iter().filter(|event| event.contains("2017-01-01T00:00:00")).count();
    let all = read(&source).unwrap();
    assert_eq!(midnights, MIDNIGHT.len(), "{format}: {}", in_words(&all.tally));
    assert_eq!(rows(&all.tally, Reason::BadTime), WRONG.len() as u64, "{format}: {}", in_words(&all.tally));
}

#[test]
fn zones_and_leap_seconds_in_kdd2015() {
    check("kdd2015", "log.csv", 2, "2014-01-01T00:00:00");
}

#[test]
fn zones_and_leap_seconds_in_edx() {
    check("edx", "tracking.log", 5, "2026-01-05T08:01:00+00:00");
}

#[test]
fn zones_and_leap_seconds_in_xuetangx2019() {
    check("xuetangx2019", "train_log.csv", 3, "2015-09-01T08:00:10");
}

#[test]
fn zones_and_leap_seconds_in_coursera() {
    check("coursera", "video-2016-02.csv", 2, "2016-02-01 08:00:05");
}

#[test]
fn zones_and_leap_seconds_in_futurelearn() {
    check("futurelearn", "algebra-1_step-activity.csv", 3, "2017-01-02 09:00:00 UTC");
}

/// Statements bear ids, so each line needs another.
fn check_statements(format: &str, log: &str, id: &str, at: &str) {
    let sound = std::fs::read_to_string(fixture(&format!("{format}/base/{log}"))).unwrap();
    let template = sound.lines().find(|line| line.contains(at)).unwrap();
    let line = |(number, time): (usize, &&str)| {
        template.replace(at, time).replace(id, &format!("00000000-0000-4000-9000-{number:012}")) + "\n"
    };
    let text: String = MIDNIGHT.iter().chain(&WRONG).enumerate().map(line).collect();
    let folder = Folder::of(&[(log, text.as_bytes())]);
    let source = open(folder.path()).unwrap();
    let all = read(&source).unwrap();
    assert_eq!(all.events.len(), MIDNIGHT.len(), "{format}: {}", in_words(&all.tally));
    assert!(events(&source).iter().all(|event| event.contains("2017-01-01T00:00:00")), "{format}");
    assert_eq!(rows(&all.tally, Reason::BadTime), WRONG.len() as u64, "{format}: {}", in_words(&all.tally));
}

#[test]
fn zones_and_leap_seconds_in_xapi() {
    check_statements("xapi", "statements.jsonl", "00000000-0000-4000-8000-000000000003", "2026-01-05T08:00:00+00:00");
}

#[test]
fn zones_and_leap_seconds_in_caliper() {
    check_statements("caliper", "events.jsonl", "00000000-0000-4000-8000-000000000003", "2026-01-05T08:00:00.000Z");
}

/// A tracking log of two events, at these times.
fn two_events(first: &str, last: &str) -> Folder {
    let line = |time: &str| {
        format!(
            "{{\"username\":\"u\",\"event_source\":\"server\",\"event_type\":\"book\",\"time\":\"{time}\",\
             \"context\":{{\"course_id\":\"a/b/c\"}},\"event\":\"\"}}\n"
        )
    };
    Folder::of(&[("tracking.log", (line(first) + &line(last)).as_bytes())])
}

#[test]
fn ten_years_of_silence_are_a_course() {
    let folder = two_events("2016-01-01T00:00:00", "2026-01-07T23:59:59");
    let source = open(folder.path()).unwrap();
    assert_eq!(courses(&source), [("a/b/c".to_owned(), "2016-01-01".to_owned(), 3_660, true)]);
    assert_eq!(in_words(&read(&source).unwrap().tally), "2 of 2 used");
}

#[test]
fn sixty_years_without_events_are_an_error_that_says_what_to_do() {
    let folder = two_events("1966-01-01T00:00:00", "2026-01-01T00:00:00");
    let Err(error @ ReadError::TooLongToInfer { .. }) = open(folder.path()) else { panic!("sixty years are too long") };
    let said = error.to_string();
    assert!(said.contains("a/b/c") && said.contains("1966-01-01") && said.contains("give its dates"), "{said}");
}

#[test]
fn sixty_and_a_hundred_years_without_events_when_dates_are_given() {
    let courses = Folder::of(&[("courses.csv", b"course_id,from,to\na/b/c,2026-01-01,2026-01-31\n")]);
    let options = OpenOptions { courses: Some(courses.path().join("courses.csv")), ..OpenOptions::default() };
    // A year before the start is before the start, and more than that is nobody's preparation for the course.
    let folder = two_events("2024-12-31T00:00:00", "2026-01-01T00:00:00");
    let source = formats::open(&[folder.path().to_owned()], &options).unwrap();
    let all = read(&source).unwrap();
    assert_eq!(in_words(&all.tally), "2 of 2 used");
    let start = parse_instant(b"2026-01-01").unwrap();
    assert_eq!(format_instant(start + i64::from(all.events[0].seconds())), "2024-12-31T00:00:00");
    for early in ["2024-12-30T23:59:59", "1966-01-01T00:00:00"] {
        let said = outcome(two_events(early, "2026-01-01T00:00:00").path(), &options);
        assert_eq!(said, format!("1 of 2 used\n1 implausible_time: tracking.log:1: {early} is far from its course"));
    }
    // Sixty after the end are after the end.
    let folder = two_events("2026-01-01T00:00:00", "2086-01-01T00:00:00");
    let said = outcome(folder.path(), &options);
    assert_eq!(said, "1 of 2 used\n1 after_the_calendar: tracking.log:2: 2086-01-01T00:00:00");
    // A hundred years are a mistake.
    let folder = two_events("1926-01-01T00:00:00", "2026-01-01T00:00:00");
    let source = formats::open(&[folder.path().to_owned()], &options).unwrap();
    let all = read(&source).unwrap();
    let far = samples(&all.tally, Reason::ImplausibleTime);
    assert_eq!(far, ["tracking.log:1: 1926-01-01T00:00:00 is far from its course"]);
}
