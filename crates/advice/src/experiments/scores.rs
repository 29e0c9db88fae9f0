//! Reads files of scores, as `staycast score` writes them.

use std::collections::BTreeSet;
use std::fs::File;
use std::path::Path;

use serde::Deserialize;

use super::error::ExperimentError;
use super::table::{TextTable, read_parquet};

/// Holds what an experiment reads of a row of scores.
#[derive(Clone, Debug, PartialEq)]
pub struct ScoredEnrolment {
    /// The course.
    pub course_id: String,
    /// The enrolment.
    pub enrolment_id: String,
    /// The learner; the enrolment again where the source knows none.
    pub learner_id: String,
    /// Weeks seen.
    pub week: u16,
    /// Probability of dropout; `None` without a score.
    pub p_dropout: Option<f64>,
    /// `scored`, or why there is no score.
    pub status: String,
}

/// Lists the columns that are read.
const COLUMNS: [&str; 6] = ["course_id", "enrolment_id", "learner_id", "week", "p_dropout", "status"];

/// Reads files of scores: .parquet, .csv or .jsonl, by their endings. Rows are in the order of files.
///
/// # Errors
/// When a file can't be read, lacks a column, or an enrolment is there twice.
pub fn read_scores<'a>(paths: impl IntoIterator<Item = &'a Path>) -> Result<Vec<ScoredEnrolment>, ExperimentError> {
    let mut rows = Vec::new();
    let mut seen = BTreeSet::new();
    for path in paths {
        let read = match path.extension().map(|ending| ending.to_string_lossy().to_lowercase()).as_deref() {
            Some("parquet") => of_table(path, &read_parquet(path, &COLUMNS)?)?,
            Some("csv") => of_table(path, &TextTable::read_csv(path, &COLUMNS)?)?,
            Some("jsonl") => of_json(path)?,
            _ => {
                return Err(ExperimentError::file(
                    path,
                    "scores end in .parquet, .csv or .jsonl; give a file of those",
                ));
            }
        };
        for (number, row) in (1..).zip(read) {
            if !seen.insert((row.course_id.clone(), row.enrolment_id.clone())) {
                let what = format!("row {number}: its enrolment stands in an earlier row; give one week's scores");
                return Err(ExperimentError::file(path, what));
            }
            rows.push(row);
        }
    }
    Ok(rows)
}

fn of_table(path: &Path, table: &TextTable) -> Result<Vec<ScoredEnrolment>, ExperimentError> {
    let row = |(number, cells): (usize, &Vec<Option<String>>)| {
        let text = |column: usize| cells[column].clone().unwrap_or_default();
        let probability = match cells[4].as_deref() {
            None | Some("") => None,
            Some(cell) => Some(cell.parse().unwrap_or(f64::NAN)),
        };
        let row = ScoredEnrolment {
            course_id: text(0),
            enrolment_id: text(1),
            learner_id: text(2),
            week: cells[3].as_deref().unwrap_or_default().parse().unwrap_or(0),
            p_dropout: probability,
            status: text(5),
        };
        checked(path, number + 1, row)
    };
    table.rows.iter().enumerate().map(row).collect()
}

#[derive(Deserialize)]
struct JsonRow {
    course_id: String,
    enrolment_id: String,
    learner_id: String,
    week: u16,
    p_dropout: Option<f64>,
    status: String,
}

fn of_json(path: &Path) -> Result<Vec<ScoredEnrolment>, ExperimentError> {
    let file = File::open(path).map_err(|source| ExperimentError::Read { path: path.to_owned(), source })?;
    let rows = serde_json::Deserializer::from_reader(std::io::BufReader::new(file)).into_iter::<JsonRow>();
    let row = |(number, row): (usize, Result<JsonRow, serde_json::Error>)| {
        // Its message could quote a cell.
        let row = row.map_err(|error| {
            let what = format!("line {}, column {}: no row of scores", error.line(), error.column());
            ExperimentError::file(path, what)
        })?;
        let JsonRow { course_id, enrolment_id, learner_id, week, p_dropout, status } = row;
        checked(path, number + 1, ScoredEnrolment { course_id, enrolment_id, learner_id, week, p_dropout, status })
    };
    rows.enumerate().map(row).collect()
}

/// Checks that a row says what scores say.
fn checked(path: &Path, number: usize, row: ScoredEnrolment) -> Result<ScoredEnrolment, ExperimentError> {
    let wrong = |what: &str| Err(ExperimentError::file(path, format!("row {number}: {what}")));
    if row.course_id.is_empty() || row.enrolment_id.is_empty() || row.learner_id.is_empty() {
        return wrong("course_id, enrolment_id or learner_id is empty");
    }
    if row.week == 0 {
        return wrong("week is no number of weeks from 1");
    }
    if row.p_dropout.is_some_and(|p| !(0.0..=1.0).contains(&p)) {
        return wrong("p_dropout is no probability");
    }
    let is_word = |byte: u8| byte.is_ascii_lowercase() || byte == b'_';
    if row.status.is_empty() || !row.status.bytes().all(is_word) {
        return wrong("status is none of a file of scores");
    }
    if (row.status == staycast_weeks::SCORED) != row.p_dropout.is_some() {
        return wrong("status and p_dropout do not fit");
    }
    Ok(row)
}
