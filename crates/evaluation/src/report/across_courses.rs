//! AUC over courses: the mean course, and what to expect of the next.

use std::collections::BTreeMap;

use serde::Serialize;

use super::by_cohort::ByCohort;
use super::slices::{CourseLine, Slice};
use crate::log_odds::{log_odds, sigmoid};
use crate::metrics::{Estimate, Metric, Undefined, random_effects};

/// Holds AUC over the courses of a cohort: a random-effects model of its log odds, each course with the standard error of
/// DeLong's variance (Snell, Ensor, Debray, Moons & Riley 2018).
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AcrossCourses {
    /// Courses that count: with enough learners of each outcome, and an AUC above 0 and below 1.
    pub courses: u64,
    /// Other courses of the cohort.
    pub without: u64,
    /// AUC of the mean course.
    pub auc: Metric,
    /// Lower end of its 95 % interval.
    pub auc_low: Metric,
    /// Upper end of its 95 % interval.
    pub auc_high: Metric,
    /// Lower end of the 95 % prediction interval for the AUC of one more course of the same kind.
    pub next_low: Metric,
    /// Upper end of that interval.
    pub next_high: Metric,
    /// Standard deviation of the log odds of the courses' true AUCs.
    pub between_courses: Metric,
    /// Why those that are null are.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub undefined: BTreeMap<&'static str, &'static str>,
}

impl AcrossCourses {
    /// Returns the prediction interval for the next course, if there is one.
    #[must_use]
    pub fn next(&self) -> Option<(f64, f64)> {
        self.next_low.value().zip(self.next_high.value())
    }

    fn of<'a>(slices: impl Iterator<Item = &'a Slice>) -> Self {
        let (mut units, mut without) = (Vec::new(), 0);
        for slice in slices.filter(|slice| slice.n > 0) {
            match estimate(slice) {
                Some(unit) => units.push(unit),
                None => without += 1,
            }
        }
        let found = random_effects(&units);
        let (few, fewer) = (Undefined::TooFewUnits { needed: 2 }, Undefined::TooFewUnits { needed: 3 });
        let auc =
            |value: Option<f64>, undefined| value.map_or(Metric::Undefined(undefined), |x| Metric::Value(sigmoid(x)));
        let next = found.and_then(|found| found.next);
        let mut across = Self {
            courses: units.len() as u64,
            without,
            auc: auc(found.map(|found| found.mean), few),
            auc_low: auc(found.map(|found| found.interval.0), few),
            auc_high: auc(found.map(|found| found.interval.1), few),
            next_low: auc(next.map(|next| next.0), fewer),
            next_high: auc(next.map(|next| next.1), fewer),
            between_courses: found.map_or(Metric::Undefined(few), |found| Metric::Value(found.between.sqrt())),
            undefined: BTreeMap::new(),
        };
        let metrics = [
            ("auc", across.auc),
            ("auc_low", across.auc_low),
            ("auc_high", across.auc_high),
            ("next_low", across.next_low),
            ("next_high", across.next_high),
            ("between_courses", across.between_courses),
        ];
        across.undefined =
            metrics.into_iter().filter_map(|(name, metric)| Some((name, metric.undefined()?.reason()))).collect();
        across
    }
}

/// Returns the log odds of a course's AUC, with their variance by the delta method; `None` for a course that is too small, or
/// whose order is perfect, or perfectly wrong.
fn estimate(slice: &Slice) -> Option<Estimate> {
    let auc = slice.figures.as_ref()?.auc.value().filter(|&auc| auc > 0.0 && auc < 1.0)?;
    let variance = slice.auc_variance.value().filter(|&variance| variance > 0.0)?;
    Some(Estimate { value: log_odds(auc), variance: variance / (auc * (1.0 - auc)).powi(2) })
}

/// Puts the courses of both cohorts together.
pub(super) fn across_courses(lines: &[CourseLine]) -> ByCohort<AcrossCourses> {
    ByCohort {
        all: AcrossCourses::of(lines.iter().map(|line| &line.cohorts.all)),
        active: AcrossCourses::of(lines.iter().map(|line| &line.cohorts.active)),
    }
}
