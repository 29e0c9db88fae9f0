//! Why an experiment can't be planned, assigned, recorded or reported.

use std::path::PathBuf;

use staycast_files::WriteError;

/// Describes what is wrong with a plan.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// The text is no plan.
    #[error("{0}")]
    Parse(String),
    /// The plan is of another version.
    #[error("the plan has plan_version {found}; this program reads {known}")]
    Version {
        /// The version of the plan.
        found: u32,
        /// The one that is read.
        known: u32,
    },
    /// A value is out of its range.
    #[error("`{key}` must be {expected}")]
    Value {
        /// The key.
        key: &'static str,
        /// Values that are allowed.
        expected: String,
    },
    /// The name of an arm can't be used.
    #[error("the arm `{0}` needs a name of up to 40 letters, digits, hyphens and underscores")]
    ArmName(String),
    /// Two arms have one name.
    #[error("the arm `{0}` is there twice")]
    ArmTwice(String),
}

/// Describes why a command of an experiment failed.
#[derive(Debug, thiserror::Error)]
pub enum ExperimentError {
    /// The plan can't be used.
    #[error("{}: {source}", path.display())]
    Plan {
        /// The file.
        path: PathBuf,
        /// The problem.
        source: PlanError,
    },
    /// The request makes no plan.
    #[error(transparent)]
    Request(PlanError),
    /// Nobody of the scores takes part.
    #[error("nobody takes part: no enrolment is scored, or none has a probability of the range that was asked for")]
    NobodyTakesPart,
    /// The folder is none of an experiment.
    #[error("{}: not an experiment, as it has no plan.toml", .0.display())]
    NotAnExperiment(PathBuf),
    /// The effect can't be seen with the learners at hand.
    #[error(transparent)]
    TooFew(Box<super::too_few::TooFewLearners>),
    /// Something is wrong with a file that was given.
    #[error("{}: {what}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The problem, and what to do.
        what: String,
    },
    /// A file can't be read.
    #[error("{}: cannot read: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: std::io::Error,
    },
    /// All planned looks were taken.
    #[error(
        "all {planned} planned looks were taken, so a further look would raise the chance of a false alarm; the last \
         report stands"
    )]
    NoLookLeft {
        /// Looks of the plan.
        planned: u32,
    },
    /// The last planned look would be taken before its time.
    #[error(
        "{outcomes} of {planned} planned outcomes are known, and this is the last planned look, after which there is none; no \
         look was taken"
    )]
    LastLookTooEarly {
        /// Learners with a known outcome.
        outcomes: u64,
        /// Learners of the plan.
        planned: u64,
    },
    /// The outcomes are fewer than at the last look.
    #[error("these sequences tell {found} outcomes, and the last look had {before}; give the newest sequences")]
    OlderThanLastLook {
        /// Outcomes now.
        found: u64,
        /// Outcomes at the last look.
        before: u64,
    },
    /// Too few outcomes are known for a look.
    #[error("{0}")]
    TooFewOutcomes(String),
    /// The sequences can't be read.
    #[error(transparent)]
    Sequences(#[from] staycast_sequences::FolderError),
    /// A file can't be written.
    #[error(transparent)]
    Write(#[from] WriteError),
}

impl ExperimentError {
    pub(super) fn file(path: impl Into<PathBuf>, what: impl Into<String>) -> Self {
        Self::File { path: path.into(), what: what.into() }
    }
}
