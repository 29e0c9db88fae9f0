//! What flagging from another probability on, or contacting so many, would reach: a slider, and a table without it.

use serde_json::{Value, json};

use super::element::{Cell, metric, reading, reasons, share, table};
use super::{Page, Section, cohorts};
use crate::metrics::{AtCapacity, Capacity, Metric};
use crate::report::{CapacityLine, Cohort, CohortCurves, DAYS_SINCE_LAST};
use crate::text::count;

/// `None` if neither cohort has learners.
pub(super) fn section(page: &Page<'_>) -> Option<Section> {
    let evaluation = page.evaluation;
    if evaluation.cohorts.all.n == 0 {
        return None;
    }
    let body = cohorts::each(|key| {
        let cohort = cohorts::of(&evaluation.cohorts, key);
        let lines = cohorts::of(&evaluation.capacity, key);
        let curves = page.plots.map(|plots| cohorts::of(&plots.cohorts, key));
        let widget =
            if curves.is_some_and(|curves| points(cohort, curves).len() > 1) { widget(key) } else { String::new() };
        widget + &static_table(cohort, lines) + &reasons(cohort)
    });
    Some(Section {
        id: "operating",
        title: "Whom would you contact?",
        body: reading(
            "Contacting more learners finds more of those who will leave, and bothers more of those who would have stayed. \
             The run flags from one probability on, fitted before the test; the table, and on a screen the slider, show what \
             other choices would have done with these learners.",
        ) + &cohorts::columns(&body),
        drawings: Vec::new(),
    })
}

/// The slider; hidden until a script has something to fill it with.
fn widget(key: &str) -> String {
    format!(
        "<div class=\"slider\" data-cohort=\"{key}\" hidden><label for=\"threshold-{key}\">Flag from a probability of \
         <output id=\"p-{key}\">–</output></label><input type=\"range\" id=\"threshold-{key}\" min=\"0\" value=\"0\" step=\"1\">\
         <div class=\"or\"><label for=\"capacity-{key}\">or: we can contact</label><input type=\"number\" id=\"capacity-{key}\" \
         min=\"1\" step=\"1\" inputmode=\"numeric\"><span>learners</span>\
         <button type=\"button\" id=\"reset-{key}\">as in the run</button></div>\
         <p class=\"outcome\" aria-live=\"polite\"><b id=\"flagged-{key}\">–</b> flagged: <b id=\"hits-{key}\">–</b> of them drop \
         out <span class=\"share\">(precision <b id=\"precision-{key}\">–</b>)</span>, which is <b id=\"recall-{key}\">–</b> of \
         all who do (recall); <b id=\"missed-{key}\">–</b> are missed.</p>\
         <div class=\"people\" aria-hidden=\"true\"><i class=\"tp\" id=\"bar-tp-{key}\"></i><i class=\"fp\" id=\"bar-fp-{key}\"></i>\
         <i class=\"fn\" id=\"bar-fn-{key}\"></i><i class=\"tn\" id=\"bar-tn-{key}\"></i></div>\
         <p class=\"legend\" aria-hidden=\"true\"><span class=\"tp\">flagged, drop out</span><span class=\"fp\">flagged, \
         stay</span><span class=\"fn\">missed</span><span class=\"tn\">rightly left alone</span></p></div>"
    )
}

fn static_table(cohort: &Cohort, lines: &[CapacityLine]) -> String {
    let mut rows: Vec<Vec<Cell>> = Vec::new();
    if let (Some(threshold), Some(counts)) = (cohort.threshold, cohort.confusion) {
        let lift = match (cohort.precision, cohort.base_rate) {
            (Metric::Value(precision), Metric::Value(base_rate)) if base_rate > 0.0 => {
                format!("{:.2}×", precision / base_rate)
            }
            _ => "–".to_owned(),
        };
        rows.push(vec![
            format!("<b>the run's: p ≥ {threshold:.3}</b>"),
            count(counts.flagged()),
            share(cohort.precision),
            share(cohort.recall),
            lift,
            // Days of silence have no such threshold.
            String::new(),
        ]);
    }
    for line in lines {
        let silent = line.baselines.get(DAYS_SINCE_LAST);
        rows.push(vec![
            contact(line.capacity),
            count(line.k),
            share(line.model.precision) + chance(&line.model),
            share(line.model.recall),
            line.model.lift.value().map_or_else(|| metric(line.model.lift), |lift| format!("{lift:.2}×")),
            silent.map_or_else(|| "–".to_owned(), |silent| share(silent.precision)),
        ]);
    }
    if rows.is_empty() {
        return String::new();
    }
    table(
        "Precision, recall and lift",
        &[
            "contact",
            "learners",
            "of them drop out (precision)",
            "of all dropouts (recall)",
            "lift",
            "precision by days silent",
        ],
        &rows,
    )
}

fn contact(capacity: Capacity) -> String {
    match capacity {
        Capacity::Share(share) => format!("the {} % most at risk", tidy(100.0 * share)),
        Capacity::Count(1) => "the one most at risk".to_owned(),
        Capacity::Count(learners) => format!("the {} most at risk", count(learners)),
    }
}

/// A percentage without a tail of binary rounding.
fn tidy(percent: f64) -> String {
    let written = format!("{percent:.2}");
    written.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Marks figures where it is chance who of those with one score is contacted.
fn chance(figures: &AtCapacity) -> &'static str {
    if figures.room < figures.tied {
        " <abbr title=\"the last places go by lot among equal scores\">*</abbr>"
    } else {
        ""
    }
}

/// (threshold, flagged, dropouts among them) from the highest probability down, as close as the thinned curve has them.
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

/// The slider's data, safe inside a `script` element.
pub(super) fn data(page: &Page<'_>) -> String {
    let of_cohort = |key: &str| -> Value {
        let cohort = cohorts::of(&page.evaluation.cohorts, key);
        let curves = page.plots.map(|plots| cohorts::of(&plots.cohorts, key));
        let points = curves.map(|curves| points(cohort, curves)).unwrap_or_default();
        let points: Vec<Value> = points.iter().map(|&(p, flagged, hits)| json!([p, flagged, hits])).collect();
        json!({
            "n": cohort.n,
            "positives": cohort.positives,
            "threshold": cohort.threshold,
            "flagged": cohort.confusion.map(|counts| counts.flagged()),
            "hits": cohort.confusion.map(|counts| counts.true_positives),
            "points": points,
        })
    };
    let data = json!({ "all": of_cohort("all"), "active": of_cohort("active") });
    // A number can't close the element, but this does not depend on there being numbers only.
    let safe = data.to_string().replace('<', "\\u003c");
    format!("<script type=\"application/json\" id=\"operating-points\">{safe}</script>\n")
}
