//! Coursera's clickstream export: CSV of 16 columns without a header, with quotes escaped by a backslash.
//!
//! The columns, and the activities of keys and addresses, are described in `configs/mappings/coursera.toml`. The export
//! has neither enrolments nor dates of courses: both are inferred from the log.

use csv::ByteRecord;

use super::log_format::{FileRole, LogFormat, OpenRequest, missing_table};
use super::table::files::{Found, LogFile};
use super::table::{BuiltIn, TableFiles};
use crate::delimiter::DELIMITERS;
use crate::error::ReadError;
use crate::file_head::FileHead;
use crate::source::Source;
use crate::time::parse_instant;

const MAPPING: BuiltIn =
    BuiltIn { format: "coursera", text: include_str!("../../../../configs/mappings/coursera.toml") };

const COLUMNS: usize = 16;
const TIMESTAMP: usize = 2;

/// Reads Coursera's clickstream export.
pub(super) struct Coursera;

impl LogFormat for Coursera {
    fn name(&self) -> &'static str {
        MAPPING.format
    }

    fn summary(&self) -> &'static str {
        "Coursera's clickstream export: CSV of 16 columns without a header"
    }

    fn detect(&self, file: &FileHead) -> FileRole {
        match is_export(file) {
            true => FileRole::decisive("log", "has 16 columns without a header, the third a time"),
            false => FileRole::none("has not 16 columns without a header, the third a time"),
        }
    }

    fn takes_any_text(&self) -> bool {
        true
    }

    fn open(&self, request: &OpenRequest<'_>) -> Result<Source, ReadError> {
        let logs = request.heads_with("log");
        if logs.is_empty() {
            return Err(missing_table(MAPPING.format, "log", "it is CSV of 16 columns without a header"));
        }
        let log = logs.into_iter().map(|head| LogFile { log: 0, found: Found::file(head) }).collect();
        MAPPING.open(&TableFiles { log, ..TableFiles::default() }, request)
    }
}

/// Tells whether the file's first record is one of the export: of as many fields, the third a time or milliseconds since 1970.
fn is_export(file: &FileHead) -> bool {
    if file.not_text().is_some() {
        return false;
    }
    DELIMITERS.into_iter().any(|delimiter| {
        let mut builder = csv::ReaderBuilder::new();
        builder.has_headers(false).flexible(true).delimiter(delimiter).escape(Some(b'\\'));
        let mut first = ByteRecord::new();
        let any = builder.from_reader(file.text()).read_byte_record(&mut first).unwrap_or(false);
        let time = first.get(TIMESTAMP).filter(|_| any && first.len() == COLUMNS).map(<[u8]>::trim_ascii);
        time.is_some_and(|time| {
            // From 2001 to 2286.
            parse_instant(time).is_some() || time.len() == 13 && time.iter().all(u8::is_ascii_digit)
        })
    })
}
