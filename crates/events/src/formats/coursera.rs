//! Coursera's clickstream export: CSV of 16 columns without a header, with quotes escaped by a backslash.
//!
//! The columns, and the activities of keys and addresses, are described in `configs/mappings/coursera.toml`. The export
//! has neither enrolments nor dates of courses: both are inferred from the log.

use csv::ByteRecord;

use super::log_format::{FileRole, LogFormat, OpenRequest, missing_table};
use super::table::files::{Found, LogFile};
use super::table::{BuiltIn, TableFiles};
use crate::error::ReadError;
use crate::file_head::FileHead;
use crate::source::Source;
use crate::time::parse_instant;

const MAPPING: BuiltIn =
    BuiltIn { format: "coursera", text: include_str!("../../../../configs/mappings/coursera.toml") };

const COLUMNS: usize = 16;
const TIMESTAMP: usize = 2;

/// Coursera's clickstream export.
pub(super) struct Coursera;

impl LogFormat for Coursera {
    fn name(&self) -> &'static str {
        MAPPING.format
    }

    fn summary(&self) -> &'static str {
        "Coursera's clickstream export: CSV of 16 columns without a header"
    }

    fn detect(&self, file: &FileHead) -> FileRole {
        match begins_like_an_export(file) {
            true => FileRole::decisive("log", "has 16 columns without a header, the third a time"),
            false => FileRole::none("has not 16 columns without a header, the third a time"),
        }
    }

    fn open(&self, request: &OpenRequest<'_>) -> Result<Source, ReadError> {
        let mut logs = request.heads_with("log");
        if logs.is_empty() {
            // None begins like an export: reading them tells what is wrong with them.
            logs = request.files.iter().map(|file| file.head.clone()).collect();
        }
        if logs.is_empty() {
            return Err(missing_table(MAPPING.format, "log", "it is CSV of 16 columns without a header"));
        }
        let log = logs.into_iter().map(|head| LogFile { log: 0, found: Found::file(head) }).collect();
        MAPPING.open(&TableFiles { log, ..TableFiles::default() }, request)
    }
}

/// Tells whether the first record of the file is one of the export.
fn begins_like_an_export(file: &FileHead) -> bool {
    if file.not_text().is_some() {
        return false;
    }
    let mut builder = csv::ReaderBuilder::new();
    let mut reader = builder.has_headers(false).flexible(true).escape(Some(b'\\')).from_reader(file.text());
    let mut first = ByteRecord::new();
    let any = reader.read_byte_record(&mut first).unwrap_or(false);
    any && first.len() == COLUMNS && parse_instant(first[TIMESTAMP].trim_ascii()).is_some()
}
