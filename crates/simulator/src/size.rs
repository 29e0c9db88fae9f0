//! Finding the `activity.scale` that makes a log of a requested size.
//!
//! A sample of learners is simulated with several scales. Its bytes are extended to all learners by the ratio of an estimate
//! that is cheap for many learners: it counts weeks by level and regards motivation.

use rayon::prelude::*;

use crate::checked::Simulation;
use crate::error::SimulateError;
use crate::formats::layout::{Layout, SimulatedEnrolment};
use crate::history::History;
use crate::learner::Learner;
use crate::progress::{Progress, Stage};

/// Counts the learners of the first, rough search.
const ROUGH_SAMPLE: u64 = 512;
/// Counts the learners of the last search. For no more learners than these, the size is exact except for chance in a
/// single log.
const SAMPLE: u64 = 2_048;
/// Bounds the learners of the cheap estimate.
const ESTIMATED: u64 = 200_000;
/// Sets the relative error at which the first search may end.
const ROUGH: f64 = 0.03;
/// Sets the relative error at which the last search may end.
const FINE: f64 = 0.003;
/// Sets the relative error above which the size is out of reach.
const OUT_OF_REACH: f64 = 0.05;
/// Bounds the trials of a search.
const TRIALS: u32 = 12;
/// Sets the range of the scale.
const SCALES: (f64, f64) = (0.001, 1_000.0);
/// Sets the greatest factor between the scales of two trials.
const GREATEST_STEP: f64 = 20.0;

/// Sets the scale at which the log has about `asked` bytes, of which `head` do not depend on it.
///
/// # Errors
/// [`SimulateError::SizeOutOfReach`], when no scale comes near.
pub(crate) fn set_scale<const TABLES: usize, L: Layout<TABLES>>(
    simulation: &mut Simulation,
    layout: &L,
    asked: u64,
    head: u64,
    progress: &dyn Fn(Progress),
) -> Result<(), SimulateError> {
    let target = asked.saturating_sub(head).max(1) as f64;
    let mut log_bytes = 0.0;
    // If the rough sample holds every learner, there is nothing to refine.
    let rough = (simulation.config.learners > ROUGH_SAMPLE).then_some((ROUGH_SAMPLE, ROUGH));
    for (sample, tolerance) in rough.into_iter().chain([(SAMPLE, FINE)]) {
        progress(Progress { stage: Stage::Sizing, learners_total: simulation.config.learners, ..Progress::default() });
        let learners = sampled(simulation.config.learners, sample);
        let many = sampled(simulation.config.learners, ESTIMATED);
        let each = simulation.config.learners as f64 / many.len() as f64;
        let ratio = each * estimate_events(simulation, &many) / estimate_events(simulation, &learners);
        let scale = simulation.config.activity.scale;
        let (scale, bytes) = search(scale, target, tolerance, |scale| {
            simulation.config.activity.scale = scale;
            bytes_of(simulation, layout, &learners) as f64 * ratio
        });
        simulation.config.activity.scale = scale;
        log_bytes = bytes;
    }
    if (log_bytes / target - 1.0).abs() <= OUT_OF_REACH {
        return Ok(());
    }
    Err(SimulateError::SizeOutOfReach {
        asked,
        reachable: log_bytes as u64 + head,
        learners: simulation.config.learners,
    })
}

/// Finds the scale at which `bytes_at` comes nearest to `target`, by secants on logarithms. Returns scale and bytes.
fn search(from: f64, target: f64, tolerance: f64, mut bytes_at: impl FnMut(f64) -> f64) -> (f64, f64) {
    let mut scale = from.clamp(SCALES.0, SCALES.1);
    let mut bytes = bytes_at(scale);
    let mut best = (scale, bytes);
    // Bytes grow with this power of the scale.
    let mut power = 0.8;
    for _ in 1..TRIALS {
        if (best.1 / target - 1.0).abs() <= tolerance {
            break;
        }
        let factor = (target / bytes).powf(1.0 / power).clamp(1.0 / GREATEST_STEP, GREATEST_STEP);
        let next = (scale * factor).clamp(SCALES.0, SCALES.1);
        if next == scale {
            break;
        }
        let next_bytes = bytes_at(next);
        let slope = (next_bytes / bytes).ln() / (next / scale).ln();
        power = if slope.is_finite() { slope.clamp(0.02, 2.0) } else { power };
        (scale, bytes) = (next, next_bytes);
        if (bytes / target).ln().abs() < (best.1 / target).ln().abs() {
            best = (scale, bytes);
        }
    }
    best
}

/// Returns the numbers of at most `most` learners, spread evenly.
fn sampled(learners: u64, most: u64) -> Vec<u64> {
    let count = learners.min(most);
    (0..count).map(|nth| (u128::from(nth) * u128::from(learners) / u128::from(count)) as u64).collect()
}

/// Estimates the events of these learners, in proportion to the true number.
fn estimate_events(simulation: &Simulation, learners: &[u64]) -> f64 {
    let of_one = |history: &mut History, &number: &u64| -> f64 {
        let learner = Learner::new(simulation, number);
        learner.courses.iter().map(|&course| history.estimate_events(simulation, &learner, course)).sum()
    };
    let each: Vec<f64> = learners.par_iter().map_init(History::default, of_one).collect();
    // Added up in order, as a sum of fractions depends on it.
    each.iter().sum()
}

/// Counts the bytes of log that these learners leave.
fn bytes_of<const TABLES: usize, L: Layout<TABLES>>(simulation: &Simulation, layout: &L, learners: &[u64]) -> u64 {
    let scratch = || (History::default(), [const { Vec::new() }; TABLES]);
    let of_one = |(history, scratch): &mut (History, [Vec<u8>; TABLES]), &number: &u64| -> u64 {
        let learner = &Learner::new(simulation, number);
        let mut bytes = 0;
        for &course in &learner.courses {
            history.simulate(simulation, learner, course, None);
            bytes += layout
                .log_bytes(scratch, &SimulatedEnrolment { simulation, learner, course, number: number + 1, history });
        }
        bytes
    };
    learners.par_iter().map_init(scratch, of_one).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_search_finds_what_can_be_reached() {
        // Like a log: a floor, then growth, then full weeks.
        let bytes_at = |scale: f64| 1e6 + 4e6 * scale / (1.0 + scale / 400.0);
        for target in [1.01e6, 1.5e6, 5e6, 3e7, 8e8] {
            let mut trials = 0;
            let (scale, bytes) = search(1.0, target, FINE, |scale| {
                trials += 1;
                bytes_at(scale)
            });
            assert!((bytes / target - 1.0).abs() <= FINE, "{target}: {bytes} at {scale} after {trials} trials");
            assert_eq!(bytes, bytes_at(scale));
        }
        for target in [9e5, 1e10] {
            let (_, bytes) = search(1.0, target, FINE, bytes_at);
            assert!((bytes / target - 1.0).abs() > OUT_OF_REACH, "{target}: {bytes}");
        }
    }

    #[test]
    fn samples_are_spread_and_distinct() {
        assert_eq!(sampled(3, 10), [0, 1, 2]);
        assert_eq!(sampled(10, 4), [0, 2, 5, 7]);
        assert_eq!(sampled(1, 1), [0]);
    }
}
