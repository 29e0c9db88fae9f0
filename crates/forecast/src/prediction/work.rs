//! The work of a forecast, as far as the choice of a device depends on it.

use crate::artifact::Run;
use crate::device::{NetworkSize, NetworkTask, TaskKind, Work};
use crate::model_kind::SingleModel;

/// Describes the forecasts of `rows` enrolments with the networks of `run`; none where it has no network.
#[must_use]
pub fn forecasting_work(run: &Run, rows: u64) -> Work {
    let networks = run.members(SingleModel::Lstm).len() as u64;
    let Some(inputs) = run.inputs().filter(|_| networks > 0) else { return Work::none() };
    let shape = run.config().network();
    let size = NetworkSize {
        weeks: run.manifest().weeks.into(),
        inputs: inputs.width(),
        hidden: shape.hidden,
        layers: shape.layers,
    };
    Work::Tasks(vec![NetworkTask { networks, size, kind: TaskKind::Inference { rows } }])
}
