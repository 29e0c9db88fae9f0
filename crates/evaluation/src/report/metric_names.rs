//! Metrics of a report as readers know them.

/// Returns the name that readers know of a metric with this name in JSON; `None` for ends of intervals, and for figures
/// that pages and terminals do not print.
pub(crate) fn metric_name(json_name: &str) -> Option<&'static str> {
    Some(match json_name {
        "base_rate" => "share of dropouts",
        "auc" => "AUC",
        "average_precision" => "average precision",
        "precision" => "precision",
        "recall" => "recall",
        "f1" => "F1",
        "mcc" => "MCC",
        "brier" => "Brier score",
        "log_loss" => "log loss",
        "ece" => "calibration error",
        "calibration_slope" => "calibration slope",
        "calibration_in_the_large" => "calibration in the large",
        "c_index" => "C-index",
        "c_index_days_since_last" => "C-index of inactivity",
        "integrated_brier" => "integrated Brier score",
        "integrated_brier_kaplan_meier" => "integrated Brier score of the baseline",
        _ => return None,
    })
}
