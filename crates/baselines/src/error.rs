//! Errors of this crate.
//!
//! - [`InputError`]: slices do not fit together, a mistake of the caller.
//! - [`FitError`]: a model cannot be fitted on these rows.
//! - [`ForecastError`]: a model cannot read these inputs.
//! - [`ModelFault`]: a model that was read from a file is damaged.
//! - [`SelectionError`]: groups of inputs cannot be chosen on these rows.
//!
//! A problem of one cut-off alone is not an error: the model reports that cut-off as absent, with the reason.

use std::collections::BTreeMap;

use staycast_weeks::CutOff;

use crate::kind::BaselineKind;

/// Says which slices of the inputs do not fit together.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InputError {
    /// A slice has the wrong length.
    #[error("`{what}` has {found} values; {wanted} are needed for these rows, weeks and columns")]
    Length {
        /// Name of the slice.
        what: String,
        /// Its length.
        found: usize,
        /// The length it should have.
        wanted: usize,
    },
    /// An input is NaN or infinite.
    #[error("`{column}` is not a finite number in week {week} of row {row}; replace nulls before the fit or forecast")]
    NotFinite {
        /// The column.
        column: String,
        /// The row, from 0.
        row: usize,
        /// The week, from 0.
        week: usize,
    },
    /// There are more weeks than a cut-off can count.
    #[error("the inputs have {found} weeks; at most 65,535 are possible")]
    TooManyWeeks {
        /// Number of weeks.
        found: usize,
    },
    /// A position points at no row.
    #[error("there is no row {row}; the inputs have {rows} rows, counted from 0")]
    NoSuchRow {
        /// The position.
        row: usize,
        /// Number of rows.
        rows: usize,
    },
    /// A row is both in the training set and held out.
    #[error("row {row} is both in the training set and held out")]
    TrainedAndHeldOut {
        /// The row.
        row: usize,
    },
}

/// Says why a model cannot be fitted.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum FitError {
    /// The training data do not fit together.
    #[error(transparent)]
    Input(#[from] InputError),
    /// The data lacks a raw feature that the model needs.
    #[error("the baseline {kind} needs the feature `{name}`, which the data does not have")]
    NoSeries {
        /// The baseline.
        kind: BaselineKind,
        /// The feature.
        name: String,
    },
    /// No row of the training set has a week of leaving.
    #[error(
        "the baseline hazard needs to know when learners left, and none of the {rows} training rows has a week of leaving; \
         use a source or a label rule with dates of leaving"
    )]
    NoExitWeeks {
        /// Number of training rows.
        rows: usize,
    },
    /// A constraint names a column that the inputs lack.
    #[error("boosting.monotone names `{column}`, which is not an input; remove it or correct the name")]
    NoSuchColumn {
        /// The column.
        column: String,
    },
    /// No cut-off could be fitted.
    #[error("the baseline {kind} cannot be fitted at any cut-off: {}", list_reasons(.absent))]
    NothingFitted {
        /// The baseline.
        kind: BaselineKind,
        /// By cut-off: the reason.
        absent: BTreeMap<CutOff, String>,
    },
}

fn list_reasons(absent: &BTreeMap<CutOff, String>) -> String {
    if absent.is_empty() {
        return "the inputs have no weeks".to_owned();
    }
    let each: Vec<String> = absent.iter().map(|(cut_off, reason)| format!("week {cut_off}: {reason}")).collect();
    each.join("; ")
}

/// Says what is wrong with a model that was read from a file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the model {kind}{}: {problem}", .cut_off.map(|week| format!(" at week {week}")).unwrap_or_default())]
pub struct ModelFault {
    /// The baseline.
    pub kind: BaselineKind,
    /// The cut-off, if it is a fault of one.
    pub cut_off: Option<CutOff>,
    /// The fault.
    pub problem: String,
}

/// Says why a model cannot forecast.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ForecastError {
    /// The inputs do not fit together.
    #[error(transparent)]
    Input(#[from] InputError),
    /// The inputs have other columns than those that the model was fitted on.
    #[error("the model was fitted on other inputs: column {position} was `{wanted}` then and is `{found}` now")]
    OtherColumns {
        /// Position of the first difference, from 0.
        position: usize,
        /// The column there, empty where there is none.
        found: String,
        /// The column that the model was fitted on, empty where there was none.
        wanted: String,
    },
    /// The inputs have more weeks than the model was fitted for.
    #[error("the inputs have {found} weeks; the model was fitted for {fitted}")]
    TooManyWeeks {
        /// Number of weeks in the inputs.
        found: usize,
        /// Number of weeks in the fit.
        fitted: usize,
    },
    /// The data lacks a raw feature that the model reads.
    #[error("the model reads the feature `{name}`, which this data does not have")]
    NoSeries {
        /// The feature.
        name: String,
    },
    /// The model was not fitted at this cut-off.
    #[error("the model was not fitted at week {cut_off}: {reason}")]
    NotFitted {
        /// The cut-off.
        cut_off: CutOff,
        /// The reason.
        reason: String,
    },
    /// The model reads features that are no inputs, so that its forecast can't be split among inputs.
    #[error(
        "the model {kind} reads a few features as they are and no inputs; its forecasts can't be split among inputs"
    )]
    NoContributions {
        /// The model.
        kind: BaselineKind,
    },
    /// The model has no hazards, or none at this cut-off.
    #[error("no hazards at week {cut_off}: {reason}")]
    NoHazards {
        /// The cut-off.
        cut_off: CutOff,
        /// The reason.
        reason: String,
    },
}

/// Says why groups of inputs cannot be chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SelectionError {
    /// A slice has the wrong length.
    #[error("`{what}` has {found} values; {wanted} are needed for these rows and columns")]
    Length {
        /// Name of the slice.
        what: &'static str,
        /// Its length.
        found: usize,
        /// The length it should have.
        wanted: usize,
    },
    /// An input is NaN or infinite.
    #[error("an input is not a finite number; replace nulls before the choice")]
    NotFinite,
    /// Too few folds hold out rows that can be ranked.
    #[error("only {folds} of the folds hold out a course with both outcomes; two are needed")]
    TooFewFolds {
        /// Number of folds that do.
        folds: usize,
    },
    /// The normal equations have no solution.
    #[error("the normal equations cannot be solved: columns depend on each other")]
    Dependent,
}
