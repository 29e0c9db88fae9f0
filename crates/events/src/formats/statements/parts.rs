//! Attempts at problems of several parts, of which a log may have a statement for the whole, for each part, or both: finds
//! the statement that counts for an attempt.
//!
//! Statements of one learner belong together where one refers to the other by its id, or where one is about a part of the
//! problem that the other is about, at the same second. Of these
//!
//! - the whole counts, wherever it stands in the log, and the parts do not;
//! - where there is no whole, the parts together are one attempt, for which the worst of them counts: the attempt is right
//!   only if all parts are. Parts that name one statement, which is not in the log, and no problem are together only at the
//!   same second, as such a statement may be of a whole session;
//! - days come first: what is of a later day than the earliest does not count, so that weeks that are over stay as they are.
//!
//! Which statement counts depends on neither their order nor how they are spread over files. A reading holds at most about
//! 100 MB of them. A log with parts of more attempts is read again for the rest.

use std::hash::{BuildHasher, Hash};
use std::sync::{Mutex, PoisonError};

use super::statement::{AttemptRole, Statement, Success};
use crate::event::ObjectKey;
use crate::formats::marked_lines::{MarkedLines, Place};
use crate::time::DAY_SECONDS;

/// Bounds the rows held at a time.
const MOST_ROWS: usize = 1 << 21;

/// Names an attempt by a hash.
type Key = u64;

/// Holds the attempts of a block.
#[derive(Debug, Default)]
pub(super) struct BlockAttempts {
    wholes: Vec<(Key, i64, u32)>,
    parts: Vec<(Part, u32)>,
    lowercase: Vec<u8>,
}

/// Holds a statement about a part of an attempt.
#[derive(Clone, Copy, Debug)]
struct Part {
    key: Key,
    instant: i64,
    /// Whether it belongs to others of the same attempt at any second.
    at_any_time: bool,
    success: Success,
    object: u64,
}

impl BlockAttempts {
    /// Adds a statement on line `line` of the block, if it is about an attempt.
    pub(super) fn add(&mut self, statement: &Statement<'_>, line: u64) {
        let (AttemptRole::Whole | AttemptRole::Part { .. }) = statement.attempt else { return };
        let Some(interaction) = statement.content.interaction() else { return };
        let learner = interaction.learner;
        let object = interaction.object.map_or(0, ObjectKey::bits);
        let line = line as u32;
        // A part may have parts of its own.
        if !statement.id.is_empty() {
            let key = self.key_of_id(statement.id, learner);
            self.wholes.push((key, statement.instant, line));
        }
        match statement.attempt {
            AttemptRole::Part { of, has_problem, success } => {
                let key = match of {
                    b"" => key((1_u8, learner, object, statement.instant)),
                    id => self.key_of_id(id, learner),
                };
                let at_any_time = has_problem;
                self.parts.push((Part { key, instant: statement.instant, at_any_time, success, object }, line));
            }
            _ => self.wholes.push((key((1_u8, learner, object, statement.instant)), statement.instant, line)),
        }
    }

    /// Returns the key of the attempt whose whole has this id. Ids are the same in any case of letters.
    fn key_of_id(&mut self, id: &[u8], learner: impl Hash) -> Key {
        self.lowercase.clear();
        self.lowercase.extend(id.iter().map(u8::to_ascii_lowercase));
        key((0_u8, learner, &*self.lowercase))
    }
}

fn key(of: impl Hash) -> Key {
    foldhash::quality::FixedState::with_seed(0x7061).hash_one(of)
}

/// Finds the statements that do not count for their attempt. Is handed those of every block of the log, in any order, from any
/// thread, as often as [`PartSearch::needs_another_reading`] asks for.
#[derive(Debug)]
pub(super) struct PartSearch(Mutex<Seen>);

impl Default for PartSearch {
    fn default() -> Self {
        Self::holding(MOST_ROWS)
    }
}

/// Holds the attempts whose keys lie in a range.
#[derive(Debug)]
struct Seen {
    first: Key,
    last: Key,
    most_rows: usize,
    wholes: Vec<(Key, i64, Place)>,
    parts: Vec<(Part, Place)>,
    has_parts: bool,
    is_over: bool,
    found: MarkedLines,
}

impl PartSearch {
    fn holding(most_rows: usize) -> Self {
        let (first, last) = (0, Key::MAX);
        let (wholes, parts, found) = (Vec::new(), Vec::new(), MarkedLines::default());
        Self(Mutex::new(Seen { first, last, most_rows, wholes, parts, has_parts: false, is_over: false, found }))
    }

    /// Takes the attempts of a block.
    pub(super) fn take(&self, file: u32, block: usize, attempts: &BlockAttempts) {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.is_over {
            return;
        }
        seen.has_parts |= !attempts.parts.is_empty();
        let range = seen.first..=seen.last;
        let place = |line| (file, block as u32, line);
        let wholes = attempts.wholes.iter().filter(|(key, ..)| range.contains(key));
        seen.wholes.extend(wholes.map(|&(key, instant, line)| (key, instant, place(line))));
        let parts = attempts.parts.iter().filter(|(part, _)| range.contains(&part.key));
        seen.parts.extend(parts.map(|&(part, line)| (part, place(line))));
        seen.make_room();
    }

    /// Tells whether the log has to be read again, for attempts that were too many to hold. To be asked after each reading.
    pub(super) fn needs_another_reading(&self) -> bool {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        seen.find();
        seen.is_over |= seen.last == Key::MAX || !seen.has_parts;
        if !seen.is_over {
            (seen.first, seen.last) = (seen.last + 1, Key::MAX);
        }
        !seen.is_over
    }

    /// Returns the statements that do not count.
    pub(super) fn found(&self) -> MarkedLines {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner).found)
    }
}

impl Seen {
    fn make_room(&mut self) {
        while self.wholes.len() + self.parts.len() > self.most_rows && self.last > self.first {
            let last = self.first + (self.last - self.first) / 2;
            self.last = last;
            self.wholes.retain(|(key, ..)| *key <= last);
            self.parts.retain(|(part, _)| part.key <= last);
        }
    }

    /// Marks what does not count of the attempts held, and gives them up.
    fn find(&mut self) {
        let (mut wholes, mut parts) = (std::mem::take(&mut self.wholes), std::mem::take(&mut self.parts));
        if parts.is_empty() {
            return;
        }
        wholes.sort_unstable();
        let day = |instant: i64| instant.div_euclid(DAY_SECONDS);
        let together = |part: &Part| (part.key, part.at_any_time, if part.at_any_time { 0 } else { part.instant });
        // What counts comes first.
        parts.sort_unstable_by_key(|(part, place)| {
            (together(part), day(part.instant), part.success, part.instant, part.object, *place)
        });
        for attempt in parts.chunk_by(|(one, _), (other, _)| together(one) == together(other)) {
            let Some(&(Part { key, instant, .. }, counts)) = attempt.first() else { continue };
            let from = wholes.partition_point(|(its, ..)| *its < key);
            let is_part = |place: &Place| attempt.iter().any(|(_, its)| its == place);
            let wholes = wholes[from..].iter().take_while(|(its, ..)| *its == key);
            let wholes: Vec<(i64, Place)> =
                wholes.map(|&(_, instant, place)| (instant, place)).filter(|(_, place)| !is_part(place)).collect();
            if wholes.iter().any(|&(whole, _)| day(whole) <= day(instant)) {
                attempt.iter().for_each(|&(_, place)| self.found.add(place));
            } else {
                attempt.iter().filter(|(_, place)| *place != counts).for_each(|&(_, place)| self.found.add(place));
                wholes.iter().for_each(|&(_, place)| self.found.add(place));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(key: Key, instant: i64, success: Success) -> Part {
        Part { key, instant, at_any_time: true, success, object: 5 }
    }

    /// Returns the lines that do not count, of wholes and parts on these lines of one block each.
    fn found(wholes: &[(Key, i64, u32)], parts: &[(Part, u32)], most_rows: usize) -> Vec<u64> {
        let search = PartSearch::holding(most_rows);
        loop {
            search.take(0, 0, &BlockAttempts { wholes: wholes.to_vec(), ..BlockAttempts::default() });
            search.take(0, 0, &BlockAttempts { parts: parts.to_vec(), ..BlockAttempts::default() });
            if !search.needs_another_reading() {
                break;
            }
        }
        let found = search.found();
        (0..20).filter(|&line| found.in_block(0, 0).has(line)).collect()
    }

    #[test]
    fn a_whole_counts_for_its_parts_and_parts_without_one_are_one_attempt() {
        use Success::{Right, Unknown, Wrong};
        for most_rows in [1, 2, usize::MAX] {
            // With a whole before, at and after them on one day.
            for at in [90, 100, 110] {
                let parts = [(part(7, 100, Right), 1), (part(7, 100, Wrong), 2)];
                assert_eq!(found(&[(7, at, 0), (9, 100, 3)], &parts, most_rows), [1, 2]);
            }
            // Without one the worst counts, whatever their order.
            let parts = [(part(7, 100, Right), 1), (part(7, 101, Wrong), 2), (part(7, 100, Unknown), 3)];
            assert_eq!(found(&[(9, 100, 0)], &parts, most_rows), [1, 3]);
            // What is of a later day does not change what was.
            let parts = [(part(7, 100, Right), 1), (part(7, DAY_SECONDS, Wrong), 2)];
            assert_eq!(found(&[(7, DAY_SECONDS, 0)], &parts, most_rows), [0, 2]);
            // Without a problem of their own, parts are together at one second.
            let lone = |instant| Part { at_any_time: false, ..part(7, instant, Right) };
            assert_eq!(found(&[], &[(lone(100), 1), (lone(100), 2), (lone(101), 3)], most_rows), [2]);
            assert_eq!(found(&[(7, 99, 0)], &[(lone(100), 1), (lone(101), 3)], most_rows), [1, 3]);
            // Its own id makes nothing a part of itself.
            assert_eq!(found(&[(7, 100, 1)], &[(part(7, 100, Right), 1)], most_rows), Vec::<u64>::new());
            // A part of a part.
            let parts = [(part(7, 100, Right), 1), (part(8, 100, Right), 2)];
            assert_eq!(found(&[(7, 100, 0), (8, 100, 1)], &parts, most_rows), [1, 2]);
        }
    }
}
