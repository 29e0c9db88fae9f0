//! A slider, and a table: the effect of flagging from another probability on, or of contacting so many.

use askama::Template;
use serde::Serialize;

use super::cell::{Cell, Table};
use super::cohort::WhichCohort;
use super::page::Page;
use super::reasons::Reasons;
use super::section::{OverRepeats, Section};
use crate::metrics::{AtCapacity, Capacity, Metric};
use crate::numbers::{count, percent};
use crate::report::{ByCohort, CapacityLine, Cohort, CohortCurves, DAYS_SINCE_LAST};

#[derive(Template)]
#[template(path = "sections/operating.html")]
struct Operating {
    cohorts: [Choices; 2],
}

/// Holds one cohort's choices.
struct Choices {
    which: WhichCohort,
    has_slider: bool,
    table: Option<Table>,
    reasons: Reasons,
}

/// Returns `None` if there are no learners.
pub(super) fn section(page: &Page<'_>) -> Option<Section> {
    if page.evaluation.cohorts.all.n == 0 {
        return None;
    }
    let cohorts = WhichCohort::BOTH.map(|which| {
        let cohort = which.pick(&page.evaluation.cohorts);
        let curves = page.plots.map(|plots| which.pick(&plots.cohorts));
        Choices {
            which,
            has_slider: curves.is_some_and(|curves| points(cohort, curves).len() > 1),
            table: table(cohort, which.pick::<Vec<CapacityLine>>(&page.evaluation.capacity)),
            reasons: Reasons::from_metrics_among(&cohort.undefined, &["precision", "recall"]),
        }
    });
    Some(Section::new("operating", "Whom would you contact?", OverRepeats::OneRepeat, &Operating { cohorts }))
}

fn table(cohort: &Cohort, lines: &[CapacityLine]) -> Option<Table> {
    let heads = vec!["contact", "learners", "precision", "recall", "lift", "precision, inactivity"];
    let rows: Vec<Vec<Cell>> = threshold_row(cohort).into_iter().chain(lines.iter().map(capacity_row)).collect();
    (!rows.is_empty()).then_some(Table { caption: "Contacting those most at risk", heads, rows })
}

/// Makes the row of the run's own threshold.
fn threshold_row(cohort: &Cohort) -> Option<Vec<Cell>> {
    let lift = match (cohort.precision, cohort.base_rate) {
        (Metric::Value(precision), Metric::Value(base_rate)) if base_rate > 0.0 => Some(times(precision / base_rate)),
        _ => None,
    };
    Some(vec![
        Cell::Strong(format!("run: p\u{a0}≥\u{a0}{:.3}", cohort.threshold?)),
        Cell::count(cohort.confusion?.flagged()),
        Cell::share(cohort.precision),
        Cell::share(cohort.recall),
        Cell::or_dash(lift),
        // Inactivity has no such threshold.
        Cell::Empty,
    ])
}

fn capacity_row(line: &CapacityLine) -> Vec<Cell> {
    let inactive = line.baselines.get(DAYS_SINCE_LAST);
    vec![
        Cell::Figure(contact(line.capacity)),
        Cell::count(line.k),
        precision(&line.model),
        Cell::share(line.model.recall),
        match line.model.lift {
            Metric::Value(lift) => Cell::Figure(times(lift)),
            undefined => Cell::metric(undefined),
        },
        inactive.map_or_else(Cell::dash, precision),
    ]
}

/// Writes a precision, marked where the last places go by lot.
fn precision(figures: &AtCapacity) -> Cell {
    if figures.room < figures.tied && figures.precision.value().is_some() {
        Cell::ByLot(percent(figures.precision))
    } else {
        Cell::share(figures.precision)
    }
}

fn times(lift: f64) -> String {
    format!("{lift:.2}×")
}

fn contact(capacity: Capacity) -> String {
    match capacity {
        Capacity::Share(share) => {
            // Without a tail of binary rounding.
            let percentage = format!("{:.2}", 100.0 * share);
            format!("top {}%", percentage.trim_end_matches('0').trim_end_matches('.'))
        }
        Capacity::Count(learners) => format!("top {}", count(learners)),
    }
}

/// Lists (threshold, flagged, dropouts among them) from the highest probability down, as close as the thinned curve has
/// them.
///
/// Where nobody found drops out there is no point: a precision of 0 does not say how many were flagged.
fn points(cohort: &Cohort, curves: &CohortCurves) -> Vec<(f64, u64, u64)> {
    let positives = cohort.positives as f64;
    let mut points: Vec<(f64, u64, u64)> = Vec::new();
    for point in curves.model.precision_recall.iter().filter(|point| point.precision > 0.0) {
        let hits = (point.recall * positives).round();
        let flagged = (hits / point.precision).round() as u64;
        if points.last().is_none_or(|last| flagged > last.1) {
            points.push((point.threshold, flagged, hits as u64));
        }
    }
    points
}

/// Holds the slider's data.
#[derive(Serialize)]
#[serde(transparent)]
pub(super) struct OperatingPoints(ByCohort<CohortPoints>);

#[derive(Serialize)]
struct CohortPoints {
    n: u64,
    positives: u64,
    threshold: Option<f64>,
    flagged: Option<u64>,
    hits: Option<u64>,
    /// Threshold, learners flagged, dropouts among them.
    points: Vec<(f64, u64, u64)>,
}

impl OperatingPoints {
    pub(super) fn new(page: &Page<'_>) -> Self {
        let [all, active] = WhichCohort::BOTH.map(|which| {
            let cohort = which.pick(&page.evaluation.cohorts);
            let curves = page.plots.map(|plots| which.pick(&plots.cohorts));
            CohortPoints {
                n: cohort.n,
                positives: cohort.positives,
                threshold: cohort.threshold,
                flagged: cohort.confusion.map(|counts| counts.flagged()),
                hits: cohort.confusion.map(|counts| counts.true_positives),
                points: curves.map(|curves| points(cohort, curves)).unwrap_or_default(),
            }
        });
        Self(ByCohort { all, active })
    }

    /// Writes the data as JSON: it holds numbers alone, so nothing in it can close a `script` element.
    pub(super) fn to_json(&self) -> String {
        staycast_text::escape_json(&serde_json::json!(self).to_string()).into_owned()
    }
}
