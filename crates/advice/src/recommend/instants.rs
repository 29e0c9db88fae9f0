//! Instants of a course, in seconds from its start.

/// Counts the seconds of a day.
pub(super) const DAY_SECONDS: i64 = 86_400;
/// Counts the seconds of a week.
pub(super) const WEEK_SECONDS: i32 = 7 * 86_400;

/// Returns seconds that were counted from another instant, from `start` on, as far as 32 bits go.
pub(super) fn from_start(instant: i64, start: i64) -> i32 {
    instant.saturating_sub(start).clamp(i64::from(i32::MIN), i64::from(i32::MAX)) as i32
}

/// Returns days as text: "today", "in 3 days", "3 days ago".
pub(super) fn in_days(days: i64) -> String {
    match days {
        0 => "today".to_owned(),
        1 => "tomorrow".to_owned(),
        -1 => "yesterday".to_owned(),
        2.. => format!("in {days} days"),
        _ => format!("{} days ago", -days),
    }
}
