//! `staycast inspect`: a description of a sequences folder, a run or a log.

mod args;
mod log;
mod run;
mod sequences;

pub(crate) use args::InspectArgs;

use std::path::Path;

use anyhow::Context;
use staycast_forecast::config::Config;
use staycast_forecast::{RUN_KIND, RunState, run_state};
use staycast_sequences::SEQUENCES_KIND;

use crate::console::Console;
use crate::status::{Status, usage};

/// Names the kinds of things that can be inspected.
enum ContentKind {
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
    match content_kind(first)? {
        ContentKind::Log => log::run(args, console)?,
        _ if args.paths.len() > 1 => return Err(usage("give one sequences folder or run at a time")),
        ContentKind::Sequences => sequences::run(first, console)?,
        ContentKind::Run => run::run(first, console)?,
        ContentKind::Begun(config) => run::begun(first, &config, console)?,
    }
    Ok(Status::Fine)
}

/// Finds out what a path holds; Staycast's own folders say so in their manifest.
fn content_kind(path: &Path) -> anyhow::Result<ContentKind> {
    let file = path.join("manifest.json");
    if !file.is_file() {
        return match path.is_dir().then(|| run_state(path)).transpose()? {
            Some(RunState::Interrupted(config)) => Ok(ContentKind::Begun(config)),
            _ => Ok(ContentKind::Log),
        };
    }
    let text = std::fs::read(&file).with_context(|| file.display().to_string())?;
    let manifest: serde_json::Value =
        serde_json::from_slice(&text).with_context(|| format!("{}: not a manifest", file.display()))?;
    match manifest["kind"].as_str() {
        Some(SEQUENCES_KIND) => Ok(ContentKind::Sequences),
        Some(RUN_KIND) => Ok(ContentKind::Run),
        _ => anyhow::bail!("{}: neither that of sequences nor that of a run", file.display()),
    }
}
