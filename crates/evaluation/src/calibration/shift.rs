//! A calibration carried to where dropout is more, or less, frequent: one number added to all log odds.
//!
//! Both estimates rest on *label shift*: learners who drop out look as they did in the data that the calibration was
//! fitted on, and so do those who stay; what differs is how many there are of each. Then the right log odds are the old
//! ones and one constant (Saerens, Latinne and Decaestecker, *Adjusting the outputs of a classifier to new a priori
//! probabilities*, Neural Computation 14, 2002, equation 2.4).

use super::sigmoid;

/// Standard deviation of the shifts that are expected before any label is seen, in log odds: 1 takes a base rate of 50 % to
/// 27 % or 73 %.
const EXPECTED_SHIFT: f64 = 1.0;
/// Greatest shift that is looked for; a base rate of 50 % becomes 1 in 3 million.
const GREATEST_SHIFT: f64 = 15.0;
/// Most steps of the iteration over unlabelled rows, and the change of the base rate that ends it.
const STEPS: usize = 10_000;
const SETTLED: f64 = 1e-10;

/// The shift that fits labelled rows best, under a normal prior of mean 0 and deviation 1: few labels move it little.
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
/// When there are not as many labels as log odds.
#[must_use]
pub fn shift_to_labels(log_odds: &[f64], labels: &[bool]) -> f64 {
    assert_eq!(log_odds.len(), labels.len(), "one label a row");
    let dropouts = labels.iter().filter(|&&label| label).count() as f64;
    // The derivative of the penalised log loss, which rises with the shift.
    let slope = |shift: f64| {
        log_odds.iter().map(|z| sigmoid(z + shift)).sum::<f64>() - dropouts + shift / EXPECTED_SHIFT.powi(2)
    };
    let (mut low, mut high) = (-GREATEST_SHIFT, GREATEST_SHIFT);
    for _ in 0..60 {
        let middle = 0.5 * (low + high);
        if slope(middle) < 0.0 { low = middle } else { high = middle }
    }
    0.5 * (low + high)
}

/// The shift that unlabelled rows ask for, by the expectation-maximisation of Saerens and others: the base rate that is
/// the mean of the probabilities that it gives. `None` without rows, or when there is no such rate between 0 and 1.
///
/// `log_odds`: calibrated where the share `base_rate` (in (0, 1)) dropped out; finite.
#[must_use]
pub fn shift_to_unlabelled(log_odds: &[f64], base_rate: f64) -> Option<f64> {
    if log_odds.is_empty() || !(base_rate > 0.0 && base_rate < 1.0) {
        return None;
    }
    let logit = |p: f64| (p / (1.0 - p)).ln();
    let mut rate = base_rate;
    for _ in 0..STEPS {
        let shift = logit(rate) - logit(base_rate);
        if !(-GREATEST_SHIFT..=GREATEST_SHIFT).contains(&shift) {
            return None;
        }
        let next = log_odds.iter().map(|z| sigmoid(z + shift)).sum::<f64>() / log_odds.len() as f64;
        let settled = (next - rate).abs() < SETTLED;
        rate = next;
        if settled {
            break;
        }
    }
    let shift = logit(rate) - logit(base_rate);
    (-GREATEST_SHIFT..=GREATEST_SHIFT).contains(&shift).then_some(shift)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// `count` rows whose log odds are ±1 by class, ideally calibrated at a base rate of 50 %, of which `share` drop out.
    fn rows(count: usize, share: f64) -> (Vec<f64>, Vec<bool>) {
        // Of those who drop out, σ(1) have log odds 1, of the others as many -1.
        let told = sigmoid(1.0);
        let mut rows = Vec::new();
        for (label, of_class) in [(true, share), (false, 1.0 - share)] {
            let of_class = of_class * count as f64;
            let right = (of_class * told).round() as usize;
            let (own, other) = if label { (1.0, -1.0) } else { (-1.0, 1.0) };
            rows.extend((0..of_class.round() as usize).map(|row| (if row < right { own } else { other }, label)));
        }
        rows.into_iter().unzip()
    }

    #[test]
    fn both_find_the_rate_of_another_place() {
        for share in [0.1, 0.3, 0.5, 0.8] {
            let (log_odds, labels) = rows(20_000, share);
            let expected = (share / (1.0 - share)).ln();
            let labelled = shift_to_labels(&log_odds, &labels);
            assert!((labelled - expected).abs() < 0.02, "{share}: {labelled} for {expected}");
            let unlabelled = shift_to_unlabelled(&log_odds, 0.5).expect("a shift");
            assert!((unlabelled - expected).abs() < 0.02, "{share}: {unlabelled} for {expected}");
        }
    }

    #[test]
    fn few_labels_move_little_and_none_nothing() {
        assert!(shift_to_labels(&[], &[]).abs() < 1e-9);
        // One dropout at even odds: shift + sigmoid(shift) = 1.
        let one = shift_to_labels(&[0.0], &[true]);
        assert!((one + sigmoid(one) - 1.0).abs() < 1e-9 && (0.3..0.5).contains(&one), "{one}");
    }

    #[test]
    fn there_is_no_shift_without_rows_or_a_rate() {
        assert_eq!(shift_to_unlabelled(&[], 0.5), None);
        assert_eq!(shift_to_unlabelled(&[0.0], 1.0), None);
        assert_eq!(shift_to_unlabelled(&[0.0], f64::NAN), None);
        // All rows surely stay: the rate runs to 0.
        assert_eq!(shift_to_unlabelled(&[-9.0; 50], 0.5), None);
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
