//! Kinds of event that a format does not know, by name: counted, so that a log is never all `other` without a word.
//!
//! Names come out of the log, and what stands where a kind must may be a person's name, or hold it. So a name is shown as
//! it is only when it reads like a name of a program's, five learners or more have it, and no part of it is a learner's
//! id; else its shape is.
//!
//! Memory is bounded: at most [`MOST_NAMES`] are told apart. Which ones does not depend on the order of the rows, so that
//! the counts are the same for any threads and blocks.

use std::collections::BTreeMap;
use std::hash::{BuildHasher, BuildHasherDefault};

use rustc_hash::{FxHashMap, FxHashSet, FxHasher};
use serde::{Deserialize, Serialize};

use crate::cells::shape;

/// Bounds the names that are told apart; rows of others count together.
const MOST_NAMES: usize = 256;

/// Bounds the name that is shown as it is.
const LONGEST_NAME: usize = 80;

/// Bounds from below the learners that must have a name for it to be shown. What one or two have, such as praise of one by
/// another, may be about one of them.
const FEWEST_LEARNERS: usize = 5;

/// Bounds from below the digits of a number in a name that may be a learner's id; shorter ones are of versions and the like.
const FEWEST_DIGITS: usize = 4;

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

    /// Lists the kinds, those of most rows first; `people` are ids of learners and enrolments, which are never shown, nor is
    /// a name that holds one.
    #[must_use]
    pub fn most_frequent<'a>(&self, people: impl Iterator<Item = &'a str>) -> Vec<UnknownKind> {
        let may_be_shown =
            |name: &str, count: &KindCount| count.learners.len() >= FEWEST_LEARNERS && is_identifier(name);
        let names =
            self.names.iter().filter(|((_, name), count)| may_be_shown(name, count)).map(|((_, name), _)| &**name);
        let of_programs = without_people(names, people);
        let mut shown: BTreeMap<String, u64> = BTreeMap::new();
        for ((_, name), count) in &self.names {
            let name = match of_programs.contains(&**name) {
                true => name.to_string(),
                false => shape(name.as_bytes()),
            };
            *shown.entry(name).or_default() += count.rows;
        }
        let mut kinds: Vec<UnknownKind> = shown.into_iter().map(|(shown, rows)| UnknownKind { shown, rows }).collect();
        kinds.sort_by_key(|kind| std::cmp::Reverse(kind.rows));
        kinds
    }
}

/// Returns the names in which no part is an id of one of `people`, in any case of letters.
fn without_people<'n, 'p>(
    names: impl Iterator<Item = &'n str>,
    people: impl Iterator<Item = &'p str>,
) -> FxHashSet<&'n str> {
    let mut kept: FxHashSet<&str> = FxHashSet::default();
    let mut by_part: FxHashMap<String, Vec<&str>> = FxHashMap::default();
    for name in names {
        kept.insert(name);
        for part in parts(name) {
            by_part.entry(part.to_ascii_lowercase()).or_default().push(name);
        }
    }
    if kept.is_empty() {
        return kept;
    }
    let mut lower = String::new();
    for person in people {
        lower.clear();
        lower.push_str(person);
        lower.make_ascii_lowercase();
        for own in own_parts(&lower) {
            for name in by_part.get(own).into_iter().flatten() {
                kept.remove(name);
            }
        }
    }
    kept
}

/// Lists what may be an id in a name: the text between any two of its signs, or its ends.
fn parts(name: &str) -> impl Iterator<Item = &str> {
    let ends: Vec<usize> = name.match_indices(is_sign).map(|(place, _)| place).chain([name.len()]).collect();
    let starts: Vec<usize> = [0].into_iter().chain(name.match_indices(is_sign).map(|(place, _)| place + 1)).collect();
    let pairs = starts.into_iter().flat_map(move |start| {
        let ends: Vec<usize> = ends.iter().copied().filter(|&end| end > start).collect();
        ends.into_iter().map(move |end| start..end)
    });
    let is_short = |part: &str| part.len() < FEWEST_DIGITS && part.bytes().all(|byte| !byte.is_ascii_alphabetic());
    pairs.map(|part| &name[part]).filter(move |part| !is_short(part))
}

/// Lists the texts by which a person may be named: an id, it without the site or institution that stands before it, and what
/// stands before the host of an address of mail.
fn own_parts(id: &str) -> impl Iterator<Item = &str> {
    let local = id.rsplit([':', '|', '/']).next().unwrap_or(id);
    let mailbox = local.split('@').next().unwrap_or(local);
    let more = [local, mailbox].into_iter().filter(move |part| part.len() < id.len());
    [id].into_iter().chain(more)
}

fn is_sign(sign: char) -> bool {
    !sign.is_ascii_alphanumeric()
}

/// Tells whether a name reads like one that a program gives: short, of ASCII letters, digits and a few signs, without
/// blanks and without an `@`.
fn is_identifier(name: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.:/\\#".contains(&byte);
    name.len() <= LONGEST_NAME && name.bytes().all(is_plain) && name.bytes().any(|byte| byte.is_ascii_alphabetic())
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
        for learner in 0..5 {
            for name in
                ["\\mod_new\\event\\x", "https://w3id.org/verbs/juggled", "ann.example", "Ann Example", "a@b.org", ""]
            {
                kinds.note(name.as_bytes(), learner);
            }
        }
        kinds.note(b"\\mod_new\\event\\x", 0);
        kinds.note(b"bob", 1);
        let shown = [
            ("\\mod_new\\event\\x", 6),
            ("", 5),
            ("a@a.aaa", 5),
            ("aaa aaaaaaa", 5),
            ("aaa.aaaaaaa", 5),
            ("https://w3id.org/verbs/juggled", 5),
            ("aaa", 1),
        ];
        assert_eq!(listed(&kinds, &["ann.example"]), shown.map(|(name, rows)| (name.to_owned(), rows)));
        assert_eq!(kinds.rows, 32);
    }

    #[test]
    fn a_kind_of_four_learners_is_not_shown_and_one_of_five_is() {
        let mut kinds = UnknownKinds::default();
        (0..4).for_each(|learner| kinds.note(b"custom.juggled", learner));
        kinds.note(b"custom.juggled", 3);
        assert_eq!(listed(&kinds, &[]), [("aaaaaa.aaaaaaa".to_owned(), 5)]);
        kinds.note(b"custom.juggled", 4);
        assert_eq!(listed(&kinds, &[]), [("custom.juggled".to_owned(), 6)]);
    }

    #[test]
    fn a_kind_in_whose_name_a_learner_stands_is_not_shown() {
        for (name, person) in [
            ("custom.qzcarl.seen", "qzcarl"),
            ("https://x.org/praised-QzCarl", "qzcarl"),
            ("praised-qz_carl-twice", "qz_carl"),
            ("seen/carl", "north:carl"),
            ("seen/carl", "https://lms.org|carl"),
            ("seen/carl", "carl@example.org"),
            ("seen/20417", "20417"),
        ] {
            let mut kinds = UnknownKinds::default();
            (0..9).for_each(|learner| kinds.note(name.as_bytes(), learner));
            assert_eq!(listed(&kinds, &["bob"]), [(name.to_owned(), 9)]);
            assert_eq!(listed(&kinds, &["bob", person]), [(shape(name.as_bytes()), 9)], "{name}");
        }
        let mut kinds = UnknownKinds::default();
        (0..9).for_each(|learner| kinds.note(b"verbs/2.0/seen", learner));
        assert_eq!(listed(&kinds, &["2", "0"]), [("verbs/2.0/seen".to_owned(), 9)]);
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
