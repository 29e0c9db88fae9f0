//! Decides who is in the cohort at a cut-off, and who is not and why (docs/definitions.md).

use staycast_events::EnrolmentIndex;
use staycast_weeks::{CutOff, Exclusion, WeekIndex};

use crate::dataset::Dataset;

/// Says how an enrolment stands at a cut-off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It is forecast.
    Scored {
        /// The cut-off of the forecast: the one asked for, or an earlier one where fewer weeks were observed when the log
        /// was taken.
        seen: CutOff,
        /// In the cohort `active`: where the source records withdrawals, not withdrawn; elsewhere with an event in the 14
        /// days before the cut-off.
        active: bool,
    },
    /// It is not.
    Excluded(Exclusion),
}

impl Standing {
    /// Returns why the enrolment is not forecast; `None` where it is.
    #[must_use]
    pub const fn exclusion(self) -> Option<Exclusion> {
        match self {
            Self::Scored { .. } => None,
            Self::Excluded(exclusion) => Some(exclusion),
        }
    }

    /// Tells whether the enrolment is in the cohort `all`: known by the cut-off.
    #[must_use]
    pub const fn is_known(self) -> bool {
        matches!(self, Self::Scored { .. } | Self::Excluded(Exclusion::Withdrawn))
    }

    /// Tells whether the enrolment is in the cohort `active`. Every active enrolment is known.
    #[must_use]
    pub const fn is_active(self) -> bool {
        matches!(self, Self::Scored { active: true, .. })
    }
}

/// Lists the weeks seen that are wholly after the enrolment: from its date or, where it has none and the source no register, from
/// the day of its first event.
///
/// # Panics
/// When `enrolment` is out of range.
pub fn whole_weeks(data: &Dataset, enrolment: EnrolmentIndex, seen: CutOff) -> impl Iterator<Item = WeekIndex> {
    let row = data.enrolment(enrolment);
    let first_event = row.first_event_day.filter(|_| !data.manifest.capabilities.register);
    let since = row.enrolled_day.or(first_event.map(f64::floor));
    let weeks = data.course_of(enrolment).week_grid();
    seen.weeks_seen().filter(move |&week| since.is_none_or(|day| day <= f64::from(weeks.first_day(week))))
}

/// Counts the days without an event after which a learner is no longer in the cohort `active`, where withdrawals are
/// not recorded.
pub const ACTIVE_WITHIN_DAYS: f32 = 14.0;

/// Tells how `enrolment` stands at `cut_off`, judged by nothing later.
///
/// # Panics
/// When `data` lacks the feature `days_since_last`, which every sequences folder has and every selection that is to
/// be judged here must keep, or `enrolment` is out of range.
#[must_use]
pub fn standing(data: &Dataset, enrolment: EnrolmentIndex, cut_off: CutOff) -> Standing {
    let course = data.course_of(enrolment);
    let row = data.enrolment(enrolment);
    if course.as_of_days < 0.0 {
        return Standing::Excluded(Exclusion::CourseNotStarted);
    }
    if u32::from(cut_off.weeks()) > course.weeks {
        return Standing::Excluded(Exclusion::CourseTooShort);
    }
    let Some(seen) = course.last_observed().map(|last| last.min(cut_off)) else {
        return Standing::Excluded(Exclusion::NotEnoughData);
    };
    let weeks = course.week_grid();
    let cut_off_day = f64::from(weeks.end_day(seen));
    if !data.known_before(enrolment, cut_off_day) {
        return Standing::Excluded(Exclusion::NotYetKnown);
    }
    if row.withdrawal_day.is_some_and(|day| day < cut_off_day) {
        return Standing::Excluded(Exclusion::Withdrawn);
    }
    // The first whole week of an enrolment begins at the first week boundary on or after it.
    let is_whole = |week| row.enrolled_day.is_none_or(|day| day <= f64::from(weeks.first_day(week)));
    if !seen.weeks_seen().any(is_whole) {
        return Standing::Excluded(Exclusion::NotEnoughData);
    }
    let active = if data.manifest.records_withdrawals() {
        true
    } else {
        let column = data.feature("days_since_last").expect("a selection that keeps days_since_last");
        // Null (no event yet) compares false, as it must: never seen is not active.
        data.week(enrolment, seen.last_week())[column] <= ACTIVE_WITHIN_DAYS
    };
    Standing::Scored { seen, active }
}
