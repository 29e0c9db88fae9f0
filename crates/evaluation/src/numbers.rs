//! Numbers as people write them, for pages, drawings and terminals.

use crate::metrics::Metric;

/// Sets the two-sided 95% point of the normal distribution.
const Z_95: f64 = 1.959_963_984_540_054;

/// Writes a metric to three decimals, or a dash.
#[must_use]
pub fn decimal(metric: Metric) -> String {
    metric.value().map_or_else(|| "–".to_owned(), |value| format!("{value:.3}"))
}

/// Writes a share as a percentage to one decimal, or a dash.
#[must_use]
pub fn percent(metric: Metric) -> String {
    metric.value().map_or_else(|| "–".to_owned(), |value| format!("{:.1}%", 100.0 * value))
}

/// Writes a share as "n of 100" is said. Shares that are not quite 0 or 1 never sound like it.
#[must_use]
pub fn of_100(share: f64) -> String {
    match 100.0 * share {
        hundredths if hundredths > 99.5 && share < 1.0 => "more than 99".to_owned(),
        hundredths if hundredths < 0.5 && share > 0.0 => "fewer than 1".to_owned(),
        hundredths => format!("{hundredths:.0}"),
    }
}

/// Writes a count with thousands separated.
#[must_use]
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// Writes a count with its noun, which gets an s unless there is one: "1 dropout", "2 dropouts".
#[must_use]
pub fn counted(number: u64, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", count(number))
}

/// Writes a number with a sign, to three decimals; minus as a minus.
#[must_use]
pub fn signed(value: f64) -> String {
    // What rounds to zero has no sign.
    if value.abs() < 0.0005 { "0.000".to_owned() } else { format!("{value:+.3}").replace('-', "−") }
}

/// Writes a p-value as it is usually written.
#[must_use]
pub fn p_value(p: f64) -> String {
    if p < 0.001 { "< 0.001".to_owned() } else { format!("{p:.3}") }
}

/// Joins words by commas, the last two by "and".
#[must_use]
pub fn listed(words: &[String]) -> String {
    match words {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// Returns Wilson's (1927) 95% interval of a share of `hits` in `of`; `None` of nothing.
#[must_use]
pub fn wilson(hits: f64, of: f64) -> Option<(f64, f64)> {
    if of <= 0.0 {
        return None;
    }
    let share = hits / of;
    let squared = Z_95 * Z_95;
    let centre = (share + squared / (2.0 * of)) / (1.0 + squared / of);
    let half = Z_95 / (1.0 + squared / of) * (share * (1.0 - share) / of + squared / (4.0 * of * of)).sqrt();
    Some(((centre - half).max(0.0), (centre + half).min(1.0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wilsons_interval_is_the_published_one() {
        // Newcombe, Statistics in Medicine 17 (1998), table I, method 3: 81 of 263, and 0 of 20.
        let (low, high) = wilson(81.0, 263.0).expect("rows");
        assert!((low - 0.2553).abs() < 5e-5 && (high - 0.3662).abs() < 5e-5, "{low} {high}");
        let (low, high) = wilson(0.0, 20.0).expect("rows");
        assert!(low == 0.0 && (high - 0.1611).abs() < 5e-5, "{low} {high}");
        assert_eq!(wilson(0.0, 0.0), None);
    }

    #[test]
    fn what_rounds_to_zero_has_no_sign() {
        assert_eq!(signed(-0.0004), "0.000");
        assert_eq!(signed(-0.0312), "−0.031");
        assert_eq!(signed(0.25), "+0.250");
    }

    #[test]
    fn counts_and_lists_are_written_as_people_say_them() {
        assert_eq!(
            [0, 1, 1_234_567].map(|number| counted(number, "dropout")),
            ["0 dropouts", "1 dropout", "1,234,567 dropouts"]
        );
        let words = ["a", "b", "c"].map(str::to_owned);
        assert_eq!([0, 1, 2, 3].map(|length| listed(&words[..length])), ["", "a", "a and b", "a, b and c"]);
    }
}
