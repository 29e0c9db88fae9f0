//! FutureLearn's data exports: `RUN_enrolments.csv` and `RUN_step-activity.csv`, and where they are there
//! `RUN_question-response.csv`, `RUN_comments.csv` and `RUN_peer-review-assignments.csv`, for any number of runs.
//!
//! Files are told apart by the ends of their names, and a run is a course named by their beginnings. What the columns are
//! stands in `configs/mappings/futurelearn.toml`. Dates of courses are not in the exports: they are inferred.

use std::path::{Path, PathBuf};

use super::fields;
use super::table::BuiltIn;
use crate::error::ReadError;
use crate::input::{bare_name, file_name};
use crate::source::Source;

const MAPPING: BuiltIn =
    BuiltIn { format: "futurelearn", text: include_str!("../../../../configs/mappings/futurelearn.toml") };

/// What says that `files` are of this format.
///
/// # Errors
/// When a file can't be read.
pub fn evidence(files: &[PathBuf]) -> Result<Option<String>, ReadError> {
    for path in files {
        let columns = fields::header(path)?;
        let has = |name: &str| columns.iter().any(|column| column == name);
        if bare_name(path).ends_with("_step-activity.csv") && has("learner_id") && has("first_visited_at") {
            let name = file_name(path);
            return Ok(Some(format!("{name} is named like a step activity and has the column first_visited_at")));
        }
    }
    Ok(None)
}

/// Opens the exports in `inputs` (folders, or single files). `courses` are the runs' dates.
///
/// # Errors
/// When a table is missing, can't be read or lacks a column, or no enrolment is left.
pub fn open(
    inputs: &[PathBuf],
    courses: Option<&Path>,
    reason: String,
    block_bytes: usize,
) -> Result<Source, ReadError> {
    let tables = MAPPING.resolve(inputs, courses, block_bytes)?;
    MAPPING.open(&tables, courses, reason, block_bytes)
}
