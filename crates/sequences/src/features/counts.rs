//! Counts of a week: the core features, and those of the source's own kinds of event.

use staycast_events::time::DAY_SECONDS;
use staycast_events::{Activity, EventKind};

use super::feature::{Feature, Storage, Value};
use super::needs::Needs;

pub(super) fn features() -> Vec<Feature> {
    use Storage::{Float, Int};
    let of_activity = |activity: Activity| {
        Feature::new(
            format!("n_{activity}"),
            "events",
            Int,
            Needs::Days,
            format!("events of the week that are {}", activity.meaning()),
            Value::Always(|week, activity| week.counts.by_activity[activity].into()),
        )
        .part(activity as usize)
    };
    let mut list: Vec<Feature> = Activity::ALL.into_iter().map(of_activity).collect();
    list.extend([
        Feature::new(
            "n_events",
            "events",
            Int,
            Needs::Days,
            "events of the week, of every activity",
            Value::Always(|week, _| week.counts.events.into()),
        ),
        Feature::new(
            "active_days",
            "days",
            Int,
            Needs::Days,
            "days of the week with an event",
            Value::Always(|week, _| week.counts.active_days().into()),
        ),
        Feature::new(
            "objects",
            "objects",
            Int,
            Needs::Objects,
            "distinct objects acted on in the week",
            Value::Always(|week, _| week.counts.objects.into()),
        ),
        Feature::new(
            "sessions",
            "sessions",
            Int,
            Needs::TimeOfDay,
            "sessions that began in the week; a gap over 30 minutes ends a session",
            Value::Always(|week, _| week.counts.sessions.into()),
        ),
        Feature::new(
            "seconds",
            "seconds",
            Int,
            Needs::TimeOfDay,
            "time on task: gaps of up to 30 minutes between events, counted in the week of the later event",
            Value::Always(|week, _| week.counts.seconds as f64),
        ),
        Feature::new(
            "days_since_last",
            "days",
            Float,
            Needs::Days,
            "from the last event before the week's end to the week's end; null before the first event",
            Value::Sometimes(|week, _| {
                week.totals.last_event.map(|last| (week.end_seconds() - last) as f64 / DAY_SECONDS as f64)
            }),
        ),
    ]);
    list
}

/// Begins the names of the counts of a source's own kinds.
pub(crate) const RAW_KIND: &str = "n_raw_";

/// Defines a count of each of a source's own `kinds`.
pub(super) fn raw_kinds(kinds: &[EventKind]) -> impl Iterator<Item = Feature> {
    kinds.iter().enumerate().map(|(number, kind)| {
        Feature::new(
            format!("{RAW_KIND}{}", kind.raw),
            "events",
            Storage::Int,
            Needs::Days,
            format!("events of the week that the source calls {}", kind.raw),
            Value::Always(|week, kind| week.counts.by_kind[kind].into()),
        )
        .part(number)
    })
}
