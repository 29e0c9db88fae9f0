//! Folds by any unit, and leaving one out.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use staycast_evaluation::splits::{
    FoldRequest, Folds, Grouping, Part, SplitError, SplitExclusion, SplitKind, SplitRow, Validation,
};

use crate::splits::{Enrolment, any_enrolments, assert_disjoint, rows, separate_courses};

fn any_grouping() -> impl Strategy<Value = Grouping> {
    prop::sample::select(vec![Grouping::Course, Grouping::Learner, Grouping::Institution, Grouping::Enrolment])
}

/// Returns the unit that a row is grouped by, in the order in which leaving one out goes.
fn unit<'a>(row: &SplitRow<'a>, by: Grouping) -> (&'a str, &'a str) {
    match by {
        Grouping::Course => (row.course, ""),
        Grouping::Learner => (row.learner, ""),
        Grouping::Institution => (row.institution.expect("given"), ""),
        Grouping::Enrolment => (row.course, row.enrolment),
    }
}

fn folds_by_id<'a>(rows: &[SplitRow<'a>], folds: &Folds) -> BTreeMap<&'a str, u32> {
    rows.iter().map(|row| row.enrolment).zip(folds.fold_of(0).expect("made").iter().copied()).collect()
}

proptest! {
    #[test]
    fn folds_test_every_row_once_and_keep_units_together(
        enrolments in any_enrolments(),
        by in any_grouping(),
        folds in 2_u32..4,
        seed in any::<u64>(),
        turn in 0_usize..90,
    ) {
        let plain = rows(&enrolments);
        let mut turned = plain.clone();
        turned.rotate_left(turn % plain.len());
        turned.reverse();
        let request = FoldRequest { folds, repeats: 1, by, seed };
        let made = Folds::new(&plain, request);
        let units: BTreeSet<_> = plain.iter().map(|row| unit(row, by)).collect();
        prop_assert_eq!(made.is_ok(), units.len() >= folds as usize);
        let Ok(made) = made else { return Ok(()) };
        let again = Folds::new(&turned, request).expect("the same rows");
        prop_assert_eq!(folds_by_id(&plain, &made), folds_by_id(&turned, &again));
        let mut fold_of_unit = BTreeMap::new();
        for (row, &fold) in plain.iter().zip(made.fold_of(0).expect("made")) {
            prop_assert_eq!(*fold_of_unit.entry(unit(row, by)).or_insert(fold), fold);
        }
        let mut tested = vec![0; plain.len()];
        for fold in 0..folds {
            match made.assignment(&plain, 0, fold, None) {
                Ok(assignment) => {
                    for row in assignment.rows_of(Part::Test) {
                        tested[row] += 1;
                    }
                    prop_assert_eq!(assignment.part.len(), plain.len());
                    if by == Grouping::Enrolment {
                        prop_assert!(assignment.part.iter().all(|part| [Part::Train, Part::Test].contains(part)));
                    } else {
                        assert_disjoint(&plain, &assignment.part);
                    }
                }
                // Every other row is of a learner of this fold.
                Err(SplitError::EmptyPart { part: Part::Train }) => {
                    prop_assert!([Grouping::Course, Grouping::Institution].contains(&by));
                    for (row, &of_row) in made.fold_of(0).expect("made").iter().enumerate() {
                        tested[row] += u32::from(of_row == fold);
                    }
                }
                Err(other) => prop_assert!(false, "{other}"),
            }
        }
        prop_assert!(tested.iter().all(|&times| times == 1), "{tested:?}");
    }

    #[test]
    fn leaving_one_out_leaves_out_each_in_the_order_of_identifiers(
        enrolments in any_enrolments(),
        by in any_grouping(),
        seed in any::<u64>(),
        turn in 0_usize..90,
    ) {
        let plain = rows(&enrolments);
        let mut turned = plain.clone();
        turned.rotate_left(turn % plain.len());
        turned.reverse();
        let units: Vec<_> = plain.iter().map(|row| unit(row, by)).collect::<BTreeSet<_>>().into_iter().collect();
        let made = match Folds::leave_one_out(&plain, by, seed) {
            Ok(made) => made,
            Err(error) => {
                prop_assert_eq!(error, SplitError::NothingToLeaveOut { groups: 1, unit: by });
                prop_assert_eq!(units.len(), 1);
                return Ok(());
            }
        };
        prop_assert_eq!(made.request(), FoldRequest { folds: units.len() as u32, repeats: 1, by, seed });
        for (row, &fold) in plain.iter().zip(made.fold_of(0).expect("made")) {
            prop_assert_eq!(unit(row, by), units[fold as usize]);
        }
        let again = Folds::leave_one_out(&turned, by, seed).expect("the same rows");
        prop_assert_eq!(folds_by_id(&plain, &made), folds_by_id(&turned, &again));
    }
}

#[test]
fn leave_one_course_out_trains_on_all_others_but_the_test_learners() {
    let mut enrolments = separate_courses(4, 5);
    enrolments.push(Enrolment::new(0, 3, Some(false)));
    let rows = rows(&enrolments);
    let folds = Folds::leave_one_out(&rows, Grouping::Course, 3).expect("possible");
    for (fold, course) in ["c0", "c1", "c2", "c3"].into_iter().enumerate() {
        let validation = Validation { share: 0.3, by: Grouping::Course };
        let assignment = folds.assignment(&rows, 0, fold as u32, Some(validation)).expect("possible");
        assert!(assignment.rows_of(Part::Test).into_iter().all(|row| rows[row].course == course));
        assert_disjoint(&rows, &assignment.part);
        assert_eq!(assignment.kind, SplitKind::Transfer);
        assert!(
            assignment.description.starts_with(&format!("one course left out, fold {} of 4; kind transfer", fold + 1))
        );
        let excluded = assignment.counts().get(&Part::Excluded(SplitExclusion::LearnerOnTestSide)).copied();
        // Learner l0 is in c0 and c3.
        assert_eq!(excluded, [Some(1), None, None, Some(1)][fold]);
    }
    assert!(matches!(folds.assignment(&rows, 0, 4, None), Err(SplitError::NoSuchFold { folds: 4, .. })));
    assert!(matches!(folds.assignment(&rows, 1, 0, None), Err(SplitError::NoSuchFold { repeats: 1, .. })));
}

#[test]
fn folds_by_institution_measure_transfer_between_institutions() {
    let enrolments = separate_courses(8, 5);
    let rows = rows(&enrolments);
    let request = FoldRequest { folds: 2, repeats: 1, by: Grouping::Institution, seed: 5 };
    let folds = Folds::new(&rows, request).expect("possible");
    for fold in 0..2 {
        let validation = Validation { share: 0.5, by: Grouping::Institution };
        let assignment = folds.assignment(&rows, 0, fold, Some(validation)).expect("possible");
        let at = |part| -> BTreeSet<_> {
            assignment.rows_of(part).into_iter().filter_map(|row| rows[row].institution).collect()
        };
        assert_eq!([at(Part::Test).len(), at(Part::Validation).len(), at(Part::Train).len()], [2, 1, 1]);
        assert!(at(Part::Train).is_disjoint(&at(Part::Validation)) && at(Part::Train).is_disjoint(&at(Part::Test)));
        assert_eq!(assignment.kind, SplitKind::Institution);
        assert!(assignment.description.contains("tested at 2 institutions, trained at 2 others"));
    }
    let unplaced: Vec<SplitRow<'_>> = rows.iter().map(|row| SplitRow { institution: None, ..*row }).collect();
    assert_eq!(Folds::new(&unplaced, request), Err(SplitError::NoInstitution { without: 40, of: 40 }));
    let one_out = Folds::leave_one_out(&unplaced, Grouping::Institution, 5);
    assert_eq!(one_out, Err(SplitError::NoInstitution { without: 40, of: 40 }));
}

#[test]
fn folds_by_enrolment_let_a_learner_be_on_both_sides_and_say_so() {
    // Every learner is in both courses.
    let enrolments: Vec<Enrolment> =
        (0..2).flat_map(|course| (0..20).map(move |learner| Enrolment::new(learner, course, None))).collect();
    let rows = rows(&enrolments);
    let request = FoldRequest { folds: 2, repeats: 1, by: Grouping::Enrolment, seed: 5 };
    let folds = Folds::new(&rows, request).expect("possible");
    let assignment = folds.assignment(&rows, 0, 0, None).expect("possible");
    let learners =
        |part| -> BTreeSet<_> { assignment.rows_of(part).into_iter().map(|row| rows[row].learner).collect() };
    assert!(
        !learners(Part::Test).is_disjoint(&learners(Part::Train)),
        "chance keeps twenty learners apart once in 2^20"
    );
    assert_eq!(assignment.rows_of(Part::Test).len() + assignment.rows_of(Part::Train).len(), 40, "nobody is excluded");
    assert_eq!(assignment.kind, SplitKind::RandomOptimistic);
    assert!(assignment.kind.meaning().starts_with("OPTIMISTIC"));
    assert!(assignment.description.contains("a learner may be on both sides"), "{}", assignment.description);
    let by_enrolment = Validation { share: 0.3, by: Grouping::Enrolment };
    let refused = folds.assignment(&rows, 0, 0, Some(by_enrolment));
    assert_eq!(refused, Err(SplitError::ValidationByEnrolment));
    // Validation is by learner, and keeps its learners out of training.
    let by_learner = Validation { share: 0.3, by: Grouping::Learner };
    let assignment = folds.assignment(&rows, 0, 0, Some(by_learner)).expect("possible");
    let learners =
        |part| -> BTreeSet<_> { assignment.rows_of(part).into_iter().map(|row| rows[row].learner).collect() };
    assert!(learners(Part::Train).is_disjoint(&learners(Part::Validation)));
}

#[test]
fn what_leaves_nothing_is_refused_with_the_reason() {
    let enrolments = separate_courses(1, 4);
    let rows = rows(&enrolments);
    let error = Folds::leave_one_out(&rows, Grouping::Course, 1).expect_err("one course").to_string();
    assert_eq!(error, "leaving out one course at a time needs two courses or more, and there is 1");
    assert_eq!(Folds::leave_one_out(&[], Grouping::Course, 1), Err(SplitError::NoRows));
    let twice = [rows[0], rows[0]];
    assert!(matches!(Folds::leave_one_out(&twice, Grouping::Learner, 1), Err(SplitError::RepeatedEnrolment { .. })));
}
