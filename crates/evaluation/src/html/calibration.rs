//! Reliability, and who was given which probability: can the probabilities be taken at their word?

use askama::Template;

use super::cell::{Cell, Table};
use super::cohort::WhichCohort;
use super::figure::{Drawings, Figure};
use super::page::Page;
use super::section::{OverRepeats, Section};
use crate::figures::{HistogramBar, ReliabilityPoint, histogram, reliability};
use crate::metrics::{BrierDecomposition, HistogramBin, Metric, ReliabilityBin};
use crate::numbers::{signed, wilson};
use crate::report::{Cohort, ForecastCurves};

#[derive(Template)]
#[template(path = "sections/calibration.html")]
struct Calibration {
    cohorts: [CohortCalibration; 2],
}

struct CohortCalibration {
    which: WhichCohort,
    summary: String,
    reliability: Figure,
    histogram: Figure,
    decomposition: Option<Table>,
}

/// Returns `None` without curves.
pub(super) fn section(page: &Page<'_>, drawings: &mut Drawings) -> Option<Section> {
    let plots = page.plots?;
    let week = page.evaluation.week;
    let cohorts = WhichCohort::BOTH.map(|which| {
        let model = &which.pick(&plots.cohorts).model;
        let cohort = which.pick(&page.evaluation.cohorts);
        let (key, inside) = (which.key(), which.inside());
        CohortCalibration {
            which,
            summary: summary(cohort),
            reliability: drawings.add(
                format!("reliability-{key}"),
                reliability(&points(model), &format!("Reliability, week {week}, {inside}")),
                "Each point holds about as many learners, with the 95% interval of the share that dropped out. Above the \
                 dotted line the forecast was too low, below it too high.",
                "No reliability diagram: there are no learners.",
            ),
            histogram: drawings.add(
                format!("histogram-{key}"),
                histogram(&bars(model), cohort.threshold, &format!("Probabilities by outcome, week {week}, {inside}")),
                "Who was given which probability. The less the two sides overlap, the better the forecast tells them apart.",
                "No histogram: there are no learners.",
            ),
            decomposition: cohort.brier_decomposition.map(|parts| decomposition(cohort.brier, &parts)),
        }
    });
    let title = "Can the probabilities be taken at their word?";
    Some(Section::new("calibration", title, OverRepeats::OneRepeat, &Calibration { cohorts }))
}

fn points(model: &ForecastCurves) -> Vec<ReliabilityPoint> {
    let point = |bin: &ReliabilityBin| ReliabilityPoint {
        count: bin.count as u64,
        mean_probability: bin.mean_probability,
        observed_rate: bin.observed_rate,
        interval: wilson(bin.observed_rate * bin.count as f64, bin.count as f64),
    };
    model.reliability.iter().map(point).collect()
}

fn bars(model: &ForecastCurves) -> Vec<HistogramBar> {
    let bar = |bin: &HistogramBin| HistogramBar {
        low: bin.from,
        high: bin.to,
        dropped: bin.positives,
        stayed: bin.negatives,
    };
    model.histogram.iter().map(bar).collect()
}

fn summary(cohort: &Cohort) -> String {
    let mut sentences = Vec::new();
    if let Metric::Value(ece) = cohort.ece {
        sentences.push(format!("On average probabilities are off by {:.1} percentage points.", 100.0 * ece));
    }
    if let Metric::Value(slope) = cohort.calibration_slope {
        let spread = match slope {
            slope if slope < 0.9 => "too extreme: high ones are too high and low ones too low",
            slope if slope > 1.1 => "too timid: they could be further from the middle",
            _ => "about as far apart as they should be",
        };
        sentences.push(format!("They are {spread} (calibration slope {slope:.2})."));
    }
    if let Metric::Value(in_the_large) = cohort.calibration_in_the_large {
        let level = match in_the_large {
            shift if shift > 0.1 => "More dropped out than was forecast",
            shift if shift < -0.1 => "Fewer dropped out than was forecast",
            _ => "About as many dropped out as was forecast",
        };
        sentences.push(format!("{level} (in the large {}).", signed(in_the_large)));
    }
    sentences.join(" ")
}

fn decomposition(brier: Metric, parts: &BrierDecomposition) -> Table {
    let row = |name: &str, value: Cell, meaning: &str| vec![Cell::Figure(name.to_owned()), value, Cell::text(meaning)];
    let figure = |value: f64| Cell::Figure(format!("{value:.3}"));
    let rows = vec![
        row("Brier score", Cell::metric(brier), "mean squared error; lower is better"),
        row("unreliability", figure(parts.reliability), "lost by probabilities that are off; lower is better"),
        row("resolution", figure(parts.resolution), "gained by telling learners apart; higher is better"),
        row("uncertainty", figure(parts.uncertainty), "the score of the share of dropouts alone"),
    ];
    Table { caption: "Where the Brier score comes from (Murphy 1973)", heads: vec!["", "", "meaning"], rows }
}
