#![doc = include_str!("../README.md")]

mod behaviour;
mod chain;
mod checked;
pub mod config;
mod counts;
mod course;
mod damage;
mod digits;
mod engagement;
mod error;
mod event;
mod folder;
mod format;
mod formats;
mod history;
mod learner;
mod period;
mod place;
mod progress;
mod random;
mod ranking;
mod record;
mod run;
mod session;
mod size;

pub use checked::Simulation;
pub use config::SimulatorConfig;
pub use counts::SimulationCounts;
pub use error::{ConfigError, SimulateError};
pub use folder::{SimulatedFolder, SimulationOptions, simulate, simulate_to_folder};
pub use format::SimulatedFormat;
pub use formats::kdd2015::{KDD2015_FILES, Kdd2015Tables};
pub use place::RECORD_FILE;
pub use progress::{Progress, Stage};
pub use record::{LogRecord, PeopleRecord, ReachableAuc, SimulationRecord};
pub use staycast_files::IfExists;
