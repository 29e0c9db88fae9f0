//! Gaps between groups and their randomisation tests.

use proptest::collection::vec;
use proptest::prelude::*;
use staycast_evaluation::metrics::fairness::{GroupGaps, GroupPair, abroca};
use staycast_evaluation::metrics::{Metric, MetricError, Ranking, RocPoint, Undefined};

type Row = (i8, bool, bool, bool);

fn rows() -> impl Strategy<Value = Vec<Row>> {
    vec((-6_i8..6, any::<bool>(), any::<bool>(), any::<bool>()), 0..60).prop_map(|mut rows| {
        // Every outcome in both groups.
        rows.extend([
            (1, true, true, true),
            (0, false, false, true),
            (-1, true, false, false),
            (2, false, true, false),
        ]);
        rows
    })
}

fn pair(rows: &[Row]) -> GroupPair {
    let scores: Vec<f64> = rows.iter().map(|row| f64::from(row.0)).collect();
    let of = |field: fn(&Row) -> bool| rows.iter().map(field).collect::<Vec<bool>>();
    GroupPair::new(&scores, &of(|row| row.1), &of(|row| row.2), &of(|row| row.3)).expect("both classes in both groups")
}

/// Compares the groups' ROC curves on a fine grid, as the paper's code does it.
fn abroca_on_a_grid(first: &Ranking, second: &Ranking) -> f64 {
    let height = |curve: &[RocPoint], x: f64| {
        let after = curve.partition_point(|point| point.false_positive_rate <= x);
        let left = curve[after - 1];
        let Some(right) = curve.get(after) else { return 1.0 };
        let way = (x - left.false_positive_rate) / (right.false_positive_rate - left.false_positive_rate);
        left.true_positive_rate + way * (right.true_positive_rate - left.true_positive_rate)
    };
    let (first, second) = (first.roc_curve(), second.roc_curve());
    let steps = 4000;
    let at = |step: i32| (f64::from(step) + 0.5) / f64::from(steps);
    (0..steps).map(|step| (height(&first, at(step)) - height(&second, at(step))).abs()).sum::<f64>() / f64::from(steps)
}

fn ranking(rows: &[Row], group: bool) -> Ranking {
    let of_group = rows.iter().filter(|row| row.3 == group);
    let (scores, labels): (Vec<f64>, Vec<bool>) = of_group.map(|row| (f64::from(row.0), row.1)).unzip();
    Ranking::new(&scores, &labels).expect("no NaN")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn abroca_is_the_area_that_a_grid_finds(rows in rows()) {
        let (first, second) = (ranking(&rows, true), ranking(&rows, false));
        let exact = abroca(&first, &second).value().expect("both classes");
        prop_assert!((exact - abroca_on_a_grid(&first, &second)).abs() < 1e-3);
        prop_assert!((0.0..=1.0).contains(&exact));
        prop_assert_eq!(abroca(&second, &first).value(), Some(exact));
        let auc_gap = first.auc().value().unwrap() - second.auc().value().unwrap();
        prop_assert!(exact >= auc_gap.abs() - 1e-12, "the AUC gap is what does not cancel");
    }

    #[test]
    fn gaps_do_not_depend_on_the_order_of_rows(rows in rows(), turn in 0_usize..60) {
        let mut turned = rows.clone();
        turned.rotate_left(turn % rows.len());
        prop_assert_eq!(pair(&rows).gaps(), pair(&turned).gaps());
        prop_assert_eq!(pair(&rows).test(19, 5), pair(&turned).test(19, 5));
    }

    #[test]
    fn p_values_are_shares_of_the_draws(rows in rows(), seed in any::<u64>()) {
        let GroupGaps { abroca, auc, recall, false_positive_rate } =
            pair(&rows).test(39, seed).p_values.expect("drawn");
        for p in [abroca, auc, recall, false_positive_rate] {
            let count = p * 40.0;
            prop_assert!((1.0..=40.0).contains(&count) && (count - count.round()).abs() < 1e-9);
        }
        prop_assert_eq!(pair(&rows).test(39, seed), pair(&rows).test(39, seed));
        prop_assert_eq!(pair(&rows).test(0, seed).p_values, None);
    }
}

/// Tries every way of distributing the groups within each outcome, one as likely as the other.
fn exact_p_of_recall_gap(flags: &[bool], in_group: usize) -> f64 {
    let n = flags.len();
    let gap = |members: u32| {
        let rate = |inside: bool| {
            let side: Vec<usize> = (0..n).filter(|row| (members >> row & 1 == 1) == inside).collect();
            side.iter().filter(|&&row| flags[row]).count() as f64 / side.len() as f64
        };
        (rate(true) - rate(false)).abs()
    };
    let ways: Vec<u32> = (0..1_u32 << n).filter(|members| members.count_ones() as usize == in_group).collect();
    let found = gap((1 << in_group) - 1);
    ways.iter().filter(|&&members| gap(members) >= found - 1e-12).count() as f64 / ways.len() as f64
}

#[test]
fn the_randomisation_test_agrees_with_every_permutation() {
    // Twelve dropouts, the first five in the group; stayers give no recall and fill both groups.
    let flags = [true, true, true, true, false, true, false, false, false, false, true, false];
    let mut rows: Vec<Row> =
        flags.iter().enumerate().map(|(at, &flagged)| (i8::from(flagged), true, flagged, at < 5)).collect();
    rows.extend((0..6).map(|at| (0, false, false, at % 2 == 0)));
    let draws = 20_000;
    let found = pair(&rows).test(draws, 3).p_values.expect("drawn").recall;
    let exact = exact_p_of_recall_gap(&flags, 5);
    let standard_error = (exact * (1.0 - exact) / f64::from(draws)).sqrt();
    assert!((found - exact).abs() < 4.0 * standard_error + 1.0 / f64::from(draws), "{found} and {exact}");
}

#[test]
fn a_group_served_worse_is_found_and_groups_alike_are_not() {
    let noise = |at: i32| ((at * 7919) % 101) as i8 / 9;
    let served = |at: i32, worse: bool| {
        let label = at % 2 == 0;
        let knows = if worse { 0 } else { 6 };
        let score = noise(at) + if label { knows } else { 0 };
        (score, label, score >= 8, at % 3 == 0)
    };
    let unlike: Vec<Row> = (0..600).map(|at| served(at, at % 3 == 0)).collect();
    let tested = pair(&unlike).test(199, 1);
    let p = tested.p_values.expect("drawn");
    assert!(tested.found.abroca > 0.1 && tested.found.auc < -0.1 && tested.found.recall < -0.1, "{tested:?}");
    assert_eq!((p.abroca, p.auc, p.recall), (0.005, 0.005, 0.005));
    let alike: Vec<Row> = (0..600).map(|at| served(at, false)).collect();
    let p = pair(&alike).test(199, 1).p_values.expect("drawn");
    assert!(p.abroca > 0.05 && p.auc > 0.05 && p.recall > 0.05, "{p:?}");
}

#[test]
fn groups_without_a_class_are_refused() {
    let refused = GroupPair::new(&[1.0, 2.0, 3.0], &[true, false, true], &[true; 3], &[true, true, false]);
    assert_eq!(refused.err(), Some(MetricError::GroupLacksAClass));
    let short = GroupPair::new(&[1.0, 2.0], &[true, false], &[true], &[true, false]);
    assert_eq!(short.err(), Some(MetricError::LengthMismatch { scores: 1, labels: 2 }));
    let one_class = Ranking::new(&[1.0], &[true]).expect("valid");
    assert_eq!(abroca(&one_class, &one_class), Metric::Undefined(Undefined::NoNegatives));
}
