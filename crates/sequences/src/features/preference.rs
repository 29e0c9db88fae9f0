//! Features of which content a learner turned to so far. Weekly shares jump about in weeks of few events; these settle.

use staycast_events::Activity;

use super::feature::{Feature, Storage, Value};
use super::needs::Needs;
use crate::count::WeekView;

pub(super) fn features() -> Vec<Feature> {
    let names = Activity::CONTENT.map(Activity::name).join(", ");
    let of_activity = |(place, activity): (usize, Activity)| {
        Feature::new(
            format!("preference_{activity}"),
            "share, 0 to 1",
            Storage::Float,
            Needs::Days,
            format!(
                "share of {activity} in the learner's content events ({names}) from the course's start to the week's \
                 end; null before the first one"
            ),
            Value::Sometimes(|week, place| {
                content_events(week).map(|(counts, total)| counts[place] as f64 / total as f64)
            }),
        )
        .part(place)
    };
    let mut list: Vec<Feature> = Activity::CONTENT.into_iter().enumerate().map(of_activity).collect();
    list.push(Feature::new(
        "preference_greatest",
        "share, 0 to 1",
        Storage::Float,
        Needs::Days,
        "the greatest of the preferences: 1 for a learner of one kind of content",
        Value::Sometimes(|week, _| shares(week).map(|shares| shares.into_iter().fold(0.0, f64::max))),
    ));
    list.push(Feature::new(
        "preference_entropy",
        "bits",
        Storage::Float,
        Needs::Days,
        "entropy of the preferences, -Σ p log₂ p: 0 for one kind of content, log₂ 9 for all alike",
        Value::Sometimes(|week, _| {
            let of_share = |share: f64| if share > 0.0 { -share * share.log2() } else { 0.0 };
            shares(week).map(|shares| shares.into_iter().map(of_share).sum::<f64>())
        }),
    ));
    list
}

/// Returns the learner's events of each of [`Activity::CONTENT`] so far, and of all of these; `None` before the first one.
fn content_events(week: &WeekView<'_>) -> Option<([u64; Activity::CONTENT.len()], u64)> {
    let counts = Activity::CONTENT.map(|activity| week.totals.by_activity[activity as usize]);
    let total = counts.iter().sum();
    (total > 0).then_some((counts, total))
}

fn shares(week: &WeekView<'_>) -> Option<[f64; Activity::CONTENT.len()]> {
    let (counts, total) = content_events(week)?;
    Some(counts.map(|count| count as f64 / total as f64))
}
