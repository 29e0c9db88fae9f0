//! What only somebody who seals again could plant in the tables of sequences: every column of each.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Date32Type, Float64Type};
use arrow_array::{Array, ArrayRef, BooleanArray, Date32Array, Float32Array, Float64Array, Int64Array, RecordBatch};
use arrow_array::{Int32Array, StringArray};
use arrow_schema::DataType;
use serde_json::{Value, json};

use crate::common::{Workshop, bytes_of, copy_of, folder, run};
use crate::damage::{Random, rounds};
use crate::parquet_edits::{column, manifest, record_files, seal_by_hand, table, write_table};
use crate::runs::Runs;

/// Lists commands that read the tables, each with all features.
const READERS: [&str; 3] =
    ["evaluate {run} {sequences} --device cpu", "inspect {sequences}", "sequences verify {sequences}"];

/// Copies a sequences folder.
pub(crate) fn copied(from: &Path, here: &Path) -> PathBuf {
    let sequences = here.join("sequences");
    if sequences.exists() {
        fs::remove_dir_all(&sequences).expect("ours");
    }
    copy_of(from, &sequences);
    sequences
}

/// Checks that neither the command that seals nor those that read take the folder: each says `part`. `inspect` reads no
/// features.
#[track_caller]
fn refused(what: &str, sequences: &Path, own_run: &Path, part: &str, with_inspect: bool) {
    let before = bytes_of(sequences);
    run("sequences seal {}", &[sequences]).expect(1).complains(&[part]);
    assert!(bytes_of(sequences) == before, "{what}: sealed in spite of it");
    record_files(sequences);
    seal_by_hand(sequences);
    for reader in READERS.iter().filter(|reader| with_inspect || !reader.starts_with("inspect")) {
        let words = reader.split(' ').map(|word| {
            word.replace("{run}", &own_run.display().to_string())
                .replace("{sequences}", &sequences.display().to_string())
        });
        let ran = crate::common::staycast(words).expect(1);
        let said = format!("{}{}", ran.stdout, ran.stderr);
        let unbroken = said.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(unbroken.contains(part), "{what}: no `{part}` in what {reader} says:\n{said}");
    }
}

/// Puts another value into row `at` of a column, whatever its type.
pub(crate) fn planted(batch: &RecordBatch, name: &str, at: usize, value: Planted) -> RecordBatch {
    let old = &batch[name];
    let kept = |row: usize| row != at && old.is_valid(row);
    let rows = 0..batch.num_rows();
    macro_rules! of_numbers {
        ($array:ty, $kind:ty, $number:ty) => {{
            let old = old.as_primitive::<$kind>();
            let number = |row: usize| match value {
                Planted::Number(number) if row == at => Some(number as $number),
                _ => kept(row).then(|| old.value(row)),
            };
            Arc::new(rows.map(number).collect::<$array>()) as ArrayRef
        }};
    }
    use arrow_array::types::{Float32Type, Int32Type, Int64Type};
    let values = match old.data_type() {
        DataType::Int64 => of_numbers!(Int64Array, Int64Type, i64),
        DataType::Int32 => of_numbers!(Int32Array, Int32Type, i32),
        DataType::Float32 => of_numbers!(Float32Array, Float32Type, f32),
        DataType::Float64 => of_numbers!(Float64Array, Float64Type, f64),
        DataType::Date32 => of_numbers!(Date32Array, Date32Type, i32),
        DataType::Boolean => {
            let old = old.as_boolean();
            let flag = |row: usize| match value {
                Planted::Number(number) if row == at => Some(number != 0.0),
                _ => kept(row).then(|| old.value(row)),
            };
            Arc::new(rows.map(flag).collect::<BooleanArray>())
        }
        _ => {
            let old = old.as_string::<i32>();
            let text = |row: usize| match value {
                Planted::Text(text) if row == at => Some(text),
                _ => kept(row).then(|| old.value(row)),
            };
            Arc::new(rows.map(text).collect::<StringArray>())
        }
    };
    column(batch, name, values)
}

/// Names what is planted.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Planted {
    Number(f64),
    Text(&'static str),
    Null,
}
use Planted::{Null, Number, Text};

/// Names the row of a table that something is planted in.
#[derive(Clone, Copy, Debug)]
enum At {
    First,
    /// The first with a value in this column.
    With(&'static str),
    /// The first without a value in this column.
    Without(&'static str),
}

impl At {
    fn row(self, batch: &RecordBatch) -> usize {
        let found =
            |name: &str, is_there: bool| (0..batch.num_rows()).find(|&row| batch[name].is_valid(row) == is_there);
        match self {
            Self::First => Some(0),
            Self::With(name) => found(name, true),
            Self::Without(name) => found(name, false),
        }
        .expect("a row for it")
    }
}

const TWO_TO_THE_62: f64 = 4_611_686_018_427_387_904.0;

/// Lists what is planted in the columns of courses and enrolments: where, and what is said of it. The courses have 8 weeks; the
/// source tells withdrawals, and dropout is a withdrawal or a fail.
const PLANTED: &[(&str, &str, At, Planted, &str)] = &[
    ("courses.parquet", "course_id", At::First, Null, "column `course_id` is null"),
    ("courses.parquet", "course_id", At::First, Text("zzz"), "out of order"),
    ("courses.parquet", "start", At::First, Number(16.0), "is cut into weeks of"),
    ("courses.parquet", "start", At::First, Null, "column `start` is null"),
    ("courses.parquet", "end", At::First, Number(2_932_000.0), "is cut into weeks of"),
    ("courses.parquet", "days", At::First, Number(50.0), "is cut into weeks of 50 days"),
    ("courses.parquet", "days", At::First, Number(-1.0), "column `days` is not a whole number"),
    (
        "courses.parquet",
        "first_week_days",
        At::First,
        Number(8.0),
        "column `first_week_days` is not a whole number from 1 to 7",
    ),
    ("courses.parquet", "weeks", At::First, Number(65_535.0), "has 65535 weeks"),
    ("courses.parquet", "observed_weeks", At::First, Number(9.0), "9 observed weeks"),
    ("courses.parquet", "as_of_days", At::First, Number(400.0), "another `as_of_days` than the manifest"),
    ("courses.parquet", "as_of_days", At::First, Number(f64::NAN), "as_of_days"),
    ("courses.parquet", "enrolments", At::First, Number(TWO_TO_THE_62), "column `enrolments` is not a whole number"),
    ("courses.parquet", "inferred", At::First, Number(1.0), "has inferred dates"),
    ("courses.parquet", "inferred", At::First, Null, "column `inferred` is null"),
    ("courses.parquet", "nominal_dates", At::First, Number(0.0), "`nominal_dates`"),
    ("enrolments.parquet", "course_id", At::First, Text("nowhere"), "is not in courses.parquet"),
    ("enrolments.parquet", "enrolment_id", At::First, Null, "row 1: column `enrolment_id` is null"),
    ("enrolments.parquet", "learner_id", At::First, Null, "row 1: column `learner_id` is null"),
    ("enrolments.parquet", "left_week", At::First, Number(99.0), "column `left_week` is not"),
    ("enrolments.parquet", "left_week", At::First, Number(-7.0), "column `left_week` is not"),
    (
        "enrolments.parquet",
        "left_week",
        At::With("withdrawal_day"),
        Number(99.0),
        "column `left_week` is not a week from",
    ),
    (
        "enrolments.parquet",
        "left_week",
        At::With("withdrawal_day"),
        Null,
        "`left_week` is not that of `withdrawal_day`",
    ),
    ("enrolments.parquet", "left_week", At::Without("withdrawal_day"), Number(3.0), "`left_week` is not null"),
    ("enrolments.parquet", "enrolled_day", At::First, Number(1e9), "column `enrolled_day` is no day"),
    ("enrolments.parquet", "first_event_day", At::With("first_event_day"), Null, "first event"),
    ("enrolments.parquet", "first_event_day", At::With("first_event_day"), Number(55.5), "first event is not before"),
    (
        "enrolments.parquet",
        "last_event_day",
        At::With("last_event_day"),
        Number(56.0),
        "`last_event_day` is not before the end",
    ),
    (
        "enrolments.parquet",
        "withdrawal_day",
        At::With("withdrawal_day"),
        Number(900.0),
        "column `withdrawal_day` is not",
    ),
    ("enrolments.parquet", "pre_start_events", At::First, Number(-1.0), "`pre_start_events` is not a whole number"),
    (
        "enrolments.parquet",
        "pre_start_events",
        At::First,
        Number(TWO_TO_THE_62),
        "`pre_start_events` is not a whole number",
    ),
    ("enrolments.parquet", "pre_start_events", At::First, Null, "`pre_start_events` is not a whole number"),
    (
        "enrolments.parquet",
        "pre_start_active_days",
        At::First,
        Null,
        "column `pre_start_active_days` is not a whole number",
    ),
    ("sequences.parquet", "course_id", At::First, Text("nowhere"), "row 1: is of another enrolment"),
    ("sequences.parquet", "enrolment_id", At::First, Text("nobody"), "row 1: is of another enrolment"),
    ("sequences.parquet", "week", At::First, Number(7.0), "row 1: is week 7"),
    ("sequences.parquet", "week", At::First, Null, "row 1: column `week` is null"),
];

/// Lists columns that hold the source's own words, or that a sealed edit may change: what is in them is nobody's to check.
const FREE: [&str; 3] = ["dropout", "outcome", "a static column"];
/// Lists columns of `sequences.parquet` that repeat what the tables say. Only those who read everything compare them.
const REPEATED: [(&str, Planted, &str); 3] = [
    ("learner_id", Text("nobody"), "row 1: is of another learner"),
    ("week_days", Number(6.0), "row 1: column `week_days` is not that of week 0"),
    ("observed", Number(0.0), "row 1: column `observed` is not what courses.parquet says"),
];

#[test]
fn no_column_of_courses_or_enrolments_takes_what_cannot_be() {
    let (here, runs) = (folder(), Runs::open());
    let of_runs = runs.sequences();
    for (file, name, at, value, part) in PLANTED {
        let sequences = copied(&of_runs, here.path());
        let batch = table(&sequences.join(file));
        write_table(&sequences.join(file), &planted(&batch, name, at.row(&batch), *value));
        refused(
            &format!("{file}, {name}: {value:?}"),
            &sequences,
            &runs.run("logistic"),
            part,
            !file.starts_with("seq"),
        );
    }
    for (name, value, part) in REPEATED {
        let sequences = copied(&of_runs, here.path());
        let path = sequences.join("sequences.parquet");
        write_table(&path, &planted(&table(&path), name, 0, value));
        run("sequences seal {}", &[&sequences]).expect(1).complains(&[part]);
    }
    // Every column is in the table, or it is said why not.
    let statics = manifest(&of_runs)["static_columns"].clone();
    for file in ["courses.parquet", "enrolments.parquet"] {
        for field in table(&of_runs.join(file)).schema().fields() {
            let is_static = statics.as_array().expect("a list").contains(&json!(field.name()));
            let known = is_static || FREE.contains(&field.name().as_str());
            let planted = PLANTED.iter().any(|(of, name, ..)| of == &file && name == field.name());
            assert!(known != planted, "{file}: {}", field.name());
        }
    }
}

#[test]
fn no_feature_takes_what_it_cannot_be() {
    let here = folder();
    let own_run = Workshop::open().run();
    let whole = Workshop::open().sequences();
    let features = manifest(&whole)["features"].as_array().expect("a list").clone();
    let known: Vec<&Value> = features.iter().filter(|feature| feature["lacking"].is_null()).collect();
    let batch = table(&whole.join("sequences.parquet"));
    let mut random = Random::new(62);
    let count = rounds(12).min(known.len() as u64) as usize;
    let first = random.below(known.len());
    for at in 0..count {
        let feature = known[(first + at * known.len() / count) % known.len()];
        let name = feature["name"].as_str().expect("a name");
        let unit = feature["unit"].as_str().expect("a unit");
        let free = unit.starts_with("points") || unit == "standard deviations";
        let row = (0..batch.num_rows()).find(|&row| batch[name].is_valid(row));
        let Some(row) = row else { continue };
        let part = format!("column `{name}` is not a ");
        for value in [TWO_TO_THE_62, -9e18, f64::INFINITY].into_iter().filter(|value| !free || value.is_infinite()) {
            if value.is_infinite() && !matches!(batch[name].data_type(), DataType::Float32) {
                continue;
            }
            let sequences = copied(&whole, here.path());
            write_table(&sequences.join("sequences.parquet"), &planted(&batch, name, row, Number(value)));
            refused(&format!("{name}: {value}"), &sequences, &own_run, &part, false);
        }
    }
}

/// Lists what is planted in features, where the unit alone does not tell that it cannot be. Of the first enrolment, each week.
const IN_FEATURES: &[(&str, Planted, &str)] = &[
    ("active_days", Number(8.0), "column `active_days` is not a whole number from 0 to 7"),
    ("active_days", Null, "column `active_days` is null"),
    ("n_events", Null, "column `n_events` is null"),
    ("n_access", Number(TWO_TO_THE_62), "column `n_access` is not a whole number from 0 to 4294967296"),
    ("n_access", Number(-1.0), "column `n_access` is not"),
    ("total_events", Null, "column `total_events` is null"),
    ("n_day_3", Null, "column `n_day_3` is null"),
    ("last_active_day", Number(7.0), "column `last_active_day` is not a whole number from 0 to 6"),
    ("share_access", Number(1.5), "column `share_access` is not a number from 0 to 1"),
    ("silent_weeks", Number(70_000.0), "column `silent_weeks` is not"),
    ("seconds", Number(700_000.0), "column `seconds` is not a whole number from 0 to 606600"),
    ("preference_entropy", Number(4.0), "column `preference_entropy` is not a number from 0 to 3.17"),
];

#[test]
fn ranges_and_nulls_of_features_hold_week_by_week() {
    let here = folder();
    let (own_run, whole) = (Workshop::open().run(), Workshop::open().sequences());
    let batch = table(&whole.join("sequences.parquet"));
    let active = |row: &usize| batch["share_access"].is_valid(*row);
    let row = (0..batch.num_rows()).find(active).expect("a week with events");
    for (name, value, part) in IN_FEATURES {
        let sequences = copied(&whole, here.path());
        write_table(&sequences.join("sequences.parquet"), &planted(&batch, name, row, *value));
        refused(&format!("{name}: {value:?}"), &sequences, &own_run, &format!("row {}: {part}", row + 1), false);
    }
    // Half an event, where a program wrote whole numbers as others.
    let sequences = copied(&whole, here.path());
    let halves: Float64Array = (0..batch.num_rows()).map(|row| Some(row as f64 / 2.0)).collect();
    write_table(&sequences.join("sequences.parquet"), &column(&batch, "n_events", Arc::new(halves)));
    refused("half an event", &sequences, &own_run, "column `n_events` is not a whole number", false);
    // A value in a week without events.
    let silent = (0..batch.num_rows()).find(|row| !active(row)).expect("a week without events");
    let sequences = copied(&whole, here.path());
    write_table(&sequences.join("sequences.parquet"), &planted(&batch, "share_access", silent, Number(0.5)));
    refused(
        "a silent week",
        &sequences,
        &own_run,
        "column `share_access` has a value, and the week has no events",
        false,
    );
}

#[test]
fn a_short_week_has_no_more_days_than_it_has() {
    let here = folder();
    let (logs, whole) = (Workshop::open().logs(), here.path().join("short"));
    run("preprocess {} --out {} --quiet --week-ending 2014-06-04", &[&logs, &whole]).expect(0);
    let batch = table(&whole.join("sequences.parquet"));
    let days = batch["week_days"].as_primitive::<arrow_array::types::Int64Type>();
    let (row, days) = (0..batch.num_rows())
        .map(|row| (row, days.value(row)))
        .find(|&(row, days)| days < 7 && batch["first_active_day"].is_valid(row))
        .expect("a short week with events");
    let cases = [
        ("active_days", Number(days as f64 + 1.0), format!("`active_days` is not a whole number from 0 to {days}")),
        (
            "last_active_day",
            Number(days as f64),
            format!("`last_active_day` is not a whole number from 0 to {}", days - 1),
        ),
        ("n_day_6", Number(0.0), "`n_day_6` has a value, and the week has no such day".to_owned()),
    ];
    for (name, value, part) in cases {
        let sequences = copied(&whole, here.path());
        write_table(&sequences.join("sequences.parquet"), &planted(&batch, name, row, value));
        run("sequences seal {}", &[&sequences]).expect(1).complains(&[&part]);
    }
}

#[test]
fn labels_agree_with_the_weeks_in_which_learners_left() {
    let here = folder();
    let (logs, whole) = (here.path().join("logs"), here.path().join("whole"));
    crate::common::TinyLog::default().write(&logs);
    run("preprocess {} --out {} --quiet --dropout inactive-last --as-of 2014-07-01", &[&logs, &whole]).expect(0);
    let batch = table(&whole.join("enrolments.parquet"));
    let labels = batch["dropout"].as_boolean();
    let of = |label: bool| (0..batch.num_rows()).find(|&row| labels.value(row) == label).expect("both");
    let cases = [
        ("dropout", of(true), Number(0.0), "`left_week` is not null, as the learner is not known to have left"),
        ("dropout", of(false), Number(1.0), "`left_week` is not that of `last_event_day`"),
        ("left_week", of(true), Number(4.0), "`left_week` is not that of `last_event_day`"),
        ("left_week", of(true), Null, "`left_week` is not that of `last_event_day`"),
        ("left_week", of(false), Number(0.0), "`left_week` is not null"),
    ];
    for (name, row, value, part) in cases {
        let sequences = copied(&whole, here.path());
        write_table(&sequences.join("enrolments.parquet"), &planted(&batch, name, row, value));
        run("sequences seal {}", &[&sequences]).expect(1).complains(&[&format!("row {}: column {part}", row + 1)]);
    }
    // Nothing can be known of a course that is not over.
    let sequences = here.path().join("early");
    run("preprocess {} --out {} --quiet --dropout inactive-last --as-of 2014-06-20", &[&logs, &sequences]).expect(0);
    let path = sequences.join("enrolments.parquet");
    write_table(&path, &planted(&table(&path), "dropout", 0, Number(1.0)));
    run("sequences seal {}", &[&sequences]).expect(1).complains(&["the log was taken before that was known"]);
}
