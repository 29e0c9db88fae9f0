//! Agreement of boosting with LightGBM, on cases of `scripts/references/lightgbm_boosting.py`.

use std::path::PathBuf;

use serde::Deserialize;
use staycast_baselines::{
    BaselineConfig, BaselineKind, BoostingConfig, Direction, Forecaster, TrainingData, WeeklyInputs,
};

#[derive(Deserialize)]
struct Fixture {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    trees: usize,
    learning_rate: f32,
    leaves: usize,
    depth: usize,
    leaf_weight: f32,
    penalty: f32,
    /// Columns with which the forecast may only rise.
    rising: Vec<usize>,
    columns: usize,
    values: Vec<f32>,
    labels: Vec<bool>,
    logits: Vec<f64>,
}

#[test]
fn boosted_trees_forecast_what_lightgbms_do() {
    let folder = PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it"));
    let text = std::fs::read_to_string(folder.join("tests/fixtures/lightgbm_boosting.json")).unwrap();
    for case in serde_json::from_str::<Fixture>(&text).unwrap().cases {
        let columns: Vec<String> = (0..case.columns).map(|column| format!("x{column}")).collect();
        // All rows are held out as well, so that every tree is better than none and all are kept.
        let rows = case.labels.len();
        let values = [&case.values[..]; 2].concat();
        let labels: Vec<Option<bool>> = [&case.labels[..]; 2].concat().into_iter().map(Some).collect();
        let ends = vec![1; 2 * rows];
        let inputs = WeeklyInputs {
            rows: 2 * rows,
            weeks: 1,
            columns: &columns,
            values: &values,
            raw: &[],
            course_weeks: &ends,
        };
        let training = TrainingData {
            inputs,
            rows: &(0..rows).collect::<Vec<_>>(),
            held_out: &(rows..2 * rows).collect::<Vec<_>>(),
            labels: &labels,
            learnable: &vec![true; 2 * rows],
            exit_week: &vec![None; 2 * rows],
            observed_weeks: &ends,
            seed: 1,
        };
        let boosting = BoostingConfig {
            trees: case.trees,
            patience: case.trees,
            learning_rate: case.learning_rate,
            leaves: case.leaves,
            depth: case.depth,
            leaf_weight: case.leaf_weight,
            penalty: case.penalty,
            bins: 255,
            columns_in_tree: 1.0,
            monotone: case.rising.iter().map(|&column| (columns[column].clone(), Direction::Rising)).collect(),
        };
        let config = BaselineConfig { boosting, ..BaselineConfig::default() };
        let model = BaselineKind::Boosting.fit(&config.check().unwrap(), &training).unwrap();
        let found = model.forecast(&inputs).unwrap();
        for (row, (&found, &wanted)) in found.iter().zip(&case.logits).enumerate() {
            assert!((f64::from(found) - wanted).abs() < 1e-5, "{}, row {row}: {found} {wanted}", case.name);
        }
    }
}
