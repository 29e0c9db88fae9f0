//! Times in the formats a mapping may name.

use super::mapping::{Time, TimeFormat};
use crate::formats::fields::integer;
use crate::source::Granularity;
use crate::time::{DAY_SECONDS, parse_date, parse_instant};

/// A time as a row gives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Moment {
    /// Seconds since 1970-01-01T00:00:00.
    Instant(i64),
    /// Days after the course's first.
    Day(i64),
}

impl Moment {
    /// Returns seconds since 1970-01-01T00:00:00, in a course whose first instant is `start`. Saturates at the ends of
    /// time.
    pub(super) fn instant(self, start: i64) -> i64 {
        match self {
            Self::Instant(instant) => instant,
            Self::Day(day) => start.saturating_add(day.saturating_mul(DAY_SECONDS)),
        }
    }

    /// Returns seconds after `start`, at most 68 years either way: an enrolment longer ago was as surely before the
    /// course.
    pub(super) fn seconds_after(self, start: i64) -> i32 {
        let seconds = self.instant(start).saturating_sub(start);
        seconds.clamp(i64::from(i32::MIN), i64::from(i32::MAX)) as i32
    }
}

/// How the times of a column are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TimeParser {
    pub(super) format: TimeFormat,
    /// Seconds added to each.
    pub(super) shift: i64,
}

impl TimeParser {
    /// Returns the moment that `text` names.
    pub(super) fn parse(self, text: &[u8]) -> Option<Moment> {
        self.format.parse(text).map(|moment| match moment {
            Moment::Instant(instant) => self.instant(instant),
            day @ Moment::Day(_) => day,
        })
    }

    /// Returns the moment of an instant that the file holds as such.
    pub(super) fn instant(self, instant: i64) -> Moment {
        Moment::Instant(instant.saturating_add(self.shift))
    }
}

impl Time {
    /// Tells how its times are read.
    pub(super) const fn reading(&self) -> TimeParser {
        TimeParser { format: self.format, shift: self.shift.0 }
    }
}

impl TimeFormat {
    /// Returns the moment that `text` names.
    pub(super) fn parse(self, text: &[u8]) -> Option<Moment> {
        match self {
            Self::Iso => parse_instant(text).map(Moment::Instant),
            Self::Date => parse_date(text).map(|day| Moment::Instant(i64::from(day) * DAY_SECONDS)),
            Self::UnixSeconds => whole(text, Fraction::CutOff).map(Moment::Instant),
            Self::UnixMillis => whole(text, Fraction::CutOff).map(|millis| Moment::Instant(millis.div_euclid(1_000))),
            Self::UnixMicros => {
                whole(text, Fraction::CutOff).map(|micros| Moment::Instant(micros.div_euclid(1_000_000)))
            }
            Self::DayOffset => whole(text, Fraction::Zero).map(Moment::Day),
        }
    }

    /// Describes such a time, for messages.
    pub(super) const fn looks_like(self) -> &'static str {
        match self {
            Self::Iso => "a time such as 2014-06-14T09:38:29",
            Self::Date => "a date YYYY-MM-DD",
            Self::UnixSeconds => "a number of seconds since 1970",
            Self::UnixMillis => "a number of milliseconds since 1970",
            Self::UnixMicros => "a number of microseconds since 1970",
            Self::DayOffset => "a whole number of days",
        }
    }

    /// Tells whether the times are numbers.
    pub(super) const fn is_number(self) -> bool {
        !matches!(self, Self::Iso | Self::Date)
    }
}

/// Returns the first instant of the day of `instant`, where no time of day is to be told.
pub(super) fn rounded(instant: i64, granularity: Granularity) -> i64 {
    match granularity {
        Granularity::Second => instant,
        Granularity::Day => instant.saturating_sub(instant.rem_euclid(DAY_SECONDS)),
    }
}

/// The digits that may stand after a number's point.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Fraction {
    /// Nothing but zeros: programs that know no missing integers write `3.0`.
    Zero,
    /// Any digits, which are cut off (towards the past).
    CutOff,
}

/// Returns a whole number, which may be written with a fraction.
pub(super) fn whole(text: &[u8], fraction: Fraction) -> Option<i64> {
    let Some(point) = text.iter().position(|&byte| byte == b'.') else {
        return integer(text);
    };
    let (number, digits) = (integer(&text[..point])?, &text[point + 1..]);
    if !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let is_zero = digits.iter().all(|&digit| digit == b'0');
    match fraction {
        _ if is_zero => Some(number),
        Fraction::Zero => None,
        Fraction::CutOff if text[0] == b'-' => number.checked_sub(1),
        Fraction::CutOff => Some(number),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(format: TimeFormat, text: &str, expected: Option<Moment>) {
        assert_eq!(format.parse(text.as_bytes()), expected, "{format:?} {text}");
    }

    #[test]
    fn moments() {
        let at = |instant| Some(Moment::Instant(instant));
        check(TimeFormat::Iso, "2014-06-14T09:38:29", at(1_402_738_709));
        check(TimeFormat::Iso, "1402738709", None);
        check(TimeFormat::Date, "2014-06-14", at(1_402_704_000));
        check(TimeFormat::Date, "2014-06-14T09:38:29", None);
        check(TimeFormat::UnixSeconds, "1402738709", at(1_402_738_709));
        check(TimeFormat::UnixSeconds, "1402738709.75", at(1_402_738_709));
        check(TimeFormat::UnixSeconds, "-0.5", at(-1));
        check(TimeFormat::UnixSeconds, "1.4e9", None);
        check(TimeFormat::UnixSeconds, "-9223372036854775809", None);
        // Nineteen digits are no instant that anyone was in a course at.
        check(TimeFormat::UnixSeconds, "9223372036854775807.5", None);
        check(TimeFormat::UnixSeconds, "9223372036854775808", None);
        check(TimeFormat::UnixMillis, "1402738709999", at(1_402_738_709));
        check(TimeFormat::UnixMillis, "-1", at(-1));
        check(TimeFormat::UnixMicros, "1402738709999999", at(1_402_738_709));
        check(TimeFormat::DayOffset, "-25", Some(Moment::Day(-25)));
        check(TimeFormat::DayOffset, "3.0", Some(Moment::Day(3)));
        check(TimeFormat::DayOffset, "3.5", None);
        check(TimeFormat::DayOffset, "", None);
    }

    #[test]
    fn far_moments_do_not_overflow() {
        assert_eq!(Moment::Day(i64::MAX).instant(5), i64::MAX);
        assert_eq!(rounded(i64::MIN, Granularity::Day), i64::MIN);
        assert_eq!(Moment::Instant(i64::MIN).seconds_after(1 << 40), i32::MIN);
        assert_eq!(Moment::Day(-1).seconds_after(1 << 40), -86_400);
    }
}
