//! The arguments of `staycast tune`.

use std::path::PathBuf;

use clap::Args;
use staycast_forecast::ModelKind;
use staycast_forecast::config::Config;
use staycast_forecast::device::DeviceChoice;

use crate::status::usage_from;
use crate::{course_names, devices};

/// Search for better settings
///
/// Draws settings from a documented space and tries all of them on a small budget. The better third goes on with three
/// times as much, and so on (successive halving). The given configuration is in every rung, and beside the best in the
/// last.
///
/// Trials are compared by the AUC of rows that their members held out of the training set. They are compared within a
/// rung, where rows and budget are the same. The test part is not looked at. Called again after a kill, it goes on where it was. All trials are in trials.jsonl, and the best settings in
/// best.toml.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  staycast tune sequences --out tuning
  staycast tune sequences my.toml --out tuning --trials 54 --model boosting
  staycast train sequences --out run --config tuning/best.toml")]
pub(crate) struct TuneArgs {
    /// Folder that `staycast preprocess` wrote
    #[arg(value_name = "SEQUENCES")]
    pub(super) sequences: PathBuf,
    /// Settings to start from, in TOML; if not given, the defaults
    #[arg(value_name = "CONFIG")]
    pub(super) config: Option<PathBuf>,
    /// Folder to write; an interrupted search in it goes on
    #[arg(long, value_name = "DIR")]
    pub(super) out: PathBuf,
    /// Settings to try, the given one included
    #[arg(long, value_name = "N", default_value_t = 27, value_parser = clap::value_parser!(u32).range(2..=10_000))]
    pub(super) trials: u32,
    /// Model whose settings are searched; if not given, the configuration's
    #[arg(long, value_name = "MODEL")]
    pub(super) model: Option<ModelKind>,
    /// Change one setting for all trials; may be repeated
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub(super) settings: Vec<String>,
    /// Seed from which the settings are drawn
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(super) seed: u64,
    /// Print the space that is searched, and stop
    #[arg(long)]
    pub(super) space: bool,
    /// Where to compute
    #[arg(long, value_name = "DEVICE", default_value = "auto", help = devices::HELP)]
    pub(super) device: DeviceChoice,
}

impl TuneArgs {
    /// Returns the configuration that the search starts from.
    pub(super) fn resolve_config(&self) -> anyhow::Result<Config> {
        let mut config = match &self.config {
            Some(path) => Config::load(path).map_err(usage_from)?,
            None => Config::default(),
        };
        for setting in &self.settings {
            config.set(setting).map_err(usage_from)?;
        }
        if let Some(model) = self.model {
            config.model.kind = model;
        }
        course_names::resolve_split(&mut config.split, &self.sequences)?;
        Ok(config)
    }
}
