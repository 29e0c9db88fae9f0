//! A worklist in counts.

use std::collections::BTreeMap;

use serde::Serialize;

use super::candidate::Candidate;
use super::choose::{Decision, WhyNot};
use super::settings::WorklistSettings;

/// Holds the counts of a worklist, and the rule of platforms beside it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct WorklistSummary {
    /// The cut-off asked for.
    pub week: u16,
    /// Places for each tutor.
    pub capacity: usize,
    /// Tutors; 1 where learners are not dealt out.
    pub tutors: usize,
    /// The band of probabilities.
    pub band: [f64; 2],
    /// Whether places go by estimated effects.
    pub by_uplift: bool,
    /// Learners on the list.
    pub to_contact: u64,
    /// Of these, drawn at random.
    pub explored: u64,
    /// Learners for a word of praise.
    pub to_praise: u64,
    /// Others, by why they are on no list.
    pub others: BTreeMap<WhyNot, u64>,
    /// Learners whom the rule of platforms names: no visit for seven days.
    pub named_by_rule: u64,
    /// Of the learners to contact, those whom the rule misses.
    pub missed_by_rule: u64,
    /// Learners who were on the list before, and are back.
    pub back: u64,
    /// Learners on a list whom the run was fitted on.
    pub trained_on: u64,
}

impl WorklistSummary {
    /// Counts.
    #[must_use]
    pub fn new(
        candidates: &[Candidate],
        decisions: &[Decision],
        settings: &WorklistSettings,
        capacity: usize,
        week: u16,
    ) -> Self {
        let pairs = || candidates.iter().zip(decisions);
        let count = |keep: &dyn Fn(&Candidate, &Decision) -> bool| {
            pairs().filter(|&(one, decision)| keep(one, decision)).count() as u64
        };
        let is_act = |decision: &Decision| matches!(decision, Decision::Act { .. });
        let mut others = BTreeMap::new();
        for why in decisions.iter().filter_map(|decision| decision.why_not()) {
            *others.entry(why).or_default() += 1;
        }
        let tutors: std::collections::BTreeSet<Option<&str>> =
            candidates.iter().filter(|one| one.forecast.is_ok()).map(|one| one.tutor.as_deref()).collect();
        let has_uplift = |one: &Candidate| one.forecast.as_ref().is_ok_and(|forecast| forecast.uplift.is_some());
        Self {
            week,
            capacity,
            tutors: tutors.len().max(1),
            band: [settings.band_from, settings.band_to],
            by_uplift: candidates.iter().any(has_uplift),
            to_contact: count(&|_, decision| is_act(decision)),
            explored: count(&|_, decision| {
                matches!(decision, Decision::Act { selection: super::choose::ChosenBy::Exploration, .. })
            }),
            to_praise: count(&|_, decision| matches!(decision, Decision::Praise { .. })),
            named_by_rule: count(&|one, _| one.forecast.is_ok() && one.is_named_by_rule()),
            missed_by_rule: count(&|one, decision| is_act(decision) && !one.is_named_by_rule()),
            back: count(&|one, _| one.is_back()),
            trained_on: count(&|one, decision| one.trained_on && decision.why_not().is_none()),
            others,
        }
    }
}
