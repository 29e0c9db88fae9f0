//! A run's folder: begun, interrupted, finished.
//!
//! `checkpoints/started.json` marks a run that was begun, `manifest.json`, written last, one that is finished.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use serde::{Deserialize, Serialize};
use staycast_evaluation::splits::SplitExclusion;
use staycast_files::{is_leftover, remove_leftovers};

use super::jobs::TrainedSplit;
use super::mixed::{Mixed, fold_predictions, hazards_by_forecast, mix};
use super::plan::{SplitPlan, labels_known_day};
use super::{MemberModel, Start, TrainError, TrainRequest, baselines, checkpoint};
use crate::config::Config;
use crate::device::DeviceInfo;
use crate::examples::Examples;
use crate::files::{self, FileError};
use crate::fitted::Fitted;
use crate::model::SingleModel;
use crate::run::{
    BASELINES, BLEND, CALIBRATION, CHECKPOINTS, CONFIG, DataRecord, FOLD_CALIBRATION, FoldFit, MANIFEST, METRICS,
    MODEL, MemberSummary, OUT_OF_FOLD, ParentRecord, ProxyRecord, RUN_KIND, RUN_VERSION, Run, RunManifest, SCALER,
    SPLIT, SURVIVAL, SplitRecord, TIMING,
};
use crate::tables;

const STARTED: &str = "started.json";

/// What a folder is to training.
#[derive(Clone, Debug, PartialEq)]
pub enum RunState {
    /// It does not exist, or is empty.
    Free,
    /// A run was begun there and is not finished; it was begun with this configuration.
    Interrupted(Box<Config>),
    /// It holds a finished run.
    Finished,
    /// It holds something else.
    Other,
}

/// How the run was begun. Resuming compares it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Started {
    kind: String,
    staycast_version: String,
    data_fingerprint: String,
    device: DeviceInfo,
    config: Config,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    from: Option<ParentRecord>,
}

impl Started {
    const KIND: &'static str = "staycast-run-begun";

    fn of(request: &TrainRequest<'_>) -> Self {
        Self {
            kind: Self::KIND.to_owned(),
            staycast_version: env!("CARGO_PKG_VERSION").to_owned(),
            data_fingerprint: request.data.manifest.fingerprint(),
            device: request.device.info.clone(),
            config: request.config.written().clone(),
            from: request.from.map(ParentRecord::of),
        }
    }
}

/// What `folder` holds, as far as training is concerned.
///
/// # Errors
/// When the folder can't be read, or its marker is damaged.
pub fn run_state(folder: &Path) -> Result<RunState, FileError> {
    if !folder.exists() {
        return Ok(RunState::Free);
    }
    if folder.join(MANIFEST).is_file() {
        return Ok(RunState::Finished);
    }
    let started = folder.join(CHECKPOINTS).join(STARTED);
    if started.is_file() {
        let started: Started = files::read_json(&started)?;
        return Ok(RunState::Interrupted(Box::new(started.config)));
    }
    // What a kill before the marker leaves: nothing, an empty checkpoints folder, a temporary file.
    let failed = |source| FileError::io("read", folder, source);
    for entry in fs::read_dir(folder).map_err(failed)? {
        let name = entry.map_err(failed)?.file_name();
        let name = name.to_string_lossy();
        if name != CHECKPOINTS && !is_leftover(&name) {
            return Ok(RunState::Other);
        }
    }
    Ok(RunState::Free)
}

/// Begins the run's folder, or checks that the interrupted run in it is this one. Returns the checkpoints' folder.
pub(super) fn prepare(request: &TrainRequest<'_>) -> Result<PathBuf, TrainError> {
    let out = request.out;
    let checkpoints = out.join(CHECKPOINTS);
    let marker = checkpoints.join(STARTED);
    let now = Started::of(request);
    match (request.start, run_state(out)?) {
        (_, RunState::Finished) => return Err(TrainError::RunExists(out.to_owned())),
        (_, RunState::Other) => return Err(TrainError::NotARunFolder(out.to_owned())),
        (Start::Fresh, RunState::Interrupted(_)) => return Err(TrainError::RunInterrupted(out.to_owned())),
        (Start::Resume, RunState::Free) => return Err(TrainError::NothingToResume(out.to_owned())),
        (Start::Resume, RunState::Interrupted(_)) => {
            same(out, &files::read_json(&marker)?, &now)?;
            remove_leftovers(out);
            remove_leftovers(&checkpoints);
        }
        (Start::Fresh, RunState::Free) => {
            fs::create_dir_all(&checkpoints).map_err(|source| FileError::io("make", &checkpoints, source))?;
            files::write_json(&marker, &now)?;
        }
    }
    files::write(&out.join(CONFIG), request.config.written().to_toml().as_bytes())?;
    Ok(checkpoints)
}

fn same(path: &Path, then: &Started, now: &Started) -> Result<(), TrainError> {
    let differs = |what, then: String, now: String| {
        if then == now { Ok(()) } else { Err(TrainError::ResumedOtherwise { path: path.to_owned(), what, then, now }) }
    };
    differs("version of Staycast", then.staycast_version.clone(), now.staycast_version.clone())?;
    differs("data set (fingerprint)", then.data_fingerprint.clone(), now.data_fingerprint.clone())?;
    differs("device", then.device.to_string(), now.device.to_string())?;
    if then.from != now.from {
        let words = |from: &Option<ParentRecord>| {
            from.as_ref().map_or("none".to_owned(), |from| format!("{} (seed {})", from.data_fingerprint, from.seed))
        };
        return differs("run to go on from", words(&then.from), words(&now.from));
    }
    let (before, after) = (then.config.to_toml(), now.config.to_toml());
    let changed = before.lines().zip(after.lines()).find(|(before, after)| before != after);
    match changed {
        Some((before, after)) => differs("configuration", before.to_owned(), after.to_owned()),
        None => differs("configuration", before, after),
    }
}

/// Seconds by stage, for `timing.json`.
pub(super) struct Clock {
    begun: Instant,
    lap: Instant,
    seconds: BTreeMap<&'static str, f64>,
}

impl Clock {
    pub(super) fn start() -> Self {
        Self { begun: Instant::now(), lap: Instant::now(), seconds: BTreeMap::new() }
    }

    pub(super) fn lap(&mut self, stage: &'static str) {
        self.seconds.insert(stage, self.lap.elapsed().as_secs_f64());
        self.lap = Instant::now();
    }
}

#[derive(Serialize)]
struct Timing {
    seconds: BTreeMap<&'static str, f64>,
    total_seconds: f64,
    threads: usize,
    peak_memory_bytes: Option<u64>,
}

/// Calibrates and writes the finished run.
pub(super) fn finish(
    request: &TrainRequest<'_>,
    plan: &SplitPlan,
    examples: &Examples,
    trained: &[TrainedSplit],
    mut clock: Clock,
) -> Result<(), TrainError> {
    let out = request.out;
    let mixed: Vec<Mixed> = plan
        .splits
        .iter()
        .zip(trained)
        .map(|(outer, split)| mix(request, examples, outer, split))
        .collect::<Result<_, TrainError>>()?;
    let fits: Vec<Fitted> = mixed.iter().map(|mixed| mixed.fitted.clone()).collect();

    let history = trained.iter().flat_map(|split| &split.members).flat_map(|member| &member.history);
    files::write_json_lines(&out.join(METRICS), history)?;
    files::write_json(&out.join(SPLIT), &split_record(request, plan))?;
    if plan.folds.is_some() {
        let predictions = fold_predictions(plan, examples, trained, &mixed);
        tables::write_out_of_fold(&out.join(OUT_OF_FOLD), request.data, &predictions)?;
        let fits: Vec<FoldFit> = plan
            .splits
            .iter()
            .zip(fits.iter().cloned())
            .map(|(outer, fitted)| FoldFit { repeat: outer.repeat, fold: outer.fold, fitted })
            .collect();
        files::write_json(&out.join(FOLD_CALIBRATION), &fits)?;
    } else {
        write_models(out, &trained[0])?;
        if let Some(hazards) = hazards_by_forecast(request, plan, examples, &mixed[0].logits)? {
            baselines::save(&out.join(SURVIVAL), &hazards)?;
        }
        if let Some(blend) = &mixed[0].blend {
            files::write_json(&out.join(BLEND), blend)?;
        }
        files::write_json(&out.join(SCALER), &trained[0].inputs)?;
        files::write_json(&out.join(CALIBRATION), &fits[0])?;
    }
    clock.lap("finish");
    let timing = Timing {
        total_seconds: clock.begun.elapsed().as_secs_f64(),
        seconds: clock.seconds,
        threads: rayon::current_num_threads(),
        peak_memory_bytes: staycast_sequences::peak_memory_bytes(),
    };
    files::write_json(&out.join(TIMING), &timing)?;
    Ok(files::write_json(&out.join(MANIFEST), &manifest(request, plan, examples, trained, &fits))?)
}

/// The members' models: networks in one file, models to beat in another.
fn write_models(out: &Path, split: &TrainedSplit) -> Result<(), TrainError> {
    let (mut networks, mut models) =
        (Vec::new(), BTreeMap::<SingleModel, Vec<&staycast_baselines::BaselineModel>>::new());
    for member in &split.members {
        match &member.model {
            MemberModel::Network(parameters) => networks.push(parameters.clone()),
            MemberModel::Baseline(model) => models.entry(member.kind).or_default().push(model.as_ref()),
        }
    }
    if !networks.is_empty() {
        checkpoint::save_members(&out.join(MODEL), &networks)?;
    }
    if !models.is_empty() {
        baselines::save(&out.join(BASELINES), &models)?;
    }
    Ok(())
}

fn split_record(request: &TrainRequest<'_>, plan: &SplitPlan) -> SplitRecord {
    let data = request.data;
    let by_course = |enrolments: &mut dyn Iterator<Item = usize>| {
        let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for enrolment in enrolments {
            let course = data.course_of(enrolment).id.clone();
            found.entry(course).or_default().push(data.enrolments[enrolment].id.clone());
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
        let mut all: Vec<usize> = plan.splits.iter().flat_map(|outer| outer.test.iter().copied()).collect();
        all.sort_unstable();
        all.dedup();
        (by_course(&mut all.into_iter()), BTreeMap::new())
    } else {
        (by_course(&mut first.training.iter().copied()), by_course(&mut first.test.iter().copied()))
    };
    let mut learners: Vec<String> = if data.manifest.capabilities.learners && !folds {
        first.training.iter().map(|&enrolment| data.enrolments[enrolment].learner.clone()).collect()
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
    fits: &[Fitted],
) -> RunManifest {
    let (data, config) = (request.data, request.config);
    let target = config.training.target.weeks();
    let members: Vec<MemberSummary> =
        trained.iter().flat_map(|split| &split.members).map(|member| member.summary.clone()).collect();
    let size = trained[0].members.iter().find_map(|member| match &member.model {
        MemberModel::Network(parameters) => {
            Some(parameters.iter().map(|parameter| parameter.values.len() as u64).sum())
        }
        MemberModel::Baseline(_) => None,
    });
    RunManifest {
        kind: RUN_KIND.to_owned(),
        run_version: RUN_VERSION,
        staycast_version: env!("CARGO_PKG_VERSION").to_owned(),
        model: config.model.kind(),
        from: request.from.map(ParentRecord::of),
        recalibrated: None,
        proxies: config
            .training
            .proxy
            .map(|rule| ProxyRecord { rule, enrolments: examples.proxies(&plan.splits[0].training) as u64 }),
        data: DataRecord {
            fingerprint: data.manifest.fingerprint(),
            format: data.manifest.format.clone(),
            layout_version: data.manifest.layout_version,
            courses: data.courses.len() as u64,
            enrolments: data.enrolments.len() as u64,
        },
        device: request.device.info.clone(),
        seed: config.training.seed,
        label_rule: data.manifest.labels.rule,
        target_week: target,
        weeks: examples.weeks() as u16,
        calendar: data.manifest.calendar.clone(),
        features: trained[0].inputs.features(),
        inputs: trained[0].inputs.width() as u64,
        parameters: size.unwrap_or(0),
        split_kind: plan.kind,
        split: plan.description.clone(),
        folds: plan.folds,
        members,
        held_out_auc: fits[0].weeks.get(&target).and_then(|fit| fit.held_out_auc),
    }
}
