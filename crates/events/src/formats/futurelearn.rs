//! FutureLearn's data exports: `RUN_enrolments.csv` and `RUN_step-activity.csv`, and where they are there
//! `RUN_question-response.csv`, `RUN_comments.csv` and `RUN_peer-review-assignments.csv`, for any number of runs.
//!
//! Files are told apart by the ends of their names, and a run is a course named by their beginnings. What the columns
//! are stands in `configs/mappings/futurelearn.toml`. Dates of courses are not in the exports: they are inferred.

use std::collections::BTreeSet;

use super::log_format::{FileRole, LogFormat, OpenRequest, missing_table};
use super::table::{BuiltIn, TableFiles};
use crate::error::ReadError;
use crate::file_head::FileHead;
use crate::source::Source;

const MAPPING: BuiltIn =
    BuiltIn { format: "futurelearn", text: include_str!("../../../../configs/mappings/futurelearn.toml") };

/// Lists the ends of the names of the tables of the log, but for the step activity.
const OTHER_LOGS: [&str; 3] = ["_question-response.csv", "_comments.csv", "_peer-review-assignments.csv"];

/// Numbers the step activity by its place among the mapping's tables of the log.
const STEPS: usize = 0;

/// Reads FutureLearn's data exports.
pub(super) struct FutureLearn;

impl LogFormat for FutureLearn {
    fn name(&self) -> &'static str {
        MAPPING.format
    }

    fn summary(&self) -> &'static str {
        "FutureLearn's exports: RUN_enrolments.csv, RUN_step-activity.csv and more, of any number of runs"
    }

    fn detect(&self, file: &FileHead) -> FileRole {
        let name = file.bare_name();
        if name.ends_with("_step-activity.csv") {
            return match file.has_columns(&["learner_id", "first_visited_at"]) {
                true => FileRole::decisive("log", "is named like a step activity and has the column first_visited_at"),
                false => FileRole::named_only("log"),
            };
        }
        if OTHER_LOGS.iter().any(|end| name.ends_with(end)) {
            return FileRole::fitting("log", "is named like a table of the log");
        }
        match name.ends_with("_enrolments.csv") {
            true => FileRole::fitting("enrolments", "is named like the enrolments of a run"),
            false => FileRole::none("is not named like a table of FutureLearn"),
        }
    }

    fn finds_files_by_name(&self) -> bool {
        true
    }

    fn open(&self, request: &OpenRequest<'_>) -> Result<Source, ReadError> {
        let tables = MAPPING.find_files(request)?;
        require_steps(&tables)?;
        MAPPING.open(&tables, request)
    }
}

/// Fails when a run has enrolments and no step activity: all of its learners would seem to do nothing.
fn require_steps(tables: &TableFiles) -> Result<(), ReadError> {
    let runs_with_steps: BTreeSet<&str> = tables
        .log
        .iter()
        .filter(|file| file.log == STEPS)
        .filter_map(|file| file.found.first_star.as_deref())
        .collect();
    let enrolled = tables.enrolments.iter().filter_map(|found| found.first_star.as_deref());
    let without: BTreeSet<&str> = enrolled.filter(|run| !runs_with_steps.contains(run)).collect();
    let Some(first) = without.first() else { return Ok(()) };
    let more = match without.len() - 1 {
        0 => String::new(),
        more => format!(" (and {more} more such)"),
    };
    let what = format!("{first}_step-activity.csv is not there{more}; give it, or leave {first}_enrolments.csv out");
    Err(missing_table(MAPPING.format, "step activity", what))
}
