//! A course as it is known at one instant: which items there are, how they follow one another, and who uses them together.
//!
//! Everything here rests on uses before the instant.

use std::cmp::Reverse;

use super::course::Course;
use super::factors::ItemFactors;
use super::instants::WEEK_SECONDS;

/// Bounds the learners from whom steps and prerequisites are learnt: more make them no better.
const LEARNT_FROM: usize = 2_000;
/// Bounds those from whom factors are learnt, which takes most of the time.
const FACTORED_FROM: usize = 1_000;
/// Counts the next first uses that an item is taken to lead to.
const STEPS: usize = 3;
/// Bounds from below the learners who show that an item comes before another.
const LEAST_SHOWN: u32 = 20;
/// Sets the share of an item's users who have used another one before, from which that is a prerequisite.
const PREREQUISITE_SHARE: f64 = 0.95;
/// Bounds the items of a course that are looked at: those that are due, and then those with most users. Ids that are made for each
/// attempt would be more without end.
const MOST_ITEMS: usize = 5_000;
/// Bounds the items among which prerequisites are looked for: those with most users.
const MOST_ORDERED: usize = 1_000;

/// Holds what is known of a course at an instant.
pub(super) struct Snapshot<'a> {
    pub(super) course: &'a Course,
    /// The instant, in seconds from the course's start.
    pub(super) instant: i32,
    /// The known items that are released: places among the course's items, in the order of the course.
    pub(super) known: Vec<u32>,
    /// By item of the course: place in `known`; `u32::MAX` for others.
    pub(super) rank: Vec<u32>,
    /// By rank.
    pub(super) items: Vec<ItemState>,
    /// Learners who used anything.
    pub(super) users: u32,
    /// Learners who did anything in the last two weeks.
    pub(super) active: u32,
    pub(super) factors: ItemFactors,
    steps: Steps,
    /// By rank: what nearly all users had used before.
    prerequisites: Vec<Vec<u32>>,
    /// Known items that are not looked at.
    pub(super) left_out: usize,
}

/// Holds what is known of an item.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct ItemState {
    /// Learners who used it.
    pub(super) users: u32,
    /// Those of them who first did so in the last week.
    pub(super) recent: u32,
    /// Those of the active learners who used it.
    pub(super) active_users: u32,
    /// When half of its users had used it; when it was released, where nobody has.
    pub(super) usual: i32,
    /// When it was first used; `i32::MAX` where it was not.
    pub(super) first: i32,
}

impl<'a> Snapshot<'a> {
    /// Takes what is known of `course` at `instant`. `is_active` tells which learners did something in the two weeks before.
    pub(super) fn take(course: &'a Course, instant: i32, is_active: impl Fn(usize) -> bool) -> Self {
        let mut states = vec![ItemState { first: i32::MAX, ..ItemState::default() }; course.items.len()];
        let mut times: Vec<Vec<i32>> = vec![Vec::new(); course.items.len()];
        let (mut users, mut active) = (0, 0);
        for learner in 0..course.learners() {
            let used = course.uses_before(learner, instant);
            let is_active = is_active(learner);
            users += u32::from(!used.is_empty());
            active += u32::from(is_active);
            for one in used {
                let item = &mut states[one.item as usize];
                item.users += 1;
                item.recent += u32::from(one.seconds >= instant.saturating_sub(WEEK_SECONDS));
                item.active_users += u32::from(is_active);
                item.first = item.first.min(one.seconds);
                times[one.item as usize].push(one.seconds);
            }
        }
        for ((state, item), times) in states.iter_mut().zip(&course.items).zip(&mut times) {
            let half = times.len() / 2;
            state.usual = match times.is_empty() {
                true => item.release.unwrap_or(i32::MAX),
                false => *times.select_nth_unstable(half).1,
            };
        }
        let is_known = |&item: &u32| {
            let (state, item) = (&states[item as usize], &course.items[item as usize]);
            let is_released = item.release.is_none_or(|release| release <= instant);
            is_released && (state.users > 0 || item.release.is_some() || item.due_day.is_some())
        };
        let mut known: Vec<u32> = (0..course.items.len() as u32).filter(is_known).collect();
        let left_out = known.len().saturating_sub(MOST_ITEMS);
        if left_out > 0 {
            let users = |item: u32| (course.items[item as usize].due_day.is_some(), states[item as usize].users);
            known.sort_by_key(|&item| (Reverse(users(item)), course.listing(item as usize)));
            known.truncate(MOST_ITEMS);
        }
        // Where nothing says when an assessment is usually handed in, its due day does.
        for &item in &known {
            let (state, item) = (&mut states[item as usize], &course.items[item as usize]);
            if let (0, Some(day)) = (state.users, item.due_day) {
                state.usual = day.saturating_mul(86_400);
            }
        }
        known.sort_by_key(|&item| (states[item as usize].usual, course.listing(item as usize)));
        let mut rank = vec![u32::MAX; course.items.len()];
        for (&item, place) in known.iter().zip(0..) {
            rank[item as usize] = place;
        }
        let items: Vec<ItemState> = known.iter().map(|&item| states[item as usize]).collect();
        let learnt_from = learnt_from(course, instant);
        let sequences: Vec<Vec<u32>> = learnt_from
            .into_iter()
            .map(|learner| course.uses_before(learner, instant).iter().map(|one| rank[one.item as usize]))
            .map(|ranks| ranks.filter(|&rank| rank != u32::MAX).collect())
            .collect();
        let steps = Steps::count(&sequences, known.len());
        let prerequisites = prerequisites(&sequences, &items);
        let factors = ItemFactors::learn(&some_of(&sequences, FACTORED_FROM), known.len());
        Self { course, instant, known, rank, items, users, active, factors, steps, prerequisites, left_out }
    }

    /// Returns the ranks that a learner has used, in the order of time.
    pub(super) fn used(&self, learner: usize) -> Vec<u32> {
        let ranks = self.course.uses_before(learner, self.instant).iter().map(|one| self.rank[one.item as usize]);
        ranks.filter(|&rank| rank != u32::MAX).collect()
    }

    /// Returns the ranks that users of `from` first used soon after, with the shares of these users.
    pub(super) fn steps(&self, from: u32) -> impl Iterator<Item = (u32, f64)> {
        self.steps.from(from)
    }

    /// Returns the ranks that nearly all users of `rank` had used before.
    pub(super) fn prerequisites(&self, rank: u32) -> &[u32] {
        &self.prerequisites[rank as usize]
    }
}

/// Returns the learners from whom is learnt: all who used something or, where they are many, some of them at even distances.
fn learnt_from(course: &Course, instant: i32) -> Vec<usize> {
    let used = (0..course.learners()).filter(|&learner| !course.uses_before(learner, instant).is_empty());
    some_of(&used.collect::<Vec<_>>(), LEARNT_FROM)
}

/// Returns all of a list or, where they are many, some of them at even distances.
pub(super) fn some_of<T: Clone>(all: &[T], most: usize) -> Vec<T> {
    let count = all.len().min(most);
    (0..count).map(|place| all[place * all.len() / count].clone()).collect()
}

/// Holds what is used soon after what.
struct Steps {
    /// By rank: where its steps begin, and where the last one's end.
    starts: Vec<usize>,
    /// Ranks that are used soon after, with the number of learners; by rank, then rank.
    to: Vec<(u32, u32)>,
    /// By rank: learners who used it.
    users: Vec<u32>,
}

impl Steps {
    fn count(sequences: &[Vec<u32>], items: usize) -> Self {
        let mut users = vec![0; items];
        let mut pairs: Vec<u64> = Vec::new();
        for sequence in sequences {
            for (place, &from) in sequence.iter().enumerate() {
                users[from as usize] += 1;
                let next = sequence[place + 1..].iter().take(STEPS);
                pairs.extend(next.map(|&to| u64::from(from) << 32 | u64::from(to)));
            }
        }
        pairs.sort_unstable();
        let (mut starts, mut to) = (vec![0; items + 1], Vec::new());
        for same in pairs.chunk_by(|a, b| a == b) {
            to.push((same[0] as u32, same.len() as u32));
            starts[(same[0] >> 32) as usize + 1] = to.len();
        }
        for rank in 1..starts.len() {
            starts[rank] = starts[rank].max(starts[rank - 1]);
        }
        Self { starts, to, users }
    }

    fn from(&self, rank: u32) -> impl Iterator<Item = (u32, f64)> {
        let rank = rank as usize;
        let users = f64::from(self.users[rank].max(1));
        self.to[self.starts[rank]..self.starts[rank + 1]].iter().map(move |&(to, count)| (to, f64::from(count) / users))
    }
}

/// Lists, for each item, those that nearly all of its users had used before.
fn prerequisites(sequences: &[Vec<u32>], items: &[ItemState]) -> Vec<Vec<u32>> {
    let mut found = vec![Vec::new(); items.len()];
    let mut most: Vec<usize> = (0..items.len()).collect();
    most.sort_by_key(|&rank| (Reverse(items[rank].users), rank));
    most.truncate(MOST_ORDERED);
    most.sort_unstable();
    let mut column = vec![usize::MAX; items.len()];
    for (place, &rank) in most.iter().enumerate() {
        column[rank] = place;
    }
    let count = most.len();
    let (mut before, mut users) = (vec![0_u16; count * count], vec![0_u32; count]);
    for sequence in sequences {
        let places: Vec<usize> =
            sequence.iter().map(|&rank| column[rank as usize]).filter(|&place| place != usize::MAX).collect();
        for (at, &after) in places.iter().enumerate() {
            users[after] += 1;
            let row = &mut before[after * count..(after + 1) * count];
            for &earlier in &places[..at] {
                row[earlier] += 1;
            }
        }
    }
    for (after, &rank) in most.iter().enumerate() {
        if users[after] < LEAST_SHOWN {
            continue;
        }
        let needed = PREREQUISITE_SHARE * f64::from(users[after]);
        let row = &before[after * count..(after + 1) * count];
        let of_rank = row.iter().enumerate().filter(|&(_, &shown)| f64::from(shown) >= needed);
        found[rank] = of_rank.map(|(earlier, _)| most[earlier] as u32).collect();
    }
    found
}
