//! The work of every fuzz target: bytes become the files of a format, which is read twice, in blocks of two sizes.
//!
//! An input holds the format's files one after the other, with the byte 0x1e between them, in the order of
//! [`Format::files`]; a file that the input has no bytes for stands as the format's own sound one. Beyond not
//! panicking, readers must account for every line, give the same whatever the blocks, and when they only look for when
//! there are events, find what reading the events finds.

pub mod archives;
pub mod formats;
pub mod models;
#[path = "../../crates/sequences/tests/common/quoted_lines.rs"]
mod quoted_lines;

use std::cell::OnceCell;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use staycast_events::formats::{OpenOptions, open_in_blocks};
use staycast_events::{
    EnrolmentIndex, Event, ParsedBlock, ReadError, ReadPurpose, Reason, RowLimits, Source, Tally, TimeSpan,
};
use tempfile::TempDir;

use crate::quoted_lines::may_go_on;

/// The byte between two files of an input.
pub const BETWEEN: u8 = 0x1e;

/// How rows stand in a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rows {
    /// One a line, after a header of one line.
    Lines,
    /// One a line, without a header.
    LinesOnly,
    /// One a line or over several, as a quoted cell may hold line breaks; after a header of so many lines.
    QuotedLines {
        /// Lines of the header.
        header: usize,
    },
    /// Otherwise: they can't be counted from outside.
    Otherwise,
}

/// Where it is said who is enrolled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Enrolled {
    /// In tables beside the log, or where the mapping says. Every row that is used is an event.
    InTables,
    /// In the log itself, so that nobody in it can be unknown, though a course may be whose rows tell no dates. Every
    /// row that is used is an event.
    InLog,
    /// In the statements of the log, which neither leave anybody unknown nor a course. Some only say who is enrolled.
    InStatements,
}

/// A format and the files that an input is made into.
#[derive(Debug)]
pub struct Format {
    /// Its name.
    pub format: &'static str,
    /// Name and sound contents of each file.
    pub files: &'static [(&'static str, &'static [u8])],
    /// How rows stand in them.
    pub rows: Rows,
    /// Where it is said who is enrolled.
    pub enrolled: Enrolled,
}

/// All that a source gives.
#[derive(Debug, Default, PartialEq)]
struct Everything {
    events: Vec<Event>,
    received: Vec<Event>,
    after_calendar: Vec<(EnrolmentIndex, i32)>,
    span: Option<TimeSpan>,
    /// The same, from a reading that looks for nothing else.
    span_alone: Option<TimeSpan>,
    tally: Tally,
    lines: u64,
    files: Vec<String>,
}

thread_local! {
    static FOLDER: OnceCell<TempDir> = const { OnceCell::new() };
}

/// Makes `input` into files and reads them. Its first byte says how small the blocks of one reading are.
pub fn check(format: &Format, input: &[u8]) {
    if let Some((&block, input)) = input.split_first() {
        check_files(format, block, input.split(|&byte| byte == BETWEEN));
    }
}

/// Returns the same with an input that is the first file alone: for files that may hold any byte.
pub fn check_single(format: &Format, input: &[u8]) {
    if let Some((&block, input)) = input.split_first() {
        check_files(format, block, std::iter::once(input));
    }
}

fn check_files<'i>(format: &Format, block: u8, mut parts: impl Iterator<Item = &'i [u8]>) {
    FOLDER.with(|folder| {
        let folder = folder.get_or_init(|| tempfile::tempdir().expect("a folder for temporary files"));
        let mut files = Vec::new();
        for (name, sound) in format.files {
            let bytes = parts.next().unwrap_or(sound);
            std::fs::write(folder.path().join(name), bytes).expect("a file can be written");
            files.push((*name, bytes));
        }
        let mapping = format.files.iter().any(|(name, _)| *name == "mapping.toml");
        let mapping = mapping.then(|| folder.path().join("mapping.toml"));
        let options = OpenOptions {
            format: Some(format.format.parse().expect("the name of a format")),
            mapping,
            ..OpenOptions::default()
        };
        let whole = read(folder.path(), &options, 1 << 20);
        let block_bytes = 1 + 8 * usize::from(block);
        let cut = read(folder.path(), &options, block_bytes);
        match (whole, cut) {
            (Ok(whole), Ok(cut)) => {
                assert!(whole == cut, "in one block: {whole:?}\nin blocks of {block_bytes}: {cut:?}");
                check_accounting(format, &files, &whole);
            }
            (Err(_), Err(_)) => {}
            (whole, cut) => panic!("in one block: {whole:?}\nin blocks of {block_bytes}: {cut:?}"),
        }
    });
}

fn check_accounting(format: &Format, files: &[(&str, &[u8])], all: &Everything) {
    let counted: u64 = all.tally.reasons.values().map(|count| count.rows).sum();
    assert_eq!(all.tally.read, all.tally.used + counted, "every row is used or has a reason");
    assert_eq!(all.span, all.span_alone, "two ways to find when there are events");
    if format.enrolled != Enrolled::InStatements {
        assert!(all.tally.used <= (all.events.len() + all.received.len()) as u64, "what is used is an event");
    }
    let found_first: &[Reason] = match format.enrolled {
        Enrolled::InTables => &[],
        Enrolled::InLog => &[Reason::UnknownEnrolment],
        Enrolled::InStatements => &[Reason::UnknownEnrolment, Reason::UnknownCourse],
    };
    for reason in found_first {
        assert_eq!(all.tally.reasons.get(reason), None, "the first reading finds everybody");
    }
    let headers = match format.rows {
        Rows::Lines => 1,
        Rows::LinesOnly => 0,
        Rows::QuotedLines { header } => header,
        Rows::Otherwise => return,
    };
    let rows = |(name, log): &(&str, &[u8])| {
        // Not every file's name says what is in it: where the header does, any of them may be taken for a log.
        if !all.files.iter().any(|file| file == name) {
            return 0;
        }
        let is_blank = |line: &&[u8]| line.strip_suffix(b"\r").unwrap_or(line).is_empty();
        // The header is the first line that is not blank.
        let lines = log.split(|&byte| byte == b'\n').skip_while(is_blank).skip(headers);
        lines.filter(|line| !is_blank(line)).count() as u64
    };
    let lines = files.iter().map(rows).sum::<u64>();
    let goes_on = |(_, log): &(&str, &[u8])| log.split(|&byte| byte == b'\n').any(may_go_on);
    if matches!(format.rows, Rows::QuotedLines { .. }) && files.iter().any(goes_on) {
        assert!(all.tally.read <= lines, "{} rows of {lines} lines", all.tally.read);
    } else {
        assert_eq!(all.tally.read, lines, "every line is read");
    }
}

fn read(folder: &Path, options: &OpenOptions, block_bytes: usize) -> Result<Everything, ReadError> {
    let source = open_in_blocks(&[PathBuf::from(folder)], options, block_bytes)?;
    let mut all = read_source(&source, ReadPurpose::Events)?;
    all.span_alone = read_source(&source, ReadPurpose::Spans)?.span;
    Ok(all)
}

fn read_source(source: &Source, purpose: ReadPurpose) -> Result<Everything, ReadError> {
    let days: Vec<u32> = source.roster.courses.iter().map(|course| course.days).collect();
    let frame = RowLimits::new(&source.roster, &days, None).with_kinds(&source.kinds);
    let mut all = Everything::default();
    for file in &source.events {
        let blocks: Mutex<Vec<(usize, ParsedBlock)>> = Mutex::default();
        let sink = |number: usize, parsed: ParsedBlock| {
            blocks.lock().expect("no thread panics here").push((number, parsed));
            Ok(())
        };
        file.read(purpose, &frame, &sink, &|_| ())?;
        all.files.push(file.name());
        let mut blocks = blocks.into_inner().expect("no thread panicked here");
        blocks.sort_by_key(|(number, _)| *number);
        let mut line = file.first_line();
        for (_, parsed) in blocks {
            all.events.extend(parsed.events);
            all.received.extend(parsed.received);
            all.after_calendar.extend(parsed.after_calendar);
            if let Some(span) = parsed.span {
                all.span = Some(all.span.map_or(span, |known| known.join(span)));
            }
            let lines = parsed.tally.lines;
            all.tally.append(parsed.tally.place("log", line));
            all.lines += lines;
            line += lines;
        }
    }
    all.events.sort_unstable();
    all.received.sort_unstable();
    all.after_calendar.sort_unstable();
    Ok(all)
}
