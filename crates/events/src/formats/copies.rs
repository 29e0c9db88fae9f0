//! Files that add nothing: empty ones, and identical copies of others. They are left out, so that nothing counts twice and
//! an export without a comment or a day without an event stops nothing.

use std::io::{self, Read};
use std::path::PathBuf;
use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::error::ReadError;
use crate::file_head::FileHead;
use crate::input::{self, SoFar, bare_name};

/// Returns `items` without those that are empty, and those whose file is an identical copy of one before. `file` gives an
/// item's file and what else it must have in common with another to be a copy of it; an empty one is kept when there is no
/// other of these.
///
/// Only files of the same size and beginning are read for it, or of the same name but for their packing.
///
/// # Errors
/// When such a file can't be read.
pub(super) fn without_blanks_and_copies<T, K: PartialEq>(
    items: Vec<T>,
    file: impl Fn(&T) -> (Option<Arc<FileHead>>, K),
) -> Result<Vec<T>, ReadError> {
    let is_blank = |head: &Option<Arc<FileHead>>| head.as_ref().is_some_and(|head| head.is_blank());
    let with_rows: Vec<K> = items.iter().map(&file).filter(|(head, _)| !is_blank(head)).map(|(_, key)| key).collect();
    let mut kept: Vec<T> = Vec::new();
    // Nearly all files differ in size and name, which is soon seen.
    let mut alike: FxHashMap<Likeness, Vec<usize>> = FxHashMap::default();
    for item in items {
        let (head, key) = file(&item);
        if let Some(head) = head {
            if head.is_blank() && with_rows.contains(&key) {
                continue;
            }
            let likenesses = Likeness::of(&head);
            let mut is_copy = false;
            for &place in likenesses.iter().filter_map(|likeness| alike.get(likeness)).flatten() {
                let (before, other_key) = file(&kept[place]);
                if let Some(before) = before.filter(|_| other_key == key && !is_copy) {
                    is_copy = are_identical(&head, &before)?;
                }
            }
            if is_copy {
                continue;
            }
            for likeness in likenesses {
                alike.entry(likeness).or_default().push(kept.len());
            }
        }
        kept.push(item);
    }
    Ok(kept)
}

/// Says what two files have in common of which one may be a copy of the other.
#[derive(PartialEq, Eq, Hash)]
enum Likeness {
    Size(u64),
    Name(PathBuf),
}

impl Likeness {
    fn of(head: &FileHead) -> [Self; 2] {
        let path = head.path();
        [Self::Size(input::size_bytes(path)), Self::Name(path.with_file_name(bare_name(path)))]
    }
}

/// Tells whether two files hold the same unpacked bytes.
///
/// # Errors
/// When one can't be read.
pub(super) fn are_identical(one: &FileHead, other: &FileHead) -> Result<bool, ReadError> {
    let same_size = input::size_bytes(one.path()) == input::size_bytes(other.path());
    let may_be = match one.packing() == other.packing() {
        true => same_size,
        false => is_same_but_for_packing(one, other),
    };
    let start = one.bytes().len().min(other.bytes().len());
    if !may_be || one.bytes()[..start] != other.bytes()[..start] {
        return Ok(false);
    }
    Ok(hash_of(one)? == hash_of(other)?)
}

/// Tells whether the files stand side by side and have the same name but for the ending of a packed one.
fn is_same_but_for_packing(one: &FileHead, other: &FileHead) -> bool {
    one.packing() != other.packing()
        && one.path().parent() == other.path().parent()
        && bare_name(one.path()) == bare_name(other.path())
}

fn hash_of(head: &FileHead) -> Result<blake3::Hash, ReadError> {
    let mut hasher = blake3::Hasher::new();
    let mut stream = input::unpacked(head.path(), head.packing(), &|_| ())?;
    let mut piece = vec![0; 1 << 18];
    loop {
        match stream.read(&mut piece) {
            Ok(0) => return Ok(hasher.finalize()),
            Ok(count) => drop(hasher.update(&piece[..count])),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => (),
            Err(error) => return Err(input::unreadable(head.path(), head.packing(), error, SoFar::Unknown)),
        }
    }
}
