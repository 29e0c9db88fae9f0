//! What every fuzz target does: bytes become the files of a format, which is read twice, in blocks of two sizes.
//!
//! An input holds the format's files one after the other, with the byte 0x1e between them, in the order of
//! [`Format::files`]; a file that the input has no bytes for stands as the format's own sound one. Beyond not
//! panicking, readers must account for every line and give the same whatever the blocks.

use std::cell::OnceCell;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use staycast_events::formats::{self, OpenOptions, open_in_blocks};
use staycast_events::{Event, Frame, Parsed, Purpose, ReadError, Source, Span, Tally};
use tempfile::TempDir;

/// What stands between two files of an input.
pub const BETWEEN: u8 = 0x1e;

/// How rows stand in a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rows {
    /// One a line, after a header of one line.
    Lines,
    /// One a line, without a header.
    LinesOnly,
    /// Otherwise: they can't be counted from outside.
    Otherwise,
}

/// A format and the files that an input is made into.
#[derive(Debug)]
pub struct Format {
    /// For `--format`.
    pub format: formats::Format,
    /// Name and sound contents of each file.
    pub files: &'static [(&'static str, &'static [u8])],
    /// Places among the files of those that hold events.
    pub logs: &'static [usize],
    /// How rows stand in them.
    pub rows: Rows,
}

/// All that a source gives.
#[derive(Debug, Default, PartialEq)]
struct Everything {
    events: Vec<Event>,
    received: Vec<Event>,
    after_calendar: Vec<(u32, i32)>,
    span: Option<Span>,
    tally: Tally,
    lines: u64,
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

/// The same with an input that is the first file alone: for files that may hold any byte.
pub fn check_single(format: &Format, input: &[u8]) {
    if let Some((&block, input)) = input.split_first() {
        check_files(format, block, std::iter::once(input));
    }
}

fn check_files<'i>(format: &Format, block: u8, mut parts: impl Iterator<Item = &'i [u8]>) {
    FOLDER.with(|folder| {
        let folder = folder.get_or_init(|| tempfile::tempdir().expect("a folder for temporary files"));
        let mut logs = Vec::new();
        for (place, (name, sound)) in format.files.iter().enumerate() {
            let bytes = parts.next().unwrap_or(sound);
            std::fs::write(folder.path().join(name), bytes).expect("a file can be written");
            if format.logs.contains(&place) {
                logs.push(bytes);
            }
        }
        let mapping = format.files.iter().any(|(name, _)| *name == "mapping.toml");
        let mapping = mapping.then(|| folder.path().join("mapping.toml"));
        let options = OpenOptions { format: Some(format.format), mapping, ..OpenOptions::default() };
        let whole = read(folder.path(), &options, 1 << 20);
        let cut = read(folder.path(), &options, 1 + usize::from(block));
        match (whole, cut) {
            (Ok(whole), Ok(cut)) => {
                assert!(whole == cut, "in one block: {whole:?}\nin blocks of {}: {cut:?}", 1 + usize::from(block));
                check_accounting(format, &logs, &whole);
            }
            (Err(_), Err(_)) => {}
            (whole, cut) => panic!("in one block: {whole:?}\nin blocks of {}: {cut:?}", 1 + usize::from(block)),
        }
    });
}

fn check_accounting(format: &Format, logs: &[&[u8]], all: &Everything) {
    let counted: u64 = all.tally.reasons.values().map(|count| count.rows).sum();
    assert_eq!(all.tally.read, all.tally.used + counted, "every row is used or has a reason");
    assert!(all.tally.used <= all.events.len() as u64 + all.received.len() as u64, "what is used is an event");
    let headers = match format.rows {
        Rows::Lines => 1,
        Rows::LinesOnly => 0,
        Rows::Otherwise => return,
    };
    let rows = |log: &&[u8]| {
        let lines = log.split(|&byte| byte == b'\n').skip(headers);
        lines.filter(|line| !line.strip_suffix(b"\r").unwrap_or(line).is_empty()).count() as u64
    };
    assert_eq!(all.tally.read, logs.iter().map(rows).sum::<u64>(), "every line is read");
}

fn read(folder: &Path, options: &OpenOptions, block_bytes: usize) -> Result<Everything, ReadError> {
    let source = open_in_blocks(&[PathBuf::from(folder)], options, block_bytes)?;
    read_source(&source)
}

fn read_source(source: &Source) -> Result<Everything, ReadError> {
    let days: Vec<u32> = source.roster.courses.iter().map(|course| course.days).collect();
    let frame = Frame::new(&source.roster, &days, None).with_kinds(&source.kinds);
    let mut all = Everything::default();
    for file in &source.events {
        let blocks: Mutex<Vec<(usize, Parsed)>> = Mutex::default();
        let sink = |number: usize, parsed: Parsed| {
            blocks.lock().expect("no thread panics here").push((number, parsed));
            Ok(())
        };
        file.read(Purpose::Events, &frame, &sink, &|_| ())?;
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

macro_rules! sound {
    ($folder:literal: $($name:literal),* $(,)?) => {
        &[$(($name, include_bytes!(concat!("../../crates/events/tests/fixtures/", $folder, "/base/", $name)))),*]
    };
}

/// KDD Cup 2015.
pub const KDD2015: Format = Format {
    format: formats::Format::Kdd2015,
    files: sound!("kdd2015": "log.csv", "date.csv", "enrollment.csv", "object.csv", "truth.csv"),
    logs: &[0],
    rows: Rows::Lines,
};

/// OULAD.
pub const OULAD: Format = Format {
    format: formats::Format::Oulad,
    files: sound!(
        "oulad": "studentVle.csv", "studentAssessment.csv", "vle.csv", "studentRegistration.csv", "studentInfo.csv",
        "courses.csv", "assessments.csv"
    ),
    logs: &[0, 1],
    rows: Rows::Lines,
};

/// A table in CSV, its mapping and small tables as the input has them.
pub const TABLE_CSV: Format = Format {
    format: formats::Format::Table,
    files: sound!("table": "log.csv", "mapping.toml", "people.csv", "runs.csv"),
    logs: &[0],
    // The mapping may say that there is no header, or that newlines may stand in quotes.
    rows: Rows::Otherwise,
};

/// A table in CSV whose newlines may stand in quotes.
pub const TABLE_RECORDS: Format = Format {
    format: formats::Format::Table,
    files: &[
        ("log.csv", b"who,at,what\nann,2014-01-01T08:00:00Z,\"so\nlve\"\n"),
        (
            "mapping.toml",
            b"single_course = \"C\"\n[log]\nfiles = [\"log.csv\"]\nquoted_newlines = true\n\
              columns = { learner = \"who\", activity = \"what\", time = { column = \"at\", format = \"iso\" } }\n",
        ),
    ],
    logs: &[0],
    rows: Rows::Otherwise,
};

/// A table in JSON lines.
pub const TABLE_JSONL: Format = Format {
    format: formats::Format::Table,
    files: &[
        ("log.jsonl", b"{\"who\": \"ann\", \"in\": {\"course\": \"C\"}, \"at\": 1400000000, \"n\": 2}\n"),
        ("runs.csv", b"course,from,days\nC,2014-05-01,60\n"),
        (
            "mapping.toml",
            b"[log]\nfiles = [\"log.jsonl\"]\ntype = \"jsonl\"\ncolumns = { learner = \"who\", course = \"in.course\", \
              count = \"n\", time = { column = \"at\", format = \"unix-seconds\" } }\n[courses]\nfiles = [\"runs.csv\"]\n\
              columns = { course = \"course\", start = { column = \"from\", format = \"date\" }, days = \"days\" }\n",
        ),
    ],
    logs: &[0],
    rows: Rows::LinesOnly,
};

/// A table in Parquet.
pub const TABLE_PARQUET: Format = Format {
    format: formats::Format::Table,
    files: &[
        ("log.parquet", b"PAR1"),
        (
            "mapping.toml",
            b"single_course = \"C\"\n[log]\nfiles = [\"log.parquet\"]\ntype = \"parquet\"\n\
              columns = { learner = \"who\", object = \"thing\", time = { column = \"at\", format = \"iso\" } }\n",
        ),
    ],
    logs: &[0],
    rows: Rows::Otherwise,
};
