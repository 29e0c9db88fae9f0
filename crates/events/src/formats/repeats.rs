//! Event ids that come more than once: which rows are not the first to bear theirs.
//!
//! Ids are taken while the log is read for something else, or for this alone. When there are more than some 3.7
//! million, it is read again for the rest: ids are taken by ranges of their hashes, so that memory does not grow with
//! the log. A reading holds at most about 160 MB, and what was found a bit a row. Two of n ids share a hash, and the
//! later row is lost, with a chance of n² / 2⁶⁵: 10⁻⁵ at 20 million.

use std::hash::BuildHasher;
use std::sync::{Mutex, PoisonError};

use rustc_hash::FxHashMap;

use super::marked_lines::{MarkedLines, Place};

/// Bounds the ids held at a time: as many as a table of 2²² places takes.
const MOST_IDS: usize = (1 << 22) / 8 * 7;

/// Returns the hash of an event's id; `None` where it has none, which repeats no other.
pub(super) fn hash_of(id: &[u8]) -> Option<u64> {
    (!id.is_empty()).then(|| foldhash::quality::FixedState::with_seed(0x4964).hash_one(id))
}

/// Identifies a row of a block.
#[derive(Clone, Copy, Debug)]
pub(super) struct RowId {
    /// The hash of its id.
    pub(super) hash: u64,
    /// Its line in the block.
    pub(super) line: u32,
    /// A hash of what it says, where that matters.
    pub(super) content: u32,
}

/// Looks for repeated ids: is handed the ids of every block of the log, in any order, from any thread, as often as
/// [`RepeatSearch::needs_another_reading`] asks for.
#[derive(Debug)]
pub(super) struct RepeatSearch {
    seen: Mutex<Seen>,
}

impl Default for RepeatSearch {
    fn default() -> Self {
        Self::holding(MOST_IDS)
    }
}

impl RepeatSearch {
    /// Makes a search that holds at most so many ids at a time, at least 1.
    pub(super) fn holding(most_ids: usize) -> Self {
        let seen = Seen {
            first: 0,
            last: u64::MAX,
            most_ids,
            earliest: FxHashMap::default(),
            any_differs: false,
            found: MarkedLines::default(),
        };
        Self { seen: Mutex::new(seen) }
    }

    /// Takes the ids of a block.
    pub(super) fn take(&self, file: u32, block: usize, ids: &[RowId]) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        for &RowId { hash, line, content } in ids {
            seen.take(hash, (file, block as u32, line), content);
        }
    }

    /// Tells whether any row says something else than the first of its id.
    pub(super) fn any_differs(&self) -> bool {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).any_differs
    }

    /// Tells whether the log has to be read again, for ids that were too many to hold. To be asked after each reading.
    pub(super) fn needs_another_reading(&self) -> bool {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.earliest = FxHashMap::default();
        match seen.last {
            u64::MAX => false,
            last => {
                (seen.first, seen.last) = (last + 1, u64::MAX);
                true
            }
        }
    }

    /// Returns the rows whose id came before.
    pub(super) fn found(&self) -> MarkedLines {
        std::mem::take(&mut self.seen.lock().unwrap_or_else(PoisonError::into_inner).found)
    }
}

/// Bounds the ids whose times are held at a time.
const MOST_TIMES: usize = 1 << 18;

/// Looks for ids that come more than once with different times. Of many ids it looks at those whose hashes are the least.
#[derive(Debug)]
pub(super) struct ClashSearch {
    seen: Mutex<SeenTimes>,
}

#[derive(Debug)]
struct SeenTimes {
    last: u64,
    /// The hash of each id's time; `None` where it has several.
    times: FxHashMap<u64, Option<u64>>,
}

impl Default for ClashSearch {
    fn default() -> Self {
        Self { seen: Mutex::new(SeenTimes { last: u64::MAX, times: FxHashMap::default() }) }
    }
}

impl ClashSearch {
    /// Takes the hashes of ids, each with that of its time.
    pub(super) fn take(&self, ids: &[(u64, u64)]) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        for &(id, time) in ids {
            if id > seen.last {
                continue;
            }
            let known = seen.times.entry(id).or_insert(Some(time));
            if *known != Some(time) {
                *known = None;
            }
            while seen.times.len() > MOST_TIMES {
                let last = seen.last / 2;
                seen.last = last;
                seen.times.retain(|id, _| *id <= last);
            }
        }
    }

    /// Returns the number of ids with different times.
    pub(super) fn found(&self) -> u64 {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.times.values().filter(|time| time.is_none()).count() as u64
    }
}

/// Holds the ids whose hashes lie in a range.
#[derive(Debug)]
struct Seen {
    first: u64,
    last: u64,
    most_ids: usize,
    /// The earliest row of each id, and the hash of what a row of it says.
    earliest: FxHashMap<u64, (Place, u32)>,
    any_differs: bool,
    found: MarkedLines,
}

impl Seen {
    fn take(&mut self, hash: u64, place: Place, content: u32) {
        if !(self.first..=self.last).contains(&hash) {
            return;
        }
        if let Some((earliest, known)) = self.earliest.get_mut(&hash) {
            self.any_differs |= *known != content;
            // Blocks come in any order, so the later of two rows is the repeat, whichever came first. It is one even
            // when its id turns out to be for another reading.
            let later = place.max(*earliest);
            *earliest = place.min(*earliest);
            return self.found.add(later);
        }
        // Room is made before there is one too many, so that the table does not grow for it.
        while self.earliest.len() >= self.most_ids && self.last > self.first {
            let last = self.first + (self.last - self.first) / 2;
            self.last = last;
            self.earliest.retain(|hash, _| *hash <= last);
        }
        if hash <= self.last {
            self.earliest.insert(hash, (place, content));
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Returns the repeats found in blocks of a number and hashes, read in this order.
    fn found(blocks: &[(usize, Vec<u64>)], most_ids: usize) -> MarkedLines {
        let search = RepeatSearch::holding(most_ids);
        loop {
            for (number, hashes) in blocks {
                let id = |(&hash, line)| RowId { hash, line, content: 0 };
                let ids: Vec<RowId> = hashes.iter().zip(0..).map(id).collect();
                search.take(0, *number, &ids);
            }
            if !search.needs_another_reading() {
                return search.found();
            }
        }
    }

    proptest! {
        #[test]
        fn all_but_the_first_of_an_id(
            hashes in prop::collection::vec(prop_oneof![0_u64..9, (u64::MAX - 4)..=u64::MAX, Just(1 << 63)], 0..60),
            block_rows in 1_usize..9,
            most_ids in 1_usize..6,
            backwards: bool,
        ) {
            let mut blocks: Vec<(usize, Vec<u64>)> =
                hashes.chunks(block_rows).map(<[u64]>::to_vec).enumerate().collect();
            if backwards {
                blocks.reverse();
            }
            let repeats = found(&blocks, most_ids);
            prop_assert_eq!(&repeats, &found(&blocks, usize::MAX));
            for (place, hash) in hashes.iter().enumerate() {
                let came_before = hashes[..place].contains(hash);
                let line = (place % block_rows) as u64;
                prop_assert_eq!(repeats.in_block(0, place / block_rows).has(line), came_before, "row {}", place);
            }
            prop_assert!(!repeats.in_block(1, 0).has(0) && !repeats.in_block(0, 0).has(10_000));
        }
    }

    #[test]
    fn ids_with_several_times_are_counted_in_any_order() {
        let rows = [(1, 5), (2, 5), (1, 6), (1, 5), (3, 7), (3, 7), (u64::MAX, 1), (u64::MAX, 2)];
        for rotation in 0..rows.len() {
            let mut rows = rows;
            rows.rotate_left(rotation);
            let search = ClashSearch::default();
            rows.chunks(3).for_each(|block| search.take(block));
            assert_eq!(search.found(), 2);
        }
        // Of more ids than are held some are looked at.
        let search = ClashSearch::default();
        let rows: Vec<(u64, u64)> = (0..1_u64 << 20).map(|row| (row << 44, row)).collect();
        search.take(&rows);
        search.take(&rows.iter().map(|(id, time)| (*id, time + 1)).collect::<Vec<_>>());
        assert!((1 << 16..=1 << 18).contains(&search.found()), "{}", search.found());
    }

    #[test]
    fn one_id_without_end_takes_a_bit_a_row() {
        let repeats = found(&[(0, vec![7; 1_000_000])], 1);
        assert_eq!((repeats.count(0), repeats.in_block(0, 0).has(0)), (999_999, false));
        assert_eq!(repeats.words(0, 0), 1_000_000_usize.div_ceil(64));
    }
}
