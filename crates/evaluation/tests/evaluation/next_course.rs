//! Checks what is said of what figures rest on, and of the next course.

use staycast_evaluation::metrics::{Estimate, Ranking, delong_interval, random_effects};
use staycast_evaluation::report::{
    Evaluation, EvaluationRequest, Extras, PredictionRow, Resampling, RestsOn, evaluate,
};
use staycast_evaluation::splits::SplitKind;

use crate::cut_off;
use crate::report::{names, references, row};

fn report(rows: &[PredictionRow], courses: u32, kind: SplitKind, rests_on: Option<RestsOn>) -> Evaluation {
    let request = EvaluationRequest {
        rows,
        week: cut_off(4),
        last_allowed_week: Some(6),
        label_rule: "inactive-last 2",
        kind,
        references: &references(&[1, 2, 3, 4, 5]),
        course_names: &names(courses),
        resampling: Resampling::Off,
        evaluations_of_this_part: None,
        extras: Extras { rests_on, ..Extras::default() },
    };
    evaluate(&request).expect("a report")
}

fn rows(n: u32, courses: u32) -> Vec<PredictionRow> {
    (0..n).map(|at| row(at, courses)).collect()
}

#[test]
fn the_next_course_is_expected_from_the_log_odds_of_each_course() {
    let rows = rows(800, 5);
    let found = report(&rows, 5, SplitKind::Transfer, None).across_courses.all;
    assert_eq!((found.courses, found.without), (5, 0));
    // Each course by itself, with the standard error of DeLong by the delta method.
    let course = |course: u32| {
        let of_course = || rows.iter().filter(move |row| row.course == course);
        let scores: Vec<f64> = of_course().map(|row| row.score).collect();
        let labels: Vec<bool> = of_course().map(|row| row.label == Some(true)).collect();
        let interval = delong_interval(&Ranking::new(&scores, &labels).expect("valid"));
        let (auc, variance) = (interval.auc.value().expect("both"), interval.variance.value().expect("both"));
        Estimate { value: (auc / (1.0 - auc)).ln(), variance: variance / (auc * (1.0 - auc)).powi(2) }
    };
    let expected = random_effects(&(0..5).map(course).collect::<Vec<_>>()).expect("enough");
    let share = |log_odds: f64| 1.0 / (1.0 + (-log_odds).exp());
    let (low, high) = expected.next.expect("three or more");
    for (found, expected) in [
        (found.auc, expected.mean),
        (found.auc_low, expected.interval.0),
        (found.auc_high, expected.interval.1),
        (found.next_low, low),
        (found.next_high, high),
    ] {
        assert!((found.value().expect("a value") - share(expected)).abs() < 1e-9);
    }
    assert!((found.between_courses.value().expect("a value") - expected.between.sqrt()).abs() < 1e-9);
}

#[test]
fn too_few_courses_expect_nothing_and_say_so() {
    let two = report(&rows(400, 2), 2, SplitKind::Forecast, None);
    assert_eq!(two.across_courses.all.next(), None);
    assert_eq!(two.across_courses.all.undefined["next_low"], "fewer than three courses are large enough");
    assert!(two.across_courses.all.auc.value().is_some());
    assert_eq!(
        two.describe_next_course(),
        "What to expect in the next course of this kind can't be told: it takes at least 3 courses with enough learners of \
         each outcome, and there are 2."
    );
    // Five courses, of which none is large enough.
    let small = report(&rows(60, 5), 5, SplitKind::Forecast, None).across_courses.all;
    assert_eq!((small.courses, small.without), (0, 5));
}

#[test]
fn courses_that_were_trained_on_promise_nothing_for_the_next() {
    for kind in [SplitKind::Learner, SplitKind::RandomOptimistic, SplitKind::InSample] {
        let told = report(&rows(800, 5), 5, kind, None).describe_next_course();
        assert!(told.starts_with("What to expect in the next run can't be told"), "{told}");
    }
    let told = report(&rows(800, 5), 5, SplitKind::Transfer, None).describe_next_course();
    let range = "In the next course of this kind expect an AUC of 0.";
    assert!(told.starts_with(range) && told.contains("95% prediction intervals over 5 courses."), "{told}");
}

#[test]
fn one_sentence_says_what_figures_rest_on() {
    let of = |courses, with_a_run_trained_on, kind| RestsOn { courses, with_a_run_trained_on }.sentence(kind);
    for (courses, runs, kind, expected) in [
        (4, 4, SplitKind::Forecast, "4 later runs of courses of which the model saw an earlier one"),
        (1, 1, SplitKind::Forecast, "1 later run of a course of which the model saw an earlier one"),
        (4, 4, SplitKind::Transfer, "4 other runs of courses of which the model saw another one"),
        (1, 0, SplitKind::Transfer, "1 course of which the model saw no run"),
        (
            3,
            2,
            SplitKind::Forecast,
            "2 later runs of courses of which the model saw an earlier one, and on 1 course of which it saw no run",
        ),
        (2, 0, SplitKind::Institution, "2 courses of institutions that the model never saw"),
        (2, 0, SplitKind::Learner, "other learners of 2 courses that the model was trained on"),
        (2, 0, SplitKind::RandomOptimistic, "enrolments drawn at random from 2 courses that the model was trained on"),
        (2, 0, SplitKind::InSample, "the very rows that the model was trained on"),
    ] {
        assert_eq!(of(courses, runs, kind), format!("These figures rest on {expected}."));
    }
    let rests_on = Some(RestsOn { courses: 5, with_a_run_trained_on: 2 });
    let found = report(&rows(800, 5), 5, SplitKind::Transfer, rests_on);
    let json = serde_json::to_value(&found).expect("JSON");
    assert_eq!(json["rests_on"], serde_json::json!({ "courses": 5, "with_a_run_trained_on": 2 }));
    assert!(json["across_courses"]["active"]["next_high"].is_f64(), "{json}");
    assert_eq!(report(&rows(800, 5), 5, SplitKind::Transfer, None).describe_transfer(), "");
}
