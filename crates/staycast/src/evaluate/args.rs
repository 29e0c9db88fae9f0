//! The arguments of `staycast evaluate`, and the job that they ask for.

use std::path::PathBuf;

use clap::Args;
use staycast_evaluation::metrics::Capacity;
use staycast_evaluation::report::MinimumSize;
use staycast_forecast::Rows;

use super::job::{CheckLeakage, EvaluateJob};
use crate::forecast_args::ForecastArgs;
use crate::values;

/// Say how good a run's forecast is
///
/// Looks at the run's test part (of a cross-validation: at its out-of-fold predictions), or, on other sequences, at
/// everybody who was not trained on. Reports AUC with its interval, precision, recall, calibration and the rest for all
/// learners known by then and for those still active, beside trivial baselines, at one week and as a curve over all weeks.
/// Each evaluation is recorded in the run, and the report says how many there were.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  staycast evaluate run sequences
  staycast evaluate run sequences --week 2 --json
  staycast evaluate run later-sequences --courses physics-4 --out report")]
pub(crate) struct EvaluateArgs {
    #[command(flatten)]
    forecast: ForecastArgs,
    /// Look at rows that were trained on, too; marks every figure
    #[arg(long)]
    in_sample: bool,
    /// Folder to write report.html, report.json, report.txt, predictions.parquet and figures/*.svg to; earlier ones are
    /// replaced
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Resamples of the bootstrap; 0 for none
    #[arg(long, value_name = "N", default_value_t = 500)]
    resamples: u32,
    /// Static columns to report by, as gender,age_band: figures of each group and how far they are apart; all columns with
    /// at most a dozen values if not given
    #[arg(long, value_name = "A,B", value_delimiter = ',')]
    groups: Vec<String>,
    /// How many learners can be contacted, for precision, recall and lift: numbers or shares, as 50,10%; a list of the usual
    /// ones if not given
    #[arg(long, value_name = "K,S%", value_delimiter = ',', value_parser = values::capacity)]
    capacities: Vec<Capacity>,
    /// Learners that a course or group needs for figures of its own, a fifth of them of each outcome
    #[arg(long, value_name = "N", default_value_t = MinimumSize::default().rows, value_parser = clap::value_parser!(u64).range(10..))]
    minimum_group: u64,
    /// Also say what smoothing the forecasts over weeks would do, the newest week with this weight, above 0 and up to 1
    #[arg(long, value_name = "WEIGHT", value_parser = values::weight)]
    smoothing: Option<f64>,
    /// Test whether the evaluation sees what it should not: the future, the labels, an input that is the answer. Costs
    /// seconds
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
