//! Two models on the same rows, and over repeated folds.

use proptest::collection::vec;
use proptest::prelude::*;
use staycast_evaluation::metrics::{
    Metric, MetricError, Ranking, Undefined, corrected_t, delong_difference, delong_interval, paired_t,
};
use staycast_evaluation::report::{ComparedForecast, ModelComparison, Resampling, compare};

struct Rows {
    labels: Vec<bool>,
    learners: Vec<u32>,
    good: Vec<f64>,
    poor: Vec<f64>,
}

/// Returns rows in which every learner has two rows; the good model knows more than the poor one.
fn rows(n: u32) -> Rows {
    let noise = |at: u32, of: u32| f64::from(at.wrapping_mul(2_654_435_761).wrapping_add(of) % 997) / 997.0;
    let labels: Vec<bool> = (0..n).map(|at| at % 5 < 2).collect();
    let p = |at: u32, knows: f64, of: u32| {
        let truth = if labels[at as usize] { knows } else { -knows };
        1.0 / (1.0 + (-(truth + 3.0 * (noise(at, of) - 0.5))).exp())
    };
    Rows {
        learners: (0..n).map(|at| at / 2).collect(),
        good: (0..n).map(|at| p(at, 0.9, 1)).collect(),
        poor: (0..n).map(|at| p(at, 0.3, 501)).collect(),
        labels,
    }
}

fn forecast(p: &[f64]) -> ComparedForecast<'_> {
    ComparedForecast { scores: p, probabilities: p }
}

fn compared(rows: &Rows, first: &[f64], second: &[f64]) -> ModelComparison {
    let resampling = Resampling::Resamples { count: 400, seed: 11 };
    compare(forecast(first), forecast(second), &rows.labels, &rows.learners, resampling).expect("valid")
}

#[test]
fn a_better_model_is_found_better_by_every_figure() {
    let rows = rows(600);
    let found = compared(&rows, &rows.good, &rows.poor);
    assert_eq!((found.n, found.learners, found.resamples), (600, 300, 400));
    let value = |metric: Metric| metric.value().expect("defined");
    for (name, paired, sign) in
        [("AUC", found.auc, 1.0), ("Brier", found.brier, -1.0), ("log loss", found.log_loss, -1.0)]
    {
        assert_eq!(paired.usable, 400);
        assert!(sign * value(paired.difference) > 0.0, "{name}: {paired:?}");
        assert!(sign * value(paired.low) > 0.0 && sign * value(paired.high) > 0.0, "{name}: {paired:?}");
        assert!(value(paired.low) < value(paired.difference) && value(paired.difference) < value(paired.high));
        assert_eq!(value(paired.p_value), 2.0 / 401.0, "{name}: no resample on the other side");
        assert!((value(paired.first) - value(paired.second) - value(paired.difference)).abs() < 1e-12);
    }
    let delong = found.auc_delong.expect("two of each class");
    assert_eq!(Ok(delong), delong_difference(&rows.good, &rows.poor, &rows.labels));
    let width = (value(found.auc.high) - value(found.auc.low)) / (delong.high - delong.low);
    assert!((width - 1.0).abs() < 0.35, "bootstrap over DeLong: {width}");
}

#[test]
fn swapping_the_models_turns_the_signs_and_nothing_else() {
    let rows = rows(200);
    let (there, back) = (compared(&rows, &rows.good, &rows.poor), compared(&rows, &rows.poor, &rows.good));
    for (a, b) in [(there.auc, back.auc), (there.brier, back.brier), (there.log_loss, back.log_loss)] {
        assert_eq!(a.difference.value().map(|value| -value), b.difference.value());
        assert!((a.low.value().expect("drawn") + b.high.value().expect("drawn")).abs() < 1e-12);
        assert_eq!(a.p_value, b.p_value);
    }
}

#[test]
fn a_model_does_not_differ_from_itself() {
    let rows = rows(100);
    let found = compared(&rows, &rows.good, &rows.good);
    for paired in [found.auc, found.brier, found.log_loss] {
        assert_eq!((paired.difference, paired.p_value), (Metric::Value(0.0), Metric::Value(1.0)));
    }
    assert_eq!(found.auc_delong.expect("two of each class").p_value, 1.0);
}

#[test]
fn what_can_not_be_compared_says_why() {
    let labels = [true, true, true];
    let one_class =
        compare(forecast(&[0.1, 0.2, 0.3]), forecast(&[0.3, 0.2, 0.1]), &labels, &[0, 1, 2], Resampling::Off);
    let one_class = one_class.expect("valid");
    assert_eq!(one_class.auc.difference, Metric::Undefined(Undefined::NoNegatives));
    assert_eq!(one_class.auc_delong, None);
    assert!(one_class.brier.difference.value().is_some());
    assert_eq!(one_class.brier.p_value, Metric::Undefined(Undefined::NoUsableResample));
    let uneven = compare(forecast(&[0.1]), forecast(&[0.1]), &[true], &[], Resampling::Off);
    assert_eq!(uneven, Err(MetricError::LengthMismatch { scores: 0, labels: 1 }));
    let wild = compare(forecast(&[0.1]), forecast(&[1.1]), &[true], &[0], Resampling::Off);
    assert_eq!(wild, Err(MetricError::NotAProbability { row: 0, value: 1.1 }));
    let none = compare(forecast(&[]), forecast(&[]), &[], &[], Resampling::default()).expect("no rows are no error");
    assert_eq!(none.brier.difference, Metric::Undefined(Undefined::NoRows));
}

#[test]
fn equal_differences_have_no_t() {
    let same = corrected_t(&[0.25; 10], 5);
    assert_eq!((same.p_value, same.t), (Metric::Value(0.0), Metric::Undefined(Undefined::NoVariance)));
    assert_eq!(corrected_t(&[0.0; 10], 5).p_value, Metric::Value(1.0));
    assert_eq!(corrected_t(&[0.1], 5).p_value, Metric::Undefined(Undefined::TooFewDifferences));
    assert_eq!(corrected_t(&[0.1, 0.2], 1).mean, Metric::Undefined(Undefined::TooFewDifferences));
}

/// The expected values are scipy 1.17.1's, by `scipy.stats.ttest_1samp(differences, 0)` and its `confidence_interval(0.95)`.
#[test]
fn a_plain_t_test_agrees_with_scipy() {
    let found = paired_t(&[0.01, 0.03, 0.02, -0.01]);
    let close = |metric: Metric, expected: f64| (metric.value().unwrap() - expected).abs() < 1e-9;
    assert!(
        close(found.mean, 0.0125) && close(found.t, 1.463_850_109_422_8) && close(found.p_value, 0.239_442_598_636)
    );
    assert!(close(found.low, -0.014_675_308_838) && close(found.high, 0.039_675_308_838), "{found:?}");
    assert_eq!(paired_t(&[0.5]).mean, Metric::Undefined(Undefined::TooFewDifferences));
}

proptest! {
    #[test]
    fn the_correction_only_makes_it_harder_to_differ(differences in vec(-1.0..1.0_f64, 2..40), folds in 2_u32..11) {
        let found = corrected_t(&differences, folds);
        let n = differences.len() as f64;
        let mean = differences.iter().sum::<f64>() / n;
        let variance = differences.iter().map(|d| (d - mean).powi(2)).sum::<f64>() / (n - 1.0);
        let error = found.standard_error.value().unwrap();
        prop_assert!(error > (variance / n).sqrt());
        let p = found.p_value.value().unwrap();
        prop_assert!((0.0..=1.0).contains(&p));
        let holds_zero = found.low.value().unwrap() <= 0.0 && found.high.value().unwrap() >= 0.0;
        prop_assert!(holds_zero == (p >= 0.05) || (p - 0.05).abs() < 1e-9);
    }
}

/// Holds DeLong's own example: whether ovarian cancer patients will be helped by surgery, by three screening tests
/// (DeLong, DeLong and Clarke-Pearson, Biometrics 44, 1988; the 43 of its patients who took all three). Here are the
/// ranks of each test's results, equal ones alike, which is all that the method reads; whoever was helped is `H`.
const HELPED: &str = "-HH-H--HHHHHHHH-H--HH-HHHHHHHH--HHHH-H-HHHH";
const ALBUMIN: [u8; 43] = [
    10, 12, 18, 8, 12, 1, 6, 2, 17, 16, 12, 17, 20, 15, 22, 15, 5, 21, 19, 14, 17, 10, 23, 16, 11, 20, 22, 22, 12, 7,
    13, 3, 16, 13, 21, 14, 9, 4, 8, 19, 13, 16, 15,
];
const KG_SCORE: [u8; 43] = [
    1, 6, 8, 5, 8, 6, 3, 6, 6, 5, 7, 5, 6, 6, 7, 7, 5, 7, 5, 5, 4, 3, 6, 6, 5, 5, 6, 7, 6, 5, 5, 4, 6, 4, 5, 6, 2, 4,
    3, 4, 5, 6, 6,
];
const TOTAL_PROTEIN: [u8; 43] = [
    9, 12, 16, 4, 9, 1, 8, 7, 8, 15, 6, 14, 14, 8, 18, 15, 2, 20, 14, 9, 16, 3, 19, 19, 14, 22, 18, 13, 5, 3, 16, 1,
    10, 12, 21, 11, 8, 4, 11, 18, 8, 17, 14,
];

/// Compares with those that SAS/STAT's manual prints for these patients (PROC LOGISTIC, "Comparing Receiver Operating
/// Characteristic Curves", to four decimals), where ROCCONTRAST is DeLong's method.
#[test]
fn the_example_of_delongs_paper_comes_out_as_published() {
    let labels: Vec<bool> = HELPED.bytes().map(|byte| byte == b'H').collect();
    let scores = |ranks: [u8; 43]| ranks.map(f64::from).to_vec();
    let near =
        |found: f64, published: f64| assert!((found - published).abs() < 5.1e-5, "{found}, published {published}");
    for (ranks, area, error) in [(ALBUMIN, 0.7366, 0.0927), (KG_SCORE, 0.7258, 0.1028), (TOTAL_PROTEIN, 0.6478, 0.1000)]
    {
        let ranking = Ranking::new(&scores(ranks), &labels).expect("both classes");
        near(ranking.auc().value().expect("both classes"), area);
        near(delong_interval(&ranking).variance.value().expect("both classes").sqrt(), error);
    }
    for (ranks, difference, error, p_value) in
        [(ALBUMIN, 0.0108, 0.0953, 0.9102), (TOTAL_PROTEIN, -0.0780, 0.1046, 0.4561)]
    {
        let found = delong_difference(&scores(ranks), &scores(KG_SCORE), &labels).expect("both classes");
        near(found.difference, difference);
        near(found.standard_error, error);
        near(found.p_value, p_value);
    }
}
