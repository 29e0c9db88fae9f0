//! Agreement with scikit-learn, on cases of `scripts/references/sklearn_baselines.py`.

use std::path::PathBuf;

use serde::Deserialize;
use staycast_baselines::{
    BaselineConfig, BaselineKind, Coefficients, HazardConfig, LinearConfig, LogisticConfig, TrainingData, WeeklyInputs,
};
use staycast_weeks::CutOff;

#[derive(Deserialize)]
struct Fixture {
    cases: Vec<Case>,
    hazard: HazardCase,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    weeks: usize,
    columns: usize,
    penalty: f64,
    values: Vec<f32>,
    labels: Vec<bool>,
    linear: Reference,
    logistic: Reference,
}

#[derive(Deserialize)]
struct Reference {
    intercept: f64,
    weights: Vec<f64>,
}

#[derive(Deserialize)]
struct HazardCase {
    weeks: usize,
    columns: usize,
    cutoff: CutOff,
    penalty: f64,
    baseline_penalty: f64,
    values: Vec<f32>,
    exit_week: Vec<Option<i32>>,
    observed_weeks: Vec<u32>,
    course_weeks: Vec<u32>,
    intercept: f64,
    weights: Vec<f64>,
    hazards: Vec<Vec<f64>>,
}

fn fixture() -> Fixture {
    let folder = PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it"));
    let text = std::fs::read_to_string(folder.join("tests/fixtures/sklearn_baselines.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn names(columns: usize) -> Vec<String> {
    (0..columns).map(|column| format!("x{column}")).collect()
}

fn assert_close(what: &str, found: f64, wanted: f64) {
    assert!((found - wanted).abs() <= 1e-6 * (1.0 + wanted.abs()), "{what}: {found} {wanted}");
}

fn assert_agree(what: &str, found: &Coefficients, intercept: f64, weights: &[f64], columns: &[String]) {
    assert_close(what, found.intercept, intercept);
    assert_eq!(found.weights.len(), weights.len(), "{what}");
    for (at, ((name, weight), wanted)) in found.weights.iter().zip(weights).enumerate() {
        assert_eq!(*name, format!("{}@week {}", columns[at % columns.len()], at / columns.len() + 1), "{what}");
        assert_close(&format!("{what}, {name}"), *weight, *wanted);
    }
}

#[test]
fn linear_and_logistic_coefficients_are_scikit_learns() {
    for case in fixture().cases {
        let rows = case.labels.len();
        let columns = names(case.columns);
        let labels: Vec<Option<bool>> = case.labels.iter().copied().map(Some).collect();
        let ends = vec![case.weeks as u32; rows];
        let inputs = WeeklyInputs {
            rows,
            weeks: case.weeks,
            columns: &columns,
            values: &case.values,
            raw: &[],
            course_weeks: &ends,
        };
        let training = TrainingData {
            inputs,
            rows: &(0..rows).collect::<Vec<_>>(),
            held_out: &[],
            labels: &labels,
            learnable: &vec![true; rows * case.weeks],
            exit_week: &vec![None; rows],
            observed_weeks: &ends,
            seed: 1,
        };
        let config = BaselineConfig {
            linear: LinearConfig { penalties: vec![case.penalty] },
            logistic: LogisticConfig { penalties: vec![case.penalty] },
            ..BaselineConfig::default()
        };
        for (kind, wanted) in [(BaselineKind::Linear, &case.linear), (BaselineKind::Logistic, &case.logistic)] {
            let model = kind.fit(&config.check().unwrap(), &training).unwrap();
            let found = model.coefficients(CutOff::after_weeks(case.weeks as u16).unwrap()).unwrap();
            assert_agree(&format!("{kind}, {}", case.name), &found, wanted.intercept, &wanted.weights, &columns);
        }
    }
}

#[test]
fn hazards_are_those_of_scikit_learns_pooled_regression() {
    let case = fixture().hazard;
    let rows = case.exit_week.len();
    let columns = names(case.columns);
    let labels: Vec<Option<bool>> = case.exit_week.iter().map(|exit| Some(exit.is_some())).collect();
    let inputs = WeeklyInputs {
        rows,
        weeks: case.weeks,
        columns: &columns,
        values: &case.values,
        raw: &[],
        course_weeks: &case.course_weeks,
    };
    let training = TrainingData {
        inputs,
        rows: &(0..rows).collect::<Vec<_>>(),
        held_out: &[],
        labels: &labels,
        learnable: &vec![true; rows * case.weeks],
        exit_week: &case.exit_week,
        observed_weeks: &case.observed_weeks,
        seed: 1,
    };
    let hazard = HazardConfig { penalties: vec![case.penalty], baseline_penalty: case.baseline_penalty };
    let config = BaselineConfig { hazard, ..BaselineConfig::default() };
    let model = BaselineKind::Hazard.fit(&config.check().unwrap(), &training).unwrap();
    let found = model.coefficients(case.cutoff).unwrap();
    assert_agree("hazard", &found, case.intercept, &case.weights, &columns);
    let hazards = model.hazards(&inputs, case.cutoff).unwrap();
    for (row, (found, wanted)) in hazards.iter().zip(&case.hazards).enumerate() {
        assert_eq!(found.len(), wanted.len(), "row {row}");
        for (week, (&found, &wanted)) in found.iter().zip(wanted).enumerate() {
            assert_close(&format!("row {row}, week {week}"), f64::from(found), wanted);
        }
    }
}
