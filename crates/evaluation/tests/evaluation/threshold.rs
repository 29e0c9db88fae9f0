//! Threshold rules: parsed strictly, chosen with ties whole, and honest about what can't be reached.

use proptest::collection::vec;
use proptest::prelude::*;
use staycast_evaluation::metrics::{Confusion, Ranking};
use staycast_evaluation::threshold::{ThresholdError, ThresholdRule};

const SCORES: [f64; 8] = [0.9, 0.8, 0.8, 0.6, 0.5, 0.5, 0.2, 0.1];
const LABELS: [bool; 8] = [true, true, false, true, false, false, true, false];

fn choose(rule: &str) -> Result<(f64, u64), ThresholdError> {
    let chosen = rule.parse::<ThresholdRule>()?.choose(&SCORES, &LABELS)?;
    Ok((chosen.threshold, chosen.confusion.flagged()))
}

#[test]
fn chooses_what_the_rule_says() {
    // F1 at 0.6: 3 of 4 flagged, 3 of 4 found, 0.75; no other threshold has as much.
    assert_eq!(choose("f1"), Ok((0.55, 4)));
    assert_eq!(choose("youden"), Ok((0.55, 4)));
    assert_eq!(choose("precision>=0.75"), Ok((0.55, 4)));
    assert_eq!(choose("precision >= 0.9"), Ok(((0.9 - 0.8) / 2.0 + 0.8, 1)));
    assert_eq!(choose("recall>=0.75"), Ok((0.55, 4)));
    // 4 of 7 flagged drop out; nothing below 0.2 is needed.
    assert_eq!(choose("recall>=0.9").map(|chosen| chosen.1), Ok(7));
    assert_eq!(choose("top=4").map(|chosen| chosen.1), Ok(4));
    assert_eq!(choose("top=2").map(|chosen| chosen.1), Ok(1), "the two at 0.8 are not parted");
    assert_eq!(choose("top=100"), Ok((0.1, 8)));
}

#[test]
fn says_the_best_precision_within_reach() {
    let scores = [0.9, 0.8, 0.7, 0.1];
    let labels = [false, true, true, false];
    let error = ThresholdRule::PrecisionAtLeast(0.8).choose(&scores, &labels).expect_err("out of reach");
    let ThresholdError::PrecisionOutOfReach { wanted, best, threshold, flagged } = error.clone() else {
        panic!("{error}")
    };
    assert_eq!((wanted, best, flagged), (0.8, 2.0 / 3.0, 3));
    assert_eq!(Confusion::at_threshold(&scores, &labels, threshold).expect("valid").flagged(), 3);
    assert!(error.to_string().contains("the best is 0.6667"), "{error}");
}

#[test]
fn refuses_what_has_no_answer() {
    let tied = ThresholdRule::Top(2).choose(&[0.5, 0.5, 0.5], &[true, false, true]);
    assert_eq!(tied, Err(ThresholdError::TopTied { wanted: 2, tied: 3, score: 0.5 }));
    assert_eq!(ThresholdRule::F1.choose(&[], &[]), Err(ThresholdError::NoRows));
    let stayed = ThresholdRule::F1.choose(&[0.5], &[false]).expect_err("nobody dropped out");
    assert_eq!(stayed, ThresholdError::OneClass { rule: ThresholdRule::F1, rows: 1, positives: 0 });
    let error = ThresholdRule::Youden.choose(&[0.5], &[true]).expect_err("nobody stayed").to_string();
    assert!(error.contains("and rows that stayed"), "{error}");
    assert!(ThresholdRule::Top(1).choose(&[0.5], &[false]).is_ok(), "a count needs no outcomes");
}

#[test]
fn parses_strictly_and_prints_what_it_parsed() {
    for text in ["f1", "youden", "precision>=0.8", "recall>=0.95", "top=100"] {
        let rule: ThresholdRule = text.parse().expect(text);
        assert_eq!(rule.to_string(), text);
        assert_eq!(serde_json::to_string(&rule).expect("JSON"), format!("\"{text}\""));
        assert_eq!(serde_json::from_str::<ThresholdRule>(&format!("\"{text}\"")).expect("JSON"), rule);
    }
    for text in ["", "F2", "precision>0.8", "precision>=", "recall>=x", "top=", "top=-1", "top=1.5"] {
        assert!(matches!(text.parse::<ThresholdRule>(), Err(ThresholdError::UnknownRule { .. })), "{text}");
    }
    for text in ["precision>=0", "precision>=1.01", "recall>=-1", "recall>=nan", "top=0"] {
        assert!(matches!(text.parse::<ThresholdRule>(), Err(ThresholdError::OutOfRange { .. })), "{text}");
    }
}

fn two_class_rows() -> impl Strategy<Value = (Vec<f64>, Vec<bool>)> {
    vec((0_u8..20, any::<bool>()), 0..50).prop_map(|rows| {
        let (mut scores, mut labels): (Vec<f64>, Vec<bool>) =
            rows.into_iter().map(|(score, label)| (f64::from(score) / 19.0, label)).unzip();
        scores.extend([0.7, 0.3]);
        labels.extend([true, false]);
        (scores, labels)
    })
}

proptest! {
    #[test]
    fn the_threshold_makes_the_confusion_it_reports((scores, labels) in two_class_rows(), wanted in 0.05..1.0) {
        let rules = [
            ThresholdRule::F1,
            ThresholdRule::Youden,
            ThresholdRule::RecallAtLeast(wanted),
            ThresholdRule::PrecisionAtLeast(wanted),
            ThresholdRule::Top(7),
        ];
        for chosen in rules.into_iter().filter_map(|rule| rule.choose(&scores, &labels).ok()) {
            let found = Confusion::at_threshold(&scores, &labels, chosen.threshold).unwrap();
            prop_assert_eq!(found, chosen.confusion);
            let kept = match chosen.rule {
                ThresholdRule::RecallAtLeast(wanted) => found.recall().value().unwrap() >= wanted,
                ThresholdRule::PrecisionAtLeast(wanted) => found.precision().value().unwrap() >= wanted,
                ThresholdRule::Top(wanted) => found.flagged() <= wanted,
                ThresholdRule::F1 | ThresholdRule::Youden => true,
            };
            prop_assert!(kept, "{} is not kept", chosen.rule);
        }
    }

    #[test]
    fn no_other_threshold_has_a_higher_f1((scores, labels) in two_class_rows()) {
        let chosen = ThresholdRule::F1.choose(&scores, &labels).unwrap();
        let best = chosen.confusion.f1().value().unwrap();
        for (_, confusion) in Ranking::new(&scores, &labels).unwrap().confusions() {
            let f1 = confusion.f1().value().unwrap();
            prop_assert!(f1 <= best);
            prop_assert!(f1 < best || confusion.flagged() >= chosen.confusion.flagged(), "ties go to the fewest flagged");
        }
    }

    #[test]
    fn the_order_of_rows_chooses_nothing((scores, labels) in two_class_rows()) {
        let reversed: (Vec<f64>, Vec<bool>) = (scores.iter().rev().copied().collect(), labels.iter().rev().copied().collect());
        for rule in [ThresholdRule::F1, ThresholdRule::Youden, ThresholdRule::RecallAtLeast(0.6)] {
            prop_assert_eq!(rule.choose(&scores, &labels), rule.choose(&reversed.0, &reversed.1));
        }
    }
}
