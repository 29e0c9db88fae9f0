//! `staycast messages approve` and `list`: what may be sent, and where each message stands.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;
use staycast_advice::messages::{Decision, DecisionCounts, State, Which};

use super::{now, open};
use crate::console::Console;
use crate::display::{LabelledText, align_columns, group_digits, pluralise};
use crate::status::Status;

/// Approve messages, or reject them; only what is approved is sent
///
/// An approval is of a text as it is now. Texts in messages.jsonl may be changed before; after it, they need another one.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  staycast messages approve outbox --all
  staycast messages approve outbox --ids 1f3870be274f6c49b3e31a0c6728957f
  staycast messages approve outbox --reject 1f3870be274f6c49b3e31a0c6728957f --all")]
#[command(group = clap::ArgGroup::new("what").required(true).multiple(true))]
pub(super) struct ApproveArgs {
    /// Folder that `staycast messages draft` wrote
    #[arg(value_name = "OUTBOX")]
    outbox: PathBuf,
    /// Approve all that wait for a decision
    #[arg(long, group = "what", conflicts_with = "ids")]
    all: bool,
    /// Approve these
    #[arg(long, group = "what", value_name = "ID", value_delimiter = ',')]
    ids: Vec<String>,
    /// Reject these, before anything is approved
    #[arg(long, group = "what", value_name = "ID", value_delimiter = ',')]
    reject: Vec<String>,
}

/// Describes decisions, as `--json` prints them.
#[derive(Debug, Serialize)]
struct Decided<'a> {
    #[serde(serialize_with = "crate::display::path_text")]
    outbox: &'a Path,
    #[serde(flatten)]
    counts: DecisionCounts,
    /// Messages by state.
    states: BTreeMap<State, u64>,
}

/// Runs `approve`.
pub(super) fn approve(args: &ApproveArgs, console: &Console) -> anyhow::Result<Status> {
    let mut outbox = open(&args.outbox)?;
    let mut counts = DecisionCounts::default();
    let mut decide = |decision, which: &Which| -> anyhow::Result<()> {
        let more = outbox.decide(decision, which, now())?;
        counts.approved += more.approved;
        counts.rejected += more.rejected;
        counts.unchanged += more.unchanged;
        Ok(())
    };
    if !args.reject.is_empty() {
        decide(Decision::Reject, &Which::Ids(args.reject.clone()))?;
    }
    if args.all {
        decide(Decision::Approve, &Which::All)?;
    } else if !args.ids.is_empty() {
        decide(Decision::Approve, &Which::Ids(args.ids.clone()))?;
    }
    let decided =
        Decided { outbox: &args.outbox, counts, states: count_states(outbox.messages().map(|(_, state)| state)) };
    console.print_summary(&decided, || {
        let mut sheet = LabelledText::default();
        sheet.row("Approved", pluralise(counts.approved, "message"));
        if counts.rejected > 0 {
            sheet.row("Rejected", pluralise(counts.rejected, "message"));
        }
        if counts.unchanged > 0 {
            sheet.row("Unchanged", pluralise(counts.unchanged, "message"));
        }
        show_states(&mut sheet, &decided.states);
        sheet.into_string()
    })?;
    Ok(Status::Fine)
}

fn count_states(states: impl Iterator<Item = State>) -> BTreeMap<State, u64> {
    let mut counts = BTreeMap::new();
    for state in states {
        *counts.entry(state).or_default() += 1;
    }
    counts
}

fn show_states(sheet: &mut LabelledText, states: &BTreeMap<State, u64>) {
    for (place, (state, count)) in states.iter().enumerate() {
        sheet.row(if place == 0 { "Outbox" } else { "" }, format!("{} {}", group_digits(*count), state.words()));
    }
}

/// Describes an outbox, as `--json` prints it. Names, addresses and texts are in its files.
#[derive(Debug, Serialize)]
struct Listed<'a> {
    #[serde(serialize_with = "crate::display::path_text")]
    outbox: &'a Path,
    states: BTreeMap<State, u64>,
    messages: Vec<ListedMessage>,
}

#[derive(Debug, Serialize)]
struct ListedMessage {
    id: String,
    state: State,
    course_id: String,
    enrolment_id: String,
    week: u16,
    action: String,
    channel: &'static str,
}

/// Runs `list`.
pub(super) fn list(path: &Path, console: &Console) -> anyhow::Result<Status> {
    let outbox = open(path)?;
    let messages: Vec<ListedMessage> = outbox
        .messages()
        .map(|(message, state)| ListedMessage {
            id: message.id.clone(),
            state,
            course_id: message.course_id.clone(),
            enrolment_id: message.enrolment_id.clone(),
            week: message.week,
            action: message.action.clone(),
            channel: message.channel.key(),
        })
        .collect();
    let listed = Listed { outbox: path, states: count_states(messages.iter().map(|one| one.state)), messages };
    console.print_result(&listed, || {
        let mut sheet = LabelledText::default();
        sheet.row("Messages", group_digits(listed.messages.len() as u64));
        show_states(&mut sheet, &listed.states);
        let row = |one: &ListedMessage| {
            [&one.id, &one.action, one.channel, &one.course_id, &one.enrolment_id, one.state.words()]
                .map(|cell| staycast_text::escape(cell).into_owned())
        };
        let rows: Vec<[String; 6]> = listed.messages.iter().map(row).collect();
        if !rows.is_empty() {
            sheet.gap();
            sheet.verbatim(align_columns(&rows, 6).join("\n"));
        }
        sheet.into_string()
    })?;
    Ok(Status::Fine)
}
