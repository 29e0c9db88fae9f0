//! The report on what reached the server.

use std::fmt;

use super::error::MlflowError;
use super::log_item::LogItem;

/// Bounds the kinds of failures that are reported apart.
const MOST_PROBLEMS: usize = 20;

/// Counts items of each sort.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DeliveryCounts {
    /// Metrics, one for each step.
    pub metrics: u64,
    /// Parameters.
    pub params: u64,
    /// Tags.
    pub tags: u64,
    /// Files.
    pub files: u64,
}

impl DeliveryCounts {
    /// Returns the sum.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.metrics + self.params + self.tags + self.files
    }

    pub(super) fn add(&mut self, item: &LogItem) {
        *match item {
            LogItem::Metric { .. } => &mut self.metrics,
            LogItem::Param { .. } => &mut self.params,
            LogItem::Tag { .. } => &mut self.tags,
            LogItem::Artifact { .. } => &mut self.files,
        } += 1;
    }
}

impl fmt::Display for DeliveryCounts {
    /// Writes `40 metrics, 1 file`; `nothing` where there is none.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sorts = [(self.metrics, "metric"), (self.params, "parameter"), (self.tags, "tag"), (self.files, "file")];
        let mut first = true;
        for (count, sort) in sorts.into_iter().filter(|(count, _)| *count > 0) {
            let comma = if first { "" } else { ", " };
            let plural = if count == 1 { "" } else { "s" };
            write!(f, "{comma}{count} {sort}{plural}")?;
            first = false;
        }
        if first { write!(f, "nothing") } else { Ok(()) }
    }
}

/// Holds one kind of failure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliveryProblem {
    /// The first failure: what failed, where, and what to do. Never holds a password or token.
    pub message: String,
    /// Number of such failures.
    pub times: u64,
}

/// Reports what of a tracked run reached the server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeliveryReport {
    /// Id of the run on the server, where it got one.
    pub run_id: Option<String>,
    /// Address of the run's page.
    pub page: Option<String>,
    /// Items that reached the server.
    pub delivered: DeliveryCounts,
    /// Items that did not.
    pub undelivered: DeliveryCounts,
    /// Parameters and tags among the delivered whose value was too long for the server, and which end with
    /// `… (N letters)`.
    pub shortened: u64,
    /// True if the server knows how and when the run ended.
    pub end_delivered: bool,
    /// Failures, with those that another try mended; in the order of their first times.
    pub problems: Vec<DeliveryProblem>,
}

impl DeliveryReport {
    /// Returns whether everything reached the server.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.undelivered.total() == 0 && self.end_delivered
    }
}

impl fmt::Display for DeliveryReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.page {
            Some(page) => write!(f, "MLflow has {} ({page})", self.delivered)?,
            None => write!(f, "MLflow has nothing of this run")?,
        }
        if self.shortened > 0 {
            write!(f, "; values that were too long and are cut: {}", self.shortened)?;
        }
        if self.is_complete() {
            return Ok(());
        }
        if self.undelivered.total() > 0 {
            write!(f, "; not delivered: {}", self.undelivered)?;
        }
        if !self.end_delivered {
            write!(f, "; there it still counts as running")?;
        }
        for problem in &self.problems {
            write!(f, "\n  {}", problem.message)?;
            if problem.times > 1 {
                write!(f, " ({} times)", problem.times)?;
            }
        }
        Ok(())
    }
}

/// Holds the failures by kind. Of more kinds than fit, the last place counts the rest.
#[derive(Debug, Default)]
pub(super) struct DeliveryProblems {
    kinds: Vec<(String, DeliveryProblem)>,
    reported: usize,
}

impl DeliveryProblems {
    pub(super) fn note(&mut self, error: &MlflowError, of: Option<&LogItem>) {
        let message = match of {
            Some(item) => format!("{} was left out: {error}", item.description()),
            None => error.to_string(),
        };
        // Items that are left out are named one by one, unlike failures that are tried again. That files can't be kept
        // at all is said once.
        let kind = match (of, error) {
            (None, _) => error.kind(),
            (Some(_), MlflowError::ArtifactStore { .. }) => format!("{} left out", error.kind()),
            (Some(item), _) => format!("{} {} left out", error.kind(), item.key()),
        };
        self.note_message(kind, message);
    }

    pub(super) fn note_message(&mut self, kind: String, message: String) {
        if let Some((_, problem)) = self.kinds.iter_mut().find(|(known, _)| *known == kind) {
            problem.times += 1;
        } else if self.kinds.len() < MOST_PROBLEMS {
            self.kinds.push((kind, DeliveryProblem { message, times: 1 }));
        } else {
            let rest = "further failures of MLflow";
            match self.kinds.last_mut() {
                Some((kind, problem)) if kind == rest => problem.times += 1,
                _ => self.kinds.push((rest.to_owned(), DeliveryProblem { message: rest.to_owned(), times: 1 })),
            }
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.kinds.is_empty()
    }

    pub(super) fn are_reported(&self) -> bool {
        self.reported == self.kinds.len()
    }

    /// Returns those that were not reported yet.
    pub(super) fn take_unreported(&mut self) -> Vec<DeliveryProblem> {
        let new = self.kinds[self.reported..].iter().map(|(_, problem)| problem.clone()).collect();
        self.reported = self.kinds.len();
        new
    }

    pub(super) fn list(&self) -> Vec<DeliveryProblem> {
        self.kinds.iter().map(|(_, problem)| problem.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_reported_once_and_counted() {
        let mut problems = DeliveryProblems::default();
        let error = MlflowError::Unreachable { server: "s".into(), call: "runs/create", problem: "refused".into() };
        problems.note(&error, None);
        assert_eq!(problems.take_unreported().len(), 1);
        problems.note(&error, None);
        assert!(problems.take_unreported().is_empty());
        assert_eq!(problems.list()[0].times, 2);
        for kind in 0..100 {
            problems.note_message(kind.to_string(), "odd".to_owned());
        }
        let list = problems.list();
        assert_eq!(list.len(), MOST_PROBLEMS + 1);
        assert_eq!(list.iter().map(|problem| problem.times).sum::<u64>(), 102);
    }

    #[test]
    fn counts_are_said_as_text() {
        assert_eq!(DeliveryCounts::default().to_string(), "nothing");
        assert_eq!(
            DeliveryCounts { metrics: 40, files: 1, ..DeliveryCounts::default() }.to_string(),
            "40 metrics, 1 file"
        );
    }
}
