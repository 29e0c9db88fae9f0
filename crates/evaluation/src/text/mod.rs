//! The report for a terminal: at most [`WIDTH`] columns, no colour, and a line under each block that says what it
//! means in learners.

mod plots;
mod sections;
mod tables;

use crate::metrics::Metric;
use crate::report::{BootstrapRange, Evaluation, Plots, ResampledUnit};

pub use plots::{reliability_plot, roc_plot};
pub use sections::{capacity_table, group_tables, quality_lines, stability_lines, survival_lines};
pub use tables::{course_table, week_curve, week_table};

/// Columns no line exceeds (as long as identifiers keep to one column a character).
pub const WIDTH: usize = 100;

/// The whole report: what was tested, the asked week beside the baselines, courses, every week, the plots, and who
/// was left out.
#[must_use]
pub fn render(evaluation: &Evaluation, plots: &Plots) -> String {
    let blocks = [
        heading(evaluation),
        week_table(evaluation),
        bootstrap_lines(evaluation),
        capacity_table(&evaluation.capacity),
        course_table(evaluation),
        group_tables(&evaluation.groups),
        week_curve(evaluation),
        roc_plot(&plots.roc),
        reliability_plot(&plots.reliability),
        survival_lines(evaluation.survival.as_ref()),
        stability_lines(evaluation),
        left_out(evaluation),
        quality_lines(evaluation.data_quality.as_ref()),
    ];
    let present: Vec<String> = blocks.into_iter().filter(|block| !block.is_empty()).collect();
    present.join("\n")
}

/// What was tested, and what such a test measures.
fn heading(evaluation: &Evaluation) -> String {
    let mut lines = format!("Forecast at the end of week {}\n", evaluation.week);
    lines += &wrap(&format!("Dropout means: {}. {}", evaluation.label_rule, evaluation.kind.meaning()));
    if let Some(times) = evaluation.evaluations_of_this_part {
        let note = match times {
            1 => "This test part has been evaluated once, now.".to_owned(),
            _ => format!(
                "This test part has now been evaluated {times} times: the more often it is looked at while choosing \
                 models, the more these figures flatter."
            ),
        };
        lines += &wrap(&note);
    }
    if let Some(repeat) = evaluation.sections_of_repeat {
        lines += &wrap(&format!(
            "Figures are the mean over repeats; what has none (capacities, groups, survival, stability, plots) is of repeat {} \
             alone.",
            u64::from(repeat) + 1
        ));
    }
    lines
}

fn bootstrap_lines(evaluation: &Evaluation) -> String {
    let mut lines = String::new();
    for by_cohort in &evaluation.bootstrap {
        for (cohort, intervals) in [("all", &by_cohort.all), ("active", &by_cohort.active)] {
            let unit = match intervals.unit {
                ResampledUnit::Learner if intervals.units == 1 => "learner",
                ResampledUnit::Learner => "learners",
                ResampledUnit::Course if intervals.units == 1 => "course",
                ResampledUnit::Course => "courses",
            };
            lines += &wrap(&format!(
                "Drawing {} {unit} anew {} times ({cohort}): AUC {}, average precision {}, Brier {}.",
                count(intervals.units),
                intervals.resamples,
                range(&intervals.auc),
                range(&intervals.average_precision),
                range(&intervals.brier),
            ));
            if intervals.usable < intervals.resamples {
                let unusable = intervals.resamples - intervals.usable;
                lines += &wrap(&format!("{unusable} of these draws held one class only and are left out."));
            }
        }
    }
    let ranges = evaluation.bootstrap.iter().flat_map(|by_cohort| [&by_cohort.all, &by_cohort.active]);
    if ranges.into_iter().any(|intervals| intervals.auc.low.value().is_some()) {
        lines += &wrap("In 95 of 100 such draws the figure lies in the range given.");
    }
    lines
}

/// Who is in no cohort, and which weeks are not reported.
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

/// A metric to three decimals, or a dash.
pub(crate) fn decimal(metric: Metric) -> String {
    metric.value().map_or_else(|| "–".to_owned(), |value| format!("{value:.3}"))
}

/// A share as a percentage to one decimal, or a dash.
pub(crate) fn percent(metric: Metric) -> String {
    metric.value().map_or_else(|| "–".to_owned(), |value| format!("{:.1}%", 100.0 * value))
}

/// A share as "n of 100" is said. Shares that are not quite 0 or 1 never sound like it.
pub(crate) fn of_100(share: f64) -> String {
    match 100.0 * share {
        hundredths if hundredths > 99.5 && share < 1.0 => "more than 99".to_owned(),
        hundredths if hundredths < 0.5 && share > 0.0 => "fewer than 1".to_owned(),
        hundredths => format!("{hundredths:.0}"),
    }
}

/// A count with thousands separated.
pub(crate) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// Breaks a text into lines of at most [`WIDTH`] columns, at spaces where there are any.
fn wrap(text: &str) -> String {
    let mut lines = String::new();
    let mut used = 0;
    for word in text.split_whitespace() {
        let mut letters: Vec<char> = word.chars().collect();
        if used > 0 && used + 1 + letters.len() <= WIDTH {
            lines.push(' ');
            used += 1;
        } else if used > 0 {
            lines.push('\n');
            used = 0;
        }
        while letters.len() > WIDTH {
            lines.extend(letters.drain(..WIDTH));
            lines.push('\n');
        }
        used += letters.len();
        lines.extend(letters);
    }
    lines.push('\n');
    lines
}

/// At most `columns` characters of a text, the last an ellipsis if some are missing.
fn shorten(text: &str, columns: usize) -> String {
    if text.chars().count() <= columns {
        return text.to_owned();
    }
    let kept: String = text.chars().take(columns - 1).collect();
    kept + "…"
}
