//! How well the truth itself ranks: the best AUC that any forecast could reach, week by week, and the simplest one's.
//!
//! Probabilities and silences go into histograms of 2^15 bins, so memory does not grow with learners; two enrolments in one
//! bin count as a tie. The AUC is off by at most half the share of pairs that fall into one bin, in practice under 0.0001.

use crate::course::DAY;
use crate::history::History;

/// Bins of a histogram.
const BINS: usize = 1 << 15;

/// What an enrolment adds to the ranking of a week.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mark {
    /// Cut-off, in weeks.
    week: u16,
    /// Bin of the true probability.
    p: u16,
    /// Bin of the time since the last event: whole hours.
    silence: u16,
    dropped_out: bool,
}

impl Mark {
    /// The marks of an enrolment, one for each cut-off by which it is known: after its first event.
    pub(crate) fn of(history: &History) -> impl Iterator<Item = Self> {
        let mut seen = 0;
        let mut last = i32::MIN;
        let known = history.p_dropout.iter().zip(1..).skip(history.join_week);
        known.map(move |(&p, week): (_, u16)| {
            let cutoff = i32::from(week) * 7 * DAY;
            while let Some(event) = history.events.get(seen).filter(|event| event.second < cutoff) {
                last = event.second;
                seen += 1;
            }
            let hours = (i64::from(cutoff) - i64::from(last)) / 3_600;
            Self {
                week,
                p: (p * (BINS - 1) as f64).round() as u16,
                silence: hours.min(BINS as i64 - 1) as u16,
                dropped_out: history.dropped_out,
            }
        })
    }
}

/// How well a forecast can do at a cut-off, over the cohort `all`: every enrolment with an event before it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reachable {
    /// The cut-off: weeks seen.
    pub week: u32,
    /// Enrolments.
    pub n: u64,
    /// Those of them that drop out.
    pub positives: u64,
    /// AUC of the true probabilities; none when nobody or everybody drops out.
    pub best_auc: Option<f64>,
    /// AUC of the time since the last event.
    pub recency_auc: Option<f64>,
}

/// Counts of those who stay and those who drop out, by bin.
#[derive(Debug, Clone)]
struct Histogram {
    counts: Vec<[u32; 2]>,
}

impl Histogram {
    fn new() -> Self {
        Self { counts: vec![[0; 2]; BINS] }
    }

    fn add(&mut self, bin: u16, dropped_out: bool) {
        self.counts[usize::from(bin)][usize::from(dropped_out)] += 1;
    }

    fn totals(&self) -> [u64; 2] {
        let each = |at: usize| self.counts.iter().map(|count| u64::from(count[at])).sum();
        [each(0), each(1)]
    }

    /// Mann and Whitney's statistic over n₀n₁, ties counting half.
    fn auc(&self) -> Option<f64> {
        let [stayed, dropped] = self.totals();
        if stayed == 0 || dropped == 0 {
            return None;
        }
        let mut below = 0.0;
        let mut wins = 0.0;
        for &[stay, drop] in &self.counts {
            wins += f64::from(drop) * (below + f64::from(stay) / 2.0);
            below += f64::from(stay);
        }
        Some(wins / (stayed as f64 * dropped as f64))
    }
}

/// The rankings of every week. Held in memory: half a megabyte a week.
#[derive(Debug)]
pub(crate) struct Rankings {
    /// By cut-off: true probability, silence.
    weeks: Vec<[Histogram; 2]>,
}

impl Rankings {
    pub(crate) fn new(weeks: u32) -> Self {
        Self { weeks: (0..weeks).map(|_| [Histogram::new(), Histogram::new()]).collect() }
    }

    pub(crate) fn add(&mut self, mark: Mark) {
        let [p, silence] = &mut self.weeks[usize::from(mark.week) - 1];
        p.add(mark.p, mark.dropped_out);
        silence.add(mark.silence, mark.dropped_out);
    }

    pub(crate) fn reachable(&self) -> Vec<Reachable> {
        let at = |(week, [p, silence]): (u32, &[Histogram; 2])| {
            let [stayed, positives] = p.totals();
            Reachable { week, n: stayed + positives, positives, best_auc: p.auc(), recency_auc: silence.auc() }
        };
        (1..).zip(&self.weeks).map(at).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_auc_is_the_share_of_pairs_in_order(rows in prop::collection::vec((0u16..9, any::<bool>()), 1..60)) {
            let mut histogram = Histogram::new();
            for &(bin, dropped) in &rows {
                histogram.add(bin, dropped);
            }
            let (mut wins, mut pairs) = (0.0, 0.0);
            for (a, _) in rows.iter().filter(|row| row.1) {
                for (b, _) in rows.iter().filter(|row| !row.1) {
                    pairs += 1.0;
                    wins += if a > b { 1.0 } else if a == b { 0.5 } else { 0.0 };
                }
            }
            match histogram.auc() {
                None => prop_assert_eq!(pairs, 0.0),
                Some(auc) => prop_assert!((auc - wins / pairs).abs() < 1e-12),
            }
        }
    }
}
