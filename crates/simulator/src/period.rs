//! The events of a week: sessions at the learner's hours, more or fewer, longer or shorter.
//!
//! A week's events lie inside that week, in order of time. A week that is not away has at least one event, so that the label
//! and the inactive weeks can be read off the log itself.

use crate::behaviour::{Behaviour, level_index};
use crate::course::DAY;
use crate::engagement::Level;
use crate::event::Event;
use crate::random::Draws;
use crate::session::{Session, Submissions};

/// Sets the shortest gap between two sessions.
const SESSION_GAP_SECONDS: i32 = 1_860;
/// Sets the greatest length of a period, in days.
const MOST_DAYS: usize = 28;

/// Describes a week of the course or the label window.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Period {
    /// First day, counted from the course's start.
    pub(crate) first_day: i32,
    /// Number of days; 1 to 28.
    pub(crate) days: i32,
    /// Chapter that a learner with nothing behind has reached.
    pub(crate) chapter: u32,
}

impl Behaviour<'_> {
    /// Appends the events of a period at a level with `behind` weeks behind.
    pub(crate) fn push_period(
        &mut self,
        draws: &mut Draws,
        events: &mut Vec<Event>,
        level: Level,
        behind: usize,
        period: Period,
    ) {
        let activity = &self.simulation.config.activity;
        let Some(at) = level_index(level) else { return };
        let weeks = f64::from(period.days) / 7.0;
        // A shorter log has fewer and shorter sessions. A longer log has longer sessions, not more.
        let (fewer, longer) = (activity.scale.min(1.0), activity.scale.max(1.0));
        let sessions = 1 + draws.poisson(activity.extra_sessions[at] * self.volume * weeks * fewer);
        let chapter = period.chapter.saturating_sub(behind as u32);
        let submitted = self.submissions(draws, at, chapter);
        let submitting_session = draws.below(sessions) as usize;
        let end = (period.first_day + period.days) * DAY;
        let mut starts: Vec<i32> = (0..sessions).map(|_| self.start_of_session(draws, period)).collect();
        starts.sort_unstable();
        for (n, start) in starts.into_iter().enumerate() {
            // Only a later session of the period can be pushed beyond its end, so the first always takes place.
            let earliest = if n == 0 { start } else { self.last_end + SESSION_GAP_SECONDS };
            let start = start.max(earliest);
            if start >= end {
                break;
            }
            let items = 1 + draws.poisson(activity.extra_items[at] * self.volume * fewer);
            let items = draws.round(f64::from(items) * longer).max(1);
            let (by, submissions) = (self.by, if n == submitting_session { submitted } else { Submissions::default() });
            let mut session = Session { behaviour: self, draws, events, now: start, end, by };
            if session.run(items, chapter, submissions) {
                self.next_submission = chapter + 1;
            }
            self.last_end = events.last().map_or(start, |event| event.second);
        }
    }

    /// Draws the submissions of `chapter` in a week at level number `at`.
    fn submissions(&self, draws: &mut Draws, at: usize, chapter: u32) -> Submissions {
        let assessment = &self.simulation.config.assessment;
        let mut work = |share: f64| {
            let done = draws.chance(share * self.diligence);
            let score = (self.score + assessment.score_spread * draws.normal()).clamp(0.0, 100.0).round() as u8;
            done.then_some(score)
        };
        let (quiz, assignment) = (work(assessment.quiz_share[at]), work(assessment.assignment_share[at]));
        if chapter < self.next_submission {
            return Submissions::default();
        }
        // The quiz comes before the assignment.
        let set = quiz.is_some() && self.course.has_assignment(chapter);
        Submissions { quiz, assignment: assignment.filter(|_| set) }
    }

    /// Appends one or two visits before the course starts.
    pub(crate) fn look_around(&mut self, draws: &mut Draws, events: &mut Vec<Event>) {
        let days = self.simulation.config.calendar.pre_start_days;
        let late_days = days / 2;
        self.push_visit(draws, events, days, days - late_days);
        // The second visit is in the later half, so that the order of time holds.
        if late_days > 0 && draws.chance(0.5) {
            self.push_visit(draws, events, late_days, late_days);
        }
    }

    /// Appends a visit on one of `choice` days, of which the first is `before` days before the start.
    fn push_visit(&mut self, draws: &mut Draws, events: &mut Vec<Event>, before: u32, choice: u32) {
        let first_day = draws.below(choice) as i32 - before as i32;
        let day = Period { first_day, days: 1, chapter: 0 };
        let (now, end, by) = (self.start_of_session(draws, day), (first_day + 1) * DAY, self.by);
        Session { behaviour: self, draws, events, now, end, by }.look_around();
    }

    /// Draws a start: a day by its weight, and a time of day around the preferred hour.
    fn start_of_session(&self, draws: &mut Draws, period: Period) -> i32 {
        let days = (period.days as usize).min(MOST_DAYS);
        let mut cumulative = [0.0; MOST_DAYS];
        let mut sum = 0.0;
        for (day, weight) in cumulative[..days].iter_mut().enumerate() {
            let weekend = self.course.is_weekend(period.first_day + day as i32);
            sum += if weekend { self.weekend_weight } else { 1.0 };
            *weight = sum;
        }
        let day = period.first_day + draws.pick(&cumulative[..days]) as i32;
        let hour = self.hour + self.simulation.config.activity.day_hour_spread * draws.normal();
        let second = (hour.rem_euclid(24.0) * 3_600.0) as i32;
        day * DAY + second.min(DAY - 1)
    }
}
