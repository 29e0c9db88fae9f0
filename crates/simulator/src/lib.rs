//! Learners who never existed, with a known truth.
//!
//! [`simulate`] writes a clickstream in KDD Cup 2015's, Open edX's or OULAD's layout: courses that start in waves, people
//! with traits that no log shows, weekly engagement that wanes and recovers, and a weekly hazard of leaving that depends on
//! both. Beside it lies the truth: not only who dropped out, but how likely that was at each week's end given the learner's
//! traits and state, so that the best figure any forecast could reach is known; [`Record`] has it.
//!
//! What it does not do: read logs, extract features, or judge forecasts. It is called by `staycast simulate` and
//! `staycast demo`.
//!
//! Layers, each knowing only those before: `random` (streams), `chain` (Markov chains, exact expectations), `course` and
//! `learner` (who and what), `engagement` (the chain of an enrolment), `event`, `session` and `behaviour` (events of a week),
//! `history` (one enrolment), `damage` (broken rows), `formats` (how rows look), `ranking` (what can be reached), `run`
//! (parallel, in order), `size` (how much learners must do), `folder` (files that appear whole).
//!
//! ```no_run
//! use staycast_simulator::{SimulatorConfig, simulate_to_folder};
//!
//! let config = SimulatorConfig { learners: 500, ..SimulatorConfig::default() };
//! let simulated = simulate_to_folder(&config, "simulated".as_ref(), &|_| {})?;
//! println!("{} events, {:.0} % dropped out", simulated.events, 100.0 * simulated.dropout_rate);
//! # Ok::<(), staycast_simulator::SimulateError>(())
//! ```

mod behaviour;
mod chain;
mod check;
pub mod config;
mod counts;
mod course;
mod damage;
mod digits;
mod draft;
mod engagement;
mod error;
mod event;
mod folder;
mod formats;
mod history;
mod learner;
mod random;
mod ranking;
mod record;
mod run;
mod session;
mod size;

pub use check::Simulation;
pub use config::SimulatorConfig;
pub use counts::Counts;
pub use damage::Broken;
pub use error::{ConfigError, SimulateError};
pub use folder::{IfExists, RECORD_FILE, Request, Simulated, simulate, simulate_to_folder};
pub use formats::Format;
pub use formats::kdd2015::{FILE_NAMES, Tables};
pub use ranking::Reachable;
pub use record::{LogRecord, PeopleRecord, ReachableRecord, Record};
pub use run::{Progress, Stage};
