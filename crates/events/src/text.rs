//! Files of lines, read in blocks of whole lines side by side.
//!
//! A plain file is cut into byte ranges; a line belongs to the range that holds its first byte, so that the same lines
//! come out wherever the cuts fall. Each range is hashed while it is in the cache, so that a log's fingerprint costs no
//! second reading. A packed file is unpacked by one thread, which cuts at newlines, while the others parse; so is one
//! whose lines have to be made of JSON objects first. Of several such, each thread takes one. Holds one block a thread,
//! for a packed file read by all of them four more.

use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::sync_channel;

use memchr::{memchr, memrchr};
use rayon::prelude::*;

use crate::error::ReadError;
use crate::event_file::{BlockSink, EventFile, ReadPurpose};
use crate::file_head::{FileHead, Position};
use crate::first_lines::FirstLines;
use crate::hash::TreeHash;
use crate::input::{self, Packing, SoFar, StreamEnd, UnpackedFile};
use crate::intake::Intake;
use crate::line_limit::LONGEST_LINE_BYTES;
use crate::objects::ObjectLines;
use crate::row_limits::RowLimits;
use crate::seen_file::{Content, SeenFile};
use crate::tally::Reason;

/// Counts the bytes of a block, unless something else is asked for. They are few enough for a core's second-level cache to
/// hold a block and what is parsed from it. They are a power of two, so that blocks are subtrees of the file's hash.
pub(crate) const BLOCK_BYTES: usize = 1 << 20;

/// Estimates from below the length of a line in the logs there are: room for a block's events is made once.
const USUAL_LINE_BYTES: usize = 64;

/// Parses the lines of a format.
pub(crate) trait LineParser: Send + Sync {
    /// Hands every row of `block`, which holds whole lines, to `intake`, and adds the number of lines, rows or not, to
    /// `intake.parsed.tally.lines`.
    fn parse(&self, block: &[u8], intake: &mut Intake<'_>);

    /// Returns the length of the row that `text` begins with, its line end included, where rows may go over several lines;
    /// `None` where more text is needed to tell, of which there is none when `ends`.
    fn row_length(&self, text: &[u8], ends: bool) -> Option<usize> {
        memchr(b'\n', text).map(|newline| newline + 1).or(ends.then_some(text.len()))
    }
}

/// Reads a file of lines.
pub(crate) struct TextFile<P> {
    file: SeenFile,
    packing: Packing,
    /// Where the rows begin, after a header.
    start: Position,
    block_bytes: usize,
    /// Name of an envelope's list, where lines are to be made of a text of JSON objects.
    list: Option<&'static [u8]>,
    /// Whether a row may go over several lines.
    over_lines: bool,
    /// First lines of the log's files to look for, and the number of this one among these.
    first_lines: Option<(Arc<FirstLines>, u32)>,
    parser: P,
}

impl<P: LineParser> TextFile<P> {
    /// Makes a file of lines out of the file with this head, whose rows begin at `start`.
    pub(crate) fn new(head: &FileHead, start: Position, parser: P) -> Self {
        let (file, packing) = (head.file().clone(), head.packing());
        Self {
            file,
            packing,
            start,
            block_bytes: BLOCK_BYTES,
            list: None,
            over_lines: false,
            first_lines: None,
            parser,
        }
    }

    /// Makes a file of lines out of a text of JSON objects that do not stand one a line: an array of them, objects one
    /// after another, or envelopes that hold them in the list `list`. Rows are numbered by object. One thread cuts the
    /// file, while the others parse.
    pub(crate) fn new_of_objects(head: &FileHead, list: &'static [u8], parser: P) -> Self {
        let start = Position { lines: 0, ..head.text_start() };
        Self { list: Some(list), ..Self::new(head, start, parser) }
    }

    /// Makes a file out of one with rows that may go over several lines, as the parser tells. One thread cuts the file,
    /// while the others parse.
    pub(crate) fn new_of_rows(head: &FileHead, start: Position, parser: P) -> Self {
        Self { over_lines: true, ..Self::new(head, start, parser) }
    }

    fn cutter<R: Read>(&self, stream: R) -> Cutter<'_, R> {
        let rows = self.over_lines.then_some(&self.parser as &dyn LineParser);
        Cutter {
            stream,
            block_bytes: self.block_bytes,
            rows,
            carried: Vec::new(),
            waiting: None,
            skipping: false,
            failed: None,
        }
    }

    fn deliver(&self, number: usize, block: &[u8], long_line_after: bool, how: &How<'_>) -> Result<(), ReadError> {
        let mut intake = Intake::new(how.purpose, how.limits, number);
        intake.parsed.events.reserve(block.len() / USUAL_LINE_BYTES);
        self.parser.parse(block, &mut intake);
        if let Some((first_lines, number)) = &self.first_lines {
            first_lines.look(*number, block);
        }
        if long_line_after {
            let line = intake.parsed.tally.lines;
            intake.refuse(Reason::LineTooLong, line, || format!("a line of over {} MiB", LONGEST_LINE_BYTES >> 20));
            intake.parsed.tally.lines += 1;
        }
        how.rows.fetch_add(intake.parsed.tally.rows(), Ordering::Relaxed);
        (how.sink)(number, intake.parsed)
    }

    fn read_plain(&self, how: &How<'_>) -> Result<Option<String>, ReadError> {
        let content = self.file.open()?;
        let length = content.bytes();
        let hashing = match how.purpose {
            ReadPurpose::Events => TreeHash::new(length, self.block_bytes as u64),
            ReadPurpose::Spans => None,
        };
        let blocks = length.div_ceil(self.block_bytes as u64);
        (0..blocks).into_par_iter().try_for_each_init(Vec::new, |buffer: &mut Vec<u8>, number| {
            let start = number * self.block_bytes as u64;
            let end = (start + self.block_bytes as u64).min(length);
            let range = read_range(&content, start..end, self.start.bytes, buffer)
                .map_err(|source| content.check().err().unwrap_or_else(|| ReadError::io(self.file.path())(source)))?;
            if let Some(hashing) = &hashing {
                hashing.add(number, &buffer[range.block]);
            }
            (how.progress)(end - start);
            self.deliver(number as usize, &buffer[range.lines], range.long_line_after, how)
        })?;
        content.check()?;
        let hash = hashing.and_then(TreeHash::finish);
        hash.iter().for_each(|hash| self.file.note_blake3(hash.clone()));
        Ok(hash)
    }

    /// Returns the bytes after the header, as a stream of lines.
    fn stream<'a>(&self, how: &How<'a>) -> Result<(Box<dyn Read + Send + 'a>, StreamEnd), ReadError> {
        let unpacked = UnpackedFile::open_from(&self.file, self.packing, self.start.bytes, how.progress)?;
        let (stream, end) = unpacked.into_parts();
        let lines: Box<dyn Read + Send + 'a> = match self.list {
            Some(list) => Box::new(ObjectLines::new(stream, list)),
            None => stream,
        };
        Ok((lines, end))
    }

    fn read_on_this_thread(&self, how: &How<'_>) -> Result<String, ReadError> {
        let (stream, end) = self.stream(how)?;
        let mut cutter = self.cutter(stream);
        let mut number = 0;
        while let Some(cut) = cutter.next_block().map_err(|source| self.unreadable(source, how))? {
            self.deliver(number, &cut.lines, cut.long_line_after, how)?;
            number += 1;
        }
        end.finish()
    }

    fn read_in_order(&self, how: &How<'_>) -> Result<String, ReadError> {
        let (stream, end) = self.stream(how)?;
        std::thread::scope(|scope| {
            let (sender, receiver) = sync_channel::<Cut>(4);
            let unpacking = scope.spawn(move || -> io::Result<()> {
                let mut cutter = self.cutter(stream);
                while let Some(cut) = cutter.next_block()? {
                    // The receiver is gone when the sink failed: its error is the one to report.
                    if sender.send(cut).is_err() {
                        break;
                    }
                }
                Ok(())
            });
            // A block is handed over under a lock, so waiting for one never keeps a thread from parsing another.
            let parsed = receiver
                .into_iter()
                .enumerate()
                .par_bridge()
                .try_for_each(|(number, cut)| self.deliver(number, &cut.lines, cut.long_line_after, how));
            let unpacked = unpacking.join().expect("unpacking does not panic");
            parsed?;
            unpacked.map_err(|source| self.unreadable(source, how))?;
            end.finish()
        })
    }

    /// Makes the error for a file that can't be read to its end.
    fn unreadable(&self, source: io::Error, how: &How<'_>) -> ReadError {
        input::unreadable(self.file.path(), self.packing, source, SoFar::Rows(how.rows.load(Ordering::Relaxed)))
    }

    /// Tells whether the rows can be cut by one thread alone.
    fn is_cut_in_order(&self) -> bool {
        self.list.is_some() || self.over_lines || self.packing != Packing::Plain
    }
}

struct How<'a> {
    purpose: ReadPurpose,
    limits: &'a RowLimits,
    sink: &'a BlockSink<'a>,
    progress: &'a (dyn Fn(u64) + Sync),
    /// Counts the rows parsed.
    rows: AtomicU64,
}

impl<P: LineParser> EventFile for TextFile<P> {
    fn name(&self) -> String {
        input::file_name(self.file.path())
    }

    fn path(&self) -> Option<&Path> {
        Some(self.file.path())
    }

    fn size_bytes(&self) -> u64 {
        self.file.bytes()
    }

    fn first_line(&self) -> u64 {
        self.start.lines + 1
    }

    fn watch(&mut self, first_lines: &Arc<FirstLines>) {
        self.first_lines = first_lines.number(self.file.path()).map(|number| (Arc::clone(first_lines), number));
    }

    fn set_block_bytes(&mut self, bytes: usize) {
        // Blocks of no more than a longest line: that only a block's last line can be too long rests on it.
        self.block_bytes = bytes.clamp(1, LONGEST_LINE_BYTES);
    }

    fn read(
        &self,
        purpose: ReadPurpose,
        limits: &RowLimits,
        sink: &BlockSink<'_>,
        progress: &(dyn Fn(u64) + Sync),
    ) -> Result<Option<String>, ReadError> {
        let how = How { purpose, limits, sink, progress, rows: AtomicU64::new(0) };
        match self.is_cut_in_order() {
            true => self.read_in_order(&how).map(Some),
            false => self.read_plain(&how),
        }
    }

    fn is_one_stream(&self) -> bool {
        self.is_cut_in_order() || self.file.bytes() <= self.block_bytes as u64
    }

    fn read_alone(
        &self,
        purpose: ReadPurpose,
        limits: &RowLimits,
        sink: &BlockSink<'_>,
        progress: &(dyn Fn(u64) + Sync),
    ) -> Result<Option<String>, ReadError> {
        if !self.is_cut_in_order() {
            return self.read(purpose, limits, sink, progress);
        }
        let how = How { purpose, limits, sink, progress, rows: AtomicU64::new(0) };
        self.read_on_this_thread(&how).map(Some)
    }
}

/// Says where things lie in a buffer.
struct Owned {
    /// The bytes of the range itself.
    block: std::ops::Range<usize>,
    /// The lines whose first byte lies in the range.
    lines: std::ops::Range<usize>,
    long_line_after: bool,
}

/// Reads into `buffer` the bytes of `range` and the lines whose first byte lies in it at or after `header_bytes`, and
/// says where in the buffer they are.
fn read_range(
    content: &Content,
    range: std::ops::Range<u64>,
    header_bytes: u64,
    buffer: &mut Vec<u8>,
) -> io::Result<Owned> {
    // One byte more in front tells whether a line begins right at the start.
    let from = range.start.saturating_sub(1);
    buffer.resize((range.end - from) as usize, 0);
    let filled = content.fill_at(buffer, from)?;
    let block = (range.start - from) as usize..filled;
    let first = match header_bytes {
        header if header >= range.end => filled,
        header if header >= range.start => (header - from) as usize,
        _ => memchr(b'\n', buffer).map_or(filled, |newline| newline + 1),
    };
    let owned = |lines, long_line_after| Ok(Owned { block: block.clone(), lines, long_line_after });
    if first >= buffer.len() {
        return owned(0..0, false);
    }
    // Only the last line can be too long: the ones before it lie within a block, which holds no more than a line may.
    let last_line = memrchr(b'\n', &buffer[first..buffer.len() - 1]).map_or(first, |newline| first + newline + 1);
    let mut searched = buffer.len() - 1;
    loop {
        let newline = memchr(b'\n', &buffer[searched..]).map(|newline| searched + newline);
        let length = newline.unwrap_or(buffer.len()) - last_line;
        if length > LONGEST_LINE_BYTES {
            return owned(first..last_line, true);
        }
        if let Some(newline) = newline {
            return owned(first..newline + 1, false);
        }
        searched = buffer.len();
        buffer.resize(searched + (1 << 12), 0);
        let more = content.fill_at(&mut buffer[searched..], from + searched as u64)?;
        buffer.truncate(searched + more);
        if more == 0 {
            return owned(first..buffer.len(), false);
        }
    }
}

struct Cut {
    lines: Vec<u8>,
    long_line_after: bool,
}

/// Cuts a stream into blocks of whole rows.
struct Cutter<'a, R> {
    stream: R,
    block_bytes: usize,
    /// Tells where rows end that may go over several lines.
    rows: Option<&'a dyn LineParser>,
    /// The beginning of a line that has not ended yet.
    carried: Vec<u8>,
    /// Whole lines after one that was too long.
    waiting: Option<Cut>,
    skipping: bool,
    /// The error at which the stream ended, until the whole rows before it were handed out.
    failed: Option<io::Error>,
}

impl<R: Read> Cutter<'_, R> {
    /// Returns the length of the whole rows that `text` begins with.
    fn whole_rows(&self, text: &[u8]) -> usize {
        let Some(rows) = self.rows else { return memrchr(b'\n', text).map_or(0, |newline| newline + 1) };
        let mut end = 0;
        while let Some(length) = rows.row_length(&text[end..], false) {
            end += length;
        }
        end
    }

    fn next_block(&mut self) -> io::Result<Option<Cut>> {
        if self.waiting.is_some() {
            return Ok(self.waiting.take());
        }
        loop {
            if let Some(error) = self.failed.take() {
                return Err(error);
            }
            let mut block = std::mem::take(&mut self.carried);
            let carried = block.len();
            self.failed = self.stream.by_ref().take(self.block_bytes as u64).read_to_end(&mut block).err();
            let read = block.len() - carried;
            if self.skipping {
                // Inside a line that was rejected already: drop it up to its end.
                match memchr(b'\n', &block) {
                    Some(newline) => {
                        block.drain(..=newline);
                        self.skipping = false;
                    }
                    None if read == 0 && self.failed.is_none() => return Ok(None),
                    None => continue,
                }
            }
            if read == 0 && self.failed.is_none() {
                return Ok((!block.is_empty()).then_some(Cut { lines: block, long_line_after: false }));
            }
            // The first line may have been carried here, and be too long only with what came now.
            let first = memchr(b'\n', &block).unwrap_or(block.len());
            let first_is_long = first > LONGEST_LINE_BYTES;
            if first_is_long {
                self.skipping = first == block.len();
                block.drain(..(first + 1).min(block.len()));
            }
            let whole = self.whole_rows(&block);
            self.carried = block.split_off(whole);
            let cut = Cut { lines: block, long_line_after: false };
            if first_is_long {
                self.waiting = (whole > 0).then_some(cut);
                return Ok(Some(Cut { lines: Vec::new(), long_line_after: true }));
            }
            if whole > 0 {
                return Ok(Some(cut));
            }
        }
    }
}
