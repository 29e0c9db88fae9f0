//! The two cohorts, which the page shows side by side.

use crate::report::ByCohort;

/// Names one of the two cohorts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum WhichCohort {
    All,
    Active,
}

impl WhichCohort {
    /// Lists both, in the order in which the page shows them.
    pub(super) const BOTH: [Self; 2] = [Self::All, Self::Active];

    /// Returns the end of names of figures and classes.
    pub(super) fn key(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Active => "active",
        }
    }

    /// Returns the cohort's name as a heading.
    pub(super) fn heading(self) -> &'static str {
        match self {
            Self::All => "Everyone known by then",
            Self::Active => "Those still active",
        }
    }

    /// Returns the cohort's name inside a sentence.
    pub(super) fn inside(self) -> &'static str {
        match self {
            Self::All => "everyone known by then",
            Self::Active => "those still active",
        }
    }

    /// Picks this cohort's part.
    pub(super) fn pick<T>(self, parts: &ByCohort<T>) -> &T {
        match self {
            Self::All => &parts.all,
            Self::Active => &parts.active,
        }
    }
}
