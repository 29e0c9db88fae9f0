//! Errors. [`InputError`]: slices that don't fit together, a mistake of the caller's. [`FitError`]: a model can't be
//! fitted on these rows. [`ForecastError`]: a model can't read these inputs. What is wrong with one cut-off alone is no
//! error: the week is absent, with its reason.

use std::collections::BTreeMap;

use crate::config::ConfigError;
use crate::kind::BaselineKind;

/// Slices that don't fit together.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InputError {
    /// A slice has the wrong length.
    #[error("`{what}` has {found} values where rows, weeks and columns call for {wanted}")]
    Length {
        /// The slice.
        what: String,
        /// Its length.
        found: usize,
        /// The length it should have.
        wanted: usize,
    },
    /// An input is NaN or infinite.
    #[error("`{column}` is not a finite number in week {week} of row {row}; nulls must be filled before")]
    NotFinite {
        /// The column.
        column: String,
        /// The row, from 0.
        row: usize,
        /// The week, from 0.
        week: usize,
    },
    /// A position points at no row.
    #[error("row {row} of {rows} rows")]
    NoSuchRow {
        /// The position.
        row: usize,
        /// Rows there are.
        rows: usize,
    },
    /// A row is trained on and held out.
    #[error("row {row} is both trained on and held out")]
    OnBothSides {
        /// The row.
        row: usize,
    },
}

/// Why a model can't be fitted.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum FitError {
    /// The training data don't fit together.
    #[error(transparent)]
    Input(#[from] InputError),
    /// An option is out of its range.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The data lacks a raw feature that the model rests on.
    #[error("the model {kind} rests on the feature `{name}`, which the data does not have")]
    NoSeries {
        /// The model.
        kind: BaselineKind,
        /// The feature.
        name: String,
    },
    /// No learner's leaving has a date.
    #[error(
        "the model hazard needs to know when learners left, and none of the {rows} training rows has a week of leaving; \
         take a source or a label rule with dates of leaving"
    )]
    NoExitWeeks {
        /// Training rows.
        rows: usize,
    },
    /// A constraint names a column that the inputs lack.
    #[error("boosting.monotone: there is no input `{column}`")]
    NoSuchColumn {
        /// The column.
        column: String,
    },
    /// No cut-off could be fitted.
    #[error("the model {kind} can't be fitted at any cut-off: {}", reasons(.absent))]
    NothingFitted {
        /// The model.
        kind: BaselineKind,
        /// Reasons by cut-off.
        absent: BTreeMap<u16, String>,
    },
}

fn reasons(absent: &BTreeMap<u16, String>) -> String {
    if absent.is_empty() {
        return "the inputs have no week".to_owned();
    }
    let each: Vec<String> = absent.iter().map(|(week, reason)| format!("week {week}: {reason}")).collect();
    each.join("; ")
}

/// Why a model can't forecast.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ForecastError {
    /// The inputs don't fit together.
    #[error(transparent)]
    Input(#[from] InputError),
    /// The inputs have other columns than those that the model was fitted on.
    #[error("the model was fitted on other inputs: column {position} is `{found}` and was `{wanted}`")]
    OtherColumns {
        /// Position of the first difference, from 0.
        position: usize,
        /// The column there, empty where there is none.
        found: String,
        /// The column that the model was fitted on, empty where there was none.
        wanted: String,
    },
    /// More weeks than the model was fitted for.
    #[error("the inputs have {found} weeks, and the model was fitted for {fitted}")]
    TooManyWeeks {
        /// Weeks of the inputs.
        found: usize,
        /// Weeks of the model.
        fitted: usize,
    },
    /// The data lacks a raw feature that the model reads.
    #[error("the model reads the feature `{name}`, which this data does not have")]
    NoSeries {
        /// The feature.
        name: String,
    },
    /// Hazards were asked of a model that has none, or for a week without.
    #[error("no hazards at week {cutoff_week}: {reason}")]
    NoHazards {
        /// The cut-off.
        cutoff_week: u16,
        /// Why.
        reason: String,
    },
}
