//! Times that are numbers since 1970, in a unit that their size tells.

use crate::cells::integer;

/// Counts the seconds from 1970 to 1971 and to 2200.
const USUAL_SECONDS: std::ops::Range<i64> = 31_536_000..7_258_118_400;

/// Lists how many of each unit are a second. In no two of them can one number be a time from 1971 to 2199.
const UNITS: [i64; 4] = [1, 1_000, 1_000_000, 1_000_000_000];

/// Returns seconds since 1970-01-01T00:00:00 of a number of seconds, milliseconds, microseconds or nanoseconds since then,
/// with or without a fraction, which is cut off, and without an exponent, which cuts digits. `None` outside the years from 1971 to 2199, other than for numbers that
/// stand for a time that is not set ([`stands_for_unset`]).
#[cold]
pub(crate) fn parse(text: &[u8]) -> Option<i64> {
    let text = text.trim_ascii();
    let number = integer(text).or_else(|| nanoseconds(text)).or_else(|| without_fraction(text))?;
    let of_unit = |unit: &i64| Some(number.div_euclid(*unit)).filter(|seconds| USUAL_SECONDS.contains(seconds));
    let is_unset = || Some(number).filter(|&number| stands_for_unset(number));
    UNITS.iter().find_map(of_unit).or_else(is_unset)
}

/// Reads a number of seconds or milliseconds since 1970 as nearly every log has it: ten or thirteen digits.
#[inline]
pub(crate) fn parse_usual(text: &[u8]) -> Option<i64> {
    let seconds = match text {
        [seconds @ .., _, _, _] if text.len() == 13 => integer(text).and(integer(seconds))?,
        _ if text.len() == 10 => integer(text)?,
        _ => return None,
    };
    Some(seconds).filter(|seconds| USUAL_SECONDS.contains(seconds))
}

/// Tells whether a text is a number, whatever it counts.
pub(crate) fn is_number(text: &[u8]) -> bool {
    let text = text.trim_ascii();
    integer(text).or_else(|| nanoseconds(text)).or_else(|| without_fraction(text)).is_some()
}

/// Tells whether a number of seconds since 1970 stands for a time that is not set: zero, one beside it, or the midnight of
/// 1970 in some place's time.
pub(crate) fn stands_for_unset(seconds: i64) -> bool {
    const ZONE_STEP: i64 = 15 * 60;
    const GREATEST_OFFSET: u64 = 14 * 60 * 60;
    (-1..=1).contains(&seconds) || seconds % ZONE_STEP == 0 && seconds.unsigned_abs() <= GREATEST_OFFSET
}

/// Returns a number of nineteen digits, which is one more than whole numbers are read with.
fn nanoseconds(text: &[u8]) -> Option<i64> {
    let is_one = text.len() == 19 && text.iter().all(u8::is_ascii_digit);
    std::str::from_utf8(text).ok().filter(|_| is_one)?.parse().ok()
}

fn without_fraction(text: &[u8]) -> Option<i64> {
    let point = text.iter().position(|&byte| byte == b'.')?;
    let (number, digits) = (&text[..point], &text[point + 1..]);
    let is_fraction = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
    let is_zero = digits.iter().all(|&digit| digit == b'0');
    integer(number).filter(|&number| is_fraction && (number >= 0 || is_zero))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_of_one_instant() {
        for text in [
            "1693821600",
            "1693821600.0",
            "1693821600.25",
            "1693821600000",
            "1693821600999.5",
            "1693821600000000",
            "1693821600000000000",
            " 1693821600 ",
        ] {
            assert_eq!(parse(text.as_bytes()), Some(1_693_821_600), "{text}");
        }
    }

    #[test]
    fn a_number_that_can_be_no_time_is_none() {
        for text in
            ["", "20230904", "20230904100000", "45173.4166", "45173", "2023", "-1693821600", "1,693,821,600", "x", "."]
        {
            assert_eq!(parse(text.as_bytes()), None, "{text}");
        }
        // Which digits of it are cut off nobody knows.
        assert_eq!(parse(b"1.6938e+09"), None);
    }

    #[test]
    fn zero_stands_for_a_time_that_is_not_set() {
        for (text, seconds) in [("0", 0), ("0.0", 0), ("1", 1), ("-1", -1), ("3600", 3_600), ("-50400", -50_400)] {
            assert_eq!(parse(text.as_bytes()), Some(seconds), "{text}");
        }
    }

    proptest! {
        #[test]
        fn the_unit_is_told_by_the_size(seconds in USUAL_SECONDS, unit in 0_usize..4, more in 0_i64..1_000_000_000) {
            let number = seconds * UNITS[unit] + more % UNITS[unit];
            let text = number.to_string();
            prop_assert_eq!(parse(text.as_bytes()), Some(seconds));
            let is_usual = matches!(text.len(), 10 | 13);
            prop_assert_eq!(parse_usual(text.as_bytes()), Some(seconds).filter(|_| is_usual));
        }

        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            let _ = parse(&bytes);
        }
    }
}
