//! Who is forecast at which week, and which of these rows have an answer to learn from.

use staycast_sequences::{Dataset, DropoutRule, Status, standing};

/// How every enrolment stands at every cut-off, and its answer. Cut-off k is stored at index k - 1, the week that it
/// ends.
#[derive(Clone, Debug)]
pub(crate) struct Examples {
    weeks: usize,
    status: Vec<Status>,
    label: Vec<Option<bool>>,
    /// By enrolment: the latest cut-off that is whole, observed and before the label's own window.
    last_cutoff: Vec<u32>,
}

impl Examples {
    /// Looks at all enrolments of `data` at the cut-offs 1 to `weeks`.
    pub(crate) fn of(data: &Dataset, weeks: usize) -> Self {
        let enrolments = data.enrolments.len();
        let cutoffs = 1..=u32::try_from(weeks).expect("a course has few weeks");
        let status = (0..enrolments)
            .flat_map(|enrolment| cutoffs.clone().map(move |cutoff| standing(data, enrolment, cutoff).status))
            .collect();
        let rule = data.manifest.labels.rule;
        let last_cutoff =
            (0..enrolments).map(|enrolment| last_cutoff(data, rule, enrolment).min(weeks as u32)).collect();
        let label = data.enrolments.iter().map(|row| row.dropout).collect();
        Self { weeks, status, label, last_cutoff }
    }

    /// Cut-offs looked at.
    pub(crate) fn weeks(&self) -> usize {
        self.weeks
    }

    /// Whether the enrolment dropped out, where known.
    pub(crate) fn label(&self, enrolment: usize) -> Option<bool> {
        self.label[enrolment]
    }

    /// How the enrolment stands at the end of week index `week`.
    pub(crate) fn status(&self, enrolment: usize, week: usize) -> Status {
        self.status[enrolment * self.weeks + week]
    }

    /// Whether what is known at the end of week index `week` may be learnt from: the enrolment is known by then, its
    /// answer is known now, and none of the answer had been seen by then.
    pub(crate) fn learnable(&self, enrolment: usize, week: usize) -> bool {
        self.label[enrolment].is_some()
            && (week as u32) < self.last_cutoff[enrolment]
            && matches!(self.status(enrolment, week), Status::Scored | Status::Withdrawn)
    }

    /// Whether the row is one to judge a forecast by: learnable, and not gone already.
    pub(crate) fn judged(&self, enrolment: usize, week: usize) -> bool {
        self.learnable(enrolment, week) && self.status(enrolment, week) == Status::Scored
    }
}

/// The latest cut-off of an enrolment's course that is whole, was observed, and lies before the label's window.
pub(crate) fn last_cutoff(data: &Dataset, rule: DropoutRule, enrolment: usize) -> u32 {
    let course = data.course_of(enrolment);
    rule.last_cutoff_week(course.cut()).min(course.weeks).min(course.observed_weeks)
}

/// The greatest [`last_cutoff`] of all courses.
pub(crate) fn greatest_cutoff(data: &Dataset) -> u32 {
    let rule = data.manifest.labels.rule;
    (0..data.enrolments.len()).map(|enrolment| last_cutoff(data, rule, enrolment)).max().unwrap_or(0)
}
