//! Splits by learner or enrolment: groups assigned evenly, labels spread as far as whole groups allow.

use std::collections::BTreeMap;

use super::checks::check_share;
use super::error::SplitError;
use super::group::Group;
use super::hash::{Purpose, keyed_hash};
use super::part::Part;
use super::request::{Grouping, SplitRow};

/// Counts a group's rows with label true, false, and none. Groups of one make-up are interchangeable, so
/// dealing them out in turn spreads both size and labels evenly.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
struct MakeUp {
    positives: usize,
    negatives: usize,
    unlabelled: usize,
}

impl MakeUp {
    fn hash(self, key: u64) -> u64 {
        let counts = [self.positives, self.negatives, self.unlabelled];
        counts.iter().fold(key, |key, &count| keyed_hash(key, &(count as u64).to_le_bytes()))
    }
}

/// Lists groups (each a list of rows) in the order in which they are assigned: those of one make-up after one another,
/// make-ups by their keyed hash (so that a group alone in its make-up is not assigned to the same part by every seed),
/// and inside a make-up by keyed hash of the group's identifier. Equal hashes go by what was hashed.
pub(super) fn dealing_order(
    rows: &[SplitRow<'_>],
    members: impl Iterator<Item = usize>,
    key: u64,
    by: Grouping,
) -> Vec<Vec<usize>> {
    let mut groups: BTreeMap<Group<'_>, (MakeUp, Vec<usize>)> = BTreeMap::new();
    for row in members {
        let (make_up, inside) = groups.entry(Group::new(&rows[row], by)).or_default();
        inside.push(row);
        match rows[row].label {
            Some(true) => make_up.positives += 1,
            Some(false) => make_up.negatives += 1,
            None => make_up.unlabelled += 1,
        }
    }
    let mut order: Vec<_> = groups
        .into_iter()
        .map(|(group, (make_up, inside))| ((make_up.hash(key), make_up, group.hash(key), group), inside))
        .collect();
    order.sort_unstable_by_key(|&(place, _)| place);
    order.into_iter().map(|(_, inside)| inside).collect()
}

/// Takes `share` of the groups, spread evenly over the dealing order.
fn take_share(order: &[Vec<usize>], share: f64) -> impl Iterator<Item = usize> + '_ {
    // Group i is taken when i · share + 1/2 passes a whole number, so a run of k groups gives k · share ± 1.
    let passed = move |groups: usize| (groups as f64 * share + 0.5).floor();
    let taken = order.iter().enumerate().filter(move |&(at, _)| passed(at + 1) > passed(at));
    taken.flat_map(|(_, rows)| rows.iter().copied())
}

pub(super) fn learners(rows: &[SplitRow<'_>], share: f64, seed: u64) -> Result<Vec<Part>, SplitError> {
    test_share(rows, share, seed, Grouping::Learner)
}

pub(super) fn enrolments(rows: &[SplitRow<'_>], share: f64, seed: u64) -> Result<Vec<Part>, SplitError> {
    test_share(rows, share, seed, Grouping::Enrolment)
}

fn test_share(rows: &[SplitRow<'_>], share: f64, seed: u64, by: Grouping) -> Result<Vec<Part>, SplitError> {
    check_share("test", share)?;
    let order = dealing_order(rows, 0..rows.len(), Purpose::Test.key(seed), by);
    let mut part = vec![Part::Train; rows.len()];
    for row in take_share(&order, share) {
        part[row] = Part::Test;
    }
    Ok(part)
}

pub(super) fn validation_learners(
    rows: &[SplitRow<'_>],
    part: &mut [Part],
    share: f64,
    seed: u64,
) -> Result<(), SplitError> {
    check_share("validation", share)?;
    let key = Purpose::Validation.key(seed);
    let training: Vec<usize> = (0..rows.len()).filter(|&row| part[row] == Part::Train).collect();
    let order = dealing_order(rows, training.into_iter(), key, Grouping::Learner);
    for row in take_share(&order, share) {
        part[row] = Part::Validation;
    }
    Ok(())
}
