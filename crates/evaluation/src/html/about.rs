//! What a page says beyond the figures: told by the caller, in words.

use std::collections::BTreeMap;

use crate::report::ModelComparison;

/// What was evaluated. Every text is printed as it is given (escaped); none may name a learner.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct About {
    /// Name of the run.
    pub run: String,
    /// The model in a few words ("five LSTMs with 64 units, their mean").
    pub model: String,
    /// What counts as dropout, in words that finish "A learner counts as dropped out who …"; the rule's own name when
    /// empty.
    pub dropout_words: String,
    /// The data in a few words: what it is, from where, how many courses, enrolments and weeks.
    pub data: String,
    /// Fingerprint of the data.
    pub data_fingerprint: String,
    /// How test and training were parted, in words.
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
    /// Whom to ask; nobody is named when empty.
    pub contact: String,
    /// Enrolments that the caller left out before the report, by reason.
    pub left_out: BTreeMap<String, u64>,
    /// What the leakage self-test found; `None` if it was not run, which the page says.
    pub leakage: Option<Vec<LeakageCheck>>,
    /// Other models on the same rows, each compared with this one (this model first).
    pub compared: Vec<Compared>,
    /// What else the page is about, such as how many repeats its figures are the mean of, in whole sentences.
    pub notes: Vec<String>,
}

/// One check of the leakage self-test.
#[derive(Debug, Clone, PartialEq)]
pub struct LeakageCheck {
    /// What was checked, in a few words.
    pub name: String,
    /// What came of it.
    pub outcome: LeakageOutcome,
    /// Figures and names, in a sentence.
    pub detail: String,
}

/// What came of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeakageOutcome {
    /// Nothing leaks, as far as the check sees.
    Passed,
    /// Something may leak: the figures are not to be trusted before it is understood.
    Failed,
    /// It was not run.
    NotRun,
}

/// Another model on the same rows.
#[derive(Debug, Clone, PartialEq)]
pub struct Compared {
    /// The other model's name.
    pub name: String,
    /// This model against it, on cohort `all`.
    pub all: ModelComparison,
    /// This model against it, on cohort `active`.
    pub active: ModelComparison,
}
