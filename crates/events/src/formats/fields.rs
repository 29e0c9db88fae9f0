//! Helpers of readers of plain comma-separated logs: lines to fields, fields to numbers, headers to columns.

use memchr::{memchr, memchr_iter, memchr2};

pub(super) use crate::cells::integer;
use crate::content;
use crate::error::ReadError;
use crate::file_head::{FileHead, Position};
use crate::intake::Intake;
use crate::table::{Header, Table};
use crate::tally::Reason;
use crate::text_lines::lines;

/// Bounds the columns that such a log may have.
pub(super) const MOST_COLUMNS: usize = 16;

/// Describes a log of which the header has been read.
pub(super) struct LogHeader {
    pub(super) table: Table,
    /// Where its rows begin.
    pub(super) rows: Position,
    /// Number of columns.
    pub(super) width: usize,
    /// The sign between them.
    pub(super) delimiter: u8,
}

/// Reads the header of a log, which goes by `name` in messages.
pub(super) fn read_log_header(head: &FileHead, name: &str) -> Result<LogHeader, ReadError> {
    head.require_some_text(name)?;
    let table = Table::open(head, name, head.delimiter(), Header::Present)?;
    let width = table.columns().len();
    if width > MOST_COLUMNS {
        let what = format!("the header of the {name} table has {width} columns; at most {MOST_COLUMNS} are read");
        return Err(ReadError::Decode { path: head.path().to_owned(), what });
    }
    Ok(LogHeader { table, rows: head.second_line(), width, delimiter: head.delimiter() })
}

/// Hands every line of a block that is not empty to `take`, with its number; refuses those that are not UTF-8. Zero bytes
/// at the start of a line, which truncating a log leaves while it is written, are no part of it.
pub(super) fn each_line<'b>(
    block: &'b [u8],
    intake: &mut Intake<'_>,
    take: impl FnMut(&'b [u8], u64, &mut Intake<'_>),
) {
    each_row(block, lines(block).map(|line| (line, 1)), intake, take);
}

/// Hands each of the `rows` of a block that is not blank to `take`, with the number of its first line; refuses those that
/// are not UTF-8. Rows come with their number of lines.
pub(super) fn each_row<'b>(
    block: &'b [u8],
    rows: impl Iterator<Item = (&'b [u8], u64)>,
    intake: &mut Intake<'_>,
    mut take: impl FnMut(&'b [u8], u64, &mut Intake<'_>),
) {
    // The whole block at once is many times faster than line by line, and nearly always enough.
    let utf8 = std::str::from_utf8(block).is_ok();
    let zeros = memchr(0, block).is_some();
    let mut number = 0;
    for (whole, lines) in rows {
        let row = if zeros { &whole[content::zero_bytes(whole)..] } else { whole };
        if !utf8 && std::str::from_utf8(row).is_err() {
            intake.refuse(Reason::NotUtf8, number, || content::NOT_UTF8.to_owned());
        } else if zeros && is_spoilt_by_zeros(whole, row) {
            intake.refuse(Reason::Malformed, number, || content::ZEROS_IN_ROW.to_owned());
        } else if !row.is_empty() {
            take(row, number, intake);
        }
        number += lines;
    }
    intake.parsed.tally.lines += number;
}

/// Tells whether zero bytes took something of a row, of which `rest` is what follows those at its beginning: there are others
/// in it, or nothing is left of it.
fn is_spoilt_by_zeros(whole: &[u8], rest: &[u8]) -> bool {
    content::has_zeros(rest) || (rest.is_empty() && !whole.is_empty())
}

/// Hands a line of UTF-8 that is not blank to `take`, without zero bytes before it; refuses one with a hole in it.
pub(super) fn take_line<'b>(
    line: &'b [u8],
    number: u64,
    intake: &mut Intake<'_>,
    take: impl FnOnce(&'b [u8], u64, &mut Intake<'_>),
) {
    let whole = line;
    let line = &whole[content::zero_bytes(whole)..];
    if is_spoilt_by_zeros(whole, line) {
        intake.refuse(Reason::Malformed, number, || content::ZEROS_IN_ROW.to_owned());
    } else if !line.is_empty() {
        take(line, number, intake);
    }
}

/// Splits a line at the `delimiter` into `fields`; the number of fields, which may be greater than there was room for. A
/// field in quotes loses them, and may hold the delimiter. Blanks around a field are none of it.
pub(super) fn split<'a>(line: &'a [u8], delimiter: u8, fields: &mut [&'a [u8]; MOST_COLUMNS]) -> usize {
    let is_plain = memchr2(b'"', b' ', line).is_none();
    let mut count = 0;
    let mut start = 0;
    for end in memchr_iter(delimiter, line).chain(std::iter::once(line.len())) {
        if is_plain {
            if let Some(place) = fields.get_mut(count) {
                *place = &line[start..end];
            }
            count += 1;
            start = end + 1;
            continue;
        }
        let field = line[start..end].trim_ascii();
        let goes_on = end < line.len() && field.first() == Some(&b'"') && (field.len() == 1 || !field.ends_with(b"\""));
        if goes_on && memchr(b'"', &line[end..]).is_some() {
            continue;
        }
        if let Some(place) = fields.get_mut(count) {
            *place = unquoted(field);
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
        assert_eq!(split(br#"a,"b",,"d""#, b',', &mut fields), 4);
        assert_eq!(fields[..4], [&b"a"[..], b"b", b"", b"d"]);
        assert_eq!(split(&[b','; 40], b',', &mut fields), 41);
        assert_eq!(split(br#" a ;"b;c"; "d" ;"e"#, b';', &mut fields), 4);
        assert_eq!(fields[..4], [&b"a"[..], b"b;c", b"d", b"\"e"]);
    }
}
