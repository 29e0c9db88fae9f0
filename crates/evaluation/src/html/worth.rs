//! Curves by capacity, decision curves and cost curves: is the forecast worth acting on?

use askama::Template;

use super::cohort::WhichCohort;
use super::figure::{Drawings, Figure};
use super::page::Page;
use super::section::{OverRepeats, Section};
use crate::figures::{CapacityPoint, Curve, capacity, cost, decision};
use crate::metrics::{CostPoint, NetBenefitPoint, PrPoint};
use crate::report::{Cohort, CohortCurves, ForecastCurves, Plots};

#[derive(Template)]
#[template(path = "sections/worth.html")]
struct Worth {
    /// `None` without curves.
    cohorts: Option<[CohortWorth; 2]>,
}

struct CohortWorth {
    which: WhichCohort,
    capacity: Figure,
    benefit: Figure,
    cost: Figure,
}

pub(super) fn section(page: &Page<'_>, drawings: &mut Drawings) -> Section {
    let cohorts = page.plots.map(|plots| WhichCohort::BOTH.map(|which| cohort_worth(page, plots, which, drawings)));
    Section::new("worth", "Is it worth acting on?", OverRepeats::OneRepeat, &Worth { cohorts })
}

fn cohort_worth(page: &Page<'_>, plots: &Plots, which: WhichCohort, drawings: &mut Drawings) -> CohortWorth {
    let week = page.evaluation.week;
    let curves = which.pick(&plots.cohorts);
    let cohort = which.pick(&page.evaluation.cohorts);
    let (key, inside) = (which.key(), which.inside());
    let by_capacity = capacity(
        &capacity_points(curves, cohort),
        cohort.base_rate.value().unwrap_or(0.0),
        &format!("Precision and recall by learners contacted, week {week}, {inside}"),
    );
    CohortWorth {
        which,
        capacity: drawings.add(
            format!("capacity-{key}"),
            by_capacity,
            "Contact this share of the learners, most at risk first. Lift is how far the solid line lies above the level \
             dotted one, which picking at random reaches.",
            "No curve: nobody dropped out.",
        ),
        benefit: drawings.add(
            format!("decision-{key}"),
            decision(&benefit_curves(&curves.model), &format!("Decision curve, week {week}, {inside}")),
            "If you would contact somebody at this risk or above: dropouts found per learner, less false alarms at that rate \
             of exchange (Vickers & Elkin 2006). Where the model's line is not the highest, do what the highest says.",
            "No decision curve: there are no learners.",
        ),
        cost: drawings.add(
            format!("cost-{key}"),
            cost(&cost_curves(&curves.model), &format!("Cost curve, week {week}, {inside}")),
            "What mistakes cost, from where missed dropouts are rare or cheap (left) to where they are many or dear (right). \
             Lower is better (Drummond & Holte 2006). Where the run's flag lies above the second line, it does harm.",
            "No cost curve: it needs learners who dropped out and learners who stayed.",
        ),
    }
}

fn capacity_points(curves: &CohortCurves, cohort: &Cohort) -> Vec<CapacityPoint> {
    let (n, positives) = (cohort.n as f64, cohort.positives as f64);
    let found = curves.model.precision_recall.iter().filter(|point| point.precision > 0.0);
    let point = |point: &PrPoint| CapacityPoint {
        contacted: (point.recall * positives / point.precision / n).min(1.0),
        precision: point.precision,
        recall: point.recall,
    };
    found.map(point).collect()
}

fn benefit_curves(model: &ForecastCurves) -> Vec<Curve<'static>> {
    let points = |benefit: fn(&NetBenefitPoint) -> f64| {
        model.net_benefit.iter().map(|point| (point.threshold, benefit(point))).collect::<Vec<_>>()
    };
    vec![
        Curve { name: "model", points: points(|point| point.net_benefit) },
        Curve { name: "contact everyone", points: points(|point| point.flag_all) },
        Curve { name: "contact nobody", points: points(|_| 0.0) },
    ]
}

fn cost_curves(model: &ForecastCurves) -> Vec<Curve<'static>> {
    let points = |cost: fn(&CostPoint) -> f64| {
        model.cost.iter().map(|point| (point.probability_cost, cost(point))).collect::<Vec<_>>()
    };
    vec![
        Curve { name: "the run's flag", points: points(|point| point.at_threshold) },
        Curve { name: "cheaper of everyone and nobody", points: points(|point| point.trivial) },
        Curve { name: "best threshold, known only afterwards", points: points(|point| point.lower_envelope) },
    ]
}
