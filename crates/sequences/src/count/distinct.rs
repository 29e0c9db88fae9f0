//! Counts the distinct objects in a list.

use staycast_events::ObjectKey;

/// Counts different objects, in a table that is kept from one list to the next: 16 bytes, at most 32, for each object of
/// the longest list so far.
#[derive(Default)]
pub(super) struct Distinct {
    /// Open addressing with linear probing; at most half full.
    table: Vec<Option<ObjectKey>>,
}

impl Distinct {
    /// Counts the distinct objects in `list`.
    pub(super) fn count(&mut self, list: &[ObjectKey]) -> u32 {
        if list.len() < 2 {
            return list.len() as u32;
        }
        let size = (2 * list.len()).next_power_of_two();
        if self.table.len() < size {
            self.table.resize(size, None);
        }
        let table = &mut self.table[..size];
        table.fill(None);
        let mut different = 0;
        for &object in list {
            // A key is a hash already.
            let mut place = object.bits() as usize & (size - 1);
            while table[place].is_some_and(|other| other != object) {
                place = (place + 1) & (size - 1);
            }
            different += u32::from(table[place].is_none());
            table[place] = Some(object);
        }
        different
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn as_many_as_in_a_set(lists in prop::collection::vec(prop::collection::vec(0_u16..400, 0..300), 1..5)) {
            let mut distinct = Distinct::default();
            for list in lists {
                let keys: Vec<ObjectKey> =
                    list.iter().map(|id| ObjectKey::from_id(&id.to_le_bytes()).expect("an id of two bytes")).collect();
                let set: BTreeSet<ObjectKey> = keys.iter().copied().collect();
                prop_assert_eq!(distinct.count(&keys) as usize, set.len());
            }
        }
    }
}
