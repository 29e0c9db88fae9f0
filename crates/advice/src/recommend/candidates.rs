//! The items that can be recommended to one learner at an instant, and what speaks for each.

use staycast_events::Activity;

use super::instants::{DAY_SECONDS, WEEK_SECONDS};
use super::snapshot::Snapshot;

/// Counts the numbers that describe a candidate.
pub(super) const FEATURES: usize = 13;

/// Counts the days after the due day on which something can still be handed in, as far as anybody knows.
const LATE_DAYS: i64 = 7;
/// Counts the days before the due day from which an assessment is a candidate.
const AHEAD_DAYS: i64 = 14;
/// Counts the days before the due day from which an assessment comes before anything else.
pub(super) const DUE_SOON_DAYS: i64 = 7;
/// Counts the last first uses that say where a learner is.
const LAST: usize = 3;
/// Keeps shares of nothing from the logarithm's end.
const LEAST_SHARE: f64 = 0.01;

/// Describes one item for one learner.
#[derive(Clone, Debug)]
pub(super) struct Candidate {
    /// Place of the item in the course's order.
    pub(super) rank: u32,
    /// Days until it is due, where it is to be handed in.
    pub(super) due_in_days: Option<i64>,
    /// Inputs of its score: see [`Candidates::of`].
    pub(super) features: [f64; FEATURES],
    /// How near it is to what the learner used.
    pub(super) similarity: f64,
    /// The greatest share of users of one of the last items who used this soon after, and that item's place.
    pub(super) step: Option<(f64, u32)>,
}

/// Holds what can be recommended to one learner.
pub(super) struct Candidates {
    /// In the course's order.
    pub(super) all: Vec<Candidate>,
    /// The place in the course's order that the learner has reached; −1 at the beginning.
    pub(super) reached: i64,
}

impl Candidates {
    /// Lists what `learner` can use next: known, released, not used yet.
    ///
    /// The features: the shares of learners who used it, who first did so in the last week, and of the active ones who used
    /// it, all as logarithms; similarity to what the learner used; how often it follows the learner's last items; whether it
    /// lies ahead in the course's order, and by how much, or behind, and by how much; whether the learner uses its kind more
    /// than others do; whether it was released in the last week; whether it is due soon, or was due; the days since it is usually used.
    pub(super) fn of(snapshot: &Snapshot<'_>, learner: usize, of_items: &OfItems) -> Self {
        let course = snapshot.course;
        let used = snapshot.used(learner);
        let mut is_used = vec![false; snapshot.known.len()];
        used.iter().for_each(|&rank| is_used[rank as usize] = true);
        let last: Vec<u32> = used.iter().rev().take(LAST).copied().collect();
        let reached = last.iter().max().map_or(-1, |&rank| i64::from(rank));
        let today = i64::from(snapshot.instant).div_euclid(DAY_SECONDS);
        let mut due: Vec<Option<i64>> = vec![None; snapshot.known.len()];
        let mut is_open = vec![true; snapshot.known.len()];
        for (rank, &item) in snapshot.known.iter().enumerate() {
            let item = &course.items[item as usize];
            let in_days = item.due_day.map(|day| i64::from(day) - today);
            due[rank] = in_days.filter(|_| item.is_assessment);
            is_open[rank] = !is_used[rank] && in_days.is_none_or(|days| (-LATE_DAYS..=AHEAD_DAYS).contains(&days));
        }
        let open: Vec<u32> = (0..snapshot.known.len() as u32).filter(|&rank| is_open[rank as usize]).collect();
        let similarity = snapshot.factors.scores(&used);
        let own_kinds = of_items.kinds_of(snapshot, &used);
        let mut steps: Vec<(f64, Option<(f64, u32)>)> = vec![(0.0, None); snapshot.known.len()];
        for &from in &last {
            for (to, share) in snapshot.steps(from) {
                let (sum, best) = &mut steps[to as usize];
                *sum += share;
                if best.is_none_or(|(most, _)| share > most) {
                    *best = Some((share, from));
                }
            }
        }
        let describe = |&rank: &u32| {
            let place = rank as usize;
            let item = &course.items[snapshot.known[place] as usize];
            let (step_sum, step) = steps[place];
            let ahead = i64::from(rank) - reached;
            let distance = (ahead.unsigned_abs() as f64).ln_1p();
            let is_soon = due[place].is_some_and(|days| (0..=DUE_SOON_DAYS).contains(&days));
            let is_late = due[place].is_some_and(|days| days < 0);
            let [users, recent, active, is_new, since] = of_items.fixed[place];
            let features = [
                users,
                recent,
                active,
                similarity[place],
                (step_sum / LAST as f64 + LEAST_SHARE).ln(),
                flag(ahead > 0),
                if ahead > 0 { distance } else { 0.0 },
                if ahead > 0 { 0.0 } else { distance },
                own_kinds[item.activity as usize],
                is_new,
                flag(is_soon),
                flag(is_late),
                since,
            ];
            Candidate { rank, due_in_days: due[place], features, similarity: similarity[place], step }
        };
        Self { all: open.iter().map(describe).collect(), reached }
    }
}

impl Candidates {
    /// Returns the place of the candidate with this rank.
    pub(super) fn place(&self, rank: u32) -> Option<usize> {
        self.all.binary_search_by_key(&rank, |one| one.rank).ok()
    }
}

fn flag(is: bool) -> f64 {
    if is { 1.0 } else { 0.0 }
}

/// Holds what is the same of an item for every learner.
pub(super) struct OfItems {
    /// By kind of item: its share among all uses of the course.
    kinds: [f64; Activity::ALL.len()],
    /// By rank: the shares of learners who used it, who first did so in the last week, and of the active ones who used it, as
    /// logarithms; whether it was released in the last week; days since it is usually used, as a logarithm.
    fixed: Vec<[f64; 5]>,
}

impl OfItems {
    pub(super) fn of(snapshot: &Snapshot<'_>) -> Self {
        let mut counts = [0.0; Activity::ALL.len()];
        let share = |count: u32, of: u32| (f64::from(count + 1) / f64::from(of + 2)).ln();
        let states = snapshot.known.iter().zip(&snapshot.items);
        let fixed = states.map(|(&item, state)| {
            let item = &snapshot.course.items[item as usize];
            counts[item.activity as usize] += f64::from(state.users);
            let is_new = item.release.is_some_and(|release| release > snapshot.instant.saturating_sub(WEEK_SECONDS));
            let since = (i64::from(snapshot.instant) - i64::from(state.usual)) / DAY_SECONDS;
            [
                share(state.users, snapshot.users),
                share(state.recent, snapshot.users),
                share(state.active_users, snapshot.active),
                flag(is_new),
                (since.max(0) as f64).ln_1p(),
            ]
        });
        let fixed = fixed.collect();
        let all: f64 = counts.iter().sum::<f64>().max(1.0);
        Self { kinds: counts.map(|count| count / all), fixed }
    }

    /// Returns by how much more a learner uses each kind than others do, as a logarithm drawn towards 0 while little is known.
    fn kinds_of(&self, snapshot: &Snapshot<'_>, used: &[u32]) -> [f64; Activity::ALL.len()] {
        const PRIOR: f64 = 5.0;
        let mut counts = [0.0; Activity::ALL.len()];
        for &rank in used {
            counts[snapshot.course.items[snapshot.known[rank as usize] as usize].activity as usize] += 1.0;
        }
        std::array::from_fn(|kind| {
            let usual = self.kinds[kind].max(LEAST_SHARE);
            let own = (counts[kind] + PRIOR * usual) / (used.len() as f64 + PRIOR);
            (own / usual).ln()
        })
    }
}
