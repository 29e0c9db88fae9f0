//! Agreement of the report's figures with scikit-learn, scipy and definitions in exact fractions, on the committed fixture.

use serde::Deserialize;
use staycast_evaluation::metrics::fairness::{GroupPair, abroca};
use staycast_evaluation::metrics::{
    BrierDecomposition, Metric, Ranking, Recalibration, corrected_t, cost_curve, decision_curve, score_histogram,
};

const TOLERANCE: f64 = 1e-9;

#[derive(Deserialize)]
struct Fixture {
    cases: Vec<Case>,
    corrected_t: Vec<CorrectedTCase>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    scores: Vec<f64>,
    probabilities: Vec<f64>,
    labels: Vec<bool>,
    in_group: Vec<bool>,
    threshold: f64,
    expected: Expected,
}

#[derive(Deserialize)]
struct Expected {
    recalibration: ExpectedRecalibration,
    decomposition: ExpectedDecomposition,
    capacity: Vec<(u64, f64, f64, f64)>,
    net_benefit: Vec<(f64, f64, f64)>,
    cost: Vec<(f64, f64, f64)>,
    precision_recall: Vec<(f64, f64)>,
    histogram: [Vec<u64>; 2],
    gaps: ExpectedGaps,
}

#[derive(Deserialize)]
struct ExpectedRecalibration {
    slope: f64,
    intercept: f64,
    in_the_large: f64,
}

#[derive(Deserialize)]
struct ExpectedDecomposition {
    reliability: f64,
    resolution: f64,
    uncertainty: f64,
    variance: f64,
    covariance: f64,
}

#[derive(Deserialize)]
struct ExpectedGaps {
    abroca: f64,
    auc: f64,
    recall: f64,
    false_positive_rate: f64,
}

#[derive(Deserialize)]
struct CorrectedTCase {
    folds: u32,
    differences: Vec<f64>,
    expected: [f64; 6],
}

fn fixture() -> Fixture {
    serde_json::from_str(include_str!("../fixtures/report_metrics.json")).expect("the fixture is valid JSON")
}

#[track_caller]
fn assert_close(case: &str, what: &str, found: f64, expected: f64) {
    let allowed = TOLERANCE * expected.abs().max(1.0);
    assert!((found - expected).abs() <= allowed, "{case}: {what} is {found}, the reference has {expected}");
}

#[track_caller]
fn assert_metric(case: &str, what: &str, found: Metric, expected: f64) {
    assert_close(case, what, found.value().expect("defined in every reference case"), expected);
}

#[test]
fn recalibrations_agree() {
    for Case { name, probabilities, labels, expected, .. } in fixture().cases {
        let found = Recalibration::fit(&probabilities, &labels).expect("valid");
        assert_metric(&name, "slope", found.slope, expected.recalibration.slope);
        assert_metric(&name, "intercept", found.intercept, expected.recalibration.intercept);
        assert_metric(&name, "calibration in the large", found.in_the_large, expected.recalibration.in_the_large);
    }
}

#[test]
fn decompositions_agree() {
    for Case { name, probabilities, labels, expected, .. } in fixture().cases {
        let found = BrierDecomposition::new(&probabilities, &labels).expect("valid").expect("rows");
        let expected = expected.decomposition;
        assert_close(&name, "reliability", found.reliability, expected.reliability);
        assert_close(&name, "resolution", found.resolution, expected.resolution);
        assert_close(&name, "uncertainty", found.uncertainty, expected.uncertainty);
        assert_close(&name, "within-bin variance", found.within_bin_variance, expected.variance);
        assert_close(&name, "within-bin covariance", found.within_bin_covariance, expected.covariance);
    }
}

#[test]
fn capacities_agree() {
    for Case { name, scores, labels, expected, .. } in fixture().cases {
        let ranking = Ranking::new(&scores, &labels).expect("valid");
        for (k, precision, recall, lift) in expected.capacity {
            let found = ranking.at_capacity(k);
            assert_metric(&name, &format!("precision at {k}"), found.precision, precision);
            assert_metric(&name, &format!("recall at {k}"), found.recall, recall);
            assert_metric(&name, &format!("lift at {k}"), found.lift, lift);
        }
    }
}

#[test]
fn curves_agree() {
    for Case { name, probabilities, labels, threshold, expected, .. } in fixture().cases {
        let decision = decision_curve(&probabilities, &labels).expect("valid");
        for (at, net_benefit, flag_all) in expected.net_benefit {
            let found = decision.iter().find(|point| point.threshold == at).expect("every hundredth");
            assert_close(&name, &format!("net benefit at {at}"), found.net_benefit, net_benefit);
            assert_close(&name, &format!("net benefit of flagging all at {at}"), found.flag_all, flag_all);
        }
        let cost = cost_curve(&probabilities, &labels, threshold).expect("valid");
        for (share, at_threshold, least) in expected.cost {
            let found = cost.iter().find(|point| (point.probability_cost - share).abs() < 1e-9);
            let found = found.expect("every hundredth");
            assert_close(&name, &format!("cost at {share}"), found.at_threshold, at_threshold);
            assert_close(&name, &format!("least cost at {share}"), found.lower_envelope, least);
        }
        let found = Ranking::new(&probabilities, &labels).expect("valid").pr_curve();
        // scikit-learn stops where every positive has been found.
        for (point, (precision, recall)) in found.iter().zip(&expected.precision_recall) {
            assert_close(&name, "precision", point.precision, *precision);
            assert_close(&name, "recall", point.recall, *recall);
        }
        assert!(found.len() >= expected.precision_recall.len(), "{name}");
        let histogram = score_histogram(&probabilities, &labels).expect("valid");
        let [positives, negatives] = expected.histogram;
        assert_eq!(histogram.iter().map(|bin| bin.positives).collect::<Vec<_>>(), positives, "{name}");
        assert_eq!(histogram.iter().map(|bin| bin.negatives).collect::<Vec<_>>(), negatives, "{name}");
    }
}

#[test]
fn gaps_between_groups_agree() {
    for Case { name, scores, probabilities, labels, in_group, threshold, expected } in fixture().cases {
        let flagged: Vec<bool> = probabilities.iter().map(|&p| p >= threshold).collect();
        let found = GroupPair::new(&scores, &labels, &flagged, &in_group).expect("both classes in both").gaps();
        assert_close(&name, "ABROCA", found.abroca, expected.gaps.abroca);
        assert_close(&name, "AUC gap", found.auc, expected.gaps.auc);
        assert_close(&name, "equal-opportunity gap", found.recall, expected.gaps.recall);
        let gap = expected.gaps.false_positive_rate;
        assert_close(&name, "false-positive-rate gap", found.false_positive_rate, gap);

        let ranking = |group: bool| {
            let rows = (0..labels.len()).filter(|&row| in_group[row] == group);
            let (scores, labels): (Vec<f64>, Vec<bool>) = rows.map(|row| (scores[row], labels[row])).unzip();
            Ranking::new(&scores, &labels).expect("valid")
        };
        assert_metric(&name, "ABROCA of rankings", abroca(&ranking(true), &ranking(false)), expected.gaps.abroca);
    }
}

#[test]
fn corrected_t_tests_agree() {
    for CorrectedTCase { folds, differences, expected } in fixture().corrected_t {
        let found = corrected_t(&differences, folds);
        let name = format!("{folds} folds, {} differences", differences.len());
        let figures = [found.mean, found.standard_error, found.low, found.high, found.t, found.p_value];
        for (at, (found, expected)) in figures.into_iter().zip(expected).enumerate() {
            assert_metric(&name, ["mean", "standard error", "low", "high", "t", "p"][at], found, expected);
        }
    }
}
