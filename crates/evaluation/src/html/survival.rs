//! When do they leave?

use super::element::{Cell, Drawings, metric, paragraph, reading, table, words};
use super::{Page, Section, cohorts};
use crate::figures::{SurvivalPoint, survival};
use crate::report::SurvivalReport;
use crate::text::count;

/// `None` if the source has no exit times.
pub(super) fn section(page: &Page<'_>) -> Option<Section> {
    let both = page.evaluation.survival.as_ref()?;
    let week = page.evaluation.week;
    let mut drawings = Drawings::default();
    let body = cohorts::each(|key| {
        let report = cohorts::of(both, key);
        let whose = cohorts::of(&cohorts::INSIDE, key);
        let figure = drawings.figure(
            &format!("survival-{key}"),
            survival(&observed(report), &predicted(report), &format!("Still there after week {week}, {whose}")),
            "The share still there by week after the cut-off. Where the forecast runs below what happened, it feared too much too \
             early.",
            "No survival curves: nobody was followed.",
        );
        figure + &who(report) + &table_of(report) + &reasons(report)
    });
    Some(Section {
        id: "survival",
        title: "When do they leave?",
        body: reading(&format!(
            "Counted in weeks after the end of week {week}, of those who had not left by then; those whose course ended first count for \
             as long as they were seen."
        )) + &cohorts::columns(&body),
        drawings: drawings.all,
    })
}

fn observed(report: &SurvivalReport) -> Vec<SurvivalPoint> {
    let points = report.kaplan_meier.iter();
    points.map(|at| SurvivalPoint { week: at.weeks, share: at.survival, interval: Some((at.low, at.high)) }).collect()
}

fn predicted(report: &SurvivalReport) -> Vec<SurvivalPoint> {
    report.predicted.iter().map(|at| SurvivalPoint { week: at.weeks, share: at.survival, interval: None }).collect()
}

fn who(report: &SurvivalReport) -> String {
    let mut words = format!(
        "{} learners followed: {} dropped out, {} were still there when observation ended",
        count(report.n),
        count(report.dropouts),
        count(report.censored)
    );
    if report.competing_ends > 0 {
        words += &format!(", {} ended otherwise", count(report.competing_ends));
    }
    words += &format!(
        ". Not followed: {} already gone, {} without an exit time.",
        count(report.already_gone),
        count(report.without_exit_time)
    );
    if let Some(last) = report.incidence.last() {
        words += &format!(
            " After {:.0} weeks {:.1} % had dropped out and {:.1} % had ended otherwise (cumulative incidence).",
            last.weeks,
            100.0 * last.dropout,
            100.0 * last.competing_end
        );
    }
    if let Some(note) = report.competing_ends_note {
        words += " ";
        words += note;
    }
    paragraph(&words)
}

fn table_of(report: &SurvivalReport) -> String {
    let rows: Vec<Vec<Cell>> = vec![
        vec![
            "C-index".to_owned(),
            metric(report.c_index),
            metric(report.c_index_days_since_last),
            words("of two learners, how often the one who left first had the higher score; 0.5 is guessing"),
        ],
        vec![
            "integrated Brier score".to_owned(),
            metric(report.integrated_brier),
            metric(report.integrated_brier_kaplan_meier),
            words("squared error of the survival forecast over the weeks; lower is better"),
        ],
    ];
    table("When, in figures", &["", "model", "trivial baseline", "which means"], &rows)
        + "<p class=\"small\">Trivial baselines: days since the last activity for the C-index, the same Kaplan–Meier curve for everybody \
           for the Brier score.</p>"
}

fn reasons(report: &SurvivalReport) -> String {
    if report.undefined.is_empty() {
        return String::new();
    }
    let told: Vec<String> =
        report.undefined.iter().map(|(metric, reason)| format!("no {}: {reason}", metric.replace('_', " "))).collect();
    format!("<p class=\"reasons\">– means: {}.</p>", crate::markup::escape(&told.join("; ")))
}
