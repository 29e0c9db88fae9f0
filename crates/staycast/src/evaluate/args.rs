//! The arguments of `staycast evaluate`, and the job that they ask for.

use std::path::PathBuf;

use clap::Args;
use staycast_evaluation::metrics::Capacity;
use staycast_evaluation::report::MinimumSize;
use staycast_forecast::Rows;

use super::job::{CheckLeakage, EvaluateJob};
use crate::forecast_args::ForecastArgs;
use crate::values;

/// Measure how good a run's forecast is
///
/// Measures the forecast on the run's test part or, of a cross-validation, on its out-of-fold predictions. On other
/// sequences it takes everybody whom the run was not trained on.
///
/// Reports AUC with its interval, precision, recall, calibration and more, beside trivial baselines. Figures are given
/// for all learners known by then and for those still active, at one week and week by week. Each evaluation is recorded
/// in the run, and the report says how many there were.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  staycast evaluate run sequences
  staycast evaluate run sequences --week 2 --json
  staycast evaluate run later-sequences --courses physics-4 --out report")]
pub(crate) struct EvaluateArgs {
    #[command(flatten)]
    forecast: ForecastArgs,
    /// Evaluate rows that were trained on, too; marks every figure
    #[arg(long)]
    in_sample: bool,
    /// Folder to write the report to; an older report there is replaced as a whole
    ///
    /// Writes report.html, report.json, report.txt, predictions.parquet and figures/*.svg.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Resamples of the bootstrap, which gives the intervals; 0 for none
    #[arg(long, value_name = "N", default_value_t = 500)]
    resamples: u32,
    /// Report by these static columns, as gender,age_band
    ///
    /// Gives figures of each group, and how far they are apart. If not given: all columns with at most a dozen values.
    #[arg(long, value_name = "A,B", value_delimiter = ',')]
    groups: Vec<String>,
    /// Report precision, recall and lift where so many learners can be contacted
    ///
    /// Numbers or shares, as 50,10%. If not given: a list of usual ones.
    #[arg(long, value_name = "K,S%", value_delimiter = ',', value_parser = values::capacity)]
    capacities: Vec<Capacity>,
    /// Learners that a course or group needs for figures of its own, a fifth of them of each outcome
    #[arg(long, value_name = "N", default_value_t = MinimumSize::default().rows, value_parser = clap::value_parser!(u64).range(10..))]
    minimum_group: u64,
    /// Report, too, what smoothing the forecasts over weeks would do
    ///
    /// The newest week has this weight, above 0 and up to 1.
    #[arg(long, value_name = "WEIGHT", value_parser = values::weight)]
    smoothing: Option<f64>,
    /// Test whether the evaluation sees the future, the labels, or an input that is the answer
    ///
    /// Costs seconds.
    #[arg(long, value_enum, default_value_t = CheckLeakage::Always, value_name = "WHEN")]
    check_leakage: CheckLeakage,
}

impl EvaluateArgs {
    pub(super) fn resolve(&self) -> EvaluateJob {
        EvaluateJob {
            forecast: self.forecast.resolve(),
            rows: if self.in_sample { Rows::InSample } else { Rows::Unseen },
            out: self.out.clone(),
            resamples: self.resamples,
            groups: (!self.groups.is_empty()).then(|| self.groups.clone()),
            smoothing: self.smoothing,
            capacities: self.capacities.clone(),
            minimum_group: self.minimum_group,
            check_leakage: self.check_leakage,
        }
    }
}
