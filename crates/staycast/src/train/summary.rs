//! The summary that `staycast train` prints.

use std::time::Duration;

use staycast_forecast::Run;

use super::job::{TrainJob, TrainOutcome};
use crate::display::{LabelledText, format_bytes, format_duration, quote_for_shell};
use crate::run_description::describe_run;

/// Describes the run that was trained, and the commands to run next.
pub(super) fn describe_outcome(job: &TrainJob, trained: &TrainOutcome, run: &Run) -> String {
    let mut sheet = LabelledText::default();
    if trained.kept {
        let out = trained.out.display();
        sheet.paragraph(format!("{out} is finished, with these settings and sequences: kept as it is.")).gap();
    }
    describe_run(&mut sheet, run);
    if !trained.kept {
        let memory =
            trained.peak_memory_bytes.map_or_else(String::new, |peak| format!(", peak memory {}", format_bytes(peak)));
        sheet.row("Took", format!("{}{memory}", format_duration(Duration::from_secs_f64(trained.seconds))));
    }
    sheet.row("Written", format!("{} (config.toml holds every setting)", trained.out.display()));
    sheet.gap();
    let (out, sequences) =
        (quote_for_shell(&trained.out.display().to_string()), quote_for_shell(&job.sequences.display().to_string()));
    sheet.verbatim(format!("Next: staycast evaluate {out} {sequences}"));
    if trained.manifest.folds.is_none() {
        sheet.verbatim(format!("      staycast score {out} {sequences} --out scores.csv"));
    }
    sheet.into_string()
}
