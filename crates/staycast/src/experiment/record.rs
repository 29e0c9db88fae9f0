//! `staycast experiment record`: who really was reached.

use std::path::Path;

use serde::Serialize;
use staycast_advice::experiments::{DELIVERIES_FILE, DeliveryCounts, Experiment};

use crate::console::Console;
use crate::display::{LabelledText, format_percent, group_digits};
use crate::status::Status;

/// Describes deliveries that were recorded, as `--json` prints them.
#[derive(Debug, Serialize)]
struct Recorded<'a> {
    #[serde(serialize_with = "crate::display::path_text")]
    experiment: &'a Path,
    #[serde(flatten)]
    counts: DeliveryCounts,
}

/// Runs the subcommand.
pub(super) fn run(folder: &Path, deliveries: &Path, max_rejected: f64, console: &Console) -> anyhow::Result<Status> {
    let experiment = Experiment::open(folder)?;
    staycast_files::clean_up(experiment.path());
    let counts = experiment.record(deliveries)?;
    let rejected = counts.rejected_rows();
    let is_too_many = rejected as f64 > max_rejected * counts.rows as f64;
    let recorded = Recorded { experiment: folder, counts };
    console.print_summary(&recorded, || describe(&recorded))?;
    if let Some(first) = recorded.counts.first_rejected {
        console.warn(&format!(
            "{}: {} of {} rows rejected; the first one is row {first}",
            deliveries.display(),
            group_digits(rejected),
            group_digits(recorded.counts.rows)
        ));
    }
    if is_too_many {
        console.warn(&format!(
            "more than --max-rejected {max_rejected} allows ({} of the rows); the others are recorded",
            format_percent(rejected as f64 / recorded.counts.rows as f64)
        ));
        return Ok(Status::TooManyRejected);
    }
    Ok(Status::Fine)
}

fn describe(recorded: &Recorded<'_>) -> String {
    let counts = &recorded.counts;
    let mut sheet = LabelledText::default();
    sheet.row("Recorded", format!("{} of {} rows", group_digits(counts.recorded), group_digits(counts.rows)));
    for (label, rows, what) in [
        ("Known", counts.already_recorded, "recorded before"),
        ("Set aside", counts.not_assigned, "of enrolments that are not in the experiment"),
    ] {
        if rows > 0 {
            sheet.row(label, format!("{} {what}", group_digits(rows)));
        }
    }
    for (place, (reason, rows)) in counts.rejected.iter().enumerate() {
        let label = if place == 0 { "Rejected" } else { "" };
        sheet.row(label, format!("{} {}", group_digits(*rows), reason.replace('_', " ")));
    }
    sheet.row("Written", recorded.experiment.join(DELIVERIES_FILE).display().to_string());
    sheet.into_string()
}
