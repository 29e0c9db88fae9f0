//! What the files of a run must mean, whatever their checksums say: each by itself, and all together. A run that passes
//! forecasts finite numbers from any data that has its features, and takes no more memory than its files promise.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use staycast_sequences::CutOff;

use super::fold_records::FoldRecords;
use super::layout::{BASELINES, BLEND, CALIBRATION, FOLD_CALIBRATION, MANIFEST, SCALER, SPLIT, SURVIVAL};
use super::manifest::{FoldsRecord, RunManifest};
use super::model::RunModel;
use super::model_choice::{ModelChoice, chosen};
use super::recalibration::RecalibrationRecord;
use super::records::{EpochRecord, FoldHazards, SplitRecord};
use super::split_soundness;
use crate::config::{Adaptation, CheckedConfig, ModelSpec, SplitSpec, TrainingConfig};
use crate::files::FileError;
use crate::model_kind::SingleModel;
use crate::models::network;
use crate::models::survival;
use crate::models::trained::MemberModel;
use crate::week_fits::FitRules;

/// Bounds counts: sums of them stay exact and in range.
const MOST: u64 = 1 << 53;

/// Names a file of a run and what is wrong with it.
struct Fault(&'static str, String);

/// Returns a check of `file`: a problem that is there unless `sound`.
fn require(file: &'static str, sound: bool, problem: impl FnOnce() -> String) -> Result<(), Fault> {
    if sound { Ok(()) } else { Err(Fault(file, problem())) }
}

/// Tells whether a share is one, where there is one.
fn is_share(value: Option<f64>) -> bool {
    value.is_none_or(|value| (0.0..=1.0).contains(&value))
}

/// Checks the run in `folder`, as it was read.
///
/// # Errors
/// Names the first file that makes no sense, and why.
pub(super) fn check(
    folder: &Path,
    manifest: &RunManifest,
    config: &CheckedConfig,
    split: &SplitRecord,
    model: Option<&RunModel>,
    folds: Option<&FoldRecords>,
) -> Result<(), FileError> {
    let rows = split_soundness::size(&split.training);
    let sound = check_manifest(manifest, config)
        .and_then(|()| split_soundness::check(split, manifest, config).map_err(|problem| Fault(SPLIT, problem)))
        .and_then(|()| model.map_or(Ok(()), |model| check_model(model, manifest, config, rows)))
        .and_then(|()| folds.map_or(Ok(()), |folds| check_folds(folds, manifest, config, rows)));
    sound.map_err(|Fault(file, problem)| FileError::damaged(&folder.join(file), problem))
}

/// Checks what a run in `folder` says about itself.
///
/// # Errors
/// Says what makes no sense.
pub(super) fn check_records(folder: &Path, manifest: &RunManifest, config: &CheckedConfig) -> Result<(), FileError> {
    let named = |Fault(file, problem)| FileError::damaged(&folder.join(file), problem);
    check_manifest(manifest, config).map_err(named)
}

fn check_manifest(manifest: &RunManifest, config: &CheckedConfig) -> Result<(), Fault> {
    let require = |sound: bool, problem: &dyn Fn() -> String| require(MANIFEST, sound, problem);
    let differs = |what: &str| format!("its {what} is not that of config.toml");
    let training = &config.training;
    check_choices(manifest, config)?;
    require(manifest.seed == training.seed, &|| differs("seed"))?;
    require(Some(manifest.target_week) == target_week(manifest, config), &|| differs("target_week"))?;
    require(manifest.proxies.map(|proxies| proxies.rule) == training.proxy, &|| differs("rule of proxies"))?;
    let weeks = manifest.weeks;
    require(weeks >= manifest.target_week.weeks(), &|| {
        format!("it forecasts {weeks} weeks, and is for week {}", manifest.target_week)
    })?;
    require(manifest.features.len() as u64 <= manifest.inputs, &|| {
        format!("it reads {} features by {} inputs", manifest.features.len(), manifest.inputs)
    })?;
    let longest = manifest.calendar.weeks;
    require(u32::from(weeks) <= longest, &|| {
        format!("it forecasts {weeks} weeks, and the longest course of its data has {longest}")
    })?;
    let mut features = BTreeSet::new();
    require(manifest.features.iter().all(|name| features.insert(name)), &|| "it names a feature twice".to_owned())?;
    let counts = [manifest.data.courses, manifest.data.enrolments, manifest.inputs, manifest.parameters];
    let counts = counts.into_iter().chain(manifest.proxies.map(|proxies| proxies.enrolments));
    require(counts.max() <= Some(MOST), &|| "a count is absurd".to_owned())?;
    require(is_share(manifest.held_out_auc), &|| "its held_out_auc is not from 0 to 1".to_owned())?;
    check_folds_record(manifest.folds, config)?;
    if let Some(record) = &manifest.recalibrated {
        check_recalibration(record, weeks)?;
    }
    check_members(manifest, config)
}

/// Returns the target week that a manifest with these adaptations must have; `None` where they are not those of a run.
fn target_week(manifest: &RunManifest, config: &CheckedConfig) -> Option<CutOff> {
    let (written, usual) = (&config.written().training, config.training.target);
    let mut target = usual;
    for adaptation in &manifest.adaptations {
        let sound = match *adaptation {
            Adaptation::TargetWeek { usual: from, chosen } => {
                target = chosen;
                written.target_week == TrainingConfig::TARGET_BY_DATA && from == usual && chosen < usual
            }
            Adaptation::NoSecondTask(_) => written.next_week == TrainingConfig::default().next_week,
            Adaptation::ShorterCourses { .. } => false,
        };
        if !sound {
            return None;
        }
    }
    Some(target)
}

fn check_folds_record(folds: Option<FoldsRecord>, config: &CheckedConfig) -> Result<(), Fault> {
    let sound = match (&config.split.spec, folds) {
        (SplitSpec::OneTest(_), None) => true,
        (&SplitSpec::Folds { folds, repeats, .. }, Some(record)) => record == FoldsRecord { folds, repeats },
        (SplitSpec::LeaveOneOut(_), Some(record)) => record.folds >= 2 && record.repeats == 1,
        _ => false,
    };
    require(MANIFEST, sound, || "its folds are not those of config.toml".to_owned())
}

/// Checks which model the run forecasts with: the configuration's or, where it leaves that to the data, the one chosen.
fn check_choices(manifest: &RunManifest, config: &CheckedConfig) -> Result<(), Fault> {
    let choices = &manifest.choices;
    let require = |sound: bool, problem: &str| require(MANIFEST, sound, || problem.to_owned());
    if config.model != ModelSpec::Auto {
        require(choices.is_empty(), "it chose a model where config.toml names one")?;
        return require(manifest.model == config.model.kind(), "its model is not that of config.toml");
    }
    let FoldsRecord { folds, repeats } = manifest.folds.unwrap_or(FoldsRecord { folds: 1, repeats: 1 });
    let splits = u64::from(folds) * u64::from(repeats);
    require(choices.len() as u64 == splits, "it does not say for each of its splits how a model was chosen")?;
    choices.iter().try_for_each(|choice| choice.check().map_err(|problem| Fault(MANIFEST, problem)))?;
    require(chosen(choices) == Some(manifest.model), "its model is not the one that it chose")?;
    let same =
        |choice: &ModelChoice| choice.candidates.iter().map(|candidate| candidate.model).eq(candidates(&choices[0]));
    require(choices.iter().all(same), "its choices are among different models")
}

fn candidates(choice: &ModelChoice) -> impl Iterator<Item = SingleModel> {
    choice.candidates.iter().map(|candidate| candidate.model)
}

/// Lists the models that the run's members are to be of.
fn models(manifest: &RunManifest, config: &CheckedConfig) -> Vec<SingleModel> {
    match (config.model.named(), manifest.folds, manifest.choices.first()) {
        (Some(named), ..) => named.to_vec(),
        // Each fold may choose another.
        (None, Some(_), Some(choice)) => candidates(choice).collect(),
        (None, None, Some(choice)) => choice.parts(),
        (None, _, None) => Vec::new(),
    }
}

fn check_members(manifest: &RunManifest, config: &CheckedConfig) -> Result<(), Fault> {
    let FoldsRecord { folds, repeats } = manifest.folds.unwrap_or(FoldsRecord { folds: 1, repeats: 1 });
    let (kinds, count) = (models(manifest, config), config.ensemble.members);
    let splits = u64::from(folds) * u64::from(repeats);
    let expected = splits.saturating_mul(kinds.len() as u64).saturating_mul(u64::from(count));
    require(MANIFEST, manifest.members.len() as u64 == expected, || {
        format!("it has {} members, and the configuration asks for {expected}", manifest.members.len())
    })?;
    for member in &manifest.members {
        let in_range = member.repeat < repeats && member.fold < folds && member.member < count;
        require(MANIFEST, in_range && kinds.contains(&member.model), || {
            "it has a member that the configuration does not ask for".to_owned()
        })?;
        require(MANIFEST, is_share(Some(member.validation_auc)), || {
            "the validation_auc of a member is not from 0 to 1".to_owned()
        })?;
        require(MANIFEST, member.best_epoch.is_none_or(|epoch| epoch <= config.training.optimiser.epochs), || {
            "the best_epoch of a member is after the last".to_owned()
        })?;
    }
    Ok(())
}

fn check_recalibration(record: &RecalibrationRecord, weeks: u16) -> Result<(), Fault> {
    for (week, refit) in &record.weeks {
        let counts = refit.labelled <= MOST && refit.unlabelled <= MOST;
        let sound = week.weeks() <= weeks && counts && is_share(refit.mean_before) && is_share(refit.mean);
        require(MANIFEST, sound, || format!("its record of the recalibration at week {week} makes no sense"))?;
    }
    Ok(())
}

fn fit_rules(manifest: &RunManifest, config: &CheckedConfig, training_rows: u64) -> FitRules {
    FitRules {
        weeks: manifest.weeks,
        calibration: config.calibration,
        threshold: config.threshold,
        training_rows,
        is_recalibrated: manifest.recalibrated.is_some(),
    }
}

fn check_model(
    model: &RunModel,
    manifest: &RunManifest,
    config: &CheckedConfig,
    training_rows: u64,
) -> Result<(), Fault> {
    let RunModel { inputs, fits, parts, blend, survival } = model;
    let require_inputs = |sound: bool, problem: &str| require(SCALER, sound, || problem.to_owned());
    let of_manifest = inputs.features() == manifest.features && inputs.width() as u64 == manifest.inputs;
    require_inputs(of_manifest, "its columns are not the features of manifest.json, in their order")?;
    require_inputs(inputs.layout_version == manifest.data.layout_version, "its layout is not that of the data")?;
    // A run that goes on from another has that one's inputs.
    let clipped = manifest.from.is_some() || inputs.clip == config.inputs.clip;
    require_inputs(clipped, "its clip is not that of config.toml")?;

    let rules = fit_rules(manifest, config, training_rows);
    fits.check(&rules).map_err(|problem| Fault(CALIBRATION, problem))?;
    let at_target = fits.weeks.get(&manifest.target_week);
    require(CALIBRATION, at_target.is_some(), || "it has nothing at the run's own week".to_owned())?;
    let held_out_auc = at_target.and_then(|fit| fit.held_out_auc);
    require(CALIBRATION, held_out_auc == manifest.held_out_auc, || {
        "its held_out_auc is not that of manifest.json".to_owned()
    })?;

    let names: Vec<String> = inputs.columns.iter().map(|column| column.source.name()).collect();
    let mut parameters = 0;
    for members in parts.values() {
        for member in members {
            match member {
                MemberModel::Network(_) => parameters = network::parameter_count(&config.network, inputs.width()),
                MemberModel::Baseline(baseline) => {
                    baseline.check().map_err(|fault| Fault(BASELINES, fault.to_string()))?;
                    let own = baseline.columns() == names && baseline.weeks() == usize::from(manifest.weeks);
                    require(BASELINES, own, || {
                        format!("the model {} was fitted on other columns or weeks than the run's", baseline.kind())
                    })?;
                }
            }
        }
    }
    for (kind, members) in parts {
        let SingleModel::Baseline(kind) = kind else { continue };
        let own = members.iter().all(|member| matches!(member, MemberModel::Baseline(one) if one.kind() == *kind));
        require(BASELINES, own, || format!("a model of another kind stands where {kind} should"))?;
    }
    require(MANIFEST, parameters == manifest.parameters, || {
        format!("it says {} parameters, and the networks have {parameters}", manifest.parameters)
    })?;
    if let Some(blend) = blend {
        let parts: Vec<SingleModel> = parts.keys().copied().collect();
        blend.check(&parts, &rules, fits).map_err(|problem| Fault(BLEND, problem))?;
    }
    if let Some(hazards) = survival {
        hazards.check().map_err(|fault| Fault(SURVIVAL, fault.to_string()))?;
        require(SURVIVAL, survival::belongs_to(hazards, usize::from(manifest.weeks)), || {
            "it is not of the run's forecasts".to_owned()
        })?;
    }
    Ok(())
}

fn check_folds(
    FoldRecords { fits, hazards }: &FoldRecords,
    manifest: &RunManifest,
    config: &CheckedConfig,
    training_rows: u64,
) -> Result<(), Fault> {
    let require = |sound: bool, problem: &dyn Fn() -> String| require(FOLD_CALIBRATION, sound, problem);
    let FoldsRecord { folds, repeats } = manifest.folds.unwrap_or(FoldsRecord { folds: 1, repeats: 1 });
    let mut found: BTreeMap<(u32, u32), ()> = BTreeMap::new();
    let rules = fit_rules(manifest, config, training_rows);
    for fit in fits {
        require(fit.repeat < repeats && fit.fold < folds, &|| {
            format!("it has fold {} of repeat {}, and the run has {folds} folds", fit.fold, fit.repeat)
        })?;
        require(found.insert((fit.repeat, fit.fold), ()).is_none(), &|| "it has a fold twice".to_owned())?;
        fit.fitted.check(&rules).map_err(|problem| Fault(FOLD_CALIBRATION, problem))?;
    }
    require(found.len() as u64 == u64::from(folds) * u64::from(repeats), &|| {
        format!("it has {} folds of {folds} times {repeats}", found.len())
    })?;
    let mut with_hazards = BTreeSet::new();
    for FoldHazards { repeat, fold, hazards } in hazards.iter() {
        let place = (*repeat, *fold);
        let fault = |problem: String| Fault(SURVIVAL, problem);
        if !found.contains_key(&place) || !with_hazards.insert(place) {
            return Err(fault(format!("it has fold {fold} of repeat {repeat} twice, or where there is none")));
        }
        hazards.check().map_err(|error| fault(error.to_string()))?;
        if !survival::belongs_to(hazards, usize::from(manifest.weeks)) {
            return Err(fault("it is not of the run's forecasts".to_owned()));
        }
    }
    Ok(())
}

/// Tells whether a record is of an epoch of a run.
pub(super) fn is_epoch(epoch: &EpochRecord, manifest: &RunManifest, config: &CheckedConfig) -> bool {
    let FoldsRecord { folds, repeats } = manifest.folds.unwrap_or(FoldsRecord { folds: 1, repeats: 1 });
    let is_member = epoch.repeat < repeats && epoch.fold < folds && epoch.member < config.ensemble.members;
    let numbers = [epoch.training_loss, epoch.validation_loss, epoch.learning_rate];
    is_member
        && (1..=config.training.optimiser.epochs).contains(&epoch.epoch)
        && numbers.iter().all(|number| number.is_finite() && *number >= 0.0)
        && is_share(Some(epoch.validation_auc))
}

/// Checks that a stored prediction of a fold is one of the run's.
pub(crate) fn is_of_folds(manifest: &RunManifest, repeat: i32, fold: i32, week: CutOff) -> bool {
    let FoldsRecord { folds, repeats } = manifest.folds.unwrap_or(FoldsRecord { folds: 0, repeats: 0 });
    let within = |value: i32, end: u32| u32::try_from(value).is_ok_and(|value| value < end);
    within(repeat, repeats) && within(fold, folds) && week.weeks() <= manifest.weeks
}
