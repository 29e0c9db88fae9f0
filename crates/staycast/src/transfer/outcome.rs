//! The figures that a transfer benchmark found.

use serde::Serialize;
use staycast_evaluation::metrics::{CorrectedT, Metric, Undefined, holm, paired_t};
use staycast_evaluation::report::{ByCohort, Cohort};
use staycast_sequences::CutOff;

/// Holds the figures of every model on every task.
#[derive(Debug, Serialize)]
pub(super) struct Benchmark {
    pub(super) tasks: Vec<TaskFigures>,
    /// Over the tasks that have no group.
    pub(super) models: Vec<ModelSummary>,
    /// In the order in which tasks name them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) groups: Vec<GroupSummary>,
}

/// Sums up every model over the tasks of a group.
#[derive(Debug, Serialize)]
pub(super) struct GroupSummary {
    pub(super) group: String,
    pub(super) models: Vec<ModelSummary>,
}

impl Benchmark {
    /// Sums up every model over tasks without a group, and over those of each group.
    pub(super) fn new(models: &[String], tasks: Vec<TaskFigures>) -> Self {
        let of = |group: Option<&str>| {
            let tasks: Vec<&TaskFigures> = tasks.iter().filter(|task| task.group.as_deref() == group).collect();
            summarise(models, &tasks)
        };
        let mut names: Vec<&str> = Vec::new();
        for group in tasks.iter().filter_map(|task| task.group.as_deref()) {
            if !names.contains(&group) {
                names.push(group);
            }
        }
        let groups = names.iter().map(|&group| GroupSummary { group: group.to_owned(), models: of(Some(group)) });
        Self { models: of(None), groups: groups.collect(), tasks }
    }
}

/// Holds the figures of one task.
#[derive(Debug, Serialize)]
pub(super) struct TaskFigures {
    pub(super) name: String,
    pub(super) sequences: String,
    pub(super) week: CutOff,
    pub(super) train: Vec<String>,
    pub(super) test: Vec<String>,
    /// Courses of which each was forecast from the others; the figures are means over them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) left_out: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) group: Option<String>,
    /// By model, in the order of the models.
    pub(super) figures: Vec<ModelFigures>,
}

/// Holds the figures of one model on one task.
#[derive(Debug, Serialize)]
pub(super) struct ModelFigures {
    pub(super) model: String,
    pub(super) cohorts: ByCohort<TaskCohort>,
    /// Why there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) failed: Option<String>,
}

impl ModelFigures {
    /// Stands for the figures of a model that has none on a task.
    pub(super) fn none(model: String, why: String) -> Self {
        let auc = Metric::Undefined(Undefined::NoRows);
        let none = || TaskCohort { n: 0, auc, auc_low: auc, auc_high: auc, ece: auc };
        Self { model, cohorts: ByCohort { all: none(), active: none() }, failed: Some(why) }
    }
}

/// Holds the figures of one cohort.
#[derive(Debug, Serialize)]
pub(super) struct TaskCohort {
    pub(super) n: u64,
    pub(super) auc: Metric,
    pub(super) auc_low: Metric,
    pub(super) auc_high: Metric,
    /// Expected calibration error.
    pub(super) ece: Metric,
}

impl From<&Cohort> for TaskCohort {
    fn from(cohort: &Cohort) -> Self {
        let Cohort { n, auc, auc_low, auc_high, ece, .. } = *cohort;
        Self { n, auc, auc_low, auc_high, ece }
    }
}

impl TaskCohort {
    /// Returns the mean figures of several cohorts, over those that have each. A mean has no interval.
    pub(super) fn mean(cohorts: &[&Self]) -> Self {
        let mean = |figure: fn(&Self) -> Metric| {
            let values: Vec<f64> = cohorts.iter().filter_map(|cohort| figure(cohort).value()).collect();
            mean(&values).map_or(Metric::Undefined(Undefined::NoRows), Metric::Value)
        };
        let none = Metric::Undefined(Undefined::NoUsableResample);
        Self {
            n: cohorts.iter().map(|cohort| cohort.n).sum(),
            auc: mean(|cohort| cohort.auc),
            auc_low: none,
            auc_high: none,
            ece: mean(|cohort| cohort.ece),
        }
    }
}

/// Sums up one model over the tasks on which all models have figures.
#[derive(Debug, Serialize)]
pub(super) struct ModelSummary {
    pub(super) model: String,
    pub(super) cohorts: ByCohort<Summary>,
}

/// Sums up one model in one cohort.
#[derive(Debug, Serialize)]
pub(super) struct Summary {
    /// Tasks that count.
    pub(super) tasks: u64,
    /// Mean AUC over tasks; null without one.
    pub(super) mean_auc: Option<f64>,
    /// Mean rank by AUC over tasks, 1 the best; ties share their ranks.
    pub(super) mean_rank: Option<f64>,
    /// Mean expected calibration error over tasks.
    pub(super) mean_ece: Option<f64>,
    /// Difference in AUC to the first model over tasks, by a paired t-test; none for the first itself.
    pub(super) against_first: Option<CorrectedT>,
    /// The p-value of that test, corrected for the number of models (Holm 1979).
    pub(super) corrected_p: Option<f64>,
}

/// Sums up every model.
fn summarise(models: &[String], tasks: &[&TaskFigures]) -> Vec<ModelSummary> {
    let by_cohort = |model: usize| ByCohort {
        all: summary(model, &table(tasks, |cohorts| &cohorts.all)),
        active: summary(model, &table(tasks, |cohorts| &cohorts.active)),
    };
    let summaries = models.iter().enumerate();
    let mut summaries: Vec<ModelSummary> =
        summaries.map(|(at, model)| ModelSummary { model: model.clone(), cohorts: by_cohort(at) }).collect();
    correct(summaries.iter_mut().map(|summary| &mut summary.cohorts.all));
    correct(summaries.iter_mut().map(|summary| &mut summary.cohorts.active));
    summaries
}

/// Corrects the p-values of a cohort for the number of models that are compared with the first.
fn correct<'a>(summaries: impl Iterator<Item = &'a mut Summary>) {
    let p_value = |summary: &Summary| summary.against_first.as_ref().and_then(|test| test.p_value.value());
    let tested: Vec<(f64, &mut Summary)> =
        summaries.filter_map(|summary| p_value(summary).map(|p| (p, summary))).collect();
    let corrected = holm(&tested.iter().map(|(p, _)| *p).collect::<Vec<_>>());
    for ((_, summary), p) in tested.into_iter().zip(corrected) {
        summary.corrected_p = Some(p);
    }
}

/// Returns AUC and calibration error by task and model, of the tasks on which all models have an AUC.
fn table(
    tasks: &[&TaskFigures],
    cohort: impl Fn(&ByCohort<TaskCohort>) -> &TaskCohort,
) -> Vec<Vec<(f64, Option<f64>)>> {
    let figures = |task: &&TaskFigures| {
        let each = task.figures.iter().map(|figures| {
            let found = cohort(&figures.cohorts);
            Some((found.auc.value()?, found.ece.value()))
        });
        each.collect::<Option<Vec<_>>>()
    };
    tasks.iter().filter_map(figures).collect()
}

fn summary(model: usize, table: &[Vec<(f64, Option<f64>)>]) -> Summary {
    let aucs: Vec<f64> = table.iter().map(|task| task[model].0).collect();
    let ranks: Vec<f64> = table.iter().map(|task| rank(model, task)).collect();
    let errors: Vec<f64> = table.iter().filter_map(|task| task[model].1).collect();
    let differences: Vec<f64> = table.iter().map(|task| task[model].0 - task[0].0).collect();
    Summary {
        tasks: table.len() as u64,
        mean_auc: mean(&aucs),
        mean_rank: mean(&ranks),
        mean_ece: mean(&errors),
        against_first: (model > 0).then(|| paired_t(&differences)),
        corrected_p: None,
    }
}

/// Returns the rank of a model on a task: those that are better, and half of those as good.
fn rank(model: usize, task: &[(f64, Option<f64>)]) -> f64 {
    let own = task[model].0;
    let better = task.iter().filter(|(auc, _)| *auc > own).count() as f64;
    let as_good = task.iter().filter(|(auc, _)| *auc == own).count() as f64;
    1.0 + better + (as_good - 1.0) / 2.0
}

fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cohort(auc: Metric) -> TaskCohort {
        TaskCohort { n: 10, auc, auc_low: auc, auc_high: auc, ece: Metric::Value(0.25) }
    }

    fn task(aucs: &[Option<f64>]) -> TaskFigures {
        let metric = |auc: Option<f64>| auc.map_or(Metric::Undefined(Undefined::NoRows), Metric::Value);
        let figures = aucs.iter().map(|&auc| ModelFigures {
            model: String::new(),
            cohorts: ByCohort { all: cohort(metric(auc)), active: cohort(metric(auc)) },
            failed: None,
        });
        TaskFigures {
            name: String::new(),
            sequences: String::new(),
            week: CutOff::after_weeks(4).expect("a cut-off"),
            train: Vec::new(),
            test: Vec::new(),
            left_out: Vec::new(),
            group: None,
            figures: figures.collect(),
        }
    }

    #[test]
    fn a_mean_is_of_the_courses_that_have_a_figure() {
        let none = cohort(Metric::Undefined(Undefined::NoRows));
        let found = TaskCohort::mean(&[&cohort(Metric::Value(0.5)), &none, &cohort(Metric::Value(0.75))]);
        assert_eq!((found.n, found.auc, found.ece), (30, Metric::Value(0.625), Metric::Value(0.25)));
        assert_eq!(TaskCohort::mean(&[&none]).auc.value(), None);
    }

    #[test]
    fn ranks_and_differences_are_of_tasks_that_all_models_have() {
        let tasks = [
            task(&[Some(0.75), Some(0.875), Some(0.75)]),
            task(&[Some(0.5), None, Some(0.5)]),
            task(&[Some(0.5), Some(0.75), Some(0.25)]),
        ];
        let models = ["a", "b", "c"].map(str::to_owned);
        let summaries = summarise(&models, &tasks.iter().collect::<Vec<_>>());
        let ranks: Vec<Option<f64>> = summaries.iter().map(|one| one.cohorts.all.mean_rank).collect();
        assert_eq!(ranks, [Some(2.25), Some(1.0), Some(2.75)]);
        let second = &summaries[1].cohorts.active;
        assert_eq!((second.tasks, second.mean_auc, second.mean_ece), (2, Some(0.8125), Some(0.25)));
        let against = second.against_first.as_ref().expect("it is not the first");
        assert_eq!(against.mean.value(), Some(0.1875));
        assert!(summaries[0].cohorts.all.against_first.is_none());
        // Of two comparisons, Holm doubles the smaller p.
        let p = |model: usize| {
            let summary = &summaries[model].cohorts.all;
            let plain = summary.against_first.as_ref().and_then(|test| test.p_value.value()).expect("two tasks");
            (plain, summary.corrected_p.expect("corrected"))
        };
        let ((first, corrected), (second, _)) = (p(1), p(2));
        assert!(first < second && (corrected - 2.0 * first).abs() < 1e-12, "{first} {second} {corrected}");
    }

    #[test]
    fn tasks_of_a_group_are_summed_up_apart() {
        let grouped = |auc: f64, group: &str| TaskFigures { group: Some(group.to_owned()), ..task(&[Some(auc)]) };
        let tasks = vec![task(&[Some(0.5)]), grouped(0.25, "late"), grouped(0.75, "early"), grouped(0.75, "late")];
        let found = Benchmark::new(&["a".to_owned()], tasks);
        let mean = |models: &[ModelSummary]| (models[0].cohorts.all.tasks, models[0].cohorts.all.mean_auc);
        assert_eq!(mean(&found.models), (1, Some(0.5)));
        let groups: Vec<_> = found.groups.iter().map(|one| (one.group.as_str(), mean(&one.models))).collect();
        assert_eq!(groups, [("late", (2, Some(0.5))), ("early", (1, Some(0.75)))]);
        assert_eq!(Benchmark::new(&["a".to_owned()], vec![task(&[Some(0.5)])]).groups.len(), 0);
    }
}
