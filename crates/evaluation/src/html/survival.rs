//! Survival curves: when do learners leave?

use askama::Template;
use staycast_weeks::CutOff;

use super::cell::{Cell, Table};
use super::cohort::WhichCohort;
use super::figure::{Drawings, Figure};
use super::page::Page;
use super::reasons::Reasons;
use super::section::{OverRepeats, Section};
use crate::figures::{SurvivalPoint, survival};
use crate::numbers::{count, counted};
use crate::report::SurvivalReport;

#[derive(Template)]
#[template(path = "sections/survival.html")]
struct Survival {
    week: CutOff,
    cohorts: [CohortSurvival; 2],
}

struct CohortSurvival {
    which: WhichCohort,
    /// The one sentence where there are too few to tell.
    too_few: Option<String>,
    figure: Figure,
    followed: String,
    table: Table,
    reasons: Reasons,
}

/// Returns `None` if the source has no exit times.
pub(super) fn section(page: &Page<'_>, drawings: &mut Drawings) -> Option<Section> {
    let both = page.evaluation.survival.as_ref()?;
    let week = page.evaluation.week;
    let cohorts = WhichCohort::BOTH.map(|which| {
        let report = which.pick(both);
        let title = format!("Still there after week {week}, {}", which.inside());
        CohortSurvival {
            which,
            too_few: report.too_few.map(|too_few| too_few.to_string()),
            figure: drawings.add(
                format!("survival-{}", which.key()),
                report.too_few.is_none().then(|| survival(&observed(report), &predicted(report), &title)).flatten(),
                "The share still there by week after the cut-off. Where the forecast runs below the observed line, it \
                 expected learners to leave too early.",
                "No survival curves: nobody was followed.",
            ),
            followed: describe_followed(report),
            table: table(report),
            reasons: Reasons::from_metrics(&report.undefined),
        }
    });
    Some(Section::new("survival", "When do they leave?", OverRepeats::OneRepeat, &Survival { week, cohorts }))
}

fn observed(report: &SurvivalReport) -> Vec<SurvivalPoint> {
    let points = report.kaplan_meier.iter();
    points.map(|at| SurvivalPoint { week: at.weeks, share: at.survival, interval: Some((at.low, at.high)) }).collect()
}

fn predicted(report: &SurvivalReport) -> Vec<SurvivalPoint> {
    report.predicted.iter().map(|at| SurvivalPoint { week: at.weeks, share: at.survival, interval: None }).collect()
}

fn describe_followed(report: &SurvivalReport) -> String {
    let mut text = format!("{} followed: {} dropped out", counted(report.n, "learner"), count(report.dropouts));
    if report.competing_ends > 0 {
        text += &format!(", {} ended otherwise", count(report.competing_ends));
    }
    text += &format!(", {} were still there when observation ended.", count(report.censored));
    if report.already_gone + report.without_exit_time > 0 {
        text += &format!(
            " Not followed: {} had left already, {} without an exit time.",
            count(report.already_gone),
            count(report.without_exit_time)
        );
    }
    if let Some(last) = report.incidence.last() {
        text += &format!(
            " After {} {:.1}% had dropped out and {:.1}% had ended otherwise (cumulative incidence).",
            counted(last.weeks.round() as u64, "week"),
            100.0 * last.dropout,
            100.0 * last.competing_end
        );
    }
    if let Some(note) = report.competing_ends_note {
        text += " ";
        text += note;
    }
    text
}

fn table(report: &SurvivalReport) -> Table {
    let row = |name: &str, model, baseline, meaning: &str| {
        vec![Cell::Figure(name.to_owned()), Cell::metric(model), Cell::metric(baseline), Cell::text(meaning)]
    };
    Table {
        caption: "When, in figures",
        heads: vec!["", "model", "baseline", "meaning"],
        rows: vec![
            row(
                "C-index",
                report.c_index,
                report.c_index_days_since_last,
                "of two learners, how often the one who left first had the higher score; 0.5 is guessing",
            ),
            row(
                "integrated Brier score",
                report.integrated_brier,
                report.integrated_brier_kaplan_meier,
                "squared error of the survival forecast over the weeks; lower is better",
            ),
        ],
    }
}
