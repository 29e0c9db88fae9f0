//! How early is the forecast good enough?

use super::element::{Cell, Drawings, details, metric, paragraph, reading, share, table, with_interval};
use super::{Page, Section, cohorts};
use crate::figures::{WeekFigure, WeekPoint, WeekSeries, by_week};
use crate::metrics::Metric;
use crate::report::{Cohort, DAYS_SINCE_LAST, Evaluation, WeekReport};
use crate::text::count;

pub(super) fn section(page: &Page<'_>) -> Section {
    let evaluation = page.evaluation;
    let mut drawings = Drawings::default();
    let body = cohorts::each(|key| {
        let whose = cohorts::of(&cohorts::INSIDE, key);
        let auc = drawings.figure(
            &format!("auc-by-week-{key}"),
            by_week(&auc_figure(evaluation, key, &format!("AUC by week, {whose}"))),
            "AUC at the end of each week, its 95 % interval shaded. The larger mark is the week of this report.",
            "No week has an AUC: each needs learners who dropped out and learners who stayed.",
        );
        let flags = drawings.figure(
            &format!("flags-by-week-{key}"),
            by_week(&flag_figure(evaluation, key, &format!("Precision and recall by week, {whose}"))),
            "Precision and recall of the run's flag at the end of each week; each week has a threshold of its own.",
            "No week has both flags and dropouts to measure them by.",
        );
        auc + &flags
    });
    let tables = cohorts::each(|key| week_rows(evaluation, key));
    Section {
        id: "weeks",
        title: "How early is it good enough?",
        body: reading(
            "The more weeks have been seen, the easier the forecast, and the less time is left to act. Those who are counted change \
             from week to week, too.",
        ) + &cohorts::columns(&body)
            + &refused(evaluation)
            + &details("Every week as a table", &cohorts::stacked(&tables)),
        drawings: drawings.all,
    }
}

fn series<'a>(
    evaluation: &Evaluation,
    name: &'a str,
    of: impl Fn(&WeekReport) -> Option<(f64, Option<(f64, f64)>)>,
) -> WeekSeries<'a> {
    let point = |report: &WeekReport| {
        let (value, interval) = of(report)?;
        Some(WeekPoint { week: report.week, value, interval })
    };
    WeekSeries { name, points: evaluation.weeks.iter().filter_map(point).collect() }
}

fn auc_figure<'a>(evaluation: &Evaluation, key: &str, title: &'a str) -> WeekFigure<'a> {
    let model = series(evaluation, "model", |report| {
        let cohort = cohorts::of(&report.cohorts, key);
        Some((cohort.auc.value()?, interval(cohort)))
    });
    let silent = series(evaluation, "days silent", |report| {
        let cohort = cohorts::of(report.baselines.get(DAYS_SINCE_LAST)?, key);
        Some((cohort.auc.value()?, None))
    });
    WeekFigure {
        title,
        figure: "AUC",
        series: vec![model, silent],
        asked_week: evaluation.week,
        guessing: Some(0.5),
        range: (0.45, 1.0),
    }
}

fn flag_figure<'a>(evaluation: &Evaluation, key: &str, title: &'a str) -> WeekFigure<'a> {
    let of = |figure: fn(&Cohort) -> Metric| {
        move |report: &WeekReport| Some((figure(cohorts::of(&report.cohorts, key)).value()?, None))
    };
    WeekFigure {
        title,
        figure: "share",
        series: vec![
            series(evaluation, "precision", of(|cohort| cohort.precision)),
            series(evaluation, "recall", of(|cohort| cohort.recall)),
            series(evaluation, "share that drops out", of(|cohort| cohort.base_rate)),
        ],
        asked_week: evaluation.week,
        guessing: None,
        range: (0.0, 1.0),
    }
}

fn interval(cohort: &Cohort) -> Option<(f64, f64)> {
    Some((cohort.auc_low.value()?, cohort.auc_high.value()?))
}

fn week_rows(evaluation: &Evaluation, key: &str) -> String {
    let row = |report: &WeekReport| -> Vec<Cell> {
        let model = cohorts::of(&report.cohorts, key);
        let silent = report.baselines.get(DAYS_SINCE_LAST).map(|both| cohorts::of(both, key));
        let asked = report.week == evaluation.week;
        vec![
            if asked { format!("<b>{}</b>", report.week) } else { report.week.to_string() },
            count(model.n),
            share(model.base_rate),
            with_interval(model.auc, model.auc_low, model.auc_high),
            silent.map_or_else(|| "–".to_owned(), |silent| metric(silent.auc)),
            metric(model.precision),
            metric(model.recall),
            metric(model.brier),
        ]
    };
    let rows: Vec<Vec<Cell>> = evaluation.weeks.iter().map(row).collect();
    let heads = ["week", "learners", "dropped out", "AUC", "AUC of days silent", "precision", "recall", "Brier score"];
    table("Every week", &heads, &rows)
}

fn refused(evaluation: &Evaluation) -> String {
    evaluation.describe_refused_weeks().iter().map(|sentence| paragraph(sentence)).collect()
}
