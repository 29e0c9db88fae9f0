//! A small data set with a known signal, made without a log.

#![allow(dead_code)] // Each test file uses its part.

use std::collections::BTreeMap;
use std::path::Path;

use staycast_events::Capabilities;
use staycast_forecast::config::{CheckedConfig, Config};
use staycast_forecast::device::ChosenDevice;
use staycast_forecast::{ModelKind, Run, Start, TrainError, TrainRequest, Unwatched, train};
use staycast_sequences::manifest::{
    BuildRecord, CalendarRecord, FeatureRecord, LAYOUT_VERSION, LabelRecord, Manifest, OutputRecord, RowCounts, Totals,
};
use staycast_sequences::{CourseIndex, CourseRow, CutOff, Dataset, DropoutRule, EnrolmentRow, FeatureSet};

/// Counts the weeks of every course; the label is that of `inactive-last 1`, so the last cut-off is one week before.
pub(crate) const WEEKS: usize = 6;
pub(crate) const FEATURES: [&str; 4] = ["n_events", "active_days", "days_since_last", "score_mean"];

/// Returns a number in [0, 1) that depends on what it is given only.
pub(crate) fn noise(parts: [u64; 4]) -> f32 {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    for part in parts {
        state = (state ^ part).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        state ^= state >> 29;
    }
    (state >> 40) as f32 / (1_u64 << 24) as f32
}

/// Makes `courses` courses of `per_course` enrolments. Those who will drop out do less each week; `score_mean` is null
/// in some weeks, and one enrolment in 16 of each course enrols in week 2 only.
pub(crate) fn dataset(courses: usize, per_course: usize) -> Dataset {
    dataset_with(courses, per_course, 1)
}

/// Returns the same from another seed: other learners, other values.
pub(crate) fn dataset_with(courses: usize, per_course: usize, seed: u64) -> Dataset {
    let mut rows = Vec::new();
    let mut values = Vec::new();
    for course in 0..courses {
        for place in 0..per_course {
            let key = [seed, course as u64, place as u64];
            let random = |week: usize, what: u64| noise([key[0], key[1] * 7919 + key[2], week as u64, what]);
            let dropout = random(0, 1) < 0.4;
            let late = place % 16 == 15;
            rows.push(EnrolmentRow {
                id: format!("c{course}-s{seed}-e{place:04}"),
                learner: format!("s{seed}-l{course}-{place:04}"),
                course: CourseIndex(course as u32),
                dropout: Some(dropout),
                left_week: None,
                enrolled_day: Some(if late { 8.0 } else { -3.0 }),
                first_event_day: Some(if late { 8.5 } else { 0.5 }),
                withdrawal_day: None,
                pre_start_events: (random(0, 2) * 5.0) as u32,
                pre_start_active_days: 1,
                outcome: None,
                statics: BTreeMap::from([("region".to_owned(), Some(format!("r{}", place % 3)))]),
            });
            let mut inactive = 0.0_f32;
            for week in 0..WEEKS {
                let pull = if dropout { 0.75_f32.powi(week as i32) } else { 1.0 };
                let before = late && week == 0;
                let events = if before { 0.0 } else { (random(week, 3) * 20.0 * pull).floor() };
                inactive = if events > 0.0 { random(week, 4) * 3.0 } else { inactive + 7.0 };
                let score = if random(week, 5) < 0.3 { f32::NAN } else { (random(week, 6) * 100.0).floor() };
                values.extend([events, (events / 3.0).min(7.0).floor(), inactive, score]);
            }
        }
    }
    let totals = Totals { courses: courses as u64, enrolments: rows.len() as u64, ..Totals::default() };
    let courses = (0..courses)
        .map(|course| CourseRow {
            id: format!("course{course}"),
            start_day: 16_000 + 7 * course as i32,
            days: 7 * WEEKS as u32,
            first_week_days: 7,
            weeks: WEEKS as u32,
            observed_weeks: WEEKS as u32,
            as_of_days: 7.0 * WEEKS as f64,
            inferred: false,
            nominal_dates: false,
        })
        .collect();
    let features = FEATURES.iter().map(|&name| name.to_owned()).collect();
    Dataset::from_parts(manifest(&totals, seed), courses, rows, features, WEEKS, values)
}

fn manifest(totals: &Totals, seed: u64) -> Manifest {
    let units = ["events", "days", "days", "points, 0 to 100"];
    let features = FEATURES
        .iter()
        .zip(units)
        .map(|(name, unit)| FeatureRecord {
            name: (*name).to_owned(),
            unit: unit.to_owned(),
            meaning: String::new(),
            lacking: None,
        })
        .collect();
    Manifest {
        kind: "staycast-sequences".to_owned(),
        layout_version: LAYOUT_VERSION,
        staycast_version: "0".to_owned(),
        format: "synthetic".to_owned(),
        format_reason: "a test".to_owned(),
        capabilities: Capabilities { learners: true, dates: true, ..Capabilities::default() },
        inputs: Vec::new(),
        left_out: Vec::new(),
        file_notes: Vec::new(),
        rows: RowCounts::default(),
        calendar: CalendarRecord {
            source: "source".to_owned(),
            as_of: "2014-01-01T00:00:00".to_owned(),
            as_of_source: "given".to_owned(),
            weeks: WEEKS as u32,
            weeks_limit: None,
            stray_days: Vec::new(),
        },
        labels: LabelRecord {
            rule: DropoutRule::InactiveLast { weeks: 1 },
            known: totals.enrolments,
            dropouts: 0,
            unknown: BTreeMap::new(),
            known_from: None,
        },
        warnings: Vec::new(),
        build: BuildRecord::default(),
        notices: Vec::new(),
        feature_set: FeatureSet::Core,
        features,
        static_columns: vec!["region".to_owned()],
        totals: totals.clone(),
        outputs: vec![OutputRecord {
            file: "sequences.parquet".to_owned(),
            rows: totals.enrolments,
            bytes: 0,
            blake3: format!("{seed}-{}", totals.enrolments),
            row_groups: None,
            columns: BTreeMap::new(),
        }],
        resealed: Vec::new(),
        seal: None,
    }
}

/// Makes the cut-off after some weeks.
pub(crate) fn cut_off(weeks: impl TryInto<u16>) -> CutOff {
    CutOff::after_weeks(weeks).expect("a number of weeks")
}

/// Returns a configuration that trains in a moment.
pub(crate) fn config(settings: &[&str]) -> CheckedConfig {
    let mut config = Config::default();
    // The tests are of networks, unless they say otherwise.
    config.model.kind = ModelKind::Lstm;
    let quick = [
        "model.hidden=8",
        "training.epochs=4",
        "training.batch_size=64",
        "training.target_week=3",
        "ensemble.members=2",
        "ensemble.validation_folds=3",
        "split.test_courses=course0",
    ];
    for setting in quick.iter().chain(settings) {
        config.set(setting).expect("a setting");
    }
    config.check().expect("a sensible configuration")
}

/// Trains on flex.
pub(crate) fn train_at(data: &Dataset, config: &CheckedConfig, out: &Path) -> Result<Run, TrainError> {
    let device = ChosenDevice::flex();
    train(&TrainRequest { data, config, device: &device, out, start: Start::Fresh, from: None }, &Unwatched)
}

/// Returns all files of a run but those that may differ, by name, with their bytes.
pub(crate) fn bytes_of(run: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    for folder in [run.to_owned(), run.join("checkpoints")] {
        for entry in std::fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            let name = path.strip_prefix(run).expect("inside").to_string_lossy().into_owned();
            if path.is_file() && name != "timing.json" {
                found.insert(name, std::fs::read(&path).expect("readable"));
            }
        }
    }
    found
}
