//! Compares a learner's week with the other enrolments of the course, and with the learner's other courses.
//!
//! Filled while the log is parsed, because a comparison needs every enrolment's week before the first one is written.
//! Holds 4 bytes an enrolment-week twice over, a bit a day of each enrolment, and 8 bytes an enrolment; another 8 where
//! learners are identified.

use std::ops::Range;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use rayon::prelude::*;
use staycast_events::time::DAY_SECONDS;
use staycast_events::{CourseIndex, Event, Roster};

use staycast_weeks::WeekIndex;

use crate::earlier::{Earlier, EarlierCourses};
use crate::grid::{CourseGrid, WeekGrid};
use crate::outcomes::Outcomes;

/// Says where the counts of a course's enrolments are. These stand side by side, as the enrolments do in the roster.
#[derive(Clone, Copy, Debug)]
struct CoursePlaces {
    cut: WeekGrid,
    /// Place of its first enrolment.
    first: usize,
    first_slot: usize,
    /// Counts of an enrolment: one for each week, and one in front for the time before the start.
    slots: usize,
    first_word: usize,
    /// Words of an enrolment's days.
    words: usize,
}

/// Says where the counts of enrolments are.
struct CountPlaces {
    /// By enrolment.
    courses: Vec<CourseIndex>,
    of_course: Vec<CoursePlaces>,
}

impl CountPlaces {
    /// Makes the places of the enrolments of `roster`, and the numbers of slots and words of all.
    fn new(roster: &Roster, cuts: &[WeekGrid]) -> (Self, usize, usize) {
        let place = |&cut: &WeekGrid| CoursePlaces {
            cut,
            first: usize::MAX,
            first_slot: 0,
            slots: usize::from(cut.count()) + 1,
            first_word: 0,
            words: cut.days().div_ceil(u64::BITS) as usize,
        };
        let mut of_course: Vec<CoursePlaces> = cuts.iter().map(place).collect();
        let courses: Vec<CourseIndex> =
            roster.enrolments.places().map(|place| roster.enrolments.course(place)).collect();
        let (mut slots, mut words) = (0, 0);
        for (place, course) in courses.iter().enumerate() {
            let here = &mut of_course[course.as_usize()];
            if here.first == usize::MAX {
                (here.first, here.first_slot, here.first_word) = (place, slots, words);
            }
            slots += here.slots;
            words += here.words;
        }
        (Self { courses, of_course }, slots, words)
    }

    fn course(&self, enrolment: usize) -> &CoursePlaces {
        &self.of_course[self.courses[enrolment].as_usize()]
    }

    /// Returns where the slots of an enrolment are.
    fn slots(&self, enrolment: usize) -> Range<usize> {
        let course = self.course(enrolment);
        let start = course.first_slot + (enrolment - course.first) * course.slots;
        start..start + course.slots
    }

    /// Returns where the words of an enrolment's days are.
    fn words(&self, enrolment: usize) -> Range<usize> {
        let course = self.course(enrolment);
        let start = course.first_word + (enrolment - course.first) * course.words;
        start..start + course.words
    }
}

/// Counts events by enrolment and week, and days with an event, from any thread.
pub(crate) struct PeerCounter {
    places: CountPlaces,
    counts: Vec<AtomicU32>,
    days: Vec<AtomicU64>,
}

impl PeerCounter {
    /// Starts to count, for the enrolments of `roster` whose courses are cut into these weeks.
    pub(crate) fn new(roster: &Roster, cuts: &[WeekGrid]) -> Self {
        let (places, slots, words) = CountPlaces::new(roster, cuts);
        let mut counts = Vec::new();
        counts.resize_with(slots, AtomicU32::default);
        let mut days = Vec::new();
        days.resize_with(words, AtomicU64::default);
        Self { places, counts, days }
    }

    /// Adds a block's events. The counts do not depend on the order of blocks.
    pub(crate) fn add(&self, events: &[Event]) {
        let mut run: (usize, u32) = (usize::MAX, 0);
        for event in events {
            let enrolment = event.enrolment().as_usize();
            let seconds = i64::from(event.seconds());
            let week = self.places.course(enrolment).cut.week_of(seconds);
            let slot = self.places.slots(enrolment).start + (week + 1).max(0) as usize;
            if slot != run.0 {
                self.flush(run);
                run = (slot, 0);
            }
            run.1 = run.1.saturating_add(event.weight());
            if seconds >= 0 {
                let day = (seconds / DAY_SECONDS) as usize;
                let word = &self.days[self.places.words(enrolment).start + day / 64];
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
    pub(crate) fn finish(self, outcomes: &Outcomes<'_>) -> Peers {
        let Outcomes { source, grids, .. } = *outcomes;
        let (roster, capabilities) = (&source.roster, source.capabilities);
        let counts: Vec<u32> = self.counts.into_iter().map(AtomicU32::into_inner).collect();
        let days: Vec<u64> = self.days.into_iter().map(AtomicU64::into_inner).collect();
        let places = self.places;
        let mut enrolments = vec![0; grids.len()];
        places.courses.iter().for_each(|course| enrolments[course.as_usize()] += 1);
        let ranked = enrolments
            .par_iter()
            .zip(&places.of_course)
            .zip(grids)
            .map(|((&count, course), grid)| {
                grid.weeks
                    .weeks()
                    .map(|week| {
                        let slots = |place| &counts[places.slots(place)];
                        let first = if count > 0 { course.first } else { 0 };
                        let known = (first..first + count)
                            .filter(|&place| known_by(roster, capabilities.register, place, slots(place), grid, week));
                        let mut here: Vec<u32> = known.map(|place| slots(place)[week.position() + 1]).collect();
                        here.sort_unstable();
                        here.shrink_to_fit();
                        here
                    })
                    .collect()
            })
            .collect();
        let next_of_learner = roster.next_of_learner();
        let register = capabilities.register;
        // A course whose dates are inferred has none, and with it no enrolments, before its first event.
        let mut dated_from: Vec<i32> =
            roster.courses.iter().map(|course| if course.inferred { i32::MAX } else { i32::MIN }).collect();
        for (place, course) in places.courses.iter().map(|course| course.as_usize()).enumerate() {
            if let Some(day) = first_day(&days[places.words(place)]).filter(|_| roster.courses[course].inferred) {
                dated_from[course] = dated_from[course].min(grids[course].start_day.saturating_add_unsigned(day));
            }
        }
        let known_from = |place: usize| {
            let course = places.courses[place].as_usize();
            let grid = &grids[course];
            let own = match roster.enrolments.enrolled_seconds(place) {
                Some(enrolled) => grid.day_after(enrolled),
                None if register => i32::MIN,
                // Before the course's first day, where there are counts in the slot in front.
                None if counts[places.slots(place)][0] > 0 => grid.start_day,
                None => grid.start_day.saturating_add_unsigned(first_day(&days[places.words(place)])?),
            };
            Some(own.max(dated_from[course]))
        };
        let earlier = capabilities.learners.then(|| EarlierCourses::new(outcomes, known_from));
        Peers { places, counts, days, ranked, next_of_learner, register, earlier }
    }
}

/// Returns the first day of a course at whose start an event of its days before has been seen, from an enrolment's days.
fn first_day(days: &[u64]) -> Option<u32> {
    let word = days.iter().position(|&word| word != 0)?;
    Some(word as u32 * u64::BITS + days[word].trailing_zeros() + 1)
}

/// Tells whether an enrolment is known by the end of `week`: enrolled by then or, in a source without dates, seen by then.
/// `slots` are its counts, the time before the start in front.
fn known_by(roster: &Roster, register: bool, place: usize, slots: &[u32], grid: &CourseGrid, week: WeekIndex) -> bool {
    match roster.enrolments.enrolled_seconds(place) {
        Some(enrolled) => i64::from(enrolled) < grid.end_seconds(week),
        None => register || slots[..=week.position() + 1].iter().any(|&count| count > 0),
    }
}

/// Counts of all enrolments, with which weeks are compared.
pub(crate) struct Peers {
    places: CountPlaces,
    counts: Vec<u32>,
    days: Vec<u64>,
    /// By course and week, the event counts of the enrolments known by the week's end, ascending.
    ranked: Vec<Vec<Vec<u32>>>,
    /// By enrolment: another one of the same learner, and so around.
    next_of_learner: Vec<u32>,
    /// The source has a register, in which enrolments without a date are.
    register: bool,
    /// Where the source identifies learners.
    earlier: Option<EarlierCourses>,
}

impl Peers {
    /// Computes the share of the course's enrolments known by the end of `week` with fewer events in it than this one, ties (itself
    /// among them) counting half. `None` while the enrolment is not known.
    pub(crate) fn rank(&self, roster: &Roster, grids: &[CourseGrid], place: usize, week: WeekIndex) -> Option<f64> {
        let known = self.known(roster, grids, place, week)?;
        let course = self.places.courses[place].as_usize();
        let slots = &self.counts[self.places.slots(place)];
        let mine = slots[week.position() + 1];
        let all = &self.ranked[course][week.position()];
        let fewer = all.partition_point(|&count| count < mine);
        let ties = all.partition_point(|&count| count <= mine) - fewer;
        Some((fewer as f64 + 0.5 * ties as f64) / known as f64)
    }

    /// Counts the course's enrolments known by the end of `week`. `None` while this one is not.
    pub(crate) fn known(&self, roster: &Roster, grids: &[CourseGrid], place: usize, week: WeekIndex) -> Option<usize> {
        let course = self.places.courses[place].as_usize();
        let slots = &self.counts[self.places.slots(place)];
        known_by(roster, self.register, place, slots, &grids[course], week)
            .then(|| self.ranked[course][week.position()].len())
    }

    /// Counts the learner's other courses, enrolled in before the end of `week` of this one as far as dates tell, with an event
    /// on one of its days that lies inside their own grids.
    pub(crate) fn other_courses(&self, roster: &Roster, grids: &[CourseGrid], place: usize, week: WeekIndex) -> u32 {
        let grid = &grids[self.places.courses[place].as_usize()];
        let first = i64::from(grid.start_day) + i64::from(grid.weeks.first_day(week));
        let last = grid.day_after_week(week);
        let active = |&other: &usize| {
            let start = i64::from(grids[self.places.courses[other].as_usize()].start_day);
            let seconds_left = (last - start) * DAY_SECONDS;
            // Some sources have events from before the enrolment that are not known to be the learner's until then.
            let enrolled = roster.enrolments.enrolled_seconds(other);
            enrolled.is_none_or(|enrolled| i64::from(enrolled) < seconds_left)
                && (first..last).any(|day| self.active_on(other, day - start))
        };
        self.others(place).filter(active).count() as u32
    }

    /// Counts the learner's other courses that are over by the end of `week` of this one; `None` where the source does not
    /// identify learners.
    pub(crate) fn earlier_courses(&self, grids: &[CourseGrid], place: usize, week: WeekIndex) -> Option<Earlier> {
        let grid = &grids[self.places.courses[place].as_usize()];
        Some(self.earlier.as_ref()?.count(self.others(place), grid.day_after_week(week)))
    }

    /// Lists the learner's other enrolments.
    fn others(&self, place: usize) -> impl Iterator<Item = usize> {
        let next = move |&other: &usize| Some(self.next_of_learner[other] as usize).filter(|&next| next != place);
        std::iter::successors(next(&place), next)
    }

    fn active_on(&self, place: usize, day: i64) -> bool {
        let words = &self.days[self.places.words(place)];
        usize::try_from(day).is_ok_and(|day| words.get(day / 64).is_some_and(|word| word >> (day % 64) & 1 == 1))
    }
}
