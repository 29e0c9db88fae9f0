//! Movement of forecasts from week to week, and smoothing.

use proptest::collection::vec;
use proptest::prelude::*;
use staycast_evaluation::metrics::stability::{Movement, Pairs, WeekForecast, smooth_logits};
use staycast_evaluation::metrics::{Metric, Undefined};

use crate::cut_off;

fn forecast(enrolment: u32, week: u16, p: f64, activity_changed: bool) -> WeekForecast {
    WeekForecast { enrolment, week: cut_off(week), p, flagged: p >= 0.5, activity_changed }
}

#[test]
fn movement_of_a_worked_example() {
    let rows = [
        forecast(1, 1, 0.25, true),
        forecast(1, 2, 0.75, false),
        forecast(1, 3, 0.25, false),
        // A week is missing here, so this makes no pair.
        forecast(1, 5, 0.75, false),
        forecast(2, 1, 0.125, true),
        forecast(2, 2, 0.25, true),
        forecast(3, 4, 0.9, true),
    ];
    let all = Movement::between_weeks(&rows, Pairs::All);
    assert_eq!((all.pairs, all.enrolments, all.flipped_repeatedly), (3, 2, 1));
    assert_eq!(all.mean_change, Metric::Value(1.125 / 3.0));
    assert_eq!(all.flip_share, Metric::Value(2.0 / 3.0));
    assert_eq!(all.change_90th_percentile, Metric::Value(0.5));
    let unchanged = Movement::between_weeks(&rows, Pairs::Unchanged);
    assert_eq!((unchanged.pairs, unchanged.enrolments), (2, 1));
    assert_eq!(unchanged.mean_change, Metric::Value(0.5));
    let none = Movement::between_weeks(&rows[6..], Pairs::All);
    assert_eq!((none.pairs, none.mean_change), (0, Metric::Undefined(Undefined::NoPairsOfWeeks)));
    assert_eq!(none.change_90th_percentile, Metric::Undefined(Undefined::NoPairsOfWeeks));
}

#[test]
fn smoothing_of_a_worked_example() {
    // Log odds 0, 2, −2 with weight 1/2: 0, 1, −1/2.
    let p = |x: f64| 1.0 / (1.0 + (-x).exp());
    let smoothed = smooth_logits(&[p(0.0), p(2.0), p(-2.0)], 0.5);
    for (found, expected) in smoothed.iter().zip([p(0.0), p(1.0), p(-0.5)]) {
        assert!((found - expected).abs() < 1e-15, "{found} instead of {expected}");
    }
}

proptest! {
    #[test]
    fn smoothing_looks_back_only_and_stays_between(
        probabilities in vec(0.0..=1.0_f64, 1..12),
        weight in 0.05..=1.0_f64,
    ) {
        let smoothed = smooth_logits(&probabilities, weight);
        for seen in 1..=probabilities.len() {
            let so_far = &probabilities[..seen];
            prop_assert_eq!(&smooth_logits(so_far, weight), &smoothed[..seen]);
            let (low, high) = so_far.iter().fold((1.0_f64, 0.0_f64), |(low, high), &p| (low.min(p), high.max(p)));
            prop_assert!(smoothed[seen - 1] >= low - 1e-12 && smoothed[seen - 1] <= high + 1e-12);
        }
        let unchanged = smooth_logits(&probabilities, 1.0);
        prop_assert!(unchanged.iter().zip(&probabilities).all(|(after, before)| (after - before).abs() < 1e-12));
    }
}
