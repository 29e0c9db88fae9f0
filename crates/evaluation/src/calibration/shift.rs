//! Shifts that carry a calibration to where dropout is more, or less, frequent: one number added to all log odds.
//!
//! The estimate rests on *label shift*: learners who drop out look as they did in the data that the calibration was fitted
//! on, and so do those who stay; only the numbers of each differ. Then the right log odds are the old ones and one constant
//! (Saerens, Latinne and Decaestecker, *Adjusting the outputs of a classifier to new a priori probabilities*, Neural
//! Computation 14, 2002, equation 2.4).
//!
//! The same paper estimates the constant without labels, too. Between courses its assumption does not hold well enough: on
//! fourteen transfers that estimate made forecasts much worse (docs/experiments.md), so there is none here.

use crate::log_odds::sigmoid;

/// Sets the standard deviation of the shifts that are expected before any label is seen, in log odds: 1 takes a base
/// rate of 50 % to 27 % or 73 %.
const EXPECTED_SHIFT: f64 = 1.0;
/// Sets the greatest shift that is considered; a base rate of 50 % becomes 1 in 3 million.
const GREATEST_SHIFT: f64 = 15.0;
/// Finds the shift that fits labelled rows best, under a normal prior of mean 0 and deviation 1: few labels move it little.
///
/// `log_odds`: calibrated where dropout was as frequent as in training; finite, one a label. 0 without rows.
///
/// ```
/// use staycast_evaluation::calibration::shift_to_labels;
///
/// // Sixty rows, thought to drop out with 50 %; 45 do.
/// let labels: Vec<bool> = (0..60).map(|row| row % 4 != 0).collect();
/// let shift = shift_to_labels(&vec![0.0; 60], &labels);
/// assert!((0.9..1.1).contains(&shift), "{shift}"); // ln 3 = 1.10, drawn a little towards 0
/// ```
///
/// # Panics
/// If there are not as many labels as log odds.
#[must_use]
pub fn shift_to_labels(log_odds: &[f64], labels: &[bool]) -> f64 {
    assert_eq!(log_odds.len(), labels.len(), "one label a row");
    let dropouts = labels.iter().filter(|&&label| label).count() as f64;
    // The derivative of the log likelihood and of the prior's.
    root(|shift| dropouts - log_odds.iter().map(|z| sigmoid(z + shift)).sum::<f64>() - prior(shift))
}

/// Returns the derivative of the prior's negative log density.
fn prior(shift: f64) -> f64 {
    shift / EXPECTED_SHIFT.powi(2)
}

/// Finds the shift at which `falls`, above 0 for very low shifts and below for very high ones, is 0.
fn root(falls: impl Fn(f64) -> f64) -> f64 {
    let (mut low, mut high) = (-GREATEST_SHIFT, GREATEST_SHIFT);
    for _ in 0..60 {
        let middle = 0.5 * (low + high);
        if falls(middle) > 0.0 { low = middle } else { high = middle }
    }
    0.5 * (low + high)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Returns `count` rows whose log odds are ±1 by class, ideally calibrated at a base rate of 50 %, of which `share`
    /// drop out.
    fn rows(count: usize, share: f64) -> (Vec<f64>, Vec<bool>) {
        // Of those who drop out, σ(1) have log odds 1, of the others as many -1.
        let rightly = sigmoid(1.0);
        let mut rows = Vec::new();
        for (label, of_class) in [(true, share), (false, 1.0 - share)] {
            let of_class = of_class * count as f64;
            let right = (of_class * rightly).round() as usize;
            let (own, other) = if label { (1.0, -1.0) } else { (-1.0, 1.0) };
            rows.extend((0..of_class.round() as usize).map(|row| (if row < right { own } else { other }, label)));
        }
        rows.into_iter().unzip()
    }

    #[test]
    fn it_finds_the_rate_of_another_place() {
        for share in [0.1, 0.3, 0.5, 0.8] {
            let (log_odds, labels) = rows(20_000, share);
            let expected = (share / (1.0 - share)).ln();
            let labelled = shift_to_labels(&log_odds, &labels);
            assert!((labelled - expected).abs() < 0.02, "{share}: {labelled} for {expected}");
        }
    }

    #[test]
    fn few_labels_move_little_and_none_nothing() {
        assert!(shift_to_labels(&[], &[]).abs() < 1e-9);
        // One dropout at even odds: shift + sigmoid(shift) = 1.
        let one = shift_to_labels(&[0.0], &[true]);
        assert!((one + sigmoid(one) - 1.0).abs() < 1e-9 && (0.3..0.5).contains(&one), "{one}");
    }

    proptest! {
        #[test]
        fn a_shift_to_labels_meets_their_number_but_for_the_prior(
            rows in prop::collection::vec((-4.0_f64..4.0, any::<bool>()), 1..80)
        ) {
            let (log_odds, labels): (Vec<f64>, Vec<bool>) = rows.into_iter().unzip();
            let shift = shift_to_labels(&log_odds, &labels);
            let expected: f64 = log_odds.iter().map(|z| sigmoid(z + shift)).sum();
            let dropouts = labels.iter().filter(|&&label| label).count() as f64;
            prop_assert!((expected - dropouts + shift).abs() < 1e-6);
        }
    }
}
