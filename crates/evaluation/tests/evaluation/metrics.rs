//! Invariants of every metric, whatever the rows.

use proptest::collection::vec;
use proptest::prelude::*;
use staycast_evaluation::metrics::{
    Confusion, Metric, MetricError, Ranking, Undefined, base_rate, brier, delong_difference, delong_interval,
    expected_calibration_error, log_loss, reliability_bins,
};

/// Draws rows whose scores tie often.
fn tied_rows() -> impl Strategy<Value = (Vec<f64>, Vec<bool>)> {
    vec((-6_i8..6, any::<bool>()), 1..80)
        .prop_map(|rows| rows.into_iter().map(|(score, label)| (f64::from(score) / 2.0, label)).unzip())
}

/// Draws rows as [`tied_rows`] does, with both classes.
fn two_class_rows() -> impl Strategy<Value = (Vec<f64>, Vec<bool>)> {
    tied_rows().prop_map(|(mut scores, mut labels)| {
        scores.extend([0.5, 0.0]);
        labels.extend([true, false]);
        (scores, labels)
    })
}

fn auc(scores: &[f64], labels: &[bool]) -> Metric {
    Ranking::new(scores, labels).expect("no NaN").auc()
}

/// Compares every positive against every negative.
fn auc_by_definition(scores: &[f64], labels: &[bool]) -> f64 {
    let of = |class: bool| scores.iter().zip(labels).filter(move |&(_, &label)| label == class).map(|(&s, _)| s);
    let wins =
        of(true).flat_map(|p| of(false).map(move |n| if p > n { 1.0 } else { f64::from(u8::from(p == n)) / 2.0 }));
    wins.sum::<f64>() / (of(true).count() * of(false).count()) as f64
}

proptest! {
    #[test]
    fn auc_is_the_share_of_pairs_in_order((scores, labels) in two_class_rows()) {
        let found = auc(&scores, &labels).value().expect("both classes");
        prop_assert!((found - auc_by_definition(&scores, &labels)).abs() < 1e-12);
    }

    #[test]
    fn a_rising_transform_changes_no_rank_metric((scores, labels) in two_class_rows()) {
        let bent: Vec<f64> = scores.iter().map(|score| (score / 3.0).exp() - 40.0).collect();
        let (plain, bent) = (Ranking::new(&scores, &labels).unwrap(), Ranking::new(&bent, &labels).unwrap());
        prop_assert_eq!(plain.auc(), bent.auc());
        prop_assert_eq!(plain.average_precision(), bent.average_precision());
        prop_assert_eq!(delong_interval(&plain), delong_interval(&bent));
    }

    #[test]
    fn the_order_of_rows_changes_nothing((scores, labels) in tied_rows(), turn in 0_usize..80) {
        let turn = turn % scores.len();
        let (mut turned_scores, mut turned_labels) = (scores.clone(), labels.clone());
        turned_scores.rotate_left(turn);
        turned_labels.rotate_left(turn);
        turned_scores.reverse();
        turned_labels.reverse();
        let (plain, turned) = (Ranking::new(&scores, &labels).unwrap(), Ranking::new(&turned_scores, &turned_labels).unwrap());
        prop_assert_eq!(&plain, &turned);
        prop_assert_eq!(delong_interval(&plain), delong_interval(&turned));
        let p = |scores: &[f64]| scores.iter().map(|score| (score + 3.0) / 6.0).collect::<Vec<f64>>();
        prop_assert_eq!(
            expected_calibration_error(&p(&scores), &labels).unwrap(),
            expected_calibration_error(&p(&turned_scores), &turned_labels).unwrap()
        );
        let (a, b) = (brier(&p(&scores), &labels).unwrap(), brier(&p(&turned_scores), &turned_labels).unwrap());
        prop_assert!((a.value().unwrap() - b.value().unwrap()).abs() < 1e-12);
    }

    #[test]
    fn the_curves_enclose_the_areas((scores, labels) in two_class_rows()) {
        let ranking = Ranking::new(&scores, &labels).unwrap();
        let trapezes: f64 = ranking.roc_curve().windows(2).map(|ends| {
            let width = ends[1].false_positive_rate - ends[0].false_positive_rate;
            width * (ends[0].true_positive_rate + ends[1].true_positive_rate) / 2.0
        }).sum();
        prop_assert!((trapezes - ranking.auc().value().unwrap()).abs() < 1e-12);
        let (mut steps, mut recall) = (0.0, 0.0);
        for point in ranking.pr_curve() {
            steps += (point.recall - recall) * point.precision;
            recall = point.recall;
        }
        prop_assert!((steps - ranking.average_precision().value().unwrap()).abs() < 1e-12);
        prop_assert_eq!(recall, 1.0);
    }

    #[test]
    fn turning_the_scores_round_turns_the_auc_round((scores, labels) in two_class_rows()) {
        let negated: Vec<f64> = scores.iter().map(|score| -score).collect();
        let sum = auc(&scores, &labels).value().unwrap() + auc(&negated, &labels).value().unwrap();
        prop_assert!((sum - 1.0).abs() < 1e-15);
    }

    #[test]
    fn swapping_the_classes_turns_the_auc_round_and_keeps_its_variance((scores, labels) in two_class_rows()) {
        let swapped: Vec<bool> = labels.iter().map(|label| !label).collect();
        let sum = auc(&scores, &labels).value().unwrap() + auc(&scores, &swapped).value().unwrap();
        prop_assert!((sum - 1.0).abs() < 1e-15);
        let variance = |labels: &[bool]| delong_interval(&Ranking::new(&scores, labels).unwrap()).variance.value();
        if let (Some(a), Some(b)) = (variance(&labels), variance(&swapped)) {
            prop_assert!((a - b).abs() < 1e-12);
        }
    }

    #[test]
    fn a_forecast_does_not_differ_from_its_own_rescaling((scores, labels) in two_class_rows()) {
        let mut scores = scores;
        let mut labels = labels;
        scores.extend([1.0, -1.0]);
        labels.extend([true, false]);
        let rescaled: Vec<f64> = scores.iter().map(|score| 3.0 * score + 1.0).collect();
        let paired = delong_difference(&scores, &rescaled, &labels).unwrap();
        prop_assert_eq!((paired.difference, paired.standard_error, paired.p_value), (0.0, 0.0, 1.0));
    }

    #[test]
    fn bins_hold_every_row_once_and_equally_many((scores, labels) in tied_rows(), bins in 1_usize..20) {
        let p: Vec<f64> = scores.iter().map(|score| (score + 3.0) / 6.0).collect();
        let cut = reliability_bins(&p, &labels, bins).unwrap();
        prop_assert_eq!(cut.len(), bins.min(p.len()));
        prop_assert_eq!(cut.iter().map(|bin| bin.count).sum::<usize>(), p.len());
        let (most, fewest) = (cut[0].count, cut[cut.len() - 1].count);
        prop_assert!(most - fewest <= 1);
        prop_assert!(cut.iter().map(|bin| bin.mean_probability).is_sorted_by(|a, b| *a <= b + 1e-12));
        let positives: f64 = cut.iter().map(|bin| bin.observed_rate * bin.count as f64).sum();
        let expected = labels.iter().filter(|&&label| label).count() as f64;
        prop_assert!((positives - expected).abs() < 1e-9);
    }

    #[test]
    fn metrics_stay_in_their_range((scores, labels) in tied_rows(), threshold in -4.0..4.0) {
        let confusion = Confusion::at_threshold(&scores, &labels, threshold).unwrap();
        prop_assert_eq!(confusion.total(), labels.len() as u64);
        for metric in [confusion.precision(), confusion.recall(), confusion.f1(), base_rate(&labels)] {
            prop_assert!(metric.value().is_none_or(|value| (0.0..=1.0).contains(&value)));
        }
        prop_assert!(confusion.mcc().value().is_none_or(|value| (-1.0 - 1e-12..=1.0 + 1e-12).contains(&value)));
        let interval = delong_interval(&Ranking::new(&scores, &labels).unwrap());
        if let (Some(low), Some(auc), Some(high)) = (interval.low.value(), interval.auc.value(), interval.high.value()) {
            prop_assert!(0.0 <= low && low <= auc && auc <= high && high <= 1.0);
        }
    }
}

#[test]
fn what_is_undefined_says_why() {
    let ranking = |scores: &[f64], labels: &[bool]| Ranking::new(scores, labels).expect("valid");
    let cases = [
        (ranking(&[], &[]), Undefined::NoRows),
        (ranking(&[1.0, 2.0], &[true, true]), Undefined::NoNegatives),
        (ranking(&[1.0, 2.0], &[false, false]), Undefined::NoPositives),
    ];
    for (ranking, why) in cases {
        assert_eq!(ranking.auc(), Metric::Undefined(why));
        assert_eq!(ranking.average_precision(), Metric::Undefined(why));
        assert_eq!(delong_interval(&ranking).low, Metric::Undefined(why));
        assert!(ranking.roc_curve().is_empty());
    }
    let lonely = delong_interval(&ranking(&[1.0, 2.0, 3.0], &[false, true, false]));
    assert_eq!(lonely.auc, Metric::Value(0.5));
    assert_eq!(lonely.high, Metric::Undefined(Undefined::TooFewOfAClass));
    for metric in [brier(&[], &[]), log_loss(&[], &[]), expected_calibration_error(&[], &[])] {
        assert_eq!(metric, Ok(Metric::Undefined(Undefined::NoRows)));
    }
}

#[test]
fn a_confusion_is_undefined_only_where_it_divides_by_zero() {
    let at = |threshold| Confusion::at_threshold(&[0.1, 0.4, 0.6], &[false, true, true], threshold).expect("valid");
    let nothing = at(0.9);
    assert_eq!(nothing.precision(), Metric::Undefined(Undefined::NothingFlagged));
    assert_eq!(nothing.recall(), Metric::Value(0.0), "nobody found of two is a real zero");
    assert_eq!(nothing.f1(), Metric::Value(0.0));
    assert_eq!(nothing.mcc(), Metric::Undefined(Undefined::NothingFlagged));
    assert_eq!(at(0.0).mcc(), Metric::Undefined(Undefined::EverythingFlagged));
    assert_eq!(at(0.4).true_positives, 2, "a score at the threshold is flagged");
    let nobody = Confusion::at_threshold(&[0.1, 0.4], &[false, false], 0.9).expect("valid");
    assert_eq!(nobody.f1(), Metric::Undefined(Undefined::NoPositives));
    assert_eq!(Confusion::default().recall(), Metric::Undefined(Undefined::NoRows));
}

#[test]
fn bad_input_is_refused_by_row() {
    let nan = [0.5, f64::NAN];
    let labels = [true, false];
    assert_eq!(Ranking::new(&nan, &labels), Err(MetricError::NanScore { row: 1 }));
    assert_eq!(Confusion::at_threshold(&nan, &labels, 0.5), Err(MetricError::NanScore { row: 1 }));
    assert!(matches!(brier(&nan, &labels), Err(MetricError::NotAProbability { row: 1, .. })));
    assert_eq!(log_loss(&[0.5, 1.5], &labels), Err(MetricError::NotAProbability { row: 1, value: 1.5 }));
    assert_eq!(Ranking::new(&[0.5], &labels), Err(MetricError::LengthMismatch { scores: 1, labels: 2 }));
    let few = delong_difference(&[0.1, 0.2], &[0.2, 0.1], &labels);
    assert_eq!(few, Err(MetricError::TooFewOfAClass { positives: 1, negatives: 1 }));
}

#[test]
fn infinities_rank_and_both_zeros_are_one_score() {
    let labels = [true, false, true, false];
    assert_eq!(auc(&[f64::INFINITY, 3.0, 4.0, f64::NEG_INFINITY], &labels), Metric::Value(1.0));
    let zeros = Ranking::new(&[0.0, -0.0, -0.0, 0.0], &labels).expect("valid");
    assert_eq!(zeros.groups().len(), 1);
    assert_eq!(zeros.auc(), Metric::Value(0.5));
}

#[test]
fn a_certain_wrong_forecast_costs_a_finite_log_loss() {
    let cost = log_loss(&[0.0], &[true]).expect("valid").value().expect("one row");
    assert!((cost + f64::EPSILON.ln()).abs() < 1e-12, "{cost}");
}

#[test]
fn metrics_serialise_as_number_or_null() {
    let json = serde_json::to_string(&[Metric::Value(0.25), Metric::Undefined(Undefined::NoRows)]).expect("JSON");
    assert_eq!(json, "[0.25,null]");
}
