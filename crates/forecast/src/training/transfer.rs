//! Going on from another run: its networks, its inputs, learners that neither has tested.

use std::collections::BTreeSet;

use super::error::TrainError;
use super::plan::SplitPlan;
use super::request::TrainRequest;
use crate::artifact::Run;
use crate::config::NetworkSpec;
use crate::model_kind::{ModelKind, SingleModel};
use crate::models::network::Parameter;
use crate::models::trained::MemberModel;

/// Checks that the networks of `from` can be trained on, and that nobody of the test is among those that it learnt from.
pub(super) fn check(from: &Run, request: &TrainRequest<'_>, plan: &SplitPlan) -> Result<(), TrainError> {
    let config = request.config;
    let refuse = |why: String| Err(TrainError::CantGoOnFrom { path: from.path().to_owned(), why });
    if from.manifest().folds.is_some() {
        return refuse("it is a cross-validation and has no model".to_owned());
    }
    let kind = config.model.kind();
    if kind != ModelKind::Lstm {
        return refuse(format!("networks are what is trained on, and this run is to be trained for the model {kind}"));
    }
    if from.members(SingleModel::Lstm).is_empty() {
        return refuse(format!("networks are what is trained on, and it forecasts with {}", from.manifest().model));
    }
    let shape = |network: &NetworkSpec| (network.hidden, network.layers, network.head_hidden);
    if shape(&from.config().network) != shape(&config.network) {
        let (hidden, layers, head) = shape(&from.config().network);
        let head = head.unwrap_or(0);
        return refuse(format!(
            "its networks have another shape; set model.hidden={hidden}, model.layers={layers}, model.head_hidden={head}"
        ));
    }
    if from.manifest().label_rule != request.data.manifest.labels.rule {
        let (then, now) = (from.manifest().label_rule, request.data.manifest.labels.rule);
        return refuse(format!("it forecasts `{then}`, and the labels of this data are `{now}`"));
    }
    let tested = plan.splits.iter().flat_map(|outer| &outer.test);
    let learners: BTreeSet<&String> = from.split().training_learners.iter().collect();
    let trained = from.split().all_trained_on();
    let known = tested.filter(|&&enrolment| {
        let (row, course) = (request.data.enrolment(enrolment), request.data.course_of(enrolment));
        trained.get(&course.id).is_some_and(|ids| ids.binary_search(&row.id).is_ok()) || learners.contains(&row.learner)
    });
    match known.count() {
        0 => Ok(()),
        count => refuse(format!(
            "it was trained on {count} of the enrolments to test with, or on the same learners elsewhere; test with others"
        )),
    }
}

/// Returns the parameters that members begin with.
pub(super) fn parameters(from: &Run) -> Vec<Vec<Parameter>> {
    let members = from.members(SingleModel::Lstm).iter();
    members
        .filter_map(|member| match member {
            MemberModel::Network(parameters) => Some(parameters.clone()),
            MemberModel::Baseline(_) => None,
        })
        .collect()
}
