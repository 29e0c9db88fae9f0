//! Harrell's C: do those who leave earlier have the higher scores?

use super::error::SurvivalError;
use super::exit::{End, ExitTime, check_times};
use crate::metrics::{Metric, Undefined};

/// Counts pairs of rows whose order of leaving is known, by what the scores say of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Concordance {
    /// Pairs in which who left earlier has the higher score.
    pub concordant: u64,
    /// Pairs in which who left earlier has the lower score.
    pub discordant: u64,
    /// Pairs with equal scores; they count half.
    pub tied: u64,
}

impl Concordance {
    /// Returns (concordant + tied / 2) / pairs. Undefined without a pair.
    #[must_use]
    pub fn index(&self) -> Metric {
        let pairs = self.concordant + self.discordant + self.tied;
        if pairs == 0 {
            return Metric::Undefined(Undefined::NoComparablePair);
        }
        Metric::Value((self.concordant as f64 + self.tied as f64 / 2.0) / pairs as f64)
    }
}

/// Computes Harrell, Califf, Pryor, Lee & Rosati's (1982) C of scores that rise with risk, in O(n log n).
///
/// A pair is comparable if the row with the shorter time dropped out, or if at equal times one dropped out and the other
/// did not; two dropouts at one time are no pair. This is how lifelines and scikit-survival count (which takes scores
/// within 10⁻⁸ for equal, as this does not). A competing end is a row that outlasts every dropout (Wolbers et al. 2009).
///
/// # Errors
/// [`SurvivalError::LengthMismatch`] and [`SurvivalError::NotANumber`].
pub fn concordance(exits: &[ExitTime], scores: &[f64]) -> Result<Concordance, SurvivalError> {
    if exits.len() != scores.len() {
        return Err(SurvivalError::LengthMismatch { exits: exits.len(), forecasts: scores.len() });
    }
    check_times(exits)?;
    if let Some(row) = scores.iter().position(|score| score.is_nan()) {
        return Err(SurvivalError::NotANumber { row, value: scores[row] });
    }
    let ranks = dense_ranks(scores);
    let lasting = |row: usize| if exits[row].end == End::CompetingEnd { f64::INFINITY } else { exits[row].weeks };
    let mut order: Vec<usize> = (0..exits.len()).collect();
    order.sort_unstable_by(|&a, &b| lasting(b).total_cmp(&lasting(a)));
    let mut outlasting = CountsByRank::new(ranks.iter().copied().max().map_or(0, |rank| rank + 1));
    let mut found = Concordance::default();
    // From the longest time down: what has been counted in outlasts what comes now.
    for tied in order.chunk_by(|&a, &b| lasting(a) == lasting(b)) {
        let (dropouts, others): (Vec<usize>, Vec<usize>) =
            tied.iter().partition(|&&row| exits[row].end == End::Dropout);
        others.iter().for_each(|&row| outlasting.add(ranks[row]));
        for &row in &dropouts {
            let (below, equal, above) = outlasting.around(ranks[row]);
            found.concordant += below;
            found.tied += equal;
            found.discordant += above;
        }
        dropouts.iter().for_each(|&row| outlasting.add(ranks[row]));
    }
    Ok(found)
}

/// Ranks scores from 0, equal for equal scores.
fn dense_ranks(scores: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_unstable_by(|&a, &b| scores[a].total_cmp(&scores[b]));
    let mut ranks = vec![0; scores.len()];
    for (rank, tied) in order.chunk_by(|&a, &b| scores[a] == scores[b]).enumerate() {
        tied.iter().for_each(|&row| ranks[row] = rank);
    }
    ranks
}

/// Holds counts by rank that sum over ranges in O(log n) (Fenwick 1994).
struct CountsByRank {
    sums: Vec<u64>,
    total: u64,
}

impl CountsByRank {
    fn new(ranks: usize) -> Self {
        Self { sums: vec![0; ranks + 1], total: 0 }
    }

    fn add(&mut self, rank: usize) {
        let mut at = rank + 1;
        while at < self.sums.len() {
            self.sums[at] += 1;
            at += at & at.wrapping_neg();
        }
        self.total += 1;
    }

    /// Counts those with a rank below `rank`.
    fn below(&self, rank: usize) -> u64 {
        let (mut at, mut sum) = (rank, 0);
        while at > 0 {
            sum += self.sums[at];
            at &= at - 1;
        }
        sum
    }

    /// Counts those below, at and above a rank.
    fn around(&self, rank: usize) -> (u64, u64, u64) {
        let (below, up_to) = (self.below(rank), self.below(rank + 1));
        (below, up_to - below, self.total - up_to)
    }
}
