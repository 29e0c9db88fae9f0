//! What is told of a simulation beside its log: `simulation.json`.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::config::SimulatorConfig;
use crate::counts::Counts;
use crate::formats::Format;
use crate::ranking::Reachable;

/// A simulation in figures; the same for equal configurations.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Record {
    /// Name of the format.
    pub format: &'static str,
    /// The configuration's.
    pub seed: u64,
    /// People.
    pub learners: u64,
    /// Courses.
    pub courses: u32,
    /// Weeks of a course.
    pub weeks: u32,
    /// Enrolments.
    pub enrolments: u64,
    /// Those of them that end in dropout.
    pub dropouts: u64,
    /// Their share, 0 to 1.
    pub dropout_rate: f64,
    /// The log.
    pub log: LogRecord,
    /// Enrolments that are out of the ordinary.
    pub people: PeopleRecord,
    /// By cut-off: what a forecast can reach.
    pub reachable: Vec<ReachableRecord>,
}

/// A simulated log in figures.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LogRecord {
    /// Its bytes.
    pub bytes: u64,
    /// Bytes asked for, if any were.
    pub asked_bytes: Option<u64>,
    /// `activity.scale` with which it was made.
    pub activity_scale: f64,
    /// Things done.
    pub events: u64,
    /// Rows, the broken ones not counted.
    pub rows: u64,
    /// Broken rows, by the reason under which a reader rejects them or sets them aside.
    pub broken: BTreeMap<&'static str, u64>,
    /// Events that are there twice.
    pub duplicates: u64,
    /// Times that people signed in. In edX's logs these rows are of no course, and a reader sets them aside.
    pub sign_ins: u64,
    /// Quizzes and assignments handed in.
    pub submissions: u64,
}

/// Enrolments that are out of the ordinary, and all of them by intent.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PeopleRecord {
    /// Began after the first week.
    pub late_joiners: u64,
    /// Came back after having left.
    pub returners: u64,
    /// Unregistered before the course was over (not logged in KDD Cup 2015's layout).
    pub unregistered: u64,
    /// Two people used the account.
    pub shared_accounts: u64,
    /// A device's clock was wrong.
    pub skewed_clocks: u64,
    /// By name of the intent, auditing among them.
    pub by_intent: BTreeMap<String, u64>,
}

/// How well a forecast can do at a cut-off, over the cohort `all`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct ReachableRecord {
    /// The cut-off: weeks seen.
    pub week: u32,
    /// Enrolments with an event before it.
    pub n: u64,
    /// Those of them that drop out.
    pub positives: u64,
    /// Their share, 0 to 1; none of nobody.
    pub base_rate: Option<f64>,
    /// AUC of the true probabilities, to 0.0001: no forecast is better but by luck. None when only one outcome occurs.
    pub best_auc: Option<f64>,
    /// AUC of the time since the last event alone.
    pub recency_auc: Option<f64>,
}

impl Record {
    pub(crate) fn new(
        config: &SimulatorConfig,
        format: Format,
        asked_bytes: Option<u64>,
        counts: &Counts,
        reachable: &[Reachable],
    ) -> Self {
        let names = config.intents.iter().map(|intent| intent.name.clone());
        Self {
            format: format.name(),
            seed: config.seed,
            learners: counts.learners,
            courses: config.courses,
            weeks: config.weeks,
            enrolments: counts.enrolments,
            dropouts: counts.dropouts,
            dropout_rate: counts.dropouts as f64 / counts.enrolments as f64,
            log: LogRecord {
                bytes: counts.log_bytes,
                asked_bytes,
                activity_scale: config.activity.scale,
                events: counts.events,
                rows: counts.rows,
                broken: counts.broken.by_reason(format).collect(),
                duplicates: counts.duplicates,
                sign_ins: counts.sign_ins,
                submissions: counts.submissions,
            },
            people: PeopleRecord {
                late_joiners: counts.late_joiners,
                returners: counts.returners,
                unregistered: counts.unregistered,
                shared_accounts: counts.shared_accounts,
                skewed_clocks: counts.skewed_clocks,
                by_intent: names.zip(counts.intents.iter().copied()).collect(),
            },
            reachable: reachable.iter().map(ReachableRecord::of).collect(),
        }
    }

    pub(crate) fn to_json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).expect("numbers and names have a JSON form");
        text.push('\n');
        text
    }
}

impl ReachableRecord {
    fn of(reachable: &Reachable) -> Self {
        let &Reachable { week, n, positives, best_auc, recency_auc } = reachable;
        let rounded = |value: f64| (value * 1e4).round() / 1e4;
        Self {
            week,
            n,
            positives,
            base_rate: (n > 0).then(|| positives as f64 / n as f64),
            best_auc: best_auc.map(rounded),
            recency_auc: recency_auc.map(rounded),
        }
    }
}
