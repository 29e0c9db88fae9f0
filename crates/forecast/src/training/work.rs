//! The work of a training, as far as the choice of a device depends on it.

use staycast_sequences::Dataset;

use crate::config::{CheckedConfig, LeftOut, SplitSpec};
use crate::device::{NetworkSize, NetworkTask, TaskKind, Work};
use crate::model_kind::SingleModel;
use crate::reach::greatest_cut_off;

/// Estimates the networks that `config` trains on `data`, each for all epochs that it may take. Nothing is planned for it:
/// a quarter is taken for the test part, and all features for inputs.
#[must_use]
pub fn training_work(data: &Dataset, config: &CheckedConfig) -> Work {
    if !config.model.may_be(SingleModel::Lstm) {
        return Work::none();
    }
    let last = greatest_cut_off(data);
    let weeks =
        last.map_or(data.weeks, |last| config.training.last_cut_off.map_or(last, |asked| asked.min(last)).count());
    let (splits, training_share) = match &config.split.spec {
        SplitSpec::OneTest(_) => (1, 0.75),
        SplitSpec::Folds { folds, repeats, .. } => {
            (u64::from(*folds) * u64::from(*repeats), 1.0 - 1.0 / f64::from(*folds))
        }
        SplitSpec::LeaveOneOut(LeftOut::Course | LeftOut::Institution) => {
            let courses = data.courses.len().max(1) as u64;
            (courses, 1.0 - 1.0 / courses as f64)
        }
    };
    let offered = match &config.split.offered_courses {
        Some(courses) => {
            let is_offered: Vec<bool> = data.courses.iter().map(|course| courses.contains(&course.id)).collect();
            data.enrolments.iter().filter(|row| is_offered[row.course.as_usize()]).count()
        }
        None => data.enrolments.len(),
    };
    let training = offered as f64 * training_share;
    let held_out = training / f64::from(config.ensemble.validation_folds);
    let rows = (training - held_out) as usize;
    Work::Tasks(vec![NetworkTask {
        networks: splits * u64::from(config.ensemble.members),
        size: NetworkSize {
            weeks,
            inputs: data.features.len(),
            hidden: config.network.hidden,
            layers: config.network.layers,
        },
        kind: TaskKind::Training {
            rows: rows as u64,
            held_out: held_out as u64,
            epochs: config.training.optimiser.epochs.into(),
            batch: config.training.batch_size.for_rows(rows) as u64,
        },
    }])
}
