#![doc = include_str!("../README.md")]

mod binned;
mod blend;
mod boosting;
mod bounds;
mod config;
mod contributions;
mod cut_off_data;
mod cut_off_fits;
mod cut_off_model;
mod design;
mod error;
mod forust;
mod gram;
mod grow;
mod hazard;
mod histogram;
mod kind;
mod linear;
mod model;
mod newton;
mod pooled;
mod random;
mod search;
mod selection;
mod shared;
mod simd;
mod simple;
mod sound;
mod sound_numbers;
mod tree_data;
mod tree_fits;
mod trees;
mod truncated;
mod weekly;
mod wide;

pub use blend::{Blend, BlendError, BlendPart};
pub use config::{
    BaselineConfig, BoostingConfig, CheckedBaselines, ConfigError, Direction, ForestConfig, HazardConfig, LinearConfig,
    LogisticConfig, Penalty, RulesConfig, TreeConfig,
};
pub use contributions::Contributions;
pub use error::{FitError, ForecastError, InputError, ModelFault, SelectionError};
pub use kind::BaselineKind;
pub use model::{BaselineModel, Coefficients};
pub use selection::{LeftOutGroup, MOST_LOSS, Selection, SelectionRows};
pub use weekly::{Forecaster, RAW_FEATURES, RawSeries, TrainingData, WeeklyInputs};
