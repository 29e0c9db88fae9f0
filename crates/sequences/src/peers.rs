//! Compares a learner's week with the other enrolments of the course, and with the learner's other courses.
//!
//! Filled while the log is parsed, because a comparison needs every enrolment's week before the first one is written.
//! Holds 4 bytes an enrolment-week twice over, and a bit a day of each enrolment.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use rayon::prelude::*;
use rustc_hash::FxHashMap;
use staycast_events::time::DAY_SECONDS;
use staycast_events::{Capabilities, Event, Roster};

use staycast_weeks::WeekIndex;

use crate::grid::{CourseGrid, WeekGrid};

/// Counts events by enrolment and week, and days with an event, from any thread.
pub(crate) struct PeerCounter {
    first_week: Vec<usize>,
    counts: Vec<AtomicU32>,
    first_word: Vec<usize>,
    days: Vec<AtomicU64>,
    /// By enrolment: the weeks of its course.
    cuts: Vec<WeekGrid>,
}

impl PeerCounter {
    /// Starts to count, for the enrolments of `roster` whose courses are cut into these weeks.
    pub(crate) fn new(roster: &Roster, cuts: &[WeekGrid]) -> Self {
        let (mut first_week, mut first_word) = (vec![0], vec![0]);
        let (mut slots, mut words) = (0, 0);
        for enrolment in &roster.enrolments {
            let cut = cuts[enrolment.course.as_usize()];
            // One slot more, in front, for the time before the start.
            slots += usize::from(cut.count()) + 1;
            words += cut.days().div_ceil(u64::BITS) as usize;
            first_week.push(slots);
            first_word.push(words);
        }
        let mut counts = Vec::new();
        counts.resize_with(slots, AtomicU32::default);
        let mut days = Vec::new();
        days.resize_with(words, AtomicU64::default);
        let cuts = roster.enrolments.iter().map(|enrolment| cuts[enrolment.course.as_usize()]).collect();
        Self { first_week, counts, first_word, days, cuts }
    }

    /// Adds a block's events. The counts do not depend on the order of blocks.
    pub(crate) fn add(&self, events: &[Event]) {
        let mut run: (usize, u32) = (usize::MAX, 0);
        for event in events {
            let enrolment = event.enrolment().as_usize();
            let seconds = i64::from(event.seconds());
            let slot = self.first_week[enrolment] + (self.cuts[enrolment].week_of(seconds) + 1).max(0) as usize;
            if slot != run.0 {
                self.flush(run);
                run = (slot, 0);
            }
            run.1 = run.1.saturating_add(event.weight());
            if seconds >= 0 {
                let day = (seconds / DAY_SECONDS) as usize;
                let word = &self.days[self.first_word[enrolment] + day / 64];
                let bit = 1 << (day % 64);
                if word.load(Ordering::Relaxed) & bit == 0 {
                    word.fetch_or(bit, Ordering::Relaxed);
                }
            }
        }
        self.flush(run);
    }

    fn flush(&self, (slot, count): (usize, u32)) {
        if count > 0 {
            let before = self.counts[slot].fetch_add(count, Ordering::Relaxed);
            if before.checked_add(count).is_none() {
                // Whoever goes past the end puts the count there, so that it ends there in whatever order blocks come.
                self.counts[slot].store(u32::MAX, Ordering::Relaxed);
            }
        }
    }

    /// Returns the counts so far, to [restore](PeerCounter::restore) later.
    pub(crate) fn state(&self) -> (Vec<u32>, Vec<u64>) {
        let counts = self.counts.iter().map(|count| count.load(Ordering::Relaxed)).collect();
        (counts, self.days.iter().map(|word| word.load(Ordering::Relaxed)).collect())
    }

    /// Restores a [`PeerCounter::state`] of the same roster.
    pub(crate) fn restore(&self, (counts, days): &(Vec<u32>, Vec<u64>)) {
        self.counts.iter().zip(counts).for_each(|(here, &count)| here.store(count, Ordering::Relaxed));
        self.days.iter().zip(days).for_each(|(here, &word)| here.store(word, Ordering::Relaxed));
    }

    /// Ends counting, when all events were added.
    pub(crate) fn finish(self, roster: &Roster, capabilities: &Capabilities, grids: &[CourseGrid]) -> Peers {
        let counts: Vec<u32> = self.counts.into_iter().map(AtomicU32::into_inner).collect();
        let days: Vec<u64> = self.days.into_iter().map(AtomicU64::into_inner).collect();
        let mut of_course: Vec<Vec<usize>> = vec![Vec::new(); grids.len()];
        for (place, enrolment) in roster.enrolments.iter().enumerate() {
            of_course[enrolment.course.as_usize()].push(place);
        }
        let ranked = of_course
            .par_iter()
            .zip(grids)
            .map(|(enrolments, grid)| {
                grid.weeks
                    .weeks()
                    .map(|week| {
                        let known = enrolments.iter().filter(|&&place| {
                            let slots = &counts[self.first_week[place]..];
                            known_by(roster, capabilities.register, place, slots, grid, week)
                        });
                        let mut here: Vec<u32> =
                            known.map(|&place| counts[self.first_week[place] + week.position() + 1]).collect();
                        here.sort_unstable();
                        here
                    })
                    .collect()
            })
            .collect();
        let mut of_learner: FxHashMap<&str, Vec<u32>> = FxHashMap::default();
        for (enrolment, place) in roster.enrolments.iter().zip(0..) {
            of_learner.entry(enrolment.learner()).or_default().push(place);
        }
        let siblings = roster
            .enrolments
            .iter()
            .zip(0_u32..)
            .map(|(enrolment, place)| {
                let all = &of_learner[enrolment.learner()];
                all.iter().copied().filter(|&other| other != place).collect()
            })
            .collect();
        let register = capabilities.register;
        Peers { first_week: self.first_week, counts, first_word: self.first_word, days, ranked, siblings, register }
    }
}

/// Tells whether an enrolment is known by the end of `week`: enrolled by then or, in a source without dates, seen by then.
/// `slots` are its counts, the time before the start in front.
fn known_by(roster: &Roster, register: bool, place: usize, slots: &[u32], grid: &CourseGrid, week: WeekIndex) -> bool {
    match roster.enrolments[place].enrolled_seconds {
        Some(enrolled) => i64::from(enrolled) < grid.end_seconds(week),
        None => register || slots[..=week.position() + 1].iter().any(|&count| count > 0),
    }
}

/// Counts of all enrolments, with which weeks are compared.
pub(crate) struct Peers {
    first_week: Vec<usize>,
    counts: Vec<u32>,
    first_word: Vec<usize>,
    days: Vec<u64>,
    /// By course and week, the event counts of the enrolments known by the week's end, ascending.
    ranked: Vec<Vec<Vec<u32>>>,
    siblings: Vec<Vec<u32>>,
    /// The source has a register, in which enrolments without a date are.
    register: bool,
}

impl Peers {
    /// Computes the share of the course's enrolments known by the end of `week` with fewer events in it than this one, ties (itself
    /// among them) counting half. `None` while the enrolment is not known.
    pub(crate) fn rank(&self, roster: &Roster, grids: &[CourseGrid], place: usize, week: WeekIndex) -> Option<f64> {
        let course = roster.enrolments[place].course.as_usize();
        let slots = &self.counts[self.first_week[place]..self.first_week[place + 1]];
        if !known_by(roster, self.register, place, slots, &grids[course], week) {
            return None;
        }
        let mine = slots[week.position() + 1];
        let all = &self.ranked[course][week.position()];
        let fewer = all.partition_point(|&count| count < mine);
        let ties = all.partition_point(|&count| count <= mine) - fewer;
        Some((fewer as f64 + 0.5 * ties as f64) / all.len() as f64)
    }

    /// Counts the learner's other courses, enrolled in before the end of `week` of this one as far as dates tell, with an event
    /// on one of its days that lies inside their own grids.
    pub(crate) fn other_courses(&self, roster: &Roster, grids: &[CourseGrid], place: usize, week: WeekIndex) -> u32 {
        let grid = &grids[roster.enrolments[place].course.as_usize()];
        let first = i64::from(grid.start_day) + i64::from(grid.weeks.first_day(week));
        let last = first + i64::from(grid.weeks.week_days(week));
        let active = |&&other: &&u32| {
            let other = other as usize;
            let start = i64::from(grids[roster.enrolments[other].course.as_usize()].start_day);
            let seconds_left = (last - start) * DAY_SECONDS;
            // Some sources have events from before the enrolment that are not known to be the learner's until then.
            let enrolled = roster.enrolments[other].enrolled_seconds;
            enrolled.is_none_or(|enrolled| i64::from(enrolled) < seconds_left)
                && (first..last).any(|day| self.active_on(other, day - start))
        };
        self.siblings[place].iter().filter(active).count() as u32
    }

    fn active_on(&self, place: usize, day: i64) -> bool {
        let words = &self.days[self.first_word[place]..self.first_word[place + 1]];
        usize::try_from(day).is_ok_and(|day| words.get(day / 64).is_some_and(|word| word >> (day % 64) & 1 == 1))
    }
}
