//! The arguments of `staycast inspect`.

use std::path::PathBuf;

use clap::Args;
use staycast_events::formats::{DatabaseUrl, OpenOptions};

use crate::log_format::{FormatName, format};

/// Say what a sequences folder, a run or a log is
///
/// Nothing is changed, in a database neither. A log is read to its end, to say what of it could be used.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  staycast inspect sequences
  staycast inspect run --json
  staycast inspect kdd2015/                               what would preprocess make of these files?
  staycast inspect clicks/ --mapping clicks.toml
  staycast inspect --source postgres://reader:PASSWORD@db.example/moodle")]
pub(crate) struct InspectArgs {
    /// A sequences folder, a run, or a log: files, or one folder of them
    #[arg(required_unless_present = "source", value_name = "PATH")]
    pub(super) paths: Vec<PathBuf>,
    /// Moodle's log in its database instead: mysql://USER:PASSWORD@HOST/DATABASE, mariadb://… or postgres://…, with
    /// ?prefix=PREFIX where its tables do not begin with mdl_
    #[arg(long, value_name = "URL", conflicts_with_all = ["paths", "mapping"])]
    pub(super) source: Option<DatabaseUrl>,
    /// For logs: what the files are; `auto` tells from their names and headers
    #[arg(long, value_enum, default_value_t = FormatName::Auto)]
    format: FormatName,
    /// For logs of format table: a TOML file that says which column is what
    #[arg(long, value_name = "FILE")]
    pub(super) mapping: Option<PathBuf>,
    /// For logs: when each course runs, as CSV with course_id, from, to
    #[arg(long, value_name = "FILE")]
    courses: Option<PathBuf>,
}

impl InspectArgs {
    pub(super) fn open_options(&self) -> anyhow::Result<OpenOptions> {
        Ok(OpenOptions {
            format: format(self.format, self.mapping.as_deref())?,
            mapping: self.mapping.clone(),
            courses: self.courses.clone(),
            labels: None,
            source: self.source.clone(),
        })
    }
}
