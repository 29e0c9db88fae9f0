//! How good a dropout forecast is, said so that it can be believed.
//!
//! | module | answers | made of |
//! |---|---|---|
//! | [`splits`] | who is trained on, who is tested on, and what does that test measure? | enrolments |
//! | [`proxy`] | what may stand for a label that is not known yet? | enrolments of running courses |
//! | [`calibration`] | which probability goes with a score? | validation scores and outcomes |
//! | [`threshold`] | from which probability on is a learner flagged? | validation probabilities and outcomes |
//! | [`metrics`] | how good are scores, probabilities, flags and survival curves, for whom, and how sure is that? | test rows |
//! | [`report`] | all of it, by week and cohort, beside trivial baselines, as JSON; two models compared | prediction rows |
//! | [`text`] | the same for a terminal, in words a tutor understands | a report |
//! | [`html`] | the same as one self-contained page, with a slider and a model card | a report and its curves |
//! | [`figures`] | the page's drawings as SVG | points |
//!
//! # What holds everywhere
//! - **Pure**: no IO, no clock, no unseeded draw, no thread. The caller reads files, runs models and writes reports.
//!   Equal input gives equal bytes, and the order of rows changes no choice and no rank metric (sums of floating
//!   point numbers, such as a Brier score, may differ in the last digit).
//! - **Dropout is the positive class**, scores rise with risk, and a row is flagged when its value is at or above
//!   the threshold.
//! - **Undefined is not zero**: a metric without a value is [`metrics::Metric::Undefined`], null in JSON, with the
//!   reason beside it. A NaN score is an error.
//! - **Ties are ties**: rows with equal scores stand or fall together in every metric, threshold and calibration.
//! - **Nothing is fitted on the test side**: calibrations, thresholds and baselines are fitted by functions of their
//!   own, and a report takes them as they are.
//!
//! # What it does not do
//! It knows no file format and no model.
//!
//! # Who calls it
//! Training (splits, metrics for early stopping, calibration, thresholds, the references a report needs) and the
//! `evaluate` and `demo` subcommands (report, text, html).

pub mod calibration;
pub mod figures;
pub mod html;
mod markup;
pub mod metrics;
mod numbers;
pub mod proxy;
pub mod report;
pub mod splits;
pub mod text;
pub mod threshold;
