//! Which formats of a mapping can be those of a text: said where a time can't be read, and tried when a mapping is
//! drafted. Nothing is read by a guess.

use super::time_patterns;
use crate::time::{DAY_SECONDS, days_from_civil, parse_date, parse_instant};

/// Bounds the text looked at, in bytes.
const LONGEST_BYTES: usize = 64;

/// Lists the formats of times of day with points, as Oracle writes them.
const WITH_POINTS: [&str; 2] = ["%d-%b-%y %I.%M.%S%.f %p", "%d-%b-%y %H.%M.%S%.f"];

/// Lists the formats, as a mapping writes them, in which `text` is a time of a log. The likeliest comes first; none
/// where there is no such format.
pub(super) fn possible_formats(text: &str) -> Vec<String> {
    let text = text.trim();
    if text.is_empty() || text.len() > LONGEST_BYTES {
        return Vec::new();
    }
    if parse_date(text.as_bytes()).is_some() {
        return vec!["date".to_owned()];
    }
    if parse_instant(text.as_bytes()).is_some() {
        return vec!["iso".to_owned()];
    }
    if text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b',')) {
        let numbers = numbers(text);
        // A date with points, such as 4.9.2023, is no number.
        if !numbers.is_empty() {
            return numbers;
        }
    }
    let mut possible: Vec<String> = patterns(text);
    possible.extend(WITH_POINTS.map(str::to_owned));
    possible.retain(|pattern| time_patterns::parse(pattern, text).is_some_and(is_usual));
    possible
}

/// Tells whether an instant is of the years in which there were logs.
fn is_usual(instant: i64) -> bool {
    let start = |year: i32| i64::from(days_from_civil(year, 1, 1)) * DAY_SECONDS;
    (start(1990)..start(2100)).contains(&instant)
}

/// Lists the formats of a number, by its size.
fn numbers(text: &str) -> Vec<String> {
    let (whole, fraction) = match text.find(['.', ',']) {
        Some(point) => (&text[..point], &text[point + 1..]),
        None => (text, ""),
    };
    if whole.is_empty() || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return Vec::new();
    }
    let formats: &[&str] = match (whole.len(), fraction.is_empty()) {
        (5, _) if whole.as_bytes()[0] >= b'2' => &["excel"],
        (8, true) => &["%Y%m%d"],
        (9 | 10, _) => &["unix-seconds"],
        (12 | 13, _) => &["unix-millis"],
        (14, true) => &["%Y%m%d%H%M%S"],
        (15 | 16, _) => &["unix-micros"],
        _ => &[],
    };
    let fits = |format: &&&str| !format.contains('%') || time_patterns::parse(format, text).is_some_and(is_usual);
    formats.iter().filter(fits).map(|&format| format.to_owned()).collect()
}

/// Describes a part of a time as it is written.
enum Part<'t> {
    Digits(&'t str),
    Letters(&'t str),
    Other(&'t str),
}

fn parts(text: &str) -> Vec<Part<'_>> {
    let kind = |sign: char| match sign {
        _ if sign.is_ascii_digit() => 0,
        _ if sign.is_alphabetic() => 1,
        _ => 2,
    };
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let end = rest.find(|sign| kind(sign) != kind(first)).unwrap_or(rest.len());
        let (part, after) = rest.split_at(end);
        parts.push(match kind(first) {
            0 => Part::Digits(part),
            1 => Part::Letters(part),
            _ => Part::Other(part),
        });
        rest = after;
    }
    parts
}

const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

const WEEKDAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

/// Returns how strptime names a word: of a month, a weekday or a half of the day; the word itself for a zone without
/// an offset.
fn word(word: &str) -> Option<&'static str> {
    let lower = word.to_lowercase();
    let short = |long: &&str| long[..3] == *lower;
    match lower.as_str() {
        "am" | "pm" => Some("%p"),
        "utc" => Some("UTC"),
        "gmt" => Some("GMT"),
        "at" => Some("at"),
        "t" => Some("T"),
        "z" => Some("Z"),
        _ if MONTHS.contains(&lower.as_str()) && lower != "may" => Some("%B"),
        _ if MONTHS.iter().any(short) => Some("%b"),
        _ if WEEKDAYS.contains(&lower.as_str()) => Some("%A"),
        _ if WEEKDAYS.iter().any(short) => Some("%a"),
        _ => None,
    }
}

/// Lists formats in the names of strptime that have the text's parts in their places. Whether the text fits is not yet
/// said.
fn patterns(text: &str) -> Vec<String> {
    let parts = parts(text);
    let mut names: Vec<Option<String>> = Vec::new();
    // Places of the numbers of the date, in their order.
    let mut date: Vec<usize> = Vec::new();
    let mut named_month = false;
    let has_half = parts.iter().any(|part| matches!(part, Part::Letters(letters) if word(letters) == Some("%p")));
    let mut clock_parts = 0;
    for (place, part) in parts.iter().enumerate() {
        let name = match part {
            Part::Other(signs) => Some(signs.replace('%', "%%").replace(['\u{a0}', '\u{202f}'], " ")),
            Part::Letters(letters) => {
                // A word that is none of a time's may be anything, a name for one: it must not be shown.
                let Some(name) = word(letters) else { return Vec::new() };
                named_month |= matches!(name, "%b" | "%B");
                Some(if name.starts_with('%') { name.to_owned() } else { (*letters).to_owned() })
            }
            Part::Digits(digits) => {
                let before = place.checked_sub(1).map(|before| &parts[before]);
                let sign = match before {
                    Some(Part::Other(sign)) => *sign,
                    _ => "",
                };
                let next = match parts.get(place + 1) {
                    Some(Part::Other(sign)) => *sign,
                    _ => "",
                };
                match clock_parts {
                    0 if next == ":" && sign != ":" && digits.len() <= 2 => {
                        clock_parts = 1;
                        Some(if has_half { "%I" } else { "%H" }.to_owned())
                    }
                    // 04/Sep/2023:10:00:00, as web servers write it.
                    0 if sign == ":" => {
                        clock_parts = 1;
                        Some("%H".to_owned())
                    }
                    1 if sign == ":" => {
                        clock_parts = 2;
                        Some("%M".to_owned())
                    }
                    2 if sign == ":" => {
                        clock_parts = 3;
                        Some("%S".to_owned())
                    }
                    3 if sign == "." => {
                        // The point belongs to the name of a fraction.
                        names.pop();
                        names.push(Some(String::new()));
                        Some("%.f".to_owned())
                    }
                    2.. if sign.ends_with(['+', '-']) && digits.len() == 4 => {
                        names.pop();
                        names.push(Some(sign[..sign.len() - 1].to_owned()));
                        Some("%z".to_owned())
                    }
                    _ => {
                        date.push(place);
                        None
                    }
                }
            }
        };
        names.push(name);
    }
    let width = |place: usize| match parts[place] {
        Part::Digits(digits) => digits.len(),
        _ => 0,
    };
    let year = |place: usize| if width(place) == 4 { "%Y" } else { "%y" };
    let with = |chosen: &[&str]| -> String {
        let mut date = chosen.iter();
        names.iter().map(|name| name.as_deref().or_else(|| date.next().copied()).unwrap_or_default()).collect()
    };
    match (date.as_slice(), named_month) {
        (&[day, last], true) if width(day) <= 2 => vec![with(&["%d", year(last)])],
        (&[first, _], true) if width(first) == 4 => vec![with(&["%Y", "%d"])],
        (&[first, ..], false) if date.len() == 3 && width(first) == 4 => vec![with(&["%Y", "%m", "%d"])],
        (&[_, _, last], false) => vec![with(&["%d", "%m", year(last)]), with(&["%m", "%d", year(last)])],
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(text: &str, expected: &[&str]) {
        assert_eq!(possible_formats(text), expected, "{text}");
    }

    #[test]
    fn formats_of_texts() {
        check("2023-09-04", &["date"]);
        check("2023-09-04 10:00:00+00", &["iso"]);
        check("45173.4166666667", &["excel"]);
        check("45173", &["excel"]);
        check("1693821600", &["unix-seconds"]);
        check("1693821600.25", &["unix-seconds"]);
        check("1693821600123", &["unix-millis"]);
        check("1693821600123456", &["unix-micros"]);
        check("20230904", &["%Y%m%d"]);
        check("20230904100000", &["%Y%m%d%H%M%S"]);
        check("99999999", &[]);
        check("4/09/23, 10:00", &["%d/%m/%y, %H:%M", "%m/%d/%y, %H:%M"]);
        check("14/09/23, 10:00", &["%d/%m/%y, %H:%M"]);
        check("09/14/2023 10:00", &["%m/%d/%Y %H:%M"]);
        check("04.09.2023", &["%d.%m.%Y", "%m.%d.%Y"]);
        check("2023/09/04 10:00:00", &["%Y/%m/%d %H:%M:%S"]);
        check("9/14/2023 1:05:06 PM", &["%m/%d/%Y %I:%M:%S %p"]);
        check("9/14/2023 1:05\u{202f}PM", &["%m/%d/%Y %I:%M %p"]);
        check("Monday, 4 September 2023, 10:00 AM", &["%A, %d %B %Y, %I:%M %p"]);
        check("Sep 4, 2023 at 10:00am", &["%b %d, %Y at %I:%M%p"]);
        check("04-SEP-23 10:00:00.000000", &["%d-%b-%y %H:%M:%S%.f"]);
        check("04-SEP-23 10.00.00.000000 AM", &["%d-%b-%y %I.%M.%S%.f %p"]);
        check("04-SEP-23 22.00.00", &["%d-%b-%y %H.%M.%S%.f"]);
        check("04/Sep/2023:10:00:00 +0200", &["%d/%b/%Y:%H:%M:%S %z"]);
        check("Mon, 04 Sep 2023 10:00:00 GMT", &["%a, %d %b %Y %H:%M:%S GMT"]);
    }

    #[test]
    fn what_is_no_time_has_no_format() {
        for text in
            ["", "ann", "u123", "Ann 4/09/23", "12345", "1.5", "4/09", "41/41/2023", "10:00", "---", "1,234,567"]
        {
            check(text, &[]);
        }
    }

    proptest! {
        #[test]
        fn a_possible_format_reads_the_text(text in "[0-9]{1,4}[/. -]([0-9]{1,2}|Sep|may)[/. -][0-9]{1,4}([ ,T]{1,2}[0-9]{1,2}:[0-9]{2}(:[0-9]{2})?( [AP]M)?)?") {
            for format in possible_formats(&text) {
                if format.contains('%') {
                    prop_assert!(time_patterns::parse(&format, &text).is_some(), "{} {}", format, text);
                    prop_assert!(time_patterns::TimePatterns::new(vec![format.clone()]).is_ok(), "{}", format);
                }
            }
        }

        #[test]
        fn no_text_panics(text in "\\PC{0,40}") {
            let _ = possible_formats(&text);
        }
    }
}
