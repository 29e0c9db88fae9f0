//! Finds places of a list by what stands there, without a copy of it.

use std::hash::{BuildHasher, Hash};

use hashbrown::HashTable;
use rustc_hash::FxBuildHasher;

/// Finds places of a list by their keys. It holds the places only, about ten bytes each; the list holds the keys.
#[derive(Debug, Default)]
pub(crate) struct Places {
    table: HashTable<u32>,
}

impl Places {
    /// Returns the place with this key; `is_it` compares it with the key at a place.
    pub(crate) fn find(&self, key: impl Hash, is_it: impl Fn(usize) -> bool) -> Option<usize> {
        self.table.find(hash(key), |&place| is_it(place as usize)).map(|&place| place as usize)
    }

    /// Adds a place that has no key of another; `key_at` returns the key at a place.
    pub(crate) fn add<K: Hash>(&mut self, place: usize, key_at: impl Fn(usize) -> K) {
        let place = u32::try_from(place).expect("enrolments are numbered by 32 bits");
        let hash_at = |&place: &u32| hash(key_at(place as usize));
        self.table.insert_unique(hash_at(&place), place, hash_at);
    }

    /// Removes a place by its key, and tells whether it was there.
    pub(crate) fn remove(&mut self, place: usize, key: impl Hash) -> bool {
        let found = self.table.find_entry(hash(key), |&other| other as usize == place);
        found.map(hashbrown::hash_table::OccupiedEntry::remove).is_ok()
    }

    /// Returns the number of places.
    pub(crate) fn len(&self) -> usize {
        self.table.len()
    }
}

fn hash(key: impl Hash) -> u64 {
    FxBuildHasher.hash_one(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_found_by_their_keys_and_no_others() {
        let keys: Vec<String> = (0..1000).map(|number| format!("key {number}")).collect();
        let mut places = Places::default();
        for place in 0..keys.len() {
            let find = |places: &Places| places.find(&keys[place], |other| keys[other] == keys[place]);
            assert_eq!(find(&places), None);
            places.add(place, |other| &keys[other]);
            assert_eq!(find(&places), Some(place));
        }
        assert_eq!(places.find("key 1000", |other| keys[other] == "key 1000"), None);
        assert!(places.remove(7, &keys[7]));
        assert!(!places.remove(7, &keys[7]));
        assert_eq!(places.find(&keys[7], |other| keys[other] == keys[7]), None);
        assert_eq!((places.len(), places.find(&keys[8], |other| keys[other] == keys[8])), (999, Some(8)));
    }
}
