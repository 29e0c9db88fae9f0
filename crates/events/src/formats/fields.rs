//! Helpers of readers of plain comma-separated logs: lines to fields, fields to numbers, headers to columns.

use memchr::{memchr, memchr_iter};

pub(super) use crate::cells::integer;
use crate::error::ReadError;
use crate::file_head::FileHead;
use crate::intake::Intake;
use crate::table::{Header, Table};
use crate::tally::Reason;
use crate::text_lines::lines;

/// Most columns such a log may have.
pub(super) const MOST_COLUMNS: usize = 16;

/// A log of which the header has been read.
pub(super) struct LogHeader {
    pub(super) table: Table,
    /// Length of the header line, its newline and a byte-order mark included.
    pub(super) bytes: u64,
    /// Number of columns.
    pub(super) width: usize,
}

/// Reads the header of a log, which goes by `name` in messages.
pub(super) fn read_log_header(head: &FileHead, name: &str) -> Result<LogHeader, ReadError> {
    head.require_some_text(name)?;
    let table = Table::open(head, name, b',', Header::Present)?;
    let width = table.columns().len();
    if width > MOST_COLUMNS {
        let what = format!("the header of the {name} table has {width} columns; at most {MOST_COLUMNS} are read");
        return Err(ReadError::Decode { path: head.path().to_owned(), what });
    }
    let bytes = memchr(b'\n', head.bytes()).map_or(head.bytes().len(), |newline| newline + 1) as u64;
    Ok(LogHeader { table, bytes, width })
}

/// Hands every line of a block that is not blank to `take`, with its number; refuses those that are not UTF-8.
pub(super) fn each_line<'b>(
    block: &'b [u8],
    intake: &mut Intake<'_>,
    mut take: impl FnMut(&'b [u8], u64, &mut Intake<'_>),
) {
    // The whole block at once is many times faster than line by line, and nearly always enough.
    let utf8 = std::str::from_utf8(block).is_ok();
    let mut number = 0;
    for line in lines(block) {
        if !utf8 && std::str::from_utf8(line).is_err() {
            intake.refuse(Reason::NotUtf8, number, || "bytes that are not UTF-8".to_owned());
        } else if !line.is_empty() {
            take(line, number, intake);
        }
        number += 1;
    }
    intake.parsed.tally.lines += number;
}

/// Splits a line at its commas into `fields`; the number of fields, which may be greater than there was room for. A
/// field in quotes loses them (these formats have no commas or quotes inside fields).
pub(super) fn split<'a>(line: &'a [u8], fields: &mut [&'a [u8]; MOST_COLUMNS]) -> usize {
    let mut count = 0;
    let mut start = 0;
    for end in memchr_iter(b',', line).chain(std::iter::once(line.len())) {
        if let Some(field) = fields.get_mut(count) {
            *field = unquoted(&line[start..end]);
        }
        count += 1;
        start = end + 1;
    }
    count
}

fn unquoted(field: &[u8]) -> &[u8] {
    match field {
        [b'"', inner @ .., b'"'] => inner,
        _ => field,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_lose_their_quotes_and_are_counted_past_the_room() {
        let mut fields = [&b""[..]; MOST_COLUMNS];
        assert_eq!(split(br#"a,"b",,"d""#, &mut fields), 4);
        assert_eq!(fields[..4], [&b"a"[..], b"b", b"", b"d"]);
        assert_eq!(split(&[b','; 40], &mut fields), 41);
    }
}
