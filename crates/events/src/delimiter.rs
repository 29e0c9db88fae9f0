//! The sign between the cells of a CSV, told from its first line.

/// Lists the signs that separate cells, the usual one first.
pub(crate) const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];

/// Returns the sign that separates the cells of this line: a comma, unless there is none outside quotes and exactly one
/// of the semicolon, the tab and the upright bar is.
pub(crate) fn delimiter_of(line: &[u8]) -> u8 {
    let mut occurs = [false; DELIMITERS.len()];
    let mut in_quotes = false;
    for &byte in line {
        if byte == b'"' {
            in_quotes = !in_quotes;
        } else if !in_quotes {
            occurs.iter_mut().zip(DELIMITERS).for_each(|(occurs, sign)| *occurs |= byte == sign);
        }
    }
    let mut found = DELIMITERS.into_iter().zip(occurs).filter_map(|(sign, occurs)| occurs.then_some(sign));
    match (found.next(), found.next()) {
        (Some(sign), None) => sign,
        _ => DELIMITERS[0],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sign_that_alone_occurs() {
        for (line, sign) in [
            ("a,b;c", b','),
            ("a;b;c", b';'),
            ("a\tb", b'\t'),
            ("a|b", b'|'),
            ("\"a,b\";c", b';'),
            ("a;b|c", b','),
            ("a", b','),
            ("", b','),
        ] {
            assert_eq!(delimiter_of(line.as_bytes()), sign, "{line}");
        }
    }
}
