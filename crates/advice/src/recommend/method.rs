//! The ways of ordering what a learner can use next.

use serde::Serialize;

use super::candidates::{Candidate, Candidates};
use super::snapshot::Snapshot;
use super::weights::Weights;

/// Names a way of ordering items, from the simplest on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// Those that most learners of the course used.
    Popularity,
    /// Those that come next in the order in which the course is used, and then those that were left out, the last first.
    CourseOrder,
    /// Those whose factors are nearest to the learner's.
    Collaborative,
    /// Those for which most speaks, all of these put together by weights that earlier weeks taught.
    Combined,
}

impl Method {
    /// Lists every method, from the simplest on.
    pub const ALL: [Self; 4] = [Self::Popularity, Self::CourseOrder, Self::Collaborative, Self::Combined];

    /// Returns the name used in files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Popularity => "popularity",
            Self::CourseOrder => "course_order",
            Self::Collaborative => "collaborative",
            Self::Combined => "combined",
        }
    }
}

/// Holds a method, and the weights where it has some.
#[derive(Clone, Debug)]
pub(super) enum Ranking {
    Popularity,
    CourseOrder,
    Collaborative,
    Combined(Weights),
}

impl Ranking {
    pub(super) const fn method(&self) -> Method {
        match self {
            Self::Popularity => Method::Popularity,
            Self::CourseOrder => Method::CourseOrder,
            Self::Collaborative => Method::Collaborative,
            Self::Combined(_) => Method::Combined,
        }
    }

    /// Returns how much speaks for each candidate.
    pub(super) fn scores(&self, candidates: &Candidates, snapshot: &Snapshot<'_>) -> Vec<f64> {
        candidates.all.iter().map(|candidate| self.score(candidate, candidates.reached, snapshot)).collect()
    }

    fn score(&self, candidate: &Candidate, reached: i64, snapshot: &Snapshot<'_>) -> f64 {
        match self {
            Self::Popularity => f64::from(snapshot.items[candidate.rank as usize].users),
            Self::CourseOrder => {
                let ahead = i64::from(candidate.rank) - reached;
                let behind = if ahead > 0 { 0 } else { snapshot.known.len() as i64 };
                -(ahead.abs() + behind) as f64
            }
            Self::Collaborative => candidate.similarity,
            Self::Combined(weights) => weights.score(&candidate.features),
        }
    }
}
