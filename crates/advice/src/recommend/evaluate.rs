//! The test of methods on past weeks: lists made from what was known at the end of a week, and what learners used next.

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;
use serde::Serialize;

use super::candidates::Candidates;
use super::course::Course;
use super::figures::{Estimate, MethodFigures, Outcome, Worth};
use super::instants::WEEK_SECONDS;
use super::list::Listing;
use super::method::{Method, Ranking};
use super::standing::Standings;
use super::weeks::{Choice, PastWeek, WeekData, Weeks, choose, earlier_weeks, take};

/// Names what learners get: the list of the method that was chosen on earlier weeks, with what is due first.
const PRODUCT: &str = "product";

/// Holds how good the methods were.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Evaluation {
    /// Items on a list.
    pub top: usize,
    /// Figures of all weeks together.
    pub all: Vec<MethodFigures>,
    /// By week after which the lists were made.
    pub weeks: BTreeMap<u16, Vec<MethodFigures>>,
    /// Differences of the product from each method, on the same lists.
    pub product_less: Vec<Difference>,
    /// Courses and weeks in which each method was chosen.
    pub chosen: BTreeMap<&'static str, u64>,
    /// Mean share of the items used next that were known when the list was made.
    pub reachable: Option<f64>,
    /// Courses with a list.
    pub courses: u64,
    /// Weeks of courses that could not be tested: too short, not over yet, or without anybody who used something new.
    pub not_tested: u64,
}

/// Holds what is gained over a method.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Difference {
    /// The method.
    pub method: &'static str,
    /// The gain in recall.
    pub recall: Estimate,
    /// The gain in mean reciprocal rank.
    pub mrr: Estimate,
}

/// Holds a week of a course that is a test.
struct Test<'a> {
    week: PastWeek,
    data: &'a WeekData<'a>,
    choice: Choice,
}

/// Evaluates lists of `top` items after each of `weeks`, in every course that has them before `known_until` (seconds since
/// 1970-01-01T00:00:00).
pub(super) fn evaluate(
    courses: &[Course],
    standings: Standings<'_>,
    weeks: &[u16],
    top: usize,
    known_until: i64,
) -> Evaluation {
    let mut not_tested = 0;
    let mut tests = Vec::new();
    for (place, course) in courses.iter().enumerate() {
        for &before in weeks {
            let week = PastWeek { course: place, before: i32::from(before) };
            let over = i64::from(week.instant()) + i64::from(WEEK_SECONDS);
            match over <= i64::from(course.end) && course.start + over <= known_until {
                true => tests.push((week, earlier_weeks(courses, place, week.instant()))),
                false => not_tested += 1,
            }
        }
    }
    let wanted: BTreeSet<PastWeek> = tests
        .iter()
        .flat_map(|(week, earlier)| std::iter::once(*week).chain(earlier.iter().flatten().copied()))
        .collect();
    let known: Weeks<'_> = take(courses, standings, &wanted.into_iter().collect::<Vec<_>>());
    let tests: Vec<Test<'_>> = tests
        .into_par_iter()
        .map(|(week, earlier)| Test { week, data: &known[&week], choice: choose(&known, &earlier, top) })
        .collect();
    let (mut outcomes, mut coverage): (Vec<Outcome>, Vec<(u16, Vec<f64>)>) = (Vec::new(), Vec::new());
    let mut chosen = BTreeMap::new();
    let mut with_lists = BTreeSet::new();
    for test in &tests {
        if test.data.learners.is_empty() {
            not_tested += 1;
            continue;
        }
        with_lists.insert(test.week.course);
        *chosen.entry(test.choice.chosen.method().name()).or_insert(0) += 1;
        let (of_learners, covered) = test.run(top);
        outcomes.extend(of_learners);
        coverage.push((test.week.before as u16, covered));
    }
    outcomes.sort_by_key(|one| (one.learner, one.week));
    let reachable: Vec<(usize, f64)> = outcomes.iter().map(|one| (one.learner, one.reachable)).collect();
    let of_week = |&week: &u16| {
        let of_week: Vec<&Outcome> = outcomes.iter().filter(|one| one.week == week).collect();
        let covered: Vec<&Vec<f64>> = coverage.iter().filter(|one| one.0 == week).map(|one| &one.1).collect();
        (week, figures(&of_week, &covered))
    };
    Evaluation {
        top,
        all: figures(&outcomes.iter().collect::<Vec<_>>(), &coverage.iter().map(|one| &one.1).collect::<Vec<_>>()),
        weeks: weeks.iter().map(of_week).filter(|(_, figures)| figures[0].lists > 0).collect(),
        product_less: differences(&outcomes),
        chosen,
        reachable: Estimate::of(&reachable).mean,
        courses: with_lists.len() as u64,
        not_tested,
    }
}

/// Lists what is measured: the methods, and then what learners get.
fn measured() -> impl Iterator<Item = &'static str> {
    Method::ALL.into_iter().map(Method::name).chain([PRODUCT])
}

impl Test<'_> {
    /// Returns what the lists of each learner were worth, and by method the share of items that were on any.
    fn run(&self, top: usize) -> (Vec<Outcome>, Vec<f64>) {
        let lists: Vec<(Outcome, Vec<Vec<u32>>)> =
            self.data.learners.par_iter().map(|&learner| self.outcome(learner, top)).collect();
        let items = self.data.snapshot.known.len().max(1) as f64;
        let covered = (0..measured().count())
            .map(|method| {
                let listed: BTreeSet<u32> = lists.iter().flat_map(|(_, lists)| lists[method].iter().copied()).collect();
                listed.len() as f64 / items
            })
            .collect();
        (lists.into_iter().map(|(outcome, _)| outcome).collect(), covered)
    }

    fn outcome(&self, learner: usize, top: usize) -> (Outcome, Vec<Vec<u32>>) {
        let (data, snapshot) = (self.data, &self.data.snapshot);
        let candidates = Candidates::of(snapshot, learner, &data.of_items);
        let (is_used, used) = data.used_next(learner, &candidates);
        let everything = Listing::plain(candidates.all.len());
        let plain = |ranking: &Ranking| everything.of(ranking, &candidates, snapshot);
        let mut orders: Vec<Vec<usize>> = Method::ALL
            .into_iter()
            .map(|method| {
                // Without an earlier week there are no weights; popularity then stands in for them.
                let ranking = self.choice.all.iter().find(|one| one.method() == method).unwrap_or(&Ranking::Popularity);
                plain(ranking).iter().map(|one| one.place).collect()
            })
            .collect();
        let product = Listing::for_learners(candidates.all.len()).of(&self.choice.chosen, &candidates, snapshot);
        orders.push(product.iter().map(|one| one.place).collect());
        let share = |place: usize| {
            let users = snapshot.items[candidates.all[place].rank as usize].users;
            f64::from(users + 1) / f64::from(snapshot.users + 1)
        };
        let worth = |order: &Vec<usize>| {
            let ordered: Vec<(bool, f64)> = order.iter().map(|&place| (is_used[place], share(place))).collect();
            Worth::of(&ordered, top, used)
        };
        let ranks = |order: &Vec<usize>| order.iter().take(top).map(|&place| candidates.all[place].rank).collect();
        let outcome = Outcome {
            learner: snapshot.course.first_enrolment + learner,
            week: self.week.before as u16,
            of: orders.iter().map(worth).collect(),
            reachable: is_used.iter().filter(|&&is_used| is_used).count() as f64 / used.max(1) as f64,
        };
        (outcome, orders.iter().map(ranks).collect())
    }
}

fn figures(outcomes: &[&Outcome], coverage: &[&Vec<f64>]) -> Vec<MethodFigures> {
    let estimate = |method: usize, what: fn(&Worth) -> f64| {
        Estimate::of(&outcomes.iter().map(|one| (one.learner, what(&one.of[method]))).collect::<Vec<_>>())
    };
    let of_method = |(method, name)| MethodFigures {
        method: name,
        recall: estimate(method, |worth| worth.recall),
        mrr: estimate(method, |worth| worth.reciprocal_rank),
        coverage: (!coverage.is_empty())
            .then(|| coverage.iter().map(|covered| covered[method]).sum::<f64>() / coverage.len() as f64),
        novelty: estimate(method, |worth| worth.novelty),
        lists: outcomes.len() as u64,
    };
    measured().enumerate().map(of_method).collect()
}

fn differences(outcomes: &[Outcome]) -> Vec<Difference> {
    let product = Method::ALL.len();
    let gain = |method: usize, what: fn(&Worth) -> f64| {
        let gain = |one: &Outcome| (one.learner, what(&one.of[product]) - what(&one.of[method]));
        Estimate::of(&outcomes.iter().map(gain).collect::<Vec<_>>())
    };
    let of_method = |(method, name): (usize, Method)| Difference {
        method: name.name(),
        recall: gain(method, |worth| worth.recall),
        mrr: gain(method, |worth| worth.reciprocal_rank),
    };
    Method::ALL.into_iter().enumerate().map(of_method).collect()
}
