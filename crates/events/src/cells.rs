//! Cells of tables as programs write them: words for a value that is missing, and whole numbers that went through a
//! program that knows no missing integers (pandas, R) and came back as `19.0`.

/// Tells whether a cell is one of the words that pandas, R, Python and databases write for a missing value. A `?` and
/// an empty cell are none of them: formats say what these mean.
#[inline]
pub(crate) fn is_missing(text: &[u8]) -> bool {
    // All of them are short, and begin with one of these signs: most cells are told by that.
    matches!(text.first(), Some(b'N' | b'n' | b'\\' | b'<' | b'#'))
        && matches!(
            text,
            b"NA"
                | b"NaN"
                | b"nan"
                | b"None"
                | b"NULL"
                | b"Null"
                | b"null"
                | b"\\N"
                | b"<NA>"
                | b"NaT"
                | b"N/A"
                | b"n/a"
                | b"#N/A"
        )
}

/// Returns an id without the `.0` that programs add to whole numbers: `5.0` is `5`. Text of any other form, `1.10` and
/// `v1.0` among it, is returned as it is.
#[inline]
pub(crate) fn whole_id(text: &[u8]) -> &[u8] {
    match text {
        [digits @ .., b'.', b'0'] if !digits.is_empty() && digits.iter().all(u8::is_ascii_digit) => digits,
        _ => text,
    }
}

/// Returns the shape of a cell's text, to be shown in its place: digits as 9, letters as a, cut after 40 signs. A cell
/// that can't be read may hold what belongs into another, a learner's name for one.
pub(crate) fn shape(text: &[u8]) -> String {
    let sign = |sign: char| match sign {
        _ if sign.is_numeric() => '9',
        _ if sign.is_alphabetic() => 'a',
        '\n' | '\r' => ' ',
        _ => sign,
    };
    String::from_utf8_lossy(text).chars().take(40).map(sign).collect()
}

/// Returns a whole number of at most 18 digits, with or without a sign.
pub(crate) fn integer(text: &[u8]) -> Option<i64> {
    let (sign, digits) = match text {
        [b'-', digits @ ..] => (-1, digits),
        [b'+', digits @ ..] => (1, digits),
        digits => (1, digits),
    };
    if digits.is_empty() || digits.len() > 18 {
        return None;
    }
    let value = digits.iter().try_fold(0_i64, |value, byte| {
        let digit = byte.wrapping_sub(b'0');
        (digit < 10).then(|| value * 10 + i64::from(digit))
    })?;
    Some(sign * value)
}

/// Returns a whole number that may be written with a fraction of zeros, or as R writes round ones, `1e+05`. Numbers with
/// a comma or another fraction are none: they are never cut to what can be read.
pub(crate) fn whole_number(text: &[u8]) -> Option<i64> {
    integer(text).or_else(|| whole_number_in_full(text))
}

#[cold]
fn whole_number_in_full(text: &[u8]) -> Option<i64> {
    let (mantissa, exponent) = match text.iter().position(|byte| matches!(byte, b'e' | b'E')) {
        Some(place) => (&text[..place], integer(&text[place + 1..])?),
        None => (text, 0),
    };
    let (whole, fraction) = match mantissa.iter().position(|&byte| byte == b'.') {
        Some(point) => (&mantissa[..point], &mantissa[point + 1..]),
        None => (mantissa, &b""[..]),
    };
    if !fraction.iter().all(u8::is_ascii_digit) || !(0..=18).contains(&exponent) {
        return None;
    }
    let zeros = fraction.iter().rev().take_while(|&&digit| digit == b'0').count();
    let fraction = &fraction[..fraction.len() - zeros];
    let shift = usize::try_from(exponent).ok()?.checked_sub(fraction.len())?;
    let mut digits = whole.to_vec();
    digits.extend_from_slice(fraction);
    digits.resize(digits.len() + shift, b'0');
    // At least one digit stands before the point.
    integer(whole).and_then(|_| integer(&digits))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_for_nothing() {
        for word in ["NA", "NaN", "nan", "None", "NULL", "null", "\\N", "<NA>", "NaT"] {
            assert!(is_missing(word.as_bytes()), "{word}");
        }
        for word in ["", "?", "0", "N", "NAN1", "Nadia", "none", "No", "--", "\\n"] {
            assert!(!is_missing(word.as_bytes()), "{word}");
        }
    }

    #[test]
    fn ids_lose_the_fraction_that_programs_add() {
        for (text, id) in [("5.0", "5"), ("5", "5"), ("007.0", "007"), ("1.10", "1.10"), ("1.1", "1.1")] {
            assert_eq!(whole_id(text.as_bytes()), id.as_bytes(), "{text}");
        }
        for text in ["", ".0", "v1.0", "1.1.0", "5.00", "-5.0", "1,234.0"] {
            assert_eq!(whole_id(text.as_bytes()), text.as_bytes());
        }
    }

    #[test]
    fn integers() {
        for (text, value) in [("0", Some(0)), ("-25", Some(-25)), ("+7", Some(7)), ("007", Some(7))] {
            assert_eq!(integer(text.as_bytes()), value, "{text}");
        }
        for bad in ["", "-", "1.0", "1e3", " 1", "99999999999999999999", "--1"] {
            assert_eq!(integer(bad.as_bytes()), None, "{bad}");
        }
    }

    #[test]
    fn whole_numbers_after_pandas_and_r() {
        for (text, value) in [
            ("19", 19),
            ("19.0", 19),
            ("-159.000", -159),
            ("7.", 7),
            ("1e+05", 100_000),
            ("1.5e3", 1_500),
            ("1.693821600e9", 1_693_821_600),
            ("-2E2", -200),
        ] {
            assert_eq!(whole_number(text.as_bytes()), Some(value), "{text}");
        }
        for bad in ["", ".", ".0", "19.5", "1,234", "1.234", "1.5e0", "1e-1", "1e", "e5", "1e19", "1 000", "0x1f", "NA"]
        {
            assert_eq!(whole_number(bad.as_bytes()), None, "{bad}");
        }
    }
}
