//! Random streams that depend on their purpose, never on the order of use.
//!
//! Every course, learner and enrolment has a ChaCha8 stream of its own, chosen by the seed and its number. The order in which
//! threads take work therefore cannot change a byte. The distributions are written out here, because a library may change
//! its sampling between versions, and with it every simulated log.

use std::sync::LazyLock;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// Counts the bits of a stream's number that hold the learner; the course is above them.
const LEARNER_BITS: u32 = 40;
/// Counts the bits that hold the course.
const COURSE_BITS: u32 = 20;
/// Bounds the number of learners with distinct streams.
pub(crate) const MOST_LEARNERS: u64 = 1 << LEARNER_BITS;
/// Bounds the number of courses with distinct streams.
pub(crate) const MOST_COURSES: u32 = 1 << COURSE_BITS;

/// Makes the streams of a seed.
#[derive(Debug, Clone)]
pub(crate) struct Streams {
    seeded: ChaCha8Rng,
}

impl Streams {
    pub(crate) fn new(seed: u64) -> Self {
        Self { seeded: ChaCha8Rng::seed_from_u64(seed) }
    }

    /// Returns the stream of a course.
    pub(crate) fn course(&self, course: usize) -> Draws {
        self.stream(1, course as u64, 0)
    }

    /// Returns the stream of a learner.
    pub(crate) fn learner(&self, learner: u64) -> Draws {
        self.stream(2, 0, learner)
    }

    /// Returns the stream of an enrolment's engagement and events.
    pub(crate) fn enrolment(&self, course: usize, learner: u64) -> Draws {
        self.stream(3, course as u64, learner)
    }

    /// Returns the stream of an enrolment's registration and irregularities.
    pub(crate) fn records(&self, course: usize, learner: u64) -> Draws {
        self.stream(4, course as u64, learner)
    }

    /// Returns the stream of the damage to an enrolment's rows.
    pub(crate) fn damage(&self, course: usize, learner: u64) -> Draws {
        self.stream(5, course as u64, learner)
    }

    fn stream(&self, domain: u64, course: u64, learner: u64) -> Draws {
        assert!(
            course < u64::from(MOST_COURSES) && learner < MOST_LEARNERS,
            "no stream for course {course}, learner {learner}"
        );
        let mut rng = self.seeded.clone();
        rng.set_stream(domain << (LEARNER_BITS + COURSE_BITS) | course << LEARNER_BITS | learner);
        Draws { rng }
    }
}

/// Draws random numbers from one stream.
#[derive(Debug, Clone)]
pub(crate) struct Draws {
    rng: ChaCha8Rng,
}

impl Draws {
    /// Draws 32 random bits.
    #[inline]
    pub(crate) fn bits(&mut self) -> u32 {
        self.rng.next_u32()
    }

    /// Draws a number uniform on the open interval from 0 to 1, in steps of 2^-53.
    pub(crate) fn uniform(&mut self) -> f64 {
        ((self.rng.next_u64() >> 12) as f64 + 0.5) * (1.0 / (1u64 << 52) as f64)
    }

    /// Draws true with probability `p`, to within 2^-32.
    #[inline]
    pub(crate) fn chance(&mut self, p: f64) -> bool {
        f64::from(self.bits()) < p * 4_294_967_296.0
    }

    /// Draws a number uniform on 0 to `n` − 1, for `n` of at least 1. Each probability is off by at most `n` / 2^32.
    #[inline]
    pub(crate) fn below(&mut self, n: u32) -> u32 {
        ((u64::from(self.bits()) * u64::from(n)) >> 32) as u32
    }

    /// Draws a standard normal number (Box and Muller 1958).
    pub(crate) fn normal(&mut self) -> f64 {
        let (radius, turn) = (self.uniform(), self.uniform());
        (-2.0 * radius.ln()).sqrt() * (std::f64::consts::TAU * turn).cos()
    }

    /// Draws an exponential number with mean 1.
    pub(crate) fn exponential(&mut self) -> f64 {
        -self.uniform().ln()
    }

    /// Draws a Poisson number by multiplying uniforms (Knuth), in parts with a mean of at most 16 to prevent underflow.
    pub(crate) fn poisson(&mut self, mean: f64) -> u32 {
        let mut rest = mean;
        let mut count = 0;
        while rest > 0.0 {
            let floor = (-rest.min(16.0)).exp();
            let mut product = self.uniform();
            while product > floor {
                product *= self.uniform();
                count += 1;
            }
            rest -= 16.0;
        }
        count
    }

    /// Rounds `value` down or up at random, so that the mean is kept.
    pub(crate) fn round(&mut self, value: f64) -> u32 {
        let whole = value.floor();
        whole as u32 + u32::from(self.chance(value - whole))
    }

    /// Draws an index by cumulative weights, of which the last is their sum.
    pub(crate) fn pick(&mut self, cumulative: &[f64]) -> usize {
        let total = cumulative.last().copied().unwrap_or(0.0);
        let at = f64::from(self.bits()) * (total / 4_294_967_296.0);
        cumulative.partition_point(|&sum| sum <= at).min(cumulative.len().saturating_sub(1))
    }

    /// Draws a waiting time with mean about 1, from a Weibull distribution with shape ½ (the square of an exponential).
    ///
    /// It gives many short and a few long gaps, as real logs have. As this is the hot path, values come from a table of
    /// 1,024 quantiles.
    #[inline]
    pub(crate) fn wait(&mut self) -> f32 {
        WAITS[(self.bits() >> 22) as usize]
    }
}

/// Lists the quantiles of the waiting time.
static WAITS: LazyLock<[f32; 1024]> = LazyLock::new(|| {
    std::array::from_fn(|i| {
        let exponential = -(1.0 - (i as f64 + 0.5) / 1024.0).ln();
        (exponential * exponential / 2.0) as f32
    })
});

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the mean and variance of `n` draws.
    fn moments(mut draw: impl FnMut() -> f64) -> (f64, f64) {
        let n = 100_000;
        let values: Vec<f64> = (0..n).map(|_| draw()).collect();
        let mean = values.iter().sum::<f64>() / f64::from(n);
        let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / f64::from(n);
        (mean, variance)
    }

    #[test]
    fn distributions_have_their_moments() {
        let mut draws = Streams::new(3).learner(0);
        let mut check = |name: &str, mean: f64, variance: f64, draw: &dyn Fn(&mut Draws) -> f64| {
            let (m, v) = moments(|| draw(&mut draws));
            let error = 5.0 * (variance / 100_000.0).sqrt();
            assert!((m - mean).abs() < error, "{name}: mean {m}, expected {mean}");
            assert!((v / variance - 1.0).abs() < 0.1, "{name}: variance {v}, expected {variance}");
        };
        check("uniform", 0.5, 1.0 / 12.0, &|d| d.uniform());
        check("normal", 0.0, 1.0, &|d| d.normal());
        check("exponential", 1.0, 1.0, &|d| d.exponential());
        check("poisson 0.4", 0.4, 0.4, &|d| f64::from(d.poisson(0.4)));
        check("poisson 40", 40.0, 40.0, &|d| f64::from(d.poisson(40.0)));
        check("below 6", 2.5, 35.0 / 12.0, &|d| f64::from(d.below(6)));
        check("round 1.25", 1.25, 0.1875, &|d| f64::from(d.round(1.25)));
        check("chance 0.2", 0.2, 0.16, &|d| f64::from(u8::from(d.chance(0.2))));
        check("pick", 1.1, 0.49, &|d| d.pick(&[2.0, 7.0, 10.0]) as f64);
    }

    #[test]
    fn poisson_of_nothing_is_nothing() {
        assert_eq!(Streams::new(1).learner(1).poisson(0.0), 0);
    }

    #[test]
    fn streams_differ_by_seed_domain_course_and_learner() {
        let first = |mut draws: Draws| draws.uniform();
        let streams = Streams::new(1);
        let firsts = [
            first(streams.course(1)),
            first(streams.learner(1)),
            first(streams.enrolment(0, 1)),
            first(streams.enrolment(1, 0)),
            first(streams.enrolment(1, 1)),
            first(streams.records(1, 1)),
            first(streams.damage(1, 1)),
            first(Streams::new(2).enrolment(1, 1)),
        ];
        for (i, a) in firsts.iter().enumerate() {
            for b in &firsts[..i] {
                assert_ne!(a, b);
            }
        }
        assert_eq!(first(streams.course(1)), firsts[0]);
    }
}
