//! The crate's tests, in one binary so that it links once.

mod calibration;
mod comparison;
mod fairness;
mod figures;
mod html;
mod markup;
mod metrics;
mod probabilities;
mod reference;
mod report;
mod report_reference;
mod report_sections;
mod splits;
mod splits_by_run;
mod splits_in_folds;
mod stability;
mod survival;
mod text;
mod threshold;
