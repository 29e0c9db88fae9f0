//! Decides what a configuration leaves to the data: the target week, and whether there is a second task to learn.

use staycast_sequences::{CutOff, Dataset};

use crate::config::{Adaptation, CheckedConfig, NoNextWeek, TrainingConfig};
use crate::examples::activity_column;
use crate::model_kind::SingleModel;
use crate::reach::too_late;

impl CheckedConfig {
    /// Returns the configuration with what it leaves to the data decided: the target week, where none is set, and no second
    /// task, where its weight is the default and there is no next week to learn from. What became other than usual is
    /// listed in [`CheckedConfig::adaptations`].
    #[must_use]
    pub fn adapted_to(&self, data: &Dataset) -> Self {
        let mut adapted = self.clone();
        adapted.adaptations.clear();
        let usual = self.training.target;
        if self.written().training.target_week == TrainingConfig::TARGET_BY_DATA
            && let Some(chosen) = last_for_most(data, usual, self.training.proxy.is_some())
            && chosen < usual
        {
            adapted.training.target = chosen;
            adapted.adaptations.push(Adaptation::TargetWeek { usual, chosen });
        }
        let default = self.training.next_week == Some(TrainingConfig::default().next_week);
        if default && let Some(why) = no_next_week(data) {
            adapted.training.next_week = None;
            if self.model.may_be(SingleModel::Lstm) {
                adapted.adaptations.push(Adaptation::NoSecondTask(why));
            }
        }
        adapted
    }
}

/// Returns the last cut-off up to `usual` at which a forecast can be made in the courses of at least half of the enrolments
/// that can be learnt from; `None` where none can be made in any.
fn last_for_most(data: &Dataset, usual: CutOff, without_labels: bool) -> Option<CutOff> {
    let rule = data.manifest.labels.rule;
    let mut enrolments = vec![0_u64; data.courses.len()];
    for row in data.enrolments.iter().filter(|row| without_labels || row.dropout.is_some()) {
        enrolments[row.course.as_usize()] += 1;
    }
    let reached = |cut_off: CutOff| -> u64 {
        let courses = data.courses.iter().zip(&enrolments);
        courses.filter(|(course, _)| too_late(course, rule, cut_off).is_none()).map(|(_, count)| count).sum()
    };
    let all = CutOff::up_to(usual).map(reached).max().filter(|&all| all > 0)?;
    CutOff::up_to(usual).rev().find(|&cut_off| 2 * reached(cut_off) >= all)
}

/// Says why there is no next week to learn from; `None` where there is one.
fn no_next_week(data: &Dataset) -> Option<NoNextWeek> {
    if activity_column(data).is_none() {
        return Some(NoNextWeek::ActivityUnknown);
    }
    let seen = data.courses.iter().map(|course| course.observed_weeks.min(course.weeks) as usize).max();
    (seen.unwrap_or(0).min(data.weeks) < 2).then_some(NoNextWeek::OneWeek)
}
