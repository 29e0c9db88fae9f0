//! The arguments of `staycast inspect`.

use std::path::PathBuf;

use clap::Args;
use staycast_events::formats::OpenOptions;

use crate::console::Console;
use crate::database_args::DatabaseArgs;
use crate::log_format::{FormatChoice, resolve_format};

/// Describe a sequences folder, a run or a log
///
/// Changes nothing, in a database neither. A log is read to its end, so as to say how much of it could be used.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  staycast inspect sequences
  staycast inspect run --json
  staycast inspect kdd2015/                               what would preprocess make of these files?
  staycast inspect clicks/ --mapping clicks.toml
  staycast inspect --source postgres://reader@db.example/moodle --password-prompt")]
pub(crate) struct InspectArgs {
    /// A sequences folder, a run, or a log: files, or one folder of them
    #[arg(required_unless_present = "source", conflicts_with = "source", value_name = "PATH")]
    pub(super) paths: Vec<PathBuf>,
    #[command(flatten)]
    pub(super) database: DatabaseArgs,
    /// Format of the log
    #[arg(long, value_enum, default_value_t = FormatChoice::Auto)]
    format: FormatChoice,
    /// File in TOML that says which column is what, for logs of format table
    #[arg(long, value_name = "FILE", conflicts_with = "source")]
    pub(super) mapping: Option<PathBuf>,
    /// Take the dates of courses from this file: CSV with course_id, from, to
    #[arg(long, value_name = "FILE")]
    courses: Option<PathBuf>,
}

impl InspectArgs {
    pub(super) fn open_options(&self, console: &Console) -> anyhow::Result<OpenOptions> {
        Ok(OpenOptions {
            format: resolve_format(self.format, self.mapping.as_deref())?,
            mapping: self.mapping.clone(),
            courses: self.courses.clone(),
            enrolled_again: staycast_events::EnrolledAgain::First,
            as_of: None,
            labels: None,
            objects: staycast_events::ObjectNaming::Dropped,
            source: self.database.resolve(console)?,
        })
    }
}
