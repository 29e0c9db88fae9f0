//! `staycast messages draft`: who gets which message.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;
use staycast_advice::experiments::Experiment;
use staycast_advice::messages::{
    Contacts, Draft, DraftCounts, Items, OUTBOX_FILES, RowCounts, Templates, read_worklist,
};
use staycast_advice::policy::{Mailbox, Policy};

use super::now;
use crate::console::Console;
use crate::display::{LabelledText, format_percent, group_digits, pluralise};
use crate::output_place;
use crate::status::{Status, usage};
use crate::values;

/// Draft messages for the learners of a worklist; nothing is sent
///
/// The outbox has the drafts in messages.jsonl, and to read in drafts.txt. Who gets none is in not_drafted.csv, with the
/// reason. The same worklist again adds nothing.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  staycast messages draft worklist.jsonl --contacts people.csv --out outbox \\
      --sender \"Course team <team@example.org>\"
  staycast messages draft worklist.jsonl --policy policy.toml --contacts people.csv \\
      --items items.csv --out outbox")]
pub(super) struct DraftArgs {
    /// File in JSON lines that `staycast worklist` wrote
    #[arg(value_name = "WORKLIST")]
    worklist: PathBuf,
    /// Policy: what is done about which reason; if not given, the built-in one
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// CSV file with enrolment_id and email, and perhaps course_id, name, language, phone, opt_out and opt_in
    #[arg(long, value_name = "FILE")]
    contacts: PathBuf,
    /// CSV file with course_id, title and due, and enrolment_id for what one learner has still to do
    #[arg(long, value_name = "FILE")]
    items: Option<PathBuf>,
    /// Who the mails are from, as "Course team <team@example.org>"; if not given, the policy's sender
    #[arg(long, value_name = "ADDRESS", value_parser = mailbox)]
    sender: Option<Mailbox>,
    /// Experiment that says who may get one: only the learners of --arm do
    #[arg(long, value_name = "EXPERIMENT", requires = "arm")]
    experiment: Option<PathBuf>,
    /// Arm of --experiment
    #[arg(long, value_name = "ARM", requires = "experiment")]
    arm: Option<String>,
    /// Draft as if it were this time
    #[arg(long, value_name = "TIME", value_parser = values::instant, allow_hyphen_values = true)]
    at: Option<i64>,
    /// Share of rows of contacts or items that may be rejected; more, and the exit status is 3
    #[arg(long, value_name = "SHARE", default_value = "0.01", value_parser = values::share)]
    max_rejected: f64,
    /// Outbox: a folder to write, or one to add to
    #[arg(long, value_name = "OUTBOX")]
    out: PathBuf,
}

fn mailbox(text: &str) -> Result<Mailbox, String> {
    Mailbox::parse(text).ok_or_else(|| "is no address, as `Course team <team@example.org>`".to_owned())
}

/// Describes what was drafted, as `--json` prints it.
#[derive(Debug, Serialize)]
struct Drafted<'a> {
    #[serde(serialize_with = "crate::display::path_text")]
    out: &'a Path,
    #[serde(flatten)]
    counts: DraftCounts,
    contacts: &'a RowCounts,
    items: Option<&'a RowCounts>,
    max_rejected: f64,
    /// The exit status.
    status: u8,
}

/// Runs the subcommand.
pub(super) fn run(args: &DraftArgs, console: &Console) -> anyhow::Result<Status> {
    let others = [args.items.as_ref(), args.policy.as_ref(), args.experiment.as_ref()];
    let inputs = [Some(&args.worklist), Some(&args.contacts)].into_iter().chain(others);
    output_place::prepare_folder(&args.out, &OUTBOX_FILES, inputs.flatten().map(PathBuf::as_path))?;
    if holds_other_files(&args.out) {
        let place = args.out.display();
        return Err(usage(format!(
            "--out {place} has files and is no outbox; name another folder, or an outbox to add to"
        )));
    }
    let policy = args.policy.as_deref().map_or_else(|| Ok(Policy::built_in()), Policy::read)?;
    let templates = Templates::read(policy.messages.templates.as_deref())?;
    let contacts = Contacts::read(&args.contacts)?;
    let items = args.items.as_deref().map(Items::read).transpose()?;
    let only = match (&args.experiment, &args.arm) {
        (Some(experiment), Some(arm)) => Some(enrolments_of(experiment, arm)?),
        _ => None,
    };
    let rows = read_worklist(&args.worklist)?;
    let draft = Draft {
        policy: &policy,
        templates: &templates,
        contacts: &contacts,
        items: items.as_ref(),
        sender: args.sender.clone(),
        only: only.as_ref(),
        now: args.at.unwrap_or_else(now),
    };
    let (counts, _) = draft.into_outbox(&rows, &args.worklist, &args.out)?;
    let too_many = |rejected: u64, rows: u64| rejected as f64 > args.max_rejected * rows as f64;
    let of_items = items.as_ref().map(Items::counts);
    let is_too_many = too_many(contacts.counts().rejected_rows(), contacts.counts().rows)
        || of_items.is_some_and(|counts| too_many(counts.rejected_rows(), counts.rows));
    let status = if is_too_many { Status::TooManyRejected } else { Status::Fine };
    let drafted = Drafted {
        out: &args.out,
        counts,
        contacts: contacts.counts(),
        items: of_items,
        max_rejected: args.max_rejected,
        status: status.code(),
    };
    console.print_summary(&drafted, || describe(&drafted))?;
    if is_too_many {
        console.warn(&format!(
            "more than {} of the rows of contacts or items were rejected",
            format_percent(args.max_rejected)
        ));
    }
    Ok(status)
}

/// Returns the enrolments of an arm, by course and enrolment.
fn enrolments_of(experiment: &Path, arm: &str) -> anyhow::Result<BTreeSet<(String, String)>> {
    let opened = Experiment::open(experiment)?;
    let names: Vec<&str> = opened.plan().arms().map(|arm| arm.name.as_str()).collect();
    if !names.contains(&arm) {
        return Err(usage(format!("--arm {arm}: {} has {}", experiment.display(), names.join(", "))));
    }
    let of_arm = opened.assignments()?.into_iter().filter(|row| row.arm == arm);
    Ok(of_arm.map(|row| (row.course_id, row.enrolment_id)).collect())
}

/// Tells whether a folder has something in it and is no outbox.
fn holds_other_files(out: &Path) -> bool {
    let has_files = std::fs::read_dir(out).is_ok_and(|mut entries| entries.next().is_some());
    has_files && !out.join(OUTBOX_FILES[0]).exists()
}

fn describe(drafted: &Drafted<'_>) -> String {
    let counts = &drafted.counts;
    let mut sheet = LabelledText::default();
    sheet.row("Drafted", format!("{} for {}", pluralise(counts.drafted, "message"), pluralise(counts.rows, "row")));
    for (channel, count) in &counts.by_channel {
        sheet.row("", format!("{} {channel}", group_digits(*count)));
    }
    if counts.already_there > 0 {
        sheet.row("Kept", format!("{} in the outbox already", group_digits(counts.already_there)));
    }
    for (place, (reason, rows)) in counts.not_drafted.iter().enumerate() {
        let label = if place == 0 { "No message" } else { "" };
        sheet.row(label, format!("{} {}", group_digits(*rows), reason.key().replace('_', " ")));
    }
    let rejected = drafted.contacts.rejected.iter().chain(drafted.items.iter().flat_map(|items| &items.rejected));
    for (place, (reason, rows)) in rejected.enumerate() {
        let label = if place == 0 { "Rejected" } else { "" };
        sheet.row(label, format!("{} {}", group_digits(*rows), reason.replace('_', " ")));
    }
    sheet.row("Written", drafted.out.display().to_string());
    sheet.row("Next", "read drafts.txt there, then approve; nothing is sent before that");
    sheet.into_string()
}
