//! `staycast messages`: drafts from a worklist, approval, and an outbox that sends each message once.

mod draft;
mod outbox;
mod send;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Context;
use clap::{Args, Subcommand};
use serde::Serialize;
use staycast_advice::messages::{Outbox, built_in_templates};
use staycast_files::{FolderDraft, IfExists};

use crate::console::Console;
use crate::display::{LabelledText, pluralise};
use crate::output_place;
use crate::status::Status;

/// Write to learners: drafts from templates, approved by people, each sent once
///
/// A policy says what is done about which reason. Drafts go into an outbox, a folder. Nothing is sent before somebody
/// approves it. docs/messages.md explains each step.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  staycast messages draft worklist.jsonl --policy policy.toml --contacts people.csv --out outbox
  less outbox/drafts.txt                               read them
  staycast messages approve outbox --all
  staycast messages send outbox --to file:mails        one .eml file for each mail
  staycast messages list outbox")]
pub(crate) struct MessagesArgs {
    #[command(subcommand)]
    command: MessagesCommand,
}

#[derive(Debug, Subcommand)]
enum MessagesCommand {
    Draft(draft::DraftArgs),
    Approve(outbox::ApproveArgs),
    Send(send::SendArgs),
    /// List the messages of an outbox, and where each stands
    #[command(after_help = "\
Examples:
  staycast messages list outbox
  staycast messages list outbox --json")]
    List {
        /// Folder that `staycast messages draft` wrote
        #[arg(value_name = "OUTBOX")]
        outbox: PathBuf,
    },
    /// Copy the built-in templates, to change them
    ///
    /// Name the folder in the policy: templates = "FOLDER" in the section for messages. Delete the files that stay as they are.
    #[command(after_help = "\
Examples:
  staycast messages templates --out messages")]
    Templates {
        /// Folder to write; it must not exist
        #[arg(long, value_name = "FOLDER")]
        out: PathBuf,
    },
}

/// Runs the subcommand.
pub(crate) fn run(args: &MessagesArgs, console: &Console) -> anyhow::Result<Status> {
    match &args.command {
        MessagesCommand::Draft(args) => draft::run(args, console),
        MessagesCommand::Approve(args) => outbox::approve(args, console),
        MessagesCommand::Send(args) => send::run(args, console),
        MessagesCommand::List { outbox } => outbox::list(outbox, console),
        MessagesCommand::Templates { out } => templates(out, console),
    }
}

/// Returns the time, in seconds since 1970.
fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

/// Opens an outbox, and removes what killed processes left in it.
fn open(path: &Path) -> anyhow::Result<Outbox> {
    let outbox = Outbox::open(path)?;
    staycast_files::clean_up(path);
    Ok(outbox)
}

/// Describes the templates that were written, as `--json` prints them.
#[derive(Debug, Serialize)]
struct Written<'a> {
    #[serde(serialize_with = "crate::display::path_text")]
    out: &'a Path,
    files: Vec<String>,
}

/// Copies the built-in templates into a new folder, so that none that was changed is lost.
fn templates(out: &Path, console: &Console) -> anyhow::Result<Status> {
    output_place::prepare_whole_folder(out, [])?;
    let draft = FolderDraft::begin(out)?;
    let mut files = Vec::new();
    for (name, text) in built_in_templates() {
        let written = draft.create(&name)?.write_all(text.as_bytes());
        written.with_context(|| format!("cannot write {}", out.join(&name).display()))?;
        files.push(name);
    }
    draft.publish(IfExists::Refuse)?;
    let written = Written { out, files };
    console.print_summary(&written, || {
        let mut sheet = LabelledText::default();
        sheet.row("Templates", pluralise(written.files.len() as u64, "file"));
        sheet.row("Written", out.display().to_string());
        sheet.into_string()
    })?;
    Ok(Status::Fine)
}
