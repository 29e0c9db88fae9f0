//! Where the rows of a CSV end whose cells may hold line breaks.
//!
//! A row that goes over several lines is one only if its quotes end where a cell does and it has as many cells as the
//! header. A quote that is never closed, or closed by the next row's, thus costs the row it stands in and no other.

use memchr::{memchr, memchr2, memchr3};

use super::csv_cells::{Escapes, Signs, split};

/// Bounds a row over several lines. Past it, an open quote is taken for a stray one.
const LONGEST_ROW_BYTES: usize = 1 << 20;

/// Returns the length of the row of `width` cells that `text` begins with, its line end included; `None` where more text
/// is needed to tell, which there is none of when `ends`.
pub(super) fn row_length(text: &[u8], signs: Signs, width: usize, ends: bool) -> Option<usize> {
    let Some(newline) = memchr(b'\n', text) else { return ends.then_some(text.len()) };
    let first_line = newline + 1;
    let line = &text[..newline];
    let opens = match signs.escapes {
        Escapes::Everywhere => memchr2(b'"', b'\\', line).is_some(),
        Escapes::Nowhere | Escapes::InQuotes(_) => memchr(b'"', line).is_some(),
    };
    if !opens {
        return Some(first_line);
    }
    let head = &text[..text.len().min(LONGEST_ROW_BYTES)];
    match end_of_row(head, signs) {
        Some(length) if length <= first_line => Some(first_line),
        Some(length) if has_cells(&head[..length], signs, width) => Some(length),
        None if !ends && text.len() < LONGEST_ROW_BYTES => None,
        // The last row may end without a line break.
        None if ends && head.len() == text.len() && has_cells(text, signs, width) => Some(text.len()),
        Some(_) | None => Some(first_line),
    }
}

/// Tells whether a row has `width` cells.
fn has_cells(row: &[u8], signs: Signs, width: usize) -> bool {
    let mut cells = Vec::with_capacity(width);
    split(without_line_end(row), signs, &mut cells) && cells.len() == width
}

/// Returns a row without its line end.
pub(super) fn without_line_end(row: &[u8]) -> &[u8] {
    let row = row.strip_suffix(b"\n").unwrap_or(row);
    row.strip_suffix(b"\r").unwrap_or(row)
}

/// Returns the length up to the first line break that is not in a cell; `None` where there is none.
fn end_of_row(text: &[u8], signs: Signs) -> Option<usize> {
    let mut at = 0;
    let mut begins_cell = true;
    loop {
        if begins_cell && text.get(at) == Some(&b'"') {
            at = after_quotes(text, at + 1, signs.escapes)?;
        }
        let rest = &text[at..];
        let found = at
            + match signs.escapes {
                Escapes::Everywhere => memchr3(signs.delimiter, b'\n', b'\\', rest)?,
                Escapes::Nowhere | Escapes::InQuotes(_) => memchr2(signs.delimiter, b'\n', rest)?,
            };
        match text[found] {
            b'\n' => return Some(found + 1),
            b'\\' if signs.escapes == Escapes::Everywhere => {
                at = (found + 2).min(text.len());
                begins_cell = false;
            }
            _ => {
                at = found + 1;
                begins_cell = true;
            }
        }
    }
}

/// Returns the place after the quote that closes the cell which begins at `at`; `None` where none does.
fn after_quotes(text: &[u8], mut at: usize, escapes: Escapes) -> Option<usize> {
    loop {
        let rest = text.get(at..)?;
        let found = at
            + match escapes.in_quotes() {
                Some(escape) => memchr2(b'"', escape, rest)?,
                None => memchr(b'"', rest)?,
            };
        match text[found] {
            b'"' if text.get(found + 1) != Some(&b'"') => return Some(found + 1),
            _ => at = found + 2,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const PLAIN: Signs = Signs { delimiter: b',', escapes: Escapes::Nowhere };

    fn rows(text: &str, signs: Signs, width: usize) -> Vec<String> {
        let mut rest = text;
        let mut rows = Vec::new();
        while !rest.is_empty() {
            let length = row_length(rest.as_bytes(), signs, width, true).unwrap();
            rows.push(rest[..length].to_owned());
            rest = &rest[length..];
        }
        rows
    }

    #[test]
    fn a_line_break_in_quotes_is_of_its_cell() {
        assert_eq!(rows("a,\"one\ntwo\",b\r\nc,d,e\n", PLAIN, 3), ["a,\"one\ntwo\",b\r\n", "c,d,e\n"]);
        assert_eq!(rows("a,\"one\r\n\r\n\"\"two\"\"\"\nc,d", PLAIN, 2), ["a,\"one\r\n\r\n\"\"two\"\"\"\n", "c,d"]);
        assert_eq!(rows("a,\"one\ntwo\"", PLAIN, 2), ["a,\"one\ntwo\""]);
    }

    #[test]
    fn a_stray_quote_costs_its_row() {
        assert_eq!(rows("a,\"b\nc,d\ne,f\n", PLAIN, 2), ["a,\"b\n", "c,d\n", "e,f\n"]);
        assert_eq!(rows("a,\"b\nc,\"d\"\ne,f\n", PLAIN, 2), ["a,\"b\n", "c,\"d\"\n", "e,f\n"]);
        assert_eq!(rows("a,5\" disc\nb,c\n", PLAIN, 2), ["a,5\" disc\n", "b,c\n"]);
        let long = format!("a,\"b\n{}\"\n", "c,d\n".repeat(1 << 19));
        assert_eq!(rows(&long, PLAIN, 2)[0], "a,\"b\n");
    }

    #[test]
    fn an_escaped_line_break_is_of_its_cell() {
        let signs = Signs { delimiter: b'\t', escapes: Escapes::Everywhere };
        assert_eq!(rows("a\tone\\\ntwo\nb\t\\\\\nc\td\n", signs, 2), ["a\tone\\\ntwo\n", "b\t\\\\\n", "c\td\n"]);
    }

    proptest! {
        #[test]
        fn what_the_csv_crate_writes_is_cut_where_it_began_rows(
            table in prop::collection::vec(prop::collection::vec("[a,\"\r\n]{0,5}", 3), 1..8),
        ) {
            let mut text = String::new();
            let mut expected = Vec::new();
            for row in &table {
                let mut writer = csv::Writer::from_writer(Vec::new());
                writer.write_record(row).unwrap();
                let row = String::from_utf8(writer.into_inner().unwrap()).unwrap();
                text += &row;
                expected.push(row);
            }
            prop_assert_eq!(rows(&text, PLAIN, 3), expected);
        }

        #[test]
        fn more_text_does_not_change_where_a_row_ends(text in "[a,\"\n\\\\]{0,40}", seen in 0_usize..40, width in 1_usize..4) {
            let seen = seen.min(text.len());
            for escapes in [Escapes::Nowhere, Escapes::InQuotes(b'\\'), Escapes::Everywhere] {
                let signs = Signs { delimiter: b',', escapes };
                if let Some(length) = row_length(&text.as_bytes()[..seen], signs, width, false) {
                    prop_assert_eq!(row_length(text.as_bytes(), signs, width, true), Some(length));
                    prop_assert_eq!(row_length(&text.as_bytes()[..length], signs, width, true), Some(length));
                }
            }
        }
    }
}
