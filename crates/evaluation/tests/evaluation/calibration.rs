//! Calibrations: what they must keep, what they refuse, and that they survive being stored.

use proptest::collection::vec;
use proptest::prelude::*;
use staycast_evaluation::calibration::{Calibration, CalibrationError, CalibrationMethod};

fn two_class_rows() -> impl Strategy<Value = (Vec<f64>, Vec<bool>)> {
    vec((-40_i8..40, any::<bool>()), 0..60).prop_map(|rows| {
        let (mut scores, mut labels): (Vec<f64>, Vec<bool>) =
            rows.into_iter().map(|(score, label)| (f64::from(score) / 8.0, label)).unzip();
        scores.extend([1.5, -0.25]);
        labels.extend([true, false]);
        (scores, labels)
    })
}

proptest! {
    #[test]
    fn isotonic_never_falls_and_keeps_the_mean((scores, labels) in two_class_rows()) {
        let curve = CalibrationMethod::Isotonic.fit(&scores, &labels).unwrap();
        let grid: Vec<f64> = (-60..60).map(|step| curve.apply(f64::from(step) / 8.0)).collect();
        prop_assert!(grid.is_sorted());
        prop_assert!(grid.iter().all(|p| *p > 0.0 && *p < 1.0), "no sample shows certainty");
    }

    #[test]
    fn platt_keeps_the_smoothed_base_rate((scores, labels) in two_class_rows()) {
        let sigmoid = CalibrationMethod::Platt.fit(&scores, &labels).unwrap();
        let positives = labels.iter().filter(|&&label| label).count() as f64;
        let negatives = labels.len() as f64 - positives;
        let targets = positives * (positives + 1.0) / (positives + 2.0) + negatives / (negatives + 2.0);
        let forecast: f64 = sigmoid.apply_all(&scores).iter().sum();
        prop_assert!((forecast - targets).abs() < 1e-5, "{forecast} instead of {targets}");
    }

    #[test]
    fn platt_does_not_care_for_the_unit_of_the_scores((scores, labels) in two_class_rows()) {
        let scaled: Vec<f64> = scores.iter().map(|score| 1000.0 * score + 7.0).collect();
        let (plain, other) = (CalibrationMethod::Platt.fit(&scores, &labels), CalibrationMethod::Platt.fit(&scaled, &labels));
        let (plain, other) = (plain.unwrap().apply_all(&scores), other.unwrap().apply_all(&scaled));
        for (a, b) in plain.iter().zip(&other) {
            prop_assert!((a - b).abs() < 1e-5);
        }
    }

    #[test]
    fn what_is_stored_comes_back_to_the_bit((scores, labels) in two_class_rows(), isotonic in any::<bool>()) {
        let method = if isotonic { CalibrationMethod::Isotonic } else { CalibrationMethod::Platt };
        let fitted = method.fit(&scores, &labels).unwrap();
        let stored = serde_json::to_string(&fitted).unwrap();
        prop_assert_eq!(serde_json::from_str::<Calibration>(&stored).unwrap(), fitted);
    }
}

#[test]
fn pools_violators_and_ties() {
    // Scores 1 and 2 are out of order and pool to 2/4 (score 2 is a tie of two); 3 stands alone.
    let scores = [1.0, 1.0, 2.0, 2.0, 3.0, 0.0];
    let labels = [true, false, false, true, true, false];
    let curve = CalibrationMethod::Isotonic.fit(&scores, &labels).expect("both classes");
    assert_eq!(curve.apply(1.0), 0.5);
    assert_eq!(curve.apply(1.7), 0.5);
    assert_eq!(curve.apply(2.0), 0.5);
    assert_eq!(curve.apply(3.0), 0.8, "3 of 3 is held at Platt's (3 + 1) / (3 + 2)");
    assert!((curve.apply(2.5) - 0.65).abs() < 1e-15, "linear between knots");
    assert_eq!(curve.apply(99.0), 0.8);
    assert_eq!(curve.apply(-99.0), 0.2);
    assert!(curve.apply(f64::NAN).is_nan());
}

#[test]
fn constant_scores_get_the_smoothed_base_rate() {
    let fitted = CalibrationMethod::Platt.fit(&[4.0; 8], &[true, true, true, true, true, true, false, false]);
    let p = fitted.expect("both classes").apply(4.0);
    let expected = (6.0 * 7.0 / 8.0 + 2.0 / 4.0) / 8.0;
    assert!((p - expected).abs() < 1e-9, "{p} instead of {expected}");
}

#[test]
fn perfectly_separated_scores_still_converge() {
    let scores: Vec<f64> = (0..40).map(f64::from).collect();
    let labels: Vec<bool> = (0..40).map(|row| row >= 20).collect();
    let fitted = CalibrationMethod::Platt.fit(&scores, &labels).expect("smoothed targets bound the slope");
    assert!(fitted.apply(0.0) < 0.05 && fitted.apply(39.0) > 0.95);
}

#[test]
fn methods_without_a_fit_take_any_rows() {
    let logistic = CalibrationMethod::Logistic.fit(&[], &[]).expect("no fit");
    assert_eq!(logistic.apply(0.0), 0.5);
    assert_eq!(logistic.apply(-1000.0), 0.0);
    assert_eq!(CalibrationMethod::Identity.fit(&[], &[]).expect("no fit").apply(0.3), 0.3);
}

#[test]
fn what_can_not_be_fitted_is_refused() {
    for method in [CalibrationMethod::Platt, CalibrationMethod::Isotonic] {
        let one_class = method.fit(&[1.0, 2.0], &[true, true]);
        assert_eq!(one_class, Err(CalibrationError::OneClass { rows: 2, positives: 2 }));
        let infinite = method.fit(&[f64::INFINITY, 2.0], &[true, false]);
        assert_eq!(infinite, Err(CalibrationError::NotFinite { row: 0, value: f64::INFINITY }));
        let uneven = method.fit(&[1.0], &[true, false]);
        assert_eq!(uneven, Err(CalibrationError::LengthMismatch { scores: 1, labels: 2 }));
    }
}

#[test]
fn damaged_curves_are_not_read_back() {
    for (stored, why) in [
        (r#"{"method":"isotonic","scores":[],"probabilities":[]}"#, "at least one"),
        (r#"{"method":"isotonic","scores":[1,2],"probabilities":[0.5]}"#, "as many"),
        (r#"{"method":"isotonic","scores":[2,1],"probabilities":[0.1,0.2]}"#, "scores do not rise"),
        (r#"{"method":"isotonic","scores":[1,2],"probabilities":[0.3,0.2]}"#, "probabilities do not rise"),
        (r#"{"method":"isotonic","scores":[1,2],"probabilities":[0.3,1.2]}"#, "from 0 to 1"),
        (r#"{"method":"platt","slope":1.0,"intercept":0.0,"offset":3}"#, "offset"),
    ] {
        let error = serde_json::from_str::<Calibration>(stored).expect_err(stored).to_string();
        assert!(error.contains(why), "{stored}: {error}");
    }
}

#[test]
fn methods_are_named_in_text() {
    for method in [
        CalibrationMethod::Identity,
        CalibrationMethod::Logistic,
        CalibrationMethod::Platt,
        CalibrationMethod::Isotonic,
    ] {
        assert_eq!(method.to_string().parse(), Ok(method));
        assert_eq!(serde_json::to_string(&method).expect("JSON"), format!("\"{method}\""));
    }
    let error = "plat".parse::<CalibrationMethod>().expect_err("misspelt");
    assert_eq!(error.to_string(), "unknown calibration \"plat\": use identity, logistic, platt or isotonic");
}
