//! The out-of-fold predictions of a cross-validation: `out_of_fold.parquet` in a run.

use std::path::Path;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int32Type};
use arrow_array::{ArrayRef, BooleanArray, Float64Array, Int32Array, RecordBatch};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use rustc_hash::FxHashMap;
use staycast_sequences::{CutOff, Dataset, EnrolmentIndex};

use crate::files::FileError;
use crate::tables::{TableError, texts, write_table};

/// Holds an out-of-fold prediction: of an enrolment, by members that were not trained on it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct FoldPrediction {
    /// Repeat of the cross-validation, from 0.
    pub(crate) repeat: u32,
    /// The fold that held the enrolment, from 0.
    pub(crate) fold: u32,
    /// The enrolment in the data set.
    pub(crate) enrolment: EnrolmentIndex,
    /// Cut-off: weeks seen.
    pub(crate) week: CutOff,
    /// The value that ranks: the mean logit; under Platt scaling the calibrated log odds, which compare between folds.
    pub(crate) score: f64,
    /// Calibrated probability of dropout.
    pub(crate) p: f64,
    /// Whether it reaches the fold's threshold.
    pub(crate) at_risk: bool,
}

/// Writes out-of-fold predictions of `data` with their outcomes.
pub(crate) fn write_out_of_fold(path: &Path, data: &Dataset, rows: &[FoldPrediction]) -> Result<(), TableError> {
    let about = |row: &FoldPrediction| data.enrolment(row.enrolment);
    let integers = |value: fn(&FoldPrediction) -> i32| -> ArrayRef {
        Arc::new(Int32Array::from_iter_values(rows.iter().map(value)))
    };
    let numbers = |value: fn(&FoldPrediction) -> f64| -> ArrayRef {
        Arc::new(Float64Array::from_iter_values(rows.iter().map(value)))
    };
    let columns: [(&str, ArrayRef); 10] = [
        ("course_id", texts(rows.iter().map(|row| data.course_of(row.enrolment).id.as_str()))),
        ("enrolment_id", texts(rows.iter().map(|row| about(row).id.as_str()))),
        ("learner_id", texts(rows.iter().map(|row| about(row).learner.as_str()))),
        ("repeat", integers(|row| row.repeat as i32)),
        ("fold", integers(|row| row.fold as i32)),
        ("week", integers(|row| i32::from(row.week.weeks()))),
        ("score", numbers(|row| row.score)),
        ("p_dropout", numbers(|row| row.p)),
        ("at_risk", Arc::new(rows.iter().map(|row| Some(row.at_risk)).collect::<BooleanArray>())),
        ("dropout", Arc::new(rows.iter().map(|row| about(row).dropout).collect::<BooleanArray>())),
    ];
    write_table(path, RecordBatch::try_from_iter(columns))
}

/// Reads out-of-fold predictions of `data` back.
pub(crate) fn read_out_of_fold(path: &Path, data: &Dataset) -> Result<Vec<FoldPrediction>, TableError> {
    let index: FxHashMap<(&str, &str), EnrolmentIndex> = data
        .enrolment_indices()
        .map(|at| ((data.course_of(at).id.as_str(), data.enrolment(at).id.as_str()), at))
        .collect();
    let file = std::fs::File::open(path).map_err(|source| FileError::io("read", path, source))?;
    let parquet = |source| TableError::Parquet { path: path.to_owned(), source };
    let reader = ParquetRecordBatchReaderBuilder::try_new(file)
        .and_then(ParquetRecordBatchReaderBuilder::build)
        .map_err(parquet)?;
    let mut rows = Vec::new();
    for batch in reader {
        let batch = batch.map_err(|source| TableError::Arrow { path: path.to_owned(), source })?;
        let column = |name: &str| {
            let missing = || FileError::damaged(path, format!("it has no column `{name}`"));
            batch.column_by_name(name).cloned().ok_or_else(missing)
        };
        let (courses, ids) = (column("course_id")?, column("enrolment_id")?);
        let (courses, ids) = (courses.as_string::<i32>(), ids.as_string::<i32>());
        let (repeat, fold, week) = (column("repeat")?, column("fold")?, column("week")?);
        let (score, p, at_risk) = (column("score")?, column("p_dropout")?, column("at_risk")?);
        let integer = |array: &ArrayRef, row: usize| array.as_primitive::<Int32Type>().value(row);
        let number = |array: &ArrayRef, row: usize| array.as_primitive::<Float64Type>().value(row);
        let no_week = || FileError::damaged(path, "it has a week that is not from 1 to 65535");
        for row in 0..batch.num_rows() {
            // A data set that was read in part knows only some of the rows.
            let Some(&enrolment) = index.get(&(courses.value(row), ids.value(row))) else { continue };
            rows.push(FoldPrediction {
                repeat: integer(&repeat, row) as u32,
                fold: integer(&fold, row) as u32,
                enrolment,
                week: CutOff::after_weeks(integer(&week, row)).ok_or_else(no_week)?,
                score: number(&score, row),
                p: number(&p, row),
                at_risk: at_risk.as_boolean().value(row),
            });
        }
    }
    Ok(rows)
}
