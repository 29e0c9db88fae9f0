//! The crate's tests, in one binary so that it links once.

mod calibration;
mod metrics;
mod reference;
mod report;
mod splits;
mod text;
mod threshold;
