//! Lines of CSV whose cells may go on in the next; the fuzz targets use it too.

/// Tells whether a line of CSV may end within a quoted cell, or in an escape.
pub(crate) fn may_go_on(line: &[u8]) -> bool {
    let (mut in_quotes, mut begins_cell) = (false, true);
    for (at, &byte) in line.iter().enumerate() {
        match byte {
            b'\\' => return true,
            b'"' if in_quotes => in_quotes = false,
            // A doubled quote opens again what it has closed.
            b'"' if begins_cell || (at > 0 && line[at - 1] == b'"') => in_quotes = true,
            _ => {}
        }
        begins_cell = matches!(byte, b',' | b';' | b'\t' | b'|');
    }
    in_quotes
}
