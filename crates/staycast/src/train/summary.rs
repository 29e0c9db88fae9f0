//! What a training run came to, in words.

use std::time::Duration;

use staycast_forecast::{Run, RunManifest};

use super::{Plan, Trained};
use crate::devices;
use crate::words::{Sheet, bytes, counted, duration, grouped, shell, with_grouped_numbers};

/// The summary that `train` prints.
pub(super) fn words(plan: &Plan, trained: &Trained, run: &Run) -> String {
    let mut sheet = Sheet::default();
    if trained.kept {
        let out = trained.out.display();
        sheet.paragraph(format!("{out} is finished, with these settings and sequences: kept as it is.")).gap();
    }
    describe(&mut sheet, run);
    if !trained.kept {
        let memory =
            trained.peak_memory_bytes.map_or_else(String::new, |peak| format!(", peak memory {}", bytes(peak)));
        sheet.row("Took", format!("{}{memory}", duration(Duration::from_secs_f64(trained.seconds))));
    }
    sheet.row("Written", format!("{} (config.toml holds every setting)", trained.out.display()));
    sheet.gap();
    let (out, sequences) = (shell(&trained.out.display().to_string()), shell(&plan.sequences.display().to_string()));
    sheet.verbatim(format!("Next: staycast evaluate {out} {sequences}"));
    if trained.manifest.folds.is_none() {
        sheet.verbatim(format!("      staycast score {out} {sequences} --out scores.csv"));
    }
    sheet.finish()
}

/// What a run is.
pub(crate) fn describe(sheet: &mut Sheet, run: &Run) {
    let manifest = run.manifest();
    let config = run.config();
    let layers = match config.model.layers {
        1 => String::new(),
        layers => format!("{layers} layers of "),
    };
    let networks = match &manifest.folds {
        None => grouped(manifest.members.len() as u64),
        Some(folds) => format!(
            "{}, {} a fold, in {} folds drawn {} over {}",
            grouped(manifest.members.len() as u64),
            config.ensemble.members,
            folds.folds,
            counted(u64::from(folds.repeats), "time"),
            counted(run.split().training.values().map(|ids| ids.len() as u64).sum(), "enrolment"),
        ),
    };
    sheet.row(
        "Networks",
        format!(
            "{networks}\neach an LSTM of {layers}{} units, {} parameters, that reads {} numbers a week ({} features) for up \
             to {} weeks",
            config.model.hidden,
            grouped(manifest.parameters),
            manifest.inputs,
            manifest.features.len(),
            manifest.weeks,
        ),
    );
    sheet.row("Dropout", format!("by the rule {}", manifest.label_rule));
    sheet.row("Split", sentence(&manifest.split));
    sheet.row("Held out", held_out(manifest));
    if let Some(fit) = run.fitted().and_then(|fitted| fitted.weeks.get(&manifest.target_week)) {
        let rule = &config.threshold.rule;
        sheet.row(
            "At risk",
            format!("from a probability of {:.3} on (by the rule {rule}, on held-out rows)", fit.threshold.threshold),
        );
    }
    sheet.row("Device", devices::in_words(&manifest.device));
    sheet.row("Seed", manifest.seed.to_string());
}

/// The split's description, a line for each of its clauses that is about anybody.
fn sentence(split: &str) -> String {
    let clauses = split.split("; ").filter(|clause| !clause.contains(" 0 enrolments"));
    with_grouped_numbers(&clauses.collect::<Vec<_>>().join("\n"))
}

fn held_out(manifest: &RunManifest) -> String {
    let aucs = manifest.members.iter().map(|member| member.validation_auc);
    let (low, high) = aucs.fold((f64::MAX, f64::MIN), |(low, high), auc| (low.min(auc), high.max(auc)));
    let epochs = manifest.members.iter().map(|member| member.best_epoch);
    let (first, last) = epochs.fold((u32::MAX, 0), |(first, last), epoch| (first.min(epoch), last.max(epoch)));
    let together = manifest.held_out_auc.map_or_else(String::new, |auc| format!("AUC {auc:.3}; "));
    format!(
        "{together}networks one by one {low:.3} to {high:.3}, kept at epochs {first} to {last} (week {}, rows of the \
         training side that the network did not learn from)",
        manifest.target_week
    )
}
