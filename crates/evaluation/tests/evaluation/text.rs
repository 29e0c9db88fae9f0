//! The terminal report: within its width, in words, and marked where figures flatter.

use std::collections::BTreeMap;

use staycast_evaluation::metrics::survival::{End, ExitTime};
use staycast_evaluation::report::{
    DataQuality, EvaluationRequest, Extras, GroupColumn, PredictionRow, Resampling, evaluate, plots,
};
use staycast_evaluation::splits::SplitKind;
use staycast_evaluation::text::{WIDTH, render};

use crate::cut_off;
use crate::report::{names, references, row};

fn text_of(rows: &[PredictionRow], courses: u32, kind: SplitKind) -> String {
    let references = references(&[1, 2, 3, 4]);
    let names = names(courses);
    let request = EvaluationRequest {
        rows,
        week: cut_off(4),
        last_allowed_week: Some(4),
        label_rule: "no event in the last 2 weeks of the course",
        kind,
        references: &references,
        course_names: &names,
        resampling: Resampling::Resamples { count: 50, seed: 1 },
        evaluations_of_this_part: Some(3),
        extras: Extras::default(),
    };
    let text = render(&evaluate(&request).expect("valid"), &plots(&request).expect("valid"));
    for line in text.lines() {
        assert!(line.chars().count() <= WIDTH, "{} columns: {line}", line.chars().count());
        assert_eq!(line.trim_end(), line, "no blanks at the end of a line");
    }
    text
}

/// Tells whether the text says this, wherever its lines break.
fn says(text: &str, expected: &str) -> bool {
    let flat = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    flat(text).contains(&flat(expected))
}

fn weeks(courses: u32) -> Vec<PredictionRow> {
    (1..=5).flat_map(|week| (0..300).map(move |at| PredictionRow { week: cut_off(week), ..row(at, courses) })).collect()
}

#[test]
fn the_report_explains_itself() {
    let text = text_of(&weeks(3), 3, SplitKind::Transfer);
    for expected in [
        "Forecast at the end of week 4",
        "Dropout means: no event in the last 2 weeks of the course.",
        "measures transfer to other courses",
        "has now been evaluated 3 times",
        "inactivity",
        "- Precision: of 100 flagged,",
        "- Recall: of 100 who dropped out,",
        "Drawing 150 learners anew 50 times (all): AUC",
        "course-2",
        "ROC curve",
        "Can the probabilities be taken at their word?",
        "Left out at this week: nobody.",
        "Weeks not reported, since the outcome could already be seen at their cut-off: 5.",
    ] {
        assert!(says(&text, expected), "{expected:?} is not in\n{text}");
    }
    let curve = text.lines().filter(|line| line.trim_start().starts_with(['1', '2', '3', '4']) && line.contains('█'));
    assert_eq!(curve.count(), 4, "one line a week\n{text}");
}

#[test]
fn in_sample_and_optimistic_figures_are_marked() {
    assert!(text_of(&weeks(1), 1, SplitKind::InSample).contains("IN-SAMPLE: tested on"));
    assert!(text_of(&weeks(1), 1, SplitKind::RandomOptimistic).contains("OPTIMISTIC: tested on"));
}

#[test]
fn a_cohort_of_one_class_says_why_there_is_no_auc() {
    let rows: Vec<PredictionRow> =
        (0..40).map(|at| PredictionRow { label: Some(true), known: at != 3, active: false, ..row(at, 1) }).collect();
    let text = text_of(&rows, 1, SplitKind::Forecast);
    for expected in [
        "No AUC, average precision, calibration slope and MCC for everyone known by then: no negative row",
        "Curves, capacities and intervals by drawing anew are left out, since there are too few to conclude: 39 learners",
        "for those still active: no rows.",
        "        1  not yet enrolled or seen at the cut-off",
    ] {
        assert!(says(&text, expected), "{expected:?} is not in\n{text}");
    }
}

#[test]
fn groups_survival_and_data_quality_are_told_where_there_are_any() {
    let rows = weeks(2);
    let references = references(&[1, 2, 3, 4]);
    let names = names(2);
    let groups = [GroupColumn {
        name: "a column with a name that is far too long for a line".to_owned(),
        values: (0..300)
            .map(|at| [Some("x".repeat(80)), Some("few".to_owned()), None][usize::from(at < 9) + at % 2].clone())
            .collect(),
    }];
    let exits: Vec<Option<ExitTime>> = (0..300)
        .map(|at| {
            Some(ExitTime { weeks: 5.0 + f64::from(at % 3), end: [End::Dropout, End::Censored][at as usize % 2] })
        })
        .collect();
    let quality = DataQuality {
        rows_read: 12_345,
        rows_used: 12_000,
        rows_rejected: BTreeMap::from([("no date".to_owned(), 345)]),
        limits: vec!["The calendar was inferred.".to_owned()],
        ..DataQuality::default()
    };
    let request = EvaluationRequest {
        rows: &rows,
        week: cut_off(4),
        last_allowed_week: None,
        label_rule: "withdrawn",
        kind: SplitKind::Forecast,
        references: &references,
        course_names: &names,
        resampling: Resampling::Off,
        evaluations_of_this_part: None,
        extras: Extras { groups: &groups, exits: &exits, data_quality: Some(&quality), ..Extras::default() },
    };
    let text = render(&evaluate(&request).expect("valid"), &plots(&request).expect("valid"));
    assert!(text.lines().all(|line| line.chars().count() <= WIDTH), "{text}");
    for expected in [
        "the 10%",
        "Lift says how many times as many dropouts these are as among learners picked at random.",
        "by a column with …",
        "– too few to conclude: 1 group of 4 learners in all.",
        "No difference between groups is shown: 1 comparison with the largest known group of its column, 4 tests in all",
        "When do they leave?",
        "300 followed",
        "How much scores move: from week to week",
        "Data: of 12,345 rows read, 12,000 were used, 0 set aside and 345 rejected.",
        "- The calendar was inferred.",
    ] {
        assert!(says(&text, expected), "{expected:?} is not in\n{text}");
    }
}
