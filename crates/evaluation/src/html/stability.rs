//! Movement of a learner's score from week to week.

use askama::Template;
use staycast_weeks::CutOff;

use super::cell::{Cell, Table};
use super::page::Page;
use super::reasons::Reasons;
use super::section::{OverRepeats, Section};
use crate::metrics::Metric;
use crate::metrics::stability::Movement;
use crate::numbers::{count, counted, decimal};
use crate::report::SmoothingReport;

#[derive(Template)]
#[template(path = "sections/stability.html")]
struct Stability {
    week: CutOff,
    /// Movement without a cause: percentage points a week, and changed flags of 100. `None` if there is none to measure.
    without_cause: Option<(String, String)>,
    table: Table,
    reasons: Reasons,
    unchanged_means: &'static str,
    smoothing: Option<Smoothing>,
}

/// Holds the change that smoothing would make to AUCs, as (before, after).
struct Smoothing {
    weight: f64,
    all: (String, String),
    active: (String, String),
}

/// Returns `None` for a mean over repeats.
pub(super) fn section(page: &Page<'_>) -> Option<Section> {
    let report = page.evaluation.stability.as_ref()?;
    let mut rows = vec![
        row("between all successive weeks", &report.all_pairs),
        row("between weeks without a change of activity", &report.unchanged_pairs),
    ];
    if let Some(smoothed) = &report.smoothed {
        rows.push(row("smoothed: all successive weeks", &smoothed.all_pairs));
        rows.push(row("smoothed: without a change of activity", &smoothed.unchanged_pairs));
    }
    let heads = vec![
        "",
        "pairs of weeks",
        "mean change of p",
        "one in ten changes by more than",
        "flag changes",
        "flag comes and goes",
    ];
    let unchanged = &report.unchanged_pairs;
    let (without_cause, reasons) = match (unchanged.mean_change, unchanged.flip_share) {
        (Metric::Value(change), Metric::Value(flips)) => {
            (Some((format!("{:.1}", 100.0 * change), format!("{:.1}", 100.0 * flips))), Reasons::default())
        }
        (Metric::Undefined(why), _) | (_, Metric::Undefined(why)) => (None, Reasons::from_reason(why.reason())),
    };
    let body = Stability {
        week: page.evaluation.week,
        without_cause,
        table: Table { caption: "Movement from week to week", heads, rows },
        reasons,
        unchanged_means: report.unchanged_means.trim_end_matches('.'),
        smoothing: report.smoothed.as_ref().map(smoothing),
    };
    Some(Section::new("stability", "How much do scores move?", OverRepeats::OneRepeat, &body))
}

fn smoothing(report: &SmoothingReport) -> Smoothing {
    let (before, after) = (&report.auc_before, &report.auc_after);
    Smoothing {
        weight: report.weight,
        all: (decimal(before.all), decimal(after.all)),
        active: (decimal(before.active), decimal(after.active)),
    }
}

fn row(name: &str, movement: &Movement) -> Vec<Cell> {
    let flips = format!("{} of {}", count(movement.flipped_repeatedly), counted(movement.enrolments, "learner"));
    vec![
        Cell::Figure(name.to_owned()),
        Cell::count(movement.pairs),
        Cell::metric(movement.mean_change),
        Cell::metric(movement.change_90th_percentile),
        Cell::share(movement.flip_share),
        Cell::Figure(flips),
    ]
}
