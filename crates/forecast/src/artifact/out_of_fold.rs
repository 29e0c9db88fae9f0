//! The out-of-fold predictions of a cross-validation: `out_of_fold.parquet` in a run.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use arrow_array::{Array, ArrayRef, BooleanArray, Float64Array, Int32Array, RecordBatch, StringArray};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use rustc_hash::{FxHashMap, FxHashSet};
use staycast_sequences::{CutOff, Dataset, EnrolmentIndex};

use super::manifest::RunManifest;
use super::soundness::is_of_folds;
use crate::device::quietly;
use crate::files::{self, FileError};
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

/// Holds a row of the file.
struct StoredRow<'a> {
    course: &'a str,
    enrolment: &'a str,
    repeat: u32,
    fold: u32,
    week: CutOff,
    score: f64,
    p: f64,
    at_risk: bool,
}

/// Reads out-of-fold predictions of `data` back, of the run with this manifest.
pub(crate) fn read_out_of_fold(
    path: &Path,
    manifest: &RunManifest,
    data: &Dataset,
) -> Result<Vec<FoldPrediction>, FileError> {
    let index: FxHashMap<(&str, &str), EnrolmentIndex> = data
        .enrolment_indices()
        .map(|at| ((data.course_of(at).id.as_str(), data.enrolment(at).id.as_str()), at))
        .collect();
    let mut rows = Vec::new();
    let mut seen = FxHashSet::default();
    for_each_row(path, manifest, &mut |row| {
        let StoredRow { repeat, fold, week, score, p, at_risk, .. } = row;
        // A data set that was read in part knows only some of the rows.
        if let Some(&enrolment) = index.get(&(row.course, row.enrolment)) {
            if !seen.insert((enrolment, week, repeat)) {
                return Err("it has an enrolment twice in a week and a repeat".to_owned());
            }
            rows.push(FoldPrediction { repeat, fold, enrolment, week, score, p, at_risk });
        }
        Ok(())
    })?;
    Ok(rows)
}

/// Checks the file without the data that it is of.
pub(super) fn check(path: &Path, manifest: &RunManifest) -> Result<(), FileError> {
    for_each_row(path, manifest, &mut |_| Ok(()))
}

/// Hands every row to `each`, checked.
fn for_each_row(
    path: &Path,
    manifest: &RunManifest,
    each: &mut dyn FnMut(StoredRow<'_>) -> Result<(), String>,
) -> Result<(), FileError> {
    let file = files::open(path)?;
    // The parquet crate panics at some damages. What it prints then is of no use to anybody.
    let guarded = quietly(|| read_rows(file, manifest, each));
    guarded
        .unwrap_or_else(|_| Err("its pages can't be decoded".to_owned()))
        .map_err(|why| FileError::damaged(path, why))
}

fn read_rows(
    file: File,
    manifest: &RunManifest,
    each: &mut dyn FnMut(StoredRow<'_>) -> Result<(), String>,
) -> Result<(), String> {
    let reader = ParquetRecordBatchReaderBuilder::try_new(file).and_then(ParquetRecordBatchReaderBuilder::build);
    for batch in reader.map_err(|error| error.to_string())? {
        let batch = batch.map_err(|error| error.to_string())?;
        let (courses, ids) =
            (column::<StringArray>(&batch, "course_id")?, column::<StringArray>(&batch, "enrolment_id")?);
        let integers = |name| column::<Int32Array>(&batch, name);
        let numbers = |name| column::<Float64Array>(&batch, name);
        let (repeats, folds, weeks) = (integers("repeat")?, integers("fold")?, integers("week")?);
        let (scores, ps) = (numbers("score")?, numbers("p_dropout")?);
        let at_risk = column::<BooleanArray>(&batch, "at_risk")?;
        for row in 0..batch.num_rows() {
            let (repeat, fold) = (repeats.value(row), folds.value(row));
            let week = CutOff::after_weeks(weeks.value(row)).ok_or("it has a week that is not from 1 to 65535")?;
            if !is_of_folds(manifest, repeat, fold, week) {
                return Err(format!("it has week {week} of fold {fold} of repeat {repeat}, which the run has not"));
            }
            let (score, p) = (scores.value(row), ps.value(row));
            if !score.is_finite() || !(0.0..=1.0).contains(&p) {
                return Err(format!("it has a score of {score} and a probability of {p}"));
            }
            each(StoredRow {
                course: courses.value(row),
                enrolment: ids.value(row),
                repeat: repeat as u32,
                fold: fold as u32,
                week,
                score,
                p,
                at_risk: at_risk.value(row),
            })?;
        }
    }
    Ok(())
}

/// Finds a column of a type, without nulls.
fn column<'a, A: Array + 'static>(batch: &'a RecordBatch, name: &str) -> Result<&'a A, String> {
    let column = batch.column_by_name(name).ok_or_else(|| format!("it has no column `{name}`"))?;
    let typed = column.as_any().downcast_ref::<A>();
    let typed = typed.ok_or_else(|| format!("its column `{name}` is of another type"))?;
    if typed.null_count() == 0 { Ok(typed) } else { Err(format!("its column `{name}` has nulls")) }
}
