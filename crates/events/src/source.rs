//! A log that has been opened: its roster read, its event files not yet.

use std::path::{Path, PathBuf};

use rayon::prelude::*;

use crate::error::ReadError;
use crate::intake::{Frame, Parsed};
use crate::roster::Roster;
use crate::tally::Tally;
use crate::{Kind, Knows};

/// A file that belongs to a source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputFile {
    /// What it is to the format: `log`, `enrolments`, `calendar` …
    pub role: &'static str,
    /// Where it is.
    pub path: PathBuf,
}

/// What a source offers as labels when no rule is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LabelOffer {
    /// Nothing: labels come from activity.
    Nothing,
    /// The enrolments' `dropout`.
    Labels,
    /// The enrolments' `outcome`.
    Outcomes,
}

/// How finely a source tells time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Granularity {
    /// To the second.
    Second,
    /// To the day; an event stands at its day's first instant.
    Day,
}

/// A table of a database that belongs to a source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DatabaseTable {
    /// What it is to the format.
    pub role: &'static str,
    /// The database's address, without user and password.
    pub place: String,
    /// The table's name.
    pub table: String,
    /// Rows read.
    pub rows: u64,
    /// Lowest and highest id, of a table that is read as a stream.
    pub ids: Option<(i64, i64)>,
    /// BLAKE3 of what was read, in hexadecimal, of a table that is read as a whole.
    pub blake3: Option<String>,
}

/// A log of one format, opened.
pub struct Source {
    /// Name of the format.
    pub format: &'static str,
    /// Why it was taken for that format.
    pub reason: String,
    /// Courses and enrolments.
    pub roster: Roster,
    /// What became of the rows of the small tables.
    pub tables: Tally,
    /// Enrolments left out because their course is unknown or has no dates.
    pub enrolments_without_course: u64,
    /// What the source can know.
    pub knows: Knows,
    /// How finely it tells time.
    pub granularity: Granularity,
    /// Kinds of event; an event's kind number is the index. At most 256.
    pub kinds: Vec<Kind>,
    /// What it offers as labels.
    pub labels: LabelOffer,
    /// Every file read or to be read.
    pub inputs: Vec<InputFile>,
    /// The files that hold events.
    pub events: Vec<Box<dyn EventFile>>,
}

/// Takes what each block of a file gave, in any order, from any thread. The first argument numbers the blocks of the
/// file in the order of their rows, from 0. An error ends the reading.
pub type BlockSink<'a> = dyn Fn(usize, Parsed) -> Result<(), ReadError> + Sync + 'a;

/// What [`EventFile::read`] is to find out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Events.
    Events,
    /// Only when each course has events (see [`crate::Intake::for_spans`]).
    Spans,
}

/// A file of events, or what stands for one, read in blocks side by side on rayon's threads.
pub trait EventFile: Send + Sync {
    /// What it is called in samples: a file's name without its folder.
    fn name(&self) -> String;

    /// Where it is, where it is a file that [`EventFile::read`] gives the hash of.
    fn path(&self) -> Option<&Path> {
        None
    }

    /// About how many bytes [`EventFile::read`] will tell `progress` of: a file's size on disk.
    fn size_bytes(&self) -> u64;

    /// The tables of a database that stand for the file, where it is none.
    fn database(&self) -> Vec<DatabaseTable> {
        Vec::new()
    }

    /// Line of the first row of block 0, from 1: 2 after a header.
    fn first_line(&self) -> u64;

    /// Sets about how many bytes of the file make a block, at least 1. To be called before anything is read; what comes
    /// out does not depend on it, memory does.
    fn set_block_bytes(&mut self, bytes: usize);

    /// Reads the file and hands each block's events to `sink`. `progress` is told the bytes read from disk as they
    /// are. Holds a few blocks of at most a few MiB a thread. What comes out does not depend on the number of threads.
    ///
    /// Gives the BLAKE3 of the file's bytes, as [`crate::input::blake3_of`] does, where reading them gave it by the way.
    ///
    /// # Errors
    /// When the file can't be read, or the sink fails.
    fn read(
        &self,
        purpose: Purpose,
        frame: &Frame,
        sink: &BlockSink<'_>,
        progress: &(dyn Fn(u64) + Sync),
    ) -> Result<Option<String>, ReadError>;

    /// Whether the file has to be read from end to end by one thread, as a packed one has. Of several such, each thread
    /// does better to read one ([`EventFile::read_alone`]) than all to wait for the first.
    fn is_one_stream(&self) -> bool {
        false
    }

    /// Does what [`EventFile::read`] does, on the calling thread alone where the file is one stream.
    ///
    /// # Errors
    /// As [`EventFile::read`].
    fn read_alone(
        &self,
        purpose: Purpose,
        frame: &Frame,
        sink: &BlockSink<'_>,
        progress: &(dyn Fn(u64) + Sync),
    ) -> Result<Option<String>, ReadError> {
        self.read(purpose, frame, sink, progress)
    }
}

/// By whom a file is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// [`EventFile::read`].
    AllThreads,
    /// [`EventFile::read_alone`].
    OneThread,
}

impl By {
    /// Has `file` read.
    ///
    /// # Errors
    /// As [`EventFile::read`].
    pub fn read(
        self,
        file: &dyn EventFile,
        purpose: Purpose,
        frame: &Frame,
        sink: &BlockSink<'_>,
        progress: &(dyn Fn(u64) + Sync),
    ) -> Result<Option<String>, ReadError> {
        match self {
            Self::AllThreads => file.read(purpose, frame, sink, progress),
            Self::OneThread => file.read_alone(purpose, frame, sink, progress),
        }
    }
}

/// Has the next of `files` read, from number `from` on: one by all threads, or, where files are one stream each, some of
/// them side by side, each by one thread. `read` is given a file's number. Gives what it gave, in the order of the files:
/// of at least one file, unless there is none left, and of at most a few for each of rayon's threads.
pub fn read_next<T: Send>(files: &[Box<dyn EventFile>], from: usize, read: impl Fn(usize, By) -> T + Sync) -> Vec<T> {
    let threads = rayon::current_num_threads();
    let streams = files[from..].iter().take(4 * threads).take_while(|file| file.is_one_stream()).count();
    // One stream is better unpacked by one thread and parsed by the other than by one of two.
    if threads == 1 || streams < 2 {
        return files.get(from).map(|_| read(from, By::AllThreads)).into_iter().collect();
    }
    // No thread takes more than one at once.
    (from..from + streams).into_par_iter().with_max_len(1).map(|file| read(file, By::OneThread)).collect()
}
