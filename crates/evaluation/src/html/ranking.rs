//! Does the model put those who leave above those who stay?

use super::element::{Drawings, reading};
use super::{Page, Section, cohorts};
use crate::figures::{Curve, precision_recall, roc};
use crate::report::{CohortCurves, DAYS_SINCE_LAST, ForecastCurves};

/// `None` without curves.
pub(super) fn section(page: &Page<'_>) -> Option<Section> {
    let plots = page.plots?;
    let week = page.evaluation.week;
    let mut drawings = Drawings::default();
    let body = cohorts::each(|key| {
        let curves = cohorts::of(&plots.cohorts, key);
        let whose = cohorts::of(&cohorts::INSIDE, key);
        let roc = roc(&roc_curves(curves), &format!("ROC curve, week {week}, {whose}"));
        let base_rate = curves.base_rate.value().unwrap_or(0.0);
        let title = format!("Precision and recall, week {week}, {whose}");
        let pr = precision_recall(&pr_curves(curves), base_rate, &title);
        drawings.figure(
            &format!("roc-{key}"),
            roc,
            "ROC: the further the line bends to the top left, the better. On the dotted line the model would be guessing.",
            "No ROC curve: it needs learners who dropped out and learners who stayed.",
        ) + &drawings.figure(
            &format!("precision-recall-{key}"),
            pr.filter(|_| !curves.model.roc.is_empty()),
            "Precision and recall: the higher the line, the fewer learners are bothered for nothing at the same share found. \
             Guessing stays on the dotted line.",
            "No precision-recall curve: it needs learners who dropped out and learners who stayed.",
        )
    });
    Some(Section {
        id: "ranking",
        title: "Does it rank the right learners first?",
        body: reading(
            "Ranking alone: here it does not matter what the probabilities are, only who has the higher one.",
        ) + &cohorts::columns(&body),
        drawings: drawings.all,
    })
}

/// The model and the baseline that ranks; flagging everybody ranks nobody.
fn forecasts(curves: &CohortCurves) -> impl Iterator<Item = (&'static str, &ForecastCurves)> {
    let silent = curves.baselines.get(DAYS_SINCE_LAST).map(|silent| ("days silent", silent));
    std::iter::once(("model", &curves.model)).chain(silent)
}

fn roc_curves(curves: &CohortCurves) -> Vec<Curve<'static>> {
    let of = |(name, forecast): (&'static str, &ForecastCurves)| Curve {
        name,
        points: forecast.roc.iter().map(|point| (point.false_positive_rate, point.true_positive_rate)).collect(),
    };
    forecasts(curves).map(of).collect()
}

fn pr_curves(curves: &CohortCurves) -> Vec<Curve<'static>> {
    let of = |(name, forecast): (&'static str, &ForecastCurves)| Curve {
        name,
        points: forecast.precision_recall.iter().map(|point| (point.recall, point.precision)).collect(),
    };
    forecasts(curves).map(of).collect()
}
