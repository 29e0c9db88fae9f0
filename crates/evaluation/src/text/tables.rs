//! Figures in columns: the asked week, its courses, and all weeks.

use std::collections::BTreeMap;

use super::lines::wrap;
use crate::markup::shorten;
use crate::metrics::Metric;
use crate::numbers::{count, decimal, listed, of_100, percent};
use crate::report::{ByCohort, Cohort, DAYS_SINCE_LAST, EVERYONE_DROPS, Evaluation, metric_name};

/// Counts the columns of a row's name in the week table.
const NAME_COLUMNS: usize = 22;
/// Counts the columns of one figure in the week table: a name and six figures fill the width.
const FIGURE_COLUMNS: usize = 13;
/// Counts the cells of an AUC's bar.
const BAR_CELLS: usize = 12;

/// Prints one row of the week table.
type Figure = fn(&Cohort) -> String;

/// Prints the asked week: the model beside the simplest baselines, for both cohorts, and the meaning of the figures.
#[must_use]
pub fn week_table(evaluation: &Evaluation) -> String {
    let columns = columns_of(evaluation);
    let mut lines = format!(
        "{:NAME_COLUMNS$}{:>three$}{:>three$}\n",
        "",
        "everyone known by then",
        "those still active",
        three = 3 * FIGURE_COLUMNS
    );
    lines += &format!("{:NAME_COLUMNS$}", "");
    for (name, _) in &columns {
        lines += &format!("{name:>FIGURE_COLUMNS$}");
    }
    lines.push('\n');
    let rows: [(&str, Figure); 16] = [
        ("learners", |cohort| count(cohort.n)),
        ("dropped out", |cohort| percent(cohort.base_rate)),
        ("AUC", |cohort| decimal(cohort.auc)),
        ("  95% from", |cohort| decimal(cohort.auc_low)),
        ("  95% to", |cohort| decimal(cohort.auc_high)),
        ("average precision", |cohort| decimal(cohort.average_precision)),
        ("flagged from p of", |cohort| cohort.threshold.map_or_else(|| "–".to_owned(), |p| format!("{p:.3}"))),
        ("flagged", |cohort| cohort.confusion.map_or_else(|| "–".to_owned(), |counts| count(counts.flagged()))),
        ("precision", |cohort| decimal(cohort.precision)),
        ("recall", |cohort| decimal(cohort.recall)),
        ("F1", |cohort| decimal(cohort.f1)),
        ("MCC", |cohort| decimal(cohort.mcc)),
        ("Brier score", |cohort| decimal(cohort.brier)),
        ("log loss", |cohort| decimal(cohort.log_loss)),
        ("calibration error", |cohort| decimal(cohort.ece)),
        ("calibration slope", |cohort| decimal(cohort.calibration_slope)),
    ];
    // Without two rows of each class there are no intervals, and nothing to explain.
    let has_intervals = columns.iter().any(|(_, cohort)| cohort.is_some_and(|cohort| cohort.auc_low.value().is_some()));
    for (name, figure) in rows.into_iter().filter(|(name, _)| has_intervals || !name.contains("95%")) {
        lines += &format!("{name:NAME_COLUMNS$}");
        for (_, cohort) in &columns {
            lines += &format!("{:>FIGURE_COLUMNS$}", cohort.map_or_else(|| "–".to_owned(), figure));
        }
        lines.push('\n');
    }
    lines + &meanings(&evaluation.cohorts.all) + &undefined_lines(&evaluation.cohorts)
}

fn columns_of(evaluation: &Evaluation) -> [(&'static str, Option<&Cohort>); 6] {
    let baseline = |name| evaluation.baselines.get(name);
    let (recency, everyone) = (baseline(DAYS_SINCE_LAST), baseline(EVERYONE_DROPS));
    [
        ("model", Some(&evaluation.cohorts.all)),
        ("inactivity", recency.map(|cohorts| &cohorts.all)),
        ("flag all", everyone.map(|cohorts| &cohorts.all)),
        ("model", Some(&evaluation.cohorts.active)),
        ("inactivity", recency.map(|cohorts| &cohorts.active)),
        ("flag all", everyone.map(|cohorts| &cohorts.active)),
    ]
}

/// Says what the model's figures mean in learners, each only where it is defined.
fn meanings(cohort: &Cohort) -> String {
    let mut lines = wrap(
        "\"inactivity\" ranks by the days since the last event alone; \"flag all\" flags everybody. A model is worth its \
         trouble only where it beats both. For everyone known by then:",
    );
    if let Metric::Value(auc) = cohort.auc {
        lines += &wrap(&format!(
            "- AUC: take one learner who dropped out and one who stayed. The model puts the first higher in {} of 100 such \
             pairs; guessing does in 50.",
            of_100(auc)
        ));
    }
    if let (Metric::Value(precision), Metric::Value(base_rate)) = (cohort.precision, cohort.base_rate) {
        lines += &wrap(&format!(
            "- Precision: of 100 flagged, {} dropped out; of 100 picked at random, {}.",
            of_100(precision),
            of_100(base_rate)
        ));
    }
    if let Metric::Value(recall) = cohort.recall {
        lines += &wrap(&format!("- Recall: of 100 who dropped out, {} had been flagged.", of_100(recall)));
    }
    if let Metric::Value(ece) = cohort.ece {
        lines += &wrap(&format!(
            "- Calibration error: probabilities are off by {:.1} percentage points on average. Brier score and log \
             loss are better when lower.",
            100.0 * ece
        ));
    }
    lines
}

/// Says why figures of the model have no value, each reason once. An interval that does not exist is not explained.
fn undefined_lines(cohorts: &ByCohort<Cohort>) -> String {
    let mut lines = String::new();
    for (name, cohort) in [("everyone known by then", &cohorts.all), ("those still active", &cohorts.active)] {
        let mut by_reason: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        // Of the recalibration the slope alone is printed, so that it alone can be missed.
        let printed = cohort.undefined.iter().filter(|&(&metric, _)| metric != "calibration_in_the_large");
        for (metric, reason) in printed {
            if let Some(metric) = metric_name(metric) {
                by_reason.entry(reason).or_default().push(metric.to_owned());
            }
        }
        for (reason, metrics) in by_reason {
            lines += &wrap(&format!("– No {} for {name}: {reason}.", listed(&metrics)));
        }
    }
    lines
}

/// Prints every week's AUC of the model and of inactivity, for both cohorts.
#[must_use]
pub fn week_curve(evaluation: &Evaluation) -> String {
    let mut lines = format!("{:4}{:>48}{:>48}\n", "", "everyone known by then", "those still active");
    let head = format!("{:>9}{:>8}{:>6}  {:12}{:>11}", "learners", "dropped", "AUC", "0.5      1.0", "inactivity");
    lines += &format!("week{head}{head}\n");
    for report in &evaluation.weeks {
        let recency = report.baselines.get(DAYS_SINCE_LAST);
        let all = half(&report.cohorts.all, recency.map(|cohorts| &cohorts.all));
        let active = half(&report.cohorts.active, recency.map(|cohorts| &cohorts.active));
        lines += &format!("{:>4}{all}{active}\n", report.week);
    }
    lines
        + &wrap(
            "How early is the forecast good enough? The bar is the model's AUC, from guessing (empty) to perfect (full). \
             The column after it is the AUC of inactivity.",
        )
}

/// Prints one cohort's columns in a line of the curve.
fn half(model: &Cohort, recency: Option<&Cohort>) -> String {
    format!(
        "{:>9}{:>8}{:>6}  {:BAR_CELLS$}{:>11}",
        count(model.n),
        percent(model.base_rate),
        decimal(model.auc),
        auc_bar(model.auc),
        recency.map_or_else(|| "–".to_owned(), |cohort| decimal(cohort.auc)),
    )
}

/// Draws a bar from 0.5 (empty) to 1 (full), to an eighth of a cell. Below 0.5 it says so.
fn auc_bar(auc: Metric) -> String {
    const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    let Metric::Value(auc) = auc else {
        return String::new();
    };
    if auc < 0.5 {
        return "below 0.5".to_owned();
    }
    let eighths = ((auc - 0.5) * 2.0 * (8 * BAR_CELLS) as f64).round() as usize;
    "█".repeat(eighths / 8) + EIGHTHS[eighths % 8]
}

/// Prints the courses one by one, where there are from two to nine of them; otherwise empty.
#[must_use]
pub fn course_table(evaluation: &Evaluation) -> String {
    if evaluation.courses.len() < 2 {
        return String::new();
    }
    let mut lines = format!(
        "{:28}{:>10}{:>10}{:>8}{:>16}{:>11}{:>9}\n",
        "course (everyone known)", "learners", "dropped", "AUC", "95%", "precision", "recall"
    );
    for report in &evaluation.courses {
        let cohort = &report.cohorts.all;
        let interval = match (cohort.auc_low, cohort.auc_high) {
            (Metric::Value(low), Metric::Value(high)) => format!("{low:.3}–{high:.3}"),
            _ => "–".to_owned(),
        };
        lines += &format!(
            "{:28}{:>10}{:>10}{:>8}{interval:>16}{:>11}{:>9}\n",
            shorten(&report.course, 28),
            count(cohort.n),
            percent(cohort.base_rate),
            decimal(cohort.auc),
            decimal(cohort.precision),
            decimal(cohort.recall),
        );
    }
    lines
}
