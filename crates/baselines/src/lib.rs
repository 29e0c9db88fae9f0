#![doc = include_str!("../README.md")]

mod blend;
mod boosting;
mod config;
mod cut_off_data;
mod design;
mod error;
mod hazard;
mod kind;
mod linear;
mod model;
mod newton;
mod random;
mod simple;
mod sound;
mod sound_numbers;
mod trees;
mod weekly;

pub use blend::{Blend, BlendError, BlendPart};
pub use config::{
    BaselineConfig, BoostingConfig, CheckedBaselines, ConfigError, Direction, ForestConfig, HazardConfig, LinearConfig,
    LogisticConfig, Penalty, RulesConfig, TreeConfig,
};
pub use error::{FitError, ForecastError, InputError, ModelFault};
pub use kind::BaselineKind;
pub use model::{BaselineModel, Coefficients};
pub use weekly::{Forecaster, RAW_FEATURES, RawSeries, TrainingData, WeeklyInputs};
