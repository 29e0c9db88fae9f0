//! A feature whose values are to be read and checked.

use crate::features::ValueRules;

/// Describes a feature that is wanted.
#[derive(Clone, Debug)]
pub(crate) struct WantedFeature {
    pub(crate) name: String,
    /// Values that it can have.
    pub(crate) rules: ValueRules,
    /// Whether the source can know it; otherwise every value is null.
    pub(crate) is_known: bool,
}
