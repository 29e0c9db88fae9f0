//! The work of a training, as far as the choice of a device depends on it.

use staycast_evaluation::splits::Split;
use staycast_sequences::Dataset;

use crate::config::{CheckedConfig, LeftOut, SplitConfig, SplitSpec};
use crate::device::{NetworkSize, NetworkTask, TaskKind, Work};
use crate::model_kind::SingleModel;
use crate::reach::greatest_cut_off;

/// Estimates the networks that `config` trains on `data`, each for all epochs that it may take. Nothing is planned for it:
/// a quarter is taken for a test part that is not named, and all features for inputs.
#[must_use]
pub fn training_work(data: &Dataset, config: &CheckedConfig) -> Work {
    if !config.model.may_be(SingleModel::Lstm) {
        return Work::none();
    }
    let last = greatest_cut_off(data);
    let weeks =
        last.map_or(data.weeks, |last| config.training.last_cut_off.map_or(last, |asked| asked.min(last)).count());
    let splits = match &config.split.spec {
        SplitSpec::OneTest(_) => 1,
        SplitSpec::Folds { folds, repeats, .. } => u64::from(*folds) * u64::from(*repeats),
        SplitSpec::LeaveOneOut(LeftOut::Course | LeftOut::Institution) => data.courses.len().max(1) as u64,
    };
    let training = training_rows(data, config);
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

/// Estimates the enrolments of one training set.
fn training_rows(data: &Dataset, config: &CheckedConfig) -> f64 {
    let SplitConfig { train_courses, test_courses, .. } = &config.written().split;
    let rows_in = |courses: &[String]| {
        let is_named: Vec<bool> = data.courses.iter().map(|course| courses.contains(&course.id)).collect();
        data.enrolments.iter().filter(|row| is_named[row.course.as_usize()]).count() as f64
    };
    let all = data.enrolments.len() as f64;
    let offered = if train_courses.is_empty() { all } else { rows_in(train_courses) };
    match &config.split.spec {
        SplitSpec::OneTest(_) if train_courses.is_empty() && !test_courses.is_empty() => all - rows_in(test_courses),
        SplitSpec::OneTest(Split::Course { .. } | Split::Time { .. }) if !train_courses.is_empty() => offered,
        SplitSpec::OneTest(_) => 0.75 * offered,
        SplitSpec::Folds { folds, .. } => offered * (1.0 - 1.0 / f64::from(*folds)),
        SplitSpec::LeaveOneOut(_) => offered * (1.0 - 1.0 / data.courses.len().max(1) as f64),
    }
}
