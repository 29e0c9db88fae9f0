//! Files that add nothing: empty ones, and identical copies of others. They are left out, so that nothing counts twice and
//! an export without a comment or a day without an event stops nothing.

use std::collections::hash_map::Entry;
use std::hash::{BuildHasher, Hash};
use std::path::PathBuf;
use std::sync::Arc;

use rustc_hash::{FxBuildHasher, FxHashMap, FxHashSet};

use crate::error::ReadError;
use crate::file_head::{FileHead, KEPT_BYTES};
use crate::input::{Packing, bare_name};

/// Returns `items` without those that are empty, and those whose file is an identical copy of one before. `file` gives an
/// item's file and what else it must have in common with another to be a copy of it; an empty one is kept when there is no
/// other of these.
///
/// Only files of the same size and beginning are read for it, or of the same name but for their packing, each once at most.
///
/// # Errors
/// When such a file can't be read.
pub(super) fn without_blanks_and_copies<T, K: Clone + Eq + Hash>(
    items: Vec<T>,
    file: impl Fn(&T) -> (Option<Arc<FileHead>>, K),
) -> Result<Vec<T>, ReadError> {
    let is_blank = |head: &Option<Arc<FileHead>>| head.as_ref().is_some_and(|head| head.is_blank());
    let with_rows: FxHashSet<K> =
        items.iter().map(&file).filter(|(head, _)| !is_blank(head)).map(|(_, key)| key).collect();
    let mut kept: Vec<T> = Vec::new();
    let mut before: FxHashMap<Likeness, Alike<K>> = FxHashMap::default();
    for item in items {
        let (head, key) = file(&item);
        if let Some(head) = head {
            if head.is_blank() && with_rows.contains(&key) {
                continue;
            }
            let mut is_copy = false;
            for likeness in Likeness::of(&head) {
                match before.entry(likeness) {
                    Entry::Vacant(none) => drop(none.insert(Alike::One(Arc::clone(&head), key.clone()))),
                    Entry::Occupied(mut alike) => is_copy |= !alike.get_mut().insert(&head, &key)?,
                }
            }
            if is_copy {
                continue;
            }
        }
        kept.push(item);
    }
    Ok(kept)
}

/// Says what two files have in common of which one may be a copy of the other.
#[derive(PartialEq, Eq, Hash)]
pub(super) enum Likeness {
    /// Packing, size and beginning.
    Beginning(Packing, u64, u64),
    /// The name but for the ending of a packed file, in the same folder.
    Name(PathBuf),
}

impl Likeness {
    /// Returns what a file has in common with its copies: with one packed the same way, and with others.
    pub(super) fn of(head: &FileHead) -> [Self; 2] {
        let path = head.path();
        let beginning = FxBuildHasher.hash_one(&head.bytes()[..head.bytes().len().min(KEPT_BYTES)]);
        [
            Self::Beginning(head.packing(), head.file().bytes(), beginning),
            Self::Name(path.with_file_name(bare_name(path))),
        ]
    }
}

/// Holds files that are alike. What they hold is compared once there are two.
enum Alike<K> {
    One(Arc<FileHead>, K),
    Several(FxHashSet<(blake3::Hash, K)>),
}

impl<K: Clone + Eq + Hash> Alike<K> {
    /// Adds a file; tells whether none of these holds the same.
    fn insert(&mut self, head: &FileHead, key: &K) -> Result<bool, ReadError> {
        if let Self::One(first, its) = self {
            *self = Self::Several(FxHashSet::from_iter([(first.unpacked_hash()?, its.clone())]));
        }
        match self {
            Self::Several(all) => Ok(all.insert((head.unpacked_hash()?, key.clone()))),
            Self::One(..) => Ok(true),
        }
    }
}

/// Tells whether two files hold the same unpacked bytes.
///
/// # Errors
/// When one can't be read.
pub(super) fn are_identical(one: &FileHead, other: &FileHead) -> Result<bool, ReadError> {
    let [of_one, of_other] = [one, other].map(Likeness::of);
    let may_be = of_one.iter().any(|likeness| of_other.contains(likeness));
    Ok(may_be && one.unpacked_hash()? == other.unpacked_hash()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::file_head::FileHeads;

    /// Writes files of these contents, and returns the names of those kept.
    fn kept(files: &[(&str, &[u8])]) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        let heads = FileHeads::default();
        let head = |(name, bytes): &(&str, &[u8])| {
            let path = folder.path().join(name);
            std::fs::write(&path, bytes).unwrap();
            heads.get(&path).unwrap()
        };
        let all: Vec<Arc<FileHead>> = files.iter().map(head).collect();
        let kept = without_blanks_and_copies(all, |head| (Some(Arc::clone(head)), ())).unwrap();
        kept.iter().map(|head| head.name()).collect()
    }

    #[test]
    fn copies_are_found_whatever_their_size_and_packing() {
        let long: Vec<u8> = (0..100_000_u32).flat_map(u32::to_le_bytes).map(|byte| byte | 1).collect();
        let mut other = long.clone();
        *other.last_mut().unwrap() ^= 2;
        let packed = zstd::encode_all(long.as_slice(), 1).unwrap();
        let files: [(&str, &[u8]); 8] = [
            ("a", b"one\n"),
            ("b", b"two\n"),
            ("c", b"one\n"),
            ("d", &long),
            ("e", &other),
            ("f", &long),
            ("d.zst", &packed),
            ("g.zst", &packed),
        ];
        assert_eq!(kept(&files), ["a", "b", "d", "e"], "g.zst is a copy of d.zst, which is one of d");
        assert_eq!(kept(&[("a", b""), ("b", b"one\n"), ("c", b"\n")]), ["b"]);
    }
}
