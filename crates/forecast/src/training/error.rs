//! Why a run could not be trained.

use std::path::PathBuf;

use staycast_evaluation::splits::SplitError;
use staycast_sequences::CutOff;

use crate::artifact::RunError;
use crate::config::ConfigError;
use crate::files::FileError;
use crate::inputs::InputsError;
use crate::tables::TableError;

/// Describes why a run could not be trained.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    /// The sequences hold nobody.
    #[error("the sequences hold no enrolment; look at the manifest for what became of the log's rows")]
    NoEnrolments,
    /// The target week can't be forecast under the label rule.
    #[error(
        "week {target} can't be the target: under `{rule}` the last week that can be forecast is {greatest}; set training.target_week"
    )]
    TargetInLabelWindow {
        /// The week asked for.
        target: CutOff,
        /// The last one possible.
        greatest: u32,
        /// The label rule.
        rule: String,
    },
    /// The data can't be split as asked.
    #[error("the data can't be split as asked: {0}")]
    Split(#[from] SplitError),
    /// The inputs can't be made.
    #[error(transparent)]
    Inputs(#[from] InputsError),
    /// The data lacks who was active in which week, which the second task teaches.
    #[error(
        "the data lacks `days_since_last`, from which networks learn who is active in the next week; set training.next_week=0"
    )]
    NoNextWeek,
    /// A network can't be trained.
    #[error("fold {fold} of repeat {repeat}: {problem}")]
    Member {
        /// Repeat of the cross-validation, from 0.
        repeat: u32,
        /// Fold, from 0.
        fold: u32,
        /// The problem.
        problem: String,
    },
    /// Nothing could be fitted at the target week.
    #[error("no calibration or threshold at the target week {week}: {reason}")]
    TargetNotFitted {
        /// The target week.
        week: CutOff,
        /// Why not.
        reason: String,
    },
    /// The folder holds a finished run.
    #[error("{0} holds a finished run already; name another folder, or remove that one")]
    RunExists(PathBuf),
    /// The folder holds an interrupted run.
    #[error("{0} holds an interrupted run")]
    RunInterrupted(PathBuf),
    /// The folder holds something else.
    #[error("{0} is not empty and holds no run; name a new folder")]
    NotARunFolder(PathBuf),
    /// The run to go on from does not fit.
    #[error("can't go on from the run in {path}: {why}")]
    CantGoOnFrom {
        /// The run to go on from.
        path: PathBuf,
        /// Why not.
        why: String,
    },
    /// There is nothing to resume.
    #[error("{0} holds no interrupted run to resume")]
    NothingToResume(PathBuf),
    /// The interrupted run was begun otherwise.
    #[error(
        "the interrupted run in {path} was begun with another {what}: {then}, now {now}; resume it as it was begun"
    )]
    ResumedOtherwise {
        /// The run.
        path: PathBuf,
        /// The difference.
        what: &'static str,
        /// Its value then.
        then: String,
        /// Its value now.
        now: String,
    },
    /// Whoever watched asked to stop.
    #[error("training was stopped")]
    Interrupted,
    /// The stored configuration is damaged.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A file could not be written or read.
    #[error(transparent)]
    File(#[from] FileError),
    /// The finished run could not be read back.
    #[error(transparent)]
    Run(#[from] RunError),
    /// The out-of-fold predictions could not be written.
    #[error(transparent)]
    Table(#[from] TableError),
}

/// Describes what stops one job.
#[derive(Debug)]
pub(super) enum JobError {
    Member(MemberError),
    File(FileError),
}

impl From<MemberError> for JobError {
    fn from(error: MemberError) -> Self {
        Self::Member(error)
    }
}

impl From<FileError> for JobError {
    fn from(error: FileError) -> Self {
        Self::File(error)
    }
}

/// Describes why a member can't be trained.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub(super) enum MemberError {
    /// No learnable row, or none of one class, to train on.
    #[error("the training rows of member {member} hold {positives} dropouts and {negatives} others at all weeks")]
    OneClassTraining { member: u32, positives: u64, negatives: u64 },
    /// Early stopping needs both classes in the held-out rows.
    #[error("the held-out rows of member {member} hold {positives} dropouts and {negatives} others at week {week}")]
    OneClassHeldOut { member: u32, week: CutOff, positives: usize, negatives: usize },
    /// The loss is no number any more.
    #[error("the loss of member {member} is not a number after epoch {epoch}; lower training.learning_rate")]
    Diverged { member: u32, epoch: u32 },
}
