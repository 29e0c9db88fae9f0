//! `staycast inspect`: what a path holds, in words.

mod log;
mod run;
mod sequences;

use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;
use staycast_events::formats::DatabaseUrl;
use staycast_forecast::config::Config;
use staycast_forecast::{RunState, run_state};

use crate::console::Console;
use crate::preprocess::{self, FormatName};
use crate::status::{Status, usage};

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
    paths: Vec<PathBuf>,
    /// Moodle's log in its database instead: mysql://USER:PASSWORD@HOST/DATABASE, mariadb://… or postgres://…, with
    /// ?prefix=PREFIX where its tables do not begin with mdl_
    #[arg(long, value_name = "URL", conflicts_with_all = ["paths", "mapping"])]
    source: Option<DatabaseUrl>,
    /// For logs: what the files are; `auto` tells from their names and headers
    #[arg(long, value_enum, default_value_t = FormatName::Auto)]
    format: FormatName,
    /// For logs of format table: a TOML file that says which column is what
    #[arg(long, value_name = "FILE")]
    mapping: Option<PathBuf>,
    /// For logs: when each course runs, as CSV with course_id, from, to
    #[arg(long, value_name = "FILE")]
    courses: Option<PathBuf>,
}

/// What a path turned out to be.
enum Found {
    Sequences,
    Run,
    /// A run that is not finished, and the settings that it was begun with.
    Begun(Box<Config>),
    Log,
}

/// Runs the subcommand.
pub(crate) fn run(args: &InspectArgs, console: &Console) -> anyhow::Result<Status> {
    let Some(first) = args.paths.first() else {
        // No path is given where a database is.
        log::run(args, console)?;
        return Ok(Status::Fine);
    };
    match look(first)? {
        Found::Log => log::run(args, console)?,
        _ if args.paths.len() > 1 => return Err(usage("give one sequences folder or run at a time")),
        Found::Sequences => sequences::run(first, console)?,
        Found::Run => run::run(first, console)?,
        Found::Begun(config) => run::begun(first, &config, console)?,
    }
    Ok(Status::Fine)
}

/// Folders of ours say in their manifest what they are.
fn look(path: &Path) -> anyhow::Result<Found> {
    let file = path.join("manifest.json");
    if !file.is_file() {
        return match path.is_dir().then(|| run_state(path)).transpose()? {
            Some(RunState::Interrupted(config)) => Ok(Found::Begun(config)),
            _ => Ok(Found::Log),
        };
    }
    let text = std::fs::read(&file).with_context(|| file.display().to_string())?;
    let manifest: serde_json::Value =
        serde_json::from_slice(&text).with_context(|| format!("{}: not a manifest", file.display()))?;
    match manifest["kind"].as_str() {
        Some("staycast-sequences") => Ok(Found::Sequences),
        Some("staycast-run") => Ok(Found::Run),
        _ => anyhow::bail!("{}: neither that of sequences nor that of a run", file.display()),
    }
}

impl InspectArgs {
    fn open_options(&self) -> anyhow::Result<staycast_events::formats::OpenOptions> {
        Ok(staycast_events::formats::OpenOptions {
            format: preprocess::format(self.format, self.mapping.as_deref())?,
            mapping: self.mapping.clone(),
            courses: self.courses.clone(),
            labels: None,
            source: self.source.clone(),
        })
    }
}
