//! Kinds of event that a format does not know, by name: counted, so that a log is never all `other` without a word.
//!
//! Names come out of the log, and what stands where a kind must may be a person's name. So a name is shown as it is
//! only when it reads like a name of a program's, several learners have it, and no learner goes by it; else its shape
//! is.
//!
//! Memory is bounded: at most [`MOST_NAMES`] are told apart. Which ones does not depend on the order of the rows, so that
//! the counts are the same for any threads and blocks.

use std::collections::BTreeMap;
use std::hash::{BuildHasher, BuildHasherDefault};

use rustc_hash::{FxHashSet, FxHasher};
use serde::{Deserialize, Serialize};

use crate::cells::shape;

/// Bounds the names that are told apart; rows of others count together.
const MOST_NAMES: usize = 256;

/// Bounds the name that is shown as it is.
const LONGEST_NAME: usize = 80;

/// Bounds from below the learners that must have a name for it to be shown.
const FEWEST_LEARNERS: usize = 2;

/// Counts rows by kinds that the format does not know.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnknownKinds {
    /// Rows of kinds that are unknown.
    pub rows: u64,
    /// By the name's hash and the name, so that those with the lowest hashes are kept.
    #[serde(with = "as_list")]
    names: BTreeMap<(u64, Box<str>), KindCount>,
}

/// Counts the rows of one name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct KindCount {
    rows: u64,
    /// The lowest few of the numbers that stand for learners.
    learners: Vec<u64>,
}

/// Describes one kind that the format does not know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownKind {
    /// Its name or, where it may say who somebody is, the shape of it.
    pub shown: String,
    /// Rows of it.
    pub rows: u64,
}

impl UnknownKinds {
    /// Counts a row of the kind `name`, of the learner that `learner` stands for.
    pub(crate) fn note(&mut self, name: &[u8], learner: u64) {
        let key = match std::str::from_utf8(name) {
            Ok(name) if is_identifier(name) => name.into(),
            _ => shape(name).into_boxed_str(),
        };
        self.rows += 1;
        self.add(key, &KindCount { rows: 1, learners: vec![learner] });
    }

    fn add(&mut self, name: Box<str>, count: &KindCount) {
        let hash = BuildHasherDefault::<FxHasher>::default().hash_one(&*name);
        let key = (hash, name);
        if self.names.len() >= MOST_NAMES && self.names.last_key_value().is_some_and(|(last, _)| *last < key) {
            return;
        }
        let known = self.names.entry(key).or_default();
        known.rows += count.rows;
        known.learners.extend(&count.learners);
        known.learners.sort_unstable();
        known.learners.dedup();
        known.learners.truncate(FEWEST_LEARNERS);
        if self.names.len() > MOST_NAMES {
            self.names.pop_last();
        }
    }

    /// Adds the counts of other rows.
    pub(crate) fn append(&mut self, other: &Self) {
        self.rows += other.rows;
        for ((_, name), count) in &other.names {
            self.add(name.clone(), count);
        }
    }

    /// Lists the kinds, those of most rows first; `people` are ids of learners and enrolments, which are never shown.
    #[must_use]
    pub fn most_frequent<'a>(&self, people: impl Iterator<Item = &'a str>) -> Vec<UnknownKind> {
        let names: FxHashSet<&str> = self.names.keys().map(|(_, name)| &**name).collect();
        let people: FxHashSet<&str> = people.filter(|id| names.contains(id)).collect();
        let mut shown: BTreeMap<String, u64> = BTreeMap::new();
        for ((_, name), count) in &self.names {
            let is_code = count.learners.len() >= FEWEST_LEARNERS && is_identifier(name) && !people.contains(&**name);
            let name = if is_code { name.to_string() } else { shape(name.as_bytes()) };
            *shown.entry(name).or_default() += count.rows;
        }
        let mut kinds: Vec<UnknownKind> = shown.into_iter().map(|(shown, rows)| UnknownKind { shown, rows }).collect();
        kinds.sort_by_key(|kind| std::cmp::Reverse(kind.rows));
        kinds
    }
}

/// Tells whether a name reads like one that a program gives: short, of ASCII letters, digits and a few signs, without
/// blanks and without an `@`.
fn is_identifier(name: &str) -> bool {
    let is_sign = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.:/\\#".contains(&byte);
    name.len() <= LONGEST_NAME && name.bytes().all(is_sign) && name.bytes().any(|byte| byte.is_ascii_alphabetic())
}

/// Keys that are no text are written as a list.
mod as_list {
    use std::collections::BTreeMap;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::KindCount;

    type Names = BTreeMap<(u64, Box<str>), KindCount>;

    pub(super) fn serialize<S: Serializer>(names: &Names, serializer: S) -> Result<S::Ok, S::Error> {
        names.iter().collect::<Vec<_>>().serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Names, D::Error> {
        Ok(Vec::deserialize(deserializer)?.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn listed(kinds: &UnknownKinds, people: &[&str]) -> Vec<(String, u64)> {
        kinds.most_frequent(people.iter().copied()).into_iter().map(|kind| (kind.shown, kind.rows)).collect()
    }

    #[test]
    fn names_of_programs_are_shown_and_others_are_not() {
        let mut kinds = UnknownKinds::default();
        for learner in 0..4 {
            for name in
                ["\\mod_new\\event\\x", "https://w3id.org/verbs/juggled", "ann.example", "Ann Example", "a@b.org", ""]
            {
                kinds.note(name.as_bytes(), learner);
            }
        }
        kinds.note(b"\\mod_new\\event\\x", 0);
        kinds.note(b"bob", 1);
        let shown = [
            ("\\mod_new\\event\\x", 5),
            ("", 4),
            ("a@a.aaa", 4),
            ("aaa aaaaaaa", 4),
            ("aaa.aaaaaaa", 4),
            ("https://w3id.org/verbs/juggled", 4),
            ("aaa", 1),
        ];
        assert_eq!(listed(&kinds, &["ann.example"]), shown.map(|(name, rows)| (name.to_owned(), rows)));
        assert_eq!(kinds.rows, 26);
    }

    proptest! {
        #[test]
        fn counts_do_not_depend_on_blocks(
            names in prop::collection::vec(0_u32..600, 0..900),
            cuts in prop::collection::vec(0_usize..900, 0..6),
        ) {
            let count = |names: &[u32]| {
                let mut kinds = UnknownKinds::default();
                names.iter().for_each(|name| kinds.note(format!("k{name}").as_bytes(), u64::from(*name)));
                kinds
            };
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(names.len())).chain([0, names.len()]).collect();
            cuts.sort_unstable();
            let mut whole = UnknownKinds::default();
            cuts.windows(2).rev().for_each(|cut| whole.append(&count(&names[cut[0]..cut[1]])));
            prop_assert_eq!(&whole, &count(&names));
            prop_assert_eq!(whole.rows, names.len() as u64);
            let text = serde_json::to_string(&whole).unwrap();
            prop_assert_eq!(serde_json::from_str::<UnknownKinds>(&text).unwrap(), whole);
        }
    }
}
