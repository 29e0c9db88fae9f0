//! `staycast messages send`: what was approved, each message once.

use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;
use staycast_advice::messages::{SendCounts, Target, send};
use staycast_text::Secret;

use super::{now, open};
use crate::console::Console;
use crate::display::{LabelledText, pluralise};
use crate::output_place;
use crate::password;
use crate::status::{Status, usage, usage_from};

/// Names the variables of a webhook.
const URL_VARIABLE: &str = "STAYCAST_WEBHOOK_URL";
const TOKEN_VARIABLE: &str = "STAYCAST_WEBHOOK_TOKEN";

/// Send approved messages, each once, even after a kill
///
/// file:FOLDER writes one .eml file for each mail, and a .txt file for each call or text to a telephone. webhook:URL posts
/// each message as JSON, with the header Idempotency-Key. After a failure or a kill, send again to the same target.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  staycast messages send outbox --to file:mails
  staycast messages send outbox --to webhook:https://example.org/messages --token-file token
  STAYCAST_WEBHOOK_URL=… STAYCAST_WEBHOOK_TOKEN=… staycast messages send outbox --to webhook

Exit status 1: a message failed, or nobody knows whether it arrived. Send again to the same target.")]
pub(super) struct SendArgs {
    /// Folder that `staycast messages draft` wrote
    #[arg(value_name = "OUTBOX")]
    outbox: PathBuf,
    /// Where to: file:FOLDER, webhook:URL, or webhook with the address in STAYCAST_WEBHOOK_URL
    #[arg(long, value_name = "TARGET")]
    to: String,
    /// File whose first line is the webhook's token; if not given, STAYCAST_WEBHOOK_TOKEN, where it is set
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
}

/// Describes a sending, as `--json` prints it.
#[derive(Debug, Serialize)]
struct Sent<'a> {
    #[serde(serialize_with = "crate::display::path_text")]
    outbox: &'a Path,
    target: String,
    #[serde(flatten)]
    counts: SendCounts,
    /// The exit status.
    status: u8,
}

/// Holds where to send to, as it was typed.
enum Place {
    Folder(PathBuf),
    Webhook(Target),
}

/// Reads where to send to.
fn place(args: &SendArgs) -> anyhow::Result<Place> {
    let (kind, place) = args.to.split_once(':').unwrap_or((&args.to, ""));
    match kind {
        "file" if !place.is_empty() => Ok(Place::Folder(PathBuf::from(place))),
        "webhook" => {
            let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
            let address = if place.is_empty() { variable(URL_VARIABLE) } else { Some(place.to_owned()) };
            let address = address.ok_or_else(|| usage(format!("--to webhook: {URL_VARIABLE} is not set")))?;
            let token = match &args.token_file {
                Some(file) => Some(password::read(file)?),
                None => variable(TOKEN_VARIABLE).map(Secret::from),
            };
            Ok(Place::Webhook(Target::webhook(&address, token).map_err(usage_from)?))
        }
        "smtp" => Err(usage(
            "--to smtp: this build can't send mail itself. Write .eml files with --to file:FOLDER, and hand each to your \
             mail program or server, as with `sendmail -t < FILE`",
        )),
        _ => Err(usage("--to is file:FOLDER, webhook:URL, or webhook")),
    }
}

/// Runs the subcommand.
pub(super) fn run(args: &SendArgs, console: &Console) -> anyhow::Result<Status> {
    let place = place(args)?;
    let mut outbox = open(&args.outbox)?;
    let target = match place {
        Place::Folder(folder) => {
            output_place::prepare_whole_folder(&folder, [args.outbox.as_path()])?;
            Target::folder(&folder)?
        }
        Place::Webhook(target) => target,
    };
    let counts = send(&mut outbox, &target, &now)?;
    let has_failed = counts.failed + counts.unsure + counts.not_tried + counts.begun_elsewhere > 0;
    let status = if has_failed { Status::Failed } else { Status::Fine };
    let sent = Sent { outbox: &args.outbox, target: target.shown(), counts, status: status.code() };
    console.print_summary(&sent, || describe(&sent))?;
    for problem in sent.counts.problems.iter().take(5) {
        console.warn(&format!("{}: {}", problem.id, problem.what));
    }
    Ok(status)
}

fn describe(sent: &Sent<'_>) -> String {
    let counts = &sent.counts;
    let mut sheet = LabelledText::default();
    sheet.row("Sent", format!("{} to {}", pluralise(counts.sent, "message"), sent.target));
    let until = counts.quiet_until.as_deref().unwrap_or_default();
    for (label, count, what) in [
        ("Before", counts.already_sent, "sent already".to_owned()),
        ("Failed", counts.failed, "did not arrive; send again".to_owned()),
        ("Unsure", counts.unsure, "perhaps arrived; send again to the same target".to_owned()),
        ("Not tried", counts.not_tried, "after that failure; send again".to_owned()),
        ("Elsewhere", counts.begun_elsewhere, "begun towards another target; send there, or reject".to_owned()),
        ("Quiet", counts.quiet, format!("held in the quiet hours, until {until}")),
        ("Limit", counts.limit_reached, "held, as the learner had enough of late".to_owned()),
        ("Waiting", counts.not_approved, "not approved".to_owned()),
    ] {
        if count > 0 {
            sheet.row(label, format!("{count} {what}"));
        }
    }
    sheet.into_string()
}
