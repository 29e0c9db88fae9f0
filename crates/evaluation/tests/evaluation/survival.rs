//! Survival metrics: agreement with scikit-survival and lifelines on the committed fixture, and what must always hold.

use proptest::collection::vec;
use proptest::prelude::*;
use serde::Deserialize;
use staycast_evaluation::metrics::survival::{
    End, ExitTime, KaplanMeier, SurvivalError, brier_curve, concordance, cumulative_incidence, integrated_brier,
};
use staycast_evaluation::metrics::{Metric, Undefined};

const TOLERANCE: f64 = 1e-9;

#[derive(Deserialize)]
struct Fixture {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    weeks: Vec<f64>,
    ends: Vec<End>,
    risk: Vec<f64>,
    asked: Vec<f64>,
    predicted: Vec<Vec<f64>>,
    expected: Expected,
}

#[derive(Deserialize)]
struct Expected {
    kaplan_meier: Vec<(f64, f64, f64, f64)>,
    c_index: f64,
    concordant: u64,
    discordant: u64,
    tied: u64,
    incidence: Option<Vec<(f64, f64, f64)>>,
    brier: Vec<f64>,
    integrated_brier: Option<f64>,
}

fn cases() -> Vec<Case> {
    let fixture: Fixture = serde_json::from_str(include_str!("../fixtures/survival_metrics.json")).expect("valid JSON");
    fixture.cases
}

fn exits(case: &Case) -> Vec<ExitTime> {
    case.weeks.iter().zip(&case.ends).map(|(&weeks, &end)| ExitTime { weeks, end }).collect()
}

#[track_caller]
fn assert_close(case: &str, what: &str, found: f64, expected: f64) {
    assert!((found - expected).abs() <= TOLERANCE, "{case}: {what} is {found}, the reference has {expected}");
}

#[test]
fn kaplan_meier_agrees_with_scikit_survival_and_lifelines() {
    for case in cases() {
        let curve = KaplanMeier::new(&exits(&case)).expect("valid");
        assert_eq!(curve.points().len(), case.expected.kaplan_meier.len(), "{}", case.name);
        for (point, &(weeks, survival, low, high)) in curve.points().iter().zip(&case.expected.kaplan_meier) {
            assert_eq!(point.weeks, weeks, "{}", case.name);
            let what = |what: &str| format!("{what} at {weeks}");
            assert_close(&case.name, &what("survival"), point.survival, survival);
            assert_close(&case.name, &what("low"), point.low, low);
            assert_close(&case.name, &what("high"), point.high, high);
        }
    }
}

#[test]
fn concordance_agrees_with_scikit_survival_and_lifelines() {
    for case in cases() {
        let found = concordance(&exits(&case), &case.risk).expect("valid");
        let expected = (case.expected.concordant, case.expected.discordant, case.expected.tied);
        assert_eq!((found.concordant, found.discordant, found.tied), expected, "{}", case.name);
        assert_close(&case.name, "C", found.index().value().expect("pairs"), case.expected.c_index);
    }
}

#[test]
fn cumulative_incidence_agrees_with_scikit_survival() {
    let mut with_competing_ends = 0;
    for case in cases() {
        let Some(expected) = &case.expected.incidence else { continue };
        with_competing_ends += 1;
        let found = cumulative_incidence(&exits(&case)).expect("valid");
        assert_eq!(found.len(), expected.len(), "{}", case.name);
        for (point, &(weeks, dropout, competing_end)) in found.iter().zip(expected) {
            assert_eq!(point.weeks, weeks, "{}", case.name);
            assert_close(&case.name, &format!("dropout by {weeks}"), point.dropout, dropout);
            assert_close(&case.name, &format!("competing end by {weeks}"), point.competing_end, competing_end);
        }
    }
    assert_eq!(with_competing_ends, 2);
}

#[test]
fn brier_scores_agree_with_scikit_survival() {
    for case in cases() {
        let curve = brier_curve(&exits(&case), &case.asked, |row, at| case.predicted[row][at]).expect("valid");
        for (point, &expected) in curve.iter().zip(&case.expected.brier) {
            assert_close(&case.name, &format!("Brier score at {}", point.weeks), point.brier, expected);
        }
        if let Some(expected) = case.expected.integrated_brier {
            let found = integrated_brier(&curve).value().expect("several times");
            assert_close(&case.name, "integrated Brier score", found, expected);
        }
    }
}

fn end() -> impl Strategy<Value = End> {
    prop_oneof![Just(End::Dropout), Just(End::CompetingEnd), Just(End::Censored)]
}

fn followed() -> impl Strategy<Value = Vec<(ExitTime, f64)>> {
    let row = (1_u8..12, end(), -4_i8..4);
    vec(row.prop_map(|(weeks, end, score)| (ExitTime { weeks: f64::from(weeks), end }, f64::from(score))), 1..60)
}

proptest! {
    #[test]
    fn concordance_is_the_share_of_comparable_pairs(rows in followed()) {
        let (exits, scores): (Vec<ExitTime>, Vec<f64>) = rows.iter().copied().unzip();
        let found = concordance(&exits, &scores).unwrap();
        let lasts = |exit: &ExitTime| if exit.end == End::CompetingEnd { f64::INFINITY } else { exit.weeks };
        let (mut concordant, mut discordant, mut tied) = (0, 0, 0);
        for (first, first_score) in rows.iter().filter(|(exit, _)| exit.end == End::Dropout) {
            for (other, other_score) in &rows {
                let later = lasts(other) > first.weeks || (lasts(other) == first.weeks && other.end == End::Censored);
                if later {
                    concordant += u64::from(first_score > other_score);
                    discordant += u64::from(first_score < other_score);
                    tied += u64::from(first_score == other_score);
                }
            }
        }
        prop_assert_eq!((found.concordant, found.discordant, found.tied), (concordant, discordant, tied));
    }

    #[test]
    fn without_censoring_the_curve_is_the_share_left(rows in followed()) {
        let exits: Vec<ExitTime> = rows.iter().map(|(exit, _)| ExitTime { end: End::Dropout, ..*exit }).collect();
        let curve = KaplanMeier::new(&exits).unwrap();
        for point in curve.points() {
            let left = exits.iter().filter(|exit| exit.weeks > point.weeks).count() as f64 / exits.len() as f64;
            prop_assert!((point.survival - left).abs() < 1e-12);
            prop_assert!(point.low <= point.survival && point.survival <= point.high);
        }
    }

    #[test]
    fn curves_fall_and_incidences_never_exceed_one(rows in followed()) {
        let exits: Vec<ExitTime> = rows.iter().map(|(exit, _)| *exit).collect();
        let curve = KaplanMeier::new(&exits).unwrap();
        prop_assert!(curve.points().windows(2).all(|pair| pair[1].survival <= pair[0].survival));
        let incidence = cumulative_incidence(&exits).unwrap();
        let last = incidence.last().unwrap();
        prop_assert!(last.dropout + last.competing_end <= 1.0 + 1e-12);
        // Taking competing ends for censored can only raise the share that drops out.
        for (point, naive) in incidence.iter().zip(curve.points()) {
            prop_assert!(point.dropout <= 1.0 - naive.survival + 1e-12);
        }
    }

    #[test]
    fn a_prediction_that_comes_true_has_no_error(rows in followed()) {
        let exits: Vec<ExitTime> = rows.iter().map(|(exit, _)| *exit).collect();
        let asked = [2.5, 5.5, 8.5];
        let truth = |row: usize, at: usize| {
            let gone = exits[row].end == End::Dropout && exits[row].weeks <= asked[at];
            if gone { 0.0 } else { 1.0 }
        };
        let curve = brier_curve(&exits, &asked, truth).unwrap();
        prop_assert!(curve.iter().all(|point| point.brier == 0.0));
        prop_assert_eq!(integrated_brier(&curve).value(), Some(0.0));
    }
}

#[test]
fn what_can_not_be_measured_is_refused() {
    let exit = |weeks| ExitTime { weeks, end: End::Dropout };
    assert!(matches!(KaplanMeier::new(&[exit(f64::NAN)]), Err(SurvivalError::NotANumber { row: 0, .. })));
    let uneven = concordance(&[exit(1.0)], &[]);
    assert_eq!(uneven, Err(SurvivalError::LengthMismatch { exits: 1, forecasts: 0 }));
    let nan = concordance(&[exit(1.0), exit(2.0)], &[0.0, f64::NAN]);
    assert!(matches!(nan, Err(SurvivalError::NotANumber { row: 1, .. })));
    let above_one = brier_curve(&[exit(1.0)], &[2.0], |_, _| 1.5);
    assert_eq!(above_one, Err(SurvivalError::NotAProbability { row: 0, value: 1.5 }));
    let alone = concordance(&[exit(1.0)], &[0.5]).expect("valid");
    assert_eq!(alone.index(), Metric::Undefined(Undefined::NoComparablePair));
}
