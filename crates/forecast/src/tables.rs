//! Score files and out-of-fold predictions: Parquet, CSV and JSON lines.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int32Type};
use arrow_array::{ArrayRef, BooleanArray, Float64Array, Int32Array, RecordBatch, StringArray};
use arrow_schema::ArrowError;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::errors::ParquetError;
use rustc_hash::FxHashMap;
use staycast_evaluation::report::{Exclusion, PredictionRow};
use staycast_sequences::{Dataset, write_parquet};

use crate::files::{self, FileError};
use crate::run::{Predictions, ScoreRow};
use crate::train::FoldPrediction;

/// Why a table could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// The name does not say in which format.
    #[error("{0}: scores are written as .parquet, .csv or .jsonl; end the name with one of these")]
    UnknownEnding(PathBuf),
    /// The file can't be written or read.
    #[error(transparent)]
    File(#[from] FileError),
    /// The columns don't make a table.
    #[error("{path}: {source}")]
    Arrow {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: ArrowError,
    },
    /// The file is no Parquet of ours.
    #[error("{path}: {source}")]
    Parquet {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: ParquetError,
    },
}

pub(crate) fn write_scores(path: &Path, rows: &[ScoreRow]) -> Result<(), TableError> {
    match path.extension().and_then(|ending| ending.to_str()) {
        Some("parquet") => write_table(path, scores(rows)),
        Some("jsonl") => Ok(files::write_json_lines(path, rows)?),
        Some("csv") => Ok(files::write_with(path, |file| {
            let mut writer = csv::Writer::from_writer(file);
            // The header is there even when nobody is.
            if rows.is_empty() {
                writer.write_record(SCORE_COLUMNS)?;
            }
            for row in rows {
                writer.serialize(row)?;
            }
            writer.flush()
        })?),
        _ => Err(TableError::UnknownEnding(path.to_owned())),
    }
}

const SCORE_COLUMNS: [&str; 9] =
    ["course_id", "enrolment_id", "learner_id", "week", "p_dropout", "at_risk", "rank", "status", "reason"];

fn texts<'a>(values: impl Iterator<Item = &'a str>) -> ArrayRef {
    Arc::new(StringArray::from_iter_values(values))
}

fn scores(rows: &[ScoreRow]) -> Result<RecordBatch, ArrowError> {
    let columns: [ArrayRef; 9] = [
        texts(rows.iter().map(|row| row.course_id.as_str())),
        texts(rows.iter().map(|row| row.enrolment_id.as_str())),
        texts(rows.iter().map(|row| row.learner_id.as_str())),
        Arc::new(Int32Array::from_iter_values(rows.iter().map(|row| row.week as i32))),
        Arc::new(rows.iter().map(|row| row.p_dropout).collect::<Float64Array>()),
        Arc::new(rows.iter().map(|row| row.at_risk).collect::<BooleanArray>()),
        Arc::new(rows.iter().map(|row| row.rank.map(|rank| rank as i32)).collect::<Int32Array>()),
        texts(rows.iter().map(|row| row.status)),
        texts(rows.iter().map(|row| row.reason.as_str())),
    ];
    RecordBatch::try_from_iter(SCORE_COLUMNS.into_iter().zip(columns))
}

/// Writes out-of-fold predictions with their answers.
pub(crate) fn write_out_of_fold(path: &Path, data: &Dataset, rows: &[FoldPrediction]) -> Result<(), TableError> {
    let about = |row: &FoldPrediction| &data.enrolments[row.enrolment];
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
        ("week", integers(|row| i32::from(row.week))),
        ("score", numbers(|row| row.score)),
        ("p_dropout", numbers(|row| row.p)),
        ("at_risk", Arc::new(rows.iter().map(|row| Some(row.at_risk)).collect::<BooleanArray>())),
        ("dropout", Arc::new(rows.iter().map(|row| about(row).dropout).collect::<BooleanArray>())),
    ];
    write_table(path, RecordBatch::try_from_iter(columns))
}

/// Writes the rows that an evaluation is made of.
pub(crate) fn write_predictions(path: &Path, data: &Dataset, parts: &[Predictions]) -> Result<(), TableError> {
    type Row<'a> = (&'a Predictions, usize, &'a PredictionRow);
    let rows: Vec<Row<'_>> = parts
        .iter()
        .flat_map(|part| part.enrolments.iter().zip(&part.rows).map(move |(&enrolment, row)| (part, enrolment, row)))
        .collect();
    let about = |enrolment: usize| &data.enrolments[enrolment];
    let placed = |row: &PredictionRow| row.place().is_ok();
    let flags = |value: &dyn Fn(&Row<'_>) -> Option<bool>| -> ArrayRef {
        Arc::new(rows.iter().map(value).collect::<BooleanArray>())
    };
    let numbers = |value: fn(&PredictionRow) -> f64| -> ArrayRef {
        Arc::new(rows.iter().map(|(_, _, row)| placed(row).then(|| value(row))).collect::<Float64Array>())
    };
    let columns: [(&str, ArrayRef); 12] = [
        ("course_id", texts(rows.iter().map(|&(_, enrolment, _)| data.course_of(enrolment).id.as_str()))),
        ("enrolment_id", texts(rows.iter().map(|&(_, enrolment, _)| about(enrolment).id.as_str()))),
        ("learner_id", texts(rows.iter().map(|&(_, enrolment, _)| about(enrolment).learner.as_str()))),
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

/// Reads out-of-fold predictions of `data` back.
pub(crate) fn read_out_of_fold(path: &Path, data: &Dataset) -> Result<Vec<FoldPrediction>, TableError> {
    let place: FxHashMap<(&str, &str), usize> = data
        .enrolments
        .iter()
        .enumerate()
        .map(|(at, row)| ((data.courses[row.course].id.as_str(), row.id.as_str()), at))
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
        for row in 0..batch.num_rows() {
            // A data set that was read in part knows only some of the rows.
            let Some(&enrolment) = place.get(&(courses.value(row), ids.value(row))) else { continue };
            rows.push(FoldPrediction {
                repeat: integer(&repeat, row) as u32,
                fold: integer(&fold, row) as u32,
                enrolment,
                week: integer(&week, row) as u16,
                score: number(&score, row),
                p: number(&p, row),
                at_risk: at_risk.as_boolean().value(row),
            });
        }
    }
    Ok(rows)
}

fn write_table(path: &Path, batch: Result<RecordBatch, ArrowError>) -> Result<(), TableError> {
    let batch = batch.map_err(|source| TableError::Arrow { path: path.to_owned(), source })?;
    Ok(files::write_with(path, |file| Ok(write_parquet(file, &batch)?))?)
}
