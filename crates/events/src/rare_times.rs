//! Times of ISO 8601 in its rarer forms: read by jiff's parser, once the common form did not fit.

use std::borrow::Cow;

use jiff::civil::Date;
use jiff::fmt::temporal::DateTimeParser;

/// Bounds the text taken for a time, in bytes; a fraction may have any number of digits up to that.
const LONGEST_BYTES: usize = 128;

/// Bounds the digits of a fraction that jiff's parser takes.
const FRACTION_DIGITS: usize = 9;

/// Counts the seconds in an hour.
const HOUR_SECONDS: i64 = 3_600;

/// Returns seconds since 1970-01-01T00:00:00 of a time of ISO 8601 or RFC 9557: without seconds (`2023-09-04 10:00`),
/// with hours alone in its offset (`+02`, as PostgreSQL writes it) or a blank before it, with `t` and `z`, of the basic
/// form (`20230904T100000Z`), at 24:00, with any number of digits in its fraction (which is cut off).
///
/// Digits alone are no such time: they may be seconds, or days of a spreadsheet. Neither is a time that only names its
/// zone, because what offset that is depends on tables that change.
#[cold]
#[inline(never)]
pub(crate) fn parse(text: &[u8]) -> Option<i64> {
    if text.len() > LONGEST_BYTES {
        return None;
    }
    let text = std::str::from_utf8(text).ok()?.trim();
    if !text.starts_with(|sign: char| sign.is_ascii_digit()) || text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let (text, midnight_seconds) = without_midnight_at_24(with_plain_zone(text));
    let leap_seconds = i64::from(text.as_bytes().get(16..19).is_some_and(|second| second == b":60"));
    let text = with_short_fraction(text);
    let pieces = DateTimeParser::new().parse_pieces(text.as_bytes()).ok()?;
    let offset_seconds = match (pieces.to_numeric_offset(), pieces.time_zone_annotation()) {
        (Some(offset), _) => i64::from(offset.seconds()),
        (None, None) => 0,
        (None, Some(_)) => return None,
    };
    if offset_seconds.abs() >= 24 * HOUR_SECONDS {
        return None;
    }
    let days = pieces.date().duration_since(Date::constant(1970, 1, 1)).as_secs();
    let clock = pieces.time().map_or(0, |time| {
        i64::from(time.hour()) * HOUR_SECONDS + i64::from(time.minute()) * 60 + i64::from(time.second())
    });
    Some(days + clock + midnight_seconds + leap_seconds - offset_seconds)
}

/// Returns the text with its zone as ISO 8601 writes it: `Z` for UTC and GMT, and no blank before it.
fn with_plain_zone(text: &str) -> Cow<'_, str> {
    for word in ["UTC", "GMT", "Z"] {
        let Some(start) = text.len().checked_sub(word.len()).filter(|&start| text.is_char_boundary(start)) else {
            continue;
        };
        if text[start..].eq_ignore_ascii_case(word) {
            return format!("{}Z", text[..start].trim_end()).into();
        }
    }
    match text.rfind([' ']) {
        Some(blank) if text[blank + 1..].starts_with(['+', '-']) => {
            format!("{}{}", text[..blank].trim_end(), &text[blank + 1..]).into()
        }
        _ => text.into(),
    }
}

/// Returns the text with 00 for the hour 24, and the seconds that this takes away. 24:00 is the end of a day, and so
/// nothing may come after it.
fn without_midnight_at_24(text: Cow<'_, str>) -> (Cow<'_, str>, i64) {
    let at_24 = text.get(11..).is_some_and(|clock| {
        let end = clock.find(['Z', 'z', '+', '-']).unwrap_or(clock.len());
        let clock = &clock[..end];
        clock.starts_with("24:00") && clock[5..].bytes().all(|byte| matches!(byte, b'0' | b':' | b'.' | b','))
    });
    match at_24 {
        true => (format!("{}00{}", &text[..11], &text[13..]).into(), 24 * HOUR_SECONDS),
        false => (text, 0),
    }
}

/// Returns the text with no more digits in its fraction than jiff's parser takes.
fn with_short_fraction(text: Cow<'_, str>) -> Cow<'_, str> {
    let Some(point) = text.find(['.', ',']) else { return text };
    let digits = text[point + 1..].bytes().take_while(u8::is_ascii_digit).count();
    match digits > FRACTION_DIGITS {
        true => format!("{}{}", &text[..=point + FRACTION_DIGITS], &text[point + 1 + digits..]).into(),
        false => text,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Stands for 2023-09-04T10:00:00Z.
    const TEN: i64 = 1_693_821_600;

    fn check(text: &str, expected: Option<i64>) {
        assert_eq!(parse(text.as_bytes()), expected, "{text}");
    }

    #[test]
    fn forms_of_one_instant() {
        for text in [
            "2023-09-04 10:00",
            "2023-09-04T10:00",
            "2023-09-04T10:00Z",
            "2023-09-04t10:00:00z",
            "2023-09-04 10:00:00+00",
            "2023-09-04 10:00:00.1+00",
            "2023-09-04 10:00:00.12345678901234567890+00",
            "2023-09-04 10:00:00,5",
            "2023-09-04 15:30:00+05:30",
            "2023-09-04 15:30:00+0530",
            "2023-09-04 15:30:15+05:30:15",
            "2023-09-04 08:00:00-02",
            "2023-09-04 10:00:00 +0000",
            "2023-09-04 10:00 UTC",
            "2023-09-04 10:00:00 utc",
            "2023-09-04 10:00:00 GMT",
            "2023-09-04 10:00:00 Z",
            " 2023-09-04 10:00:00 ",
            "20230904T100000Z",
            "20230904T1000",
            "2023-09-04T10",
            "2023-09-04T12:00:00+02:00[Europe/Madrid]",
        ] {
            check(text, Some(TEN));
        }
    }

    #[test]
    fn ends_of_days_and_of_time() {
        check("2023-09-03T24:00", Some(TEN - 10 * HOUR_SECONDS));
        check("2023-09-03 24:00:00.000Z", Some(TEN - 10 * HOUR_SECONDS));
        check("2023-09-04 02:00:00+02", Some(TEN - 10 * HOUR_SECONDS));
        check("2023-09-03T24:00:01", None);
        check("2023-09-03T24:01", None);
        check("2016-12-31 23:59:60+00", Some(1_483_228_800));
        check("0000-01-01 00:00+23", Some(-62_167_219_200 - 23 * HOUR_SECONDS));
        check("9999-12-31 23:59-23", Some(253_402_300_740 + 23 * HOUR_SECONDS));
    }

    #[test]
    fn nothing_is_guessed() {
        for text in [
            "",
            "20230904",
            "1693821600",
            "1693821600.5",
            "45173.4166666667",
            "04/09/2023 10:00",
            "4/09/23, 10:00",
            "2023/09/04 10:00",
            "04.09.2023 10:00",
            "04-09-2023 10:00",
            "2023-9-4 10:00",
            "2023-09-04 1:00",
            "2023-02-30 10:00",
            "2023-09-04 10:00 PM",
            "2023-09-04 10:60",
            "2023-09-04 10:00+24",
            "2023-09-04 10:00[Europe/Madrid]",
            "2023-09-04 10:00:00 BC",
            "2023-09-04 10:00:00 CEST",
            "infinity",
            "-0001-01-01T00:00Z",
            "99999-01-01T00:00Z",
            "2023-09-04T10:00:00.",
        ] {
            check(text, None);
        }
        check(&"9".repeat(1 << 20), None);
        assert_eq!(parse(b"2023-09-04 \xff0:00"), None);
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "[0-9TtZz:.,+ \u{e9}-]{0,40}") {
            let _ = parse(text.as_bytes());
        }

        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            let _ = parse(&bytes);
        }
    }
}
