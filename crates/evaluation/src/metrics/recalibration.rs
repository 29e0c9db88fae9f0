//! Calibration slope and intercept, by a logistic regression of the outcome on the forecast's log odds.

use super::checks::check_probabilities;
use super::error::MetricError;
use super::metric::{Metric, Undefined};
use super::ranking::{Ranking, TieGroup};
use crate::log_odds::{log_odds, sigmoid, softplus};
use crate::two_parameters::Derivatives;

/// Holds Cox's (1958) logistic recalibration, logit P(dropout) = intercept + slope · logit(p), fitted by maximum likelihood.
///
/// It is a measure of the rows at hand, not a calibration to use: nothing is changed by it. Probabilities are clipped to
/// [ε, 1 − ε] with ε = 2⁻⁵² as in the log loss, so that certainty has log odds of ±36.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Recalibration {
    /// 1 is right; below it forecasts are too extreme, above it too timid. Undefined without both classes, where all
    /// probabilities are equal, and where they separate the classes (no maximum).
    pub slope: Metric,
    /// The intercept fitted along with the slope; 0 is right.
    pub intercept: Metric,
    /// The intercept fitted with the slope held at 1 (calibration-in-the-large, Van Calster et al. 2019): above 0 more
    /// drop out than forecast. Undefined without both classes.
    pub in_the_large: Metric,
}

impl Recalibration {
    /// Fits both, in O(n) a step of Newton's method on the distinct probabilities.
    ///
    /// # Errors
    /// [`MetricError::LengthMismatch`] and [`MetricError::NotAProbability`].
    pub fn fit(probabilities: &[f64], labels: &[bool]) -> Result<Self, MetricError> {
        check_probabilities(probabilities, labels)?;
        Ok(Self::from_ranking(&Ranking::from_checked(probabilities, labels)))
    }

    /// Fits both to a ranking by probability.
    pub(crate) fn from_ranking(ranking: &Ranking) -> Self {
        if let Some(undefined) = ranking.missing_class() {
            let undefined = Metric::Undefined(undefined);
            return Self { slope: undefined, intercept: undefined, in_the_large: undefined };
        }
        let tied: Vec<Tied> = ranking.groups().iter().map(Tied::new).collect();
        let fitted = match undefined_slope(&tied) {
            Some(undefined) => Err(undefined),
            None => maximum_likelihood(&tied).ok_or(Undefined::NotConverged),
        };
        let (slope, intercept) = match fitted {
            Ok((slope, intercept)) => (Metric::Value(slope), Metric::Value(intercept)),
            Err(undefined) => (Metric::Undefined(undefined), Metric::Undefined(undefined)),
        };
        Self { slope, intercept, in_the_large: offset_intercept(&tied) }
    }
}

/// Holds rows of one probability.
#[derive(Clone, Copy)]
struct Tied {
    logit: f64,
    rows: f64,
    positives: f64,
}

impl Tied {
    fn new(group: &TieGroup) -> Self {
        let positives = group.positives as f64;
        Self { logit: log_odds(group.score), rows: positives + group.negatives as f64, positives }
    }
}

/// Tells why there is no slope of greatest likelihood, if there is none.
fn undefined_slope(tied: &[Tied]) -> Option<Undefined> {
    let range = |of: fn(&Tied) -> bool| {
        let of_class = tied.iter().filter(|&group| of(group));
        of_class.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), group| {
            (low.min(group.logit), high.max(group.logit))
        })
    };
    let (positives, negatives) = (range(|group| group.positives > 0.0), range(|group| group.positives < group.rows));
    if positives.0.min(negatives.0) == positives.1.max(negatives.1) {
        return Some(Undefined::OneProbability);
    }
    (positives.0 >= negatives.1 || positives.1 <= negatives.0).then_some(Undefined::Separated)
}

/// Bounds the components of the mean gradient at which Newton stops.
const GRADIENT_GOAL: f64 = 1e-13;
/// Bounds the mean gradient with which the fit is still accepted when rounding keeps Newton from getting nearer.
const GRADIENT_ACCEPTED: f64 = 1e-9;

/// Runs Newton's method with halved steps where a whole one overshoots; the log odds are standardised inside. The likelihood
/// has a maximum, as the classes overlap.
fn maximum_likelihood(tied: &[Tied]) -> Option<(f64, f64)> {
    let n: f64 = tied.iter().map(|group| group.rows).sum();
    let centre = tied.iter().map(|group| group.rows * group.logit).sum::<f64>() / n;
    let scale = (tied.iter().map(|group| group.rows * (group.logit - centre).powi(2)).sum::<f64>() / n).sqrt();
    let standardised = |group: &Tied| Tied { logit: (group.logit - centre) / scale, ..*group };
    let tied: Vec<Tied> = tied.iter().map(standardised).collect();
    // From the base rate: where forecasts are near certain, the curvature at slope 1 is as good as none.
    let positives: f64 = tied.iter().map(|group| group.positives).sum();
    let mut at = Likelihood::at(&tied, n, 0.0, (positives / (n - positives)).ln());
    for _ in 0..100 {
        if at.gradient_size() < GRADIENT_GOAL {
            break;
        }
        let (slope_step, intercept_step) = at.derivatives.newton_step();
        let mut size = 1.0;
        let next = loop {
            let tried = Likelihood::at(&tied, n, at.slope + size * slope_step, at.intercept + size * intercept_step);
            // Near the maximum rounding hides which loss is less, but not which gradient.
            let as_good = tried.loss <= at.loss + 1e-12 * (1.0 + at.loss);
            if tried.loss < at.loss || (as_good && tried.gradient_size() < at.gradient_size()) {
                break Some(tried);
            }
            size /= 2.0;
            if size < 1e-10 {
                break None;
            }
        };
        let Some(next) = next else { break };
        at = next;
    }
    (at.gradient_size() < GRADIENT_ACCEPTED).then(|| (at.slope / scale, at.intercept - at.slope * centre / scale))
}

/// Holds the mean cross entropy at a slope and an intercept, with its derivatives.
struct Likelihood {
    slope: f64,
    intercept: f64,
    loss: f64,
    derivatives: Derivatives,
}

impl Likelihood {
    fn at(tied: &[Tied], n: f64, slope: f64, intercept: f64) -> Self {
        let (mut loss, mut gradient, mut hessian) = (0.0, (0.0, 0.0), (0.0, 0.0, 0.0));
        for &Tied { logit: x, rows, positives } in tied {
            let logit = slope * x + intercept;
            let p = sigmoid(logit);
            loss += rows * softplus(logit) - positives * logit;
            let miss = rows * p - positives;
            let weight = rows * p * (1.0 - p);
            gradient = (gradient.0 + x * miss, gradient.1 + miss);
            hessian = (hessian.0 + x * x * weight, hessian.1 + x * weight, hessian.2 + weight);
        }
        Self {
            slope,
            intercept,
            loss: loss / n,
            derivatives: Derivatives {
                gradient: (gradient.0 / n, gradient.1 / n),
                hessian: (hessian.0 / n, hessian.1 / n, hessian.2 / n),
            },
        }
    }

    fn gradient_size(&self) -> f64 {
        self.derivatives.gradient_size()
    }
}

/// Finds the intercept a at which Σ sigmoid(a + logit) equals the number of positives: the sum rises with a, so Newton's steps
/// are kept inside a bracket that shrinks. Log odds reach ±36, so that no intercept beyond ±80 is needed.
fn offset_intercept(tied: &[Tied]) -> Metric {
    let positives: f64 = tied.iter().map(|group| group.positives).sum();
    let (mut low, mut high) = (-80.0, 80.0);
    let mut intercept = 0.0;
    for _ in 0..200 {
        let (mut excess, mut steepness) = (-positives, 0.0);
        for group in tied {
            let p = sigmoid(intercept + group.logit);
            excess += group.rows * p;
            steepness += group.rows * p * (1.0 - p);
        }
        if excess > 0.0 {
            high = intercept;
        } else {
            low = intercept;
        }
        let newton = intercept - excess / steepness;
        let next = if newton > low && newton < high { newton } else { low + (high - low) / 2.0 };
        if (next - intercept).abs() <= 1e-14 * intercept.abs().max(1.0) {
            return Metric::Value(next);
        }
        intercept = next;
    }
    Metric::Value(intercept)
}
