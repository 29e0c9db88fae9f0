//! ROC and precision-recall curves: does the model rank those who leave above those who stay?

use askama::Template;

use super::cohort::WhichCohort;
use super::figure::{Drawings, Figure};
use super::page::Page;
use super::section::{OverRepeats, Section};
use crate::figures::{Curve, precision_recall, roc};
use crate::report::{CohortCurves, DAYS_SINCE_LAST, ForecastCurves};

#[derive(Template)]
#[template(path = "sections/ranking.html")]
struct Ranking {
    cohorts: [CohortRanking; 2],
}

struct CohortRanking {
    which: WhichCohort,
    roc: Figure,
    precision_recall: Figure,
}

/// Returns `None` without curves.
pub(super) fn section(page: &Page<'_>, drawings: &mut Drawings) -> Option<Section> {
    let plots = page.plots?;
    let week = page.evaluation.week;
    let cohorts = WhichCohort::BOTH.map(|which| {
        let curves = which.pick(&plots.cohorts);
        let (key, inside) = (which.key(), which.inside());
        let roc = roc(&roc_curves(curves), &format!("ROC curve, week {week}, {inside}"));
        let base_rate = curves.base_rate.value().unwrap_or(0.0);
        let title = format!("Precision and recall, week {week}, {inside}");
        let by_recall = precision_recall(&precision_recall_curves(curves), base_rate, &title);
        CohortRanking {
            which,
            roc: drawings.add(
                format!("roc-{key}"),
                roc,
                "ROC: the further the line bends to the top left, the better. On the dotted line the model would be guessing.",
                "No ROC curve: it needs learners who dropped out and learners who stayed.",
            ),
            precision_recall: drawings.add(
                format!("precision-recall-{key}"),
                by_recall.filter(|_| !curves.model.roc.is_empty()),
                "Precision and recall: the higher the line, the fewer learners are bothered for nothing at the same share \
                 found. Guessing stays on the dotted line.",
                "No precision-recall curve: it needs learners who dropped out and learners who stayed.",
            ),
        }
    });
    let title = "Does it rank the right learners first?";
    Some(Section::new("ranking", title, OverRepeats::OneRepeat, &Ranking { cohorts }))
}

/// Lists the model and the baseline that ranks; flagging everybody ranks nobody.
fn forecasts(curves: &CohortCurves) -> impl Iterator<Item = (&'static str, &ForecastCurves)> {
    let inactive = curves.baselines.get(DAYS_SINCE_LAST).map(|inactive| ("inactivity", inactive));
    std::iter::once(("model", &curves.model)).chain(inactive)
}

fn roc_curves(curves: &CohortCurves) -> Vec<Curve<'static>> {
    let curve = |(name, forecast): (&'static str, &ForecastCurves)| Curve {
        name,
        points: forecast.roc.iter().map(|point| (point.false_positive_rate, point.true_positive_rate)).collect(),
    };
    forecasts(curves).map(curve).collect()
}

fn precision_recall_curves(curves: &CohortCurves) -> Vec<Curve<'static>> {
    let curve = |(name, forecast): (&'static str, &ForecastCurves)| Curve {
        name,
        points: forecast.precision_recall.iter().map(|point| (point.recall, point.precision)).collect(),
    };
    forecasts(curves).map(curve).collect()
}
