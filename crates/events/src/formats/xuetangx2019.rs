//! XuetangX 2019: the log that MOOCData published for dropout prediction, `*_log.csv` with `*_truth.csv`, and
//! `course_info.csv` for the courses' dates.
//!
//! Files are told apart by their headers. Who is enrolled is inferred from the log's rows, which name enrolment,
//! learner and course. What the columns are and what actions count as stands in `configs/mappings/xuetangx2019.toml`.

use super::log_format::{FileRole, LogFormat, OpenRequest, missing_table};
use super::table::files::{Found, LogFile};
use super::table::{BuiltIn, TableFiles};
use crate::error::ReadError;
use crate::file_head::FileHead;
use crate::source::Source;

const MAPPING: BuiltIn =
    BuiltIn { format: "xuetangx2019", text: include_str!("../../../../configs/mappings/xuetangx2019.toml") };

/// Reads the log that MOOCData published in 2019.
pub(super) struct XuetangX2019;

impl LogFormat for XuetangX2019 {
    fn name(&self) -> &'static str {
        MAPPING.format
    }

    fn summary(&self) -> &'static str {
        "XuetangX 2019 (MOOCData): *_log.csv; *_truth.csv and course_info.csv if there"
    }

    fn detect(&self, file: &FileHead) -> FileRole {
        let has = |name: &str| file.has_column(name);
        let name = file.bare_name();
        if has("enroll_id") && has("truth") {
            FileRole::fitting("truth", "has the columns enroll_id and truth")
        } else if file.has_columns(&["enroll_id", "action", "time"]) {
            FileRole::decisive("log", "has the columns enroll_id, action and time")
        } else if has("enroll_id") && (has("action") || has("session_id")) {
            FileRole::fitting("log", "has the column enroll_id")
        } else if file.has_columns(&["course_id", "start", "end"]) {
            FileRole::fitting("courses", "has the columns course_id, start and end")
        } else if name.contains("log") && name.ends_with(".csv") {
            // Named like the log but not recognised: its own reader says best what is wrong.
            FileRole::named_only("log")
        } else {
            FileRole::none("has neither the columns nor the name of a table of XuetangX 2019")
        }
    }

    /// Opens the log. A file of dates stands in for `course_info.csv`. Reads the log once more for its enrolments, and
    /// once more for courses without dates.
    fn open(&self, request: &OpenRequest<'_>) -> Result<Source, ReadError> {
        let logs = request.heads_with("log");
        if logs.is_empty() {
            let what_to_do = "it has the columns enroll_id,username,course_id,session_id,action,object,time";
            return Err(missing_table(MAPPING.format, "log", what_to_do));
        }
        let found = |role: &str| -> Vec<Found> { request.heads_with(role).into_iter().map(Found::file).collect() };
        let tables = TableFiles {
            log: logs.into_iter().map(|head| LogFile { log: 0, found: Found::file(head) }).collect(),
            courses: if request.courses.is_some() { Vec::new() } else { found("courses") },
            labels: found("truth"),
            ..TableFiles::default()
        };
        MAPPING.open(&tables, request)
    }
}
