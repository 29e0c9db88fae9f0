//! Files of events, read in blocks on many threads.

use std::path::Path;
use std::sync::Arc;

use rayon::prelude::*;

use crate::error::ReadError;
use crate::first_lines::FirstLines;
use crate::parsed_block::ParsedBlock;
use crate::row_limits::RowLimits;
use crate::source_inputs::DatabaseTable;
use crate::tally::{BlockTally, Tally};

/// Takes each parsed block of a file, in any order, from any thread. The first argument numbers the blocks of the file
/// in the order of their rows, from 0. An error ends the reading.
pub type BlockSink<'a> = dyn Fn(usize, ParsedBlock) -> Result<(), ReadError> + Sync + 'a;

/// Names the purpose that [`EventFile::read`] serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadPurpose {
    /// To hand over the events.
    Events,
    /// To learn when each course has events, and nothing else: calendars are inferred from it.
    Spans,
}

/// Reads a file of events, or a table that stands for one, in blocks side by side on rayon's threads.
pub trait EventFile: Send + Sync {
    /// Returns the name that samples of rows go by: a file's name without its folder.
    fn name(&self) -> String;

    /// Returns the path, where it is a file of which [`EventFile::read`] can give the hash.
    fn path(&self) -> Option<&Path> {
        None
    }

    /// Returns about how many bytes [`EventFile::read`] will report to `progress`: a file's size on disk.
    fn size_bytes(&self) -> u64;

    /// Lists the tables of a database that stand for the file, where it is none.
    fn database(&self) -> Vec<DatabaseTable> {
        Vec::new()
    }

    /// Returns the line of the first row of block 0, from 1: 2 after a header.
    fn first_line(&self) -> u64;

    /// Sets about how many bytes of the file make a block, at least 1. To be called before anything is read. Memory
    /// depends on it, the events do not.
    fn set_block_bytes(&mut self, bytes: usize);

    /// Makes later readings look for the first lines of the log's other files. What has no lines of text is not looked at.
    fn watch(&mut self, first_lines: &Arc<FirstLines>) {
        let _ = first_lines;
    }

    /// Reads the file and hands each block's events to `sink`. `progress` receives the number of bytes read from disk
    /// as they are. Holds a few blocks of at most a few MiB a thread. The outcome does not depend on the number of
    /// threads.
    ///
    /// Returns the BLAKE3 of the file's bytes, as [`crate::input::blake3_of`] does, where it came without extra
    /// reading.
    ///
    /// # Errors
    /// When the file can't be read, or the sink fails.
    fn read(
        &self,
        purpose: ReadPurpose,
        limits: &RowLimits,
        sink: &BlockSink<'_>,
        progress: &(dyn Fn(u64) + Sync),
    ) -> Result<Option<String>, ReadError>;

    /// Tells whether the file has to be read from end to end by one thread, as a packed one has, or has nothing to do for
    /// more of them, as a small one. Of several such, each thread does better to read one ([`EventFile::read_alone`]) than all to wait for the first.
    fn is_one_stream(&self) -> bool {
        false
    }

    /// Reads as [`EventFile::read`] does, on the calling thread alone where the file is one stream.
    ///
    /// # Errors
    /// As [`EventFile::read`].
    fn read_alone(
        &self,
        purpose: ReadPurpose,
        limits: &RowLimits,
        sink: &BlockSink<'_>,
        progress: &(dyn Fn(u64) + Sync),
    ) -> Result<Option<String>, ReadError> {
        self.read(purpose, limits, sink, progress)
    }
}

/// Names the threads that read a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadMode {
    /// All of rayon's, by [`EventFile::read`].
    AllThreads,
    /// The calling one, by [`EventFile::read_alone`].
    OneThread,
}

impl ReadMode {
    /// Reads `file` on these threads.
    ///
    /// # Errors
    /// As [`EventFile::read`].
    pub fn read(
        self,
        file: &dyn EventFile,
        purpose: ReadPurpose,
        limits: &RowLimits,
        sink: &BlockSink<'_>,
        progress: &(dyn Fn(u64) + Sync),
    ) -> Result<Option<String>, ReadError> {
        match self {
            Self::AllThreads => file.read(purpose, limits, sink, progress),
            Self::OneThread => file.read_alone(purpose, limits, sink, progress),
        }
    }
}

/// Reads the next of `files`, from number `from` on: one on all threads or, where files are one stream each, some of
/// them side by side, each on one thread. `read` receives a file's number.
///
/// Returns the values of `read` in the order of the files: of at least one file, unless there is none left, and of at
/// most a few for each of rayon's threads.
pub fn read_next_files<T: Send>(
    files: &[Box<dyn EventFile>],
    from: usize,
    read: impl Fn(usize, ReadMode) -> T + Sync,
) -> Vec<T> {
    let threads = rayon::current_num_threads();
    let streams = files[from..].iter().take(4 * threads).take_while(|file| file.is_one_stream()).count();
    // One stream is better unpacked by one thread and parsed by the other than by one of two.
    if threads == 1 || streams < 2 {
        return files.get(from).map(|_| read(from, ReadMode::AllThreads)).into_iter().collect();
    }
    // No thread takes more than one at once.
    (from..from + streams).into_par_iter().with_max_len(1).map(|file| read(file, ReadMode::OneThread)).collect()
}

/// Joins the tallies of a file's blocks, which come in the order of the file, as one with line numbers.
pub fn join_block_tallies(file: &dyn EventFile, blocks: impl IntoIterator<Item = BlockTally>) -> Tally {
    let (name, mut line, mut whole) = (file.name(), file.first_line(), Tally::default());
    for block in blocks {
        let lines = block.lines;
        whole.append(block.place(&name, line));
        line += lines;
    }
    whole
}
