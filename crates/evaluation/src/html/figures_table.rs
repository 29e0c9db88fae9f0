//! Every figure of the asked week, the trivial baselines beside the model, and what each means.

use super::element::{Cell, details, metric, p_value, reading, reasons, share, signed, table, with_interval};
use super::{Page, Section, cohorts};
use crate::markup::escape;
use crate::metrics::Metric;
use crate::report::{
    BootstrapIntervals, ByCohort, Cohort, DAYS_SINCE_LAST, EVERYONE_DROPS, ModelComparison, PairedDifference,
    ResampledUnit,
};
use crate::text::count;

/// What each figure means, in the order of the table.
const MEANINGS: [(&str, &str); 13] = [
    (
        "AUC",
        "of one who dropped out and one who stayed, how often the model ranks the first higher; 0.5 is guessing, 1 perfect. The scores before calibration are ranked",
    ),
    ("average precision", "precision averaged over all thresholds; guessing reaches the share that dropped out"),
    ("precision", "of those flagged, the share that dropped out"),
    ("recall", "of those who dropped out, the share that was flagged"),
    ("F1", "precision and recall in one number (harmonic mean)"),
    ("MCC", "agreement of flag and outcome from −1 to 1; 0 is chance, also where nearly everybody drops out"),
    ("Brier score", "mean squared error of the probabilities; lower is better"),
    ("log loss", "how surprised the probabilities were by what happened, in nats; lower is better"),
    ("calibration error", "how far probabilities are off on average, over 15 bins of equal count (ECE)"),
    ("calibration slope", "1 is right; below it probabilities are too extreme, above it too timid"),
    ("in the large", "above 0 more drop out than forecast, below 0 fewer (log odds)"),
    (
        "days silent",
        "ranks learners by the days since their last activity alone; its probabilities are fitted on the training side",
    ),
    ("flag everyone", "flags everybody and gives everybody the training side's share of dropouts"),
];

/// How one line of the table is written.
type Figure = fn(&Cohort) -> Cell;

pub(super) fn section(page: &Page<'_>) -> Section {
    let evaluation = page.evaluation;
    let tables = cohorts::each(|key| {
        let of = |name: &str| evaluation.baselines.get(name).map(|both| cohorts::of(both, key));
        let model = cohorts::of(&evaluation.cohorts, key);
        week_table(model, of(DAYS_SINCE_LAST), of(EVERYONE_DROPS)) + &reasons(model) + &bootstrap(page, key)
    });
    let meanings: String =
        MEANINGS.iter().map(|(name, words)| format!("<dt>{name}</dt><dd>{}</dd>", escape(words))).collect();
    let body = reading(
        "The model beside two forecasts that need no model. It is worth its trouble only where it beats both; a figure without \
         them says little.",
    ) + &cohorts::columns(&tables)
        + &details("What each figure means", &format!("<dl class=\"meanings\">{meanings}</dl>"))
        + &compared(page);
    Section { id: "figures", title: "All figures of this week", body, drawings: Vec::new() }
}

fn week_table(model: &Cohort, recency: Option<&Cohort>, everyone: Option<&Cohort>) -> String {
    let lines: [(&str, Figure); 14] = [
        ("learners", |cohort| count(cohort.n)),
        ("dropped out", |cohort| share(cohort.base_rate)),
        ("AUC", |cohort| with_interval(cohort.auc, cohort.auc_low, cohort.auc_high)),
        ("average precision", |cohort| metric(cohort.average_precision)),
        ("flagged", |cohort| cohort.confusion.map_or_else(|| "–".to_owned(), |counts| count(counts.flagged()))),
        ("precision", |cohort| metric(cohort.precision)),
        ("recall", |cohort| metric(cohort.recall)),
        ("F1", |cohort| metric(cohort.f1)),
        ("MCC", |cohort| metric(cohort.mcc)),
        ("Brier score", |cohort| metric(cohort.brier)),
        ("log loss", |cohort| metric(cohort.log_loss)),
        ("calibration error", |cohort| metric(cohort.ece)),
        ("calibration slope", |cohort| metric(cohort.calibration_slope)),
        ("in the large", |cohort| metric(cohort.calibration_in_the_large)),
    ];
    let cell = |cohort: Option<&Cohort>, figure: Figure| cohort.map_or_else(|| "–".to_owned(), figure);
    let rows: Vec<Vec<Cell>> = lines
        .iter()
        .map(|&(name, figure)| vec![name.to_owned(), figure(model), cell(recency, figure), cell(everyone, figure)])
        .collect();
    table("The model and the trivial baselines", &["", "model", "days silent", "flag everyone"], &rows)
}

fn bootstrap(page: &Page<'_>, key: &str) -> String {
    let rows: Vec<Vec<Cell>> =
        page.evaluation.bootstrap.iter().map(|both| bootstrap_row(cohorts::of(both, key))).collect();
    if rows.is_empty() {
        return String::new();
    }
    let note = "<p class=\"small\">Learners of one course are alike, so drawing whole courses tells more about other courses; \
                with fewer than ten there are too few to draw.</p>";
    table("95 % intervals by bootstrap", &["drawn", "AUC", "average precision", "Brier score"], &rows) + note
}

fn bootstrap_row(intervals: &BootstrapIntervals) -> Vec<Cell> {
    let unit = match intervals.unit {
        ResampledUnit::Learner => "learners",
        ResampledUnit::Course => "courses",
    };
    let range = |low: Metric, high: Metric| format!("{}–{}", metric(low), metric(high));
    let unusable = intervals.resamples - intervals.usable;
    let without =
        if unusable > 0 { format!(" ({} of one class left out)", count(u64::from(unusable))) } else { String::new() };
    vec![
        format!("{} {unit}, {} times{without}", count(intervals.units), count(u64::from(intervals.resamples))),
        range(intervals.auc.low, intervals.auc.high),
        range(intervals.average_precision.low, intervals.average_precision.high),
        range(intervals.brier.low, intervals.brier.high),
    ]
}

/// Other models on the same rows.
fn compared(page: &Page<'_>) -> String {
    if page.about.compared.is_empty() {
        return String::new();
    }
    let rows = |of: fn(&super::Compared) -> &ModelComparison| -> Vec<Vec<Cell>> {
        let line = |other: &super::Compared| {
            let comparison = of(other);
            vec![
                super::element::name(&other.name),
                metric(comparison.auc.second),
                difference(&comparison.auc),
                difference(&comparison.brier),
                difference(&comparison.log_loss),
            ]
        };
        page.about.compared.iter().map(line).collect()
    };
    let heads =
        ["other model", "its AUC", "AUC: this less other", "Brier: this less other", "log loss: this less other"];
    let caption = "This model against others on the same learners";
    let tables = ByCohort {
        all: table(caption, &heads, &rows(|other| &other.all)),
        active: table(caption, &heads, &rows(|other| &other.active)),
    };
    let words = reading(
        "Differences are paired, learner by learner, which is far surer than two intervals side by side. For AUC above 0 speaks \
         for this model, for Brier score and log loss below 0. p is two-sided, by bootstrap of learners.",
    );
    format!("<h3>Other models</h3>{words}{}", cohorts::columns(&tables))
}

fn difference(paired: &PairedDifference) -> Cell {
    let Metric::Value(value) = paired.difference else {
        return metric(paired.difference);
    };
    let interval = match (paired.low, paired.high) {
        (Metric::Value(low), Metric::Value(high)) => {
            format!(" <span class=\"interval\">{} to {}</span>", signed(low), signed(high))
        }
        _ => String::new(),
    };
    let p = paired
        .p_value
        .value()
        .map_or_else(String::new, |p| format!(" <span class=\"interval\">p {}</span>", p_value(p)));
    format!("{}{interval}{p}", signed(value))
}
