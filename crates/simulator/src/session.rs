//! One session: items, and events with realistic gaps.

use crate::behaviour::Behaviour;
use crate::course::{Course, Object, UNITS};
use crate::event::{By, Event, Kind, RIGHT};
use crate::random::Draws;

/// Longest gap within a session; under the 1,800 seconds at which readers start a new one.
const LONGEST_GAP_SECONDS: f32 = 1_500.0;

/// Cumulative shares of threads, responses and comments among contributions to a forum.
const POSTS: [f64; 3] = [0.2, 0.7, 1.0];

/// What is handed in at the end of a session: scores in per cent, and of which chapter.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct HandIn {
    pub(crate) quiz: Option<u8>,
    pub(crate) assignment: Option<u8>,
}

/// A session being written.
pub(crate) struct Session<'s, 'a> {
    pub(crate) behaviour: &'s mut Behaviour<'a>,
    pub(crate) draws: &'s mut Draws,
    pub(crate) events: &'s mut Vec<Event>,
    pub(crate) now: i32,
    /// Nothing is written at or after this second.
    pub(crate) end: i32,
    pub(crate) by: By,
}

impl Session<'_, '_> {
    /// A visit with `items` things done around `chapter`. Whether a quiz was handed in, before time ran out.
    pub(crate) fn run(&mut self, items: u32, chapter: u32, hand_in: HandIn) -> bool {
        if self.draws.chance(self.behaviour.simulation.config.activity.sign_in_share) {
            self.push(Kind::SignIn, Course::COURSE, 0);
            // So that no visit is over before it reaches the course.
            self.now = self.now.min(self.end - 1);
        }
        self.push(Kind::Navigate, Course::COURSE, 0);
        for _ in 0..items {
            if self.now >= self.end {
                return false;
            }
            self.item(chapter);
        }
        let handed_in = hand_in.quiz.is_some_and(|score| self.push(Kind::Quiz, Course::quiz(chapter), score));
        if let Some(score) = hand_in.assignment {
            self.push(Kind::Assignment, Course::assignment(chapter), score);
        }
        self.push(Kind::PageClose, Course::COURSE, 0);
        handed_in
    }

    /// A look at what the course will be.
    pub(crate) fn look_around(&mut self) {
        self.push(Kind::Navigate, Course::COURSE, 0);
        self.push(Kind::Access, Course::ABOUT, 0);
        self.push(Kind::Access, Course::COURSE_INFO, 0);
        self.push(Kind::PageClose, Course::COURSE_INFO, 0);
    }

    /// Writes an event now and waits; false when the time is over.
    #[inline]
    fn push(&mut self, kind: Kind, object: Object, detail: u8) -> bool {
        if self.now >= self.end {
            return false;
        }
        let event = Event { second: self.now, object, kind, detail, by: self.by };
        let handed_in = matches!(kind, Kind::Quiz | Kind::Assignment);
        // The front page stays, so that a week with a session is never silent.
        let may_go = !handed_in && kind != Kind::Navigate;
        if may_go && self.behaviour.logged < 1.0 && !self.draws.chance(self.behaviour.logged) {
            return true;
        }
        self.events.push(event);
        // What is handed in twice would be another attempt, not the same one logged twice.
        if self.draws.bits() < self.behaviour.simulation.duplicate_below && !handed_in {
            self.events.push(event);
            self.behaviour.doubled += 1;
        }
        let gap = self.draws.wait() * self.behaviour.gaps[kind as usize];
        self.now += gap.min(LONGEST_GAP_SECONDS) as i32;
        true
    }

    fn item(&mut self, chapter: u32) {
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
                self.push(Kind::Access, Course::vertical(chapter, unit), 0);
                for step in 0..=self.draws.below(3) {
                    self.push(Kind::Video, Course::video(chapter, unit), step as u8);
                }
                self.push(Kind::PageClose, sequential, 0);
            }
            1 => {
                self.push(Kind::Access, Course::vertical(chapter, unit), 0);
                let problem = Course::problem(chapter, unit);
                let tries = 1 + self.draws.poisson(self.behaviour.retries);
                // More than 126 tries are counted as that many.
                let number = |nth: u32| nth.min(126) as u8;
                for nth in 1..=tries {
                    self.push(Kind::Try, problem, number(nth));
                }
                let right = if self.draws.chance(self.behaviour.success) { RIGHT } else { 0 };
                self.push(Kind::Check, problem, number(tries + 1) | right);
            }
            2 => {
                for _ in 0..=self.draws.below(3) {
                    let thread = Course::discussion(chapter);
                    if self.draws.chance(activity.post_share) {
                        let sort = self.draws.pick(&POSTS);
                        self.push(Kind::Post, thread, sort as u8);
                    } else {
                        self.push(Kind::Discussion, thread, 0);
                    }
                }
            }
            3 => {
                self.push(Kind::Wiki, Course::WIKI, 0);
            }
            _ => {
                self.push(Kind::Access, sequential, 0);
                self.push(Kind::View, Course::vertical(chapter, unit), 0);
                self.push(Kind::PageClose, sequential, 0);
            }
        }
    }
}
