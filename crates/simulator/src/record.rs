//! The record of a simulation beside its log: `simulation.json`.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::config::SimulatorConfig;
use crate::counts::SimulationCounts;
use crate::format::SimulatedFormat;
use crate::messages::MessageCounts;
use crate::ranking::WeekRanking;

/// Describes a simulation in figures. Equal configurations have equal records.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SimulationRecord {
    /// Name of the format.
    pub format: &'static str,
    /// Seed of the configuration.
    pub seed: u64,
    /// Number of learners.
    pub learners: u64,
    /// Number of courses.
    pub courses: u32,
    /// Number of weeks of a course.
    pub weeks: u32,
    /// Number of enrolments.
    pub enrolments: u64,
    /// Number of them that end in dropout.
    pub dropouts: u64,
    /// Share of dropouts, 0 to 1.
    pub dropout_rate: f64,
    /// Figures of the log.
    pub log: LogRecord,
    /// Counts of unusual enrolments.
    pub people: PeopleRecord,
    /// By cut-off: greatest AUC that a forecast can reach.
    pub reachable: Vec<ReachableAuc>,
    /// Messages to learners, where there were any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub messages: Option<MessageRecord>,
    /// Names of all files of the folder, in bytewise order: what a simulation that replaces it may remove.
    pub files: Vec<String>,
}

/// Describes a simulated log in figures.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LogRecord {
    /// Bytes of the log.
    pub bytes: u64,
    /// Requested bytes, if a size was requested.
    pub asked_bytes: Option<u64>,
    /// Value of `activity.scale` that made it.
    pub activity_scale: f64,
    /// Number of events.
    pub events: u64,
    /// Number of whole rows.
    pub rows: u64,
    /// Broken rows by the reason under which a reader rejects them or sets them aside.
    pub broken: BTreeMap<&'static str, u64>,
    /// Events that are written twice.
    pub duplicates: u64,
    /// Events of signing in. In edX's logs these rows belong to no course, and a reader sets them aside.
    pub sign_ins: u64,
    /// Submitted quizzes and assignments.
    pub submissions: u64,
}

/// Describes messages to learners, and the truth about them.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct MessageRecord {
    /// Enrolments of which the truth is known.
    pub enrolments: u64,
    /// Messages sent.
    pub sent: u64,
    /// Mean of what a message adds to the probability of an event in the week after, over these enrolments.
    pub mean_effect_on_activity: f64,
    /// Mean of what it adds to the probability of dropout.
    pub mean_effect_on_dropout: f64,
}

/// Counts unusual enrolments, and all enrolments by intent.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PeopleRecord {
    /// Enrolments that began after the first week.
    pub late_joiners: u64,
    /// Enrolments that came back after leaving.
    pub returners: u64,
    /// Enrolments that unregistered before the course was over (not logged in KDD Cup 2015's layout).
    pub unregistered: u64,
    /// Enrolments whose account two people used.
    pub shared_accounts: u64,
    /// Enrolments with a wrong device clock.
    pub skewed_clocks: u64,
    /// Enrolments by name of the intent.
    pub by_intent: BTreeMap<String, u64>,
}

/// Holds the greatest AUC that a forecast can reach at a cut-off, over the cohort `all`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct ReachableAuc {
    /// Cut-off, as number of weeks seen.
    pub week: u32,
    /// Number of enrolments with an event before it.
    pub n: u64,
    /// Number of them that drop out.
    pub positives: u64,
    /// Share of dropouts, 0 to 1; `None` without enrolments.
    pub base_rate: Option<f64>,
    /// AUC of the true probabilities, rounded to 0.0001. No forecast exceeds it except by chance. `None` when only one outcome
    /// occurs.
    pub best_auc: Option<f64>,
    /// AUC of the time since the last event alone.
    pub recency_auc: Option<f64>,
}

impl SimulationRecord {
    /// Makes the record.
    pub(crate) fn new(
        config: &SimulatorConfig,
        format: SimulatedFormat,
        asked_bytes: Option<u64>,
        counts: &SimulationCounts,
        rankings: &[WeekRanking],
        messages: &MessageCounts,
        files: &[String],
    ) -> Self {
        let mut files = files.to_vec();
        files.sort_unstable();
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
            messages: (messages.rows > 0).then(|| MessageRecord {
                enrolments: messages.rows,
                sent: messages.sent,
                mean_effect_on_activity: messages.active_added / messages.rows as f64,
                mean_effect_on_dropout: messages.dropout_added / messages.rows as f64,
            }),
            reachable: rankings.iter().map(ReachableAuc::from_ranking).collect(),
            files,
        }
    }

    /// Returns the content of `simulation.json`.
    pub(crate) fn to_json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).expect("numbers and names have a JSON form");
        text.push('\n');
        text
    }
}

impl ReachableAuc {
    fn from_ranking(ranking: &WeekRanking) -> Self {
        let &WeekRanking { weeks, n, positives, best_auc, recency_auc } = ranking;
        let rounded = |value: f64| (value * 1e4).round() / 1e4;
        Self {
            week: weeks,
            n,
            positives,
            base_rate: (n > 0).then(|| positives as f64 / n as f64),
            best_auc: best_auc.map(rounded),
            recency_auc: recency_auc.map(rounded),
        }
    }
}
