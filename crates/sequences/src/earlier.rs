//! Counts the courses that a learner has behind them, as they were known at a time.

use rayon::prelude::*;

use crate::outcomes::Outcomes;

/// Holds the days from which it is known that enrolments are over, and that they are dropouts: 8 bytes an enrolment.
pub(crate) struct EarlierCourses(Vec<KnownDays>);

/// Holds the first days, since 1970-01-01, at whose start something is known of an enrolment; [`NEVER`] for none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct KnownDays {
    over: i32,
    dropout: i32,
}

const NEVER: i32 = i32::MAX;

/// Counts courses of one learner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Earlier {
    /// Over for the learner.
    pub(crate) courses: u32,
    /// Of these, dropouts.
    pub(crate) dropouts: u32,
}

impl EarlierCourses {
    /// Finds the days. `known_from` says from which day on an enrolment itself is known, `None` where it never is.
    pub(crate) fn new(outcomes: &Outcomes<'_>, known_from: impl Fn(usize) -> Option<i32> + Sync) -> Self {
        let all = &outcomes.source.roster.enrolments;
        let days =
            |place| known_from(place).map_or(NEVER_KNOWN, |from| KnownDays::of(outcomes, place).not_before(from));
        Self((0..all.len()).into_par_iter().map(days).collect())
    }

    /// Counts those of the enrolments `others` that are over by the start of `day`.
    pub(crate) fn count(&self, others: impl Iterator<Item = usize>, day: i64) -> Earlier {
        let over = others.map(|place| self.0[place]).filter(|days| i64::from(days.over) <= day);
        over.fold(Earlier { courses: 0, dropouts: 0 }, |so_far, days| Earlier {
            courses: so_far.courses + 1,
            dropouts: so_far.dropouts + u32::from(i64::from(days.dropout) <= day),
        })
    }
}

const NEVER_KNOWN: KnownDays = KnownDays { over: NEVER, dropout: NEVER };

impl KnownDays {
    fn of(outcomes: &Outcomes<'_>, place: usize) -> Self {
        let roster = &outcomes.source.roster;
        let course = roster.enrolments.course(place).as_usize();
        let (grid, is_inferred) = (&outcomes.grids[course], roster.courses[course].inferred);
        // The end of an inferred calendar is known only once nothing came after it. A withdrawal counts whether or not it came
        // after the last event so far.
        let withdrawn =
            if is_inferred { roster.enrolments.withdrawn_seconds(place) } else { outcomes.withdrawn_seconds(place) };
        let withdrawn = withdrawn.map(|seconds| grid.day_after(seconds));
        if let Some(day) = withdrawn.filter(|_| outcomes.rule.rests_on_outcomes()) {
            return Self { over: day, dropout: day };
        }
        let ended = |day: i32| if is_inferred { NEVER } else { day };
        let is_dropout = !is_inferred && outcomes.label(place, true) == Ok(true);
        let label_known = outcomes.ends_on(place).saturating_add_unsigned(outcomes.rule.days_until_known());
        Self {
            over: withdrawn.unwrap_or_else(|| ended(outcomes.ends_on(place))),
            dropout: if is_dropout { label_known } else { NEVER },
        }
    }

    /// Nothing is known of an enrolment before it is known itself.
    fn not_before(self, day: i32) -> Self {
        Self { over: self.over.max(day), dropout: self.dropout.max(day) }
    }
}
