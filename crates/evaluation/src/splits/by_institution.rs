//! Splits by whole institutions.

use std::collections::{BTreeMap, BTreeSet};

use super::checks::check_share;
use super::error::SplitError;
use super::group::check_grouping;
use super::hash::{Purpose, keyed_hash};
use super::part::Part;
use super::request::{Grouping, SplitRow, TestInstitutions};
use super::whole::take_whole;
use crate::numbers::counted;

/// Counts rows by institution among `members`.
fn institutions_of<'a>(rows: &[SplitRow<'a>], members: impl Iterator<Item = usize>) -> BTreeMap<&'a str, usize> {
    let mut institutions = BTreeMap::new();
    for institution in members.filter_map(|row| rows[row].institution) {
        *institutions.entry(institution).or_insert(0) += 1;
    }
    institutions
}

pub(super) fn institutions(rows: &[SplitRow<'_>], test: &TestInstitutions, seed: u64) -> Result<Vec<Part>, SplitError> {
    check_grouping(rows, Grouping::Institution)?;
    let present = institutions_of(rows, 0..rows.len());
    let test = match test {
        TestInstitutions::Named(named) => {
            let known = |name: &&String| present.contains_key(name.as_str());
            let unknown: Vec<String> = named.iter().filter(|name| !known(name)).cloned().collect();
            if !unknown.is_empty() || named.is_empty() {
                let present = present.keys().map(|&institution| institution.to_owned()).collect();
                return Err(SplitError::UnknownInstitutions { named: unknown, present });
            }
            check_enough("test", &present)?;
            named.iter().map(String::as_str).collect()
        }
        TestInstitutions::Share(share) => draw("test", &present, *share, Purpose::Test.key(seed))?,
    };
    let tested = |row: &SplitRow<'_>| row.institution.is_some_and(|institution| test.contains(institution));
    Ok(rows.iter().map(|row| if tested(row) { Part::Test } else { Part::Train }).collect())
}

pub(super) fn validation_institutions(
    rows: &[SplitRow<'_>],
    part: &mut [Part],
    share: f64,
    seed: u64,
) -> Result<(), SplitError> {
    check_grouping(rows, Grouping::Institution)?;
    let training: Vec<usize> = (0..rows.len()).filter(|&row| part[row] == Part::Train).collect();
    let present = institutions_of(rows, training.iter().copied());
    let taken = draw("validation", &present, share, Purpose::Validation.key(seed))?;
    for row in training {
        if rows[row].institution.is_some_and(|institution| taken.contains(institution)) {
            part[row] = Part::Validation;
        }
    }
    Ok(())
}

/// Draws institutions that hold about `share` of the rows. One always stays behind.
fn draw<'a>(
    part: &'static str,
    present: &BTreeMap<&'a str, usize>,
    share: f64,
    key: u64,
) -> Result<BTreeSet<&'a str>, SplitError> {
    check_share(part, share)?;
    check_enough(part, present)?;
    let mut queue: Vec<(&str, usize)> = present.iter().map(|(&institution, &rows)| (institution, rows)).collect();
    queue.sort_unstable_by_key(|&(institution, _)| (keyed_hash(key, institution.as_bytes()), institution));
    Ok(take_whole(queue, share, present.values().sum(), present.len() - 1))
}

fn check_enough(part: &'static str, present: &BTreeMap<&str, usize>) -> Result<(), SplitError> {
    if present.len() < 2 {
        return Err(SplitError::TooFewInstitutions { part, institutions: present.len() });
    }
    Ok(())
}

/// Describes the institutions of each side.
pub(super) fn describe_institutions(rows: &[SplitRow<'_>], part: &[Part]) -> Vec<String> {
    let count =
        |wanted: &[Part]| institutions_of(rows, (0..rows.len()).filter(|&row| wanted.contains(&part[row]))).len();
    let (tested, trained) = (count(&[Part::Test]), count(&[Part::Train, Part::Validation]));
    let tested = counted(tested as u64, "institution");
    vec![format!("tested at {tested}, trained at {}", counted(trained as u64, "other"))]
}
