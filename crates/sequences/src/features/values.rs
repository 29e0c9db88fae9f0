//! Says which values a column of a feature can have. What else is in one was not computed from any log.

use std::ops::RangeInclusive;

use rustc_hash::FxHashMap;

use super::feature::{Feature, Nulls, Storage};
use super::{RAW_KIND, features};
use crate::feature_set::FeatureSet;
use crate::grid::{WEEK_DAYS, WeekGrid};
use crate::manifest::FeatureRecord;

/// Bounds a count of a week, which is 32 bits wide.
const GREATEST_COUNT: f32 = (1_u64 << 32) as f32;
/// Bounds a sum of such counts over all weeks.
const GREATEST_SUM: f32 = (1_u64 << 48) as f32;
/// Bounds the seconds on task that count in a week: its own, and those of a gap that began before it.
const GREATEST_SECONDS: f32 = (WEEK_DAYS * 86_400 + 1_800) as f32;
/// Bounds the days between two instants of which the years have four digits.
const GREATEST_DAYS: f32 = 3_700_000.0;
/// Bounds the entropy of nine shares, in bits: log₂ 9, rounded up.
const GREATEST_ENTROPY: f32 = 3.17;

/// Says which values a column can have.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ValueRules {
    /// The least and the greatest.
    pub(crate) range: RangeInclusive<f32>,
    pub(crate) is_whole: bool,
    /// In which of the weeks that were observed there is none.
    pub(crate) nulls: Nulls,
    pub(crate) days: Option<DaysOfWeek>,
}

/// Says what a column has to do with the days of its week, of which a short week has fewer than seven.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DaysOfWeek {
    /// It counts some of them.
    Count,
    /// It is the number of one, from 0.
    Number,
    /// It is about the one of this number, and null in weeks without it.
    Only(u32),
}

impl ValueRules {
    /// Returns what of the rules holds for folders of earlier versions too: bounds, and not when there is no value.
    pub(crate) fn of_older_versions(self) -> Self {
        Self { nulls: Nulls::Sometimes, days: None, ..self }
    }

    /// Says which values the column has in a week of `week_days` days.
    pub(crate) fn range_in(&self, week_days: u32) -> RangeInclusive<f32> {
        let (least, most) = (*self.range.start(), *self.range.end());
        match self.days {
            Some(DaysOfWeek::Count) => least..=most.min(week_days as f32),
            Some(DaysOfWeek::Number) => least..=most.min(week_days as f32 - 1.0),
            Some(DaysOfWeek::Only(_)) | None => least..=most,
        }
    }

    /// Says what is allowed in a week of `week_days` days, to complete "is not".
    pub(crate) fn allowed(&self, week_days: u32) -> String {
        let range = self.range_in(week_days);
        let what = if self.is_whole { "a whole number" } else { "a number" };
        // Whole numbers in full: of a 32-bit float only the first digits would be shown.
        let shown = |bound: f32| if bound.fract() == 0.0 { format!("{}", f64::from(bound)) } else { bound.to_string() };
        match *range.end() {
            f32::MAX => what.to_owned(),
            most => format!("{what} from {} to {}", shown(*range.start()), shown(most)),
        }
    }
}

/// Holds what is known of features by their names.
pub(crate) struct KnownFeatures(FxHashMap<String, Feature>);

impl KnownFeatures {
    pub(crate) fn new() -> Self {
        Self(features(FeatureSet::All).into_iter().map(|feature| (feature.name.clone(), feature)).collect())
    }

    /// Finds a feature; `None` for one of another version, or of the source's own kinds.
    pub(crate) fn get(&self, name: &str) -> Option<&Feature> {
        self.0.get(name)
    }

    /// Returns the rules for a column that a manifest describes so. What it says of the unit holds only for a feature that
    /// this version does not know.
    pub(crate) fn rules(&self, record: &FeatureRecord) -> ValueRules {
        let name = record.name.as_str();
        match self.get(name) {
            Some(feature) => ValueRules {
                range: range_of(name, feature.unit),
                is_whole: feature.storage == Storage::Int,
                nulls: feature.nulls(),
                days: days_of_week(name),
            },
            None if name.starts_with(RAW_KIND) => {
                ValueRules { range: 0.0..=GREATEST_COUNT, is_whole: true, nulls: Nulls::Never, days: None }
            }
            None => {
                ValueRules { range: range_of(name, &record.unit), is_whole: false, nulls: Nulls::Sometimes, days: None }
            }
        }
    }
}

fn days_of_week(name: &str) -> Option<DaysOfWeek> {
    match name {
        "active_days" => Some(DaysOfWeek::Count),
        "first_active_day" | "last_active_day" => Some(DaysOfWeek::Number),
        _ => name.strip_prefix("n_day_")?.parse().ok().map(DaysOfWeek::Only),
    }
}

/// Returns the least and the greatest value that feature `name` can have, of which the unit is `unit`. NaN and the
/// infinite are outside of every range.
fn range_of(name: &str, unit: &str) -> RangeInclusive<f32> {
    match name {
        "change_events" => -GREATEST_COUNT..=GREATEST_COUNT,
        // Votes that were taken back are taken off.
        "engagement_upvotes_given"
        | "engagement_downvotes_given"
        | "engagement_upvotes_received"
        | "engagement_downvotes_received" => -GREATEST_SUM..=GREATEST_SUM,
        "active_days" | "engagement_days_active" => 0.0..=WEEK_DAYS as f32,
        "total_active_days" => 0.0..=WeekGrid::GREATEST_DAYS as f32,
        "total_events" | "total_sessions" | "total_seconds" => 0.0..=GREATEST_SUM,
        _ => match unit {
            "share, 0 to 1" | "0 or 1" => 0.0..=1.0,
            "-1 to 1" => -1.0..=1.0,
            "day of the course week, 0 to 6" => 0.0..=6.0,
            "days, -30 to 30" => -30.0..=30.0,
            "days" => 0.0..=GREATEST_DAYS,
            "weeks" => 0.0..=f32::from(u16::MAX),
            "seconds" => 0.0..=GREATEST_SECONDS,
            "bits" => 0.0..=GREATEST_ENTROPY,
            // Above or below the mean; and a platform's points need not lie where they should.
            "standard deviations" | "points, 0 to 100" => f32::MIN..=f32::MAX,
            _ => 0.0..=GREATEST_COUNT,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(name: &str, unit: &str) -> ValueRules {
        let record =
            FeatureRecord { name: name.to_owned(), unit: unit.to_owned(), meaning: String::new(), lacking: None };
        KnownFeatures::new().rules(&record)
    }

    #[test]
    fn every_feature_has_bounds_and_only_differences_are_below_0() {
        let negative = ["change_events", "votes_given", "votes_received", "hour_", "days_early", "score_", "standing"];
        for feature in features(FeatureSet::All) {
            let range = rules(&feature.name, "anything").range;
            for outside in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
                assert!(!range.contains(&outside), "{}", feature.name);
            }
            let signed = negative.iter().any(|part| feature.name.contains(part));
            assert_eq!(range.contains(&-0.5), signed, "{}", feature.name);
            let points = feature.unit.starts_with("points") || feature.unit == "standard deviations";
            assert_eq!(range.contains(&((1_u64 << 62) as f32)), points, "{}", feature.name);
        }
        assert_eq!(rules("share_video", "").range, 0.0..=1.0);
        assert_eq!(rules("n_raw_page", "events").nulls, Nulls::Never);
        assert_eq!(rules("of_another_version", "share, 0 to 1").range, 0.0..=1.0);
    }

    #[test]
    fn the_days_of_a_short_week_are_fewer() {
        let (count, number) = (rules("active_days", ""), rules("last_active_day", ""));
        assert_eq!((count.range_in(7), count.range_in(2)), (0.0..=7.0, 0.0..=2.0));
        assert_eq!((number.range_in(7), number.range_in(2)), (0.0..=6.0, 0.0..=1.0));
        assert_eq!(count.allowed(2), "a whole number from 0 to 2");
        assert_eq!(rules("score_mean", "").allowed(7), "a number");
        assert_eq!(rules("n_day_6", "").days, Some(DaysOfWeek::Only(6)));
    }
}
