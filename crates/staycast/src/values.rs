//! Values of flags that are more than text or a number.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use staycast_evaluation::metrics::Capacity;
use staycast_events::time;
use staycast_sequences::CutOff;

/// Holds a number of bytes, as in `512MB`, `1GiB`, `1.5 GB` or `1000000`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Size(pub(crate) u64);

/// Sets the least memory worth asking for: the blocks being read take more.
const LEAST_BYTES: f64 = 1e6;

impl FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not a size; write 512MB, 1GiB or a number of bytes");
        let split = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
        let (number, unit) = text.split_at(split);
        let number: f64 = number.parse().map_err(|_| wrong())?;
        let factor = match unit.trim().to_ascii_lowercase().as_str() {
            "" | "b" => 1.0,
            "k" | "kb" => 1e3,
            "m" | "mb" => 1e6,
            "g" | "gb" => 1e9,
            "t" | "tb" => 1e12,
            "ki" | "kib" => 1024.0,
            "mi" | "mib" => 1024.0 * 1024.0,
            "gi" | "gib" => 1024.0 * 1024.0 * 1024.0,
            _ => return Err(wrong()),
        };
        let bytes = number * factor;
        if bytes < LEAST_BYTES {
            return Err(format!("`{text}` is too little; give 1MB or more"));
        }
        if bytes > 1e15 {
            return Err(format!("`{text}` is more memory than there is"));
        }
        Ok(Self(bytes as u64))
    }
}

/// Parses a cut-off week: a number of weeks from 1.
pub(crate) fn cut_off(text: &str) -> Result<CutOff, String> {
    let cut_off = text.parse::<u16>().ok().and_then(CutOff::after_weeks);
    cut_off.ok_or_else(|| format!("`{text}` is not a week, counted from 1, as 4 for the end of the fourth week"))
}

/// Parses a number above 0 and up to 1.
pub(crate) fn weight(text: &str) -> Result<f64, String> {
    let number = text.parse::<f64>().ok().filter(|number| *number > 0.0 && *number <= 1.0);
    number.ok_or_else(|| format!("`{text}` is not a number above 0 and up to 1"))
}

/// Parses how many learners can be contacted: a number of them, or a share as `10%`.
pub(crate) fn capacity(text: &str) -> Result<Capacity, String> {
    let found = match text.strip_suffix('%') {
        Some(share) => share.trim().parse().ok().map(|percent: f64| Capacity::Share(percent / 100.0)),
        None => text.parse().ok().map(Capacity::Count),
    };
    let possible = found.filter(|capacity| capacity.is_possible());
    possible.ok_or_else(|| format!("`{text}` is not a number of learners, as 50, or a share of them, as 10%"))
}

/// Parses a date, or a date and time, to seconds since 1970-01-01T00:00:00.
pub(crate) fn instant(text: &str) -> Result<i64, String> {
    time::parse_instant(text.as_bytes()).ok_or_else(|| {
        format!(
            "`{text}` is not an instant; write 2024-03-01 or 2024-03-01T12:00:00, with Z or +02:00 behind if it matters"
        )
    })
}

/// Parses a date to days since 1970-01-01.
pub(crate) fn date(text: &str) -> Result<i32, String> {
    time::parse_date(text.as_bytes()).ok_or_else(|| format!("`{text}` is not a date; write it like 2024-03-01"))
}

/// Parses `NAME=PATH`.
pub(crate) fn named_path(text: &str) -> Result<(String, PathBuf), String> {
    match text.split_once('=') {
        Some((name, path)) if !name.is_empty() && !path.is_empty() => Ok((name.to_owned(), PathBuf::from(path))),
        _ => Err(format!("`{text}` is not NAME=PATH, like north=logs/north")),
    }
}

/// Parses a share, from 0 to 1.
pub(crate) fn share(text: &str) -> Result<f64, String> {
    let value = text.parse::<f64>().ok().filter(|value| (0.0..=1.0).contains(value));
    value.ok_or_else(|| format!("`{text}` is not a share; write a number from 0 to 1, such as 0.01"))
}

/// Returns the ending of a file's name in lower case; empty where there is none.
pub(crate) fn extension(file: &Path) -> String {
    file.extension().map(|extension| extension.to_string_lossy().to_lowercase()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        for (text, bytes) in
            [("512MB", 512_000_000), ("1GiB", 1 << 30), ("1.5 g", 1_500_000_000), ("2000000", 2_000_000)]
        {
            assert_eq!(text.parse(), Ok(Size(bytes)), "{text}");
        }
        for text in ["", "MB", "12XB", "-1GB", "12", "1e3GB", "9999TB"] {
            assert!(text.parse::<Size>().is_err(), "{text}");
        }
    }

    #[test]
    fn capacities() {
        assert_eq!(capacity("50"), Ok(Capacity::Count(50)));
        assert_eq!(capacity("12.5%"), Ok(Capacity::Share(0.125)));
        for wrong in ["0", "-3", "2.5", "0%", "101%", "many", "%"] {
            assert!(capacity(wrong).expect_err(wrong).contains(wrong));
        }
    }

    #[test]
    fn shares_and_instants() {
        assert_eq!(share("0.01"), Ok(0.01));
        assert!(share("1.5").is_err() && share("x").is_err() && share("NaN").is_err());
        assert_eq!(instant("1970-01-02"), Ok(86_400));
        assert!(instant("yesterday").is_err());
    }
}
