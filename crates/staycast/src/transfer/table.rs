//! The table of a transfer benchmark.

use staycast_evaluation::metrics::Metric;
use staycast_evaluation::report::ByCohort;

use super::outcome::{Benchmark, ModelSummary, Summary, TaskCohort};
use crate::display::{LabelledText, align_columns, pluralise};

/// Writes the tables: AUC by task, and each model over all tasks.
pub(super) fn to_text(benchmark: &Benchmark) -> String {
    let mut sheet = LabelledText::default();
    sheet.paragraph(format!(
        "{} on {}: trained on some courses, asked about others.",
        pluralise(benchmark.models.len() as u64, "model"),
        pluralise(benchmark.tasks.len() as u64, "task")
    ));
    sheet.gap();
    sheet.paragraph("AUC of those still active / of everyone known by then");
    let names: Vec<String> = benchmark.models.iter().map(|model| model.model.clone()).collect();
    let mut rows = vec![["task", "week", "learners"].map(str::to_owned).into_iter().chain(names).collect::<Vec<_>>()];
    for task in &benchmark.tasks {
        let learners = task.figures.iter().map(|figures| figures.cohorts.all.n).max().unwrap_or(0);
        let start = [task.name.clone(), task.week.to_string(), learners.to_string()];
        rows.push(start.into_iter().chain(task.figures.iter().map(|one| both(&one.cohorts))).collect());
    }
    for line in align_columns(&rows, 1) {
        sheet.verbatim(line);
    }
    if benchmark.tasks.iter().any(|task| task.group.is_none()) {
        summaries(&mut sheet, "", &benchmark.models);
    }
    for one in &benchmark.groups {
        summaries(&mut sheet, &format!("Group {}. ", one.group), &one.models);
    }
    sheet.gap();
    sheet.paragraph(
        "Mean rank: 1 is the best on every task. Against first: the mean difference in AUC to the first model over tasks, with the \
         interval of a paired t-test, and its p corrected for the number of models (Holm 1979). Tasks that share courses are not \
         independent, so take these as a guide. ECE is the expected calibration error: how far probabilities are off.",
    );
    for task in &benchmark.tasks {
        for figures in &task.figures {
            if let Some(reason) = &figures.failed {
                sheet.row("No part", format!("{} on {}: {reason}", figures.model, task.name));
            }
        }
    }
    sheet.into_string()
}

/// Writes a table for each cohort: every model over the tasks of a group, or over those without one.
fn summaries(sheet: &mut LabelledText, group: &str, models: &[ModelSummary]) {
    for (name, cohort) in [("Those still active", true), ("Everyone known by then", false)] {
        sheet.gap();
        let of = |model: &ModelSummary| {
            let cohorts = &model.cohorts;
            if cohort {
                (cohorts.active.tasks, summary(&cohorts.active))
            } else {
                (cohorts.all.tasks, summary(&cohorts.all))
            }
        };
        let tasks = models.first().map_or(0, |model| of(model).0);
        let tasks = pluralise(tasks, "task");
        sheet.paragraph(format!("{group}{name}, over the {tasks} on which all models have figures"));
        let mut rows =
            vec![["model", "mean rank", "mean AUC", "against first", "95%", "p", "mean ECE"].map(str::to_owned)];
        for model in models {
            let [rank, auc, difference, range, p, error] = of(model).1;
            rows.push([model.model.clone(), rank, auc, difference, range, p, error]);
        }
        for line in align_columns(&rows, 1) {
            sheet.verbatim(line);
        }
    }
}

fn both(cohorts: &ByCohort<TaskCohort>) -> String {
    format!("{} / {}", three(cohorts.active.auc), three(cohorts.all.auc))
}

fn three(metric: Metric) -> String {
    metric.value().map_or_else(|| "–".to_owned(), |value| format!("{value:.3}"))
}

fn summary(found: &Summary) -> [String; 6] {
    let number =
        |value: Option<f64>, digits: usize| value.map_or_else(|| "–".into(), |value| format!("{value:.digits$}"));
    let against = found.against_first.as_ref();
    let difference =
        against.and_then(|test| test.mean.value()).map_or_else(|| "–".into(), |mean| format!("{mean:+.4}"));
    let range = against.and_then(|test| Some((test.low.value()?, test.high.value()?)));
    let range = range.map_or_else(|| "–".into(), |(low, high)| format!("{low:+.4} to {high:+.4}"));
    [
        number(found.mean_rank, 2),
        number(found.mean_auc, 4),
        difference,
        range,
        number(found.corrected_p, 3),
        number(found.mean_ece, 3),
    ]
}
