//! The report that Moodle's own page of logs exports. It is not the log: users stand in it by name, kinds of event and
//! headers in the site's language, and times as the site shows them. So it is told from other files, and refused by name
//! with what to do.

use csv::{ByteRecord, ReaderBuilder};

use crate::file_head::FileHead;

/// Bounds from below the columns of the report, in any version of Moodle.
const FEWEST_COLUMNS: usize = 7;

/// Bounds the rows that are looked at.
const ROWS: usize = 20;

/// Holds the text with which descriptions of events begin, in every language.
const DESCRIPTION: &str = "The user with id '";

/// Completes a sentence that begins with the file's name.
pub(super) const IS_REPORT: &str = "is the report that Moodle's own page of logs exports, and not the log itself";

/// Says what to do with a report.
pub(super) const WHAT_TO_DO: &str = "export the table mdl_logstore_standard_log, or give a mapping that describes the report \
    (begin with configs/mappings/moodle-report.toml)";

/// Tells whether the file is the report: a time as a site shows it in the first column, and descriptions of events.
pub(super) fn is_report(file: &FileHead) -> bool {
    if file.not_text().is_some() {
        return false;
    }
    let mut builder = ReaderBuilder::new();
    let mut reader = builder.delimiter(file.delimiter()).flexible(true).from_reader(file.text());
    if reader.byte_headers().map_or(0, ByteRecord::len) < FEWEST_COLUMNS {
        return false;
    }
    let is_event = |row: &ByteRecord| {
        let has_time = row.get(0).is_some_and(|time| time.contains(&b':') && time.iter().any(u8::is_ascii_digit));
        has_time && row.iter().any(|cell| cell.starts_with(DESCRIPTION.as_bytes()))
    };
    reader.byte_records().take(ROWS).map_while(Result::ok).any(|row| is_event(&row))
}
