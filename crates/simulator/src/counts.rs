//! Counts of a simulation's output.

use crate::damage::BrokenRows;
use crate::event::EventKind;
use crate::formats::layout::WrittenRows;
use crate::history::History;

/// Counts a simulation's output.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SimulationCounts {
    /// Learners.
    pub learners: u64,
    /// Enrolments.
    pub enrolments: u64,
    /// Enrolments that end in dropout.
    pub dropouts: u64,
    /// Events.
    pub events: u64,
    /// Whole rows of the log. OULAD's rows sum clicks, so there are fewer rows than events.
    pub rows: u64,
    /// Broken rows, which come in addition.
    pub(crate) broken: BrokenRows,
    /// Events that are written twice.
    pub duplicates: u64,
    /// Submitted quizzes and assignments.
    pub submissions: u64,
    /// Events of signing in.
    pub sign_ins: u64,
    /// Enrolments that began after the first week.
    pub late_joiners: u64,
    /// Enrolments that came back after leaving.
    pub returners: u64,
    /// Enrolments that were unregistered before the course was over.
    pub unregistered: u64,
    /// Enrolments whose account two people used.
    pub shared_accounts: u64,
    /// Enrolments with a wrong device clock.
    pub skewed_clocks: u64,
    /// Enrolments by intent, in the order of the configuration.
    pub intents: Vec<u64>,
    /// Bytes of the log.
    pub log_bytes: u64,
    /// Bytes of all tables.
    pub bytes: u64,
}

impl SimulationCounts {
    /// Starts counting for a number of learners and of intents.
    pub(crate) fn new(learners: u64, intents: usize) -> Self {
        Self { learners, intents: vec![0; intents], ..Self::default() }
    }

    /// Counts an enrolment.
    pub(crate) fn add_one(&mut self, history: &History, written: &WrittenRows) {
        self.enrolments += 1;
        self.dropouts += u64::from(history.dropped_out);
        self.events += history.events.len() as u64;
        self.rows += written.rows;
        self.broken.add(&written.broken);
        self.duplicates += history.doubled;
        for event in &history.events {
            self.submissions += u64::from(matches!(event.kind, EventKind::Quiz | EventKind::Assignment));
            self.sign_ins += u64::from(event.kind == EventKind::SignIn);
        }
        self.late_joiners += u64::from(history.join_week > 0);
        self.returners += u64::from(history.returned);
        self.unregistered += u64::from(history.unregistered.is_some());
        self.shared_accounts += u64::from(history.shared);
        self.skewed_clocks += u64::from(history.skew_seconds != 0);
        self.intents[history.intent] += 1;
    }

    /// Adds the counts of a block of learners, except learners and bytes.
    pub(crate) fn add(&mut self, block: &Self) {
        self.enrolments += block.enrolments;
        self.dropouts += block.dropouts;
        self.events += block.events;
        self.rows += block.rows;
        self.broken.add(&block.broken);
        self.duplicates += block.duplicates;
        self.submissions += block.submissions;
        self.sign_ins += block.sign_ins;
        self.late_joiners += block.late_joiners;
        self.returners += block.returners;
        self.unregistered += block.unregistered;
        self.shared_accounts += block.shared_accounts;
        self.skewed_clocks += block.skewed_clocks;
        for (ours, theirs) in self.intents.iter_mut().zip(&block.intents) {
            *ours += theirs;
        }
    }
}
