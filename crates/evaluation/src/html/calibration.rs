//! Can the probabilities be taken at their word?

use super::element::{Cell, Drawings, metric, reading, signed, table, wilson};
use super::{Page, Section, cohorts};
use crate::figures::{HistogramBar, ReliabilityPoint, histogram, reliability};
use crate::metrics::{BrierDecomposition, Metric};
use crate::report::{Cohort, ForecastCurves};

/// `None` without curves.
pub(super) fn section(page: &Page<'_>) -> Option<Section> {
    let plots = page.plots?;
    let week = page.evaluation.week;
    let mut drawings = Drawings::default();
    let body = cohorts::each(|key| {
        let model = &cohorts::of(&plots.cohorts, key).model;
        let cohort = cohorts::of(&page.evaluation.cohorts, key);
        let whose = cohorts::of(&cohorts::INSIDE, key);
        let diagram = drawings.figure(
            &format!("reliability-{key}"),
            reliability(&bins(model), &format!("Reliability, week {week}, {whose}")),
            "Each point holds about as many learners, with the 95 % interval of the share that dropped out. Points above the \
             dotted line: too little was feared; below: too much.",
            "No reliability diagram: there are no learners.",
        );
        let spread = drawings.figure(
            &format!("histogram-{key}"),
            histogram(&bars(model), cohort.threshold, &format!("Probabilities by outcome, week {week}, {whose}")),
            "Who was given which probability. The less the two sides overlap, the better the forecast tells them apart.",
            "No histogram: there are no learners.",
        );
        words(cohort) + &diagram + &spread + &decomposition(cohort)
    });
    Some(Section {
        id: "calibration",
        title: "Can the probabilities be taken at their word?",
        body: reading(
            "Of learners given 30 %, 30 of 100 should drop out. Where this holds, a probability can be weighed against what a \
             call costs; where it does not, use the order alone.",
        ) + &cohorts::columns(&body),
        drawings: drawings.all,
    })
}

fn bins(model: &ForecastCurves) -> Vec<ReliabilityPoint> {
    let point = |bin: &crate::metrics::ReliabilityBin| ReliabilityPoint {
        count: bin.count as u64,
        mean_probability: bin.mean_probability,
        observed_rate: bin.observed_rate,
        interval: wilson(bin.observed_rate * bin.count as f64, bin.count as f64),
    };
    model.reliability.iter().map(point).collect()
}

fn bars(model: &ForecastCurves) -> Vec<HistogramBar> {
    let bar = |bin: &crate::metrics::HistogramBin| HistogramBar {
        low: bin.from,
        high: bin.to,
        dropped: bin.positives,
        stayed: bin.negatives,
    };
    model.histogram.iter().map(bar).collect()
}

fn words(cohort: &Cohort) -> String {
    let mut sentences = Vec::new();
    if let Metric::Value(ece) = cohort.ece {
        sentences.push(format!("On average probabilities are off by {:.1} percentage points.", 100.0 * ece));
    }
    if let Metric::Value(slope) = cohort.calibration_slope {
        let what = match slope {
            slope if slope < 0.9 => "too extreme: high ones are too high and low ones too low",
            slope if slope > 1.1 => "too timid: they could be further from the middle",
            _ => "about as far apart as they should be",
        };
        sentences.push(format!("They are {what} (calibration slope {slope:.2})."));
    }
    if let Metric::Value(in_the_large) = cohort.calibration_in_the_large {
        let what = match in_the_large {
            shift if shift > 0.1 => "More dropped out than was forecast",
            shift if shift < -0.1 => "Fewer dropped out than was forecast",
            _ => "About as many dropped out as was forecast",
        };
        sentences.push(format!("{what} (in the large {}).", signed(in_the_large)));
    }
    super::element::paragraph(&sentences.join(" "))
}

fn decomposition(cohort: &Cohort) -> String {
    let Some(BrierDecomposition { reliability, resolution, uncertainty, .. }) = cohort.brier_decomposition else {
        return String::new();
    };
    let row = |name: &str, value: Cell, words: &str| vec![name.to_owned(), value, super::element::words(words)];
    table(
        "Where the Brier score comes from (Murphy 1973)",
        &["", "", "which means"],
        &[
            row("Brier score", metric(cohort.brier), "mean squared error; lower is better"),
            row(
                "unreliability",
                format!("{reliability:.3}"),
                "what is lost by probabilities that are off; lower is better",
            ),
            row("resolution", format!("{resolution:.3}"), "what is won by telling learners apart; higher is better"),
            row("uncertainty", format!("{uncertainty:.3}"), "what the share of dropouts alone would score"),
        ],
    )
}
