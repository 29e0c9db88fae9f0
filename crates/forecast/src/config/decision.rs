//! The sections `[calibration]` and `[threshold]`: from scores to probabilities, and from these to who is at risk. Both
//! are fitted on held-out predictions of the training set, for every cut-off week by itself.

use serde::{Deserialize, Serialize};
use staycast_evaluation::calibration::CalibrationMethod;
use staycast_evaluation::threshold::ThresholdRule;

use super::error::ConfigError;

/// Holds `[calibration]` as written: how scores become probabilities.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CalibrationConfig {
    /// `platt` (a logistic curve), `isotonic` (a step function) or `none` (the network's own probability).
    pub method: String,
}

impl Default for CalibrationConfig {
    fn default() -> Self {
        Self { method: "platt".to_owned() }
    }
}

impl CalibrationConfig {
    pub(super) fn check(&self) -> Result<CalibrationMethod, ConfigError> {
        match self.method.as_str() {
            "platt" => Ok(CalibrationMethod::Platt),
            "isotonic" => Ok(CalibrationMethod::Isotonic),
            // A network's own probability is the logistic function of its logit.
            "none" => Ok(CalibrationMethod::Logistic),
            _ => Err(ConfigError::invalid("calibration.method", &self.method, "use platt, isotonic or none")),
        }
    }
}

/// Holds `[threshold]` as written: from which probability a learner counts as at risk.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ThresholdConfig {
    /// `f1` (the best), `precision>=x`, `recall>=x`, `top=k` (the k with the highest risk) or `youden`.
    pub rule: String,
}

impl Default for ThresholdConfig {
    fn default() -> Self {
        Self { rule: "f1".to_owned() }
    }
}

impl ThresholdConfig {
    pub(super) fn check(&self) -> Result<ThresholdRule, ConfigError> {
        let problem = "use f1, precision>=x, recall>=x, top=k or youden";
        self.rule.parse().map_err(|_| ConfigError::invalid("threshold.rule", &self.rule, problem))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methods_and_rules_are_read_and_others_refused_by_name() {
        let calibration = |method: &str| CalibrationConfig { method: method.to_owned() }.check();
        assert_eq!(calibration("platt").expect("a method"), CalibrationMethod::Platt);
        assert_eq!(calibration("isotonic").expect("a method"), CalibrationMethod::Isotonic);
        assert_eq!(calibration("none").expect("a method"), CalibrationMethod::Logistic);
        let message = calibration("beta").expect_err("no method").to_string();
        assert_eq!(message, "`calibration.method` = beta: use platt, isotonic or none");

        let threshold = |rule: &str| ThresholdConfig { rule: rule.to_owned() }.check();
        assert_eq!(threshold("f1").expect("a rule"), ThresholdRule::F1);
        assert_eq!(threshold("precision>=0.80").expect("a rule"), ThresholdRule::PrecisionAtLeast(0.8));
        assert_eq!(threshold("top=30").expect("a rule"), ThresholdRule::Top(30));
        let message = threshold("best").expect_err("no rule").to_string();
        assert_eq!(message, "`threshold.rule` = best: use f1, precision>=x, recall>=x, top=k or youden");
    }
}
