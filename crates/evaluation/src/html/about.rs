//! All that a page says beyond the figures, given by the caller.

use std::collections::BTreeMap;

use crate::report::ModelComparison;

/// Describes the run that was evaluated. Every text is printed as it is given (escaped); none may name a learner.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct About {
    /// Name of the run.
    pub run: String,
    /// The model in a few words ("five LSTMs with 64 units, their mean").
    pub model: String,
    /// The label rule in words that finish "A learner counts as dropped out who …"; the rule's own name is printed when
    /// empty.
    pub dropout_words: String,
    /// The data in a few words: its source, and how many courses, enrolments and weeks it has.
    pub data: String,
    /// Fingerprint of the data.
    pub data_fingerprint: String,
    /// The split into training set and test, in words.
    pub split: String,
    /// Names of the features that the model reads.
    pub features: Vec<String>,
    /// Where it was computed.
    pub device: String,
    /// Seeds of the run.
    pub seeds: Vec<u64>,
    /// The run's configuration, (key, value) a line.
    pub configuration: Vec<(String, String)>,
    /// Version of Staycast that wrote the page.
    pub staycast_version: String,
    /// The person or office to ask; nobody is named when empty.
    pub contact: String,
    /// Enrolments that the caller left out before the report, by reason.
    pub left_out: BTreeMap<String, u64>,
    /// Results of the leakage self-test; `None` if it was not run, which the page says.
    pub leakage: Option<Vec<LeakageCheck>>,
    /// Other models on the same rows, each compared with this one (this model first).
    pub compared: Vec<Compared>,
    /// Further notes in whole sentences, such as how many repeats the figures are the mean of.
    pub notes: Vec<String>,
}

/// Holds one check of the leakage self-test.
#[derive(Debug, Clone, PartialEq)]
pub struct LeakageCheck {
    /// The check in a few words.
    pub name: String,
    /// Its outcome.
    pub outcome: LeakageOutcome,
    /// Figures and names, in a sentence.
    pub detail: String,
}

/// Lists the outcomes of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeakageOutcome {
    /// Nothing leaks, as far as the check sees.
    Passed,
    /// Something may leak: the figures are not to be trusted before it is understood.
    Failed,
    /// It was not run.
    NotRun,
}

/// Compares this model with another on the same rows.
#[derive(Debug, Clone, PartialEq)]
pub struct Compared {
    /// The other model's name.
    pub name: String,
    /// This model against it, on cohort `all`.
    pub all: ModelComparison,
    /// This model against it, on cohort `active`.
    pub active: ModelComparison,
}
