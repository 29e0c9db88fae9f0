//! The finished run: its models, calibrations, records, and the manifest that is written last.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Serialize;
use staycast_evaluation::splits::SplitExclusion;
use staycast_sequences::EnrolmentIndex;

use super::calibrate::{CalibratedSplit, fold_predictions, hazards_by_forecast, hazards_of_folds};
use super::error::TrainError;
use super::jobs::{TrainedMember, TrainedSplit};
use super::plan::{SplitPlan, labels_known_day};
use super::request::TrainRequest;
use super::timer::StageTimer;
use crate::artifact::layout::{
    BLEND, CALIBRATION, FOLD_CALIBRATION, MANIFEST, METRICS, OUT_OF_FOLD, RUN_KIND, RUN_VERSION, SCALER, SPLIT,
    SURVIVAL, TIMING,
};
use crate::artifact::{
    DataRecord, FoldFit, MemberSummary, ModelChoice, ParentRecord, ProxyRecord, Run, RunManifest, SplitRecord, chosen,
    members, out_of_fold,
};
use crate::compressed_json;
use crate::examples::Examples;
use crate::models::trained::MemberModel;

/// Holds the seconds and memory of a training run: `timing.json`.
#[derive(Serialize)]
struct Timing {
    seconds: BTreeMap<&'static str, f64>,
    total_seconds: f64,
    threads: usize,
    peak_memory_bytes: Option<u64>,
}

/// Writes all of the run but its timing and manifest.
pub(super) fn write_run(
    request: &TrainRequest<'_>,
    plan: &SplitPlan,
    examples: &Examples,
    trained: &[TrainedSplit],
    calibrated: &[CalibratedSplit],
) -> Result<(), TrainError> {
    let out = request.out;
    let history = trained.iter().flat_map(|split| &split.members).flat_map(|member| &member.history);
    staycast_files::write_json_lines(&out.join(METRICS), history)?;
    staycast_files::write_json(&out.join(SPLIT), &split_record(request, plan))?;
    if plan.folds.is_some() {
        let predictions = fold_predictions(plan, examples, trained, calibrated);
        out_of_fold::write_out_of_fold(&out.join(OUT_OF_FOLD), request.data, &predictions)?;
        let hazards = hazards_of_folds(request, plan, examples, calibrated)?;
        if !hazards.is_empty() {
            compressed_json::write(&out.join(SURVIVAL), &hazards)?;
        }
        let splits = plan.splits.iter().zip(calibrated);
        let fits: Vec<FoldFit> = splits
            .map(|(split, calibrated)| FoldFit {
                repeat: split.repeat,
                fold: split.fold,
                fitted: calibrated.fits.clone(),
            })
            .collect();
        return Ok(staycast_files::write_json(&out.join(FOLD_CALIBRATION), &fits)?);
    }
    let (trained, calibrated) = (&trained[0], &calibrated[0]);
    let kept = trained.members.iter().filter(|member| calibrated.parts.contains(&member.kind));
    members::save(out, &trained.inputs, kept.map(|member| (member.kind, &member.model)))?;
    if let Some(hazards) = hazards_by_forecast(request, plan, examples, calibrated)? {
        compressed_json::write(&out.join(SURVIVAL), &hazards)?;
    }
    if let Some(blend) = &calibrated.blend {
        staycast_files::write_json(&out.join(BLEND), blend)?;
    }
    staycast_files::write_json(&out.join(SCALER), &trained.inputs)?;
    Ok(staycast_files::write_json(&out.join(CALIBRATION), &calibrated.fits)?)
}

/// Writes the seconds by stage.
pub(super) fn write_timing(out: &Path, timer: StageTimer) -> Result<(), TrainError> {
    let (seconds, total_seconds) = timer.finish();
    let timing = Timing {
        total_seconds,
        seconds,
        threads: rayon::current_num_threads(),
        peak_memory_bytes: staycast_sequences::peak_memory_bytes(),
    };
    Ok(staycast_files::write_json(&out.join(TIMING), &timing)?)
}

/// Writes the manifest, with which the run is finished.
pub(super) fn write_manifest(
    request: &TrainRequest<'_>,
    plan: &SplitPlan,
    examples: &Examples,
    trained: &[TrainedSplit],
    calibrated: &[CalibratedSplit],
) -> Result<(), TrainError> {
    let manifest = manifest(request, plan, examples, trained, calibrated);
    let manifest = manifest.sealed(request.out)?;
    Ok(staycast_files::write_json(&request.out.join(MANIFEST), &manifest)?)
}

fn split_record(request: &TrainRequest<'_>, plan: &SplitPlan) -> SplitRecord {
    let data = request.data;
    let by_course = |enrolments: &mut dyn Iterator<Item = EnrolmentIndex>| {
        let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for enrolment in enrolments {
            let course = data.course_of(enrolment).id.clone();
            found.entry(course).or_default().push(data.enrolment(enrolment).id.clone());
        }
        found
    };
    let first = &plan.splits[0];
    let folds = plan.folds.is_some();
    let mut excluded: BTreeMap<SplitExclusion, u64> = BTreeMap::new();
    for (_, reason) in first.excluded.iter().filter(|_| !folds) {
        *excluded.entry(*reason).or_default() += 1;
    }
    let (training, test) = if folds {
        // Every enrolment of the folds is in training somewhere, and tested once a repeat.
        let mut all: Vec<EnrolmentIndex> = plan.splits.iter().flat_map(|split| split.test.iter().copied()).collect();
        all.sort_unstable();
        all.dedup();
        (by_course(&mut all.into_iter()), BTreeMap::new())
    } else {
        (by_course(&mut first.training.iter().copied()), by_course(&mut first.test.iter().copied()))
    };
    let mut learners: Vec<String> = if data.manifest.capabilities.learners && !folds {
        first.training.iter().map(|&enrolment| data.enrolment(enrolment).learner.clone()).collect()
    } else {
        Vec::new()
    };
    let from = request.from.map(Run::split);
    learners.extend(from.iter().flat_map(|from| from.training_learners.iter().cloned()));
    learners.sort_unstable();
    learners.dedup();
    let known_days = first.training.iter().map(|&row| labels_known_day(data.manifest.labels.rule, data.course_of(row)));
    let known_days: Option<Vec<i64>> = known_days.collect();
    let mut known_day = known_days.and_then(|days| days.into_iter().max());
    if let Some(from) = from {
        known_day = known_day.zip(from.training_labels_known_day).map(|(own, before)| own.max(before));
    }
    SplitRecord {
        kind: plan.kind,
        description: plan.description.clone(),
        held_out_by: plan.held_out_by,
        training,
        test,
        training_learners: learners,
        training_labels_known_day: known_day,
        excluded,
        before: from.map(SplitRecord::all_trained_on).unwrap_or_default(),
    }
}

fn manifest(
    request: &TrainRequest<'_>,
    plan: &SplitPlan,
    examples: &Examples,
    trained: &[TrainedSplit],
    calibrated: &[CalibratedSplit],
) -> RunManifest {
    let (data, config) = (request.data, request.config);
    let target = config.training.target;
    let choices: Vec<ModelChoice> = calibrated.iter().filter_map(|split| split.choice.clone()).collect();
    // A cross-validation may choose others in each fold; a run has what it forecasts with.
    let is_kept = |member: &&TrainedMember| plan.folds.is_some() || calibrated[0].parts.contains(&member.kind);
    let members: Vec<MemberSummary> =
        trained.iter().flat_map(|split| &split.members).filter(is_kept).map(|member| member.summary.clone()).collect();
    let size = trained[0].members.iter().filter(is_kept).find_map(|member| match &member.model {
        MemberModel::Network(parameters) => {
            Some(parameters.iter().map(|parameter| parameter.values.len() as u64).sum())
        }
        MemberModel::Baseline(_) => None,
    });
    RunManifest {
        kind: RUN_KIND.to_owned(),
        run_version: RUN_VERSION,
        staycast_version: env!("CARGO_PKG_VERSION").to_owned(),
        model: chosen(&choices).unwrap_or(config.model.kind()),
        choices,
        from: request.from.map(Run::manifest).map(ParentRecord::from_manifest),
        recalibrated: None,
        proxies: config
            .training
            .proxy
            .map(|rule| ProxyRecord { rule, enrolments: examples.count_proxies(&plan.splits[0].training) as u64 }),
        data: DataRecord {
            fingerprint: data.manifest.fingerprint(),
            format: data.manifest.format.clone(),
            layout_version: data.manifest.layout_version,
            courses: data.courses.len() as u64,
            enrolments: data.enrolments.len() as u64,
            edited: data.manifest.last_edit().cloned(),
        },
        device: request.device.info.clone(),
        other_devices: request.device.other_kinds(),
        seed: config.training.seed,
        label_rule: data.manifest.labels.rule,
        target_week: target,
        adaptations: config.adaptations().to_vec(),
        weeks: examples.last_cut_off().weeks(),
        calendar: data.manifest.calendar.clone(),
        features: trained[0].inputs.features(),
        inputs: trained[0].inputs.width() as u64,
        parameters: size.unwrap_or(0),
        split_kind: plan.kind,
        split: plan.description.clone(),
        folds: plan.folds,
        members,
        held_out_auc: calibrated[0].fits.weeks.get(&target).and_then(|fit| fit.held_out_auc),
        files: Vec::new(),
        seal: String::new(),
    }
}
