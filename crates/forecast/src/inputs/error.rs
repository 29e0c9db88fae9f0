//! Why inputs could not be made.

/// Describes why inputs could not be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InputsError {
    /// A pattern of the configuration fits no feature.
    #[error("inputs.include: `{pattern}` fits no feature that the data has; it has {available}")]
    NoSuchFeature {
        /// The pattern.
        pattern: String,
        /// The features there are.
        available: String,
    },
    /// A static column that the data does not have, or that is no property.
    #[error("inputs.statics: `{column}` {problem}; the data has {available}")]
    BadStatic {
        /// The column.
        column: String,
        /// Why it can't be an input.
        problem: String,
        /// The static columns there are.
        available: String,
    },
    /// Nothing to read is left.
    #[error("no input is left: every chosen feature is null or the same in all training rows")]
    NothingToRead,
    /// The groups of inputs can't be chosen.
    #[error("inputs.include: groups of inputs can't be chosen: {0}")]
    Choice(staycast_baselines::SelectionError),
    /// The data lacks features that the run reads.
    #[error("the run reads features that this data does not have: {}", .missing.join(", "))]
    MissingFeatures {
        /// Their names.
        missing: Vec<String>,
    },
    /// The data was written in another layout.
    #[error(
        "the run was trained on sequences of layout {run}, and these are of layout {data}; preprocess again with the version of Staycast that trained the run"
    )]
    OtherLayout {
        /// The run's layout version.
        run: u32,
        /// The data's.
        data: u32,
    },
}
