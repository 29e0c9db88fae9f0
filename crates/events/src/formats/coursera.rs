//! Coursera's clickstream export: CSV of 16 columns without a header, with quotes escaped by a backslash.
//!
//! What the columns are and what keys and addresses count as stands in `configs/mappings/coursera.toml`. The export has
//! neither enrolments nor dates of courses: both are inferred from the log.

use std::path::{Path, PathBuf};

use csv::ByteRecord;

use super::table::files::{Found, LogFile};
use super::table::{BuiltIn, Tables};
use crate::error::ReadError;
use crate::input::{self, BOM, file_name};
use crate::source::Source;
use crate::time::parse_instant;

const MAPPING: BuiltIn =
    BuiltIn { format: "coursera", text: include_str!("../../../../configs/mappings/coursera.toml") };

const COLUMNS: usize = 16;
const TIMESTAMP: usize = 2;

/// What says that `files` are of this format.
///
/// # Errors
/// When a file can't be read.
pub fn evidence(files: &[PathBuf]) -> Result<Option<String>, ReadError> {
    for path in files {
        if is_export(path)? {
            return Ok(Some(format!("{} has 16 columns without a header, the third a time", file_name(path))));
        }
    }
    Ok(None)
}

/// Whether the first record of the file is one of the export.
fn is_export(path: &Path) -> Result<bool, ReadError> {
    let head = input::head(path, 1 << 16)?;
    if input::not_text(&head).is_some() {
        return Ok(false);
    }
    let head = head.strip_prefix(BOM).unwrap_or(&head);
    let mut builder = csv::ReaderBuilder::new();
    let mut reader = builder.has_headers(false).flexible(true).escape(Some(b'\\')).from_reader(head);
    let mut first = ByteRecord::new();
    let any = reader.read_byte_record(&mut first).unwrap_or(false);
    Ok(any && first.len() == COLUMNS && parse_instant(first[TIMESTAMP].trim_ascii()).is_some())
}

/// Opens the log: every file of it among `files`, or all files when none begins like one. `courses` are the courses'
/// dates.
///
/// # Errors
/// When there is no file, one can't be read, or no enrolment is left.
pub fn open(
    files: &[PathBuf],
    courses: Option<&Path>,
    reason: String,
    block_bytes: usize,
) -> Result<Source, ReadError> {
    let mut logs = Vec::new();
    for path in files {
        if is_export(path)? {
            logs.push(path.clone());
        }
    }
    if logs.is_empty() {
        // None begins like an export: what is wrong with them is told by reading them.
        logs = files.to_vec();
    }
    if logs.is_empty() {
        return Err(ReadError::MissingTable {
            format: MAPPING.format,
            table: "log",
            where_: "the files given".to_owned(),
            what_to_do: "it is CSV of 16 columns without a header".to_owned(),
        });
    }
    let log = logs.iter().map(|path| LogFile { log: 0, found: Found::file(path) }).collect();
    MAPPING.open(&Tables { log, ..Tables::default() }, courses, reason, block_bytes)
}
