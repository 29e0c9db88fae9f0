//! `staycast sequences seal`.

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::anyhow;
use serde::Serialize;
use staycast_sequences::manifest::{ResealRecord, Totals};
use staycast_sequences::{FolderError, Resealed, reseal};

use crate::console::Console;
use crate::display::{LabelledText, path_text, pluralise};
use crate::status::Status;

/// Holds what was sealed, as `--json` prints it.
#[derive(Debug, Serialize)]
struct Outcome<'a> {
    #[serde(serialize_with = "path_text")]
    path: &'a Path,
    /// The seal; null where the folder was as it had been sealed.
    record: &'a Option<ResealRecord>,
    totals: &'a Totals,
    fingerprint: String,
}

pub(super) fn run(path: &Path, console: &Console) -> anyhow::Result<Status> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs() as i64);
    let Resealed { manifest, record } = reseal(path, now).map_err(|error| match error {
        // To preprocess again, as is said of damage elsewhere, would undo the edit.
        FolderError::Damaged { .. } => anyhow!("{error}; mend that, and seal again"),
        other => other.into(),
    })?;
    let outcome = Outcome { path, record: &record, totals: &manifest.totals, fingerprint: manifest.fingerprint() };
    console.print_summary(&outcome, || describe(&outcome))?;
    Ok(Status::Fine)
}

fn describe(outcome: &Outcome<'_>) -> String {
    let mut sheet = LabelledText::default();
    let path = outcome.path.display();
    match outcome.record {
        None => sheet.row("Kept", format!("{path} is as it was sealed: nothing to do")),
        Some(record) => {
            let names: Vec<&str> = record.edited.iter().map(|edited| edited.file.as_str()).collect();
            let edited = if names.is_empty() { "no table".to_owned() } else { names.join(", ") };
            sheet.row("Edited", edited);
            sheet.row("Sealed", format!("{path} at {} UTC", record.at))
        }
    };
    let totals = outcome.totals;
    let holds = [
        pluralise(totals.courses, "course"),
        pluralise(totals.enrolments, "enrolment"),
        format!("{} by week", pluralise(totals.enrolment_weeks, "row")),
    ];
    sheet.row("Holds", holds.join(", "));
    sheet.into_string()
}
