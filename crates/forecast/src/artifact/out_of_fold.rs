//! The out-of-fold predictions of a cross-validation: `out_of_fold.parquet` in a run.

use std::collections::BTreeSet;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use arrow_array::{Array, ArrayRef, BooleanArray, Float64Array, Int32Array, RecordBatch, StringArray};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use rustc_hash::{FxHashMap, FxHashSet};
use staycast_evaluation::calibration::Calibration;
use staycast_sequences::{CutOff, Dataset, EnrolmentIndex};

use super::manifest::RunManifest;
use super::records::{FoldFit, SplitRecord};
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
    learner: &'a str,
    dropout: Option<bool>,
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
    let mut folds = FxHashMap::default();
    for_each_row(path, manifest, &mut |row| {
        let StoredRow { repeat, fold, week, score, p, at_risk, .. } = row;
        // A data set that was read in part knows only some of the rows.
        if let Some(&enrolment) = index.get(&(row.course, row.enrolment)) {
            if !seen.insert((enrolment, week, repeat)) {
                return Err(TWICE.to_owned());
            }
            if *folds.entry((enrolment, repeat)).or_insert(fold) != fold {
                return Err(IN_TWO_FOLDS.to_owned());
            }
            let about = data.enrolment(enrolment);
            if (row.learner, row.dropout) != (about.learner.as_str(), about.dropout) {
                return Err("it has another `learner_id` or `dropout` than the data".to_owned());
            }
            rows.push(FoldPrediction { repeat, fold, enrolment, week, score, p, at_risk });
        }
        Ok(())
    })?;
    Ok(rows)
}

const TWICE: &str = "it has an enrolment twice in a week and a repeat";
const IN_TWO_FOLDS: &str = "it has an enrolment in two folds of a repeat";

/// Checks the file without the data that it is of: that it has enrolments of `split`, each in one fold a repeat, and what
/// `fits` make of its scores.
pub(super) fn check(
    path: &Path,
    manifest: &RunManifest,
    fits: &[FoldFit],
    split: &SplitRecord,
) -> Result<(), FileError> {
    let fits: FxHashMap<(u32, u32), &FoldFit> = fits.iter().map(|fit| ((fit.repeat, fit.fold), fit)).collect();
    let mut seen: FxHashMap<(String, String, u32), (u32, BTreeSet<CutOff>)> = FxHashMap::default();
    for_each_row(path, manifest, &mut |row| {
        let StoredRow { course, enrolment, repeat, fold, week, score, p, at_risk, .. } = row;
        let ids = split.training.get(course);
        if ids.is_none_or(|ids| ids.binary_search_by(|id| id.as_str().cmp(enrolment)).is_err()) {
            return Err("it has an enrolment that split.json does not have".to_owned());
        }
        let (own, weeks) =
            seen.entry((course.to_owned(), enrolment.to_owned(), repeat)).or_insert((fold, BTreeSet::new()));
        if *own != fold {
            return Err(IN_TWO_FOLDS.to_owned());
        }
        if !weeks.insert(week) {
            return Err(TWICE.to_owned());
        }
        let fit = fits.get(&(repeat, fold)).and_then(|fit| fit.fitted.weeks.get(&week));
        let fit = fit.ok_or_else(|| format!("it has week {week} of fold {fold}, which was not fitted"))?;
        if at_risk != (p >= fit.threshold.threshold) {
            return Err("its `at_risk` contradicts the threshold of a fold".to_owned());
        }
        let is_platt = matches!(fit.calibration, Calibration::Platt { .. });
        if is_platt && (p - 1.0 / (1.0 + (-score).exp())).abs() > 1e-9 {
            return Err("its `p_dropout` contradicts `score`".to_owned());
        }
        Ok(())
    })
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
        let (learners, dropouts) =
            (column::<StringArray>(&batch, "learner_id")?, typed::<BooleanArray>(&batch, "dropout")?);
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
                learner: learners.value(row),
                dropout: dropouts.is_valid(row).then(|| dropouts.value(row)),
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
    let typed = typed::<A>(batch, name)?;
    if typed.null_count() == 0 { Ok(typed) } else { Err(format!("its column `{name}` has nulls")) }
}

/// Finds a column of a type.
fn typed<'a, A: Array + 'static>(batch: &'a RecordBatch, name: &str) -> Result<&'a A, String> {
    let column = batch.column_by_name(name).ok_or_else(|| format!("it has no column `{name}`"))?;
    let typed = column.as_any().downcast_ref::<A>();
    typed.ok_or_else(|| format!("its column `{name}` is of another type"))
}
