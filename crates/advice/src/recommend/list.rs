//! The list of items that a learner gets, and why each is on it.

use super::candidates::{Candidate, Candidates, DUE_SOON_DAYS};
use super::course::Course;
use super::instants::{DAY_SECONDS, WEEK_SECONDS, in_days};
use super::method::Ranking;
use super::snapshot::Snapshot;
use super::standing::week_number;

/// Sets the share of the active learners who used an item from which it is one that others left out.
const SKIPPED_SHARE: f64 = 2.0 / 3.0;
/// Counts the items left out that come before those of the method: more would push out what is used next.
const SKIPPED_FIRST: usize = 1;
/// Sets the share of those who used an item soon after another from which that is a reason.
const OFTEN_NEXT: f64 = 0.2;

/// Holds an item on a list.
#[derive(Clone, Debug)]
pub(super) struct Listed {
    /// Place among the candidates.
    pub(super) place: usize,
    /// How much speaks for it by the method.
    pub(super) score: f64,
}

/// Says how lists are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// In the order of the method.
    Plain,
    /// Items that are due first, then an item that most others did and this learner left out, then in the order of the method; and
    /// nothing before its prerequisites.
    ForLearners,
}

/// Makes lists of at most some length.
#[derive(Clone, Copy, Debug)]
pub(super) struct Listing {
    top: usize,
    form: Form,
}

impl Listing {
    /// Makes lists in the order of the method alone.
    pub(super) fn plain(top: usize) -> Self {
        Self { top, form: Form::Plain }
    }

    /// Makes lists as learners get them.
    pub(super) fn for_learners(top: usize) -> Self {
        Self { top, form: Form::ForLearners }
    }

    /// Returns the list by a method.
    pub(super) fn of(self, ranking: &Ranking, candidates: &Candidates, snapshot: &Snapshot<'_>) -> Vec<Listed> {
        let scores = ranking.scores(candidates, snapshot);
        let mut order: Vec<usize> = (0..scores.len()).collect();
        // Of equal ones that which comes first in the course is the better.
        order.sort_by(|&a, &b| scores[b].total_cmp(&scores[a]).then(a.cmp(&b)));
        let mut list = Growing { places: Vec::new(), is_listed: vec![false; scores.len()], top: self.top };
        if self.form == Form::Plain {
            order.iter().for_each(|&place| list.add(place));
        } else {
            let due_in = |place: &usize| candidates.all[*place].due_in_days;
            let mut due: Vec<usize> =
                order.iter().copied().filter(|&place| is_due_soon(&candidates.all[place])).collect();
            // What is still to come first, and then what is late.
            due.sort_by_key(|place| (due_in(place) < Some(0), due_in(place)));
            due.into_iter().for_each(|place| list.add(place));
            let is_skipped = |&&place: &&usize| is_skipped(&candidates.all[place], snapshot);
            for &place in order.iter().filter(is_skipped).take(SKIPPED_FIRST).chain(&order) {
                let before = snapshot.prerequisites(candidates.all[place].rank).iter();
                before.filter_map(|&rank| candidates.place(rank)).for_each(|place| list.add(place));
                list.add(place);
            }
        }
        list.places.into_iter().map(|place| Listed { place, score: scores[place] }).collect()
    }
}

/// Holds the places of candidates on a list, each once.
struct Growing {
    places: Vec<usize>,
    is_listed: Vec<bool>,
    top: usize,
}

impl Growing {
    fn add(&mut self, place: usize) {
        if self.places.len() < self.top && !std::mem::replace(&mut self.is_listed[place], true) {
            self.places.push(place);
        }
    }
}

fn is_due_soon(candidate: &Candidate) -> bool {
    candidate.due_in_days.is_some_and(|days| days <= DUE_SOON_DAYS)
}

fn active_share(candidate: &Candidate, snapshot: &Snapshot<'_>) -> f64 {
    f64::from(snapshot.items[candidate.rank as usize].active_users) / f64::from(snapshot.active.max(1))
}

fn is_skipped(candidate: &Candidate, snapshot: &Snapshot<'_>) -> bool {
    let usual = snapshot.items[candidate.rank as usize].usual;
    usual < snapshot.instant.saturating_sub(WEEK_SECONDS) && active_share(candidate, snapshot) >= SKIPPED_SHARE
}

/// Says why an item is on a list.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Why {
    Due {
        in_days: i64,
    },
    Skipped {
        share: f64,
        week: i64,
    },
    Released {
        days_ago: i64,
    },
    NextInOrder,
    /// Used soon after an item: its place among the course's.
    After {
        share: f64,
        item: u32,
    },
    LikeOthers,
    Popular {
        share: f64,
    },
    Unused,
}

/// Holds what reasons for one learner's list rest on.
pub(super) struct Reasons {
    next: Option<u32>,
    /// The least similarity of the most similar candidates, as many as the list is long.
    similar_from: f64,
}

impl Reasons {
    pub(super) fn of(candidates: &Candidates, top: usize) -> Self {
        let next = candidates.all.iter().find(|one| i64::from(one.rank) > candidates.reached).map(|one| one.rank);
        let mut similarity: Vec<f64> = candidates.all.iter().map(|one| one.similarity).collect();
        similarity.sort_by(|a, b| b.total_cmp(a));
        let similar_from = similarity.get(top.saturating_sub(1)).or(similarity.last()).copied().unwrap_or(f64::MAX);
        Self { next, similar_from: similar_from.max(f64::MIN_POSITIVE) }
    }

    /// Returns the first reason that holds, those that a learner can act on first.
    pub(super) fn why(&self, candidate: &Candidate, snapshot: &Snapshot<'_>) -> Why {
        let state = &snapshot.items[candidate.rank as usize];
        let item = &snapshot.course.items[snapshot.known[candidate.rank as usize] as usize];
        let day = |seconds: i32| i64::from(seconds).div_euclid(DAY_SECONDS);
        if let Some(in_days) = candidate.due_in_days {
            return Why::Due { in_days };
        }
        if is_skipped(candidate, snapshot) {
            return Why::Skipped { share: active_share(candidate, snapshot), week: week_number(state.usual) };
        }
        if let Some(release) = item.release.filter(|&release| release > snapshot.instant.saturating_sub(WEEK_SECONDS)) {
            return Why::Released { days_ago: day(snapshot.instant) - day(release) };
        }
        if self.next == Some(candidate.rank) {
            return Why::NextInOrder;
        }
        if state.users == 0 {
            return Why::Unused;
        }
        if let Some((share, item)) = candidate.step.filter(|&(share, _)| share >= OFTEN_NEXT) {
            return Why::After { share, item: snapshot.known[item as usize] };
        }
        if candidate.similarity >= self.similar_from {
            return Why::LikeOthers;
        }
        Why::Popular { share: f64::from(state.users) / f64::from(snapshot.users.max(1)) }
    }
}

impl Why {
    /// Returns the name of the reason in files.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Due { .. } => "due",
            Self::Skipped { .. } => "skipped",
            Self::Released { .. } => "new",
            Self::NextInOrder => "next_in_order",
            Self::After { .. } => "often_next",
            Self::LikeOthers => "similar_learners",
            Self::Popular { .. } => "popular",
            Self::Unused => "unused",
        }
    }

    /// Says it in a few words.
    pub(super) fn describe(self, course: &Course) -> String {
        let percent = |share: f64| format!("{:.0} %", 100.0 * share);
        match self {
            Self::Due { in_days: days } if days < 0 => format!("was due {} and is not handed in", in_days(days)),
            Self::Due { in_days: days } => format!("due {} and not handed in", in_days(days)),
            Self::Skipped { share, week: 0 } => {
                format!("skipped: {} of those still active did it, usually before the start", percent(share))
            }
            Self::Skipped { share, week } => {
                format!("skipped: {} of those still active did it, usually in week {week}", percent(share))
            }
            Self::Released { days_ago } => format!("released {}", in_days(-days_ago)),
            Self::NextInOrder => "the next in course order".to_owned(),
            Self::After { share, item } => {
                let item = &course.items[item as usize].id;
                format!("often next: {} of those who used {item} used it soon after", percent(share))
            }
            Self::LikeOthers => "often used by learners with a similar history".to_owned(),
            Self::Unused => "released, and used by nobody yet".to_owned(),
            Self::Popular { share } => format!("used by {} of the learners so far", percent(share)),
        }
    }
}
