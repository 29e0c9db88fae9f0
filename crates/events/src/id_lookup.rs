//! Finds enrolments by their ids.

use rustc_hash::FxHashMap;

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
        Self { ids: IdLookup::new(roster.enrolments.iter().map(|enrolment| enrolment.id.as_bytes())) }
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
    by_id: FxHashMap<Box<[u8]>, u32>,
}

/// Stands in [`IdLookup::by_number`] for a number that is no id.
const NO_ID: u32 = u32::MAX;

impl IdLookup {
    /// Makes a lookup that gives each id its place among `ids`.
    pub(crate) fn new<'a>(ids: impl Iterator<Item = &'a [u8]> + Clone) -> Self {
        // Most sources number their enrolments: a plain table is then several times faster than a hash map, as long
        // as the numbers are dense enough for the table to stay small.
        let count = ids.clone().count();
        let limit = (count as u64).saturating_mul(16).max(1 << 16);
        let mut index = Self { by_number: Vec::new(), by_id: FxHashMap::default() };
        for (place, id) in ids.enumerate() {
            match number(id).filter(|&number| number < limit) {
                Some(number) => {
                    let number = number as usize;
                    if index.by_number.len() <= number {
                        index.by_number.resize(number + 1, NO_ID);
                    }
                    index.by_number[number] = place as u32;
                }
                None => {
                    index.by_id.insert(id.into(), place as u32);
                }
            }
        }
        index
    }

    /// Returns the place of this id.
    #[must_use]
    pub(crate) fn get(&self, id: &[u8]) -> Option<u32> {
        let by_number = number(id).and_then(|number| self.by_number.get(usize::try_from(number).ok()?).copied());
        by_number.filter(|&place| place != NO_ID).or_else(|| self.by_id.get(id).copied())
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
        let index = IdLookup::new(ids.into_iter());
        for (place, id) in ids.into_iter().enumerate() {
            assert_eq!(index.get(id), Some(place as u32));
        }
        for stranger in [&b"07"[..], b"", b"8", b"7 ", b"00"] {
            assert_eq!(index.get(stranger), None);
        }
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
