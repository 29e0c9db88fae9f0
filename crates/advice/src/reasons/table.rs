//! Explanations as a table: one row for each enrolment and behaviour.

use std::sync::Arc;

use arrow_array::{
    ArrayRef, BooleanArray, Float32Array, Float64Array, Int32Array, LargeStringArray, RecordBatch, StringArray,
};
use arrow_schema::ArrowError;

use super::learner::LearnerRow;

/// Lists the columns in their order.
pub const REASON_COLUMNS: [&str; 24] = [
    "course_id",
    "enrolment_id",
    "learner_id",
    "week",
    "status",
    "status_reason",
    "trained_on",
    "seen",
    "p_dropout",
    "p_before",
    "p_compared",
    "compared_with",
    "completeness_error",
    "behaviour",
    "finding",
    "text",
    "contribution",
    "contribution_week",
    "occlusion",
    "points",
    "change",
    "figure",
    "typical",
    "before",
];

/// Makes the table. An enrolment without a forecast has one row, with nulls from `seen` on.
///
/// # Errors
/// Never for rows that [`LearnerRow`] can hold; Arrow checks the columns.
pub fn reasons_batch(rows: &[LearnerRow]) -> Result<RecordBatch, ArrowError> {
    let mut pairs = Vec::new();
    for row in rows {
        match &row.explained {
            None => pairs.push((row, None)),
            Some(explained) => {
                pairs.extend(explained.behaviours.iter().map(|one| (row, Some((explained, one)))));
            }
        }
    }
    let texts = |text: &dyn Fn(usize) -> Option<String>| -> ArrayRef {
        Arc::new((0..pairs.len()).map(text).collect::<StringArray>())
    };
    let floats = |value: &dyn Fn(usize) -> Option<f64>| -> ArrayRef {
        Arc::new((0..pairs.len()).map(value).collect::<Float64Array>())
    };
    let whole = |value: &dyn Fn(usize) -> Option<i32>| -> ArrayRef {
        Arc::new((0..pairs.len()).map(value).collect::<Int32Array>())
    };
    let row = |at: usize| pairs[at].0;
    let learner = |at: usize| pairs[at].1.map(|(learner, _)| learner);
    let reading = |at: usize| pairs[at].1.map(|(_, reading)| reading);
    let columns: [ArrayRef; 24] = [
        texts(&|at| Some(row(at).course_id.clone())),
        texts(&|at| Some(row(at).enrolment_id.clone())),
        texts(&|at| Some(row(at).learner_id.clone())),
        whole(&|at| Some(i32::from(row(at).week.weeks()))),
        texts(&|at| Some(row(at).status().to_owned())),
        texts(&|at| Some(row(at).status_reason.clone())),
        Arc::new((0..pairs.len()).map(|at| Some(row(at).trained_on)).collect::<BooleanArray>()),
        whole(&|at| learner(at).map(|one| i32::from(one.seen.weeks()))),
        floats(&|at| learner(at).map(|one| one.p_dropout)),
        floats(&|at| learner(at).and_then(|one| one.p_before)),
        floats(&|at| learner(at).map(|one| one.p_compared)),
        texts(&|at| learner(at).map(|one| one.compared_with.key().to_owned())),
        floats(&|at| learner(at).map(|one| one.completeness_error)),
        texts(&|at| reading(at).map(|one| one.behaviour.key().to_owned())),
        texts(&|at| reading(at).map(|one| one.finding.key().to_owned())),
        texts(&|at| reading(at).map(|one| one.text.clone())),
        floats(&|at| reading(at).map(|one| one.contribution)),
        whole(&|at| reading(at).map(|one| one.week as i32)),
        floats(&|at| reading(at).map(|one| one.occlusion)),
        floats(&|at| reading(at).map(|one| one.points)),
        floats(&|at| reading(at).and_then(|one| one.change)),
        floats(&|at| reading(at).and_then(|one| one.figure.learner)),
        floats(&|at| reading(at).and_then(|one| one.figure.typical)),
        floats(&|at| reading(at).and_then(|one| one.figure.before)),
    ];
    RecordBatch::try_from_iter_with_nullable(
        REASON_COLUMNS
            .into_iter()
            .zip(columns)
            .enumerate()
            .map(|(place, (name, column))| (name, column, place >= FIRST_NULLABLE)),
    )
}

/// Is the place of the first column that is null without a forecast.
const FIRST_NULLABLE: usize = 7;

/// Makes a table of what single inputs add: one row for each explained enrolment, week and input. `names` are the inputs', and
/// `values` has those of each explained enrolment, `[week][input]`, in the order of the rows.
///
/// # Errors
/// Never for rows that [`LearnerRow`] can hold; Arrow checks the columns.
pub fn inputs_batch(rows: &[LearnerRow], names: &[String], values: &[Vec<f32>]) -> Result<RecordBatch, ArrowError> {
    let explained: Vec<&LearnerRow> = rows.iter().filter(|row| row.explained.is_some()).collect();
    let cells = || {
        explained.iter().zip(values).flat_map(|(row, values)| (0..values.len()).map(move |at| (*row, values[at], at)))
    };
    let week = |at: usize| (at / names.len() + 1) as i32;
    // With offsets of 64 bits: ids and names of all cells may be more than 2³¹ bytes.
    let texts = |text: &dyn Fn(&LearnerRow, usize) -> String| -> ArrayRef {
        Arc::new(cells().map(|(row, _, at)| Some(text(row, at))).collect::<LargeStringArray>())
    };
    let columns: [(&str, ArrayRef); 5] = [
        ("course_id", texts(&|row, _| row.course_id.clone())),
        ("enrolment_id", texts(&|row, _| row.enrolment_id.clone())),
        ("week_of_input", Arc::new(Int32Array::from_iter_values(cells().map(|(_, _, at)| week(at))))),
        ("input", texts(&|_, at| names[at % names.len()].clone())),
        ("contribution", Arc::new(Float32Array::from_iter_values(cells().map(|(_, value, _)| value)))),
    ];
    RecordBatch::try_from_iter(columns)
}
