//! Reasons for missing figures, said once beneath a table.

use std::collections::BTreeMap;

use askama::Template;
use askama::filters::HtmlSafe;

use crate::numbers::{count, listed};
use crate::report::{Slice, TooFew, metric_name};

/// Explains the dashes of a table, each reason once. Empty where nothing is missing.
#[derive(Debug, Default, Template)]
#[template(path = "reasons.html")]
pub(super) struct Reasons(Vec<String>);

impl HtmlSafe for Reasons {}

impl Reasons {
    /// Collects the reasons of undefined metrics. An interval that does not exist is not explained.
    pub(super) fn from_metrics(undefined: &BTreeMap<&'static str, &'static str>) -> Self {
        Self::from_columns(&[("", undefined)])
    }

    /// Collects the reasons of undefined metrics of several columns, each with the words that say whose they are.
    pub(super) fn from_columns(columns: &[(&str, &BTreeMap<&'static str, &'static str>)]) -> Self {
        Self(columns.iter().flat_map(|(whose, undefined)| sentences(whose, undefined)).collect())
    }

    /// Collects the reasons of those undefined metrics that a table shows.
    pub(super) fn from_metrics_among(undefined: &BTreeMap<&'static str, &'static str>, shown: &[&str]) -> Self {
        let of_table = undefined.iter().filter(|(metric, _)| shown.contains(metric));
        Self::from_metrics(&of_table.map(|(metric, reason)| (*metric, *reason)).collect())
    }

    /// Collects one reason.
    pub(super) fn from_reason(reason: &str) -> Self {
        Self(vec![reason.to_owned()])
    }

    /// Says once which size the lines without figures lack; `noun` is what a line stands for.
    pub(super) fn from_sizes<'a>(slices: impl Iterator<Item = &'a Slice>, noun: &str) -> Self {
        let refused: Vec<TooFew> = slices.filter_map(|slice| slice.refused).collect();
        let needed = refused.first().map(|refusal| refusal.needed);
        let sentence = |needed: crate::report::MinimumSize| {
            format!(
                "too few learners to conclude anything about this {noun}; it takes {}, with {} of each outcome",
                count(needed.rows),
                count(needed.per_class)
            )
        };
        Self(needed.map(sentence).into_iter().collect())
    }
}

/// Writes a sentence for each reason.
fn sentences(whose: &str, undefined: &BTreeMap<&'static str, &'static str>) -> Vec<String> {
    let mut by_reason: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (metric, reason) in undefined {
        if let Some(name) = metric_name(metric) {
            by_reason.entry(reason).or_default().push(name.to_owned());
        }
    }
    by_reason.iter().map(|(reason, metrics)| format!("no {}{whose}: {reason}", listed(metrics))).collect()
}
