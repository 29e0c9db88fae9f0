//! edX's weekly engagement beside `scripts/peers/edx_engagement.py`, which counts it apart from everything here.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use serde_json::Value;
use staycast_events::formats::{OpenOptions, open};
use staycast_events::time::{DAY_SECONDS, format_date, parse_date};
use staycast_sequences::{BuildOptions, CourseRow, Dataset, WeekIndex};

use super::formats::ALL;
use super::world::{Calendar, Seen, origin, world};
use super::{LONG_AFTER, built};

const COLUMNS: [&str; 13] = [
    "days_active",
    "problems_attempted",
    "problem_attempts",
    "problems_correct",
    "videos_played",
    "posts",
    "responses",
    "comments",
    "upvotes_given",
    "downvotes_given",
    "upvotes_received",
    "downvotes_received",
    "textbook_pages",
];

/// Course, learner and last day of the week.
type Key = (String, String, String);

fn workspace() -> PathBuf {
    Path::new(&std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo runs the tests")).join("../..")
}

/// Runs the script on the logs of a folder, and reads its counts.
fn report(folder: &Path, ending: &str) -> BTreeMap<Key, [f32; 13]> {
    let logs = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let logs = logs.filter(|path| path.extension().is_some_and(|extension| extension == "log"));
    let script = workspace().join("scripts/peers/edx_engagement.py");
    let mut command = Command::new("python3");
    let ran = command.arg(script).args(logs).args(["--week-ending", ending]).output();
    let ran = ran.unwrap_or_else(|error| panic!("this test counts with python3, which can't be run: {error}"));
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    let row = |line: &str| {
        let row: Value = serde_json::from_str(line).unwrap();
        let text = |name: &str| row[name].as_str().unwrap().to_owned();
        let values = COLUMNS.map(|name| row[name].as_f64().unwrap() as f32);
        ((text("course_id"), text("learner_id"), text("week_ending")), values)
    };
    String::from_utf8(ran.stdout).unwrap().lines().map(row).collect()
}

/// The last day of a week as if it were whole.
fn week_ending(course: &CourseRow, week: usize) -> String {
    format_date(course.start_day + course.first_week_days as i32 - 1 + 7 * week as i32)
}

/// Compares every week that `is_compared` of every learner with the script's, and gives how many had any engagement.
fn compare(data: &Dataset, folder: &Path, ending: &str, is_compared: impl Fn(&CourseRow, usize) -> bool) -> usize {
    let mut report = report(folder, ending);
    let mut engaged = 0;
    for enrolment in data.enrolment_indices() {
        let (row, course) = (data.enrolment(enrolment), data.course_of(enrolment));
        for week in 0..course.observed_weeks as usize {
            let key = (course.id.clone(), row.learner.clone(), week_ending(course, week));
            let expected = report.remove(&key);
            if !is_compared(course, week) {
                continue;
            }
            engaged += usize::from(expected.is_some());
            let expected = expected.unwrap_or_default();
            for (name, expected) in COLUMNS.iter().zip(expected) {
                let found = data.week(enrolment, WeekIndex::from_position(week))
                    [data.feature(&format!("engagement_{name}")).unwrap()];
                assert_eq!(found, expected, "{name} in the week to {} of {}, {ending}", key.2, row.id);
            }
        }
    }
    // What is left lies before the course or after it, or is of somebody who only received votes and is not enrolled.
    for ((course_id, learner, last), values) in report {
        let is_enrolled = data
            .enrolment_indices()
            .any(|enrolment| data.enrolment(enrolment).learner == learner && data.course_of(enrolment).id == course_id);
        let received = ["days_active", "upvotes_received", "downvotes_received"];
        if !is_enrolled && COLUMNS.iter().zip(values).all(|(name, value)| value == 0.0 || received.contains(name)) {
            continue;
        }
        let course = data.courses.iter().find(|course| course.id == course_id).unwrap();
        let last_day = parse_date(last.as_bytes()).unwrap();
        let is_outside = last_day < course.start_day || last_day - 6 >= course.start_day + course.days as i32;
        assert!(is_outside, "{course_id}/{learner} has no row for the week to {last}");
    }
    engaged
}

fn sequences(folder: &Path, source: staycast_events::Source, ending: &str) -> Dataset {
    let options = BuildOptions { week_ending: parse_date(ending.as_bytes()), ..BuildOptions::default() };
    let as_of = Some(origin() + LONG_AFTER * DAY_SECONDS);
    built(folder, &staycast_events::Source { as_of, ..source }, &options).unwrap()
}

#[test]
fn random_logs_have_the_engagement_that_a_script_counts() {
    let edx = ALL.iter().find(|format| format.name == "edx").unwrap();
    let mut runner = TestRunner::deterministic();
    let mut engaged = 0;
    for day in 0..14 {
        let world = world().new_tree(&mut runner).unwrap().current();
        let seen = Seen { world: &world, until: i64::MAX, calendar: Calendar::Inferred };
        let folder = tempfile::tempdir().unwrap();
        edx.write(seen, folder.path());
        let ending = format_date(16_100 + day);
        let data = sequences(folder.path(), edx.open(seen, folder.path(), None).unwrap(), &ending);
        // The report goes on where the course's calendar ends in the middle of a week.
        let is_whole = |course: &CourseRow, week: usize| {
            week + 1 < course.weeks as usize || course.week_grid().week_days(WeekIndex::from_position(week)) == 7
        };
        engaged += compare(&data, folder.path(), &ending, is_whole);
    }
    assert!(engaged > 100, "{engaged} weeks have any engagement");
}

#[test]
fn real_logs_have_the_engagement_that_a_script_counts() {
    let asked = std::env::var_os("STAYCAST_REAL_DATA").map(PathBuf::from);
    let logs = asked.clone().unwrap_or_else(|| workspace().join("../shared/data")).join("edx");
    if !logs.is_dir() {
        assert!(asked.is_none(), "STAYCAST_REAL_DATA is set, and there is no folder {}", logs.display());
        eprintln!("SKIPPED: no real data at {}; set STAYCAST_REAL_DATA to run this test", logs.display());
        return;
    }
    for day in 1..=9 {
        let folder = tempfile::tempdir().unwrap();
        let ending = format!("2014-06-{day:02}");
        let source = open(std::slice::from_ref(&logs), &OpenOptions::default()).unwrap();
        let options = BuildOptions { week_ending: parse_date(ending.as_bytes()), ..BuildOptions::default() };
        let data = built(folder.path(), &source, &options).unwrap();
        assert!(compare(&data, &logs, &ending, |_, _| true) > 15);
    }
}
