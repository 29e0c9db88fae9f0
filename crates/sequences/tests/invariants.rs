//! The invariants of ARCHITECTURE.md that sequences must hold, on random logs.

mod common;

use std::fmt::Write;

use common::Log;
use proptest::prelude::*;
use staycast_events::time::{DAY_SECONDS, days_from_civil, format_instant};
use staycast_sequences::{BuildOptions, Dataset, FeatureSet, IfExists, Unwatched, build};

const COURSES: &str = "a,2014-06-02,2014-07-01\nb,2014-06-09,2014-07-06\n";
const ENROLMENTS: &str = "1,u1,a\n2,u2,a\n3,u1,b\n4,u3,b\n5,u2,b\n6,u4,a\n";
const KINDS: [&str; 5] = ["access", "problem", "video", "nagivate", "strange"];

fn start() -> i64 {
    i64::from(days_from_civil(2014, 6, 2)) * DAY_SECONDS
}

/// An event: enrolment, seconds after 2 June 2014, kind, object.
type Made = (u8, i64, u8, u8);

fn events() -> impl Strategy<Value = Vec<Made>> {
    // From a week before to past the end, often in bursts, so that sessions happen.
    let one = (1_u8..=6, -7_i64..40, 0_i64..86_400, 0_u8..5, 0_u8..8);
    let burst = (one, prop::collection::vec(0_i64..4_000, 0..6));
    prop::collection::vec(burst, 1..40).prop_map(|bursts| {
        let mut all = Vec::new();
        for ((enrolment, day, second, kind, object), gaps) in bursts {
            let mut at = day * DAY_SECONDS + second;
            all.push((enrolment, at, kind, object));
            for gap in gaps {
                at += gap;
                all.push((enrolment, at, (kind + 1) % 5, object));
            }
        }
        all
    })
}

fn text(events: &[Made]) -> String {
    let mut text = String::new();
    for &(enrolment, at, kind, object) in events {
        let kind = KINDS[usize::from(kind)];
        writeln!(text, "{enrolment},{},server,{kind},o{object}", format_instant(start() + at)).unwrap();
    }
    text
}

fn log(events: &str) -> Log<'_> {
    let objects =
        "a,o1,video,,2014-06-03T00:00:00\nb,o1,video,,2014-06-10T00:00:00\na,o2,problem,,2014-06-20T00:00:00\n";
    Log { courses: COURSES, enrolments: ENROLMENTS, events, objects }
}

/// Every week that is over in `early` must be the same, to the bit, in `late`.
fn assert_past_unchanged(early: &Dataset, late: &Dataset) {
    for place in 0..early.enrolments.len() {
        for week in 0..early.course_of(place).observed_weeks as usize {
            let bits =
                |data: &Dataset| -> Vec<u32> { data.week(place, week).iter().map(|value| value.to_bits()).collect() };
            let (before, after) = (bits(early), bits(late));
            if let Some(column) = (0..before.len()).find(|&column| before[column] != after[column]) {
                panic!(
                    "{} of {} in week {week}: {} before, {} with later events",
                    early.features[column],
                    early.enrolments[place].id,
                    f32::from_bits(before[column]),
                    f32::from_bits(after[column]),
                );
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_comes_from_the_future(events in events(), cut in 0_i64..40 * DAY_SECONDS) {
        let (past, _): (Vec<Made>, Vec<Made>) = events.iter().partition(|&&(_, at, ..)| at < cut);
        prop_assume!(past.iter().any(|&(_, at, ..)| at < 28 * DAY_SECONDS));
        let (whole, past) = (text(&events), text(&past));
        let cut_off = BuildOptions { as_of: Some(start() + cut), ..BuildOptions::default() };
        let known_then = log(&past).sequences(&cut_off);
        let known_later = log(&whole).sequences(&BuildOptions { as_of: Some(start() + 60 * DAY_SECONDS), ..BuildOptions::default() });
        assert_past_unchanged(&known_then, &known_later);
        // The instant the log is said to be taken hides what came after it just as well as cutting the log does. The
        // instant itself belongs to the log.
        let hidden = log(&whole).sequences(&BuildOptions { as_of: Some(start() + cut - 1), ..BuildOptions::default() });
        assert_past_unchanged(&hidden, &known_then);
    }

    #[test]
    fn every_row_is_accounted_for(events in events(), weeks in prop::option::of(1_u32..6)) {
        let mut text = text(&events);
        text.push_str("99,2014-06-05T00:00:00,server,access,o\n1,yesterday,server,access,o\n1,2014-06-05T00:00:00,server\n\n");
        // Long after, so that every week is over and every used event is in some row.
        let as_of = Some(start() + 60 * DAY_SECONDS);
        let Ok(data) = log(&text).try_sequences(&BuildOptions { weeks, as_of, ..BuildOptions::default() }) else {
            // Nothing inside the calendar: refused as a whole.
            return Ok(());
        };
        let rows = &data.manifest.rows;
        let others: u64 = rows.rejected.values().chain(rows.set_aside.values()).map(|count| count.rows).sum();
        prop_assert_eq!(rows.read, events.len() as u64 + 3);
        prop_assert_eq!(rows.used + others, rows.read);
        prop_assert_eq!(data.manifest.totals.events, rows.used);
        for reason in ["unknown_enrolment", "bad_time", "malformed"] {
            prop_assert_eq!(rows.rejected[reason].rows, 1);
        }
        let weekly = data.feature("n_events").unwrap();
        let counted: f32 = (0..data.enrolments.len())
            .flat_map(|place| (0..data.weeks).map(move |week| (place, week)))
            .map(|(place, week)| data.week(place, week)[weekly])
            .filter(|count| !count.is_nan())
            .sum();
        let before: u32 = data.enrolments.iter().map(|row| row.pre_start_events).sum();
        prop_assert_eq!(f64::from(counted) + f64::from(before), rows.used as f64);
    }
}

fn files(folder: &std::path::Path) -> Vec<Vec<u8>> {
    ["sequences.parquet", "enrolments.parquet", "courses.parquet", "manifest.json"]
        .map(|name| std::fs::read(folder.join(name)).unwrap())
        .into()
}

#[test]
fn same_bytes_for_any_threads_memory_and_order_of_rows() {
    let mut state = 1_u64;
    let mut random = |below: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    let mut lines: Vec<String> = (0..30_000)
        .map(|_| {
            let at = format_instant(start() + random(30 * 86_400) as i64);
            format!("{},{at},server,{},o{}", 1 + random(600), KINDS[random(5) as usize], random(40))
        })
        .collect();
    let enrolments: String =
        (1..=600).map(|id| format!("{id},u{},{}\n", id % 400, if id % 3 == 0 { "a" } else { "b" })).collect();
    let folder = tempfile::tempdir().unwrap();
    let mut outputs = Vec::new();
    for (threads, memory_bytes) in [(1, u64::MAX), (2, 0), (5, 100_000)] {
        let events = lines.join("\n");
        Log { courses: COURSES, enrolments: &enrolments, events: &events, objects: "" }.write(folder.path());
        let source = staycast_events::formats::open(&[folder.path().to_owned()], &Default::default()).unwrap();
        let out = folder.path().join(format!("out-{threads}"));
        let options = BuildOptions { memory_bytes, features: FeatureSet::All, ..BuildOptions::default() };
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| build(&source, &options, &out, IfExists::Refuse, &Unwatched)).unwrap();
        outputs.push(files(&out));
    }
    assert!(outputs.windows(2).all(|pair| pair[0] == pair[1]));
    // In another order the log is another file, with another hash, and gives the same weeks.
    lines.reverse();
    let events = lines.join("\n");
    Log { courses: COURSES, enrolments: &enrolments, events: &events, objects: "" }.write(folder.path());
    let source = staycast_events::formats::open(&[folder.path().to_owned()], &Default::default()).unwrap();
    let out = folder.path().join("out-reversed");
    build(&source, &BuildOptions::default(), &out, IfExists::Refuse, &Unwatched).unwrap();
    assert_eq!(files(&out)[..3], outputs[0][..3]);
}
