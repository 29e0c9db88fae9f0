//! Who is in the cohort at a cut-off, and who is not and why (PROTOCOL "Who is in").

use serde::{Deserialize, Serialize};

use crate::dataset::Dataset;

/// Why an enrolment has, or has no, forecast at a cut-off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It has a forecast.
    Scored,
    /// The course, or the enrolment, leaves no whole observed week before the cut-off.
    NotEnoughData,
    /// Neither enrolled nor seen by the cut-off.
    NotYetKnown,
    /// Withdrew before the cut-off, which is known and needs no forecast.
    Withdrawn,
    /// The course had not started when the log was taken.
    CourseNotStarted,
}

impl Status {
    /// The name used in files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Scored => "scored",
            Self::NotEnoughData => "not_enough_data",
            Self::NotYetKnown => "not_yet_known",
            Self::Withdrawn => "withdrawn",
            Self::CourseNotStarted => "course_not_started",
        }
    }
}

/// An enrolment as seen at a cut-off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Whether and why it is forecast.
    pub status: Status,
    /// Whole weeks seen: the least of the cut-off, what was observed when the log was taken, and the course's length.
    pub weeks_seen: u32,
    /// In the cohort `active`: not withdrawn or, where the source has no withdrawals, with an event in the 14 days
    /// before the cut-off. Every active enrolment is known.
    pub active: bool,
}

impl Standing {
    /// In the cohort `all`: known by the cut-off.
    #[must_use]
    pub const fn known(&self) -> bool {
        matches!(self.status, Status::Scored | Status::Withdrawn)
    }
}

/// Days without an event after which a learner is no longer in the cohort `active`, where withdrawals are not recorded.
pub const ACTIVE_WITHIN_DAYS: f32 = 14.0;

/// How `enrolment` stands at the end of week `cutoff_week` (`cutoff_week` weeks seen), judged by nothing later.
///
/// # Panics
/// When `data` lacks the feature `days_since_last`, which every sequences folder has and every selection that is to
/// be judged here must keep, or `enrolment` is out of range.
#[must_use]
pub fn standing(data: &Dataset, enrolment: usize, cutoff_week: u32) -> Standing {
    let course = data.course_of(enrolment);
    let row = &data.enrolments[enrolment];
    let weeks_seen = cutoff_week.min(course.observed_weeks).min(course.weeks);
    let out = |status| Standing { status, weeks_seen, active: false };
    if course.as_of_days < 0.0 {
        return out(Status::CourseNotStarted);
    }
    if weeks_seen == 0 {
        return out(Status::NotEnoughData);
    }
    let cut = course.cut();
    let cutoff_day = f64::from(cut.end_day(weeks_seen));
    if !data.known_before(enrolment, cutoff_day) {
        return out(Status::NotYetKnown);
    }
    if row.withdrawal_day.is_some_and(|day| day < cutoff_day) {
        return out(Status::Withdrawn);
    }
    // The first whole week of an enrolment begins at the first week boundary on or after it.
    let is_whole = |week: &u32| row.enrolled_day.is_none_or(|day| day <= f64::from(cut.first_day(*week)));
    if !(0..weeks_seen).any(|week| is_whole(&week)) {
        return out(Status::NotEnoughData);
    }
    let active = if data.manifest.knows_withdrawals() {
        true
    } else {
        let column = data.feature("days_since_last").expect("a selection that keeps days_since_last");
        // Null (no event yet) compares false, as it must: never seen is not active.
        data.week(enrolment, weeks_seen as usize - 1)[column] <= ACTIVE_WITHIN_DAYS
    };
    Standing { status: Status::Scored, weeks_seen, active }
}
