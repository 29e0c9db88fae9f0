//! What is the forecast worth to those who act on it?

use super::element::{Drawings, reading};
use super::{Page, Section, cohorts};
use crate::figures::{CapacityPoint, Curve, capacity, cost, decision};
use crate::report::{Cohort, CohortCurves, ForecastCurves};

pub(super) fn section(page: &Page<'_>) -> Section {
    let week = page.evaluation.week;
    let mut drawings = Drawings::default();
    let body = cohorts::each(|key| {
        let Some(plots) = page.plots else {
            return "<p class=\"reasons\">No curves were given to this report.</p>".to_owned();
        };
        let curves = cohorts::of(&plots.cohorts, key);
        let cohort = cohorts::of(&page.evaluation.cohorts, key);
        let whose = cohorts::of(&cohorts::INSIDE, key);
        let by_capacity = drawings.figure(
            &format!("capacity-{key}"),
            capacity(
                &capacity_points(curves, cohort),
                cohort.base_rate.value().unwrap_or(0.0),
                &format!("Precision and recall by learners contacted, week {week}, {whose}"),
            ),
            "Contact this share of the learners, most at risk first. Lift is how far the solid line lies above the level one, \
             which picking blindly reaches.",
            "No curve: nobody dropped out.",
        );
        let benefit = drawings.figure(
            &format!("decision-{key}"),
            decision(&benefit_curves(&curves.model), &format!("Decision curve, week {week}, {whose}")),
            "If you would contact somebody at this risk or above: dropouts found a learner, less false alarms at that rate of \
             exchange (Vickers & Elkin 2006). Where the model's line is not the highest, do what the highest says.",
            "No decision curve: there are no learners.",
        );
        let by_cost = drawings.figure(
            &format!("cost-{key}"),
            cost(&cost_curves(&curves.model), &format!("Cost curve, week {week}, {whose}")),
            "If missed dropouts are rare or cheap (left) or many or dear (right): what mistakes cost, lower is better (Drummond & \
             Holte 2006). Where the run's flag lies above the trivial line, it does harm.",
            "No cost curve: it needs learners who dropped out and learners who stayed.",
        );
        by_capacity + &benefit + &by_cost
    });
    Section {
        id: "worth",
        title: "Is it worth acting on?",
        body: reading(
            "What a forecast is worth depends on what a missed dropout costs beside a call too many. These curves show it for every \
             such rate at once.",
        ) + &cohorts::columns(&body),
        drawings: drawings.all,
    }
}

fn capacity_points(curves: &CohortCurves, cohort: &Cohort) -> Vec<CapacityPoint> {
    let (n, positives) = (cohort.n as f64, cohort.positives as f64);
    let found = curves.model.precision_recall.iter().filter(|point| point.precision > 0.0);
    let point = |point: &crate::metrics::PrPoint| CapacityPoint {
        contacted: (point.recall * positives / point.precision / n).min(1.0),
        precision: point.precision,
        recall: point.recall,
    };
    found.map(point).collect()
}

fn benefit_curves(model: &ForecastCurves) -> Vec<Curve<'static>> {
    let points = |of: fn(&crate::metrics::NetBenefitPoint) -> f64| {
        model.net_benefit.iter().map(|point| (point.threshold, of(point))).collect::<Vec<_>>()
    };
    vec![
        Curve { name: "model", points: points(|point| point.net_benefit) },
        Curve { name: "contact everyone", points: points(|point| point.flag_all) },
        Curve { name: "contact nobody", points: points(|_| 0.0) },
    ]
}

fn cost_curves(model: &ForecastCurves) -> Vec<Curve<'static>> {
    let points = |of: fn(&crate::metrics::CostPoint) -> f64| {
        model.cost.iter().map(|point| (point.probability_cost, of(point))).collect::<Vec<_>>()
    };
    vec![
        Curve { name: "the run's flag", points: points(|point| point.at_threshold) },
        Curve { name: "cheaper of everyone and nobody", points: points(|point| point.trivial) },
        Curve { name: "best threshold, known only afterwards", points: points(|point| point.lower_envelope) },
    ]
}
