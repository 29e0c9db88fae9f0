//! The rows that an evaluation is made of, as a Parquet file.

use std::path::Path;
use std::sync::Arc;

use arrow_array::{ArrayRef, BooleanArray, Float64Array, Int32Array, RecordBatch, StringArray};
use staycast_evaluation::report::{Exclusion, PredictionRow};
use staycast_sequences::{Dataset, EnrolmentIndex};

use super::predictions::Predictions;
use crate::tables::{TableError, texts, write_table};

/// Writes predictions of `data` with their outcomes as Parquet: `course_id, enrolment_id, learner_id, repeat, week, score,
/// p_dropout, at_risk, dropout, in_all, in_active, excluded`. Scores and probabilities are null for rows in no cohort.
///
/// # Errors
/// When the file can't be written.
pub fn write_predictions(path: &Path, data: &Dataset, parts: &[Predictions]) -> Result<(), TableError> {
    type Row<'a> = (&'a Predictions, EnrolmentIndex, &'a PredictionRow);
    let rows: Vec<Row<'_>> = parts
        .iter()
        .flat_map(|part| part.enrolments.iter().zip(&part.rows).map(move |(&enrolment, row)| (part, enrolment, row)))
        .collect();
    let placed = |row: &PredictionRow| row.place().is_ok();
    let flags = |value: &dyn Fn(&Row<'_>) -> Option<bool>| -> ArrayRef {
        Arc::new(rows.iter().map(value).collect::<BooleanArray>())
    };
    let numbers = |value: fn(&PredictionRow) -> f64| -> ArrayRef {
        Arc::new(rows.iter().map(|(_, _, row)| placed(row).then(|| value(row))).collect::<Float64Array>())
    };
    let columns: [(&str, ArrayRef); 12] = [
        ("course_id", texts(rows.iter().map(|&(_, enrolment, _)| data.course_of(enrolment).id.as_str()))),
        ("enrolment_id", texts(rows.iter().map(|&(_, enrolment, _)| data.enrolment(enrolment).id.as_str()))),
        ("learner_id", texts(rows.iter().map(|&(_, enrolment, _)| data.enrolment(enrolment).learner.as_str()))),
        ("repeat", Arc::new(Int32Array::from_iter_values(rows.iter().map(|(part, _, _)| part.repeat as i32)))),
        ("week", Arc::new(Int32Array::from_iter_values(rows.iter().map(|(_, _, row)| i32::from(row.week.weeks()))))),
        ("score", numbers(|row| row.score)),
        ("p_dropout", numbers(|row| row.p)),
        ("at_risk", flags(&|(part, _, row)| part.at_risk(row).filter(|_| placed(row)))),
        ("dropout", flags(&|(_, _, row)| row.label)),
        ("in_all", flags(&|(_, _, row)| Some(placed(row)))),
        ("in_active", flags(&|(_, _, row)| Some(placed(row) && row.active))),
        (
            "excluded",
            Arc::new(StringArray::from_iter(rows.iter().map(|(_, _, row)| row.place().err().map(Exclusion::describe)))),
        ),
    ];
    write_table(
        path,
        RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, column)| (name, column, true))),
    )
}
