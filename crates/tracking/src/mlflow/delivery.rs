//! What reached the server and what did not.

use std::fmt;

use super::MlflowError;
use super::batch::Item;

/// Most kinds of failures that are told apart.
const MOST_PROBLEMS: usize = 20;

/// How many things of each sort.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Numbers of a step.
    pub metrics: u64,
    /// Parameters.
    pub params: u64,
    /// Tags.
    pub tags: u64,
    /// Files.
    pub files: u64,
}

impl Counts {
    /// All together.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.metrics + self.params + self.tags + self.files
    }

    pub(super) fn add(&mut self, item: &Item) {
        *match item {
            Item::Metric { .. } => &mut self.metrics,
            Item::Param { .. } => &mut self.params,
            Item::Tag { .. } => &mut self.tags,
            Item::Artifact { .. } => &mut self.files,
        } += 1;
    }
}

impl fmt::Display for Counts {
    /// `40 metrics, 1 file`; `nothing` where there is none.
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

/// A kind of failure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// What failed the first time, where, and what to do. Never holds a password or token.
    pub message: String,
    /// How often it failed so.
    pub times: u64,
}

/// What became of a tracked run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Delivery {
    /// The run's id on the server, where it got one.
    pub run_id: Option<String>,
    /// Where a person looks at it.
    pub page: Option<String>,
    /// What reached the server.
    pub delivered: Counts,
    /// What did not.
    pub undelivered: Counts,
    /// Parameters and tags among the delivered whose value was too long for the server, and which end with
    /// `… (N letters)`.
    pub shortened: u64,
    /// Whether the server knows how and when the run ended.
    pub end_delivered: bool,
    /// What failed, also what went well at another try; in the order of the first times.
    pub problems: Vec<Problem>,
}

impl Delivery {
    /// Whether everything reached the server.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.undelivered.total() == 0 && self.end_delivered
    }
}

impl fmt::Display for Delivery {
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

/// Failures by kind. Of more kinds than fit, the last place counts the rest.
#[derive(Debug, Default)]
pub(super) struct Problems {
    kinds: Vec<(String, Problem)>,
    told: usize,
}

impl Problems {
    pub(super) fn note(&mut self, error: &MlflowError, of: Option<&Item>) {
        let message = match of {
            Some(item) => format!("{} was left out: {error}", item.name()),
            None => error.to_string(),
        };
        // What is left out is another matter than what is tried again, and everyone wants to know which it was; that
        // files have no place concerns them all.
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
            self.kinds.push((kind, Problem { message, times: 1 }));
        } else {
            let rest = "further failures of MLflow";
            match self.kinds.last_mut() {
                Some((kind, problem)) if kind == rest => problem.times += 1,
                _ => self.kinds.push((rest.to_owned(), Problem { message: rest.to_owned(), times: 1 })),
            }
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.kinds.is_empty()
    }

    pub(super) fn are_told(&self) -> bool {
        self.told == self.kinds.len()
    }

    /// Those that nobody was told of yet.
    pub(super) fn untold(&mut self) -> Vec<Problem> {
        let new = self.kinds[self.told..].iter().map(|(_, problem)| problem.clone()).collect();
        self.told = self.kinds.len();
        new
    }

    pub(super) fn list(&self) -> Vec<Problem> {
        self.kinds.iter().map(|(_, problem)| problem.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_told_once_and_counted() {
        let mut problems = Problems::default();
        let error = MlflowError::Unreachable { server: "s".into(), call: "runs/create", problem: "refused".into() };
        problems.note(&error, None);
        assert_eq!(problems.untold().len(), 1);
        problems.note(&error, None);
        assert!(problems.untold().is_empty());
        assert_eq!(problems.list()[0].times, 2);
        for kind in 0..100 {
            problems.note_message(kind.to_string(), "odd".to_owned());
        }
        let list = problems.list();
        assert_eq!(list.len(), MOST_PROBLEMS + 1);
        assert_eq!(list.iter().map(|problem| problem.times).sum::<u64>(), 102);
    }

    #[test]
    fn counts_are_said_in_words() {
        assert_eq!(Counts::default().to_string(), "nothing");
        assert_eq!(Counts { metrics: 40, files: 1, ..Counts::default() }.to_string(), "40 metrics, 1 file");
    }
}
