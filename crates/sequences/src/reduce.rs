//! One learner's events in one course, reduced to weeks. Pure: no IO, no clock, no randomness.
//!
//! The values of a week depend only on events before its end: the learner's events are walked once in the order of
//! time, and a week is written down before the first event after it is looked at.

use rustc_hash::FxHashSet;
use staycast_events::time::{DAY_SECONDS, weekday};
use staycast_events::{Activity, Assessment, Event, Kind, Knows, ObjectKey, Roster, Submission};

use crate::features::FeatureSet;
use crate::grid::Grid;
use crate::peers::Peers;

/// A gap longer than this ends a session, in seconds.
pub const SESSION_GAP_SECONDS: i64 = 1_800;

/// What is the same for every enrolment.
pub(crate) struct Frame<'a> {
    pub(crate) roster: &'a Roster,
    pub(crate) grids: &'a [Grid],
    pub(crate) kinds: &'a [Kind],
    pub(crate) knows: Knows,
    pub(crate) set: FeatureSet,
    /// Whether a column is added for each of the source's kinds.
    pub(crate) raw_kinds: bool,
    /// Days from a submission to the day its score is known.
    pub(crate) score_lag_days: u32,
    /// `None` for the core features, which compare with no one.
    pub(crate) peers: Option<&'a Peers>,
    /// Assessments with a due day, by course.
    pub(crate) due: Vec<Vec<(u32, &'a Assessment)>>,
}

/// Facts of an enrolment that are not weekly.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Summary {
    pub(crate) first_event_seconds: Option<i32>,
    pub(crate) last_event_seconds: Option<i32>,
    pub(crate) pre_start_events: u32,
    pub(crate) pre_start_active_days: u32,
}

/// Counts of one week, and what runs on from week to week.
#[derive(Default)]
struct Week {
    by_activity: [u32; Activity::ALL.len()],
    by_kind: Vec<u32>,
    events: u32,
    by_day: [u32; 7],
    by_quarter: [u32; 4],
    objects: Vec<ObjectKey>,
    problems: Vec<ObjectKey>,
    sessions: u32,
    seconds: i64,
    longest: i64,
    delays: Vec<f64>,
}

/// What is carried from one week to the next.
#[derive(Default)]
struct Running {
    last_event: Option<i64>,
    /// Week in which the running session began, and its seconds so far in that week.
    session: (i64, i64),
    events: u64,
    active_days: u32,
    sessions: u64,
    seconds: i64,
    silent_weeks: u32,
    events_before: Option<u32>,
    opened: FxHashSet<ObjectKey>,
}

/// Reduces the events of enrolment `place`, ascending, to the rows of its observed weeks: `out(week, values)` with the
/// values in the order of the feature columns, NaN for null.
pub(crate) fn reduce(frame: &Frame<'_>, place: u32, events: &[Event], mut out: impl FnMut(u32, &[f64])) -> Summary {
    let enrolment = &frame.roster.enrolments[place as usize];
    let grid = &frame.grids[enrolment.course as usize];
    let mut running = Running::default();
    let mut summary = Summary {
        first_event_seconds: events.first().map(|event| event.seconds()),
        last_event_seconds: events.last().map(|event| event.seconds()),
        ..Summary::default()
    };
    let before_start = events.partition_point(|event| event.seconds() < 0);
    let mut rest = &events[before_start..];
    let before = walk(frame, enrolment.course, -1, &events[..before_start], &mut running);
    summary.pre_start_events = before.events;
    summary.pre_start_active_days = days_of(&events[..before_start]);
    // What came before the start is in the `pre_start` columns, not in the running totals.
    running.sessions = 0;
    running.seconds = 0;
    let work = Work::of(frame, place);
    let mut values = Vec::new();
    for week in 0..grid.observed_weeks {
        let end = grid.end_seconds(week);
        let (mine, later) = rest.split_at(rest.partition_point(|event| i64::from(event.seconds()) < end));
        rest = later;
        let counted = walk(frame, enrolment.course, i64::from(week), mine, &mut running);
        let days: Vec<u32> = (0..7).filter(|&day| counted.by_day[day as usize] > 0).collect();
        running.active_days += days.len() as u32;
        running.events += u64::from(counted.events);
        running.silent_weeks = if counted.events == 0 { running.silent_weeks + 1 } else { 0 };
        values.clear();
        core_values(frame, &counted, &running, end, days.len(), &mut values);
        if frame.set == FeatureSet::All {
            rhythm_values(frame, grid, week, &counted, &days, &mut values);
            share_values(&counted, &mut values);
            work_values(frame, &work, week, end, &counted, &mut values);
            course_of_things(frame, place, week, end, &counted, &running, &mut values);
        }
        if frame.raw_kinds {
            values.extend(counted.by_kind.iter().map(|&count| f64::from(count)));
        }
        running.events_before = Some(counted.events);
        out(week, &values);
    }
    summary
}

fn days_of(events: &[Event]) -> u32 {
    let mut days: Vec<i64> = events.iter().map(|event| i64::from(event.seconds()).div_euclid(DAY_SECONDS)).collect();
    days.dedup();
    days.len() as u32
}

/// Counts the events of one week (−1: all before the start), which are ascending.
fn walk(frame: &Frame<'_>, course: u32, week: i64, events: &[Event], running: &mut Running) -> Week {
    let mut counted = Week::default();
    if frame.raw_kinds {
        counted.by_kind = vec![0; frame.kinds.len()];
    }
    // A session counts here only up to the week's end, so it starts afresh when it began in an earlier week.
    for event in events {
        let seconds = i64::from(event.seconds());
        let weight = u32::from(event.weight());
        let kind = usize::from(event.kind());
        let activity = frame.kinds[kind].activity;
        counted.by_activity[activity as usize] += weight;
        counted.events += weight;
        if frame.raw_kinds {
            counted.by_kind[kind] += weight;
        }
        counted.by_day[(seconds.div_euclid(DAY_SECONDS)).rem_euclid(7) as usize] += weight;
        counted.by_quarter[(seconds.rem_euclid(DAY_SECONDS) / (6 * 3_600)) as usize] += weight;
        let gap = running.last_event.map(|last| seconds - last);
        match gap {
            Some(gap) if gap <= SESSION_GAP_SECONDS => {
                counted.seconds += gap;
                if running.session.0 == week {
                    running.session.1 += gap;
                }
            }
            _ => {
                counted.sessions += 1;
                running.session = (week, 0);
            }
        }
        if running.session.0 == week {
            counted.longest = counted.longest.max(running.session.1);
        }
        running.last_event = Some(seconds);
        if let Some(object) = event.object() {
            counted.objects.push(object);
            if activity == Activity::Problem {
                counted.problems.push(object);
            }
            if frame.knows.releases && frame.set == FeatureSet::All && running.opened.insert(object) {
                let start = i64::from(frame.grids[course as usize].start_day) * DAY_SECONDS;
                if let Some(&release) = frame.roster.releases.get(&(course, object)) {
                    counted.delays.push((start + seconds - release) as f64 / DAY_SECONDS as f64);
                }
            }
        }
    }
    for list in [&mut counted.objects, &mut counted.problems] {
        list.sort_unstable();
        list.dedup();
    }
    running.sessions += u64::from(counted.sessions);
    running.seconds += counted.seconds;
    counted
}

/// A value that is null unless `known`.
fn when(known: bool, value: impl Into<f64>) -> f64 {
    if known { value.into() } else { f64::NAN }
}

fn or_null(value: Option<f64>) -> f64 {
    value.unwrap_or(f64::NAN)
}

fn core_values(
    frame: &Frame<'_>,
    counted: &Week,
    running: &Running,
    end: i64,
    active_days: usize,
    values: &mut Vec<f64>,
) {
    let knows = &frame.knows;
    values.extend(counted.by_activity.iter().map(|&count| f64::from(count)));
    values.push(f64::from(counted.events));
    values.push(active_days as f64);
    values.push(when(knows.objects, counted.objects.len() as u32));
    values.push(when(knows.time_of_day, counted.sessions));
    values.push(when(knows.time_of_day, counted.seconds as f64));
    values.push(or_null(running.last_event.map(|last| (end - last) as f64 / DAY_SECONDS as f64)));
}

fn rhythm_values(frame: &Frame<'_>, grid: &Grid, week: u32, counted: &Week, days: &[u32], values: &mut Vec<f64>) {
    let knows = &frame.knows;
    values.push(when(knows.time_of_day, counted.longest as f64));
    values.push(or_null(days.first().map(|&day| f64::from(day))));
    values.push(or_null(days.last().map(|&day| f64::from(day))));
    // A day that the short last week does not have is null, not a day without events.
    values.extend((0..7).map(|day| when(day < grid.week_days(week), counted.by_day[day as usize])));
    let mut by_weekday = [0; 7];
    for (day, &count) in counted.by_day.iter().enumerate() {
        by_weekday[weekday(grid.start_day + day as i32) as usize] += count;
    }
    values.extend(by_weekday.iter().map(|&count| when(knows.dates, count)));
    values.extend(counted.by_quarter.iter().map(|&count| when(knows.time_of_day, count)));
}

fn share_values(counted: &Week, values: &mut Vec<f64>) {
    let share = |&count: &u32| when(counted.events > 0, f64::from(count) / f64::from(counted.events.max(1)));
    values.extend(counted.by_activity.iter().map(share));
}

/// An enrolment's submissions, and what its course wants handed in.
struct Work<'a> {
    submissions: &'a [Submission],
    due: &'a [(u32, &'a Assessment)],
    assessments: &'a [Assessment],
}

impl<'a> Work<'a> {
    fn of(frame: &'a Frame<'_>, place: u32) -> Self {
        let all = &frame.roster.submissions;
        let start = all.partition_point(|submission| submission.enrolment < place);
        let end = all.partition_point(|submission| submission.enrolment <= place);
        let course = frame.roster.enrolments[place as usize].course as usize;
        Self {
            submissions: &all[start..end],
            due: frame.due.get(course).map_or(&[], Vec::as_slice),
            assessments: &frame.roster.assessments,
        }
    }
}

fn work_values(frame: &Frame<'_>, work: &Work<'_>, week: u32, end: i64, counted: &Week, values: &mut Vec<f64>) {
    let knows = &frame.knows;
    let delays = &counted.delays;
    let any = knows.releases && !delays.is_empty();
    values.push(when(any, delays.iter().sum::<f64>() / delays.len().max(1) as f64));
    values.push(when(any, delays.iter().copied().fold(f64::INFINITY, f64::min)));
    values.push(when(any, delays.iter().copied().fold(f64::NEG_INFINITY, f64::max)));
    values.push(when(knows.objects, counted.problems.len() as u32));
    // No reader yet knows which attempts were right; the column says so by being null.
    values.push(f64::NAN);
    let from = i64::from(7 * week) * DAY_SECONDS;
    let own = || work.submissions.iter().filter(|submission| !submission.banked);
    let late = |submission: &Submission| {
        let due = work.assessments[submission.assessment as usize].due_day;
        due.is_some_and(|due| i64::from(submission.seconds).div_euclid(DAY_SECONDS) > i64::from(due))
    };
    let here = || own().filter(|submission| (from..end).contains(&i64::from(submission.seconds)));
    let lates = here().filter(|&submission| late(submission)).count();
    values.push(when(knows.submissions, (here().count() - lates) as f64));
    values.push(when(knows.submissions, lates as f64));
    let lag = i64::from(frame.score_lag_days) * DAY_SECONDS;
    let scores = |from: i64| {
        let known = own().filter(move |submission| (from..end).contains(&(i64::from(submission.seconds) + lag)));
        mean(known.filter_map(|submission| submission.score))
    };
    values.push(when(knows.submissions, or_null(scores(from))));
    values.push(when(knows.submissions, or_null(scores(i64::MIN))));
    let so_far = own().filter(|submission| i64::from(submission.seconds) < end).count();
    values.push(when(knows.submissions, so_far as f64));
    let handed_in = |assessment: u32| {
        let same = |submission: &&Submission| submission.assessment == assessment;
        work.submissions.iter().filter(same).any(|submission| submission.banked || i64::from(submission.seconds) < end)
    };
    let due_by_now = |due: i32| i64::from(due + 1) * DAY_SECONDS <= end;
    let missing =
        work.due.iter().filter(|(place, assessment)| assessment.due_day.is_some_and(due_by_now) && !handed_in(*place));
    values.push(when(knows.submissions, missing.count() as f64));
}

fn mean(scores: impl Iterator<Item = f32>) -> Option<f64> {
    let (sum, count) = scores.fold((0.0, 0_u32), |(sum, count), score| (sum + f64::from(score), count + 1));
    (count > 0).then(|| sum / f64::from(count))
}

fn course_of_things(
    frame: &Frame<'_>,
    place: u32,
    week: u32,
    end: i64,
    counted: &Week,
    running: &Running,
    values: &mut Vec<f64>,
) {
    let knows = &frame.knows;
    let (roster, grids) = (frame.roster, frame.grids);
    let peers = frame.peers.expect("every feature is asked for, so peers were gathered");
    let others = peers.other_courses(roster, grids, place as usize, week);
    values.push(when(knows.learners, others));
    values.push(running.events as f64);
    values.push(f64::from(running.active_days));
    values.push(when(knows.time_of_day, running.sessions as f64));
    values.push(when(knows.time_of_day, running.seconds as f64));
    values.push(or_null(running.events_before.map(|before| f64::from(counted.events) - f64::from(before))));
    values.push(f64::from(running.silent_weeks));
    values.push(or_null(peers.rank(roster, grids, place as usize, week)));
    let withdrawn = roster.enrolments[place as usize].withdrawn_seconds;
    let gone = withdrawn.is_some_and(|seconds| i64::from(seconds) < end);
    values.push(when(knows.withdrawals, u32::from(gone)));
}
