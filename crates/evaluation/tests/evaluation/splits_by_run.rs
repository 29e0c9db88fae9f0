//! Splits by later run and by institution: what is promised of the test and of the training side.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use staycast_evaluation::splits::{
    Assignment, LaterRuns, Part, Split, SplitError, SplitExclusion, SplitKind, SplitRequest, SplitRow,
    TestInstitutions, Validation, assign,
};

use crate::cut_off;
use crate::splits::{Enrolment, any_enrolments, assert_disjoint, named, request, rows, separate_courses};

fn part_of(rows: &[SplitRow<'_>], assignment: &Assignment, course: &str) -> Part {
    assignment.part[rows.iter().position(|row| row.course == course).expect("there")]
}

fn later_run(test: LaterRuns) -> SplitRequest {
    request(Split::LaterRun { test }, None)
}

fn institution(test: TestInstitutions) -> SplitRequest {
    request(Split::Institution { test }, None)
}

/// Draws enrolments in courses that start `gap` days after one another, runs of so many families in turn.
fn any_runs() -> impl Strategy<Value = Vec<Enrolment>> {
    (any_enrolments(), 1_usize..4, 0_i64..60).prop_map(|(mut enrolments, families, gap)| {
        for enrolment in &mut enrolments {
            let day = enrolment.start_day.expect("given");
            let course = (day - 18_000) / 40;
            enrolment.family = format!("f{}", course as usize % families);
            enrolment.start_day = Some(18_000 + gap * course);
        }
        enrolments
    })
}

/// Lists, by family, the days on which its courses start.
fn starts<'a>(rows: &[SplitRow<'a>]) -> BTreeMap<&'a str, BTreeSet<i64>> {
    let mut starts: BTreeMap<&str, BTreeSet<i64>> = BTreeMap::new();
    for row in rows {
        starts.entry(row.family).or_default().insert(row.course_start_day.expect("given"));
    }
    starts
}

/// Checks that latest runs only are tested, whole, and what is trained on was known by the earliest one's cut-off.
fn assert_later_runs(rows: &[SplitRow<'_>], assignment: &Assignment, cutoff_week: u16) {
    let starts = starts(rows);
    let of_test = |row: &SplitRow<'_>| {
        let days = &starts[row.family];
        days.len() > 1 && days.last().copied() == row.course_start_day
    };
    let tested: BTreeSet<&str> = assignment.rows_of(Part::Test).into_iter().map(|row| rows[row].family).collect();
    let cutoff_day = assignment.rows_of(Part::Test).into_iter().filter_map(|row| rows[row].course_start_day).min();
    let cutoff_day = cutoff_day.expect("never empty") + 7 * i64::from(cutoff_week);
    for (row, part) in rows.iter().zip(&assignment.part) {
        let known = row.labels_known_day.expect("given") <= cutoff_day;
        match part {
            Part::Test => assert!(of_test(row)),
            Part::Excluded(SplitExclusion::LabelsNotKnownInTime) => assert!(!known),
            Part::Excluded(SplitExclusion::CourseNotNamed) => panic!("no course was named"),
            Part::Train | Part::Validation | Part::Excluded(_) => assert!(known),
        }
        assert_eq!(*part == Part::Test, of_test(row) && tested.contains(row.family), "whole latest runs");
    }
    assert_eq!(assignment.kind, SplitKind::Forecast);
    assert_disjoint(rows, &assignment.part);
}

proptest! {
    #[test]
    fn later_runs_are_whole_latest_runs_forecast_from_what_was_known(
        enrolments in any_runs(),
        share in prop::option::of(0.1..0.6),
        validation in prop::option::of(Just(0.3)),
        seed in any::<u64>(),
    ) {
        let rows = rows(&enrolments);
        let split = Split::LaterRun { test: share.map_or(LaterRuns::All, LaterRuns::Share) };
        let validation = validation.map(|share| Validation::like(&split, share));
        let repeated: BTreeSet<&str> =
            starts(&rows).into_iter().filter(|(_, days)| days.len() > 1).map(|(family, _)| family).collect();
        match assign(&rows, &SplitRequest { split, validation, cut_off: cut_off(4), seed }) {
            Ok(assignment) => {
                assert_later_runs(&rows, &assignment, 4);
                let test = assignment.rows_of(Part::Test);
                let tested: BTreeSet<&str> = test.into_iter().map(|row| rows[row].family).collect();
                prop_assert!(tested.is_subset(&repeated) && (share.is_some() || tested == repeated));
            }
            Err(SplitError::NoSecondRun { .. }) => prop_assert!(repeated.is_empty()),
            Err(SplitError::NothingKnownInTime { .. } | SplitError::EmptyPart { .. }) => {}
            Err(SplitError::TooFewCourses { part, .. }) => prop_assert_eq!(part, "validation"),
            Err(other) => prop_assert!(false, "{other}"),
        }
    }

    #[test]
    fn institutions_are_on_one_side_with_all_their_rows(
        enrolments in any_enrolments(),
        share in 0.1..0.6,
        validation in prop::option::of(Just(0.4)),
        seed in any::<u64>(),
    ) {
        let rows = rows(&enrolments);
        let present: BTreeSet<&str> = rows.iter().filter_map(|row| row.institution).collect();
        let split = Split::Institution { test: TestInstitutions::Share(share) };
        let validation = validation.map(|share| Validation::like(&split, share));
        match assign(&rows, &SplitRequest { split, validation, cut_off: cut_off(4), seed }) {
            Ok(assignment) => {
                let at = |part: Part| -> BTreeSet<&str> {
                    assignment.rows_of(part).into_iter().filter_map(|row| rows[row].institution).collect()
                };
                let sides = [at(Part::Train), at(Part::Validation), at(Part::Test)];
                for (row, part) in rows.iter().zip(&assignment.part) {
                    let tested = sides[2].contains(row.institution.expect("given"));
                    prop_assert_eq!(*part == Part::Test, tested);
                }
                prop_assert!(sides[0].is_disjoint(&sides[1]) && sides[0].is_disjoint(&sides[2]));
                prop_assert!(sides[1].is_disjoint(&sides[2]) && sides[1].is_empty() == validation.is_none());
                prop_assert_eq!(assignment.kind, SplitKind::Institution);
                assert_disjoint(&rows, &assignment.part);
            }
            Err(SplitError::TooFewInstitutions { part, institutions }) => {
                prop_assert!(institutions < 2 && (part == "validation" || present.len() < 2));
            }
            Err(SplitError::EmptyPart { .. }) => {}
            Err(other) => prop_assert!(false, "{other}"),
        }
    }
}

#[test]
fn the_latest_run_of_every_family_is_tested_and_single_runs_are_trained_on() {
    // Families f0 (c0, c3), f1 (c1, c4), f2 (c2): c2 starts on day 80 and is known on day 130.
    let enrolments = separate_courses(5, 6);
    let rows = rows(&enrolments);
    let assignment = assign(&rows, &later_run(LaterRuns::All)).expect("possible");
    // The earliest test run is c3, from day 120, cut on day 148.
    let parts = ["c0", "c1", "c2", "c3", "c4"].map(|course| part_of(&rows, &assignment, course));
    assert_eq!(parts, [Part::Train, Part::Train, Part::Train, Part::Test, Part::Test]);
    assert_eq!(assignment.kind, SplitKind::Forecast);
    let words = "the latest runs of 2 families, 2 of them with an earlier run trained on; \
                 1 family with a single run, 1 of them trained on";
    assert!(assignment.description.contains(words), "{}", assignment.description);
    // Cut in week 1, on day 127, c2 is not known yet.
    let early = SplitRequest { cut_off: cut_off(1), ..later_run(LaterRuns::All) };
    let assignment = assign(&rows, &early).expect("possible");
    assert_eq!(part_of(&rows, &assignment, "c2"), Part::Excluded(SplitExclusion::LabelsNotKnownInTime));
    assert!(assignment.description.contains("1 family with a single run, 0 of them trained on"));
    assert!(assignment.description.contains("6 left out because labels were not known before the test cut-off"));
}

#[test]
fn a_share_of_rows_takes_the_runs_that_start_last() {
    let enrolments = separate_courses(6, 10);
    let rows = rows(&enrolments);
    for (share, expected) in
        [(0.05, vec!["c5"]), (0.2, vec!["c5"]), (0.3, vec!["c4", "c5"]), (0.9, vec!["c3", "c4", "c5"])]
    {
        let assignment = assign(&rows, &later_run(LaterRuns::Share(share))).expect("possible");
        let test: BTreeSet<&str> = assignment.rows_of(Part::Test).into_iter().map(|row| rows[row].course).collect();
        assert_eq!(test.into_iter().collect::<Vec<_>>(), expected, "{share}");
    }
}

#[test]
fn named_families_are_tested_by_their_latest_run_alone() {
    let enrolments = separate_courses(7, 6);
    let rows = rows(&enrolments);
    let assignment = assign(&rows, &later_run(LaterRuns::Named(named(&["f1"])))).expect("possible");
    // f1's runs are c1 and c4, and c4 is cut on day 188: c3 is known on day 170, c5 and c6 later.
    let late = Part::Excluded(SplitExclusion::LabelsNotKnownInTime);
    let parts = ["c0", "c1", "c2", "c3", "c4", "c5", "c6"].map(|course| part_of(&rows, &assignment, course));
    assert_eq!(parts, [Part::Train, Part::Train, Part::Train, Part::Train, Part::Test, late, late]);
}

#[test]
fn courses_of_a_family_that_start_on_one_day_are_one_run() {
    let mut enrolments = separate_courses(4, 6);
    for enrolment in &mut enrolments {
        enrolment.family = "f".to_owned();
        // c2 and c3 are two sections of the second run; c1 is of the first, with c0.
        let late = enrolment.start_day >= Some(18_080);
        enrolment.start_day = Some(if late { 18_200 } else { 18_000 });
    }
    let runs = rows(&enrolments);
    let assignment = assign(&runs, &later_run(LaterRuns::All)).expect("possible");
    let parts = ["c0", "c1", "c2", "c3"].map(|course| part_of(&runs, &assignment, course));
    assert_eq!(parts, [Part::Train, Part::Train, Part::Test, Part::Test]);
    for enrolment in &mut enrolments {
        enrolment.start_day = Some(18_000);
    }
    let refused = assign(&rows(&enrolments), &later_run(LaterRuns::All));
    assert_eq!(refused, Err(SplitError::NoSecondRun { courses: 4, families: 1 }));
}

#[test]
fn a_learner_who_takes_the_course_again_is_not_trained_on() {
    let mut enrolments = separate_courses(4, 6);
    enrolments.push(Enrolment::new(0, 3, Some(true)));
    let rows = rows(&enrolments);
    let assignment = assign(&rows, &later_run(LaterRuns::All)).expect("possible");
    assert_eq!(assignment.part[0], Part::Excluded(SplitExclusion::LearnerOnTestSide));
    assert_eq!(assignment.counts()[&Part::Train], 17);
}

#[test]
fn later_runs_that_can_not_be_told_are_refused_with_the_reason() {
    let enrolments = separate_courses(4, 6);
    let four = rows(&enrolments);
    let check = |rows: &[SplitRow<'_>], test: LaterRuns, expected: &str| {
        let error = assign(rows, &later_run(test)).expect_err(expected).to_string();
        assert!(error.contains(expected), "{error}");
    };
    check(&four, LaterRuns::Named(named(&["f7"])), "no course is a run of f7: the data has the families f0, f1, f2");
    check(&four, LaterRuns::Named(named(&[])), "the data has the families f0, f1, f2");
    check(&four, LaterRuns::Named(named(&["f0", "f1"])), "f1 has a single run");
    check(&four, LaterRuns::Share(0.0), "the test share is 0");
    let apart: Vec<SplitRow<'_>> = four.iter().map(|row| SplitRow { family: row.course, ..*row }).collect();
    check(&apart, LaterRuns::All, "4 courses are of 4 families");
    check(&apart, LaterRuns::All, "differ only in what follows the last separator (BBB-2013B and BBB-2014J of BBB)");
    let mut mixed = four.clone();
    mixed[1].family = "f1";
    check(&mixed, LaterRuns::All, "course \"c0\" has rows of several families (f0, f1)");
    let mut undated = four.clone();
    undated[0].labels_known_day = None;
    check(
        &undated,
        LaterRuns::All,
        "later run needs the start and the day labels are known of every course; missing for c0",
    );
    let early = SplitRequest { cut_off: cut_off(1), ..later_run(LaterRuns::All) };
    let soon: Vec<SplitRow<'_>> = four.iter().map(|row| SplitRow { labels_known_day: Some(18_128), ..*row }).collect();
    assert_eq!(
        assign(&soon, &early),
        Err(SplitError::NothingKnownInTime { cutoff_day: 18_127, first_known_day: 18_128 })
    );
}

#[test]
fn named_institutions_are_the_test() {
    let enrolments = separate_courses(6, 5);
    let rows = rows(&enrolments);
    let assignment = assign(&rows, &institution(TestInstitutions::Named(named(&["i1"])))).expect("possible");
    let parts = ["c0", "c1", "c2", "c3", "c4", "c5"].map(|course| part_of(&rows, &assignment, course));
    assert_eq!(parts, [Part::Train, Part::Train, Part::Test, Part::Test, Part::Train, Part::Train]);
    assert_eq!(assignment.kind, SplitKind::Institution);
    assert!(assignment.description.contains("kind institution"));
    assert!(assignment.description.contains("tested at 1 institution, trained at 2 others"));
    assert!(assignment.kind.meaning().contains("transfer to another institution"));
}

#[test]
fn a_learner_of_two_institutions_is_not_trained_on() {
    let mut enrolments = separate_courses(4, 5);
    enrolments.push(Enrolment::new(0, 3, None));
    let rows = rows(&enrolments);
    let assignment = assign(&rows, &institution(TestInstitutions::Named(named(&["i1"])))).expect("possible");
    assert_eq!(assignment.part[0], Part::Excluded(SplitExclusion::LearnerOnTestSide));
    assert_eq!(assignment.counts()[&Part::Test], 11);
}

#[test]
fn a_drawn_share_of_institutions_is_near_what_was_asked_and_differs_by_seed() {
    let enrolments = separate_courses(20, 6);
    let rows = rows(&enrolments);
    let drawn = |seed| {
        let request = SplitRequest { seed, ..institution(TestInstitutions::Share(0.3)) };
        assign(&rows, &request).expect("possible").rows_of(Part::Test)
    };
    assert_eq!(drawn(1).len(), 36, "three of ten institutions of twelve enrolments");
    assert_ne!(drawn(1), drawn(2));
}

#[test]
fn institutions_that_can_not_be_split_are_refused_with_the_reason() {
    let enrolments = separate_courses(4, 6);
    let two = rows(&enrolments);
    let check = |rows: &[SplitRow<'_>], test: TestInstitutions, expected: &str| {
        let error = assign(rows, &institution(test)).expect_err(expected).to_string();
        assert!(error.contains(expected), "{error}");
    };
    let share = TestInstitutions::Share(0.3);
    check(&two, TestInstitutions::Named(named(&["i5"])), "test institution(s) i5: the data has i0, i1");
    check(&two, TestInstitutions::Named(named(&[])), "the data has i0, i1");
    check(&two, TestInstitutions::Named(named(&["i0", "i1"])), "Train part is empty");
    check(&two, TestInstitutions::Share(1.0), "the test share is 1");
    let one = &two[..12];
    check(one, share.clone(), "there is only 1 institution to take it from");
    check(one, TestInstitutions::Named(named(&["i0"])), "there is only 1 institution to take it from");
    let mut some = two.clone();
    some[3].institution = None;
    check(&some, share.clone(), "1 of 24 enrolments are of no known institution");
    let validated = request(Split::Institution { test: share }, Some(0.3));
    assert_eq!(assign(&two, &validated), Err(SplitError::TooFewInstitutions { part: "validation", institutions: 1 }));
}

#[test]
fn requests_by_run_and_institution_are_stored_under_their_names() {
    for (split, expected) in [
        (Split::LaterRun { test: LaterRuns::All }, r#"{"by":"later-run","test":"all"}"#),
        (Split::LaterRun { test: LaterRuns::Share(0.25) }, r#"{"by":"later-run","test":{"share":0.25}}"#),
        (
            Split::Institution { test: TestInstitutions::Named(named(&["north"])) },
            r#"{"by":"institution","test":{"named":["north"]}}"#,
        ),
    ] {
        let stored = serde_json::to_string(&split).expect("JSON");
        assert_eq!(stored, expected);
        assert_eq!(serde_json::from_str::<Split>(&stored).expect("JSON"), split);
    }
    assert_eq!(serde_json::to_string(&SplitKind::Institution).expect("JSON"), "\"institution\"");
}
