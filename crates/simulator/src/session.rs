//! One session: its items, and their events with realistic gaps.

use crate::behaviour::Behaviour;
use crate::course::{Course, Object, UNITS};
use crate::event::{AccountUser, Event, EventKind, RIGHT};
use crate::random::Draws;

/// Sets the longest gap within a session, below the 1,800 seconds after which readers start a new session.
const LONGEST_GAP_SECONDS: f32 = 1_500.0;

/// Lists the cumulative shares of threads, responses and comments among contributions to a forum.
const POSTS: [f64; 3] = [0.2, 0.7, 1.0];

/// Holds the scores, in per cent, of the work submitted at the end of a session.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Submissions {
    pub(crate) quiz: Option<u8>,
    pub(crate) assignment: Option<u8>,
}

/// Writes the events of one session.
pub(crate) struct Session<'s, 'a> {
    pub(crate) behaviour: &'s mut Behaviour<'a>,
    pub(crate) draws: &'s mut Draws,
    pub(crate) events: &'s mut Vec<Event>,
    /// Second of the next event.
    pub(crate) now: i32,
    /// Second at which the session is cut off.
    pub(crate) end: i32,
    pub(crate) by: AccountUser,
}

impl Session<'_, '_> {
    /// Appends a session of `items` items around `chapter`. Returns whether a quiz was submitted before the session was cut off.
    pub(crate) fn run(&mut self, items: u32, chapter: u32, submissions: Submissions) -> bool {
        if self.draws.chance(self.behaviour.simulation.config.activity.sign_in_share) {
            self.push(EventKind::SignIn, Course::COURSE, 0);
            // Every session reaches the course.
            self.now = self.now.min(self.end - 1);
        }
        self.push(EventKind::Navigate, Course::COURSE, 0);
        for _ in 0..items {
            if self.now >= self.end {
                return false;
            }
            self.push_item(chapter);
        }
        let submitted = submissions.quiz.is_some_and(|score| self.push(EventKind::Quiz, Course::quiz(chapter), score));
        if let Some(score) = submissions.assignment {
            self.push(EventKind::Assignment, Course::assignment(chapter), score);
        }
        self.push(EventKind::PageClose, Course::COURSE, 0);
        submitted
    }

    /// Appends a visit before the start, to the pages that describe the course.
    pub(crate) fn look_around(&mut self) {
        self.push(EventKind::Navigate, Course::COURSE, 0);
        self.push(EventKind::Access, Course::ABOUT, 0);
        self.push(EventKind::Access, Course::COURSE_INFO, 0);
        self.push(EventKind::PageClose, Course::COURSE_INFO, 0);
    }

    /// Appends an event and waits. Returns false if the session is cut off.
    #[inline]
    fn push(&mut self, kind: EventKind, object: Object, detail: u8) -> bool {
        if self.now >= self.end {
            return false;
        }
        let event = Event { second: self.now, object, kind, detail, by: self.by };
        let submitted = matches!(kind, EventKind::Quiz | EventKind::Assignment);
        // The front page is always logged, so that a week with a session is never inactive.
        let may_be_left_out = !submitted && kind != EventKind::Navigate;
        if may_be_left_out && self.behaviour.logged < 1.0 && !self.draws.chance(self.behaviour.logged) {
            return true;
        }
        self.events.push(event);
        // A repeated submission would be another attempt, not a repeated row.
        if self.draws.bits() < self.behaviour.simulation.duplicate_below && !submitted {
            self.events.push(event);
            self.behaviour.doubled += 1;
        }
        let gap = self.draws.wait() * self.behaviour.gaps[kind as usize];
        self.now += gap.min(LONGEST_GAP_SECONDS) as i32;
        true
    }

    /// Appends one item: a video, a problem, the forum, the wiki, or pages.
    fn push_item(&mut self, chapter: u32) {
        let activity = &self.behaviour.simulation.config.activity;
        let chapter = if chapter == 0 || self.draws.chance(activity.current_chapter) {
            chapter
        } else {
            self.draws.below(chapter)
        };
        let unit = self.behaviour.unit;
        self.behaviour.unit = (unit + 1) % UNITS;
        let sequential = Course::sequential_of(chapter, unit);
        match self.draws.pick(&self.behaviour.mix) {
            0 => {
                self.push(EventKind::Access, Course::vertical(chapter, unit), 0);
                for step in 0..=self.draws.below(3) {
                    self.push(EventKind::Video, Course::video(chapter, unit), step as u8);
                }
                self.push(EventKind::PageClose, sequential, 0);
            }
            1 => {
                self.push(EventKind::Access, Course::vertical(chapter, unit), 0);
                let problem = Course::problem(chapter, unit);
                let tries = 1 + self.draws.poisson(self.behaviour.retries);
                // Numbers above 126 are written as 126.
                let number = |nth: u32| nth.min(126) as u8;
                for nth in 1..=tries {
                    self.push(EventKind::Try, problem, number(nth));
                }
                let right = if self.draws.chance(self.behaviour.success) { RIGHT } else { 0 };
                self.push(EventKind::Check, problem, number(tries + 1) | right);
            }
            2 => {
                for _ in 0..=self.draws.below(3) {
                    let thread = Course::discussion(chapter);
                    if self.draws.chance(activity.post_share) {
                        let sort = self.draws.pick(&POSTS);
                        self.push(EventKind::Post, thread, sort as u8);
                    } else {
                        self.push(EventKind::Discussion, thread, 0);
                    }
                }
            }
            3 => {
                self.push(EventKind::Wiki, Course::WIKI, 0);
            }
            _ => {
                self.push(EventKind::Access, sequential, 0);
                self.push(EventKind::View, Course::vertical(chapter, unit), 0);
                self.push(EventKind::PageClose, sequential, 0);
            }
        }
    }
}
