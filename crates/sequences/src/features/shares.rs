//! Shares of the activities in a week's events.

use staycast_events::Activity;

use super::feature::{Feature, Storage, Value};
use super::needs::Needs;

pub(super) fn features() -> Vec<Feature> {
    let of_activity = |activity: Activity| {
        Feature::new(
            format!("share_{activity}"),
            "share, 0 to 1",
            Storage::Float,
            Needs::Days,
            format!("n_{activity} / n_events; null in a week without events"),
            Value::InActiveWeeks(|week, activity| {
                f64::from(week.counts.by_activity[activity]) / f64::from(week.counts.events)
            }),
        )
        .part(activity as usize)
    };
    Activity::ALL.into_iter().map(of_activity).collect()
}
