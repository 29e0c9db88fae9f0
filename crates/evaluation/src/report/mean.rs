//! One report for several repeats of a cross-validation.

use super::by_cohort::ByCohort;
use super::cohort::Cohort;
use super::evaluation::Evaluation;
use crate::metrics::{BrierDecomposition, Metric};

impl Evaluation {
    /// Computes the mean over repeats of a cross-validation: every figure of every cohort, baseline, week and course is the mean over
    /// the reports, undefined where it is in any of them. Repeats forecast the same enrolments, so pooling them would
    /// count each several times.
    ///
    /// Capacities, lines by course, groups, survival and stability are of one set of predictions: they stay those of the
    /// first report, and `sections_of_repeat` says so. Bootstrap intervals are left out, as they would be taken for
    /// intervals of the means. `None` without reports.
    #[must_use]
    pub fn mean(reports: &[Self]) -> Option<Self> {
        let mut mean = reports.first()?.clone();
        if reports.len() == 1 {
            return Some(mean);
        }
        let cohorts = |of: &dyn Fn(&Self) -> Option<&ByCohort<Cohort>>, into: &mut ByCohort<Cohort>| {
            let found: Vec<&ByCohort<Cohort>> = reports.iter().filter_map(of).collect();
            into.all = mean_cohort(&found.iter().map(|one| &one.all).collect::<Vec<_>>());
            into.active = mean_cohort(&found.iter().map(|one| &one.active).collect::<Vec<_>>());
        };
        cohorts(&|report| Some(&report.cohorts), &mut mean.cohorts);
        for (name, into) in &mut mean.baselines {
            cohorts(&|report| report.baselines.get(name), into);
        }
        for (at, week) in mean.weeks.iter_mut().enumerate() {
            cohorts(&|report| report.weeks.get(at).map(|week| &week.cohorts), &mut week.cohorts);
            for (name, into) in &mut week.baselines {
                cohorts(&|report| report.weeks.get(at).and_then(|week| week.baselines.get(name)), into);
            }
        }
        for (at, course) in mean.courses.iter_mut().enumerate() {
            cohorts(&|report| report.courses.get(at).map(|course| &course.cohorts), &mut course.cohorts);
        }
        mean.bootstrap.clear();
        mean.sections_of_repeat = Some(0);
        Some(mean)
    }
}

/// Makes a cohort whose metrics are means. A metric that is undefined in any repeat stays so; a confusion of several
/// repeats is none.
fn mean_cohort(cohorts: &[&Cohort]) -> Cohort {
    let mut mean = cohorts[0].clone();
    for (at, metric) in mean.metrics_mut().into_iter().enumerate() {
        *metric = mean_metric(cohorts.iter().map(|cohort| cohort.metrics()[at].1));
    }
    let parts: Option<Vec<BrierDecomposition>> = cohorts.iter().map(|cohort| cohort.brier_decomposition).collect();
    mean.brier_decomposition = parts.map(|parts| BrierDecomposition::mean(&parts));
    let thresholds: Option<Vec<f64>> = cohorts.iter().map(|cohort| cohort.threshold).collect();
    mean.threshold = thresholds.map(|values| values.iter().sum::<f64>() / values.len() as f64);
    mean.confusion = None;
    mean.undefined = mean.reasons();
    mean
}

fn mean_metric(metrics: impl ExactSizeIterator<Item = Metric>) -> Metric {
    let (count, mut sum) = (metrics.len(), 0.0);
    for metric in metrics {
        match metric {
            Metric::Value(value) => sum += value,
            undefined @ Metric::Undefined(_) => return undefined,
        }
    }
    Metric::Value(sum / count as f64)
}
