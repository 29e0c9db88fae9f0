//! Stored baselines. A model that is not refused forecasts, from inputs that its columns allow, finite numbers at every
//! cut-off that it was fitted for.

use staycast_baselines::{BaselineModel, Forecaster, RAW_FEATURES, RawSeries, WeeklyInputs};

/// Bounds the numbers that a model is asked for: more weeks and columns show nothing new.
const MOST_VALUES: usize = 4096;

/// Reads the input as a model and asks it for forecasts.
pub fn check(input: &[u8]) {
    let Ok(model) = serde_json::from_slice::<BaselineModel>(input) else { return };
    if model.check().is_err() {
        return;
    }
    let (rows, weeks, columns) = (3, model.weeks(), model.columns());
    if rows * weeks * columns.len().max(RAW_FEATURES.len()) > MOST_VALUES {
        return;
    }
    let values: Vec<f32> = (0..rows * weeks * columns.len()).map(|at| ((at * 7 + 3) % 11) as f32 - 5.0).collect();
    let series: Vec<f32> = (0..rows * weeks).map(|at| if at % 4 == 0 { f32::NAN } else { at as f32 }).collect();
    let raw = RAW_FEATURES.map(|name| RawSeries { name, values: &series });
    let inputs =
        WeeklyInputs { rows, weeks, columns, values: &values, raw: &raw, course_weeks: &[weeks as u32, 0, 60] };
    let logits = model.forecast(&inputs).expect("the columns are its own");
    assert_eq!(logits.len(), rows * weeks);
    for (at, logit) in logits.iter().enumerate() {
        assert!(!logit.is_infinite(), "row {} at week {}", at / weeks, at % weeks + 1);
    }
    assert!(logits.iter().any(|logit| logit.is_finite()), "it was fitted somewhere");
}
