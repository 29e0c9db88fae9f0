//! Values for both cohorts.

use serde::Serialize;

/// Holds a value for each of the two cohorts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct ByCohort<T> {
    /// Enrolments known by the cut-off.
    pub all: T,
    /// Those of them who have not left yet.
    pub active: T,
}
