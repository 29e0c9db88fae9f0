//! Recommends what to use next: items of the course that a learner is in, from what others used and in which order.
//!
//! A log is read once, to the first use of each object by each enrolment ([`History::read`]). Then [`recommend`] makes lists as
//! of an instant, and [`evaluate`] tests the methods on weeks that are over. Everything rests on what was known at the instant
//! alone. docs/recommendations.md says what is chosen how.

mod candidates;
mod course;
mod error;
mod evaluate;
mod factors;
mod figures;
mod instants;
mod list;
mod method;
mod rows;
mod snapshot;
mod standing;
mod table;
mod uses;
mod weeks;
mod weights;

use std::collections::BTreeMap;

use rayon::prelude::*;
use staycast_events::{Source, Tally};
use staycast_sequences::Progress;
use staycast_weeks::CutOff;

pub use error::RecommendError;
pub use evaluate::{Difference, Evaluation};
pub use figures::{Estimate, MethodFigures};
pub use method::Method;
pub use rows::{CourseSummary, ListStatus, Recommendations};
pub use table::{RECOMMENDATION_COLUMNS, RecommendationRow, write_recommendations};

use candidates::{Candidates, OfItems};
use course::{Course, courses};
use instants::from_start;
use list::{Listing, Reasons};
use rows::{Item, LearnerList};
use snapshot::Snapshot;
use standing::{Standing, Standings};
use uses::{Uses, end_of_day};
use weeks::{Weeks, choose, earlier_weeks, take};

/// Says as of when items are recommended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At {
    /// The instant of the log: the one that it was opened with, or the end of the day of its newest event.
    Log,
    /// The end of a week of each course.
    Week(CutOff),
}

/// Holds what a log tells of who used what, and when first.
pub struct History<'a> {
    source: &'a Source,
    uses: Uses,
    courses: Vec<Course>,
    /// The first instant of which nothing is known, in seconds since 1970-01-01T00:00:00.
    known_until: i64,
}

impl<'a> History<'a> {
    /// Reads a log to its end. It has to be opened so that objects are named.
    ///
    /// # Errors
    /// When the source tells no objects, a file can't be read, or no learner used any item.
    pub fn read(source: &'a Source, progress: &dyn Progress) -> Result<Self, RecommendError> {
        if !source.capabilities.objects {
            return Err(RecommendError::NoObjects { format: source.format });
        }
        let uses = uses::read(source, progress)?;
        let courses = courses(source, &uses);
        let newest = uses.newest.filter(|_| !uses.first.is_empty()).ok_or(RecommendError::NothingUsed)?;
        // The instant of the log itself still counts.
        let known_until = source.as_of.map_or_else(|| end_of_day(newest), |as_of| as_of.saturating_add(1));
        Ok(Self { source, uses, courses, known_until })
    }

    /// Returns what became of the rows of the log.
    #[must_use]
    pub fn tally(&self) -> &Tally {
        &self.uses.tally
    }

    /// Counts the items of all courses.
    #[must_use]
    pub fn items(&self) -> u64 {
        self.courses.iter().map(|course| course.items.len() as u64).sum()
    }

    /// Counts the first uses of an item by an enrolment.
    #[must_use]
    pub fn first_uses(&self) -> u64 {
        self.uses.first.len() as u64
    }

    fn standings(&self) -> Standings<'_> {
        Standings { source: self.source, uses: &self.uses }
    }

    /// Returns the instant of a course that is meant, in seconds from its start. What is later than the log is not known.
    fn instant(&self, course: &Course, at: At) -> i32 {
        let known_until = from_start(self.known_until, course.start);
        match at {
            At::Log => known_until,
            At::Week(cut_off) => (i32::from(cut_off.weeks()) * instants::WEEK_SECONDS).min(known_until),
        }
    }
}

/// Recommends up to `top` items to each learner who is in a course; to those of `enrolments` alone, where they are given.
///
/// # Errors
/// When an enrolment that is given is not in the log.
pub fn recommend<'h>(
    history: &'h History<'h>,
    at: At,
    top: usize,
    enrolments: Option<&[String]>,
) -> Result<Recommendations<'h>, RecommendError> {
    let wanted = enrolments.map(|ids| rows::find(&history.source.roster, ids)).transpose()?;
    let courses = &history.courses;
    let running = |course: &Course, instant: i32| instant > 0 && instant < course.end;
    let instants: Vec<i32> = courses.iter().map(|course| history.instant(course, at)).collect();
    let earlier = |place: usize| match running(&courses[place], instants[place]) {
        true => earlier_weeks(courses, place, instants[place]),
        false => Vec::new(),
    };
    let earlier: Vec<Vec<Vec<weeks::PastWeek>>> = (0..courses.len()).map(earlier).collect();
    let mut needed: Vec<weeks::PastWeek> = earlier.iter().flatten().flatten().copied().collect();
    needed.sort_unstable();
    needed.dedup();
    let known: Weeks<'_> = take(courses, history.standings(), &needed);
    let of_course = |place: usize| {
        let asked =
            Asked { history, course: &courses[place], instant: instants[place], top, wanted: wanted.as_deref() };
        asked.lists(&known, &earlier[place])
    };
    let made: Vec<(Vec<LearnerList>, Option<CourseSummary>)> =
        (0..courses.len()).into_par_iter().map(of_course).collect();
    let mut statuses = BTreeMap::new();
    let (mut lists, mut summaries) = (Vec::new(), Vec::new());
    for (of_course, summary) in made {
        for list in &of_course {
            *statuses.entry(list.status.name()).or_insert(0) += 1;
        }
        lists.extend(of_course);
        summaries.extend(summary);
    }
    Ok(Recommendations { history, lists, statuses, courses: summaries })
}

/// Evaluates lists of `top` items after each of `weeks`, on what learners used in the week after.
#[must_use]
pub fn evaluate(history: &History<'_>, weeks: &[CutOff], top: usize) -> Evaluation {
    let weeks: Vec<u16> = weeks.iter().map(|week| week.weeks()).collect();
    evaluate::evaluate(&history.courses, history.standings(), &weeks, top, history.known_until)
}

/// Holds what is asked for of one course.
struct Asked<'a> {
    history: &'a History<'a>,
    course: &'a Course,
    instant: i32,
    top: usize,
    /// The enrolments that are asked for, in order.
    wanted: Option<&'a [usize]>,
}

impl Asked<'_> {
    fn lists(&self, known: &Weeks<'_>, earlier: &[Vec<weeks::PastWeek>]) -> (Vec<LearnerList>, Option<CourseSummary>) {
        let (course, instant) = (self.course, self.instant);
        let standings = self.history.standings();
        let is_wanted = |learner: &usize| {
            self.wanted.is_none_or(|wanted| wanted.binary_search(&(course.first_enrolment + learner)).is_ok())
        };
        let learners: Vec<(usize, Standing)> = (0..course.learners())
            .filter(is_wanted)
            .map(|learner| (learner, standings.of(course, learner, instant)))
            .collect();
        if learners.iter().all(|&(_, standing)| standing != Standing::Current) {
            let without = |(learner, standing)| LearnerList::without(course.first_enrolment + learner, standing);
            return (learners.into_iter().map(without).collect(), None);
        }
        let snapshot = Snapshot::take(course, instant, |learner| standings.is_active(course, learner, instant));
        let of_items = OfItems::of(&snapshot);
        let choice = choose(known, earlier, self.top);
        let listing = Listing::for_learners(self.top);
        let list = |&(learner, standing): &(usize, Standing)| {
            let enrolment = course.first_enrolment + learner;
            if standing != Standing::Current {
                return LearnerList::without(enrolment, standing);
            }
            let candidates = Candidates::of(&snapshot, learner, &of_items);
            let reasons = Reasons::of(&candidates, self.top);
            let items = listing.of(&choice.chosen, &candidates, &snapshot).into_iter().map(|listed| {
                let candidate = &candidates.all[listed.place];
                let why = reasons.why(candidate, &snapshot);
                Item { item: snapshot.known[candidate.rank as usize], why, score: listed.score }
            });
            LearnerList::with(enrolment, items.collect())
        };
        let lists: Vec<LearnerList> = learners.par_iter().map(list).collect();
        let summary = CourseSummary::new(self.history, course, &snapshot, &choice, &lists);
        (lists, Some(summary))
    }
}
