//! What a week leaves in the log: sessions at the person's hours, items within them, events with realistic gaps.
//!
//! Knows nothing of file formats. A week's events lie inside that week, in time order, and a week that is not away has at
//! least one: the label and the weekly states can be read off the log itself.

use crate::Simulation;
use crate::config::IntentConfig;
use crate::course::{Course, DAY, Object, UNITS};
use crate::engagement::{Level, Standing};
use crate::learner::Traits;
use crate::random::Draws;

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Navigate,
    /// A page asked of the server.
    Access,
    /// A page looked at in the browser.
    View,
    Video,
    /// A try at a problem, in the browser.
    Try,
    /// The server's answer to the tries.
    Check,
    Discussion,
    Wiki,
    PageClose,
}

/// One row to be of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Event {
    /// Seconds from the first instant of the course; negative before.
    pub(crate) second: i32,
    pub(crate) kind: Kind,
    pub(crate) object: Object,
}

/// Longest gap within a session; under the 1,800 seconds at which readers start a new one.
const LONGEST_GAP_SECONDS: f32 = 1_500.0;
/// Shortest gap between two sessions.
const SESSION_GAP_SECONDS: i32 = 1_860;
/// Longest label window or week, in days.
const MOST_DAYS: usize = 28;

/// How one enrolment behaves; constant over its weeks.
#[derive(Debug)]
pub(crate) struct Behaviour<'a> {
    simulation: &'a Simulation,
    course: &'a Course,
    /// Cumulative weights of the items.
    mix: [f64; 5],
    /// Factor on sessions and items by motivation.
    volume: f64,
    /// Mean tries at a problem beyond the first.
    retries: f64,
    /// Mean gap in seconds after each kind.
    gaps: [f32; 9],
    hour: f64,
    weekend_weight: f64,
    /// Next unit to be looked at.
    unit: u32,
    /// Second at which the last session ended.
    last_end: i32,
}

/// Seven days or the label window.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Period {
    /// First day, counted from the course's start.
    pub(crate) first_day: i32,
    /// Number of days; 1 to 28.
    pub(crate) days: i32,
    /// Chapter the learner has got to, if nothing is behind.
    pub(crate) chapter: u32,
}

impl<'a> Behaviour<'a> {
    pub(crate) fn new(
        simulation: &'a Simulation,
        course: &'a Course,
        intent: &IntentConfig,
        person: &Traits,
        who: &Standing,
    ) -> Self {
        let activity = &simulation.config.activity;
        let [video, problem, discussion, wiki, browse] = course.mix;
        let weights = [
            video,
            problem * intent.problems,
            discussion * (activity.forum_motivation * who.motivation).exp(),
            wiki,
            browse,
        ];
        let mut sum = 0.0;
        let mix = weights.map(|weight| {
            sum += weight;
            sum
        });
        let gap = |mean: f64| (mean / who.pace) as f32;
        let access = gap(activity.access_seconds);
        let problem = gap(activity.problem_seconds);
        Self {
            simulation,
            course,
            mix,
            volume: (activity.motivation * who.motivation).exp(),
            retries: activity.problem_retries
                * (activity.retries_difficulty * (who.difficulty - who.prior_knowledge)).exp(),
            gaps: [
                gap(activity.navigate_seconds),
                access,
                access,
                gap(activity.video_seconds),
                problem,
                problem,
                gap(activity.discussion_seconds),
                gap(activity.wiki_seconds),
                gap(activity.navigate_seconds),
            ],
            hour: person.hour,
            weekend_weight: activity.weekend_weight * (activity.weekend_commitments * who.commitments).exp(),
            unit: 0,
            last_end: i32::MIN / 2,
        }
    }

    /// Appends the events of a period at a level with `behind` weeks behind.
    pub(crate) fn live(
        &mut self,
        draws: &mut Draws,
        events: &mut Vec<Event>,
        level: Level,
        behind: usize,
        period: Period,
    ) {
        let activity = &self.simulation.config.activity;
        let at = match level {
            Level::Away => return,
            Level::Light => 0,
            Level::Steady => 1,
            Level::Deep => 2,
        };
        let weeks = f64::from(period.days) / 7.0;
        let sessions = 1 + draws.poisson(activity.extra_sessions[at] * self.volume * weeks);
        let chapter = period.chapter.saturating_sub(behind as u32);
        let end = (period.first_day + period.days) * DAY;
        let mut starts: Vec<i32> = (0..sessions).map(|_| self.start_of_session(draws, period)).collect();
        starts.sort_unstable();
        for (n, start) in starts.into_iter().enumerate() {
            // Only a later session of the same period can be pushed off the end, so the first always happens.
            let earliest = if n == 0 { start } else { self.last_end + SESSION_GAP_SECONDS };
            let start = start.max(earliest);
            if start >= end {
                break;
            }
            let items = 1 + draws.poisson(activity.extra_items[at] * self.volume);
            let items = draws.round(f64::from(items) * activity.scale).max(1);
            let mut session = Session { behaviour: self, draws, events, now: start, end };
            session.run(items, chapter);
            self.last_end = events.last().map_or(start, |event| event.second);
        }
    }

    /// Appends one or two looks at the course before it starts.
    pub(crate) fn look_around(&mut self, draws: &mut Draws, events: &mut Vec<Event>) {
        let days = self.simulation.config.calendar.pre_start_days;
        let late_days = days / 2;
        self.look(draws, events, days, days - late_days);
        // The second look is in the later half, so that time order holds.
        if late_days > 0 && draws.chance(0.5) {
            self.look(draws, events, late_days, late_days);
        }
    }

    /// A look on one of `choice` days, the first of them `before` days before the start.
    fn look(&mut self, draws: &mut Draws, events: &mut Vec<Event>, before: u32, choice: u32) {
        let first_day = draws.below(choice) as i32 - before as i32;
        let day = Period { first_day, days: 1, chapter: 0 };
        let mut session = Session {
            now: self.start_of_session(draws, day),
            end: (first_day + 1) * DAY,
            behaviour: self,
            draws,
            events,
        };
        session.push(Kind::Navigate, Course::COURSE);
        session.push(Kind::Access, Course::ABOUT);
        session.push(Kind::Access, Course::COURSE_INFO);
        session.push(Kind::PageClose, Course::COURSE_INFO);
    }

    /// A day by its weight and a time of that day around the preferred hour.
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

/// A session being written.
struct Session<'s, 'a> {
    behaviour: &'s mut Behaviour<'a>,
    draws: &'s mut Draws,
    events: &'s mut Vec<Event>,
    now: i32,
    /// Nothing is written at or after this second.
    end: i32,
}

impl Session<'_, '_> {
    fn run(&mut self, items: u32, chapter: u32) {
        self.push(Kind::Navigate, Course::COURSE);
        for _ in 0..items {
            if self.now >= self.end {
                return;
            }
            self.item(chapter);
        }
        self.push(Kind::PageClose, Course::COURSE);
    }

    /// Writes an event now and waits.
    #[inline]
    fn push(&mut self, kind: Kind, object: Object) {
        if self.now >= self.end {
            return;
        }
        let event = Event { second: self.now, kind, object };
        self.events.push(event);
        if self.draws.bits() < self.behaviour.simulation.duplicate_below {
            self.events.push(event);
        }
        let gap = self.draws.wait() * self.behaviour.gaps[kind as usize];
        self.now += gap.min(LONGEST_GAP_SECONDS) as i32;
    }

    fn item(&mut self, chapter: u32) {
        let simulation = self.behaviour.simulation;
        let chapter = if chapter == 0 || self.draws.chance(simulation.config.activity.current_chapter) {
            chapter
        } else {
            self.draws.below(chapter)
        };
        let unit = self.behaviour.unit;
        self.behaviour.unit = (unit + 1) % UNITS;
        let sequential = Course::sequential_of(chapter, unit);
        match self.draws.pick(&self.behaviour.mix) {
            0 => {
                self.push(Kind::Access, Course::vertical(chapter, unit));
                for _ in 0..=self.draws.below(3) {
                    self.push(Kind::Video, Course::video(chapter, unit));
                }
                self.push(Kind::PageClose, sequential);
            }
            1 => {
                self.push(Kind::Access, Course::vertical(chapter, unit));
                for _ in 0..=self.draws.poisson(self.behaviour.retries) {
                    self.push(Kind::Try, Course::problem(chapter, unit));
                }
                self.push(Kind::Check, Course::problem(chapter, unit));
            }
            2 => {
                for _ in 0..=self.draws.below(3) {
                    self.push(Kind::Discussion, Course::discussion(chapter));
                }
            }
            3 => self.push(Kind::Wiki, Course::WIKI),
            _ => {
                self.push(Kind::Access, sequential);
                self.push(Kind::View, Course::vertical(chapter, unit));
                self.push(Kind::PageClose, sequential);
            }
        }
    }
}
