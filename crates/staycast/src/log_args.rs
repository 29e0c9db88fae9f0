//! The arguments of commands that read a log as `preprocess` does.

use std::path::PathBuf;

use clap::Args;
use staycast_events::formats::{Institution, OpenOptions};

use crate::console::Console;
use crate::database_args::DatabaseArgs;
use crate::log_format::{FormatChoice, resolve_format};
use crate::log_input::LogInput;
use crate::values;

/// Holds the flags that say which log is read, and how.
#[derive(Debug, Args)]
pub(crate) struct LogArgs {
    /// Log files, patterns of them, one folder of them, or - for standard input
    ///
    /// A pattern is quoted, as 'logs/*.gz'. A folder holds the files of one format.
    #[arg(required_unless_present_any = ["source", "institutions"], conflicts_with = "source", value_name = "INPUT")]
    inputs: Vec<PathBuf>,
    /// Read the log of one of several institutions, in place of INPUT; may be repeated
    ///
    /// Give it once for each institution, or for each of its files. Ids become NAME:ID, and a column says which
    /// institution an enrolment is of.
    #[arg(long = "institution", value_name = "NAME=PATH", value_parser = values::named_path, conflicts_with_all = ["inputs", "source"])]
    institutions: Vec<(String, PathBuf)>,
    #[command(flatten)]
    database: DatabaseArgs,
    /// Format of the log
    #[arg(long, value_enum, default_value_t = FormatChoice::Auto)]
    format: FormatChoice,
    /// File in TOML that says which column is what, for `--format table`
    #[arg(long, value_name = "FILE")]
    mapping: Option<PathBuf>,
    /// Take the dates of courses from this file
    ///
    /// A CSV file with the columns course_id, from and to. Both dates are included.
    #[arg(long, value_name = "FILE")]
    courses: Option<PathBuf>,
}

impl LogArgs {
    /// Returns the options of opening the log, as far as these flags say them. May ask for a password.
    pub(crate) fn open_options(&self, console: &Console) -> anyhow::Result<OpenOptions> {
        Ok(OpenOptions {
            format: resolve_format(self.format, self.mapping.as_deref())?,
            mapping: self.mapping.clone(),
            courses: self.courses.clone(),
            source: self.database.resolve(console)?,
            ..OpenOptions::default()
        })
    }

    /// Returns the log, to be opened with the options of the command.
    pub(crate) fn input(&self) -> LogInput {
        LogInput { inputs: self.inputs.clone(), institutions: self.institutions(), open: OpenOptions::default() }
    }

    /// Returns the institutions with all their files, in the order they are first named.
    fn institutions(&self) -> Vec<Institution> {
        let mut all: Vec<Institution> = Vec::new();
        for (name, path) in &self.institutions {
            match all.iter_mut().find(|known| known.name == *name) {
                Some(known) => known.inputs.push(path.clone()),
                None => all.push(Institution { name: name.clone(), inputs: vec![path.clone()] }),
            }
        }
        all
    }
}
