//! Decompositions, recalibration, capacities and decision curves: what must hold whatever the rows.

use proptest::collection::vec;
use proptest::prelude::*;
use staycast_evaluation::metrics::{
    BrierDecomposition, Capacity, HISTOGRAM_BINS, Metric, Ranking, Recalibration, Undefined, brier, cost_curve,
    decision_curve, score_histogram,
};

fn rows() -> impl Strategy<Value = (Vec<f64>, Vec<bool>)> {
    vec((0_u8..=20, any::<bool>()), 1..80)
        .prop_map(|rows| rows.into_iter().map(|(p, label)| (f64::from(p) / 20.0, label)).unzip())
}

/// Returns the mean number of positives among the first `k`, over every rotation of the rows that tie at the cut: in
/// these, each of them comes first equally often.
fn mean_hits_over_rotations(scores: &[f64], labels: &[bool], k: usize) -> f64 {
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|&a, &b| scores[b].total_cmp(&scores[a]));
    let k = k.min(order.len());
    let cut = scores[order[k - 1]];
    let start = order.partition_point(|&row| scores[row] > cut);
    let tied = order[start..].iter().take_while(|&&row| scores[row] == cut).count();
    let hits = |turn: usize| {
        let mut turned = order.clone();
        turned[start..start + tied].rotate_left(turn);
        turned[..k].iter().filter(|&&row| labels[row]).count()
    };
    (0..tied).map(hits).sum::<usize>() as f64 / tied as f64
}

proptest! {
    #[test]
    fn the_parts_of_the_brier_score_sum_to_it((probabilities, labels) in rows()) {
        let parts = BrierDecomposition::new(&probabilities, &labels).unwrap().expect("rows");
        let whole = brier(&probabilities, &labels).unwrap().value().expect("rows");
        prop_assert!((parts.brier() - whole).abs() < 1e-12, "{} instead of {whole}", parts.brier());
        prop_assert!(parts.reliability >= 0.0 && parts.resolution >= 0.0 && parts.within_bin_variance >= 0.0);
        prop_assert!(parts.resolution <= parts.uncertainty + 1e-12);
    }

    #[test]
    fn recalibrated_probabilities_need_no_recalibration((probabilities, labels) in rows()) {
        let clipped: Vec<f64> = probabilities.iter().map(|p| p.clamp(0.02, 0.98)).collect();
        let first = Recalibration::fit(&clipped, &labels).unwrap();
        if let (Metric::Value(slope), Metric::Value(intercept)) = (first.slope, first.intercept) {
            let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
            let mended: Vec<f64> =
                clipped.iter().map(|p| sigmoid(intercept + slope * (p / (1.0 - p)).ln())).collect();
            let mean = mended.iter().sum::<f64>() / mended.len() as f64;
            let base = labels.iter().filter(|&&label| label).count() as f64 / labels.len() as f64;
            prop_assert!((mean - base).abs() < 1e-8, "maximum likelihood keeps the mean: {mean} and {base}");
            // Where the slope is all but 0, the mended probabilities are all but equal and say nothing of a slope.
            if slope.abs() > 0.05 {
                let again = Recalibration::fit(&mended, &labels).unwrap();
                prop_assert!((again.slope.value().expect("as before") - 1.0).abs() < 1e-5);
                prop_assert!(again.intercept.value().expect("as before").abs() < 1e-5);
                prop_assert!(again.in_the_large.value().expect("as before").abs() < 1e-5);
            }
        }
    }

    #[test]
    fn wherever_there_is_a_slope_it_is_found((probabilities, labels) in rows(), power in 1_i32..9) {
        // Powers crowd the probabilities at 0, where curvature is least.
        let crowded: Vec<f64> = probabilities.iter().map(|p| p.powi(power)).collect();
        let found = Recalibration::fit(&crowded, &labels).unwrap();
        prop_assert_ne!(found.slope.undefined(), Some(Undefined::NotConverged));
        prop_assert_eq!(found.slope.undefined(), found.intercept.undefined());
        if let (Metric::Value(slope), Metric::Value(intercept)) = (found.slope, found.intercept) {
            let logit = |p: f64| { let p = p.clamp(f64::EPSILON, 1.0 - f64::EPSILON); (p / (1.0 - p)).ln() };
            let forecast: f64 = crowded.iter().map(|&p| 1.0 / (1.0 + (-intercept - slope * logit(p)).exp())).sum();
            let dropouts = labels.iter().filter(|&&label| label).count() as f64;
            prop_assert!((forecast - dropouts).abs() < 1e-6 * labels.len() as f64, "{forecast} of {dropouts}");
        }
    }

    #[test]
    fn capacity_is_the_mean_over_orders_of_ties((scores, labels) in rows(), k in 1_usize..90) {
        let found = Ranking::new(&scores, &labels).unwrap().at_capacity(k as u64);
        prop_assert_eq!(found.k, k.min(scores.len()) as u64);
        let expected = mean_hits_over_rotations(&scores, &labels, k);
        prop_assert!((expected - found.dropouts_reached).abs() < 1e-9, "{expected} {found:?}");
    }

    #[test]
    fn recall_grows_with_capacity_and_ends_at_one((scores, labels) in rows()) {
        prop_assume!(labels.contains(&true));
        let ranking = Ranking::new(&scores, &labels).unwrap();
        let recalls: Vec<f64> =
            (1..=scores.len() as u64).map(|k| ranking.at_capacity(k).recall.value().unwrap()).collect();
        prop_assert!(recalls.windows(2).all(|pair| pair[1] >= pair[0] - 1e-12));
        prop_assert!((recalls.last().unwrap() - 1.0).abs() < 1e-12);
        prop_assert!((ranking.at_capacity(u64::MAX).lift.value().unwrap() - 1.0).abs() < 1e-12);
    }

    #[test]
    fn no_threshold_costs_less_than_the_envelope((probabilities, labels) in rows(), threshold in 0.0..1.0_f64) {
        let curve = cost_curve(&probabilities, &labels, threshold).unwrap();
        for point in &curve {
            prop_assert!(point.lower_envelope <= point.at_threshold + 1e-12);
            prop_assert!(point.lower_envelope <= point.trivial + 1e-12);
        }
        prop_assert_eq!(curve.is_empty(), !labels.contains(&true) || !labels.contains(&false));
    }

    #[test]
    fn every_row_is_in_one_bin_of_the_histogram((probabilities, labels) in rows()) {
        let bins = score_histogram(&probabilities, &labels).unwrap();
        prop_assert_eq!(bins.len(), HISTOGRAM_BINS);
        prop_assert_eq!(bins.iter().map(|bin| bin.positives + bin.negatives).sum::<u64>(), labels.len() as u64);
        for bin in &bins {
            let inside = |&(p, _): &(&f64, &bool)| *p >= bin.from && (*p < bin.to || bin.to == 1.0);
            let held = probabilities.iter().zip(&labels).filter(inside).count() as u64;
            prop_assert_eq!(held, bin.positives + bin.negatives);
        }
    }
}

#[test]
fn a_slope_without_a_maximum_is_undefined() {
    let slope = |probabilities: &[f64], labels: &[bool]| {
        Recalibration::fit(probabilities, labels).expect("valid").slope.undefined()
    };
    assert_eq!(slope(&[0.2, 0.8], &[false, true]), Some(Undefined::Separated));
    assert_eq!(slope(&[0.2, 0.5, 0.5, 0.8], &[false, false, true, true]), Some(Undefined::Separated), "touching");
    assert_eq!(slope(&[0.8, 0.2], &[false, true]), Some(Undefined::Separated), "the wrong way round");
    assert_eq!(slope(&[0.4, 0.4], &[false, true]), Some(Undefined::OneProbability));
    assert_eq!(slope(&[0.4, 0.6], &[true, true]), Some(Undefined::NoNegatives));
    assert_eq!(slope(&[], &[]), Some(Undefined::NoRows));
    let constant = Recalibration::fit(&[0.4; 4], &[true, false, false, false]).expect("valid");
    let expected = (0.25_f64 / 0.75).ln() - (0.4_f64 / 0.6).ln();
    assert!((constant.in_the_large.value().expect("both classes") - expected).abs() < 1e-12);
}

#[test]
fn certain_forecasts_that_are_wrong_still_recalibrate() {
    let found = Recalibration::fit(&[0.0, 1.0, 1.0, 0.0, 1.0, 0.0], &[true, true, true, false, false, false]);
    let found = found.expect("valid");
    // Two of three are right on either side: log odds of ln 2, said with 36.04.
    let slope = found.slope.value().expect("overlapping");
    assert!((slope - 2.0_f64.ln() / (1.0 / f64::EPSILON - 1.0).ln()).abs() < 1e-9, "{slope}");
}

#[test]
fn capacities_of_a_cohort() {
    assert_eq!(Capacity::Share(0.1).learners_of(25), 3, "2.5 is rounded up");
    assert_eq!(Capacity::Share(0.01).learners_of(20), 1, "one at least");
    assert_eq!(Capacity::Count(50).learners_of(20), 20, "no more than there are");
    assert_eq!(Capacity::Share(0.2).learners_of(0), 0);
    assert!(!Capacity::Count(0).is_possible() && !Capacity::Share(1.2).is_possible());
    assert_eq!(
        (Capacity::Share(0.05).to_string(), Capacity::Count(25).to_string()),
        ("5%".to_owned(), "25".to_owned())
    );
    let none = Ranking::new(&[], &[]).expect("valid").at_capacity(5);
    assert_eq!(none.precision, Metric::Undefined(Undefined::NoRows));
    let nobody = Ranking::new(&[0.5, 0.2], &[false, false]).expect("valid").at_capacity(1);
    assert_eq!((nobody.precision, nobody.lift), (Metric::Value(0.0), Metric::Undefined(Undefined::NoPositives)));
}

#[test]
fn net_benefit_of_a_worked_example() {
    // 10 rows, 4 dropouts; at 0.2 six are flagged, three of them rightly: 3/10 − 3/10 · 0.25.
    let probabilities = [0.9, 0.8, 0.7, 0.5, 0.3, 0.2, 0.19, 0.1, 0.05, 0.0];
    let labels = [true, true, false, false, true, false, true, false, false, false];
    let curve = decision_curve(&probabilities, &labels).expect("valid");
    assert_eq!(curve.len(), 99);
    let point = curve[19];
    assert_eq!(point.threshold, 0.2);
    assert!((point.net_benefit - 0.225).abs() < 1e-12, "{point:?}");
    assert!((point.flag_all - (0.4 - 0.6 * 0.25)).abs() < 1e-12);
}
