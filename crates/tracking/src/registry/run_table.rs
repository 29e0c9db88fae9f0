//! The table: settings and facts that differ, figures, and the order of the rows.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::Value;

/// Holds what a table needs of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct RunEntry {
    /// Name, as that of its folder.
    pub name: String,
    /// Manifest.
    pub manifest: Value,
    /// Configuration by dotted key (`training.epochs`), values as TOML writes them.
    pub settings: BTreeMap<String, String>,
    /// Figures by name. One that is not finite counts as missing.
    pub figures: BTreeMap<String, f64>,
}

/// Says which values of a figure come first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BetterValue {
    /// The highest, as of an AUC.
    Higher,
    /// The lowest, as of a loss.
    Lower,
    /// The lowest of a count, which is printed without decimals.
    Fewer,
}

/// Describes the table that is wanted.
#[derive(Clone, Copy, Debug)]
pub struct RunTableRequest<'a> {
    /// Runs to compare.
    pub runs: &'a [RunEntry],
    /// Facts of the manifests that are compared beside the settings, by dotted key (`data.fingerprint`). A list or an object is
    /// one value.
    pub facts: &'a [&'a str],
    /// Figures to show, in this order, and which of their values come first.
    pub figures: &'a [(&'a str, BetterValue)],
    /// Key to sort by: a figure (best first), a setting or a fact (smallest first, as numbers where all are), or `name`.
    /// In the order of `runs` when `None`. Runs without it come last; equal ones by name.
    pub sort: Option<&'a str>,
}

/// Holds the compared runs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RunTable {
    /// Settings and facts that differ, in bytewise order, facts after settings.
    pub differing: Vec<String>,
    /// Figures that any run has.
    pub figures: Vec<String>,
    /// Those of [`RunTable::figures`] that are counts.
    #[serde(skip)]
    pub counts: BTreeSet<String>,
    /// Settings and facts that are the same in all runs.
    pub same: u64,
    /// Rows in the order asked for.
    pub runs: Vec<RunRow>,
}

/// Holds a run's row.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RunRow {
    /// Name of the run.
    pub name: String,
    /// Values by [`RunTable::differing`]; `None` where it has none.
    pub settings: BTreeMap<String, Option<String>>,
    /// Values by [`RunTable::figures`]; `None` where it has none.
    pub figures: BTreeMap<String, Option<f64>>,
}

/// Says why there is no table.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RegistryError {
    /// No run has anything of that name.
    #[error("runs can't be sorted by `{key}`; they can by {}", .known.join(", "))]
    UnknownKey {
        /// Key that was asked for.
        key: String,
        /// Keys that there are.
        known: Vec<String>,
    },
}

impl RunTable {
    /// Compares runs.
    ///
    /// # Errors
    /// When no run has what is to be sorted by.
    pub fn new(request: &RunTableRequest<'_>) -> Result<Self, RegistryError> {
        let runs: Vec<Compared<'_>> = request.runs.iter().map(|run| Compared::new(run, request.facts)).collect();
        let keys: BTreeSet<&str> =
            request.runs.iter().flat_map(|run| run.settings.keys().map(String::as_str)).collect();
        let facts: Vec<&str> = request
            .facts
            .iter()
            .copied()
            .filter(|fact| !keys.contains(fact) && runs.iter().any(|run| run.values.contains_key(fact)))
            .collect();
        let all: Vec<&str> = keys.iter().copied().chain(facts).collect();
        let differs = |key: &&str| runs.windows(2).any(|pair| pair[0].values.get(key) != pair[1].values.get(key));
        let differing: Vec<&str> = all.iter().copied().filter(differs).collect();
        let has_figure = |name: &str| runs.iter().any(|run| run.figure(name).is_some());
        let figures: Vec<(&str, BetterValue)> =
            request.figures.iter().copied().filter(|(name, _)| has_figure(name)).collect();

        let mut order: Vec<&Compared<'_>> = runs.iter().collect();
        if let Some(key) = request.sort {
            if let Some(&(_, better)) = figures.iter().find(|(name, _)| *name == key) {
                order.sort_by(|one, other| {
                    by_figure(one, other, key, better).then_with(|| one.name().cmp(other.name()))
                });
            } else if all.contains(&key) {
                let numeric = runs.iter().filter_map(|run| run.values.get(key)).all(|value| number(value).is_some());
                order.sort_by(|one, other| {
                    by_value(one, other, key, numeric).then_with(|| one.name().cmp(other.name()))
                });
            } else if key == "name" {
                order.sort_by_key(|run| run.name());
            } else {
                let known = figures.iter().map(|(name, _)| *name).chain(["name"]).chain(differing.iter().copied());
                return Err(RegistryError::UnknownKey {
                    key: key.to_owned(),
                    known: known.map(str::to_owned).collect(),
                });
            }
        }
        let row = |run: &&Compared<'_>| RunRow {
            name: run.name().to_owned(),
            settings: differing.iter().map(|&key| (key.to_owned(), run.values.get(key).cloned())).collect(),
            figures: figures.iter().map(|&(name, _)| (name.to_owned(), run.figure(name))).collect(),
        };
        Ok(Self {
            same: (all.len() - differing.len()) as u64,
            runs: order.iter().map(row).collect(),
            differing: differing.into_iter().map(str::to_owned).collect(),
            counts: figures
                .iter()
                .filter(|(_, better)| *better == BetterValue::Fewer)
                .map(|(name, _)| (*name).to_owned())
                .collect(),
            figures: figures.into_iter().map(|(name, _)| name.to_owned()).collect(),
        })
    }
}

/// Holds a run with its settings and facts in one map.
struct Compared<'a> {
    run: &'a RunEntry,
    values: BTreeMap<&'a str, String>,
}

impl<'a> Compared<'a> {
    fn new(run: &'a RunEntry, facts: &[&'a str]) -> Self {
        let facts = facts.iter().filter_map(|&key| Some((key, fact(&run.manifest, key)?)));
        // A setting wins over a fact of its name.
        let settings = run.settings.iter().map(|(key, value)| (key.as_str(), value.clone()));
        Self { run, values: facts.chain(settings).collect() }
    }

    fn name(&self) -> &'a str {
        &self.run.name
    }

    fn figure(&self, name: &str) -> Option<f64> {
        self.run.figures.get(name).copied().filter(|value| value.is_finite())
    }
}

/// Returns a manifest's value under a dotted key; `None` for null.
fn fact(manifest: &Value, key: &str) -> Option<String> {
    match key.split('.').try_fold(manifest, |value, part| value.get(part))? {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

fn number(value: &str) -> Option<f64> {
    value.parse().ok().filter(|value: &f64| !value.is_nan())
}

fn by_figure(one: &Compared<'_>, other: &Compared<'_>, name: &str, better: BetterValue) -> Ordering {
    match (one.figure(name), other.figure(name)) {
        (Some(one), Some(other)) if better == BetterValue::Higher => other.total_cmp(&one),
        (Some(one), Some(other)) => one.total_cmp(&other),
        (one, other) => other.is_some().cmp(&one.is_some()),
    }
}

fn by_value(one: &Compared<'_>, other: &Compared<'_>, key: &str, numeric: bool) -> Ordering {
    match (one.values.get(key), other.values.get(key)) {
        (Some(one), Some(other)) => match (number(one), number(other)) {
            (Some(one), Some(other)) if numeric => one.total_cmp(&other),
            _ => one.cmp(other),
        },
        (one, other) => other.is_some().cmp(&one.is_some()),
    }
}
