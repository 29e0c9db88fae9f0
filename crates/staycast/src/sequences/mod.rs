//! `staycast sequences`: a sequences folder checked, and sealed again after an edit.

mod edit;
mod reading;
mod sealing;
mod verifying;

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::console::Console;
use crate::status::Status;

pub(crate) use edit::describe_edit;
pub(crate) use reading::{course_ids, load, open};

/// Check a sequences folder, or seal one that was edited
///
/// Every command checks the sequences that it reads against their manifest, and refuses those that were damaged or
/// edited.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  staycast sequences verify sequences
  staycast sequences seal sequences                after an edit on purpose")]
pub(crate) struct SequencesArgs {
    #[command(subcommand)]
    command: SequencesCommand,
}

#[derive(Debug, Subcommand)]
enum SequencesCommand {
    /// Check every file, row and value of a sequences folder
    ///
    /// Hashes every file, whatever was hashed before. Exits with 1 where anything is wrong.
    #[command(after_help = "\
Examples:
  staycast sequences verify sequences
  staycast sequences verify sequences --json")]
    Verify {
        /// Folder that `staycast preprocess` wrote
        #[arg(value_name = "SEQUENCES")]
        sequences: PathBuf,
    },
    /// Seal a sequences folder that was edited on purpose
    ///
    /// Checks every row and value first: each enrolment is in a course and has one row for each week of it, in order. Then
    /// the manifest gets the new hashes, sizes and counts. It keeps which files were edited and when it was sealed, and
    /// runs and reports made from it say so.
    #[command(after_help = "\
Examples:
  staycast sequences seal sequences                as when a learner's rows had to be removed")]
    Seal {
        /// Folder that `staycast preprocess` wrote
        #[arg(value_name = "SEQUENCES")]
        sequences: PathBuf,
    },
}

/// Runs the subcommand.
pub(crate) fn run(args: &SequencesArgs, console: &Console) -> anyhow::Result<Status> {
    match &args.command {
        SequencesCommand::Verify { sequences } => verifying::run(sequences, console),
        SequencesCommand::Seal { sequences } => sealing::run(sequences, console),
    }
}
