#![doc = include_str!("../README.md")]

pub mod calibration;
pub mod figures;
pub mod html;
mod log_odds;
mod markup;
pub mod metrics;
pub mod numbers;
pub mod proxy;
pub mod report;
pub mod splits;
pub mod text;
pub mod threshold;
mod two_parameters;
