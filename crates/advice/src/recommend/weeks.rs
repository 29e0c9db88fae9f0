//! Weeks of courses whose outcome is known: from them is learnt how to order items, and by them methods are compared.

use std::collections::BTreeMap;

use rayon::prelude::*;

use super::candidates::{Candidates, OfItems};
use super::course::Course;
use super::instants::WEEK_SECONDS;
use super::list::Listing;
use super::method::{Method, Ranking};
use super::snapshot::{Snapshot, some_of};
use super::standing::{Standing, Standings};
use super::weights::{Example, Weights};

/// Bounds the courses from which weights are learnt for one.
const MOST_COURSES: usize = 6;
/// Bounds the learners of a week on whom methods are compared and from whom weights are learnt.
const MOST_LEARNERS: usize = 200;
/// Bounds the candidates of all of them.
const MOST_CANDIDATES: usize = 60_000;
/// Bounds the items not used that an example holds.
const MOST_NOT_USED: usize = 30;
/// Counts the weeks of a course from which weights are learnt.
const LEARNT_WEEKS: i32 = 2;

/// Names a week of a course by the whole weeks before it. It is known what learners did in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct PastWeek {
    /// Place of the course.
    pub(super) course: usize,
    /// Weeks of the course before it.
    pub(super) before: i32,
}

impl PastWeek {
    /// Returns the week's first instant, in seconds from the course's start.
    pub(super) fn instant(self) -> i32 {
        self.before * WEEK_SECONDS
    }
}

/// Lists, for what is asked of a course at an instant, the weeks from which may be learnt: of the course itself and of those
/// that began nearest to it. Each week is over by then, and no further into its course. Of each course the last is first.
pub(super) fn earlier_weeks(courses: &[Course], course: usize, instant: i32) -> Vec<Vec<PastWeek>> {
    let own = &courses[course];
    let now = own.start + i64::from(instant);
    let last = |place: usize| {
        let one = &courses[place];
        let elapsed = (now - one.start).min(i64::from(one.end)).min(i64::from(i32::MAX)) as i32;
        let before = (elapsed.saturating_sub(WEEK_SECONDS)).min(instant).div_euclid(WEEK_SECONDS);
        (before >= 1 && one.learners() > 0).then_some(before)
    };
    let mut known: Vec<(bool, i64, usize, i32)> = (0..courses.len())
        .filter_map(|place| Some((place != course, (courses[place].start - own.start).abs(), place, last(place)?)))
        .collect();
    known.sort_unstable();
    known.truncate(MOST_COURSES);
    let weeks = |last: i32| (0..LEARNT_WEEKS).map(move |back| last - back).filter(|&before| before >= 1);
    known.iter().map(|&(_, _, course, last)| weeks(last).map(|before| PastWeek { course, before }).collect()).collect()
}

/// Holds what is known of a past week, and of the start of it.
pub(super) struct WeekData<'a> {
    pub(super) snapshot: Snapshot<'a>,
    pub(super) of_items: OfItems,
    /// Learners who were in the course and used something new in the week.
    pub(super) learners: Vec<usize>,
    /// Some of them, on whom methods are compared.
    judged: Vec<Judged>,
    /// Lists to learn from.
    examples: Vec<Example>,
}

/// Holds what a learner could use at the start of a week, and used in it.
struct Judged {
    candidates: Candidates,
    /// By candidate.
    is_used: Vec<bool>,
    /// All items that were used in the week.
    used: usize,
}

/// Holds the data of past weeks.
pub(super) type Weeks<'a> = BTreeMap<PastWeek, WeekData<'a>>;

/// Takes what is known of these weeks.
pub(super) fn take<'a>(courses: &'a [Course], standings: Standings<'_>, wanted: &[PastWeek]) -> Weeks<'a> {
    let take = |&week: &PastWeek| (week, WeekData::take(&courses[week.course], standings, week.instant()));
    wanted.par_iter().map(take).collect::<Vec<_>>().into_iter().collect()
}

impl<'a> WeekData<'a> {
    fn take(course: &'a Course, standings: Standings<'_>, instant: i32) -> Self {
        let snapshot = Snapshot::take(course, instant, |learner| standings.is_active(course, learner, instant));
        let of_items = OfItems::of(&snapshot);
        let is_judged = |&learner: &usize| {
            standings.of(course, learner, instant) == Standing::Current
                && !course.uses_between(learner, instant, instant.saturating_add(WEEK_SECONDS)).is_empty()
        };
        let learners: Vec<usize> = (0..course.learners()).filter(is_judged).collect();
        let mut data = Self { snapshot, of_items, learners, judged: Vec::new(), examples: Vec::new() };
        let most = (MOST_CANDIDATES / data.snapshot.known.len().max(1)).clamp(1, MOST_LEARNERS);
        data.judged = some_of(&data.learners, most).into_par_iter().map(|learner| data.judged(learner)).collect();
        data.examples = data.judged.iter().map(Judged::example).collect();
        data
    }

    /// Tells which of the candidates a learner used in the week, and how many items in all.
    pub(super) fn used_next(&self, learner: usize, candidates: &Candidates) -> (Vec<bool>, usize) {
        let (course, instant) = (self.snapshot.course, self.snapshot.instant);
        let used = course.uses_between(learner, instant, instant.saturating_add(WEEK_SECONDS));
        let mut ranks: Vec<u32> = used.iter().map(|one| self.snapshot.rank[one.item as usize]).collect();
        ranks.sort_unstable();
        let is_used = candidates.all.iter().map(|candidate| ranks.binary_search(&candidate.rank).is_ok());
        (is_used.collect(), used.len())
    }

    fn judged(&self, learner: usize) -> Judged {
        let candidates = Candidates::of(&self.snapshot, learner, &self.of_items);
        let (is_used, used) = self.used_next(learner, &candidates);
        Judged { candidates, is_used, used }
    }
}

impl Judged {
    fn example(&self) -> Example {
        let (mut used, mut not_used) = (Vec::new(), Vec::new());
        for (candidate, &is_used) in self.candidates.all.iter().zip(&self.is_used) {
            if is_used { used.push(candidate.features) } else { not_used.push(candidate.features) }
        }
        Example { used, not_used: some_of(&not_used, MOST_NOT_USED) }
    }
}

/// Learns the weights from these weeks.
fn learn(weeks: &Weeks<'_>, from: impl Iterator<Item = PastWeek>) -> Weights {
    Weights::learn(&from.flat_map(|week| &weeks[&week].examples).collect::<Vec<_>>())
}

/// Holds the method that was chosen for a course at an instant, and those that it was chosen from.
pub(super) struct Choice {
    pub(super) chosen: Ranking,
    /// Every method that could be used.
    pub(super) all: Vec<Ranking>,
    /// By method: the share of the items used next that are in its list, on weeks from which nothing was learnt.
    pub(super) recall: Vec<(Method, f64)>,
}

/// Chooses the method for lists of `top` items from `earlier` weeks, which stand by course. Weights are learnt from each
/// course's week before the last; on the last, methods are compared, and the simplest is chosen whose recall is within a
/// standard error of the best. Then weights are learnt from both. Where no week is known, it is popularity.
pub(super) fn choose(weeks: &Weeks<'_>, earlier: &[Vec<PastWeek>], top: usize) -> Choice {
    let last = || earlier.iter().filter_map(|weeks| weeks.first().copied());
    let before_last = || earlier.iter().flat_map(|weeks| weeks.iter().skip(1).copied());
    let mut compared = vec![Ranking::Popularity, Ranking::CourseOrder, Ranking::Collaborative];
    if before_last().next().is_some() {
        compared.push(Ranking::Combined(learn(weeks, before_last())));
    }
    let listing = Listing::plain(top);
    let judged: Vec<(PastWeek, &Judged)> =
        last().flat_map(|week| weeks[&week].judged.iter().map(move |judged| (week, judged))).collect();
    let recalls: Vec<Vec<f64>> = judged
        .into_par_iter()
        .map(|(week, judged)| {
            let recall = |ranking: &Ranking| {
                let list = listing.of(ranking, &judged.candidates, &weeks[&week].snapshot);
                list.iter().filter(|one| judged.is_used[one.place]).count() as f64 / judged.used as f64
            };
            compared.iter().map(recall).collect()
        })
        .collect();
    let mean = |method: usize| recalls.iter().map(|one| one[method]).sum::<f64>() / recalls.len().max(1) as f64;
    let means: Vec<f64> = (0..compared.len()).map(mean).collect();
    let recall = compared.iter().map(Ranking::method).zip(means.iter().copied()).collect();
    let best = (0..means.len()).rev().max_by(|&a, &b| means[a].total_cmp(&means[b])).unwrap_or(0);
    let simplest = (0..compared.len()).find(|&method| {
        let gaps: Vec<f64> = recalls.iter().map(|one| one[best] - one[method]).collect();
        means[best] - means[method] <= standard_error(&gaps)
    });
    let place = simplest.unwrap_or(0);
    let mut all = compared;
    if let Some(Ranking::Combined(weights)) = all.last_mut() {
        *weights = learn(weeks, last().chain(before_last()));
    }
    Choice { chosen: all[place].clone(), all, recall }
}

/// Returns the standard error of the mean of numbers; 0 for fewer than two.
pub(super) fn standard_error(numbers: &[f64]) -> f64 {
    let count = numbers.len() as f64;
    if numbers.len() < 2 {
        return 0.0;
    }
    let mean = numbers.iter().sum::<f64>() / count;
    let squares: f64 = numbers.iter().map(|number| (number - mean) * (number - mean)).sum();
    (squares / (count - 1.0) / count).sqrt()
}
