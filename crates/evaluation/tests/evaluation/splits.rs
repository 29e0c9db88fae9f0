//! Splits: nobody on both sides, every row in one part, the same parts in any order.

use std::collections::{BTreeMap, BTreeSet};

use proptest::collection::vec;
use proptest::prelude::*;
use staycast_evaluation::splits::{
    Assignment, FoldRequest, Folds, Grouping, LaterRuns, Part, Split, SplitError, SplitExclusion, SplitKind,
    SplitRequest, SplitRow, TestCourses, TestInstitutions, Validation, assign,
};

use crate::cut_off;

/// Holds an enrolment that owns its identifiers.
#[derive(Debug, Clone)]
pub(crate) struct Enrolment {
    id: String,
    learner: String,
    course: String,
    pub(crate) family: String,
    pub(crate) institution: Option<String>,
    pub(crate) start_day: Option<i64>,
    known_day: Option<i64>,
    label: Option<bool>,
}

impl Enrolment {
    /// Makes learner `learner` in course `course`, which starts 40 days after the course before and whose labels are
    /// known 50 days after its start. Courses 0, 3, 6 … are runs of one family, and 0 and 1, 2 and 3 … of one
    /// institution.
    pub(crate) fn new(learner: usize, course: usize, label: Option<bool>) -> Self {
        let start = 18_000 + 40 * course as i64;
        Self {
            id: format!("c{course}/l{learner}"),
            learner: format!("l{learner}"),
            course: format!("c{course}"),
            family: format!("f{}", course % 3),
            institution: Some(format!("i{}", course / 2)),
            start_day: Some(start),
            known_day: Some(start + 50),
            label,
        }
    }
}

impl<'a> From<&'a Enrolment> for SplitRow<'a> {
    fn from(of: &'a Enrolment) -> Self {
        Self {
            enrolment: &of.id,
            learner: &of.learner,
            course: &of.course,
            family: &of.family,
            institution: of.institution.as_deref(),
            course_start_day: of.start_day,
            labels_known_day: of.known_day,
            label: of.label,
        }
    }
}

pub(crate) fn rows(enrolments: &[Enrolment]) -> Vec<SplitRow<'_>> {
    enrolments.iter().map(SplitRow::from).collect()
}

/// Makes `courses` courses of `each` learners of their own, every third a dropout.
pub(crate) fn separate_courses(courses: usize, each: usize) -> Vec<Enrolment> {
    let in_course =
        |course: usize| (0..each).map(move |at| Enrolment::new(course * each + at, course, Some(at.is_multiple_of(3))));
    (0..courses).flat_map(in_course).collect()
}

pub(crate) fn named(courses: &[&str]) -> BTreeSet<String> {
    courses.iter().map(|&course| course.to_owned()).collect()
}

pub(crate) fn request(split: Split, validation_share: Option<f64>) -> SplitRequest {
    let validation = validation_share.map(|share| Validation::like(&split, share));
    SplitRequest { split, validation, cut_off: cut_off(4), seed: 11 }
}

pub(crate) fn any_split() -> impl Strategy<Value = Split> {
    prop_oneof![
        (0.1..0.6).prop_map(|share| Split::Course { test: TestCourses::Share(share), train: None }),
        (0.1..0.6).prop_map(|share| Split::Time { test: TestCourses::Share(share) }),
        (0.1..0.6).prop_map(|test_share| Split::Learner { test_share }),
        (0.1..0.6).prop_map(|test_share| Split::Random { test_share }),
        Just(Split::LaterRun { test: LaterRuns::All }),
        (0.1..0.6).prop_map(|share| Split::LaterRun { test: LaterRuns::Share(share) }),
        (0.1..0.6).prop_map(|share| Split::Institution { test: TestInstitutions::Share(share) }),
    ]
}

/// Draws learners in several courses, some without labels.
pub(crate) fn any_enrolments() -> impl Strategy<Value = Vec<Enrolment>> {
    vec((0_usize..25, 0_usize..6, prop::option::of(any::<bool>())), 1..90).prop_map(|drawn| {
        let unique: BTreeMap<(usize, usize), Option<bool>> =
            drawn.into_iter().map(|(learner, course, label)| ((learner, course), label)).collect();
        unique.into_iter().map(|((learner, course), label)| Enrolment::new(learner, course, label)).collect()
    })
}

/// Checks that nobody with a test row is in training or validation, and nobody with a validation row in training.
pub(crate) fn assert_disjoint(rows: &[SplitRow<'_>], part: &[Part]) {
    let learners = |wanted: Part| -> BTreeSet<&str> {
        rows.iter().zip(part).filter(|&(_, &of_row)| of_row == wanted).map(|(row, _)| row.learner).collect()
    };
    let (train, validation, test) = (learners(Part::Train), learners(Part::Validation), learners(Part::Test));
    assert!(test.is_disjoint(&train) && test.is_disjoint(&validation) && validation.is_disjoint(&train));
}

proptest! {
    #[test]
    fn nobody_is_on_both_sides_in_any_split(
        enrolments in any_enrolments(),
        split in any_split(),
        by in prop_oneof![Just(Grouping::Course), Just(Grouping::Learner), Just(Grouping::Institution)],
        seed in any::<u64>(),
    ) {
        let rows = rows(&enrolments);
        let request = SplitRequest { split, validation: Some(Validation { share: 0.3, by }), cut_off: cut_off(4), seed };
        if let Ok(assignment) = assign(&rows, &request) {
            prop_assert_eq!(assignment.part.len(), rows.len());
            prop_assert_eq!(assignment.counts().values().sum::<usize>(), rows.len());
            assert_disjoint(&rows, &assignment.part);
            for part in [Part::Train, Part::Validation, Part::Test] {
                prop_assert!(!assignment.rows_of(part).is_empty(), "{part:?} is empty");
            }
        }
    }

    #[test]
    fn the_order_of_rows_decides_nothing(
        enrolments in any_enrolments(),
        split in any_split(),
        seed in any::<u64>(),
        turn in 0_usize..90,
    ) {
        let plain = rows(&enrolments);
        let request = SplitRequest { validation: Some(Validation::like(&split, 0.25)), split, cut_off: cut_off(4), seed };
        let mut turned = plain.clone();
        turned.rotate_left(turn % plain.len());
        turned.reverse();
        let by_id = |rows: &[SplitRow<'_>], assignment: &Assignment| -> BTreeMap<String, Part> {
            rows.iter().map(|row| row.enrolment.to_owned()).zip(assignment.part.iter().copied()).collect()
        };
        match (assign(&plain, &request), assign(&turned, &request)) {
            (Ok(a), Ok(b)) => {
                prop_assert_eq!(by_id(&plain, &a), by_id(&turned, &b));
                prop_assert_eq!((a.kind, a.description), (b.kind, b.description));
            }
            (a, b) => prop_assert_eq!(a.err(), b.err()),
        }
    }

    #[test]
    fn folds_part_the_learners_evenly(enrolments in any_enrolments(), folds in 2_u32..5, seed in any::<u64>()) {
        let rows = rows(&enrolments);
        let request = FoldRequest { folds, repeats: 2, by: Grouping::Learner, seed };
        let Ok(made) = Folds::new(&rows, request) else { return Ok(()) };
        for repeat in 0..2 {
            let fold_of = made.fold_of(repeat).expect("made");
            let mut by_learner: BTreeMap<&str, BTreeSet<u32>> = BTreeMap::new();
            for (row, &fold) in rows.iter().zip(fold_of) {
                by_learner.entry(row.learner).or_default().insert(fold);
            }
            prop_assert!(by_learner.values().all(|folds| folds.len() == 1), "a learner is in two folds");
            let mut learners = vec![0_usize; folds as usize];
            for folds in by_learner.values() {
                learners[*folds.first().expect("one") as usize] += 1;
            }
            prop_assert!(learners.iter().max().unwrap() - learners.iter().min().unwrap() <= 1, "{learners:?}");
            let mut tested = 0;
            for fold in 0..folds {
                let assignment = made.assignment(&rows, repeat, fold, None).unwrap();
                assert_disjoint(&rows, &assignment.part);
                tested += assignment.rows_of(Part::Test).len();
            }
            prop_assert_eq!(tested, rows.len());
        }
    }
}

#[test]
fn named_courses_are_the_test_and_measure_transfer() {
    let enrolments = separate_courses(4, 9);
    let rows = rows(&enrolments);
    let split = Split::Course { test: TestCourses::Named(named(&["c1", "c3"])), train: Some(named(&["c0"])) };
    let assignment = assign(&rows, &request(split, None)).expect("possible");
    for (row, part) in rows.iter().zip(&assignment.part) {
        let expected = match row.course {
            "c1" | "c3" => Part::Test,
            "c0" => Part::Train,
            _ => Part::Excluded(SplitExclusion::CourseNotNamed),
        };
        assert_eq!(*part, expected, "{}", row.course);
    }
    // Labels of c0 are known on day 50; week 4 of c1 ends on day 68: even this one is a forecast.
    assert_eq!(assignment.kind, SplitKind::Forecast);
    let backwards = Split::Course { test: TestCourses::Named(named(&["c0"])), train: None };
    assert_eq!(assign(&rows, &request(backwards, None)).expect("possible").kind, SplitKind::Transfer);
    let mut undated = enrolments.clone();
    undated[0].known_day = None;
    let rows = self::rows(&undated);
    let split = Split::Course { test: TestCourses::Named(named(&["c3"])), train: None };
    assert_eq!(assign(&rows, &request(split, None)).expect("possible").kind, SplitKind::Transfer);
}

#[test]
fn a_learner_of_a_test_course_is_left_out_of_training_and_counted() {
    let mut enrolments = separate_courses(3, 6);
    enrolments.push(Enrolment::new(0, 2, Some(true)));
    let rows = rows(&enrolments);
    let split = Split::Course { test: TestCourses::Named(named(&["c2"])), train: None };
    let assignment = assign(&rows, &request(split, None)).expect("possible");
    assert_eq!(assignment.part[0], Part::Excluded(SplitExclusion::LearnerOnTestSide));
    assert_eq!(assignment.counts()[&Part::Excluded(SplitExclusion::LearnerOnTestSide)], 1);
    assert!(assignment.description.contains("1 left out because the learner is on the test side"));
}

#[test]
fn a_drawn_share_of_courses_is_near_what_was_asked() {
    let enrolments = separate_courses(10, 12);
    let rows = rows(&enrolments);
    let split = Split::Course { test: TestCourses::Share(0.3), train: None };
    let assignment = assign(&rows, &request(split, Some(0.2))).expect("possible");
    assert_eq!(assignment.rows_of(Part::Test).len(), 36);
    // A fifth of the seven courses left is nearest to one.
    assert_eq!(assignment.rows_of(Part::Validation).len(), 12);
    assert_eq!(assignment.rows_of(Part::Train).len(), 72);
}

#[test]
fn a_split_by_time_trains_only_on_what_was_known() {
    let enrolments = separate_courses(5, 10);
    let rows = rows(&enrolments);
    let split = Split::Time { test: TestCourses::Share(0.2) };
    let assignment = assign(&rows, &request(split, Some(0.3))).expect("possible");
    let part_of = |course: &str| {
        let at = rows.iter().position(|row| row.course == course).expect("there");
        assignment.part[at]
    };
    // c4 starts on day 160 and is cut on day 188; c3's labels are known on day 170, c2's on 130.
    assert_eq!(part_of("c4"), Part::Test);
    assert_eq!(part_of("c3"), Part::Validation, "the latest training course");
    assert_eq!(part_of("c2"), Part::Train);
    assert_eq!(assignment.kind, SplitKind::Forecast);
    // Tested on c2 and cut in week 1 (day 87), c1 (known on day 90), c3 and c4 are not known in time.
    let split = Split::Time { test: TestCourses::Named(named(&["c2"])) };
    let assignment =
        assign(&rows, &SplitRequest { split, validation: None, cut_off: cut_off(1), seed: 1 }).expect("possible");
    assert_eq!(assignment.counts()[&Part::Excluded(SplitExclusion::LabelsNotKnownInTime)], 30);
    assert_eq!(assignment.counts()[&Part::Train], 10);
}

#[test]
fn a_split_by_learner_spreads_the_dropouts() {
    let enrolments = separate_courses(1, 300);
    let rows = rows(&enrolments);
    let assignment = assign(&rows, &request(Split::Learner { test_share: 0.2 }, Some(0.25))).expect("possible");
    let test = assignment.rows_of(Part::Test);
    assert_eq!(test.len(), 60);
    assert_eq!(assignment.rows_of(Part::Validation).len(), 60);
    let dropouts = test.iter().filter(|&&row| rows[row].label == Some(true)).count();
    assert!((19..=21).contains(&dropouts), "{dropouts} of 20 expected");
    assert_eq!(assignment.kind, SplitKind::Learner);
}

#[test]
fn seeds_and_repeats_draw_anew() {
    let enrolments = separate_courses(8, 20);
    let rows = rows(&enrolments);
    let part = |seed| {
        let split = Split::Learner { test_share: 0.3 };
        assign(&rows, &SplitRequest { split, validation: None, cut_off: cut_off(4), seed }).expect("possible").part
    };
    assert_eq!(part(1), part(1));
    assert_ne!(part(1), part(2));
    // Courses of different sizes are each alone in their make-up; they too are dealt anew.
    let uneven: Vec<Enrolment> =
        (0..8).flat_map(|course| (0..=course).map(move |at| Enrolment::new(100 * course + at, course, None))).collect();
    let uneven = self::rows(&uneven);
    for (rows, by) in [(&rows, Grouping::Learner), (&uneven, Grouping::Course)] {
        let folds = Folds::new(rows, FoldRequest { folds: 4, repeats: 3, by, seed: 5 }).expect("possible");
        assert_ne!(folds.fold_of(0), folds.fold_of(1), "by {by}");
        assert_ne!(folds.fold_of(1), folds.fold_of(2), "by {by}");
        assert_eq!(folds.fold_of(3), None);
    }
}

#[test]
fn folds_by_course_leave_out_the_test_learners_elsewhere() {
    let mut enrolments = separate_courses(4, 5);
    enrolments.push(Enrolment::new(0, 3, Some(false)));
    let rows = rows(&enrolments);
    let folds =
        Folds::new(&rows, FoldRequest { folds: 4, repeats: 1, by: Grouping::Course, seed: 5 }).expect("possible");
    for fold in 0..4 {
        let validation = Validation { share: 0.3, by: Grouping::Course };
        let assignment = folds.assignment(&rows, 0, fold, Some(validation)).expect("possible");
        assert_disjoint(&rows, &assignment.part);
        assert_eq!(assignment.kind, SplitKind::Transfer);
        let courses: BTreeSet<&str> = assignment.rows_of(Part::Test).into_iter().map(|row| rows[row].course).collect();
        assert_eq!(courses.len(), 1);
    }
}

#[test]
fn fixed_identifiers_and_seed_give_the_parts_they_always_gave() {
    // A run stores its seed, not its parts: were the hash to change, a stored run's test rows would too.
    let enrolments = separate_courses(1, 12);
    let rows = rows(&enrolments);
    let folds =
        Folds::new(&rows, FoldRequest { folds: 3, repeats: 1, by: Grouping::Learner, seed: 42 }).expect("possible");
    assert_eq!(folds.fold_of(0), Some([2, 2, 2, 1, 0, 0, 2, 1, 0, 0, 1, 1].as_slice()));
    let assignment = assign(&rows, &request(Split::Random { test_share: 0.25 }, None)).expect("possible");
    assert_eq!(assignment.rows_of(Part::Test), [3, 4, 10]);
    assert_eq!(assignment.kind, SplitKind::RandomOptimistic);
}

#[test]
fn what_can_not_be_split_is_refused_with_the_reason() {
    let three = separate_courses(3, 6);
    let three = rows(&three);
    let course = |test, train| request(Split::Course { test, train }, None);
    let check = |request: &SplitRequest, expected: &str| {
        let error = assign(&three, request).expect_err(expected).to_string();
        assert!(error.contains(expected), "{error}");
    };
    check(&course(TestCourses::Named(named(&["c9"])), None), "test course c9: the data has c0, c1, c2");
    check(
        &course(TestCourses::Named(named(&["c1"])), Some(named(&["c1", "c0"]))),
        "named for training and for the test",
    );
    check(&course(TestCourses::Share(1.0), None), "the test share is 1");
    check(&course(TestCourses::Named(named(&["c0", "c1", "c2"])), None), "Train part is empty");
    check(&request(Split::Learner { test_share: f64::NAN }, None), "the test share is NaN");
    let early = SplitRequest {
        split: Split::Time { test: TestCourses::Named(named(&["c0"])) },
        validation: None,
        cut_off: cut_off(4),
        seed: 0,
    };
    check(&early, "the first are known on day 18090");
    let single = separate_courses(1, 6);
    let single = rows(&single);
    let by_course = assign(&single, &course(TestCourses::Share(0.5), None));
    assert_eq!(by_course, Err(SplitError::TooFewCourses { part: "test", courses: 1 }));
    let by_time = assign(&single, &request(Split::Time { test: TestCourses::Share(0.5) }, None));
    assert_eq!(by_time, Err(SplitError::NoLaterCourse));
    let twice = [single[0], single[0]];
    assert!(matches!(
        assign(&twice, &course(TestCourses::Share(0.5), None)),
        Err(SplitError::RepeatedEnrolment { .. })
    ));
    assert_eq!(assign(&[], &course(TestCourses::Share(0.5), None)), Err(SplitError::NoRows));
    let undated = [SplitRow { course_start_day: None, ..single[0] }, single[1]];
    let missing = assign(&undated, &request(Split::Time { test: TestCourses::Share(0.5) }, None));
    assert_eq!(missing, Err(SplitError::MissingDays { courses: vec!["c0".to_owned()] }));
}

#[test]
fn folds_that_make_no_sense_are_refused() {
    let enrolments = separate_courses(2, 3);
    let rows = rows(&enrolments);
    let folds = |folds, repeats| Folds::new(&rows, FoldRequest { folds, repeats, by: Grouping::Learner, seed: 0 });
    assert_eq!(folds(1, 1), Err(SplitError::FoldCount { folds: 1, groups: 6, unit: Grouping::Learner }));
    assert_eq!(folds(7, 1), Err(SplitError::FoldCount { folds: 7, groups: 6, unit: Grouping::Learner }));
    assert_eq!(folds(2, 0), Err(SplitError::NoRepeats));
    let made = folds(2, 1).expect("possible");
    assert!(matches!(made.assignment(&rows, 0, 2, None), Err(SplitError::NoSuchFold { fold: 2, .. })));
    assert_eq!(made.assignment(&rows[1..], 0, 0, None), Err(SplitError::OtherRows { expected: 6, found: 5 }));
}

#[test]
fn a_request_survives_being_stored() {
    let request = request(Split::Time { test: TestCourses::Named(named(&["c0"])) }, Some(0.1));
    let stored = serde_json::to_string(&request).expect("JSON");
    assert_eq!(serde_json::from_str::<SplitRequest>(&stored).expect("JSON"), request);
    assert_eq!(serde_json::to_string(&SplitKind::RandomOptimistic).expect("JSON"), "\"random-optimistic\"");
}
