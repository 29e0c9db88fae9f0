//! The summary of `staycast recommend`.

use std::collections::BTreeMap;
use std::path::Path;

use staycast_advice::recommend::{Estimate, MethodFigures};

use super::args::{RecommendJob, Task};
use super::{Evaluated, LogCounts, Recommended};
use crate::display::{LabelledText, format_duration, format_percent, group_digits, pluralise};
use crate::sequences_description::{Detail, describe_left_out_files, describe_notice};

/// Describes the lists that were written.
pub(super) fn describe(written: &Recommended, detail: Detail) -> String {
    let mut sheet = LabelledText::default();
    describe_log(&mut sheet, &written.log, detail);
    let mut by_method: BTreeMap<&str, u64> = BTreeMap::new();
    for course in &written.courses {
        *by_method.entry(course.method).or_default() += 1;
    }
    for (place, (method, courses)) in by_method.iter().enumerate() {
        let label = if place == 0 { "Method" } else { "" };
        sheet.row(label, format!("{} in {}", method.replace('_', " "), pluralise(*courses, "course")));
    }
    let left_out: u64 = written.courses.iter().map(|course| course.items_left_out).sum();
    if left_out > 0 {
        sheet.row("Left out", format!("{} with fewest users, of courses with too many", pluralise(left_out, "item")));
    }
    let with = written.statuses.get("recommended").copied().unwrap_or(0);
    sheet.row("Lists", pluralise(with, "learner"));
    let others = written.statuses.iter().filter(|(status, _)| **status != "recommended");
    for (place, (status, count)) in others.enumerate() {
        let label = if place == 0 { "Without" } else { "" };
        sheet.row(label, format!("{} {}", group_digits(*count), status.replace('_', " ")));
    }
    sheet.row("Took", format_duration(std::time::Duration::from_secs_f64(written.seconds)));
    sheet.row("Written", format!("{}, {}", written.out.display(), pluralise(written.rows, "row")));
    sheet.into_string()
}

fn describe_log(sheet: &mut LabelledText, log: &LogCounts, detail: Detail) {
    sheet.row(
        "Log",
        format!(
            "{}: {}, {} used, {} rejected; {}",
            log.format,
            pluralise(log.rows, "row"),
            group_digits(log.used),
            group_digits(log.rejected),
            pluralise(log.enrolments, "enrolment"),
        ),
    );
    if log.enrolments_without_course > 0 {
        let without = pluralise(log.enrolments_without_course, "enrolment");
        sheet.row("Left out", format!("{without}: nothing says when their courses run"));
    }
    describe_left_out_files(sheet, &log.left_out, detail);
    for notice in &log.notices {
        let (label, what) = describe_notice(notice);
        sheet.row_of_lines(label, what, detail.at_most(4));
    }
    sheet.row("Items", format!("{}; {} by a learner", group_digits(log.items), pluralise(log.first_uses, "first use")));
}

/// Describes how good the methods were.
pub(super) fn describe_evaluation(evaluated: &Evaluated, out: Option<&Path>, detail: Detail) -> String {
    let evaluation = &evaluated.evaluation;
    let mut sheet = LabelledText::default();
    describe_log(&mut sheet, &evaluated.log, detail);
    let lists = evaluation.all.first().map_or(0, |figures| figures.lists);
    sheet.row("Tested", format!("{} in {}", pluralise(lists, "list"), pluralise(evaluation.courses, "course")));
    if evaluation.not_tested > 0 {
        sheet.row(
            "Not tested",
            format!("{} of courses: not over, too short, or unused", pluralise(evaluation.not_tested, "week")),
        );
    }
    if let Some(reachable) = evaluation.reachable {
        sheet.row("Known", format!("{} of what was used next could have been on a list", format_percent(reachable)));
    }
    let chosen = evaluation.chosen.iter().map(|(method, weeks)| format!("{} {}", method.replace('_', " "), weeks));
    sheet.row("Chosen", format!("{} (weeks of courses)", chosen.collect::<Vec<_>>().join(", ")));
    sheet.gap();
    sheet.verbatim(table("all weeks", evaluation.top, &evaluation.all));
    for (week, figures) in &evaluation.weeks {
        sheet.gap();
        sheet.verbatim(table(&format!("week {week}"), evaluation.top, figures));
    }
    sheet.gap();
    let mut lines = format!("{:<20} {:>27} {:>27}", "product less …", "recall", "MRR");
    for less in &evaluation.product_less {
        lines += &format!(
            "\n{:<20} {:>27} {:>27}",
            less.method.replace('_', " "),
            interval(less.recall),
            interval(less.mrr)
        );
    }
    sheet.verbatim(lines);
    if let Some(out) = out {
        sheet.gap();
        sheet.row("Written", out.display().to_string());
    }
    sheet.into_string()
}

fn table(name: &str, top: usize, figures: &[MethodFigures]) -> String {
    let mut lines =
        format!("{name:<15} {:>25} {:>25} {:>8} {:>7}", format!("recall@{top}"), "MRR", "coverage", "novelty");
    for one in figures {
        let number =
            |number: Option<f64>, digits: usize| number.map_or("-".to_owned(), |number| format!("{number:.digits$}"));
        lines += &format!(
            "\n{:<15} {:>25} {:>25} {:>8} {:>7}",
            one.method.replace('_', " "),
            interval(one.recall),
            interval(one.mrr),
            number(one.coverage, 3),
            number(one.novelty.mean, 2),
        );
    }
    lines
}

fn interval(estimate: Estimate) -> String {
    match (estimate.mean, estimate.low, estimate.high) {
        (Some(mean), Some(low), Some(high)) => format!("{mean:.4} ({low:.4} to {high:.4})"),
        (Some(mean), ..) => format!("{mean:.4}"),
        _ => "-".to_owned(),
    }
}

/// Describes the warning behind exit status 3.
pub(super) fn too_many_rejected((table, share): (&str, f64), job: &RecommendJob) -> String {
    let table = if table == "log" { table.to_owned() } else { format!("{table} table") };
    let done = match &job.task {
        Task::Recommend { .. } => "the lists are there",
        Task::Evaluate { .. } => "the figures are of the others",
    };
    format!(
        "{} of the rows of the {table} were rejected, more than --max-rejected {} allows; {done}, but look at the reasons with \
         `staycast inspect`",
        format_percent(share),
        job.max_rejected,
    )
}
