//! The report: the contract's shape, the cohorts, what is left out, and baselines that are not fitted on test rows.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use staycast_evaluation::calibration::Calibration;
use staycast_evaluation::metrics::{Metric, Ranking};
use staycast_evaluation::report::{
    BaselineError, DAYS_SINCE_LAST, EVERYONE_DROPS, Evaluation, EvaluationRequest, Exclusion, Extras, PredictionRow,
    RecencyBaseline, ReportError, ResampledUnit, Resampling, WeekReference, WeekRefusal, evaluate, plots,
};
use staycast_evaluation::splits::SplitKind;
use staycast_evaluation::threshold::ThresholdRule;
use staycast_weeks::CutOff;

use crate::cut_off;

const COHORT_KEYS: [&str; 20] = [
    "n",
    "positives",
    "base_rate",
    "auc",
    "auc_low",
    "auc_high",
    "average_precision",
    "precision",
    "recall",
    "f1",
    "mcc",
    "brier",
    "log_loss",
    "ece",
    "calibration_slope",
    "calibration_intercept",
    "calibration_in_the_large",
    "brier_decomposition",
    "threshold",
    "confusion",
];

/// Returns a scored row of week 4; the score says something of the label, and every sixth row is inactive for long.
pub(crate) fn row(at: u32, courses: u32) -> PredictionRow {
    let label = at % 7 < 3;
    let noise = f64::from(at * 37 % 50) / 25.0;
    let score = noise + if label { 0.6 } else { -0.6 };
    let inactive = at.is_multiple_of(6);
    PredictionRow {
        enrolment: at,
        course: at % courses,
        learner: at / 2,
        week: cut_off(4),
        score,
        p: 1.0 / (1.0 + (0.8 - score).exp()),
        label: Some(label),
        known: true,
        active: !inactive,
        days_since_last: if at.is_multiple_of(12) { None } else { Some(if inactive { 20.0 } else { noise * 6.0 }) },
        exclusion: None,
    }
}

pub(crate) fn references(weeks: &[u16]) -> BTreeMap<CutOff, WeekReference> {
    let recency = RecencyBaseline {
        calibration: Calibration::Platt { slope: 0.1, intercept: -1.0 },
        threshold: 0.5,
        never_active_days: 29.0,
    };
    let reference = WeekReference { threshold: 0.5, training_base_rate: 0.4, recency: Some(recency) };
    weeks.iter().map(|&week| (cut_off(week), reference.clone())).collect()
}

pub(crate) fn names(courses: u32) -> Vec<String> {
    (0..courses).map(|course| format!("course-{course}")).collect()
}

pub(crate) fn report_of(rows: &[PredictionRow], courses: u32, weeks: &[u16]) -> Result<Evaluation, ReportError> {
    evaluate(&EvaluationRequest {
        rows,
        week: cut_off(4),
        last_allowed_week: Some(6),
        label_rule: "inactive-last 2",
        kind: SplitKind::Transfer,
        references: &references(weeks),
        course_names: &names(courses),
        resampling: Resampling::Resamples { count: 200, seed: 9 },
        evaluations_of_this_part: None,
        extras: Extras::default(),
    })
}

fn keys(value: &Value) -> BTreeSet<&str> {
    value.as_object().expect("an object").keys().map(String::as_str).collect()
}

#[test]
fn the_json_has_the_shape_of_the_contract() {
    let mut rows: Vec<PredictionRow> = (0..200).map(|at| row(at, 3)).collect();
    rows.extend((0..200).map(|at| PredictionRow { week: cut_off(2), ..row(at, 3) }));
    let json = serde_json::to_value(report_of(&rows, 3, &[2, 4]).expect("valid")).expect("JSON");
    for key in ["week", "label_rule", "kind", "cohorts", "weeks", "excluded", "baselines"] {
        assert!(json.get(key).is_some(), "{key} is missing");
    }
    assert_eq!(json["week"], 4);
    assert_eq!(json["kind"], "transfer");
    assert_eq!(json["label_rule"], "inactive-last 2");
    assert_eq!(json["excluded"], serde_json::json!({}));
    let weeks = json["weeks"].as_array().expect("an array");
    assert_eq!(weeks.iter().map(|week| week["week"].as_u64()).collect::<Vec<_>>(), [Some(2), Some(4)]);
    assert_eq!(weeks[1]["cohorts"], json["cohorts"]);
    assert_eq!(weeks[1]["baselines"], json["baselines"]);
    let mut cohorts = vec![&json["cohorts"]];
    cohorts.extend([EVERYONE_DROPS, DAYS_SINCE_LAST].map(|name| &json["baselines"][name]));
    cohorts.extend([&weeks[0]["cohorts"], &weeks[0]["baselines"][DAYS_SINCE_LAST], &json["courses"][0]["cohorts"]]);
    for by_cohort in cohorts {
        assert_eq!(keys(by_cohort), BTreeSet::from(["all", "active"]));
        for cohort in [&by_cohort["all"], &by_cohort["active"]] {
            let mut found = keys(cohort);
            let explained = found.remove("undefined");
            assert_eq!(found, BTreeSet::from(COHORT_KEYS));
            assert_eq!(explained, COHORT_KEYS.iter().any(|&key| cohort[key].is_null()));
            assert_eq!(keys(&cohort["confusion"]), BTreeSet::from(["tp", "fp", "tn", "fn"]));
        }
    }
}

#[test]
fn figures_are_those_of_the_metrics_on_the_cohorts_rows() {
    let rows: Vec<PredictionRow> = (0..200).map(|at| row(at, 3)).collect();
    let report = report_of(&rows, 3, &[4]).expect("valid");
    for (cohort, active_only) in [(&report.cohorts.all, false), (&report.cohorts.active, true)] {
        let inside: Vec<&PredictionRow> = rows.iter().filter(|row| row.active || !active_only).collect();
        let labels: Vec<bool> = inside.iter().map(|row| row.label == Some(true)).collect();
        let scores: Vec<f64> = inside.iter().map(|row| row.score).collect();
        assert_eq!(cohort.n, inside.len() as u64);
        assert_eq!(cohort.auc, Ranking::new(&scores, &labels).expect("valid").auc());
        let counts = cohort.confusion.expect("a threshold");
        let flagged = inside.iter().filter(|row| row.p >= 0.5).count() as u64;
        assert_eq!((counts.flagged(), counts.total()), (flagged, cohort.n));
    }
    assert_eq!(report.cohorts.active.n, 200 - 34);
}

#[test]
fn the_auc_is_taken_before_calibration() {
    // Calibration ties every row; the scores still tell them apart.
    let rows: Vec<PredictionRow> = (0..60).map(|at| PredictionRow { p: 0.4, ..row(at, 1) }).collect();
    let cohort = report_of(&rows, 1, &[4]).expect("valid").cohorts.all;
    assert!(cohort.auc.value().expect("both classes") > 0.7);
    assert_eq!(cohort.average_precision, cohort.base_rate, "on tied probabilities");
}

#[test]
fn every_row_is_in_the_cohort_or_counted() {
    let mut rows: Vec<PredictionRow> = (0..60).map(|at| row(at, 1)).collect();
    rows[0].known = false;
    rows[1].label = None;
    rows[2] = PredictionRow { exclusion: Some(Exclusion::NotEnoughData), score: f64::NAN, p: f64::NAN, ..rows[2] };
    rows[3] = PredictionRow { known: false, exclusion: Some(Exclusion::CourseNotStarted), ..rows[3] };
    let report = report_of(&rows, 1, &[4]).expect("valid");
    let expected = [
        (Exclusion::NotYetKnown, 1),
        (Exclusion::NotEnoughData, 1),
        (Exclusion::CourseNotStarted, 1),
        (Exclusion::LabelUnknown, 1),
    ];
    assert_eq!(report.excluded, BTreeMap::from(expected));
    assert_eq!(report.cohorts.all.n, 56);
    let json = serde_json::to_value(&report.excluded).expect("JSON");
    assert_eq!(json["not_yet_known"], 1);
}

#[test]
fn undefined_metrics_are_null_with_a_reason() {
    let rows: Vec<PredictionRow> =
        (0..20).map(|at| PredictionRow { label: Some(true), active: false, ..row(at, 1) }).collect();
    let report = report_of(&rows, 1, &[4]).expect("valid");
    let json = serde_json::to_value(&report).expect("JSON");
    let all = &json["cohorts"]["all"];
    assert_eq!(all["auc"], Value::Null);
    assert_eq!(all["undefined"]["auc"], "no negative row (everybody dropped out)");
    assert_eq!(all["base_rate"], 1.0);
    assert!(all["brier"].is_f64());
    let active = &json["cohorts"]["active"];
    assert_eq!(active["n"], 0);
    for key in ["base_rate", "auc", "auc_low", "average_precision", "precision", "recall", "f1", "mcc", "brier", "ece"]
    {
        assert_eq!(active[key], Value::Null, "{key}");
        assert_eq!(active["undefined"][key], "no rows", "{key}");
    }
    assert_eq!(report.bootstrap[0].all.usable, 0);
}

#[test]
fn simple_baselines_have_the_figures_that_follow_from_their_rules() {
    let rows: Vec<PredictionRow> = (0..120).map(|at| row(at, 2)).collect();
    let report = report_of(&rows, 2, &[4]).expect("valid");
    let everyone = &report.baselines[EVERYONE_DROPS].all;
    assert_eq!((everyone.auc, everyone.recall), (Metric::Value(0.5), Metric::Value(1.0)));
    assert_eq!(everyone.precision, everyone.base_rate);
    assert!(everyone.mcc.value().is_none());
    let base = everyone.base_rate.value().expect("rows");
    let expected = base * 0.36 + (1.0 - base) * 0.16;
    assert!((everyone.brier.value().expect("rows") - expected).abs() < 1e-12, "p is the training base rate, 0.4");

    let days = |row: &PredictionRow| row.days_since_last.unwrap_or(1e9);
    let labels: Vec<bool> = rows.iter().map(|row| row.label == Some(true)).collect();
    let by_days = Ranking::new(&rows.iter().map(days).collect::<Vec<_>>(), &labels).expect("valid").auc();
    assert_eq!(report.baselines[DAYS_SINCE_LAST].all.auc, by_days, "never active ranks above every inactivity");
}

#[test]
fn the_recency_baseline_is_fitted_apart_and_survives_storing() {
    let days: Vec<Option<f64>> = (0..80).map(|at| if at % 10 == 9 { None } else { Some(f64::from(at % 10)) }).collect();
    let labels: Vec<bool> = (0..80).map(|at| at % 10 >= 6 || at % 16 == 3).collect();
    let fitted = RecencyBaseline::fit(&days, &labels, cut_off(4), ThresholdRule::F1).expect("both classes");
    assert_eq!(fitted.never_active_days, 29.0, "a day more than four weeks");
    assert!(fitted.probability(None) >= fitted.probability(Some(500.0)));
    assert!(fitted.probability(Some(8.0)) > fitted.probability(Some(1.0)));
    let reference = WeekReference { threshold: 0.1 + 0.2, training_base_rate: 1.0 / 3.0, recency: Some(fitted) };
    let stored = serde_json::to_string(&BTreeMap::from([(cut_off(4), reference.clone())])).expect("JSON");
    let back: BTreeMap<CutOff, WeekReference> = serde_json::from_str(&stored).expect("JSON");
    assert_eq!(back[&cut_off(4)], reference);
    let one_class = RecencyBaseline::fit(&days, &[true; 80], cut_off(4), ThresholdRule::F1);
    assert!(matches!(one_class, Err(BaselineError::Calibration(_))));
}

#[test]
fn without_a_fit_the_recency_baseline_has_ranks_only() {
    let rows: Vec<PredictionRow> = (0..60).map(|at| row(at, 1)).collect();
    let mut references = references(&[4]);
    references.get_mut(&cut_off(4)).expect("there").recency = None;
    let report = evaluate(&EvaluationRequest {
        rows: &rows,
        week: cut_off(4),
        last_allowed_week: None,
        label_rule: "withdrawn",
        kind: SplitKind::Learner,
        references: &references,
        course_names: &names(1),
        resampling: Resampling::Off,
        evaluations_of_this_part: None,
        extras: Extras::default(),
    });
    let json = serde_json::to_value(report.expect("valid")).expect("JSON");
    let cohort = &json["baselines"][DAYS_SINCE_LAST]["all"];
    assert!(cohort["auc"].is_f64());
    assert_eq!(cohort["confusion"], Value::Null);
    assert_eq!(cohort["undefined"]["brier"], "the training set allowed no fit of probabilities");
    assert!(json.get("bootstrap").is_none());
}

#[test]
fn weeks_inside_the_label_window_are_refused() {
    let of_week = |week| (0..30).map(move |at| PredictionRow { week: cut_off(week), ..row(at, 1) });
    let rows: Vec<PredictionRow> = [4, 6, 7, 5].into_iter().flat_map(of_week).collect();
    let report = report_of(&rows, 1, &[4, 6, 7]).expect("valid");
    assert_eq!(report.weeks.iter().map(|week| week.week.weeks()).collect::<Vec<_>>(), [4, 6]);
    let refused = [(cut_off(5), WeekRefusal::NoTrainingReference), (cut_off(7), WeekRefusal::InsideLabelWindow)];
    assert_eq!(report.weeks_refused, BTreeMap::from(refused));
    let asked = |week, last_allowed_week| {
        let references = references(&[4, 6, 7]);
        let names = names(1);
        let request = EvaluationRequest {
            rows: &rows,
            week: cut_off(week),
            last_allowed_week,
            label_rule: "inactive-last 2",
            kind: SplitKind::Transfer,
            references: &references,
            course_names: &names,
            resampling: Resampling::Off,
            evaluations_of_this_part: None,
            extras: Extras::default(),
        };
        assert_eq!(evaluate(&request).err(), plots(&request).err(), "both refuse alike");
        evaluate(&request).err()
    };
    assert_eq!(asked(7, Some(6)), Some(ReportError::WeekInsideLabelWindow { week: cut_off(7), last_allowed_week: 6 }));
    assert_eq!(asked(7, None), None);
    assert_eq!(
        asked(5, None),
        Some(ReportError::NoReference { week: cut_off(5), present: [4, 6, 7].map(cut_off).to_vec() })
    );
    assert_eq!(
        asked(9, None),
        Some(ReportError::NoRowsAtWeek { week: 9, present: [4, 5, 6, 7].map(cut_off).to_vec() })
    );
}

#[test]
fn bad_rows_are_refused_by_number() {
    let refused = |change: fn(&mut PredictionRow)| {
        let mut rows: Vec<PredictionRow> = (0..20).map(|at| row(at, 1)).collect();
        change(&mut rows[7]);
        report_of(&rows, 1, &[4]).expect_err("bad row")
    };
    assert_eq!(refused(|row| row.score = f64::NAN), ReportError::NanScore { row: 7, week: cut_off(4) });
    let p = refused(|row| row.p = 1.1);
    assert_eq!(p, ReportError::NotAProbability { row: 7, week: cut_off(4), value: 1.1 });
    let days = refused(|row| row.days_since_last = Some(-1.0));
    assert_eq!(days, ReportError::DaysOutOfRange { row: 7, week: cut_off(4), value: -1.0 });
    let course = refused(|row| row.course = 3);
    assert_eq!(course, ReportError::UnnamedCourse { row: 7, course: 3, names: 1 });
}

#[test]
fn the_bootstrap_is_seeded_and_by_course_from_ten_courses_on() {
    let rows: Vec<PredictionRow> = (0..400).map(|at| row(at, 12)).collect();
    let report = report_of(&rows, 12, &[4]).expect("valid");
    let units: Vec<ResampledUnit> = report.bootstrap.iter().map(|intervals| intervals.all.unit).collect();
    assert_eq!(units, [ResampledUnit::Learner, ResampledUnit::Course]);
    assert!(report.courses.is_empty());
    let learners = &report.bootstrap[0].all;
    assert_eq!((learners.units, learners.resamples, learners.usable), (200, 200, 200));
    let (low, high) = (learners.auc.low.value().expect("usable"), learners.auc.high.value().expect("usable"));
    let cohort = &report.cohorts.all;
    let auc = cohort.auc.value().expect("both classes");
    assert!(low < auc && auc < high);
    let delong = cohort.auc_high.value().expect("both") - cohort.auc_low.value().expect("both");
    assert!(((high - low) / delong - 1.0).abs() < 0.35, "bootstrap {} against DeLong {delong}", high - low);
    let mut reversed = rows.clone();
    reversed.reverse();
    let again = report_of(&reversed, 12, &[4]).expect("valid");
    assert_eq!(again.bootstrap[0].all.auc, report.bootstrap[0].all.auc, "drawn by learner, not by row");
    assert!(report_of(&rows, 12, &[4]).expect("valid") == report);

    let few = report_of(&(0..90).map(|at| row(at, 9)).collect::<Vec<_>>(), 9, &[4]).expect("valid");
    assert_eq!(few.bootstrap.len(), 1);
    assert_eq!(few.courses.len(), 9);
    assert_eq!(few.courses.iter().map(|course| course.cohorts.all.n).sum::<u64>(), 90);
}
