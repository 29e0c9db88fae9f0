//! AUC by week of the true probabilities, which no forecast can exceed except by chance, and of inactivity alone.
//!
//! Probabilities and times of inactivity are counted in histograms of 2^15 bins, so that memory does not grow with the number
//! of learners. Two enrolments in one bin count as a tie. The AUC is off by at most half the share of pairs in one bin, in
//! practice by less than 0.0001.

use staycast_weeks::CutOff;

use crate::course::DAY;
use crate::history::History;

/// Counts the bins of a histogram.
const BINS: usize = 1 << 15;

/// Holds the true probability and inactivity of one enrolment at one cut-off, as bins of histograms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RankedForecast {
    cut_off: CutOff,
    /// Bin of the true probability of dropout.
    p: u16,
    /// Bin of the time since the last event: whole hours.
    inactivity: u16,
    dropped_out: bool,
}

impl RankedForecast {
    /// Lists the values of an enrolment, one for each cut-off after its first event.
    pub(crate) fn each_cut_off(history: &History) -> impl Iterator<Item = Self> {
        let mut seen = 0;
        let mut last = i32::MIN;
        let cut_offs = (1..=u16::MAX).filter_map(CutOff::after_weeks);
        let known = history.p_dropout.iter().zip(cut_offs).skip(history.join_week);
        known.map(move |(&p, cut_off)| {
            let end = i32::from(cut_off.weeks()) * 7 * DAY;
            while let Some(event) = history.events.get(seen).filter(|event| event.second < end) {
                last = event.second;
                seen += 1;
            }
            let hours = (i64::from(end) - i64::from(last)) / 3_600;
            Self {
                cut_off,
                p: (p * (BINS - 1) as f64).round() as u16,
                inactivity: hours.min(BINS as i64 - 1) as u16,
                dropped_out: history.dropped_out,
            }
        })
    }
}

/// Holds the greatest AUC that a forecast can reach at a cut-off, over the cohort `all`: every enrolment with an event before.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct WeekRanking {
    /// Number of weeks seen.
    pub(crate) weeks: u32,
    /// Number of enrolments.
    pub(crate) n: u64,
    /// Number of them that drop out.
    pub(crate) positives: u64,
    /// AUC of the true probabilities; `None` when nobody or everybody drops out.
    pub(crate) best_auc: Option<f64>,
    /// AUC of the time since the last event.
    pub(crate) recency_auc: Option<f64>,
}

/// Counts by bin the enrolments that stay and those that drop out.
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

    /// Computes Mann and Whitney's statistic divided by n₀n₁, where ties count half.
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

/// Ranks the enrolments at every cut-off. Held in memory: half a megabyte per week.
#[derive(Debug)]
pub(crate) struct Rankings {
    /// By cut-off: histograms of the true probability and of inactivity.
    weeks: Vec<[Histogram; 2]>,
}

impl Rankings {
    pub(crate) fn new(weeks: u32) -> Self {
        Self { weeks: (0..weeks).map(|_| [Histogram::new(), Histogram::new()]).collect() }
    }

    pub(crate) fn add(&mut self, forecast: RankedForecast) {
        let [p, inactivity] = &mut self.weeks[forecast.cut_off.last_week().position()];
        p.add(forecast.p, forecast.dropped_out);
        inactivity.add(forecast.inactivity, forecast.dropped_out);
    }

    /// Computes the AUC at every cut-off.
    pub(crate) fn by_week(&self) -> Vec<WeekRanking> {
        let at = |(weeks, [p, inactivity]): (u32, &[Histogram; 2])| {
            let [stayed, positives] = p.totals();
            WeekRanking { weeks, n: stayed + positives, positives, best_auc: p.auc(), recency_auc: inactivity.auc() }
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
