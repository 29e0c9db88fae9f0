//! Defines a feature: one value that holds its name, unit, meaning, needs, null rule, storage and computation.

use super::needs::Needs;
use crate::count::WeekView;

/// Describes one feature column.
///
/// Null where the source does not know what the feature needs, and where its null rule says so.
#[derive(Clone, Debug)]
pub struct Feature {
    /// Column name.
    pub name: String,
    /// Unit of the values.
    pub unit: &'static str,
    /// Meaning of the values, in words.
    pub meaning: String,
    pub(crate) storage: Storage,
    pub(crate) needs: Needs,
    value: Value,
    /// Number within a family of features that share a computation: of an activity, a day, a kind of event …
    part: usize,
}

/// Names the type of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Storage {
    /// 64-bit signed integer: counts, whole seconds. As wide as their sums, since readers add a column in its own type.
    Int,
    /// 32-bit float: shares, means, fractional days.
    Float,
}

/// Names the computation of a feature from a week that has been counted and its [part](Feature::part), with its null
/// rule.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Value {
    /// There is a value in every observed week.
    Always(fn(&WeekView<'_>, usize) -> f64),
    /// Null in a week without events.
    InActiveWeeks(fn(&WeekView<'_>, usize) -> f64),
    /// Null where the function gives `None`; the meaning says when.
    Sometimes(fn(&WeekView<'_>, usize) -> Option<f64>),
}

/// Says in which of the weeks that were observed a feature that the source can know is null.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Nulls {
    /// In none.
    Never,
    /// In those without events.
    InWeeksWithoutEvents,
    /// In some, as its meaning says.
    Sometimes,
}

impl Feature {
    /// Defines a feature that is a family of its own.
    pub(super) fn new(
        name: impl Into<String>,
        unit: &'static str,
        storage: Storage,
        needs: Needs,
        meaning: impl Into<String>,
        value: Value,
    ) -> Self {
        Self { name: name.into(), unit, meaning: meaning.into(), storage, needs, value, part: 0 }
    }

    /// Makes the feature number `part` of its family.
    pub(super) fn part(self, part: usize) -> Self {
        Self { part, ..self }
    }

    /// Says when it is null.
    pub(crate) const fn nulls(&self) -> Nulls {
        match self.value {
            Value::Always(_) => Nulls::Never,
            Value::InActiveWeeks(_) => Nulls::InWeeksWithoutEvents,
            Value::Sometimes(_) => Nulls::Sometimes,
        }
    }

    /// Computes the value of a week in a source that meets the feature's needs; NaN for null.
    pub(crate) fn compute(&self, week: &WeekView<'_>) -> f64 {
        match self.value {
            Value::Always(value) => value(week, self.part),
            Value::InActiveWeeks(value) if week.counts.events > 0 => value(week, self.part),
            Value::InActiveWeeks(_) => f64::NAN,
            Value::Sometimes(value) => value(week, self.part).unwrap_or(f64::NAN),
        }
    }
}
