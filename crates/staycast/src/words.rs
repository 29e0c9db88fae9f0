//! Numbers, sizes and lists as people read them.

use std::time::Duration;

/// Columns that text is broken at.
pub(crate) const WIDTH: usize = 100;
/// Columns of the labels of a [`Sheet`].
const LABEL: usize = 14;

/// A whole number with its thousands apart: `1,234,567`.
pub(crate) fn grouped(number: u64) -> String {
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

/// The text with its long whole numbers grouped.
pub(crate) fn with_grouped_numbers(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(|c: char| c.is_ascii_digit()) {
        let (before, from) = rest.split_at(start);
        let (number, after) = from.split_at(from.find(|c: char| !c.is_ascii_digit()).unwrap_or(from.len()));
        out.push_str(before);
        match number.parse() {
            Ok(value) if !number.starts_with('0') => out.push_str(&grouped(value)),
            _ => out.push_str(number),
        }
        rest = after;
    }
    out + rest
}

/// `1 course`, `2 courses`, `0 courses`.
pub(crate) fn counted(number: u64, noun: &str) -> String {
    let plural = match noun.strip_suffix('y') {
        _ if number == 1 => noun.to_owned(),
        Some(stem) if !noun.ends_with("ay") && !noun.ends_with("ey") => format!("{stem}ies"),
        _ => format!("{noun}s"),
    };
    format!("{} {plural}", grouped(number))
}

/// A share as per cent. Never rounds to 0 or 100 what is not.
pub(crate) fn percent(share: f64) -> String {
    let value = 100.0 * share;
    match value {
        _ if value > 0.0 && value < 0.01 => "less than 0.01 %".to_owned(),
        _ if (99.95..100.0).contains(&value) => "over 99.9 %".to_owned(),
        _ if value > 0.0 && value < 1.0 => format!("{value:.2} %"),
        _ => format!("{value:.1} %"),
    }
}

/// Bytes in decimal units: `12.3 MB`.
pub(crate) fn bytes(count: u64) -> String {
    const UNITS: [&str; 5] = ["bytes", "kB", "MB", "GB", "TB"];
    let mut value = count as f64;
    let mut unit = 0;
    while value >= 999.5 && unit + 1 < UNITS.len() {
        value /= 1000.0;
        unit += 1;
    }
    match unit {
        0 => counted(count, "byte"),
        _ if value < 9.95 => format!("{value:.1} {}", UNITS[unit]),
        _ => format!("{value:.0} {}", UNITS[unit]),
    }
}

/// A length of time: `0.4 s`, `12 s`, `3 min 05 s`, `2 h 07 min`.
pub(crate) fn duration(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    let whole = seconds.round() as u64;
    match whole {
        0..10 => format!("{seconds:.1} s"),
        10..60 => format!("{whole} s"),
        60..3600 => format!("{} min {:02} s", whole / 60, whole % 60),
        _ => format!("{} h {:02} min", whole / 3600, whole / 60 % 60),
    }
}

/// The first `most` items, and how many more there are.
pub(crate) fn some_of<T: AsRef<str>>(items: &[T], most: usize) -> String {
    let shown: Vec<&str> = items.iter().take(most).map(AsRef::as_ref).collect();
    match items.len().saturating_sub(most) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

/// Breaks text at spaces into lines of at most [`WIDTH`] columns, the first after `first` columns that are already
/// taken, the others indented by `indent`.
fn wrapped(text: &str, first: usize, indent: usize) -> String {
    let mut lines = String::new();
    let mut used = first;
    let mut fresh = true;
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        let columns = word.chars().count();
        if !fresh && used + 1 + columns > WIDTH {
            lines.push('\n');
            lines.push_str(&" ".repeat(indent));
            used = indent;
        } else if !fresh {
            lines.push(' ');
            used += 1;
        }
        lines.push_str(word);
        used += columns;
        fresh = false;
    }
    lines
}

/// Rows as lines with columns as wide as they need to be: the first `left` to the left, the others to the right.
pub(crate) fn aligned<const N: usize>(rows: &[[String; N]], left: usize) -> Vec<String> {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: [usize; N] = std::array::from_fn(width);
    let cell = |(column, text): (usize, &String)| {
        let width = widths[column];
        if column < left { format!("{text:<width$}") } else { format!("{text:>width$}") }
    };
    let line = |row: &[String; N]| row.iter().enumerate().map(cell).collect::<Vec<_>>().join("  ");
    rows.iter().map(|row| line(row).trim_end().to_owned()).collect()
}

/// Text for a terminal: labels on the left, what they say on the right, broken at [`WIDTH`] columns.
#[derive(Debug, Default)]
pub(crate) struct Sheet {
    text: String,
}

impl Sheet {
    /// A label and what it says; lines of the value stay lines. An empty label continues the one before.
    pub(crate) fn row(&mut self, label: &str, value: impl AsRef<str>) -> &mut Self {
        for (place, line) in value.as_ref().lines().enumerate() {
            let label = if place == 0 { label } else { "" };
            let lead = if label.len() >= LABEL { format!("{label} ") } else { format!("{label:LABEL$}") };
            let text = format!("{lead}{}", wrapped(line, lead.chars().count(), LABEL));
            self.text.push_str(text.trim_end());
            self.text.push('\n');
        }
        self
    }

    /// A paragraph over the whole width.
    pub(crate) fn paragraph(&mut self, text: impl AsRef<str>) -> &mut Self {
        for line in text.as_ref().lines() {
            self.text.push_str(&wrapped(line, 0, 0));
            self.text.push('\n');
        }
        self
    }

    /// Lines as they are.
    pub(crate) fn verbatim(&mut self, text: impl AsRef<str>) -> &mut Self {
        self.text.push_str(text.as_ref().trim_end());
        self.text.push('\n');
        self
    }

    /// An empty line.
    pub(crate) fn gap(&mut self) -> &mut Self {
        self.text.push('\n');
        self
    }

    /// The sheet.
    pub(crate) fn finish(self) -> String {
        self.text
    }
}

/// A path or argument as it is to be typed in a shell.
pub(crate) fn shell(argument: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+,:=@%".contains(c);
    if !argument.is_empty() && argument.chars().all(plain) {
        return argument.to_owned();
    }
    format!("'{}'", argument.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        assert_eq!(grouped(0), "0");
        assert_eq!(grouped(1_234_567), "1,234,567");
        assert_eq!(with_grouped_numbers("12345 rows, 7 of 1000 used"), "12,345 rows, 7 of 1,000 used");
        assert_eq!(counted(1, "course"), "1 course");
        assert_eq!(counted(1_200, "entry"), "1,200 entries");
        assert_eq!(counted(2, "day"), "2 days");
        assert_eq!(bytes(1), "1 byte");
        assert_eq!(bytes(999_600), "1.0 MB");
        assert_eq!(bytes(12_345_678), "12 MB");
        assert_eq!(duration(Duration::from_millis(430)), "0.4 s");
        assert_eq!(duration(Duration::from_secs(185)), "3 min 05 s");
        assert_eq!(duration(Duration::from_secs(7_620)), "2 h 07 min");
    }

    #[test]
    fn shares_never_claim_all_or_nothing() {
        assert_eq!(percent(0.0), "0.0 %");
        assert_eq!(percent(0.000_01), "less than 0.01 %");
        assert_eq!(percent(0.0042), "0.42 %");
        assert_eq!(percent(0.999_9), "over 99.9 %");
        assert_eq!(percent(1.0), "100.0 %");
    }

    #[test]
    fn long_values_are_broken_under_their_label() {
        let mut sheet = Sheet::default();
        sheet.row("Courses", "word ".repeat(40));
        let text = sheet.finish();
        assert!(text.lines().count() > 1);
        assert!(text.lines().all(|line| line.chars().count() <= WIDTH));
        assert!(text.lines().skip(1).all(|line| line.starts_with(&" ".repeat(LABEL))));
    }

    #[test]
    fn arguments_are_quoted_when_a_shell_would_split_them() {
        assert_eq!(shell("a/b-1.csv"), "a/b-1.csv");
        assert_eq!(shell("my logs"), "'my logs'");
        assert_eq!(shell("it's"), r"'it'\''s'");
    }
}
