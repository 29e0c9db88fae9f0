//! Figures over weeks: how early is the forecast good enough?

use askama::Template;

use super::cell::{Cell, Table};
use super::cohort::WhichCohort;
use super::figure::{Drawings, Figure};
use super::page::Page;
use super::section::{OverRepeats, Section};
use crate::figures::{WeekFigure, WeekPoint, WeekSeries, by_week};
use crate::metrics::Metric;
use crate::report::{Cohort, DAYS_SINCE_LAST, Evaluation, WeekReport};

#[derive(Template)]
#[template(path = "sections/weeks.html")]
struct Weeks {
    cohorts: [CohortWeeks; 2],
    /// A sentence for each reason for which weeks are not reported.
    refused: Vec<String>,
}

struct CohortWeeks {
    which: WhichCohort,
    auc: Figure,
    flags: Figure,
    table: Table,
}

pub(super) fn section(page: &Page<'_>, drawings: &mut Drawings) -> Section {
    let evaluation = page.evaluation;
    let cohorts = WhichCohort::BOTH.map(|which| {
        let (key, inside) = (which.key(), which.inside());
        CohortWeeks {
            which,
            auc: drawings.add(
                format!("auc-by-week-{key}"),
                by_week(&auc_figure(evaluation, which, &format!("AUC by week, {inside}"))),
                "AUC at the end of each week, its 95% interval shaded. The larger mark is the week of this report.",
                "No week has an AUC: each needs learners who dropped out and learners who stayed.",
            ),
            flags: drawings.add(
                format!("flags-by-week-{key}"),
                by_week(&flag_figure(evaluation, which, &format!("Precision and recall by week, {inside}"))),
                "Precision and recall of the run's flag at the end of each week; each week has a threshold of its own.",
                "No week has both flags and dropouts to measure them by.",
            ),
            table: table(evaluation, which),
        }
    });
    let body = Weeks { cohorts, refused: evaluation.describe_refused_weeks() };
    Section::new("weeks", "How early is it good enough?", OverRepeats::Mean, &body)
}

fn series<'a>(
    evaluation: &Evaluation,
    name: &'a str,
    figure: impl Fn(&WeekReport) -> Option<(f64, Option<(f64, f64)>)>,
) -> WeekSeries<'a> {
    let point = |report: &WeekReport| {
        let (value, interval) = figure(report)?;
        Some(WeekPoint { week: report.week, value, interval })
    };
    WeekSeries { name, points: evaluation.weeks.iter().filter_map(point).collect() }
}

fn auc_figure<'a>(evaluation: &Evaluation, which: WhichCohort, title: &'a str) -> WeekFigure<'a> {
    let model = series(evaluation, "model", |report| {
        let cohort = which.pick(&report.cohorts);
        Some((cohort.auc.value()?, cohort.auc_low.value().zip(cohort.auc_high.value())))
    });
    let inactive = series(evaluation, "inactivity", |report| {
        Some((which.pick(report.baselines.get(DAYS_SINCE_LAST)?).auc.value()?, None))
    });
    WeekFigure {
        title,
        figure: "AUC",
        series: vec![model, inactive],
        asked_week: evaluation.week,
        guessing: Some(0.5),
        range: (0.45, 1.0),
    }
}

fn flag_figure<'a>(evaluation: &Evaluation, which: WhichCohort, title: &'a str) -> WeekFigure<'a> {
    let figure_of = |figure: fn(&Cohort) -> Metric| {
        move |report: &WeekReport| Some((figure(which.pick(&report.cohorts)).value()?, None))
    };
    WeekFigure {
        title,
        figure: "share",
        series: vec![
            series(evaluation, "precision", figure_of(|cohort| cohort.precision)),
            series(evaluation, "recall", figure_of(|cohort| cohort.recall)),
            series(evaluation, "share that drops out", figure_of(|cohort| cohort.base_rate)),
        ],
        asked_week: evaluation.week,
        guessing: None,
        range: (0.0, 1.0),
    }
}

fn table(evaluation: &Evaluation, which: WhichCohort) -> Table {
    let row = |report: &WeekReport| {
        let model = which.pick(&report.cohorts);
        let inactive = report.baselines.get(DAYS_SINCE_LAST).map(|both| which.pick(both));
        let week = report.week.to_string();
        vec![
            if report.week == evaluation.week { Cell::Strong(week) } else { Cell::Figure(week) },
            Cell::count(model.n),
            Cell::share(model.base_rate),
            Cell::with_interval(model.auc, model.auc_low, model.auc_high),
            inactive.map_or_else(Cell::dash, |inactive| Cell::metric(inactive.auc)),
            Cell::metric(model.precision),
            Cell::metric(model.recall),
            Cell::metric(model.brier),
        ]
    };
    let heads =
        vec!["week", "learners", "dropped out", "AUC", "AUC of inactivity", "precision", "recall", "Brier score"];
    Table { caption: "Every week", heads, rows: evaluation.weeks.iter().map(row).collect() }
}
