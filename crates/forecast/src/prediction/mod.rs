//! Uses a finished run: forecasts, scores, evaluations with their record, tests for leakage, recalibration.
//!
//! Every function takes the [`Run`](crate::artifact::Run) that it works with. Prediction reads an
//! [artifact](crate::artifact), and recalibration writes one; it knows nothing of training.

mod error;
mod evaluate;
mod evaluations;
mod explanation;
mod folds;
mod forecasts;
mod leakage;
mod predict;
mod prediction_file;
mod predictions;
mod recalibrate;
mod report_context;
mod request;
mod rests_on;
mod row_table;
mod score;
mod score_file;
mod selection;
mod survival_curves;
mod work;

pub use error::PredictionError;
pub use evaluate::{EvaluationOutcome, RepeatedAuc, evaluate, evaluate_predictions};
pub use evaluations::{EvaluationRecord, evaluations, evaluations_in, record_evaluation};
pub use explanation::{
    CourseImportance, Detail, ExplainRequest, Explanation, FEWEST_FOR_REFERENCE, Forecastable, GroupEffect, Importance,
    ImportanceRequest, Reference, Without, explain, forecastable, importance,
};
pub use forecasts::Forecasts;
pub use leakage::{FutureTest, LeakageReport, SUSPICIOUS_AUC, ShuffledLabelsTest, SuspiciousInput, check_leakage};
pub use predict::predictions;
pub use prediction_file::write_predictions;
pub use predictions::Predictions;
pub use recalibrate::{RecalibrateRequest, recalibrate};
pub use request::{EvaluateRequest, Rows};
pub use score::{ScoreRequest, ScoreRow, score, score_folder};
pub use score_file::{SCORE_COLUMNS, write_scores};
pub use selection::week_for;
pub use survival_curves::survival_curves;
pub use work::forecasting_work;
