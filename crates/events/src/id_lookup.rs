//! Finds enrolments by their ids.

use std::hash::BuildHasher;
use std::sync::Arc;

use hashbrown::HashTable;
use rustc_hash::FxBuildHasher;

use crate::index::EnrolmentIndex;
use crate::names::NameList;
use crate::roster::Roster;

/// Finds an enrolment of a roster by its id.
#[derive(Debug)]
pub(crate) struct EnrolmentLookup {
    ids: IdLookup<EnrolmentIds>,
}

impl EnrolmentLookup {
    /// Makes a lookup over the enrolments of `roster`.
    #[must_use]
    pub(crate) fn new(roster: &Roster) -> Self {
        Self { ids: IdLookup::new(EnrolmentIds(Arc::clone(roster.enrolments.names()))) }
    }

    /// Returns the enrolment with this id.
    #[must_use]
    #[inline]
    pub(crate) fn get(&self, id: &[u8]) -> Option<EnrolmentIndex> {
        self.ids.get(id).map(EnrolmentIndex)
    }
}

/// Holds a list of ids.
pub(crate) trait IdList {
    /// Returns how many ids there are.
    fn len(&self) -> usize;

    /// Returns the id at a place.
    fn id(&self, place: usize) -> &[u8];
}

/// Lists the ids of enrolments.
#[derive(Debug)]
struct EnrolmentIds(Arc<NameList>);

impl IdList for EnrolmentIds {
    fn len(&self) -> usize {
        self.0.len()
    }

    #[inline]
    fn id(&self, place: usize) -> &[u8] {
        self.0.get(place).0.as_bytes()
    }
}

impl<T: AsRef<[u8]>> IdList for Vec<T> {
    fn len(&self) -> usize {
        self.len()
    }

    fn id(&self, place: usize) -> &[u8] {
        self[place].as_ref()
    }
}

/// Finds the place of an id in a list of ids, which it holds.
#[derive(Debug)]
pub(crate) struct IdLookup<L> {
    by_number: Vec<u32>,
    /// The places of the other ids.
    others: HashTable<u32>,
    ids: L,
}

/// Stands in [`IdLookup::by_number`] for a number that is no id.
const NO_ID: u32 = u32::MAX;

/// Bounds how many numbers there may be for each id that a table by number holds: past it a hash table is smaller.
const NUMBERS_AN_ID: u64 = 4;

impl<L: IdList> IdLookup<L> {
    /// Makes a lookup that gives each id its place among `ids`: the last, of one that comes again.
    pub(crate) fn new(ids: L) -> Self {
        // Most sources number their enrolments: a plain table is then several times faster than a hash map, as long
        // as the numbers are dense enough for the table to stay small.
        let count = ids.len();
        let limit = (count as u64).saturating_mul(NUMBERS_AN_ID).max(1 << 10);
        let small = |id: &[u8]| number(id).filter(|&number| number < limit).map(|number| number as usize);
        let (mut others, mut numbers) = (0, 0);
        for place in 0..count {
            match small(ids.id(place)) {
                Some(number) => numbers = numbers.max(number + 1),
                None => others += 1,
            }
        }
        let mut by_number = vec![NO_ID; numbers];
        let mut table = HashTable::with_capacity(others);
        for place in 0..count {
            let id = ids.id(place);
            match small(id) {
                Some(number) => by_number[number] = place as u32,
                None => {
                    let hash = FxBuildHasher.hash_one(id);
                    match table.find_mut(hash, |&other| ids.id(other as usize) == id) {
                        Some(other) => *other = place as u32,
                        None => {
                            let hash_at = |&place: &u32| FxBuildHasher.hash_one(ids.id(place as usize));
                            table.insert_unique(hash, place as u32, hash_at);
                        }
                    }
                }
            }
        }
        Self { by_number, others: table, ids }
    }

    /// Returns the place of this id.
    #[must_use]
    pub(crate) fn get(&self, id: &[u8]) -> Option<u32> {
        let by_number = number(id).and_then(|number| self.by_number.get(usize::try_from(number).ok()?).copied());
        by_number.filter(|&place| place != NO_ID).or_else(|| {
            let is_it = |&place: &u32| self.ids.id(place as usize) == id;
            self.others.find(FxBuildHasher.hash_one(id), is_it).copied()
        })
    }

    /// Returns the list of ids.
    pub(crate) fn ids(&self) -> &L {
        &self.ids
    }
}

/// Returns the value of an id that is a whole number written the one canonical way, so that `007` is not `7`.
fn number(id: &[u8]) -> Option<u64> {
    if id.is_empty() || id.len() > 18 || (id[0] == b'0' && id.len() > 1) {
        return None;
    }
    id.iter().try_fold(0_u64, |value, byte| {
        let digit = byte.wrapping_sub(b'0');
        (digit < 10).then(|| value * 10 + u64::from(digit))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ids_are_strings_even_when_they_look_like_numbers() {
        let ids: [&[u8]; 5] = [b"7", b"007", b"x7", b"99999999999999", b"0"];
        let index = IdLookup::new(ids.to_vec());
        for (place, id) in ids.into_iter().enumerate() {
            assert_eq!(index.get(id), Some(place as u32));
        }
        for stranger in [&b"07"[..], b"", b"8", b"7 ", b"00"] {
            assert_eq!(index.get(stranger), None);
        }
    }

    #[test]
    fn an_id_that_comes_again_has_its_last_place() {
        let index = IdLookup::new(vec![&b"ann"[..], b"7", b"ann", b"bob", b"7"]);
        assert_eq!([b"ann", b"bob"].map(|id| index.get(id)), [Some(2), Some(3)]);
        assert_eq!(index.get(b"7"), Some(4));
    }

    proptest! {
        #[test]
        fn every_id_is_found(ids in prop::collection::hash_set("[0-9a-z]{1,6}|[0-9]{1,4}", 0..50)) {
            let ids: Vec<String> = ids.into_iter().collect();
            let index = IdLookup::new(ids.clone());
            for (place, id) in ids.iter().enumerate() {
                prop_assert_eq!(index.get(id.as_bytes()), Some(place as u32));
            }
        }
    }
}
