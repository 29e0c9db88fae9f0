//! Dates and times as logs write them. No clock, no time-zone database: a source without zones is taken as written
//! (docs/definitions.md, "Time"), an explicit offset is applied.
//!
//! The common forms are read here, quickly. A text that none of them fits goes to `rare_times.rs`.

use crate::cells::shape;
use crate::{epoch_times, rare_times};

/// Counts the seconds in a day.
pub const DAY_SECONDS: i64 = 86_400;

/// Returns days since 1970-01-01 of a date of the proleptic Gregorian calendar (Howard Hinnant, "chrono-Compatible
/// Low-Level Date Algorithms", `days_from_civil`). The date must be valid.
#[must_use]
pub const fn days_from_civil(year: i32, month: u32, day: u32) -> i32 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let month_from_march = (month as i32 + 9) % 12;
    let day_of_year = (153 * month_from_march + 2) / 5 + day as i32 - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// Returns year, month and day of a number of days since 1970-01-01; the inverse of [`days_from_civil`].
#[must_use]
pub(crate) const fn civil_from_days(days: i32) -> (i32, u32, u32) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + if month <= 2 { 1 } else { 0 };
    (year, month as u32, day as u32)
}

/// Returns day of the week, Monday 0, of a number of days since 1970-01-01 (a Thursday).
#[must_use]
pub const fn weekday(days: i32) -> u32 {
    (days + 3).rem_euclid(7) as u32
}

/// Returns `YYYY-MM-DD` of a number of days since 1970-01-01.
#[must_use]
pub fn format_date(days: i32) -> String {
    let (year, month, day) = civil_from_days(days);
    format!("{year:04}-{month:02}-{day:02}")
}

/// Returns `YYYY-MM-DDTHH:MM:SS` of seconds since 1970-01-01T00:00:00.
#[must_use]
pub fn format_instant(seconds: i64) -> String {
    let days = seconds.div_euclid(DAY_SECONDS);
    let rest = seconds.rem_euclid(DAY_SECONDS);
    // Beyond some ten thousand years a date says less than a number.
    let near = i32::try_from(days).ok().filter(|days| days.abs() < 4_000_000);
    let date = near.map_or_else(|| format!("day {days}"), format_date);
    format!("{date}T{:02}:{:02}:{:02}", rest / 3_600, rest / 60 % 60, rest % 60)
}

/// Returns days since 1970-01-01 of `YYYY-MM-DD`; `None` for anything else, 30 February included.
#[must_use]
pub fn parse_date(text: &[u8]) -> Option<i32> {
    let text: &[u8; 10] = text.try_into().ok()?;
    if text[4] != b'-' || text[7] != b'-' {
        return None;
    }
    let century = two_digits(text[0], text[1])?;
    let year = century * 100 + two_digits(text[2], text[3])?;
    let month = two_digits(text[5], text[6])?;
    let day = two_digits(text[8], text[9])?;
    if !(1..=12).contains(&month) || day == 0 || day > days_in_month(year, month) {
        return None;
    }
    Some(days_from_civil(year as i32, month, day))
}

/// Returns seconds since 1970-01-01T00:00:00 of `YYYY-MM-DD`, then optionally `T` or a space and `HH:MM:SS`, a fraction
/// (cut off), and `Z`, ` UTC`, `±HH:MM` or `±HHMM`; or of another form of ISO 8601, such as `2023-09-04 10:00+02`.
/// Without an offset the time is taken as written. Second 60 (a leap second) is the second after 59.
#[must_use]
pub fn parse_instant(text: &[u8]) -> Option<i64> {
    InstantParser::default().parse(text)
}

/// Returns seconds since 1970-01-01T00:00:00 of a time as the logs of platforms have it, whatever program exported them: as
/// [`parse_instant`] reads it, or a number since 1970 in a unit that its size tells.
#[must_use]
#[inline]
pub(crate) fn parse_logged_instant(text: &[u8]) -> Option<i64> {
    match text.get(4) {
        // A date's first sign behind the year.
        Some(b'-') => parse_instant(text),
        _ => epoch_times::parse_usual(text).or_else(|| parse_instant(text)).or_else(|| epoch_times::parse(text)),
    }
}

/// Describes a text that [`parse_logged_instant`] does not read, by its shape, and says what to do; or that there is none.
pub(crate) fn describe_unreadable(name: &str, text: &[u8]) -> String {
    if text.is_empty() {
        return format!("no {name}");
    }
    format!(
        "{name} of shape `{}` is not YYYY-MM-DDTHH:MM:SS or seconds since 1970; write it so in the file",
        shape(text)
    )
}

/// Parses instants as [`parse_instant`] does, quicker when one after the other is of the same day.
#[derive(Clone, Debug)]
pub struct InstantParser {
    date: [u8; 10],
    midnight: i64,
}

impl Default for InstantParser {
    fn default() -> Self {
        Self { date: *b"1970-01-01", midnight: 0 }
    }
}

impl InstantParser {
    /// Parses as [`parse_instant`] does.
    #[must_use]
    #[inline]
    pub fn parse(&mut self, text: &[u8]) -> Option<i64> {
        self.parse_common_form(text).or_else(|| rare_times::parse(text))
    }

    #[inline]
    fn parse_common_form(&mut self, text: &[u8]) -> Option<i64> {
        let (date, rest) = text.split_first_chunk::<10>()?;
        if !same(date, &self.date) {
            self.midnight = i64::from(parse_date(date)?) * DAY_SECONDS;
            self.date = *date;
        }
        let Some((b'T' | b' ', rest)) = rest.split_first() else {
            return rest.is_empty().then_some(self.midnight);
        };
        let (clock, zone) = rest.split_first_chunk::<8>()?;
        let local = self.midnight + i64::from(parse_clock(*clock)?);
        if zone.is_empty() {
            return Some(local);
        }
        Some(local - offset_seconds(without_fraction(zone)?)?)
    }
}

/// Tells whether two dates are the same text. As two numbers, since arrays of ten bytes are compared by a call.
#[inline]
fn same(one: &[u8; 10], other: &[u8; 10]) -> bool {
    let number = |text: &[u8; 10]| {
        let [a, b, c, d, e, f, g, h, i, j] = *text;
        (u64::from_le_bytes([a, b, c, d, e, f, g, h]), u16::from_le_bytes([i, j]))
    };
    number(one) == number(other)
}

/// Returns seconds since midnight of `HH:MM:SS`.
#[inline]
fn parse_clock(text: [u8; 8]) -> Option<u32> {
    // All eight bytes at once: digits become 0 to 9 and colons 0, and what exceeds that shows in a byte's high bit.
    let signs = u64::from_le_bytes(text) ^ u64::from_le_bytes(*b"00:00:00");
    let exceeds = signs.wrapping_add(u64::from_le_bytes([0x76, 0x76, 0x7f, 0x76, 0x76, 0x7f, 0x76, 0x76]));
    if (exceeds | signs) & 0x8080_8080_8080_8080 != 0 {
        return None;
    }
    // Ten times each digit and the one behind it; no sum of two digits reaches into the next byte.
    let [hour, _, _, minute, _, _, second, _] = (signs * 10 + (signs >> 8)).to_le_bytes().map(u32::from);
    (hour < 24 && minute < 60 && second <= 60).then_some(hour * 3_600 + minute * 60 + second)
}

fn without_fraction(rest: &[u8]) -> Option<&[u8]> {
    match rest.split_first() {
        Some((b'.' | b',', digits)) => {
            let length = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
            (length > 0).then(|| &digits[length..])
        }
        _ => Some(rest),
    }
}

fn offset_seconds(zone: &[u8]) -> Option<i64> {
    match zone {
        b"" | b"Z" | b"z" | b" UTC" | b"UTC" => Some(0),
        [sign @ (b'+' | b'-'), h1, h2, b':', m1, m2] | [sign @ (b'+' | b'-'), h1, h2, m1, m2] => {
            let (hours, minutes) = (two_digits(*h1, *h2)?, two_digits(*m1, *m2)?);
            if hours > 23 || minutes > 59 {
                return None;
            }
            let minutes = hours * 60 + minutes;
            let seconds = i64::from(minutes) * 60;
            Some(if *sign == b'-' { -seconds } else { seconds })
        }
        _ => None,
    }
}

fn two_digits(tens: u8, ones: u8) -> Option<u32> {
    let tens = u32::from(tens.wrapping_sub(b'0'));
    let ones = u32::from(ones.wrapping_sub(b'0'));
    (tens < 10 && ones < 10).then_some(tens * 10 + ones)
}

fn days_in_month(year: u32, month: u32) -> u32 {
    match month {
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(text: &str, expected: Option<i64>) {
        assert_eq!(parse_instant(text.as_bytes()), expected, "{text}");
    }

    #[test]
    fn instants() {
        check("1970-01-01", Some(0));
        check("2014-06-14T09:38:29", Some(1_402_738_709));
        check("2014-06-14 09:38:29.123456", Some(1_402_738_709));
        check("2014-06-14T09:38:29Z", Some(1_402_738_709));
        check("2014-06-14T09:38:29+00:00", Some(1_402_738_709));
        check("2014-06-14T09:38:29.5+02:00", Some(1_402_731_509));
        check("2017-01-03 14:57:14 UTC", Some(1_483_455_434));
        check("2016-12-31T23:59:60", Some(1_483_228_800));
        check("2016-12-31T23:59:60Z", Some(1_483_228_800));
        check("2017-01-01T01:59:60.5+02:00", Some(1_483_228_800));
        check("0000-01-01T00:00:00+23:59", Some(-62_167_305_540));
        check("9999-12-31T23:59:60-23:59", Some(253_402_387_140));
        check("2016-02-29", Some(1_456_704_000));
        // Forms that are not the common ones.
        check("2014-06-13T24:00:00", Some(1_402_704_000));
        check("2014-06-14 09:38:29+00", Some(1_402_738_709));
        check("2014-06-14 09:38Z", Some(1_402_738_680));
        for bad in [
            "",
            "2015-02-29",
            "2014-13-01",
            "2014-6-14",
            "2014-06-14T9:38:29",
            "2014-06-14T09:38:29+2",
            "2014-06-14T09:38:29+24:00",
            "2014-06-14T09:38:29-01:60",
            "2014-06-14T09:38:61",
            "0000-00-00T00:00:00",
            "2014/06/14",
            "2014-06-14T09:38:29.",
            "14-06-2014",
            "2014-06-14T09:38:2x",
        ] {
            check(bad, None);
        }
    }

    #[test]
    fn weekdays() {
        assert_eq!(weekday(days_from_civil(2026, 11, 16)), 0);
        assert_eq!(weekday(days_from_civil(1969, 12, 28)), 6);
    }

    proptest! {
        #[test]
        fn a_clock_is_read_as_its_parts_are(text in "[0-3:/][0-9:x][:0;][0-6][0-9][:9][0-7\u{7f}][0-9]") {
            let bytes: [u8; 8] = text.as_bytes().try_into().unwrap();
            let part = |from: usize| text[from..from + 2].parse::<u32>().ok().filter(|_| bytes[from].is_ascii_digit());
            let expected = match (part(0), part(3), part(6)) {
                (Some(hour @ ..24), Some(minute @ ..60), Some(second @ ..=60)) if bytes[2] == b':' && bytes[5] == b':' => {
                    Some(hour * 3_600 + minute * 60 + second)
                }
                _ => None,
            };
            prop_assert_eq!(parse_clock(bytes), expected);
        }

        #[test]
        fn dates_go_there_and_back(days in -200_000_i32..200_000) {
            let (year, month, day) = civil_from_days(days);
            prop_assert_eq!(days_from_civil(year, month, day), days);
        }

        #[test]
        fn the_common_and_the_rare_reader_agree(
            seconds in -62_000_000_000_i64..253_000_000_000,
            separator in "[T ]",
            fraction in "([.,][0-9]{1,12})?",
            zone in "(Z| UTC|[+-][01][0-9]:?[0-5][0-9])?",
        ) {
            let instant = format_instant(seconds).replace('T', &separator);
            let text = format!("{instant}{fraction}{zone}");
            let common = InstantParser::default().parse_common_form(text.as_bytes());
            prop_assert!(common.is_some());
            prop_assert_eq!(rare_times::parse(text.as_bytes()), common);
            // What the rare reader alone takes is the same instant as in full.
            let short = format!("{}{}", &instant[..16], if zone.starts_with(' ') { "Z" } else { &zone });
            let full = format!("{}:00{}", &instant[..16], zone);
            prop_assert_eq!(parse_instant(short.as_bytes()), parse_instant(full.as_bytes()));
        }

        #[test]
        fn instants_go_there_and_back(seconds in -2_000_000_000_i64..8_000_000_000) {
            prop_assert_eq!(parse_instant(format_instant(seconds).as_bytes()), Some(seconds));
        }
    }
}
