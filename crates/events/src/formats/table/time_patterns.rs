//! Formats of times in the names of strptime, such as `%d/%m/%Y %H:%M`: checked once, and read by jiff.

use std::borrow::Cow;
use std::sync::Arc;

use jiff::civil::{Date, DateTime};
use jiff::fmt::strtime::{self, BrokenDownTime};

use crate::time::DAY_SECONDS;

/// Holds the time that a format must be able to write and read again. Its parts are all different.
const SAMPLE: DateTime = DateTime::constant(2001, 2, 3, 16, 5, 6, 0);

/// Holds the formats of one column's times, one or several. Of several, the first that fits a text counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TimePatterns {
    patterns: Arc<[String]>,
    pub(super) have_time_of_day: bool,
}

impl TimePatterns {
    /// Checks formats.
    ///
    /// # Errors
    /// A description of the fault: nothing, an unknown name, or no date.
    pub(super) fn new(patterns: Vec<String>) -> Result<Self, String> {
        let mut have_time_of_day = false;
        for pattern in &patterns {
            have_time_of_day |= check(pattern)?;
        }
        match patterns.is_empty() {
            true => Err("an empty list of formats".to_owned()),
            false => Ok(Self { patterns: patterns.into(), have_time_of_day }),
        }
    }

    /// Returns seconds since 1970-01-01T00:00:00 of `text`.
    pub(super) fn parse(&self, text: &[u8]) -> Option<i64> {
        let text = std::str::from_utf8(text).ok()?;
        self.patterns.iter().find_map(|pattern| parse(pattern, text))
    }

    /// Lists the formats, for messages.
    pub(super) fn listed(&self) -> String {
        let quoted: Vec<String> = self.patterns.iter().map(|pattern| format!("\"{pattern}\"")).collect();
        quoted.join(" or ")
    }
}

/// Returns seconds since 1970-01-01T00:00:00 of `text`, which is written as `pattern` says.
pub(super) fn parse(pattern: &str, text: &str) -> Option<i64> {
    // Spreadsheets and newer browsers write a narrow no-break space before AM and PM.
    let text = match text.contains(['\u{a0}', '\u{202f}']) {
        true => Cow::Owned(text.replace(['\u{a0}', '\u{202f}'], " ")),
        false => Cow::Borrowed(text),
    };
    seconds(&strtime::parse(pattern, text.as_bytes()).ok()?)
}

fn seconds(parts: &BrokenDownTime) -> Option<i64> {
    if let Some(timestamp) = parts.timestamp() {
        return Some(timestamp.as_second());
    }
    let date = parts.to_date().ok()?;
    let time = match has_time_of_day(parts) {
        true => parts.to_time().ok()?,
        false => jiff::civil::Time::midnight(),
    };
    let days = date.duration_since(Date::constant(1970, 1, 1)).as_secs() / DAY_SECONDS;
    let clock = i64::from(time.hour()) * 3_600 + i64::from(time.minute()) * 60 + i64::from(time.second());
    let offset = parts.offset().map_or(0, |offset| i64::from(offset.seconds()));
    Some(days * DAY_SECONDS + clock - offset)
}

fn has_time_of_day(parts: &BrokenDownTime) -> bool {
    parts.hour().is_some() || parts.meridiem().is_some()
}

/// Checks a format by writing a time in it and reading that again. Tells whether it has a time of day.
fn check(pattern: &str) -> Result<bool, String> {
    let fault = |what: &str| format!("the format \"{pattern}\" {what}");
    let sample = SAMPLE.to_zoned(jiff::tz::TimeZone::UTC).expect("a time of this century");
    let written = BrokenDownTime::from(&sample)
        .to_string(pattern)
        .map_err(|error| fault(&format!("is not one in the names of strptime: {error}")))?;
    let parts =
        strtime::parse(pattern, &written).map_err(|error| fault(&format!("can be written but not read: {error}")))?;
    let day = |seconds: i64| seconds.div_euclid(DAY_SECONDS);
    match seconds(&parts) {
        None => Err(fault("names no whole date: it needs a day, a month and a year")),
        // A second or a minute may be missing, and nothing more.
        Some(read) => {
            let expected = SAMPLE.duration_since(DateTime::constant(1970, 1, 1, 0, 0, 0, 0)).as_secs();
            let has_time = parts.timestamp().is_some() || has_time_of_day(&parts);
            let same = if has_time { read / 3_600 == expected / 3_600 } else { day(read) == day(expected) };
            match same {
                true => Ok(has_time),
                false => Err(fault("loses the half of the day: %I needs %p beside it")),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_read(pattern: &str, text: &str, expected: Option<&str>) {
        let patterns = TimePatterns::new(vec![pattern.to_owned()]).unwrap();
        let seconds = expected.map(|text| crate::time::parse_instant(text.as_bytes()).unwrap());
        assert_eq!(patterns.parse(text.as_bytes()), seconds, "{pattern} {text}");
    }

    #[test]
    fn times_as_people_write_them() {
        let ten = Some("2023-09-04T10:00:00");
        check_read("%d/%m/%y, %H:%M", "4/09/23, 10:00", ten);
        check_read("%d/%m/%Y %H:%M", "04/09/2023 10:00", ten);
        check_read("%m/%d/%Y %I:%M %p", "9/4/2023 10:00 AM", ten);
        check_read("%m/%d/%Y %I:%M %p", "9/4/2023 10:00\u{202f}AM", ten);
        check_read("%m/%d/%Y %I:%M:%S %p", "9/4/2023 12:30:00 am", Some("2023-09-04T00:30:00"));
        check_read("%m/%d/%Y %I:%M:%S %p", "9/4/2023 12:30:00 PM", Some("2023-09-04T12:30:00"));
        check_read("%d.%m.%Y %H:%M:%S", "04.09.2023 10:00:00", ten);
        check_read("%A, %d %B %Y, %I:%M %p", "Monday, 4 September 2023, 10:00 AM", ten);
        check_read("%d-%b-%Y %H:%M:%S%.f", "04-SEP-2023 10:00:00.250", ten);
        check_read("%d/%b/%Y:%H:%M:%S %z", "04/Sep/2023:12:00:00 +0200", ten);
        check_read("%a, %d %b %Y %H:%M:%S GMT", "Mon, 04 Sep 2023 10:00:00 GMT", ten);
        check_read("%Y%m%d%H%M%S", "20230904100000", ten);
        check_read("%Y%m%d", "20230904", Some("2023-09-04"));
        check_read("%s", "1693821600", ten);
        check_read("%d/%m/%Y %H:%M", "13/13/2023 10:00", None);
        check_read("%d/%m/%Y %H:%M", "30/02/2023 10:00", None);
        check_read("%d/%m/%Y %H:%M", "04/09/2023", None);
        check_read("%A %d/%m/%Y", "Tuesday 04/09/2023", None);
    }

    #[test]
    fn of_several_formats_the_first_that_fits_counts() {
        let both = ["%d/%m/%Y %H:%M:%S", "%d/%m/%Y"].map(str::to_owned).to_vec();
        let both = TimePatterns::new(both).unwrap();
        assert!(both.have_time_of_day);
        assert_eq!(both.parse(b"04/09/2023 00:00:10"), Some(1_693_785_610));
        assert_eq!(both.parse(b"04/09/2023"), Some(1_693_785_600));
        assert_eq!(both.listed(), "\"%d/%m/%Y %H:%M:%S\" or \"%d/%m/%Y\"");
    }

    #[test]
    fn formats_that_cannot_be() {
        let fault = |pattern: &str| TimePatterns::new(vec![pattern.to_owned()]).unwrap_err();
        assert!(fault("%d/%m %H:%M").ends_with("names no whole date: it needs a day, a month and a year"));
        assert!(fault("%d/%m/%Y %I:%M").ends_with("loses the half of the day: %I needs %p beside it"));
        assert!(fault("%d/%m/%Y %J").contains("is not one in the names of strptime"));
        assert!(fault("%d/%m/%Y %Z").contains("can be written but not read"));
        assert!(fault("%").contains("is not one in the names of strptime"));
        assert_eq!(TimePatterns::new(Vec::new()).unwrap_err(), "an empty list of formats");
    }

    #[test]
    fn far_years_do_not_overflow() {
        for text in ["31/12/9999 23:59 -2359", "01/01/-9999 00:00 +2359", "01/01/0000 00:00 +0000", "\u{202f}"] {
            let _ = parse("%d/%m/%Y %H:%M %z", text);
        }
    }
}
