//! Features of when in the week a learner is active.

use staycast_events::time::weekday;

use super::feature::{Feature, Storage, Value};
use super::needs::Needs;
use crate::count::WeekView;

/// Names of the days of the week, Monday first, as used in column names.
const WEEKDAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// Names the quarters of the day as used in column names; quarter q holds the hours 6q to 6q + 5.
const DAY_QUARTERS: [&str; 4] = ["night", "morning", "afternoon", "evening"];

pub(super) fn features() -> Vec<Feature> {
    let mut list = vec![
        Feature::new(
            "longest_session_seconds",
            "seconds",
            Storage::Int,
            Needs::TimeOfDay,
            "time on task in the longest session that began in the week, up to the week's end",
            Value::Always(|week, _| week.counts.longest_session_seconds as f64),
        ),
        Feature::new(
            "first_active_day",
            "day of the course week, 0 to 6",
            Storage::Int,
            Needs::Days,
            "first day of the week with an event; null without one",
            Value::InActiveWeeks(|week, _| day_number(week.counts.by_day.iter().position(|&count| count > 0))),
        ),
        Feature::new(
            "last_active_day",
            "day of the course week, 0 to 6",
            Storage::Int,
            Needs::Days,
            "last day of the week with an event; null without one",
            Value::InActiveWeeks(|week, _| day_number(week.counts.by_day.iter().rposition(|&count| count > 0))),
        ),
    ];
    list.extend((0..7).map(by_day));
    list.extend((0..7).map(by_weekday));
    list.extend((0..4).map(by_quarter));
    list.extend([
        hour("cos", "midnight 1, noon -1", Value::InActiveWeeks(|week, _| mean_cosine(week, 0))),
        // The sine is the cosine six hours later.
        hour(
            "sin",
            "six in the morning 1, six in the evening -1",
            Value::InActiveWeeks(|week, _| mean_cosine(week, 6)),
        ),
    ]);
    list
}

fn day_number(day: Option<usize>) -> f64 {
    day.map_or(f64::NAN, |day| day as f64)
}

fn by_day(day: usize) -> Feature {
    Feature::new(
        format!("n_day_{day}"),
        "events",
        Storage::Int,
        Needs::Days,
        format!("events on day {day} of the course week"),
        // A day that a short week does not have is null, not a day without events.
        Value::Sometimes(|week, day| {
            (day < week.grid.weeks.week_days(week.week) as usize).then(|| week.counts.by_day[day].into())
        }),
    )
    .part(day)
}

fn by_weekday(day: usize) -> Feature {
    let name = WEEKDAYS[day];
    Feature::new(
        format!("n_weekday_{name}"),
        "events",
        Storage::Int,
        Needs::Dates,
        format!("events on a {name} of the calendar"),
        Value::Always(|week, weekday_number| {
            let first_day = week.grid.start_day + week.grid.weeks.first_day(week.week) as i32;
            let day = (7 + weekday_number - weekday(first_day) as usize) % 7;
            week.counts.by_day[day].into()
        }),
    )
    .part(day)
}

fn by_quarter(quarter: usize) -> Feature {
    Feature::new(
        format!("n_{}", DAY_QUARTERS[quarter]),
        "events",
        Storage::Int,
        Needs::TimeOfDay,
        format!("events from {:02}:00 to {:02}:59", quarter * 6, quarter * 6 + 5),
        Value::Always(|week, quarter| week.counts.by_hour[quarter * 6..][..6].iter().sum::<u32>().into()),
    )
    .part(quarter)
}

fn hour(function: &str, reading: &str, value: Value) -> Feature {
    Feature::new(
        format!("hour_{function}"),
        "-1 to 1",
        Storage::Float,
        Needs::TimeOfDay,
        format!(
            "mean of {function}(2π h / 24) over the week's events, h the hour of day: {reading}; null in a week without \
             events"
        ),
        value,
    )
}

/// Computes the mean over the week's events of the cosine of the hour `hours_later`, a full turn in 24 hours.
fn mean_cosine(week: &WeekView<'_>, hours_later: usize) -> f64 {
    let counts = week.counts;
    let sum = |(hour, &count): (usize, &u32)| f64::from(count) * COSINES[(hour + 24 - hours_later) % 24];
    counts.by_hour.iter().enumerate().map(sum).sum::<f64>() / f64::from(counts.events)
}

/// Lists the cosines of the hours, a full turn in 24. Written out, so that they are the same everywhere.
const COSINES: [f64; 24] = {
    const C: [f64; 7] = [
        1.0,
        0.965_925_826_289_068_3,
        0.866_025_403_784_438_6,
        std::f64::consts::FRAC_1_SQRT_2,
        0.5,
        0.258_819_045_102_520_76,
        0.0,
    ];
    let mut all = [0.0; 24];
    let mut hour = 0;
    while hour < 24 {
        let from_midnight = if hour <= 12 { hour } else { 24 - hour };
        all[hour] = if from_midnight <= 6 { C[from_midnight] } else { -C[12 - from_midnight] };
        hour += 1;
    }
    all
};
