//! Files that add nothing: empty ones, and identical copies of others. They are left out, so that nothing counts twice and
//! an export without a comment or a day without an event stops nothing.

use std::hash::{BuildHasher, Hash};
use std::sync::Arc;

use rustc_hash::{FxBuildHasher, FxHashMap, FxHashSet};

use crate::error::ReadError;
use crate::file_head::{FileHead, KEPT_BYTES};
use crate::input::Packing;

/// Returns `items` without those that are empty, and those whose file is an identical copy of one before. `file` gives an
/// item's file and what else it must have in common with another to be a copy of it; an empty one is kept when there is no
/// other of these.
///
/// Only files of the same unpacked beginning are read for it, plain ones only if a packed one or one of the same size is
/// among these, each once at most.
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
    let mut likeness = Likeness::default();
    items.iter().filter_map(|item| file(item).0).for_each(|head| likeness.add(&head));
    let mut kept: Vec<T> = Vec::new();
    let mut before: FxHashSet<(blake3::Hash, K)> = FxHashSet::default();
    for item in items {
        let (head, key) = file(&item);
        if let Some(head) = head {
            if head.is_blank() && with_rows.contains(&key) {
                continue;
            }
            if likeness.may_be_copy(&head) && !before.insert((head.unpacked_hash()?, key)) {
                continue;
            }
        }
        kept.push(item);
    }
    Ok(kept)
}

/// Counts files by what copies have in common: what is in them is read only of those that are alike.
#[derive(Default)]
pub(super) struct Likeness {
    files: FxHashMap<(Beginning, Sort), u64>,
}

/// Holds the number of zero bytes at an unpacked file's start, and the hash of the bytes after them.
type Beginning = (u64, u64);

/// Says which of the files of one beginning are counted.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Sort {
    /// All of them.
    Any,
    /// Those that are packed. One text packed by two programs differs in size.
    Packed,
    /// Those that are not, and have so many bytes.
    Plain(u64),
}

impl Likeness {
    /// Counts a file.
    pub(super) fn add(&mut self, head: &FileHead) {
        for sort in [Sort::Any, Sort::of(head)] {
            *self.files.entry((beginning(head), sort)).or_default() += 1;
        }
    }

    /// Tells whether a file that was counted may be a copy of another one that was.
    pub(super) fn may_be_copy(&self, head: &FileHead) -> bool {
        let count = |sort| self.files.get(&(beginning(head), sort)).copied().unwrap_or_default();
        match Sort::of(head) {
            plain @ Sort::Plain(_) => count(plain) > 1 || count(Sort::Packed) > 0,
            Sort::Any | Sort::Packed => count(Sort::Any) > 1,
        }
    }
}

impl Sort {
    fn of(head: &FileHead) -> Self {
        match head.packing() {
            Packing::Plain => Self::Plain(head.file().bytes()),
            Packing::Gzip | Packing::Zstd => Self::Packed,
        }
    }
}

fn beginning(head: &FileHead) -> Beginning {
    (head.hole_bytes(), FxBuildHasher.hash_one(&head.bytes()[..head.bytes().len().min(KEPT_BYTES)]))
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
    fn only_files_that_are_alike_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let heads = FileHeads::default();
        let long = "a line of the log\n".repeat(10_000);
        let head = |name: &str, bytes: &[u8]| {
            std::fs::write(folder.path().join(name), bytes).unwrap();
            heads.get(&folder.path().join(name)).unwrap()
        };
        let may_be = |files: &[&Arc<FileHead>]| {
            let mut likeness = Likeness::default();
            files.iter().for_each(|head| likeness.add(head));
            files.iter().map(|head| likeness.may_be_copy(head)).collect::<Vec<_>>()
        };
        let plain = head("plain", long.as_bytes());
        let longer = head("longer", format!("{long}more\n").as_bytes());
        let packed = head("packed.zst", &zstd::encode_all(long.as_bytes(), 1).unwrap());
        let another = head("another.zst", &zstd::encode_all(&b"another line\n"[..], 1).unwrap());
        assert_eq!(may_be(&[&plain, &longer, &another]), [false, false, false]);
        assert_eq!(may_be(&[&plain, &longer, &another, &packed]), [true, true, false, true]);
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
        let packed = |level: u32| {
            let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(level));
            std::io::Write::write_all(&mut gzip, &long).unwrap();
            gzip.finish().unwrap()
        };
        let [loose, tight, zstd] = [packed(0), packed(9), zstd::encode_all(long.as_slice(), 19).unwrap()];
        let of_other = zstd::encode_all(other.as_slice(), 1).unwrap();
        let files: [(&str, &[u8]); 6] = [
            ("x.gz", &loose),
            ("y.gz", &tight),
            ("z", &long),
            ("of_other.zst", &of_other),
            ("w.zst", &zstd),
            ("other", &other),
        ];
        assert_eq!(kept(&files), ["x.gz", "of_other.zst"], "neither the name nor the packed size matters");
        assert_eq!(kept(&[("a", b""), ("b", b"one\n"), ("c", b"\n")]), ["b"]);
    }
}
