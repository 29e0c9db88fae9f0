//! Says where a column of features must have a value, and where it can have none.

use std::cell::OnceCell;

use arrow_array::ArrayRef;
use arrow_array::cast::AsArray;
use arrow_array::types::{Int32Type, Int64Type};
use arrow_buffer::{BooleanBuffer, NullBuffer};

use crate::features::{DaysOfWeek, Nulls};
use crate::grid::WEEK_DAYS;
use crate::wanted_feature::WantedFeature;

/// Names the feature that tells which weeks have events.
pub(crate) const EVENTS: &str = "n_events";

/// Describes the weeks of a batch of rows that are wanted.
pub(crate) struct DueValues<'a> {
    rows: usize,
    /// The wanted rows, each with its place.
    wanted: &'a [(usize, usize)],
    /// Those of weeks that were not over when the log was taken.
    unobserved: Vec<usize>,
    /// Those of weeks of fewer than seven days, with their days.
    short: Vec<(usize, u32)>,
    /// How many events the weeks have, where that is read.
    events: Option<&'a ArrayRef>,
    /// Marks of the rows, made when they are needed first: most columns need none.
    marks: OnceCell<Marks>,
}

/// Marks rows.
struct Marks {
    observed: BooleanBuffer,
    unobserved: BooleanBuffer,
    /// Weeks with events, where that is known.
    active: Option<BooleanBuffer>,
}

impl<'a> DueValues<'a> {
    /// Describes the `wanted` of `rows` rows, of which some are `unobserved` and some are `short` weeks. `events` has how many
    /// events the weeks have.
    pub(crate) const fn new(
        rows: usize,
        wanted: &'a [(usize, usize)],
        unobserved: Vec<usize>,
        short: Vec<(usize, u32)>,
        events: Option<&'a ArrayRef>,
    ) -> Self {
        Self { rows, wanted, unobserved, short, events, marks: OnceCell::new() }
    }

    fn marks(&self) -> &Marks {
        self.marks.get_or_init(|| {
            let (mut observed, mut unobserved) = (vec![false; self.rows], vec![false; self.rows]);
            self.wanted.iter().for_each(|&(row, _)| observed[row] = true);
            for &row in &self.unobserved {
                (observed[row], unobserved[row]) = (false, true);
            }
            let active = self.events.and_then(|events| {
                let wide = events.as_primitive_opt::<Int64Type>();
                let narrow = events.as_primitive_opt::<Int32Type>();
                // A null there is an error of its own.
                let mark = |row: usize| match (wide, narrow) {
                    (Some(events), _) => events.value(row) > 0,
                    (_, Some(events)) => events.value(row) > 0,
                    _ => false,
                };
                (wide.is_some() || narrow.is_some()).then(|| BooleanBuffer::collect_bool(self.rows, mark))
            });
            Marks { observed: observed.into(), unobserved: unobserved.into(), active }
        })
    }

    /// Tells whether a column may have a value or not in every row that is wanted.
    fn is_free(&self, feature: &WantedFeature, null_count: usize) -> bool {
        let rules = &feature.rules;
        let may_be_there = feature.is_known && self.unobserved.is_empty() && rules.nulls != Nulls::InWeeksWithoutEvents;
        let of_days = matches!(rules.days, Some(DaysOfWeek::Only(_)));
        may_be_there
            && (null_count == 0 && (!of_days || self.short.is_empty()) || rules.nulls == Nulls::Sometimes && !of_days)
    }

    /// Returns the days of the week of a row.
    pub(crate) fn week_days(&self, row: usize) -> u32 {
        self.short.iter().find(|short| short.0 == row).map_or(WEEK_DAYS, |short| short.1)
    }

    /// Lists the rows of short weeks, with their days.
    pub(crate) fn short(&self) -> &[(usize, u32)] {
        &self.short
    }

    /// Finds the first row in which a column has no value where it must have one, or has one where it cannot, and says
    /// which.
    pub(crate) fn wrong_null(&self, feature: &WantedFeature, nulls: Option<&NullBuffer>) -> Option<(usize, String)> {
        let nulls = nulls.filter(|nulls| nulls.null_count() > 0);
        if self.is_free(feature, nulls.map_or(0, NullBuffer::null_count)) {
            return None;
        }
        let (without, why) = self.without_value(feature);
        let wrong = match (nulls, &without) {
            (_, None) => None,
            (None, Some(without)) => first(without),
            (Some(nulls), Some(without)) => first(&(without & nulls.inner())),
        };
        if let Some(row) = wrong {
            let why =
                if feature.is_known && self.unobserved.contains(&row) { "the week was not observed" } else { why };
            return Some((row, format!("column `{}` has a value, and {why}", feature.name)));
        }
        let (nulls, with) = (nulls?, self.with_value(feature, without.as_ref())?);
        let row = first(&(&with & &!nulls.inner()))?;
        Some((
            row,
            format!("column `{}` is null, and is not {}", feature.name, feature.rules.allowed(self.week_days(row))),
        ))
    }

    /// Returns the rows in which a column cannot have a value, and why; `None` where there are none.
    fn without_value(&self, feature: &WantedFeature) -> (Option<BooleanBuffer>, &'static str) {
        let marks = self.marks();
        if !feature.is_known {
            return (Some(&marks.observed | &marks.unobserved), "the source cannot know it");
        }
        let (without, why) = match (feature.rules.nulls, feature.rules.days) {
            (Nulls::InWeeksWithoutEvents, _) => {
                (marks.active.as_ref().map(|active| &marks.observed & &!active), "the week has no events")
            }
            (_, Some(DaysOfWeek::Only(day))) => (self.lacking_day(day), "the week has no such day"),
            _ => (None, ""),
        };
        let unobserved = (!self.unobserved.is_empty()).then_some(&marks.unobserved);
        let all = match (without, unobserved) {
            (Some(without), Some(unobserved)) => Some(&without | unobserved),
            (without, unobserved) => without.or_else(|| unobserved.cloned()),
        };
        (all, why)
    }

    /// Returns the rows in which a column must have a value, of which those `without` can have none; `None` where every
    /// other row may have one or not.
    fn with_value(&self, feature: &WantedFeature, without: Option<&BooleanBuffer>) -> Option<BooleanBuffer> {
        let is_told = match (feature.rules.nulls, feature.rules.days) {
            _ if !feature.is_known => false,
            (Nulls::Never, _) | (_, Some(DaysOfWeek::Only(_))) => true,
            (Nulls::InWeeksWithoutEvents, _) => self.marks().active.is_some(),
            (Nulls::Sometimes, _) => false,
        };
        let observed = || &self.marks().observed;
        is_told.then(|| without.map_or_else(|| observed().clone(), |without| observed() & &!without))
    }

    /// Returns the observed rows of weeks that do not have day number `day`.
    fn lacking_day(&self, day: u32) -> Option<BooleanBuffer> {
        let mut marks = vec![false; self.rows];
        let observed = &self.marks().observed;
        let lacking = self.short.iter().filter(|&&(row, days)| days <= day && observed.value(row));
        let count = lacking.map(|&(row, _)| marks[row] = true).count();
        (count > 0).then(|| BooleanBuffer::from(marks))
    }
}

fn first(marks: &BooleanBuffer) -> Option<usize> {
    marks.set_indices().next()
}
