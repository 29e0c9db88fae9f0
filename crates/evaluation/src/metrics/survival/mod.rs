//! Survival: curves of when learners leave, concordance, and scores of predicted curves, with censoring.
//!
//! Dropout is the event. An observation may also be *censored* (the learner was still there when it stopped) or end by
//! a *competing end* (a Fail: over, but not by leaving). [`KaplanMeier`] counts competing ends as censored, which
//! [`cumulative_incidence`] need not. The metrics of a forecast count them as learners who never drop out, since that is
//! then known (for C: Wolbers, Koller, Witteman & Steyerberg 2009; for the Brier score: Schoop, Beyersmann, Schumacher &
//! Binder 2011).
//!
//! At equal times, dropouts come before competing ends and these before censorings: who was censored at a time was still
//! at risk then. Times are in weeks, from any origin that all rows share.

mod concordance;
mod error;
mod exit;
mod incidence;
mod kaplan_meier;
mod prediction_error;

pub use concordance::{Concordance, concordance};
pub use error::SurvivalError;
pub use exit::{End, ExitTime};
pub use incidence::{IncidencePoint, cumulative_incidence};
pub use kaplan_meier::{KaplanMeier, KaplanMeierPoint};
pub use prediction_error::{PredictionError, brier_curve, integrated_brier};
