//! Times in the formats a mapping may name.

use super::mapped_row::Field;
use std::fmt;

use serde::de::value::SeqAccessDeserializer;
use serde::de::{self, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::time_guess::possible_formats;
use super::time_patterns::TimePatterns;
use crate::epoch_times;
use crate::formats::fields::integer;
use crate::moment::Moment;
use crate::source::Granularity;
use crate::tally::shape;
use crate::time::{DAY_SECONDS, days_from_civil, parse_date, parse_instant, parse_logged_instant};

/// Says how times are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum TimeFormat {
    /// ISO 8601.
    Iso,
    /// ISO 8601, or a number since 1970 whose size tells its unit.
    IsoOrUnix,
    /// `YYYY-MM-DD`.
    Date,
    /// A number since 1970.
    Unix(UnixUnit),
    /// A spreadsheet's number of days.
    Serial(DateSystem),
    /// Days from the course's first.
    DayOffset,
    /// Formats of the mapping's own.
    Patterns(TimePatterns),
}

/// Names the unit of numbers since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub(super) enum UnixUnit {
    #[serde(rename = "s")]
    Seconds,
    #[serde(rename = "ms")]
    Millis,
    #[serde(rename = "us")]
    Micros,
    #[serde(rename = "ns")]
    Nanos,
    #[serde(rename = "days")]
    Days,
}

/// Names the day from which a spreadsheet counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DateSystem {
    /// Day 1 is the first of January 1900, and day 60 a 29 February that there never was.
    From1900,
    /// Day 0 is the first of January 1904, as in old Excel for Mac.
    From1904,
}

/// Lists the names of formats that have one, as mappings write them.
const NAMED: [(&str, TimeFormat); 10] = [
    ("iso", TimeFormat::Iso),
    ("iso-or-unix", TimeFormat::IsoOrUnix),
    ("date", TimeFormat::Date),
    ("unix", TimeFormat::Unix(UnixUnit::Seconds)),
    ("unix-seconds", TimeFormat::Unix(UnixUnit::Seconds)),
    ("unix-millis", TimeFormat::Unix(UnixUnit::Millis)),
    ("unix-micros", TimeFormat::Unix(UnixUnit::Micros)),
    ("excel", TimeFormat::Serial(DateSystem::From1900)),
    ("excel-1904", TimeFormat::Serial(DateSystem::From1904)),
    ("day-offset", TimeFormat::DayOffset),
];

impl<'de> Deserialize<'de> for TimeFormat {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = TimeFormat;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the name of a format, a format such as \"%d/%m/%Y %H:%M\", or a list of such formats")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<TimeFormat, E> {
                if text.contains('%') {
                    let patterns = TimePatterns::new(vec![text.to_owned()]).map_err(de::Error::custom)?;
                    return Ok(TimeFormat::Patterns(patterns));
                }
                let named = NAMED.into_iter().find(|(name, _)| *name == text);
                named.map(|(_, format)| format).ok_or_else(|| {
                    let names = NAMED.map(|(name, _)| format!("`{name}`"));
                    de::Error::custom(format!(
                        "unknown format `{text}`: expected one of {}, or one in the names of strptime such as \
                         \"%d/%m/%Y %H:%M\"",
                        names.join(", ")
                    ))
                })
            }

            fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<TimeFormat, A::Error> {
                let patterns: Vec<String> = Vec::deserialize(SeqAccessDeserializer::new(seq))?;
                TimePatterns::new(patterns).map(TimeFormat::Patterns).map_err(de::Error::custom)
            }
        }
        deserializer.deserialize_any(Any)
    }
}

/// Reads the times of a column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TimeParser {
    pub(super) format: TimeFormat,
    /// Seconds added to each.
    pub(super) shift: i64,
}

impl TimeParser {
    /// Returns the moment that `text` names.
    pub(super) fn parse(&self, text: &[u8]) -> Option<Moment> {
        let moment = self.format.parse(text)?;
        match moment {
            Moment::Instant(instant) if self.format.is_plausible(instant, text) => Some(self.instant(instant)),
            Moment::Instant(_) => None,
            Moment::Day(_) => Some(moment),
        }
    }

    /// Returns the moment that a field tells.
    pub(super) fn moment(&self, field: Field<'_>) -> Option<Moment> {
        match field {
            Field::Instant(instant) => Some(self.instant(instant)),
            Field::Text(text) => self.parse(text),
        }
    }

    /// Returns the moment of an instant that the file holds as such.
    pub(super) fn instant(&self, instant: i64) -> Moment {
        Moment::Instant(instant.saturating_add(self.shift))
    }
}

impl TimeFormat {
    /// Returns the moment that `text` names.
    pub(super) fn parse(&self, text: &[u8]) -> Option<Moment> {
        match self {
            Self::Iso => parse_instant(text).map(Moment::Instant),
            Self::IsoOrUnix => parse_logged_instant(text).map(Moment::Instant),
            Self::Date => {
                parse_date(text).or_else(|| midnight(text)).map(|day| Moment::Instant(i64::from(day) * DAY_SECONDS))
            }
            Self::Unix(unit) => unit.seconds(text).map(Moment::Instant),
            Self::Serial(system) => serial_seconds(text, *system).map(Moment::Instant),
            Self::DayOffset => whole(text, Fraction::Zero).map(Moment::Day),
            Self::Patterns(patterns) => patterns.parse(text).map(Moment::Instant),
        }
    }

    /// Tells whether a log can have such an instant. A number in another unit than the mapping says, a serial day taken
    /// for seconds, and a year of two digits where four are meant all give times that none can have. Zero passes: it
    /// stands for a time that is not set.
    fn is_plausible(&self, instant: i64, text: &[u8]) -> bool {
        let first_year = match self {
            Self::Iso | Self::IsoOrUnix | Self::Date | Self::DayOffset => return true,
            Self::Unix(_) if instant == 0 && whole(text, Fraction::Zero) == Some(0) => return true,
            Self::Unix(_) | Self::Serial(_) | Self::Patterns(_) => 1971,
        };
        let start = |year: i32| i64::from(days_from_civil(year, 1, 1)) * DAY_SECONDS;
        (start(first_year)..start(2200)).contains(&instant)
    }

    /// Describes such a time, for messages.
    pub(super) fn looks_like(&self) -> String {
        match self {
            Self::Iso => "a time such as 2014-06-14T09:38:29".to_owned(),
            Self::IsoOrUnix => "a time such as 2014-06-14T09:38:29 or a number since 1970".to_owned(),
            Self::Date => "a date YYYY-MM-DD".to_owned(),
            Self::Unix(unit) => format!("a number of {} since 1970", unit.name()),
            Self::Serial(_) => "a spreadsheet's number of days".to_owned(),
            Self::DayOffset => "a whole number of days".to_owned(),
            Self::Patterns(patterns) => format!("a time of the format {}", patterns.listed()),
        }
    }

    /// Says what is wrong with a text that gives no time, and which formats can be meant. Shows nothing of the text but
    /// its shape.
    pub(super) fn fault(&self, text: &[u8]) -> String {
        let (shown, expected) = (shape(text), self.looks_like());
        if *self == Self::IsoOrUnix && epoch_times::is_number(text) {
            return format!("of shape `{shown}`, read as a number since 1970, is not of the years from 1971 to 2199");
        }
        let fault = match self.parse(text) {
            None => format!("of shape `{shown}` is not {expected}"),
            Some(_) => format!("of shape `{shown}`, read as {expected}, is not of the years from 1971 to 2199"),
        };
        let possible = std::str::from_utf8(text).map(possible_formats).unwrap_or_default();
        let quoted: Vec<String> = possible.iter().map(|format| format!("\"{format}\"")).collect();
        match (quoted.is_empty(), self) {
            (true, Self::IsoOrUnix) => format!("{fault}; write it so in the file"),
            (false, Self::IsoOrUnix) => {
                format!("{fault}; write it so in the file, or set the format {} in a mapping", quoted.join(" or "))
            }
            (true, _) => fault,
            (false, _) => format!("{fault}; times like it have the format {}", quoted.join(" or ")),
        }
    }

    /// Tells whether the times are numbers.
    pub(super) const fn is_number(&self) -> bool {
        matches!(self, Self::Unix(_) | Self::Serial(_) | Self::DayOffset)
    }

    /// Tells whether the times have no time of day.
    pub(super) const fn is_by_day(&self) -> bool {
        match self {
            Self::Date | Self::DayOffset | Self::Unix(UnixUnit::Days) => true,
            Self::Patterns(patterns) => !patterns.have_time_of_day,
            Self::Iso | Self::IsoOrUnix | Self::Unix(_) | Self::Serial(_) => false,
        }
    }
}

impl UnixUnit {
    const fn name(self) -> &'static str {
        match self {
            Self::Seconds => "seconds",
            Self::Millis => "milliseconds",
            Self::Micros => "microseconds",
            Self::Nanos => "nanoseconds",
            Self::Days => "days",
        }
    }

    /// Returns the seconds of a number of this unit.
    fn seconds(self, text: &[u8]) -> Option<i64> {
        let number = || whole(text, Fraction::CutOff);
        match self {
            Self::Seconds => number(),
            Self::Millis => number().map(|number| number.div_euclid(1_000)),
            Self::Micros => number().map(|number| number.div_euclid(1_000_000)),
            // Nineteen digits today, which is one more than a whole number is read with.
            Self::Nanos => match text {
                [seconds @ .., _, _, _, _, _, _, _, _, _] if text.iter().all(u8::is_ascii_digit) => match seconds {
                    [] => Some(0),
                    _ => integer(seconds),
                },
                _ => number().map(|number| number.div_euclid(1_000_000_000)),
            },
            Self::Days => number().map(|number| number.saturating_mul(DAY_SECONDS)),
        }
    }
}

/// Returns days since 1970-01-01 of a date that is written with a time of day of zero, as programs write that know no
/// dates without one.
#[cold]
fn midnight(text: &[u8]) -> Option<i32> {
    let (date, clock) = text.split_at_checked(10)?;
    let is_midnight = [&b" 00:00"[..], b"T00:00"].into_iter().any(|start| clock.starts_with(start));
    let day = parse_date(date).filter(|_| is_midnight)?;
    // A time of another zone can't be told to be of the date as written.
    (parse_instant(text)? == i64::from(day) * DAY_SECONDS).then_some(day)
}

/// Returns seconds since 1970-01-01T00:00:00 of a spreadsheet's serial day. Its fraction is the time of day, to the
/// nearest second, behind a point or a comma.
fn serial_seconds(text: &[u8], system: DateSystem) -> Option<i64> {
    /// Counts the days from 1899-12-30 and from 1904-01-01 to 1970-01-01.
    const BEFORE_1970: [i32; 2] = [-days_from_civil(1899, 12, 30), -days_from_civil(1904, 1, 1)];
    let point = text.iter().position(|byte| matches!(byte, b'.' | b','));
    let (days, fraction) = text.split_at(point.unwrap_or(text.len()));
    let days = integer(days).filter(|days| (0..1_000_000).contains(days))?;
    let before_1970 = match system {
        // The day that never was, and those before it, which count from one day later.
        DateSystem::From1900 if days == 60 => return None,
        DateSystem::From1900 if days < 60 => BEFORE_1970[0] - 1,
        DateSystem::From1900 => BEFORE_1970[0],
        DateSystem::From1904 => BEFORE_1970[1],
    };
    let seconds = match fraction {
        [] => 0,
        [_, digits @ ..] if !digits.is_empty() && digits.iter().all(u8::is_ascii_digit) => {
            let share: f64 = format!("0.{}", std::str::from_utf8(digits).ok()?).parse().ok()?;
            (share * DAY_SECONDS as f64).round() as i64
        }
        _ => return None,
    };
    Some((days - i64::from(before_1970)) * DAY_SECONDS + seconds)
}

/// Returns the first instant of the day of `instant`, where no time of day is to be told.
pub(super) fn rounded(instant: i64, granularity: Granularity) -> i64 {
    match granularity {
        Granularity::Second => instant,
        Granularity::Day => instant.saturating_sub(instant.rem_euclid(DAY_SECONDS)),
    }
}

/// Says which digits may stand after a number's point.
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

    const SECONDS: TimeFormat = TimeFormat::Unix(UnixUnit::Seconds);
    const EXCEL: TimeFormat = TimeFormat::Serial(DateSystem::From1900);

    fn check(format: &TimeFormat, text: &str, expected: Option<Moment>) {
        assert_eq!(format.parse(text.as_bytes()), expected, "{format:?} {text}");
    }

    #[test]
    fn moments() {
        let at = |instant| Some(Moment::Instant(instant));
        check(&TimeFormat::Iso, "2014-06-14T09:38:29", at(1_402_738_709));
        check(&TimeFormat::Iso, "1402738709", None);
        for text in ["2014-06-14 09:38:29.5+00", "2014-06-14T09:38:29Z", "1402738709", "1402738709000", "1402738709.25"]
        {
            check(&TimeFormat::IsoOrUnix, text, at(1_402_738_709));
        }
        check(&TimeFormat::IsoOrUnix, "0", at(0));
        check(&TimeFormat::IsoOrUnix, "20140614", None);
        check(&TimeFormat::IsoOrUnix, "14/06/2014 09:38", None);
        check(&TimeFormat::Date, "2014-06-14", at(1_402_704_000));
        check(&TimeFormat::Date, "2014-06-14T09:38:29", None);
        check(&TimeFormat::Date, "2014-06-14 00:00:00", at(1_402_704_000));
        check(&TimeFormat::Date, "2014-06-14T02:00:00+02:00", None);
        check(&TimeFormat::Date, "2014-06-14T00:00:00+02:00", None);
        check(&SECONDS, "1402738709", at(1_402_738_709));
        check(&SECONDS, "1402738709.75", at(1_402_738_709));
        check(&SECONDS, "-0.5", at(-1));
        check(&SECONDS, "1.4e9", None);
        check(&SECONDS, "-9223372036854775809", None);
        // Nineteen digits are no instant that anyone was in a course at.
        check(&SECONDS, "9223372036854775807.5", None);
        check(&SECONDS, "9223372036854775808", None);
        check(&TimeFormat::Unix(UnixUnit::Millis), "1402738709999", at(1_402_738_709));
        check(&TimeFormat::Unix(UnixUnit::Millis), "-1", at(-1));
        check(&TimeFormat::Unix(UnixUnit::Micros), "1402738709999999", at(1_402_738_709));
        check(&TimeFormat::Unix(UnixUnit::Nanos), "1402738709999999999", at(1_402_738_709));
        check(&TimeFormat::Unix(UnixUnit::Days), "16235", at(1_402_704_000));
        check(&TimeFormat::DayOffset, "-25", Some(Moment::Day(-25)));
        check(&TimeFormat::DayOffset, "3.0", Some(Moment::Day(3)));
        check(&TimeFormat::DayOffset, "3.5", None);
        check(&TimeFormat::DayOffset, "", None);
    }

    #[test]
    fn days_of_spreadsheets() {
        let at = |text: &str| crate::time::parse_instant(text.as_bytes()).map(Moment::Instant);
        check(&EXCEL, "45173.4166666667", at("2023-09-04T10:00:00"));
        check(&EXCEL, "45173,4166666667", at("2023-09-04T10:00:00"));
        check(&EXCEL, "45173", at("2023-09-04"));
        check(&EXCEL, "25569", at("1970-01-01"));
        // The 29 February 1900 that Lotus 1-2-3 had, and with it Excel.
        check(&EXCEL, "59", at("1900-02-28"));
        check(&EXCEL, "60", None);
        check(&EXCEL, "61", at("1900-03-01"));
        check(&EXCEL, "1", at("1900-01-01"));
        check(&TimeFormat::Serial(DateSystem::From1904), "43711.5", at("2023-09-04T12:00:00"));
        for wrong in ["", ".5", "45173.", "-45173", "4.5e4", "45,173.5", "99999999", "2023-09-04", "45173.5x"] {
            check(&EXCEL, wrong, None);
        }
    }

    #[test]
    fn a_number_in_another_unit_gives_no_time() {
        let plausible = |format: &TimeFormat, text: &str| {
            let parser = TimeParser { format: format.clone(), shift: 0 };
            parser.parse(text.as_bytes()).is_some()
        };
        let units = [UnixUnit::Seconds, UnixUnit::Millis, UnixUnit::Micros, UnixUnit::Nanos, UnixUnit::Days];
        let now = ["1693821600", "1693821600000", "1693821600000000", "1693821600000000000", "19604"];
        for (unit, own) in units.into_iter().zip(now) {
            for text in now {
                assert_eq!(plausible(&TimeFormat::Unix(unit), text), text == own, "{unit:?} {text}");
            }
            assert!(plausible(&TimeFormat::Unix(unit), "0"), "not set");
            // A spreadsheet's day taken for a number since 1970 would be in the year 2093 as days: nobody can tell.
            assert_eq!(plausible(&TimeFormat::Unix(unit), "45173.4166"), unit == UnixUnit::Days);
        }
        assert!(plausible(&EXCEL, "45173.4166") && !plausible(&EXCEL, "1234") && !plausible(&EXCEL, "45,173"));
        let four_digits = TimePatterns::new(vec!["%d/%m/%Y".to_owned()]).unwrap();
        assert!(!plausible(&TimeFormat::Patterns(four_digits), "04/09/23"), "the year 23 is no year of a log");
    }

    #[test]
    fn far_moments_do_not_overflow() {
        assert_eq!(Moment::Day(i64::MAX).instant(5), i64::MAX);
        assert_eq!(rounded(i64::MIN, Granularity::Day), i64::MIN);
        assert_eq!(Moment::Instant(i64::MIN).seconds_after(1 << 40), i32::MIN);
        assert_eq!(Moment::Day(-1).seconds_after(1 << 40), -86_400);
    }
}
