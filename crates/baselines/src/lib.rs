//! Forecasts to beat: what a new model has to be better than before it is worth its trouble.
//!
//! Eight models read the same weekly inputs as the network and answer the same question, at every cut-off: how likely is
//! it that this enrolment drops out? [`BaselineKind`] names them, [`BaselineKind::fit`] fits one, and what it fits is a
//! [`Model`], a [`Forecaster`] like any other. [`Blend`] mixes several forecasters. Calibration, thresholds and figures
//! are no concern of this crate: logits come out, higher for a likelier dropout.
//!
//! # How they see a course
//! Each model but the two of rules is fitted once for each cut-off k, on weeks 0 to k - 1 laid side by side: the columns
//! are called `n_events@week 2` for the second week. A week's logit rests on the weeks up to it and on nothing later. A
//! cut-off that can't be fitted (one class only, too few rows) is absent: [`Model::absent`] says why, and its logits are
//! NaN. There is no stepping back to an earlier week.
//!
//! # Which library does what, and why
//! - [`BaselineKind::Boosting`] is forust-ml: XGBoost's algorithm on histograms, in Rust. It stops early on held-out rows,
//!   keeps monotone constraints, and grows the same trees on any number of threads. perpetual, which tunes itself, was the
//!   first choice: its releases need a nightly compiler, and how far its trees grow depends on the machine's free memory.
//! - [`BaselineKind::Tree`] and [`BaselineKind::Forest`] are grown by smartcore. Their leaves are then smoothed by
//!   Laplace's rule and kept in a form of our own, so that no logit is infinite and a file can be read by any version.
//! - [`BaselineKind::Linear`], [`BaselineKind::Logistic`] and [`BaselineKind::Hazard`] build the normal equations here, cut
//!   by shape and not by thread, and solve them with smartcore's Cholesky decomposition. smartcore's own logistic
//!   regression ends without saying whether it converged, panics where its line search fails, and runs on one thread.
//!   Coefficients agree with scikit-learn's to 1e-6 (`tests/sklearn.rs`).
//! - [`BaselineKind::DaysSinceLast`], [`BaselineKind::Rules`] and [`Blend`] have a handful of parameters, fitted by the
//!   same Newton steps.
//!
//! # Reproducible
//! The same training data, configuration and seed give the same bytes for any number of threads, and a model read back
//! from JSON forecasts the same bits.

mod blend;
mod boosting;
mod config;
mod design;
mod error;
mod hazard;
mod kind;
mod linear;
mod model;
mod newton;
mod random;
mod simple;
mod trees;
mod weekly;

pub use blend::{Blend, BlendError, Part};

pub use config::{
    BaselineConfig, BoostingConfig, ConfigError, Direction, ForestConfig, HazardConfig, LinearConfig, LogisticConfig,
    RulesConfig, TreeConfig,
};
pub use error::{FitError, ForecastError, InputError};
pub use kind::{BaselineKind, UnknownKind};
pub use model::{Coefficients, Model};
pub use weekly::{Forecaster, RAW, RawSeries, Training, Weekly};
