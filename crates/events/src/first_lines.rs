//! Whether files of one log overlap: lines near the beginning of a file that stand in another file too, as where a log was
//! rotated while it was copied, or exported twice.
//!
//! Of two files that overlap, one begins within the other. So a few lines of each file's beginning are looked for in all
//! others, while these are read for their rows. A line costs a look at three words of it and at one bit of a table that fits
//! a cache. A log of one file is not looked at.

use std::collections::BTreeSet;
use std::hash::BuildHasher;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use memchr::memchr_iter;
use rustc_hash::FxHashMap;

use crate::file_head::FileHead;
use crate::input::file_name;
use crate::notice::Notice;

/// Counts the lines of a file that are looked for, from the second on: the first may be a header, which all files have.
const LINES: usize = 4;

/// Says how many of a file's lines another must have. One line may come again as it is, as somebody clicked twice.
const ENOUGH: usize = 3;

/// Bounds the pairs of files that a notice names.
const MOST_NAMED: usize = 3;

/// Says that lines of one file stand in another: the number of the one, that of the other, and which line it is.
pub type FoundLine = (u32, u32, u8);

/// Looks for the first lines of each of a log's files in the others.
#[derive(Debug, Default)]
pub struct FirstLines {
    paths: Vec<PathBuf>,
    numbers: FxHashMap<PathBuf, u32>,
    /// A bit for each key of a line that is looked for. Their number is a power of two.
    bits: Vec<u64>,
    /// By hash: the files that have the line, and which of theirs it is.
    lines: FxHashMap<u64, Vec<(u32, u8)>>,
    found: Mutex<BTreeSet<FoundLine>>,
}

impl FirstLines {
    /// Takes the first lines of these files.
    pub(crate) fn new<'h>(heads: impl Iterator<Item = &'h Arc<FileHead>>) -> Self {
        let mut all = Self::default();
        let mut keys = Vec::new();
        for head in heads {
            let file = all.paths.len() as u32;
            if all.numbers.insert(head.path().to_owned(), file).is_some() {
                continue;
            }
            all.paths.push(head.path().to_owned());
            let text = head.text();
            let whole = &text[..memchr::memrchr(b'\n', text).map_or(0, |last| last + 1)];
            let mut known: Vec<&[u8]> = Vec::new();
            for line in each_line(whole).skip(1).filter(|line| line.len() >= 8) {
                if known.len() == LINES {
                    break;
                }
                if !known.contains(&line) {
                    keys.push(quick_key(line));
                    all.lines.entry(hash(line)).or_default().push((file, known.len() as u8));
                    known.push(line);
                }
            }
        }
        if all.paths.len() < 2 {
            return Self::default();
        }
        all.bits = vec![0; (keys.len() / 2).next_power_of_two().max(16)];
        for key in keys {
            let bit = all.bit(key);
            all.bits[bit / 64] |= 1 << (bit % 64);
        }
        all
    }

    fn bit(&self, key: u64) -> usize {
        (key >> 20) as usize & (self.bits.len() * 64 - 1)
    }

    /// Returns the number of a file, where its lines are to be looked at.
    pub(crate) fn number(&self, path: &Path) -> Option<u32> {
        self.numbers.get(path).copied().filter(|_| !self.bits.is_empty())
    }

    /// Looks at the whole lines of a block of file number `file`.
    pub(crate) fn look(&self, file: u32, block: &[u8]) {
        for line in each_line(block) {
            let bit = self.bit(quick_key(line));
            if self.bits[bit / 64] >> (bit % 64) & 1 == 1 {
                self.look_closer(file, line);
            }
        }
    }

    #[cold]
    fn look_closer(&self, file: u32, line: &[u8]) {
        let Some(owners) = self.lines.get(&hash(line)) else { return };
        let others = owners.iter().filter(|&&(owner, _)| owner != file);
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        found.extend(others.map(|&(owner, line)| (owner, file, line)));
    }

    /// Lists what was found, in order.
    #[must_use]
    pub fn found(&self) -> Vec<FoundLine> {
        self.found.lock().unwrap_or_else(PoisonError::into_inner).iter().copied().collect()
    }

    /// Adds what was found before.
    pub fn restore(&self, found: &[FoundLine]) {
        self.found.lock().unwrap_or_else(PoisonError::into_inner).extend(found);
    }

    /// Says which files overlap, if any do.
    #[must_use]
    pub fn notice(&self) -> Option<Notice> {
        let mut pairs: BTreeSet<[u32; 2]> = BTreeSet::new();
        for one in self.found().chunk_by(|one, next| (one.0, one.1) == (next.0, next.1)) {
            let (begins, within, _) = one[0];
            // Two files that begin alike are a pair once.
            if one.len() >= ENOUGH && !pairs.contains(&[within, begins]) {
                pairs.insert([begins, within]);
            }
        }
        let named = pairs.iter().take(MOST_NAMED).map(|&pair| self.names(pair)).collect();
        (!pairs.is_empty()).then_some(Notice::OverlappingFiles { files: named, pairs: pairs.len() as u64 })
    }

    /// Returns the names of two files, with their folders where these are all that tells them apart.
    fn names(&self, pair: [u32; 2]) -> [String; 2] {
        let paths = pair.map(|file| &self.paths[file as usize]);
        let names = paths.map(|path| file_name(path));
        if names[0] != names[1] {
            return names;
        }
        paths.map(|path| {
            let folder = path.parent().map(file_name).unwrap_or_default();
            format!("{folder}/{}", file_name(path))
        })
    }
}

fn each_line(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let ends = memchr_iter(b'\n', text).chain((!text.ends_with(b"\n")).then_some(text.len()));
    let mut start = 0;
    ends.map(move |end| {
        let line = &text[start..end];
        start = end + 1;
        line.strip_suffix(b"\r").unwrap_or(line)
    })
}

/// Makes a key of a line's length and of eight bytes at its start, in its middle and at its end. Equal lines have equal ones.
fn quick_key(line: &[u8]) -> u64 {
    let word = |at: usize| u64::from_le_bytes(*line[at..].first_chunk().unwrap_or(&[0; 8]));
    if line.len() < 8 {
        return 0;
    }
    let mix = |key: u64, word: u64| (key.rotate_left(23) ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let middle = (line.len() - 8) / 2;
    mix(mix(mix(line.len() as u64, word(0)), word(middle)), word(line.len() - 8))
}

fn hash(line: &[u8]) -> u64 {
    foldhash::quality::FixedState::with_seed(0x4c49).hash_one(line)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::file_head::FileHeads;

    /// Returns the notice on files of these texts, named `0`, `1` …
    fn notice(texts: &[String]) -> Option<Notice> {
        let folder = tempfile::tempdir().unwrap();
        let heads = FileHeads::default();
        let head = |(number, text): (usize, &String)| {
            let path = folder.path().join(number.to_string());
            std::fs::write(&path, text).unwrap();
            heads.get(&path).unwrap()
        };
        let all: Vec<Arc<FileHead>> = texts.iter().enumerate().map(head).collect();
        let lines = FirstLines::new(all.iter());
        for (head, text) in all.iter().zip(texts) {
            if let Some(number) = lines.number(head.path()) {
                lines.look(number, text.as_bytes());
            }
        }
        lines.notice()
    }

    fn lines(range: std::ops::Range<usize>) -> String {
        range.map(|number| format!("event number {number}\n")).collect()
    }

    #[test]
    fn files_that_overlap_are_found_wherever_one_begins() {
        let overlap = |one: &str, other: &str, pairs| {
            Some(Notice::OverlappingFiles { files: vec![[one.to_owned(), other.to_owned()]], pairs })
        };
        assert_eq!(notice(&[lines(0..5_000), lines(5_000..9_000)]), None);
        assert_eq!(notice(&[lines(0..9_000)]), None);
        assert_eq!(notice(&[lines(0..5_000), lines(2_500..9_000)]), overlap("1", "0", 1));
        assert_eq!(notice(&[lines(4_990..9_000), lines(0..5_000)]), overlap("0", "1", 1));
        // One that went on after it was copied.
        assert_eq!(notice(&[lines(0..100), lines(0..200)]), overlap("0", "1", 1));
        // Line ends of another system are no other lines, and a header is none of them.
        assert_eq!(notice(&[lines(0..50).replace('\n', "\r\n"), lines(20..60)]), overlap("1", "0", 1));
        assert_eq!(notice(&[lines(0..1) + &lines(5..50), lines(0..1) + &lines(50..90)]), None);
        // Two lines that come again are no overlap.
        assert_eq!(notice(&[lines(0..50), lines(70..71) + &lines(20..22) + &lines(71..99)]), None);
    }

    #[test]
    fn many_files_are_counted_and_a_few_named() {
        let texts: Vec<String> = (0..100).map(|file| lines(file * 50..file * 50 + 60)).collect();
        let Some(Notice::OverlappingFiles { files, pairs }) = notice(&texts) else { panic!("they overlap") };
        assert_eq!((files.len(), pairs), (MOST_NAMED, 99));
        assert_eq!(files[0], ["1", "0"]);
    }
}
