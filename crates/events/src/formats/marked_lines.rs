//! Lines of a log that were marked while it was read for something else.

use rustc_hash::FxHashMap;

/// Says where a row stands: file, block, line in the block.
pub(super) type Place = (u32, u32, u32);

/// Holds marked lines, a bit for each line of a block up to the last that is marked. Every reading of a file must cut it into
/// the same blocks.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct MarkedLines {
    /// By file and block.
    lines: FxHashMap<(u32, u32), Vec<u64>>,
}

impl MarkedLines {
    /// Marks a line.
    pub(super) fn add(&mut self, (file, block, line): Place) {
        let bits = self.lines.entry((file, block)).or_default();
        let word = line as usize / 64;
        if bits.len() <= word {
            bits.resize(word + 1, 0);
        }
        bits[word] |= 1 << (line % 64);
    }

    /// Returns those of one block of a file, whose number is counted among the files of the log.
    pub(super) fn in_block(&self, file: u32, block: usize) -> MarkedLinesOfBlock<'_> {
        MarkedLinesOfBlock { lines: self.lines.get(&(file, block as u32)).map_or(&[], Vec::as_slice) }
    }

    #[cfg(test)]
    pub(super) fn count(&self, file: u32) -> usize {
        let of_file = self.lines.iter().filter(|((its, _), _)| *its == file);
        of_file.flat_map(|(_, bits)| bits).map(|word| word.count_ones() as usize).sum()
    }

    #[cfg(test)]
    pub(super) fn words(&self, file: u32, block: u32) -> usize {
        self.lines[&(file, block)].len()
    }
}

/// Holds the marked lines of one block.
#[derive(Clone, Copy, Debug)]
pub(super) struct MarkedLinesOfBlock<'a> {
    lines: &'a [u64],
}

impl MarkedLinesOfBlock<'_> {
    /// Tells whether a line is marked.
    pub(super) fn has(self, line: u64) -> bool {
        self.lines.get(line as usize / 64).is_some_and(|word| word >> (line % 64) & 1 == 1)
    }
}
