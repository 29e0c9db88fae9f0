//! Numbers, sizes and lists as people read them.

use std::fmt::Write;
use std::time::Duration;

use staycast_text::escape_by;

/// Writes a whole number with its thousands apart: `1,234,567`.
pub(crate) fn group_digits(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Writes the thousands of every whole number in the text apart.
pub(crate) fn group_digits_in(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(|c: char| c.is_ascii_digit()) {
        let (before, from) = rest.split_at(start);
        let (number, after) = from.split_at(from.find(|c: char| !c.is_ascii_digit()).unwrap_or(from.len()));
        out.push_str(before);
        match number.parse() {
            Ok(value) if !number.starts_with('0') => out.push_str(&group_digits(value)),
            _ => out.push_str(number),
        }
        rest = after;
    }
    out + rest
}

/// Counts a noun, in the singular for one and in the plural otherwise: `1 course`, `0 entries`, `1,200 courses`.
pub(crate) fn pluralise(number: u64, noun: &str) -> String {
    let plural = match noun.strip_suffix('y') {
        _ if number == 1 => noun.to_owned(),
        Some(stem) if !noun.ends_with("ay") && !noun.ends_with("ey") => format!("{stem}ies"),
        _ => format!("{noun}s"),
    };
    format!("{} {plural}", group_digits(number))
}

/// Writes a share as per cent, never rounded to 0 or 100 where it is neither.
pub(crate) fn format_percent(share: f64) -> String {
    let value = 100.0 * share;
    match value {
        _ if value > 0.0 && value < 0.01 => "less than 0.01 %".to_owned(),
        _ if (99.95..100.0).contains(&value) => "over 99.9 %".to_owned(),
        _ if value > 0.0 && value < 1.0 => format!("{value:.2} %"),
        _ => format!("{value:.1} %"),
    }
}

/// Writes bytes in decimal units: `12.3 MB`.
pub(crate) fn format_bytes(count: u64) -> String {
    const UNITS: [&str; 5] = ["bytes", "kB", "MB", "GB", "TB"];
    let mut value = count as f64;
    let mut unit = 0;
    while value >= 999.5 && unit + 1 < UNITS.len() {
        value /= 1000.0;
        unit += 1;
    }
    match unit {
        0 => pluralise(count, "byte"),
        _ if value < 9.95 => format!("{value:.1} {}", UNITS[unit]),
        _ => format!("{value:.0} {}", UNITS[unit]),
    }
}

/// Writes a length of time: `0.4 s`, `12 s`, `3 min 05 s`, `2 h 07 min`.
pub(crate) fn format_duration(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    let whole = seconds.round() as u64;
    match whole {
        0..10 => format!("{seconds:.1} s"),
        10..60 => format!("{whole} s"),
        60..3600 => format!("{} min {:02} s", whole / 60, whole % 60),
        _ => format!("{} h {:02} min", whole / 3600, whole / 60 % 60),
    }
}

/// Lists the first `most` items, and says how many more there are.
pub(crate) fn list_first<T: AsRef<str>>(items: &[T], most: usize) -> String {
    let shown: Vec<&str> = items.iter().take(most).map(AsRef::as_ref).collect();
    match items.len().saturating_sub(most) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

/// Quotes a path or argument as it is to be typed in a shell. One with control characters is quoted as `$'…'`, which bash,
/// zsh and POSIX of 2024 have.
pub(crate) fn quote_for_shell(argument: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+,:=@%".contains(c);
    if !argument.is_empty() && argument.chars().all(plain) {
        return argument.to_owned();
    }
    let typed = argument.replace('\\', r"\\").replace('\'', r"\'");
    let escaped = escape_by(&typed, |character, out| {
        let _ = match character as u32 {
            code @ ..0x80 => write!(out, "\\x{code:02x}"),
            code @ ..0x1_0000 => write!(out, "\\u{code:04x}"),
            code => write!(out, "\\U{code:08x}"),
        };
    });
    if escaped != typed {
        return format!("$'{escaped}'");
    }
    format!("'{}'", argument.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        assert_eq!(group_digits(0), "0");
        assert_eq!(group_digits(1_234_567), "1,234,567");
        assert_eq!(group_digits_in("12345 rows, 7 of 1000 used"), "12,345 rows, 7 of 1,000 used");
        assert_eq!(pluralise(1, "course"), "1 course");
        assert_eq!(pluralise(1_200, "entry"), "1,200 entries");
        assert_eq!(pluralise(2, "day"), "2 days");
        assert_eq!(format_bytes(1), "1 byte");
        assert_eq!(format_bytes(999_600), "1.0 MB");
        assert_eq!(format_bytes(12_345_678), "12 MB");
        assert_eq!(format_duration(Duration::from_millis(430)), "0.4 s");
        assert_eq!(format_duration(Duration::from_secs(185)), "3 min 05 s");
        assert_eq!(format_duration(Duration::from_secs(7_620)), "2 h 07 min");
    }

    #[test]
    fn shares_never_claim_all_or_nothing() {
        assert_eq!(format_percent(0.0), "0.0 %");
        assert_eq!(format_percent(0.000_01), "less than 0.01 %");
        assert_eq!(format_percent(0.0042), "0.42 %");
        assert_eq!(format_percent(0.999_9), "over 99.9 %");
        assert_eq!(format_percent(1.0), "100.0 %");
    }

    #[test]
    fn arguments_are_quoted_when_a_shell_would_split_them() {
        assert_eq!(quote_for_shell("a/b-1.csv"), "a/b-1.csv");
        assert_eq!(quote_for_shell("my logs"), "'my logs'");
        assert_eq!(quote_for_shell("it's"), r"'it'\''s'");
        assert_eq!(quote_for_shell("it's\n\x1b[\u{202e}\u{e0041}\\"), r"$'it\'s\x0a\x1b[\u202e\U000e0041\\'");
    }
}
