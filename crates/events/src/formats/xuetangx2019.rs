//! XuetangX 2019: the log that MOOCData published for dropout prediction, `*_log.csv` with `*_truth.csv`, and
//! `course_info.csv` for the courses' dates.
//!
//! Files are told apart by their headers. Who is enrolled is inferred from the log's rows, which name enrolment, learner
//! and course. What the columns are and what actions count as stands in `configs/mappings/xuetangx2019.toml`.

use std::path::{Path, PathBuf};

use super::fields;
use super::table::files::{Found, LogFile};
use super::table::{BuiltIn, Tables};
use crate::error::ReadError;
use crate::input::{bare_name, file_name};
use crate::source::Source;

const MAPPING: BuiltIn =
    BuiltIn { format: "xuetangx2019", text: include_str!("../../../../configs/mappings/xuetangx2019.toml") };

/// The files of the data set, by what they are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Files {
    /// The log's parts.
    pub logs: Vec<PathBuf>,
    /// When courses run.
    pub courses: Vec<PathBuf>,
    /// Who dropped out.
    pub truths: Vec<PathBuf>,
}

/// Sorts `files` into roles by their headers; those of no role are left out.
///
/// # Errors
/// When a file can't be read.
pub fn sort_files(files: &[PathBuf]) -> Result<Files, ReadError> {
    let mut sorted = Files::default();
    for path in files {
        let columns = fields::header(path)?;
        let has = |name: &str| columns.iter().any(|column| column == name);
        let name = bare_name(path);
        if has("enroll_id") && has("truth") {
            sorted.truths.push(path.clone());
        } else if has("enroll_id") && (has("action") || has("session_id")) {
            sorted.logs.push(path.clone());
        } else if has("course_id") && has("start") && has("end") {
            sorted.courses.push(path.clone());
        } else if name.contains("log") && name.ends_with(".csv") {
            // Named like the log but not recognised: its own reader says best what is wrong.
            sorted.logs.push(path.clone());
        }
    }
    Ok(sorted)
}

/// What says that `files` are of this format.
///
/// # Errors
/// When a file can't be read.
pub fn evidence(files: &[PathBuf]) -> Result<Option<String>, ReadError> {
    for path in files {
        let columns = fields::header(path)?;
        if ["enroll_id", "action", "time"].iter().all(|name| columns.iter().any(|column| column == name)) {
            return Ok(Some(format!("{} has the columns enroll_id, action and time", file_name(path))));
        }
    }
    Ok(None)
}

/// Opens the log. `courses` stands in for `course_info.csv`. Reads the log once more for its enrolments, and once more
/// for courses without dates.
///
/// # Errors
/// When there is no log, a file can't be read or lacks a column, or no enrolment is left.
pub fn open(files: &Files, courses: Option<&Path>, reason: String, block_bytes: usize) -> Result<Source, ReadError> {
    if files.logs.is_empty() {
        return Err(ReadError::MissingTable {
            format: MAPPING.format,
            table: "log",
            where_: "the files given".to_owned(),
            what_to_do: "it has the columns enroll_id,username,course_id,session_id,action,object,time".to_owned(),
        });
    }
    let found = |paths: &[PathBuf]| -> Vec<Found> { paths.iter().map(|path| Found::file(path)).collect() };
    let tables = Tables {
        log: found(&files.logs).into_iter().map(|found| LogFile { log: 0, found }).collect(),
        courses: if courses.is_some() { Vec::new() } else { found(&files.courses) },
        labels: found(&files.truths),
        ..Tables::default()
    };
    MAPPING.open(&tables, courses, reason, block_bytes)
}
