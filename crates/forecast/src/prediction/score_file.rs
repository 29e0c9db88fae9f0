//! Score files: Parquet, CSV and JSON lines.

use std::path::Path;
use std::sync::Arc;

use arrow_array::{ArrayRef, BooleanArray, Float64Array, Int32Array, RecordBatch};
use arrow_schema::ArrowError;

use super::score::ScoreRow;
use crate::tables::{TableError, texts, write_table};

/// Lists the columns of a score file, in their order.
pub const SCORE_COLUMNS: [&str; 10] = [
    "course_id",
    "enrolment_id",
    "learner_id",
    "week",
    "p_dropout",
    "at_risk",
    "rank",
    "status",
    "reason",
    "trained_on",
];

/// Writes scores in the format of the file's ending, in any case: `.parquet`, `.csv` or `.jsonl`; CSV to a pipe or device
/// without one. The file appears whole or not at all.
///
/// # Errors
/// When the name has another ending, or the file can't be written.
pub fn write_scores(path: &Path, rows: &[ScoreRow]) -> Result<(), TableError> {
    let extension = path.extension().map(|extension| extension.to_string_lossy().to_lowercase());
    match extension.as_deref() {
        Some("parquet") => write_table(path, scores(rows)),
        Some("jsonl") => Ok(staycast_files::write_json_lines(path, rows)?),
        Some("csv") => write_csv(path, rows),
        _ if staycast_files::is_stream(path) => write_csv(path, rows),
        _ => Err(TableError::UnknownEnding(path.to_owned())),
    }
}

fn write_csv(path: &Path, rows: &[ScoreRow]) -> Result<(), TableError> {
    Ok(staycast_files::write_with(path, |file| {
        let mut writer = csv::Writer::from_writer(file);
        // The header is there even when nobody is.
        if rows.is_empty() {
            writer.write_record(SCORE_COLUMNS)?;
        }
        for row in rows {
            writer.serialize(row)?;
        }
        writer.flush()
    })?)
}

fn scores(rows: &[ScoreRow]) -> Result<RecordBatch, ArrowError> {
    let columns: [ArrayRef; 10] = [
        texts(rows.iter().map(|row| row.course_id.as_str())),
        texts(rows.iter().map(|row| row.enrolment_id.as_str())),
        texts(rows.iter().map(|row| row.learner_id.as_str())),
        Arc::new(Int32Array::from_iter_values(rows.iter().map(|row| i32::from(row.week.weeks())))),
        Arc::new(rows.iter().map(|row| row.p_dropout).collect::<Float64Array>()),
        Arc::new(rows.iter().map(|row| row.at_risk).collect::<BooleanArray>()),
        Arc::new(rows.iter().map(|row| row.rank.map(|rank| rank as i32)).collect::<Int32Array>()),
        texts(rows.iter().map(ScoreRow::status)),
        texts(rows.iter().map(|row| row.reason.as_str())),
        Arc::new(rows.iter().map(|row| Some(row.trained_on)).collect::<BooleanArray>()),
    ];
    RecordBatch::try_from_iter(SCORE_COLUMNS.into_iter().zip(columns))
}
