//! A run described: its models, split, threshold and device.

use staycast_baselines::BaselineKind;
use staycast_forecast::{ModelKind, Run, RunManifest, SingleModel};

use crate::devices;
use crate::display::{LabelledText, group_digits, group_digits_in, pluralise};
use crate::input_choice::describe_choice;
use crate::model_choice;
use crate::recalibrate::describe_refit;
use crate::sequences::describe_edit;

/// Describes a run, a row a fact.
pub(crate) fn describe_run(sheet: &mut LabelledText, run: &Run) {
    let manifest = run.manifest();
    let config = run.config();
    let members = match &manifest.folds {
        None => group_digits(manifest.members.len() as u64),
        Some(folds) => format!(
            "{}, {} a fold, in {} drawn {} over {}",
            group_digits(manifest.members.len() as u64),
            manifest.members.iter().filter(|member| (member.repeat, member.fold) == (0, 0)).count(),
            pluralise(u64::from(folds.folds), "fold"),
            pluralise(u64::from(folds.repeats), "time"),
            pluralise(run.split().training.values().map(|ids| ids.len() as u64).sum(), "enrolment"),
        ),
    };
    let reads = format!(
        "that reads {} a week{} for up to {}",
        pluralise(manifest.features.len() as u64, "feature"),
        if manifest.inputs == manifest.features.len() as u64 {
            String::new()
        } else {
            format!(" ({} with indicators)", pluralise(manifest.inputs, "number"))
        },
        pluralise(manifest.weeks.into(), "week")
    );
    match manifest.model {
        ModelKind::Lstm => sheet.rows("Networks", [members, format!("each {}, {reads}", network(run))]),
        ModelKind::Baseline(kind) => {
            sheet.rows("Models", [members, format!("each {}, {reads}", describe_baseline(kind))])
        }
        // No finished run is of `auto`.
        ModelKind::Blend | ModelKind::Auto => {
            let parts = manifest.parts().into_iter().map(|part| match part {
                SingleModel::Baseline(kind) => describe_baseline(kind).to_owned(),
                SingleModel::Lstm => network(run),
            });
            let parts: Vec<String> = parts.collect();
            sheet.row("Blend", format!("{members} models: {}; {reads}", parts.join("; ")));
            if let Some(weights) = weights(run) {
                sheet.row("Weights", weights);
            }
            &mut *sheet
        }
    };
    if !manifest.choices.is_empty() {
        sheet.rows("Chosen", model_choice::describe(&manifest.choices));
    }
    if let Some(choice) = run.inputs().and_then(|inputs| inputs.choice.as_ref()) {
        sheet.rows("Inputs", describe_choice(choice));
    }
    if let Some(from) = &manifest.from {
        let data = &from.data_fingerprint[..from.data_fingerprint.len().min(16)];
        sheet.row("Goes on from", format!("a run with seed {} on data of fingerprint {data}", from.seed));
    }
    if let Some(carried) = &manifest.recalibrated {
        let refit = carried.weeks.get(&manifest.target_week).map_or("nothing", |week| describe_refit(week.refit));
        let data = &carried.data_fingerprint[..carried.data_fingerprint.len().min(16)];
        sheet.row("Carried to", format!("data of fingerprint {data}; fitted at its week: {refit}"));
    }
    if let Some(edit) = &manifest.data.edited {
        sheet.row("Data", format!("the sequences were {}", describe_edit(edit)));
    }
    if let Some(proxies) = &manifest.proxies {
        sheet.row("Proxies", format!("{} with a label {}", pluralise(proxies.enrolments, "enrolment"), proxies.rule));
    }
    sheet.row("Dropout", format!("by the rule {}", manifest.label_rule));
    if !manifest.adaptations.is_empty() {
        sheet.rows("Adapted", manifest.adaptations.iter().map(ToString::to_string).collect::<Vec<_>>());
    }
    sheet.rows("Split", clauses(&manifest.split));
    sheet.row("Held out", held_out(manifest));
    if let Some(fit) = run.week_fits().and_then(|fits| fits.weeks.get(&manifest.target_week)) {
        let rule = &config.written().threshold.rule;
        sheet.row(
            "At risk",
            format!("from a probability of {:.3} on (by the rule {rule}, on held-out rows)", fit.threshold.threshold),
        );
    }
    let used = std::iter::once(&manifest.device).chain(&manifest.other_devices);
    sheet.row("Device", used.map(devices::describe_device).collect::<Vec<_>>().join(", "));
    sheet.row("Seed", manifest.seed.to_string());
}

/// Describes in a phrase the models that a run forecasts with.
pub(crate) fn describe_model(run: &Run) -> String {
    let each = |model: SingleModel| match model {
        SingleModel::Baseline(kind) => describe_baseline(kind).to_owned(),
        SingleModel::Lstm => network(run),
    };
    let members = run.config().written().ensemble.members;
    match run.manifest().model.single() {
        Some(model) => format!("{members} times {}, their mean", each(model)),
        None => {
            let parts: Vec<String> = run.manifest().parts().into_iter().map(each).collect();
            format!("a blend of {} ({members} of each, their mean)", parts.join(", "))
        }
    }
}

fn network(run: &Run) -> String {
    let shape = run.config().network();
    let layers = match shape.layers {
        1 => String::new(),
        layers => format!("{layers} layers of "),
    };
    format!(
        "an LSTM of {layers}{}, {}",
        pluralise(shape.hidden as u64, "unit"),
        pluralise(run.manifest().parameters, "parameter")
    )
}

fn describe_baseline(kind: BaselineKind) -> &'static str {
    match kind {
        BaselineKind::DaysSinceLast => "a curve over days of inactivity",
        BaselineKind::Rules => "points for warning signs",
        BaselineKind::Linear => "a linear regression",
        BaselineKind::Logistic => "a logistic regression",
        BaselineKind::Tree => "a decision tree",
        BaselineKind::Forest => "a random forest",
        BaselineKind::Boosting => "boosted trees",
        BaselineKind::Hazard => "a discrete-time hazard model",
    }
}

/// Lists the weight of each part of a blend at the week that the run is for.
fn weights(run: &Run) -> Option<String> {
    let week = run.manifest().target_week;
    let blend = run.blend()?.weights.get(&week)?;
    let each: Vec<String> = blend.weights().iter().map(|part| format!("{} {:.2}", part.name, part.weight)).collect();
    Some(format!("{} (of logits, at week {week})", each.join(", ")))
}

/// Lists the clauses of a split's description that are about anybody.
pub(crate) fn clauses(split: &str) -> Vec<String> {
    split.split("; ").filter(|clause| !clause.contains(" 0 enrolments")).map(group_digits_in).collect()
}

fn held_out(manifest: &RunManifest) -> String {
    let aucs = manifest.members.iter().map(|member| member.validation_auc);
    let (low, high) = aucs.fold((f64::MAX, f64::MIN), |(low, high), auc| (low.min(auc), high.max(auc)));
    let epochs: Vec<u32> = manifest.members.iter().filter_map(|member| member.best_epoch).collect();
    let kept = match (epochs.iter().min(), epochs.iter().max()) {
        (Some(first), Some(last)) if first == last => format!(", networks kept at epoch {first}"),
        (Some(first), Some(last)) => format!(", networks kept at epochs {first} to {last}"),
        _ => String::new(),
    };
    let together = manifest.held_out_auc.map_or_else(String::new, |auc| format!("AUC {auc:.3}; "));
    format!(
        "{together}one by one {low:.3} to {high:.3}{kept} (week {}, rows of the training set that a member did not learn \
         from)",
        manifest.target_week
    )
}
