//! One cohort's figures.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::metrics::{
    Confusion, Metric, MetricError, Ranking, Undefined, base_rate, brier, delong_interval, expected_calibration_error,
    log_loss,
};

/// One cohort's figures, in the shape of the JSON contract. A metric that is undefined is null, and `undefined` says
/// why under the metric's name.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Cohort {
    /// Rows.
    pub n: u64,
    /// Rows that dropped out.
    pub positives: u64,
    /// positives / n.
    pub base_rate: Metric,
    /// Area under the ROC curve of the scores before calibration, exact with ties.
    pub auc: Metric,
    /// Lower end of DeLong's 95 % interval.
    pub auc_low: Metric,
    /// Upper end of DeLong's 95 % interval.
    pub auc_high: Metric,
    /// Average precision of the probabilities.
    pub average_precision: Metric,
    /// Of those flagged, the share that dropped out.
    pub precision: Metric,
    /// Of those who dropped out, the share flagged.
    pub recall: Metric,
    /// Harmonic mean of precision and recall.
    pub f1: Metric,
    /// Matthews' correlation coefficient.
    pub mcc: Metric,
    /// Mean squared error of the probabilities.
    pub brier: Metric,
    /// Mean negative log probability of what happened, in nats.
    pub log_loss: Metric,
    /// Expected calibration error over 15 bins of equal count.
    pub ece: Metric,
    /// Rows with p at or above it are flagged; null if the forecast has no probabilities.
    pub threshold: Option<f64>,
    /// What the threshold gets right and wrong; null with the threshold.
    pub confusion: Option<Confusion>,
    /// Why each null metric is null.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub undefined: BTreeMap<&'static str, &'static str>,
}

/// Probabilities and the decision made of them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Forecast<'a> {
    pub(super) probabilities: &'a [f64],
    pub(super) threshold: f64,
}

impl Cohort {
    /// Measures a cohort; `None` for the forecast if no probabilities could be made of the scores.
    pub(super) fn measure(
        labels: &[bool],
        scores: &[f64],
        forecast: Option<Forecast<'_>>,
    ) -> Result<Self, MetricError> {
        let ranking = Ranking::new(scores, labels)?;
        let interval = delong_interval(&ranking);
        let not_fitted = Metric::Undefined(Undefined::NotFitted);
        let mut cohort = Self {
            n: ranking.positives() + ranking.negatives(),
            positives: ranking.positives(),
            base_rate: base_rate(labels),
            auc: interval.auc,
            auc_low: interval.low,
            auc_high: interval.high,
            average_precision: not_fitted,
            precision: not_fitted,
            recall: not_fitted,
            f1: not_fitted,
            mcc: not_fitted,
            brier: not_fitted,
            log_loss: not_fitted,
            ece: not_fitted,
            threshold: None,
            confusion: None,
            undefined: BTreeMap::new(),
        };
        if let Some(Forecast { probabilities, threshold }) = forecast {
            let confusion = Confusion::at_threshold(probabilities, labels, threshold)?;
            cohort.average_precision = Ranking::new(probabilities, labels)?.average_precision();
            cohort.precision = confusion.precision();
            cohort.recall = confusion.recall();
            cohort.f1 = confusion.f1();
            cohort.mcc = confusion.mcc();
            cohort.brier = brier(probabilities, labels)?;
            cohort.log_loss = log_loss(probabilities, labels)?;
            cohort.ece = expected_calibration_error(probabilities, labels)?;
            cohort.threshold = Some(threshold);
            cohort.confusion = Some(confusion);
        }
        cohort.undefined = cohort.reasons();
        Ok(cohort)
    }

    /// Every metric by its name in the contract.
    #[must_use]
    pub fn metrics(&self) -> [(&'static str, Metric); 12] {
        [
            ("base_rate", self.base_rate),
            ("auc", self.auc),
            ("auc_low", self.auc_low),
            ("auc_high", self.auc_high),
            ("average_precision", self.average_precision),
            ("precision", self.precision),
            ("recall", self.recall),
            ("f1", self.f1),
            ("mcc", self.mcc),
            ("brier", self.brier),
            ("log_loss", self.log_loss),
            ("ece", self.ece),
        ]
    }

    fn reasons(&self) -> BTreeMap<&'static str, &'static str> {
        let undefined = self.metrics().into_iter().filter_map(|(name, metric)| Some((name, metric.undefined()?)));
        undefined.map(|(name, undefined)| (name, undefined.reason())).collect()
    }
}
