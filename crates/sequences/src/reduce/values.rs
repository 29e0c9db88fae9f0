//! Values of the features, in the order of their columns.

use staycast_events::time::{DAY_SECONDS, weekday};

use staycast_weeks::WeekIndex;

use super::week::{Told, Week};
use super::{Frame, Running};
use crate::features::{CONTENT, ENGAGEMENT_COLUMNS, Needs};
use crate::grid::CourseGrid;

/// A value that is null unless `known`.
pub(super) fn when(known: bool, value: impl Into<f64>) -> f64 {
    if known { value.into() } else { f64::NAN }
}

pub(super) fn or_null(value: Option<f64>) -> f64 {
    value.unwrap_or(f64::NAN)
}

pub(super) fn core_values(
    frame: &Frame<'_>,
    counted: &Week,
    running: &Running,
    end: i64,
    active_days: usize,
    values: &mut Vec<f64>,
) {
    let capabilities = &frame.capabilities;
    values.extend(counted.by_activity.iter().map(|&count| f64::from(count)));
    values.push(f64::from(counted.events));
    values.push(active_days as f64);
    values.push(when(capabilities.objects, counted.objects));
    values.push(when(capabilities.time_of_day, counted.sessions));
    values.push(when(capabilities.time_of_day, counted.seconds as f64));
    values.push(or_null(running.last_event.map(|last| (end - last) as f64 / DAY_SECONDS as f64)));
}

pub(super) fn rhythm_values(
    frame: &Frame<'_>,
    grid: &CourseGrid,
    week: WeekIndex,
    counted: &Week,
    days: &[u32],
    values: &mut Vec<f64>,
) {
    let capabilities = &frame.capabilities;
    values.push(when(capabilities.time_of_day, counted.longest as f64));
    values.push(or_null(days.first().map(|&day| f64::from(day))));
    values.push(or_null(days.last().map(|&day| f64::from(day))));
    // A day that the short last week does not have is null, not a day without events.
    values.extend((0..7).map(|day| when(day < grid.weeks.week_days(week), counted.by_day[day as usize])));
    let first_day = grid.start_day + grid.weeks.first_day(week) as i32;
    let mut by_weekday = [0; 7];
    for (day, &count) in counted.by_day.iter().enumerate() {
        by_weekday[weekday(first_day + day as i32) as usize] += count;
    }
    values.extend(by_weekday.iter().map(|&count| when(capabilities.dates, count)));
    let quarters = counted.by_hour.chunks_exact(6).map(|hours| hours.iter().sum::<u32>());
    values.extend(quarters.map(|count| when(capabilities.time_of_day, count)));
    let timed = capabilities.time_of_day && counted.events > 0;
    let mean = |shift: usize| {
        let sum = |(hour, &count): (usize, &u32)| f64::from(count) * COSINES[(hour + 24 - shift) % 24];
        counted.by_hour.iter().enumerate().map(sum).sum::<f64>() / f64::from(counted.events.max(1))
    };
    // The sine is the cosine six hours later.
    values.extend([0, 6].map(|shift| when(timed, mean(shift))));
}

pub(super) fn share_values(counted: &Week, values: &mut Vec<f64>) {
    let share = |&count: &u32| when(counted.events > 0, f64::from(count) / f64::from(counted.events.max(1)));
    values.extend(counted.by_activity.iter().map(share));
}

/// Cosines of the hours, a full turn in 24. Written out, so that they are the same everywhere.
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

/// Delays from release, and problems.
pub(super) fn object_values(frame: &Frame<'_>, counted: &Week, values: &mut Vec<f64>) {
    let capabilities = &frame.capabilities;
    let delays = &counted.delays;
    let any = capabilities.releases && !delays.is_empty();
    values.push(when(any, delays.iter().sum::<f64>() / delays.len().max(1) as f64));
    values.push(when(any, delays.iter().copied().fold(f64::INFINITY, f64::min)));
    values.push(when(any, delays.iter().copied().fold(f64::NEG_INFINITY, f64::max)));
    values.push(when(capabilities.objects, counted.problems));
    values.push(when(Needs::Attempts.met_by(capabilities), counted.told.attempts));
    values.push(when(Needs::Correctness.met_by(capabilities), counted.told.correct));
}

/// Other courses, running totals, changes and comparisons.
pub(super) fn course_of_things(
    frame: &Frame<'_>,
    place: u32,
    week: WeekIndex,
    end: i64,
    counted: &Week,
    running: &Running,
    values: &mut Vec<f64>,
) {
    let capabilities = &frame.capabilities;
    let (roster, grids) = (frame.roster, frame.grids);
    let peers = frame.peers.expect("every feature is asked for, so peers were gathered");
    let others = peers.other_courses(roster, grids, place as usize, week);
    values.push(when(capabilities.learners, others));
    values.push(running.events as f64);
    values.push(f64::from(running.active_days));
    values.push(when(capabilities.time_of_day, running.sessions as f64));
    values.push(when(capabilities.time_of_day, running.seconds as f64));
    values.push(or_null(running.events_before.map(|before| f64::from(counted.events) - f64::from(before))));
    values.push(f64::from(running.silent_weeks));
    values.push(or_null(peers.rank(roster, grids, place as usize, week)));
    let withdrawn = roster.enrolments[place as usize].withdrawn_seconds;
    let gone = withdrawn.is_some_and(|seconds| i64::from(seconds) < end);
    values.push(when(capabilities.withdrawals, u32::from(gone)));
}

/// What the learner turned to so far.
pub(super) fn preference_values(running: &Running, values: &mut Vec<f64>) {
    let counts = CONTENT.map(|activity| running.by_activity[activity as usize]);
    let total: u64 = counts.iter().sum();
    let shares = counts.map(|count| count as f64 / total.max(1) as f64);
    let entropy = |share: &f64| if *share > 0.0 { -share * share.log2() } else { 0.0 };
    values.extend(shares.iter().map(|&share| when(total > 0, share)));
    values.push(when(total > 0, shares.iter().copied().fold(0.0, f64::max)));
    values.push(when(total > 0, shares.iter().map(entropy).sum::<f64>()));
}

/// edX's weekly engagement.
pub(super) fn engagement_values(frame: &Frame<'_>, counted: &Week, values: &mut Vec<f64>) {
    let Told { votes, .. } = counted.told;
    let told = &counted.told;
    let columns: [(Needs, f64); ENGAGEMENT_COLUMNS] = [
        (Needs::Engagement, f64::from(told.engaged_days.count_ones())),
        (Needs::AttemptsAtObjects, f64::from(counted.problems)),
        (Needs::AttemptsAtObjects, f64::from(told.attempts_at_objects)),
        (Needs::Correctness, f64::from(told.correct)),
        (Needs::VideosPlayed, f64::from(told.videos)),
        (Needs::Posts, f64::from(told.posts)),
        (Needs::Responses, f64::from(told.responses)),
        (Needs::Comments, f64::from(told.comments)),
        (Needs::Votes, votes[0] as f64),
        (Needs::Votes, votes[1] as f64),
        (Needs::VotesReceived, votes[2] as f64),
        (Needs::VotesReceived, votes[3] as f64),
        (Needs::TextbookPages, f64::from(told.textbook_pages)),
    ];
    values.extend(columns.map(|(needs, value)| when(needs.met_by(&frame.capabilities), value)));
}
