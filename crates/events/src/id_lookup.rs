//! Finds enrolments by their ids.

use std::hash::BuildHasher;

use hashbrown::HashTable;
use rustc_hash::FxBuildHasher;

use crate::index::EnrolmentIndex;
use crate::roster::Roster;

/// Finds an enrolment of a roster by its id.
#[derive(Clone, Debug)]
pub(crate) struct EnrolmentLookup {
    ids: IdLookup,
}

impl EnrolmentLookup {
    /// Makes a lookup over the enrolments of `roster`.
    #[must_use]
    pub(crate) fn new(roster: &Roster) -> Self {
        Self { ids: IdLookup::new(roster.enrolments.iter().map(|enrolment| enrolment.id().as_bytes())) }
    }

    /// Returns the enrolment with this id.
    #[must_use]
    #[inline]
    pub(crate) fn get(&self, id: &[u8]) -> Option<EnrolmentIndex> {
        self.ids.get(id).map(EnrolmentIndex)
    }
}

/// Finds the place of an id in a list of ids.
#[derive(Clone, Debug)]
pub(crate) struct IdLookup {
    by_number: Vec<u32>,
    /// Where each other id begins in `entries`.
    starts: HashTable<usize>,
    /// Of each other id the place and the length, of four bytes each, and the text: one after the other, as ids of their
    /// own would take twice the room.
    entries: Vec<u8>,
}

/// Stands in [`IdLookup::by_number`] for a number that is no id.
const NO_ID: u32 = u32::MAX;

/// Counts the bytes before an id's text.
const HEAD: usize = 8;

impl IdLookup {
    /// Makes a lookup that gives each id its place among `ids`: the last, of one that comes again.
    pub(crate) fn new<'a>(ids: impl Iterator<Item = &'a [u8]> + Clone) -> Self {
        // Most sources number their enrolments: a plain table is then several times faster than a hash map, as long
        // as the numbers are dense enough for the table to stay small.
        let count = ids.clone().count();
        let limit = (count as u64).saturating_mul(16).max(1 << 16);
        let small = |id: &[u8]| number(id).filter(|&number| number < limit).map(|number| number as usize);
        let (mut others, mut bytes, mut numbers) = (0, 0, 0);
        for id in ids.clone() {
            match small(id) {
                Some(number) => numbers = numbers.max(number + 1),
                None => (others, bytes) = (others + 1, bytes + HEAD + id.len()),
            }
        }
        let mut index = Self {
            by_number: vec![NO_ID; numbers],
            starts: HashTable::with_capacity(others),
            entries: Vec::with_capacity(bytes),
        };
        for (id, place) in ids.zip(0..) {
            match small(id) {
                Some(number) => index.by_number[number] = place,
                None => index.add(id, place),
            }
        }
        index
    }

    fn add(&mut self, id: &[u8], place: u32) {
        let Self { starts, entries, .. } = self;
        let hash = FxBuildHasher.hash_one(id);
        if let Some(&start) = starts.find(hash, |&start| text(entries, start) == id) {
            entries[start..start + 4].copy_from_slice(&place.to_le_bytes());
            return;
        }
        starts.insert_unique(hash, entries.len(), |&start| FxBuildHasher.hash_one(text(entries, start)));
        entries.extend_from_slice(&place.to_le_bytes());
        entries.extend_from_slice(&u32::try_from(id.len()).expect("ids are shorter than 4 GiB").to_le_bytes());
        entries.extend_from_slice(id);
    }

    /// Returns the place of this id.
    #[must_use]
    pub(crate) fn get(&self, id: &[u8]) -> Option<u32> {
        let by_number = number(id).and_then(|number| self.by_number.get(usize::try_from(number).ok()?).copied());
        by_number.filter(|&place| place != NO_ID).or_else(|| {
            let start = self.starts.find(FxBuildHasher.hash_one(id), |&start| text(&self.entries, start) == id);
            start.map(|&start| value(&self.entries, start))
        })
    }
}

/// Returns the number of four bytes that begins there.
fn value(entries: &[u8], start: usize) -> u32 {
    u32::from_le_bytes(*entries[start..].first_chunk().expect("numbers are whole"))
}

/// Returns the id whose entry begins there.
fn text(entries: &[u8], start: usize) -> &[u8] {
    &entries[start + HEAD..][..value(entries, start + 4) as usize]
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
        let index = IdLookup::new(ids.into_iter());
        for (place, id) in ids.into_iter().enumerate() {
            assert_eq!(index.get(id), Some(place as u32));
        }
        for stranger in [&b"07"[..], b"", b"8", b"7 ", b"00"] {
            assert_eq!(index.get(stranger), None);
        }
    }

    #[test]
    fn an_id_that_comes_again_has_its_last_place() {
        let index = IdLookup::new([&b"ann"[..], b"7", b"ann", b"bob", b"7"].into_iter());
        assert_eq!([b"ann", b"bob"].map(|id| index.get(id)), [Some(2), Some(3)]);
        assert_eq!(index.get(b"7"), Some(4));
    }

    proptest! {
        #[test]
        fn every_id_is_found(ids in prop::collection::hash_set("[0-9a-z]{1,6}|[0-9]{1,4}", 0..50)) {
            let ids: Vec<String> = ids.into_iter().collect();
            let index = IdLookup::new(ids.iter().map(String::as_bytes));
            for (place, id) in ids.iter().enumerate() {
                prop_assert_eq!(index.get(id.as_bytes()), Some(place as u32));
            }
        }
    }
}
