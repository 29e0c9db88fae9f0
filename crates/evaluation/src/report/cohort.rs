//! Figures of one cohort.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::metrics::{
    BrierDecomposition, Confusion, Metric, MetricError, Ranking, Recalibration, Undefined, base_rate, binned_figures,
    brier, delong_interval, log_loss,
};

/// Holds one cohort's figures, in the shape of the JSON contract. A metric that is undefined is null, and `undefined` says
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
    /// Slope of the logistic recalibration: 1 is right, below it the probabilities are too extreme (Cox 1958).
    pub calibration_slope: Metric,
    /// Its intercept, fitted along with the slope: 0 is right.
    pub calibration_intercept: Metric,
    /// The intercept with the slope held at 1: above 0 more drop out than forecast, below 0 fewer.
    pub calibration_in_the_large: Metric,
    /// Decomposition of the Brier score; null with it.
    pub brier_decomposition: Option<BrierDecomposition>,
    /// Rows with p at or above it are flagged; null if the forecast has no probabilities.
    pub threshold: Option<f64>,
    /// Counts of flags by outcome at the threshold; null with the threshold.
    pub confusion: Option<Confusion>,
    /// By name, the reason of each metric that is null.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub undefined: BTreeMap<&'static str, &'static str>,
}

/// Holds probabilities and the threshold of the decision made of them.
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
            calibration_slope: not_fitted,
            calibration_intercept: not_fitted,
            calibration_in_the_large: not_fitted,
            brier_decomposition: None,
            threshold: None,
            confusion: None,
            undefined: BTreeMap::new(),
        };
        if let Some(Forecast { probabilities, threshold }) = forecast {
            let confusion = Confusion::at_threshold(probabilities, labels, threshold)?;
            cohort.brier = brier(probabilities, labels)?;
            cohort.log_loss = log_loss(probabilities, labels)?;
            // One sort for all that goes by the order of probabilities.
            let by_probability = Ranking::new(probabilities, labels)?;
            cohort.average_precision = by_probability.average_precision();
            (cohort.ece, cohort.brier_decomposition) = binned_figures(&by_probability);
            let recalibration = Recalibration::from_ranking(&by_probability);
            cohort.calibration_slope = recalibration.slope;
            cohort.calibration_intercept = recalibration.intercept;
            cohort.calibration_in_the_large = recalibration.in_the_large;
            cohort.precision = confusion.precision();
            cohort.recall = confusion.recall();
            cohort.f1 = confusion.f1();
            cohort.mcc = confusion.mcc();
            cohort.threshold = Some(threshold);
            cohort.confusion = Some(confusion);
        }
        cohort.undefined = cohort.reasons();
        Ok(cohort)
    }

    /// Lists every metric by its name in the contract.
    #[must_use]
    pub fn metrics(&self) -> [(&'static str, Metric); 15] {
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
            ("calibration_slope", self.calibration_slope),
            ("calibration_intercept", self.calibration_intercept),
            ("calibration_in_the_large", self.calibration_in_the_large),
        ]
    }

    /// Lists the metrics to be written, in the same order.
    pub(super) fn metrics_mut(&mut self) -> [&mut Metric; 15] {
        [
            &mut self.base_rate,
            &mut self.auc,
            &mut self.auc_low,
            &mut self.auc_high,
            &mut self.average_precision,
            &mut self.precision,
            &mut self.recall,
            &mut self.f1,
            &mut self.mcc,
            &mut self.brier,
            &mut self.log_loss,
            &mut self.ece,
            &mut self.calibration_slope,
            &mut self.calibration_intercept,
            &mut self.calibration_in_the_large,
        ]
    }

    pub(super) fn reasons(&self) -> BTreeMap<&'static str, &'static str> {
        let undefined = self.metrics().into_iter().filter_map(|(name, metric)| Some((name, metric.undefined()?)));
        undefined.map(|(name, undefined)| (name, undefined.reason())).collect()
    }
}
