//! Why a run could not be trained.

use std::fmt;
use std::path::PathBuf;

use staycast_evaluation::splits::{Grouping, SplitError};
use staycast_files::WriteError;
use staycast_sequences::CutOff;

use crate::artifact::{FoldsRecord, RunError};
use crate::config::ConfigError;
use crate::files::FileError;
use crate::inputs::InputsError;
use crate::reach::{NoOutcomeKnown, TooLate, describe_last};
use crate::tables::TableError;

/// Describes why a run could not be trained.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    /// The sequences hold nobody.
    #[error("the sequences hold no enrolment; look at the manifest for what became of the log's rows")]
    NoEnrolments,
    /// No outcome is known, so that there is nothing to learn from.
    #[error("{0}")]
    NoOutcomeKnown(NoOutcomeKnown),
    /// No course can be forecast at the target week.
    #[error("week {target} can't be forecast: {why}; {}", describe_last(*.last))]
    TargetTooLate {
        /// The week asked for.
        target: CutOff,
        /// The obstacle.
        why: TooLate,
        /// The last week possible; `None` where there is none.
        last: Option<CutOff>,
    },
    /// All outcomes are the same.
    #[error("{place}there is nothing to learn at week {week}: of the learners to train on, {outcomes}")]
    OneOutcome {
        /// Where.
        place: Place,
        /// The target week.
        week: CutOff,
        /// Outcomes of the training set at that week.
        outcomes: Outcomes,
    },
    /// A part of the training set has only dropouts, or none.
    #[error(
        "{place}there are too few learners to train on: {all} at week {week}. Each model of the ensemble holds out one of \
         {parts} parts of them, which says when to stop. {} {part}",
        if *.held_out { "Of one such part" } else { "Without one such part" }
    )]
    OneOutcomeInPart {
        /// Where.
        place: Place,
        /// The target week.
        week: CutOff,
        /// Outcomes of the whole training set at that week.
        all: Outcomes,
        /// Parts that the training set is cut into.
        parts: u32,
        /// Outcomes of the part.
        part: Outcomes,
        /// Whether it is the part held out, or the one trained on.
        held_out: bool,
    },
    /// There are fewer groups of learners than parts to hold out.
    #[error(
        "there are too few learners to train on: {parts} parts are to be held out of them in turn, each of whole {unit}s, and \
         there {} {groups} {unit}{}",
        if *.groups == 1 { "is" } else { "are" },
        if *.groups == 1 { "" } else { "s" }
    )]
    TooFewToHoldOut {
        /// Parts that the training set is cut into.
        parts: u32,
        /// What stays together in a part.
        unit: Grouping,
        /// How many of these there are.
        groups: usize,
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
    /// A model of the ensemble can't be trained.
    #[error("{place}{problem}")]
    Member {
        /// Where.
        place: Place,
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
    /// Another process trains the run in the folder.
    #[error("a training is running in {0}; wait until it has ended, or name another folder")]
    RunInTraining(PathBuf),
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
    /// The interrupted run was begun with other settings, data or device.
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
    /// The watcher asked to stop.
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

impl From<WriteError> for TrainError {
    fn from(error: WriteError) -> Self {
        Self::File(error.into())
    }
}

impl TrainError {
    /// Tells whether a run that was begun would fail again in the same way if it was resumed.
    pub(super) const fn is_final(&self) -> bool {
        match self {
            Self::Member { .. } | Self::TargetNotFitted { .. } | Self::Inputs(_) | Self::NoNextWeek => true,
            Self::NoEnrolments
            | Self::NoOutcomeKnown(_)
            | Self::TargetTooLate { .. }
            | Self::OneOutcome { .. }
            | Self::OneOutcomeInPart { .. }
            | Self::TooFewToHoldOut { .. }
            | Self::Split(_)
            | Self::RunExists(_)
            | Self::RunInterrupted(_)
            | Self::RunInTraining(_)
            | Self::NotARunFolder(_)
            | Self::CantGoOnFrom { .. }
            | Self::NothingToResume(_)
            | Self::ResumedOtherwise { .. }
            | Self::Interrupted
            | Self::Config(_)
            | Self::File(_)
            | Self::Run(_)
            | Self::Table(_) => false,
        }
    }
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
    /// The loss is no number any more.
    #[error("the loss is not a number after epoch {epoch}; lower training.learning_rate")]
    Diverged { epoch: u32 },
    /// No epoch could be judged.
    #[error("no epoch has an AUC on the held-out rows")]
    NoAuc,
}

/// Names the part of a cross-validation that an error is about; prints nothing where there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Repeat and fold, from 0, and how many of each there are.
    fold: Option<(u32, u32, FoldsRecord)>,
}

impl Place {
    /// Names a repeat and a fold, from 0, of a cross-validation of `folds`.
    pub(super) fn new(repeat: u32, fold: u32, folds: Option<FoldsRecord>) -> Self {
        Self { fold: folds.map(|folds| (repeat, fold, folds)) }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some((repeat, fold, of)) = self.fold else { return Ok(()) };
        write!(f, "fold {} of {}", fold + 1, of.folds)?;
        if of.repeats > 1 {
            write!(f, ", repeat {} of {}", repeat + 1, of.repeats)?;
        }
        f.write_str(": ")
    }
}

/// Counts known outcomes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outcomes {
    /// Learners who dropped out.
    pub dropouts: u64,
    /// Learners who did not.
    pub others: u64,
}

impl Outcomes {
    /// Counts `labels`, true for dropout.
    pub(super) fn count(labels: impl Iterator<Item = bool>) -> Self {
        labels.fold(Self::default(), |counted, dropout| Self {
            dropouts: counted.dropouts + u64::from(dropout),
            others: counted.others + u64::from(!dropout),
        })
    }

    /// Returns how many have the rarer outcome.
    pub(super) fn rarer(self) -> u64 {
        self.dropouts.min(self.others)
    }

    /// Returns how many there are.
    pub(super) const fn total(self) -> u64 {
        self.dropouts + self.others
    }

    /// Tells whether there are some of each.
    pub(super) const fn are_both(self) -> bool {
        self.dropouts > 0 && self.others > 0
    }
}

impl fmt::Display for Outcomes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { dropouts, others } = self;
        if *dropouts == 0 && *others == 0 {
            return f.write_str("none has a known outcome");
        }
        write!(f, "{dropouts} dropped out and {others} did not")
    }
}
