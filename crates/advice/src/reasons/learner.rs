//! The explanation of one enrolment, as files have it.

use serde::Serialize;
use staycast_weeks::{CutOff, Exclusion, serialize_status, status};

use super::behaviour::Behaviour;
use super::reason::{BehaviourReading, Finding, LEAST_EFFECT};

/// Is the change of a probability from one week to the next from which on it is told.
pub(crate) const TOLD_CHANGE: f64 = 0.05;

/// Holds a row of explanations: one an enrolment.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LearnerRow {
    /// The course.
    pub course_id: String,
    /// The enrolment.
    pub enrolment_id: String,
    /// The learner.
    pub learner_id: String,
    /// The cut-off asked for.
    pub week: CutOff,
    /// Why there is no forecast; `None` where there is one. Files have it as `status`, see [`LearnerRow::status`].
    #[serde(rename = "status", serialize_with = "serialize_status")]
    pub exclusion: Option<Exclusion>,
    /// Explains the status; empty for a plain forecast.
    pub status_reason: String,
    /// Whether the run was fitted on this learner.
    pub trained_on: bool,
    /// The explanation, where there is a forecast.
    #[serde(flatten)]
    pub explained: Option<ExplainedLearner>,
}

impl LearnerRow {
    /// Returns the status as files have it: `scored`, or the name of the exclusion.
    #[must_use]
    pub fn status(&self) -> &'static str {
        status(self.exclusion)
    }
}

/// Names whom a learner is compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Compared {
    /// The mean of those still active in the course.
    ActiveInCourse,
    /// The mean of the run's training set, as the course has too few active learners.
    TrainingSet,
}

impl Compared {
    /// Returns the name in files.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::ActiveInCourse => "active_in_course",
            Self::TrainingSet => "training_set",
        }
    }
}

/// Explains a forecast.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ExplainedLearner {
    /// The weeks that the forecast rests on.
    pub seen: CutOff,
    /// Calibrated probability of dropout.
    pub p_dropout: f64,
    /// The forecast a week before, where there was one.
    pub p_before: Option<f64>,
    /// The forecast for whom the learner is compared with.
    pub p_compared: f64,
    /// Whom that is.
    pub compared_with: Compared,
    /// Log odds by which what all inputs add is off the difference from the comparison.
    pub completeness_error: f64,
    /// By behaviour: reasons first.
    pub behaviours: Vec<BehaviourReading>,
}

impl ExplainedLearner {
    /// Lists the reasons for concern, the largest first.
    pub fn concerns(&self) -> impl Iterator<Item = &BehaviourReading> {
        self.behaviours.iter().filter(|one| one.finding == Finding::RaisesRisk)
    }

    /// Lists what the learner does well, the largest first.
    pub fn strengths(&self) -> impl Iterator<Item = &BehaviourReading> {
        self.behaviours.iter().filter(|one| one.finding == Finding::LowersRisk)
    }

    /// Lists behaviours on which the methods differ.
    pub fn differing(&self) -> impl Iterator<Item = Behaviour> {
        self.behaviours.iter().filter(|one| one.finding == Finding::MethodsDiffer).map(|one| one.behaviour)
    }

    /// Says how the forecast moved since the week before, and with which behaviour most; `None` where it hardly did.
    #[must_use]
    pub fn change(&self) -> Option<String> {
        let before = self.p_before?;
        let moved = self.p_dropout - before;
        if moved.abs() < TOLD_CHANGE {
            return None;
        }
        // Named only where no other behaviour moved the forecast more.
        let of = |one: &&BehaviourReading| one.change.map_or(0.0, |change| change * moved.signum());
        let most = self.behaviours.iter().max_by(|a, b| of(a).total_cmp(&of(b)));
        let most = most.filter(|one| one.behaviour.is_of_the_learner() && of(one) >= LEAST_EFFECT);
        let with = most.map_or_else(String::new, |one| format!(", mostly with {}", one.behaviour));
        let (direction, before) = (if moved > 0.0 { "up" } else { "down" }, 100.0 * before);
        Some(format!("{direction} from {before:.0} % the week before{with}"))
    }
}
