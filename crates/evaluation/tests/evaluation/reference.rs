//! Agreement with scikit-learn, scipy and DeLong's definition, on the committed fixture.

use serde::Deserialize;
use staycast_evaluation::calibration::{Calibration, CalibrationMethod};
use staycast_evaluation::metrics::{
    Confusion, Metric, Ranking, brier, delong_difference, delong_interval, expected_calibration_error, log_loss,
};

const TOLERANCE: f64 = 1e-9;

#[derive(Deserialize)]
struct Fixture {
    metrics: Vec<MetricCase>,
    calibration: Vec<CalibrationCase>,
}

#[derive(Deserialize)]
struct MetricCase {
    name: String,
    scores: Vec<f64>,
    second: Vec<f64>,
    probabilities: Vec<f64>,
    labels: Vec<bool>,
    threshold: f64,
    expected: Expected,
}

#[derive(Deserialize)]
struct Expected {
    auc: f64,
    average_precision: f64,
    precision: f64,
    recall: f64,
    f1: f64,
    mcc: f64,
    brier: f64,
    log_loss: f64,
    ece: f64,
    tp: u64,
    fp: u64,
    tn: u64,
    #[serde(rename = "fn")]
    missed: u64,
    roc: Vec<(f64, f64)>,
    variance: f64,
    difference: f64,
    difference_standard_error: f64,
    difference_p: f64,
}

#[derive(Deserialize)]
struct CalibrationCase {
    name: String,
    scores: Vec<f64>,
    labels: Vec<bool>,
    asked: Vec<f64>,
    platt: Platt,
    isotonic: Vec<f64>,
}

#[derive(Deserialize)]
struct Platt {
    slope: f64,
    intercept: f64,
}

fn fixture() -> Fixture {
    serde_json::from_str(include_str!("../fixtures/sklearn_metrics.json")).expect("the fixture is valid JSON")
}

fn assert_close(case: &str, what: &str, found: f64, expected: f64) {
    let allowed = TOLERANCE * expected.abs().max(1.0);
    assert!((found - expected).abs() <= allowed, "{case}: {what} is {found}, the reference has {expected}");
}

fn assert_metric(case: &str, what: &str, found: Metric, expected: f64) {
    assert_close(case, what, found.value().expect("defined in every reference case"), expected);
}

#[test]
fn metrics_of_order_agree() {
    for case in fixture().metrics {
        let ranking = Ranking::new(&case.scores, &case.labels).expect("valid scores");
        assert_metric(&case.name, "AUC", ranking.auc(), case.expected.auc);
        let found = ranking.average_precision();
        assert_metric(&case.name, "average precision", found, case.expected.average_precision);
        let curve = ranking.roc_curve();
        assert_eq!(curve.len(), case.expected.roc.len(), "{}: points of the ROC curve", case.name);
        for (point, expected) in curve.iter().zip(&case.expected.roc) {
            assert_close(&case.name, "false positive rate", point.false_positive_rate, expected.0);
            assert_close(&case.name, "true positive rate", point.true_positive_rate, expected.1);
        }
    }
}

#[test]
fn metrics_at_a_threshold_agree() {
    for case in fixture().metrics {
        let found = Confusion::at_threshold(&case.probabilities, &case.labels, case.threshold).expect("valid");
        let expected = Confusion {
            true_positives: case.expected.tp,
            false_positives: case.expected.fp,
            true_negatives: case.expected.tn,
            false_negatives: case.expected.missed,
        };
        assert_eq!(found, expected, "{}", case.name);
        assert_metric(&case.name, "precision", found.precision(), case.expected.precision);
        assert_metric(&case.name, "recall", found.recall(), case.expected.recall);
        assert_metric(&case.name, "F1", found.f1(), case.expected.f1);
        assert_metric(&case.name, "MCC", found.mcc(), case.expected.mcc);
    }
}

#[test]
fn metrics_of_probabilities_agree() {
    for MetricCase { name, probabilities, labels, expected, .. } in fixture().metrics {
        assert_metric(&name, "Brier", brier(&probabilities, &labels).expect("valid"), expected.brier);
        assert_metric(&name, "log loss", log_loss(&probabilities, &labels).expect("valid"), expected.log_loss);
        let ece = expected_calibration_error(&probabilities, &labels).expect("valid");
        assert_metric(&name, "ECE", ece, expected.ece);
    }
}

#[test]
fn delong_agrees_with_its_definition() {
    for case in fixture().metrics {
        let ranking = Ranking::new(&case.scores, &case.labels).expect("valid scores");
        let interval = delong_interval(&ranking);
        assert_metric(&case.name, "variance", interval.variance, case.expected.variance);
        let half_width = 1.959_963_984_540_054 * case.expected.variance.sqrt();
        assert_metric(&case.name, "low", interval.low, (case.expected.auc - half_width).max(0.0));
        assert_metric(&case.name, "high", interval.high, (case.expected.auc + half_width).min(1.0));
        let paired = delong_difference(&case.scores, &case.second, &case.labels).expect("two of each class");
        assert_close(&case.name, "difference", paired.difference, case.expected.difference);
        let error = case.expected.difference_standard_error;
        assert_close(&case.name, "standard error", paired.standard_error, error);
        assert_close(&case.name, "p", paired.p_value, case.expected.difference_p);
    }
}

#[test]
fn calibrations_agree() {
    for case in fixture().calibration {
        let platt = CalibrationMethod::Platt.fit(&case.scores, &case.labels).expect("both classes");
        let Calibration::Platt { slope, intercept } = platt else { panic!("Platt gave {platt:?}") };
        assert_close(&case.name, "slope", slope, case.platt.slope);
        assert_close(&case.name, "intercept", intercept, case.platt.intercept);
        let isotonic = CalibrationMethod::Isotonic.fit(&case.scores, &case.labels).expect("both classes");
        for (&score, &expected) in case.asked.iter().zip(&case.isotonic) {
            assert_close(&case.name, &format!("isotonic at {score}"), isotonic.apply(score), expected);
        }
    }
}
