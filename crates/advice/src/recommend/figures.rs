//! How good lists of items are: recall, reciprocal rank, coverage and novelty, with intervals over learners.

use serde::Serialize;

/// Holds a mean over learners, and its 95 % interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Estimate {
    /// The mean; `None` where there is nobody.
    pub mean: Option<f64>,
    /// Lower end of the interval; `None` for fewer than two learners.
    pub low: Option<f64>,
    /// Upper end.
    pub high: Option<f64>,
}

impl Estimate {
    /// Estimates the mean of numbers that come with a learner each. Numbers of one learner stand together.
    pub(super) fn of(numbers: &[(usize, f64)]) -> Self {
        if numbers.is_empty() {
            return Self { mean: None, low: None, high: None };
        }
        let count = numbers.len() as f64;
        let mean = numbers.iter().map(|(_, number)| number).sum::<f64>() / count;
        // What one learner does in several weeks is alike, so the error is that of sums by learner.
        let clusters = numbers.chunk_by(|a, b| a.0 == b.0);
        let (mut squares, mut learners) = (0.0, 0.0);
        for cluster in clusters {
            let sum: f64 = cluster.iter().map(|(_, number)| number - mean).sum();
            squares += sum * sum;
            learners += 1.0;
        }
        let error = (learners > 1.0).then(|| (squares * learners / (learners - 1.0)).sqrt() / count);
        let end = |sign: f64| error.map(|error| mean + sign * 1.96 * error);
        Self { mean: Some(mean), low: end(-1.0), high: end(1.0) }
    }
}

/// Holds what one list of one learner was worth.
#[derive(Clone, Debug)]
pub(super) struct Outcome {
    /// The enrolment.
    pub(super) learner: usize,
    /// Week after which the list was made.
    pub(super) week: u16,
    /// By method.
    pub(super) of: Vec<Worth>,
    /// Share of the items used next that could have been recommended.
    pub(super) reachable: f64,
}

/// Holds what a list was worth.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Worth {
    /// Share of the items used next that were on the list.
    pub(super) recall: f64,
    /// One over the place of the first item used next, in the order of all candidates; 0 where none was.
    pub(super) reciprocal_rank: f64,
    /// Mean of the bits of surprise at the list's items, by the share of learners who used each.
    pub(super) novelty: f64,
}

impl Worth {
    /// Returns the worth of an order of candidates: by place, whether each was used next, and the share of learners who used
    /// it before. The first `listed` are the list. `used` counts all items used next.
    pub(super) fn of(ordered: &[(bool, f64)], listed: usize, used: usize) -> Self {
        let list = &ordered[..listed.min(ordered.len())];
        let hits = list.iter().filter(|(is_used, _)| *is_used).count();
        let first = ordered.iter().position(|(is_used, _)| *is_used);
        let surprise: f64 = list.iter().map(|(_, share)| -share.log2()).sum();
        Self {
            recall: hits as f64 / used.max(1) as f64,
            reciprocal_rank: first.map_or(0.0, |place| 1.0 / (place + 1) as f64),
            novelty: surprise / list.len().max(1) as f64,
        }
    }
}

/// Holds the figures of one method.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MethodFigures {
    /// The method's name; `product` for what is recommended to learners.
    pub method: &'static str,
    /// Share of the items used in the next week that were on the list.
    pub recall: Estimate,
    /// Mean reciprocal rank of the first item used next.
    pub mrr: Estimate,
    /// Mean over courses and weeks of the share of items that were on any list.
    pub coverage: Option<f64>,
    /// Mean bits of surprise at an item, by the share of learners who used it before.
    pub novelty: Estimate,
    /// Learners and weeks it was measured on.
    pub lists: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn worth_of_a_list() {
        let ordered = [(false, 0.5), (true, 0.25), (false, 1.0), (true, 0.5)];
        assert_eq!(Worth::of(&ordered, 3, 4), Worth { recall: 0.25, reciprocal_rank: 0.5, novelty: 1.0 });
        assert_eq!(Worth::of(&ordered[..1], 3, 2), Worth { recall: 0.0, reciprocal_rank: 0.0, novelty: 1.0 });
        assert_eq!(Worth::of(&[], 3, 2), Worth::default());
    }

    #[test]
    fn intervals_are_over_learners() {
        // Four learners of one number each: mean 2.5, standard deviation 1.291, error 0.6455.
        let apart = Estimate::of(&[(0, 1.0), (1, 2.0), (2, 3.0), (3, 4.0)]);
        let error = 5.0_f64.sqrt() / 12.0_f64.sqrt();
        assert_eq!(apart.mean, Some(2.5));
        assert!((apart.low.unwrap() - (2.5 - 1.96 * error)).abs() < 1e-12);
        // The same number twice is no more knowledge.
        let twice: Vec<(usize, f64)> = (0..4).flat_map(|n| [(n, n as f64 + 1.0); 2]).collect();
        assert_eq!(Estimate::of(&twice), apart);
        assert_eq!(Estimate::of(&[(0, 1.0)]), Estimate { mean: Some(1.0), low: None, high: None });
        assert_eq!(Estimate::of(&[]).mean, None);
    }
}
