//! Defines the features of an enrolment-week, in the order of the columns. Each is one [`Feature`], in the file of its
//! subject; to add one is to add it there.
//!
//! A feature of week w depends only on what happened before the end of week w (invariant 1). A feature that the source
//! cannot know is a column of nulls, and says so in the manifest.

mod counts;
mod engagement;
mod feature;
mod group;
mod history;
mod needs;
mod objects;
mod preference;
mod rhythm;
mod shares;
mod submissions;
mod values;

use staycast_events::EventKind;

pub(crate) use self::counts::RAW_KIND;
pub use self::feature::Feature;
pub(crate) use self::feature::{Nulls, Storage};
pub use self::group::{FeatureGroup, group_of};
pub(crate) use self::values::{DaysOfWeek, KnownFeatures, ValueRules};
use crate::feature_set::FeatureSet;

/// Lists the features of `set`, in column order.
#[must_use]
pub fn features(set: FeatureSet) -> Vec<Feature> {
    let mut list = counts::features();
    if set == FeatureSet::All {
        list.extend(rhythm::features());
        list.extend(shares::features());
        list.extend(objects::features());
        list.extend(submissions::features());
        list.extend(history::features());
        list.extend(preference::features());
        list.extend(engagement::features());
    }
    list
}

/// Lists the features of `set`, then a count of each of the source's own `kinds`.
pub(crate) fn features_with_kinds(set: FeatureSet, kinds: &[EventKind]) -> Vec<Feature> {
    let mut list = features(set);
    list.extend(counts::raw_kinds(kinds));
    list
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn names_are_distinct_and_core_comes_first() {
        let names = |set| features(set).into_iter().map(|feature| feature.name).collect::<Vec<_>>();
        let (all, core) = (names(FeatureSet::All), names(FeatureSet::Core));
        assert_eq!(all[..core.len()], core[..]);
        assert_eq!(all.iter().collect::<HashSet<_>>().len(), all.len());
        let is_described = |feature: &Feature| !feature.meaning.is_empty() && !feature.unit.is_empty();
        assert!(features(FeatureSet::All).iter().all(is_described));
    }
}
