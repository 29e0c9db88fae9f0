//! Small pieces of markup: figures with captions, tables, cells of metrics, numbers in words.

use std::collections::BTreeMap;

use super::NamedDrawing;
use crate::figures::Drawing;
use crate::markup::escape;
use crate::metrics::Metric;
use crate::report::Cohort;
use crate::text::{count, decimal, percent};

/// Two-sided 95 % point of the normal distribution.
const Z_95: f64 = 1.959_963_984_540_054;

/// A name that came out of a log: escaped, and its direction its own.
pub(super) fn name(text: &str) -> String {
    if text.trim().is_empty() { "<i>(no name)</i>".to_owned() } else { format!("<bdi>{}</bdi>", escape(text)) }
}

/// A paragraph of plain text.
pub(super) fn paragraph(text: &str) -> String {
    format!("<p>{}</p>", escape(text))
}

/// How to read what follows: one sentence.
pub(super) fn reading(text: &str) -> String {
    format!("<p class=\"reading\">{}</p>", escape(text))
}

/// Drawings in the making of a section, each kept for its file too.
#[derive(Default)]
pub(super) struct Drawings {
    pub(super) all: Vec<NamedDrawing>,
}

impl Drawings {
    /// A figure with what it shows, or the sentence that says why there is none. `name` becomes the file's name; the
    /// slider's place is shown in those called `roc-…` and `precision-recall-…`.
    pub(super) fn figure(&mut self, name: &str, drawing: Option<Drawing>, caption: &str, missing: &str) -> String {
        let Some(drawing) = drawing else {
            return format!("<p class=\"reasons\">{}</p>", escape(missing));
        };
        let markup = format!(
            "<figure data-name=\"{name}\">{}<figcaption>{}</figcaption></figure>",
            drawing.inline(),
            escape(caption)
        );
        self.all.push(NamedDrawing { name: name.to_owned(), drawing });
        markup
    }
}

/// A cell of a table, made of markup.
pub(super) type Cell = String;

/// What cells of words rather than figures start with.
const WORDS: &str = "<span class=\"words\">";

/// A cell of words, which is read from the left.
pub(super) fn words(markup: &str) -> Cell {
    format!("{WORDS}{markup}</span>")
}

/// A table that scrolls sideways where it is too wide. The first cell of each row is its head; cells are markup, heads
/// and caption text.
pub(super) fn table(caption: &str, heads: &[&str], rows: &[Vec<Cell>]) -> String {
    let mut markup = format!(
        "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"{0}\"><table><caption>{0}</caption><thead><tr>",
        escape(caption)
    );
    for (column, head) in heads.iter().enumerate() {
        let text = rows.iter().any(|row| row.get(column).is_some_and(|cell| cell.starts_with(WORDS)));
        let class = if text { " class=\"text\"" } else { "" };
        markup += &format!("<th scope=\"col\"{class}>{}</th>", escape(head));
    }
    markup += "</tr></thead><tbody>";
    for row in rows {
        markup += "<tr>";
        for (column, cell) in row.iter().enumerate() {
            markup += &match column {
                0 => format!("<th scope=\"row\">{cell}</th>"),
                _ if cell.starts_with(WORDS) => format!("<td class=\"text\">{cell}</td>"),
                _ => format!("<td>{cell}</td>"),
            };
        }
        markup += "</tr>";
    }
    markup + "</tbody></table></div>"
}

/// Something long, folded away but there on paper.
pub(super) fn details(summary: &str, body: &str) -> String {
    format!("<details><summary>{}</summary>{body}</details>", escape(summary))
}

/// A metric to three decimals, or a dash that says why when pointed at.
pub(super) fn metric(value: Metric) -> Cell {
    or_dash(value, decimal(value).replace('-', "−"))
}

/// A share in percent, or a dash that says why when pointed at.
pub(super) fn share(value: Metric) -> Cell {
    or_dash(value, percent(value))
}

fn or_dash(value: Metric, written: String) -> Cell {
    match value.undefined() {
        Some(undefined) => format!("<abbr title=\"{}\">–</abbr>", escape(undefined.reason())),
        None => written,
    }
}

/// A value with its interval below it.
pub(super) fn with_interval(value: Metric, low: Metric, high: Metric) -> Cell {
    match (low, high) {
        // Without any width it is an interval in name only: all scores alike, or all in the right order.
        (Metric::Value(low), Metric::Value(high)) if low < high => {
            format!("{} <span class=\"interval\">{low:.3}–{high:.3}</span>", metric(value))
        }
        _ => metric(value),
    }
}

/// A number with a sign, to three decimals; minus as a minus.
pub(super) fn signed(value: f64) -> String {
    // What rounds to zero has no sign.
    if value.abs() < 0.0005 { "0.000".to_owned() } else { format!("{value:+.3}").replace('-', "−") }
}

/// A p-value as it is usually written.
pub(super) fn p_value(p: f64) -> String {
    if p < 0.001 { "&lt; 0.001".to_owned() } else { format!("{p:.3}") }
}

/// Why figures of a cohort are missing, once for each reason; empty if none is.
pub(super) fn reasons(cohort: &Cohort) -> String {
    let mut by_reason: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (metric, reason) in &cohort.undefined {
        by_reason.entry(reason).or_default().push(metric.replace('_', " "));
    }
    let told: Vec<String> =
        by_reason.iter().map(|(reason, metrics)| format!("no {}: {reason}", metrics.join(", "))).collect();
    if told.is_empty() {
        String::new()
    } else {
        format!("<p class=\"reasons\">– means: {}.</p>", escape(&told.join("; ")))
    }
}

/// A list of counts by reason, the largest first.
pub(super) fn counted<K: AsRef<str>>(counts: impl IntoIterator<Item = (K, u64)>) -> String {
    let mut sorted: Vec<(K, u64)> = counts.into_iter().collect();
    sorted.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.as_ref().cmp(b.0.as_ref())));
    let items: Vec<String> = sorted
        .iter()
        .map(|(reason, number)| format!("<li><b>{}</b> {}</li>", count(*number), name(reason.as_ref())))
        .collect();
    format!("<ul class=\"counts\">{}</ul>", items.concat())
}

/// Wilson's (1927) 95 % interval of a share of `hits` in `of`; `None` of nothing.
pub(super) fn wilson(hits: f64, of: f64) -> Option<(f64, f64)> {
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
}
