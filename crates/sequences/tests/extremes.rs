//! Learners and courses at the edge of what there is.

mod common;

use std::fmt::Write;

use common::{Log, check};
use staycast_events::formats::{OpenOptions, open};
use staycast_events::time::format_instant;
use staycast_sequences::{
    BuildMode, BuildOptions, Dataset, DropoutRule, FeatureSet, Selection, SequenceFolder, Unwatched, build,
};

fn log<'a>(courses: &'a str, objects: &'a str, events: &'a str) -> Log<'a> {
    Log { courses, enrolments: "1,ann,c\n2,bob,c\n", objects, events }
}

fn options() -> BuildOptions {
    BuildOptions { rule: Some(DropoutRule::InactiveLast { weeks: 1 }), ..BuildOptions::default() }
}

/// Memory for a thousandth of a million events: the rest goes through the disk, and the result is the same.
fn little_memory() -> BuildOptions {
    BuildOptions { memory_bytes: 16_000, ..options() }
}

fn bits(data: &Dataset) -> Vec<u32> {
    data.values().iter().map(|value| value.to_bits()).collect()
}

const FOUR_WEEKS: &str = "c,2014-06-02,2014-06-29\n";

#[test]
fn all_events_in_one_second() {
    let events = "1,2014-06-29T23:59:59,server,problem,p\n".repeat(1_000_000);
    let data = log(FOUR_WEEKS, "", &events).sequences(&options());
    check(
        &data,
        "1",
        3,
        &[
            ("n_events", Some(1_000_000.0)),
            ("n_problem", Some(1_000_000.0)),
            ("sessions", Some(1.0)),
            ("seconds", Some(0.0)),
            ("active_days", Some(1.0)),
            ("objects", Some(1.0)),
            ("days_since_last", Some(1.0 / 86_400.0)),
            ("rank_events", Some(0.5)),
        ],
    );
    let spilled = log(FOUR_WEEKS, "", &events).sequences(&little_memory());
    assert!(bits(&spilled) == bits(&data));
}

#[test]
fn a_million_events_of_one_enrolment_in_one_week() {
    const EVENTS: usize = 1_000_000;
    const WEEK_SECONDS: usize = 7 * 86_400;
    let start = common::made::instant("2014-06-02");
    let mut events = String::with_capacity(EVENTS * 48);
    // In the order in which two servers write their halves of a log, each in that of time.
    for event in (0..EVENTS).step_by(2).chain((1..EVENTS).step_by(2)) {
        let at = format_instant(start + (event * WEEK_SECONDS / EVENTS) as i64);
        writeln!(events, "1,{at},browser,video,v{}", event % 1_000).unwrap();
    }
    let as_of = Some(common::made::instant("2014-07-01"));
    let data = log(FOUR_WEEKS, "", &events).sequences_as_of(as_of, &options());
    let week = [
        ("n_events", Some(EVENTS as f32)),
        ("n_video", Some(EVENTS as f32)),
        ("objects", Some(1_000.0)),
        ("active_days", Some(7.0)),
        // No second is without an event.
        ("sessions", Some(1.0)),
        ("seconds", Some((WEEK_SECONDS - 1) as f32)),
        ("longest_session_seconds", Some((WEEK_SECONDS - 1) as f32)),
        ("total_events", Some(EVENTS as f32)),
    ];
    check(&data, "1", 0, &week);
    check(
        &data,
        "1",
        1,
        &[("n_events", Some(0.0)), ("total_events", Some(EVENTS as f32)), ("silent_weeks", Some(1.0))],
    );
    check(&data, "2", 0, &[("n_events", Some(0.0))]);
    let spilled = log(FOUR_WEEKS, "", &events).sequences_as_of(as_of, &little_memory());
    assert!(bits(&spilled) == bits(&data));
}

#[test]
fn years_of_inactivity() {
    // Ten years, of 522 weeks and a rest of six days; two events, at the very ends.
    let events = "1,2014-06-02T00:00:00,server,access,a\n1,2024-06-08T23:59:59,server,access,a\n";
    let data = log("c,2014-06-02,2024-06-08\n", "", events).sequences(&options());
    assert_eq!((data.weeks, data.courses[0].days), (523, 3_660));
    check(
        &data,
        "1",
        521,
        &[("silent_weeks", Some(521.0)), ("days_since_last", Some(3_654.0)), ("total_events", Some(1.0))],
    );
    check(&data, "1", 522, &[("n_events", Some(1.0)), ("change_events", Some(1.0)), ("silent_weeks", Some(0.0))]);
    check(&data, "2", 522, &[("silent_weeks", Some(523.0)), ("days_since_last", None)]);
}

#[test]
fn many_objects() {
    const OBJECTS: usize = 300_000;
    let (mut objects, mut events) = (String::new(), String::new());
    for object in 0..OBJECTS {
        writeln!(objects, "c,o{object},video,,2014-06-02T00:00:00").unwrap();
        writeln!(events, "1,2014-06-03T00:00:00,server,video,o{object}").unwrap();
    }
    let data =
        log(FOUR_WEEKS, &objects, &events).sequences_as_of(Some(common::made::instant("2014-07-01")), &options());
    check(&data, "1", 0, &[("objects", Some(OBJECTS as f32)), ("release_delay_mean", Some(1.0))]);
    check(&data, "1", 1, &[("objects", Some(0.0)), ("release_delay_mean", None)]);
}

/// A table whose counts claim more events than a column holds.
#[test]
fn counts_beyond_all_bounds_stop_at_the_greatest() {
    let folder = tempfile::tempdir().unwrap();
    let put = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    put(
        "mapping.toml",
        "single_course = \"c\"\n[log]\nfiles = [\"log.csv\"]\ncolumns = { learner = \"who\", count = \"times\", \
         time = { column = \"at\", format = \"iso\" } }\n[courses]\nfiles = [\"runs.csv\"]\n\
         columns = { start = { column = \"from\", format = \"date\" }, days = \"days\" }\n",
    );
    put("runs.csv", "from,days\n2014-06-02,14\n");
    let million = "ann,2014-06-03T08:00:00,1000000\n";
    put(
        "log.csv",
        &format!(
            "who,at,times\nbob,2014-06-15T23:59:59,1000001\nbob,2014-06-15T23:59:59,999999\n{}",
            million.repeat(5_000)
        ),
    );
    let options = BuildOptions { features: FeatureSet::All, ..options() };
    let open_options = OpenOptions { mapping: Some(folder.path().join("mapping.toml")), ..OpenOptions::default() };
    let source = open(&[folder.path().to_owned()], &open_options).unwrap();
    let out = folder.path().join("out");
    let manifest = build(&source, &options, &out, BuildMode::Refuse, &Unwatched).unwrap();
    assert_eq!(manifest.totals.events, 5_000_999_999);
    assert_eq!(manifest.rows.rejected["bad_count"].rows, 1);
    let data = SequenceFolder::open(&out).unwrap().load(&Selection::default()).unwrap();
    let greatest = Some(u32::MAX as f32);
    check(&data, "c/ann", 0, &[("n_events", greatest), ("total_events", greatest), ("sessions", Some(1.0))]);
    check(&data, "c/bob", 1, &[("n_events", Some(999_999.0)), ("rank_events", Some(0.75))]);
}
