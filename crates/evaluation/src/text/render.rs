//! The whole report, block by block.

use super::groups::group_tables;
use super::lines::wrap;
use super::plots::{reliability_plot, roc_plot};
use super::sections::{capacity_table, quality_lines, stability_lines, survival_lines};
use super::tables::{course_table, week_curve, week_table};
use crate::metrics::Metric;
use crate::numbers::{count, counted, decimal};
use crate::report::{BootstrapRange, Evaluation, Plots, ResampledUnit};
use crate::splits::SplitKind;

/// Renders the whole report: the kind of test, the asked week beside the baselines, courses, every week, the plots, and
/// who was left out.
#[must_use]
pub fn render(evaluation: &Evaluation, plots: &Plots) -> String {
    let enough = evaluation.too_few.all.is_none();
    let if_enough = |block: String| if enough { block } else { String::new() };
    let blocks = [
        heading(evaluation),
        week_table(evaluation),
        evaluation.describe_too_few().map_or_else(String::new, |sentence| wrap(&sentence)),
        if_enough(bootstrap_lines(evaluation)),
        if_enough(capacity_table(&evaluation.capacity)),
        course_table(evaluation),
        group_tables(&evaluation.groups),
        week_curve(evaluation),
        if_enough(roc_plot(&plots.roc)),
        if_enough(reliability_plot(&plots.reliability)),
        survival_lines(evaluation.survival.as_ref()),
        if_enough(stability_lines(evaluation)),
        left_out(evaluation),
        quality_lines(evaluation.data_quality.as_ref()),
    ];
    let present: Vec<String> = blocks.into_iter().filter(|block| !block.is_empty()).collect();
    present.join("\n")
}

/// Says which week is forecast, and what such a test measures.
fn heading(evaluation: &Evaluation) -> String {
    let mut lines = format!("Forecast at the end of week {}\n", evaluation.week);
    lines += &wrap(&format!("Dropout means: {}. {}", evaluation.label_rule, evaluation.kind.meaning()));
    lines += &transfer_lines(evaluation);
    // In-sample rows are no test part.
    if let Some(times) = evaluation.evaluations_of_this_part.filter(|_| evaluation.kind != SplitKind::InSample) {
        let note = match times {
            1 => "This is the first evaluation of this test part.".to_owned(),
            _ => format!(
                "This test part has now been evaluated {times} times. The more often it is looked at while choosing \
                 models, the more these figures flatter."
            ),
        };
        lines += &wrap(&note);
    }
    if let Some(repeat) = evaluation.sections_of_repeat {
        lines += &wrap(&format!(
            "Figures are the mean over repeats. Capacities, groups, survival, stability and plots have no mean and are of \
             repeat {} alone.",
            u64::from(repeat) + 1
        ));
    }
    lines
}

/// Says which courses the figures rest on, and what to expect of the next one.
#[must_use]
pub fn transfer_lines(evaluation: &Evaluation) -> String {
    let mut lines = String::new();
    let rests_on = evaluation.describe_transfer();
    if !rests_on.is_empty() {
        lines += &wrap(&rests_on);
    }
    lines += &wrap(&evaluation.describe_next_course());
    let across = &evaluation.across_courses.all;
    if let (Metric::Value(auc), Some(_)) = (across.auc, across.next())
        && evaluation.kind.is_on_new_courses()
    {
        let (low, high) = (decimal(across.auc_low), decimal(across.auc_high));
        lines += &wrap(&format!(
            "The mean of such courses has an AUC of {auc:.3} ({low} to {high}; everyone known by then)."
        ));
    }
    lines
}

fn bootstrap_lines(evaluation: &Evaluation) -> String {
    let mut lines = String::new();
    for by_cohort in &evaluation.bootstrap {
        let active = evaluation.too_few.active.is_none().then_some(("active", &by_cohort.active));
        for (cohort, intervals) in std::iter::once(("all", &by_cohort.all)).chain(active) {
            let unit = match intervals.unit {
                ResampledUnit::Learner => "learner",
                ResampledUnit::Course => "course",
            };
            lines += &wrap(&format!(
                "Drawing {} anew {} ({cohort}): AUC {}, average precision {}, Brier {}.",
                counted(intervals.units, unit),
                counted(u64::from(intervals.resamples), "time"),
                range(&intervals.auc),
                range(&intervals.average_precision),
                range(&intervals.brier),
            ));
            if intervals.usable < intervals.resamples {
                let unusable = counted(u64::from(intervals.resamples - intervals.usable), "draw");
                lines += &wrap(&format!("Left out, since it held one class only: {unusable}."));
            }
        }
    }
    let ranges = evaluation.bootstrap.iter().flat_map(|by_cohort| [&by_cohort.all, &by_cohort.active]);
    if ranges.into_iter().any(|intervals| intervals.auc.low.value().is_some()) {
        lines += &wrap("In 95 of 100 such draws the figure lies in the range given.");
    }
    lines
}

/// Lists who is in no cohort, and which weeks are not reported.
fn left_out(evaluation: &Evaluation) -> String {
    let mut lines = String::new();
    if evaluation.excluded.is_empty() {
        lines += "Left out at this week: nobody.\n";
    } else {
        lines += "Left out at this week (in no figure above)\n";
        for (reason, &number) in &evaluation.excluded {
            lines += &format!("{:>9}  {}\n", count(number), reason.describe());
        }
    }
    for sentence in evaluation.describe_refused_weeks() {
        lines += &wrap(&sentence);
    }
    lines
}

fn range(range: &BootstrapRange) -> String {
    match (range.low, range.high) {
        (Metric::Value(low), Metric::Value(high)) => format!("{low:.3} to {high:.3}"),
        _ => "without a range".to_owned(),
    }
}
