//! Every figure of the asked week, the simplest baselines beside the model, and the meaning of each.

use std::collections::BTreeMap;

use askama::Template;

use super::about::Compared;
use super::cell::{Cell, Table};
use super::cohort::WhichCohort;
use super::page::Page;
use super::reasons::Reasons;
use super::section::{OverRepeats, Section};
use crate::metrics::Metric;
use crate::numbers::{count, counted, p_value, signed};
use crate::report::{
    BootstrapIntervals, Cohort, DAYS_SINCE_LAST, EVERYONE_DROPS, ModelComparison, PairedDifference, ResampledUnit,
};

/// Lists the meaning of each figure, in the order of the table.
const MEANINGS: [(&str, &str); 13] = [
    (
        "AUC",
        "Of one who dropped out and one who stayed, how often the model ranks the first higher. 0.5 is guessing, 1 perfect. \
         The scores before calibration are ranked.",
    ),
    ("average precision", "Precision averaged over all thresholds. Guessing reaches the share that dropped out."),
    ("precision", "Of those flagged, the share that dropped out."),
    ("recall", "Of those who dropped out, the share that was flagged."),
    ("F1", "Precision and recall in one number (their harmonic mean)."),
    ("MCC", "Agreement of flag and outcome from −1 to 1. 0 is chance, also where nearly everybody drops out."),
    ("Brier score", "Mean squared error of the probabilities. Lower is better."),
    ("log loss", "How surprised the probabilities were by the outcomes, in nats. Lower is better."),
    ("calibration error", "How far probabilities are off on average, over 15 bins of equal count (ECE)."),
    ("calibration slope", "1 is right. Below it, probabilities are too extreme; above it, too timid."),
    ("in the large", "Above 0 more drop out than forecast, below 0 fewer (log odds)."),
    (
        "inactivity",
        "Ranks learners by the days since their last activity alone. Its probabilities are fitted on the training set.",
    ),
    ("flag everyone", "Flags everybody, and gives everybody the share of dropouts in the training set."),
];

/// Writes one line of the table.
type Figure = fn(&Cohort) -> Cell;

#[derive(Template)]
#[template(path = "sections/all_figures.html")]
struct AllFigures {
    cohorts: [CohortFigures; 2],
    meanings: [(&'static str, &'static str); 13],
    compared: Option<[ComparedModels; 2]>,
}

struct CohortFigures {
    which: WhichCohort,
    table: Table,
    reasons: Reasons,
    bootstrap: Option<Table>,
}

/// Holds other models on the same rows of one cohort.
struct ComparedModels {
    which: WhichCohort,
    table: Table,
}

pub(super) fn section(page: &Page<'_>) -> Section {
    let evaluation = page.evaluation;
    let cohorts = WhichCohort::BOTH.map(|which| {
        let baseline = |name: &str| evaluation.baselines.get(name).map(|both| which.pick(both));
        let model = which.pick(&evaluation.cohorts);
        CohortFigures {
            which,
            table: week_table(model, baseline(DAYS_SINCE_LAST), baseline(EVERYONE_DROPS)),
            reasons: reasons(model, baseline(DAYS_SINCE_LAST), baseline(EVERYONE_DROPS)),
            bootstrap: bootstrap(page, which),
        }
    });
    let compared = &page.about.compared;
    let compared = (!compared.is_empty()).then(|| WhichCohort::BOTH.map(|which| compared_models(compared, which)));
    let body = AllFigures { cohorts, meanings: MEANINGS, compared };
    Section::new("figures", "All figures of this week", OverRepeats::Mean, &body)
}

fn week_table(model: &Cohort, recency: Option<&Cohort>, everyone: Option<&Cohort>) -> Table {
    let lines: [(&str, Figure); 14] = [
        ("learners", |cohort| Cell::count(cohort.n)),
        ("dropped out", |cohort| Cell::share(cohort.base_rate)),
        ("AUC", |cohort| Cell::with_interval(cohort.auc, cohort.auc_low, cohort.auc_high)),
        ("average precision", |cohort| Cell::metric(cohort.average_precision)),
        ("flagged", |cohort| Cell::or_dash(cohort.confusion.map(|counts| count(counts.flagged())))),
        ("precision", |cohort| Cell::metric(cohort.precision)),
        ("recall", |cohort| Cell::metric(cohort.recall)),
        ("F1", |cohort| Cell::metric(cohort.f1)),
        ("MCC", |cohort| Cell::metric(cohort.mcc)),
        ("Brier score", |cohort| Cell::metric(cohort.brier)),
        ("log loss", |cohort| Cell::metric(cohort.log_loss)),
        ("calibration error", |cohort| Cell::metric(cohort.ece)),
        ("calibration slope", |cohort| Cell::metric(cohort.calibration_slope)),
        ("in the large", |cohort| Cell::metric(cohort.calibration_in_the_large)),
    ];
    let baseline = |cohort: Option<&Cohort>, figure: Figure| cohort.map_or_else(Cell::dash, figure);
    let row = |&(name, figure): &(&str, Figure)| {
        vec![Cell::Figure(name.to_owned()), figure(model), baseline(recency, figure), baseline(everyone, figure)]
    };
    Table {
        caption: "The model and the simplest baselines",
        heads: vec!["", "model", "inactivity", "flag everyone"],
        rows: lines.iter().map(row).collect(),
    }
}

/// Explains the dashes of the model, and those that the baselines have besides.
fn reasons(model: &Cohort, recency: Option<&Cohort>, everyone: Option<&Cohort>) -> Reasons {
    let besides = |cohort: Option<&Cohort>| -> BTreeMap<&'static str, &'static str> {
        let undefined = cohort.map_or_else(BTreeMap::new, |cohort| cohort.undefined.clone());
        undefined.into_iter().filter(|(metric, _)| !model.undefined.contains_key(metric)).collect()
    };
    let (recency, everyone) = (besides(recency), besides(everyone));
    Reasons::from_columns(&[("", &model.undefined), (" for inactivity", &recency), (" for flag everyone", &everyone)])
}

fn bootstrap(page: &Page<'_>, which: WhichCohort) -> Option<Table> {
    let intervals = &page.evaluation.bootstrap;
    (!intervals.is_empty()).then(|| Table {
        caption: "95% intervals by bootstrap",
        heads: vec!["drawn", "AUC", "average precision", "Brier score"],
        rows: intervals.iter().map(|both| bootstrap_row(which.pick(both))).collect(),
    })
}

fn bootstrap_row(intervals: &BootstrapIntervals) -> Vec<Cell> {
    let unit = match intervals.unit {
        ResampledUnit::Learner => "learner",
        ResampledUnit::Course => "course",
    };
    let unusable = u64::from(intervals.resamples - intervals.usable);
    let without = if unusable > 0 { format!(" ({} of one class left out)", count(unusable)) } else { String::new() };
    let range = |low: Metric, high: Metric| match (low, high) {
        (Metric::Value(low), Metric::Value(high)) => Cell::Range(low, high),
        (undefined @ Metric::Undefined(_), _) | (_, undefined) => Cell::metric(undefined),
    };
    vec![
        Cell::Figure(format!(
            "{}, {}{without}",
            counted(intervals.units, unit),
            counted(u64::from(intervals.resamples), "time")
        )),
        range(intervals.auc.low, intervals.auc.high),
        range(intervals.average_precision.low, intervals.average_precision.high),
        range(intervals.brier.low, intervals.brier.high),
    ]
}

fn compared_models(compared: &[Compared], which: WhichCohort) -> ComparedModels {
    let row = |other: &Compared| {
        let comparison: &ModelComparison = match which {
            WhichCohort::All => &other.all,
            WhichCohort::Active => &other.active,
        };
        vec![
            Cell::Name(other.name.clone()),
            Cell::metric(comparison.auc.second),
            difference(&comparison.auc),
            difference(&comparison.brier),
            difference(&comparison.log_loss),
        ]
    };
    let heads =
        vec!["other model", "its AUC", "AUC: this less other", "Brier: this less other", "log loss: this less other"];
    let caption = "This model against others on the same learners";
    ComparedModels { which, table: Table { caption, heads, rows: compared.iter().map(row).collect() } }
}

fn difference(paired: &PairedDifference) -> Cell {
    let Metric::Value(value) = paired.difference else {
        return Cell::metric(paired.difference);
    };
    let interval = paired.low.value().zip(paired.high.value());
    let interval = interval.map(|(low, high)| format!("{} to {}", signed(low), signed(high)));
    let p = paired.p_value.value().map(|p| format!("p {}", p_value(p)));
    Cell::WithDetails(signed(value), interval.into_iter().chain(p).collect())
}
