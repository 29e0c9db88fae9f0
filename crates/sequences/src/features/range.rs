//! Bounds the values that features can have, by their units. What lies outside was not computed from any log.

use std::ops::RangeInclusive;

/// Lists the features that are differences, and so may be below 0 though their units count something.
const DIFFERENCES: [&str; 5] = [
    "change_events",
    "engagement_upvotes_given",
    "engagement_downvotes_given",
    "engagement_upvotes_received",
    "engagement_downvotes_received",
];

/// Returns the least and the greatest value that feature `name` can have, of which the unit is `unit`. NaN and the
/// infinite are outside of every range.
pub(crate) fn range_of(name: &str, unit: &str) -> RangeInclusive<f32> {
    if DIFFERENCES.contains(&name) {
        return f32::MIN..=f32::MAX;
    }
    match unit {
        "share, 0 to 1" | "0 or 1" => 0.0..=1.0,
        "-1 to 1" => -1.0..=1.0,
        "day of the course week, 0 to 6" => 0.0..=6.0,
        "days, -30 to 30" => -30.0..=30.0,
        // Above or below the mean.
        "standard deviations" => f32::MIN..=f32::MAX,
        // A platform's points need not lie where they should.
        "points, 0 to 100" => f32::MIN..=f32::MAX,
        _ => 0.0..=f32::MAX,
    }
}

#[cfg(test)]
mod tests {
    use super::super::features;
    use super::*;
    use crate::feature_set::FeatureSet;

    #[test]
    fn differences_are_features_and_others_are_bounded() {
        let all = features(FeatureSet::All);
        for name in DIFFERENCES {
            assert!(all.iter().any(|feature| feature.name == name), "{name}");
        }
        for feature in &all {
            let range = range_of(&feature.name, feature.unit);
            for outside in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
                assert!(!range.contains(&outside), "{}", feature.name);
            }
            let signed = DIFFERENCES.contains(&feature.name.as_str())
                || ["points, 0 to 100", "days, -30 to 30", "standard deviations"].contains(&feature.unit);
            assert_eq!(range.contains(&-2.0), signed, "{}", feature.name);
        }
        assert_eq!(range_of("share_video", "share, 0 to 1"), 0.0..=1.0);
        assert_eq!(range_of("hour_cos", "-1 to 1"), -1.0..=1.0);
    }
}
