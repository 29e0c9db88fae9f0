//! Helpers that the tests of this crate share: where data lies, and a source read to its end.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use arrow_array::{ArrayRef, RecordBatch};
use parquet::arrow::ArrowWriter;
use parquet::file::properties::WriterProperties;
use staycast_events::formats::{self, OpenOptions};
use staycast_events::time::format_instant;
use staycast_events::{
    Enrolment, EnrolmentIndex, Enrolments, Event, EventKind, ParsedBlock, ReadError, ReadMode, ReadPurpose, Reason,
    RowLimits, Source, Tally, TimeSpan,
};

/// This crate's folder. Asked of cargo when the test runs: a target directory outlives a checkout, and a test built in
/// one may run in another.
fn package() -> PathBuf {
    std::env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| env!("CARGO_MANIFEST_DIR").into(), PathBuf::from)
}

/// The workspace's root.
pub(crate) fn workspace() -> PathBuf {
    package().join("../..")
}

/// A committed fixture of this crate.
pub(crate) fn fixture(name: &str) -> PathBuf {
    package().join("tests/fixtures").join(name)
}

/// A folder of real data, which lies beside the project and not in it: `$STAYCAST_REAL_DATA` or `../shared/data`. When
/// there is none the test says so and passes (`scripts/test` says it where all can see); a folder asked for by name has
/// to be there.
pub(crate) fn real_data(name: &str) -> Option<PathBuf> {
    let asked = std::env::var_os("STAYCAST_REAL_DATA").map(PathBuf::from);
    let folder = asked.clone().unwrap_or_else(|| workspace().join("../shared/data")).join(name);
    if folder.is_dir() {
        return Some(folder);
    }
    assert!(asked.is_none(), "STAYCAST_REAL_DATA is set, and there is no folder {}", folder.display());
    eprintln!("SKIPPED: no real data at {}; set STAYCAST_REAL_DATA to run this test", folder.display());
    None
}

/// All that a source gives.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Everything {
    /// Events, sorted.
    pub(crate) events: Vec<Event>,
    /// Events that a learner received, sorted.
    pub(crate) received: Vec<Event>,
    /// Counts of the rows of the event files.
    pub(crate) tally: Tally,
    /// Enrolments and seconds of what came after the calendar, sorted.
    pub(crate) after_calendar: Vec<(EnrolmentIndex, i32)>,
    /// First and last instant.
    pub(crate) span: Option<TimeSpan>,
}

impl Everything {
    /// Rows under a reason.
    pub(crate) fn rows(&self, reason: Reason) -> u64 {
        rows(&self.tally, reason)
    }

    /// Events counted with their weights, by kind, for the kinds that have any.
    pub(crate) fn by_kind(&self, kinds: &[EventKind]) -> Vec<(String, u64)> {
        let mut counts = vec![0_u64; kinds.len()];
        for event in &self.events {
            counts[event.kind() as usize] += u64::from(event.weight());
        }
        let named = kinds.iter().zip(counts).filter(|(_, count)| *count > 0);
        named.map(|(kind, count)| (kind.raw.clone(), count)).collect()
    }

    /// Events, counted with their weights.
    pub(crate) fn weight(&self) -> u64 {
        self.events.iter().map(|event| u64::from(event.weight())).sum()
    }
}

/// Events as enrolment, instant and raw kind, in order of enrolment and time.
pub(crate) fn events(source: &Source) -> Vec<String> {
    let all = read(source).unwrap();
    let shown = |event: &Event| {
        let enrolment = &source.roster.enrolments.get(event.enrolment().as_usize());
        let start = source.roster.courses[enrolment.course.as_usize()].start_seconds();
        let instant = format_instant(start + i64::from(event.seconds()));
        format!("{} {instant} {}", enrolment.id(), source.kinds[event.kind() as usize].raw)
    };
    all.events.iter().map(shown).collect()
}

/// Enrolments as id, learner, days of enrolment and withdrawal and outcome.
pub(crate) fn enrolments(source: &Source) -> Vec<String> {
    let shown = |one: Enrolment| {
        let start = source.roster.courses[one.course.as_usize()].start_seconds();
        let instant = |seconds: Option<i32>| seconds.map_or("-".into(), |s| format_instant(start + i64::from(s)));
        let outcome = one.outcome.as_ref().map_or("-", |outcome| outcome.recorded.as_str());
        let [from, to] = [one.enrolled_seconds, one.withdrawn_seconds].map(instant);
        format!("{} {} {from} {to} {outcome}", one.id(), one.learner())
    };
    source.roster.enrolments.iter().map(shown).collect()
}

/// What is said of a packed file that is cut short after this many whole lines.
pub(crate) fn cut(name: &str, lines: u64) -> String {
    let (packing, unpack) = if name.ends_with(".gz") { ("gzip", "gunzip -c") } else { ("zstd", "zstd -dc") };
    format!(
        "error: {name}: the {packing} file is cut short after {lines} lines; copy it again, or unpack what there is and \
         give that: {unpack} FILE > NEW_FILE"
    )
}

/// Rows under a reason.
pub(crate) fn rows(tally: &Tally, reason: Reason) -> u64 {
    tally.reasons.get(&reason).map_or(0, |count| count.rows)
}

/// Samples of a reason, as `file:line: what`.
pub(crate) fn samples(tally: &Tally, reason: Reason) -> Vec<String> {
    let samples = tally.reasons.get(&reason).map(|count| count.samples.as_slice()).unwrap_or_default();
    samples.iter().map(|sample| format!("{}:{}: {}", sample.file, sample.line, sample.what)).collect()
}

/// Reads every event file of a source, each course up to its last day.
pub(crate) fn read(source: &Source) -> Result<Everything, ReadError> {
    let days: Vec<u32> = source.roster.courses.iter().map(|course| course.days).collect();
    read_within(source, &RowLimits::new(&source.roster, &days, source.as_of))
}

/// Reads every event file of a source: twice, since what was learnt when the source was opened serves the first reading
/// alone, and the second time each file by one thread.
pub(crate) fn read_within(source: &Source, limits: &RowLimits) -> Result<Everything, ReadError> {
    let first = read_once(source, limits, ReadMode::AllThreads)?;
    assert_eq!(first, read_once(source, limits, ReadMode::OneThread)?, "another reading gives the same");
    Ok(first.0)
}

/// Returns all that the source gives, and the files' hashes.
fn read_once(
    source: &Source,
    limits: &RowLimits,
    by: ReadMode,
) -> Result<(Everything, Vec<Option<String>>), ReadError> {
    let (mut all, mut hashes) = (Everything::default(), Vec::new());
    for file in &source.events {
        let blocks: Mutex<Vec<(usize, ParsedBlock)>> = Mutex::new(Vec::new());
        let sink = |number: usize, parsed: ParsedBlock| {
            blocks.lock().unwrap().push((number, parsed));
            Ok(())
        };
        hashes.push(by.read(file.as_ref(), ReadPurpose::Events, limits, &sink, &|_| ())?);
        let mut blocks = blocks.into_inner().unwrap();
        blocks.sort_by_key(|(number, _)| *number);
        let name = file.name();
        let mut line = file.first_line();
        for (place, (number, parsed)) in blocks.into_iter().enumerate() {
            assert_eq!(number, place, "blocks are numbered without gaps");
            all.events.extend(parsed.events);
            all.received.extend(parsed.received);
            all.after_calendar.extend(parsed.after_calendar);
            if let Some(span) = parsed.span {
                all.span = Some(all.span.map_or(span, |known| known.join(span)));
            }
            let lines = parsed.tally.lines;
            all.tally.append(parsed.tally.place(&name, line));
            line += lines;
        }
    }
    all.events.sort_unstable();
    all.received.sort_unstable();
    all.after_calendar.sort_unstable();
    let counted: u64 = all.tally.reasons.values().map(|count| count.rows).sum();
    assert_eq!(all.tally.read, all.tally.used + counted, "nothing is lost");
    Ok((all, hashes))
}

/// Opens a folder whose format is told from its files.
pub(crate) fn open(folder: &Path) -> Result<Source, ReadError> {
    formats::open(&[folder.to_owned()], &OpenOptions::default())
}

/// Lists the enrolments by id and learner, each with one fact about it.
pub(crate) fn with_their<T>(source: &Source, fact: impl Fn(&Enrolments, usize) -> T) -> Vec<(&str, &str, T)> {
    let all = &source.roster.enrolments;
    all.places().map(|place| (all.id(place), all.learner(place), fact(all, place))).collect()
}

/// Describes the outcome of opening and reading a folder: the error, or the counts of rows of the event files.
pub(crate) fn outcome(folder: &Path, options: &OpenOptions) -> String {
    match formats::open(&[folder.to_owned()], options).and_then(|source| read(&source)) {
        Ok(all) => in_words(&all.tally),
        Err(error) => format!("error: {}", without_folder(folder, &error)),
    }
}

/// Describes counts of rows, one line a reason, with the first samples.
pub(crate) fn in_words(tally: &Tally) -> String {
    let mut words = format!("{} of {} used", tally.used, tally.read);
    for (reason, count) in &tally.reasons {
        words += &format!("\n{} {}: {}", count.rows, reason.name(), samples(tally, *reason).join(" | "));
    }
    words
}

/// An error in words, with the folder's path cut out.
pub(crate) fn without_folder(folder: &Path, error: &ReadError) -> String {
    error.to_string().replace(&format!("{}/", folder.display()), "").replace(&folder.display().to_string(), "FOLDER")
}

/// A sound folder of a format with another log in place of its own.
pub(crate) fn with_log(format: &str, log: &str, fixture_name: &str) -> Folder {
    let folder = Folder::copy_of(&format!("{format}/base"));
    folder.remove(log);
    let packing = fixture_name.strip_prefix(fixture_name.split_once(".csv").unwrap().0).unwrap();
    let name = log.replace(".csv", packing);
    folder.write(&name, &std::fs::read(fixture(&format!("{format}/logs/{fixture_name}"))).unwrap());
    folder
}

/// A folder of files made on the spot.
pub(crate) struct Folder(tempfile::TempDir);

impl Folder {
    /// A folder of these files.
    pub(crate) fn of(files: &[(&str, &[u8])]) -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        for (name, bytes) in files {
            folder.write(name, bytes);
        }
        folder
    }

    /// A copy of a fixture folder.
    pub(crate) fn copy_of(name: &str) -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        for entry in std::fs::read_dir(fixture(name)).unwrap() {
            let path = entry.unwrap().path();
            std::fs::copy(&path, folder.path().join(path.file_name().unwrap())).unwrap();
        }
        folder
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    /// Writes a file into it.
    pub(crate) fn write(&self, name: &str, bytes: &[u8]) {
        let path = self.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }

    /// Reads a file of it.
    pub(crate) fn bytes(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path().join(name)).unwrap()
    }

    /// Takes a file out of it, packed or not.
    pub(crate) fn remove_all(&self, name: &str) {
        for name in [name.to_owned(), format!("{name}.gz"), format!("{name}.zst")] {
            let path = self.path().join(name);
            if path.exists() {
                std::fs::remove_file(path).unwrap();
            }
        }
    }

    /// Takes a file out of it.
    pub(crate) fn remove(&self, name: &str) {
        std::fs::remove_file(self.path().join(name)).unwrap();
    }
}

/// Bytes as gzip.
pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Bytes as Zstandard.
pub(crate) fn zstandard(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 3).unwrap()
}

/// Columns as a Parquet file with row groups of `group_rows`.
pub(crate) fn parquet_bytes(columns: Vec<(&str, ArrayRef)>, group_rows: usize) -> Vec<u8> {
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let properties = WriterProperties::builder().set_max_row_group_row_count(Some(group_rows)).build();
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), Some(properties)).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    bytes
}

/// Logs that are written in odd ways and hold the same events as that of the format's sound folder.
pub(crate) fn check_odd_logs(format: &str, log: &str, more: &[&str]) {
    let expected = crate::kdd2015::events(&open(&fixture(&format!("{format}/base"))).unwrap());
    assert!(!expected.is_empty());
    let usual = ["crlf_bom.csv", "no_last_newline.csv", "blank_lines.csv", "packed.csv.gz", "packed.csv.zst"];
    for name in usual.iter().chain(more) {
        let folder = with_log(format, log, name);
        let options = OpenOptions { format: Some(format.parse().unwrap()), ..OpenOptions::default() };
        let source = formats::open(&[folder.path().to_owned()], &options).unwrap();
        assert_eq!(crate::kdd2015::events(&source), expected, "{name}");
    }
}

/// Describes the outcome of a sound folder of the format with another log.
pub(crate) fn outcome_with(format: &str, log: &str, fixture_name: &str) -> String {
    let folder = with_log(format, log, fixture_name);
    let options = OpenOptions { format: Some(format.parse().unwrap()), ..OpenOptions::default() };
    outcome(folder.path(), &options)
}

/// Checks that a copy of the format's built-in mapping, read as a table, gives the same.
pub(crate) fn check_copied_mapping(format: &str) {
    let folder = fixture(&format!("{format}/base"));
    let mapping = Some(workspace().join(format!("configs/mappings/{format}.toml")));
    let mapped =
        formats::open(std::slice::from_ref(&folder), &OpenOptions { mapping, ..OpenOptions::default() }).unwrap();
    let built_in = open(&folder).unwrap();
    assert_eq!((mapped.format, built_in.format), ("table", format));
    assert_eq!(mapped.kinds, built_in.kinds);
    assert_eq!(read(&mapped).unwrap(), read(&built_in).unwrap());
}

/// A course's id, first day, length and whether its dates are inferred.
pub(crate) fn courses(source: &Source) -> Vec<(String, String, u32, bool)> {
    let shown = |course: &staycast_events::Course| {
        let start = staycast_events::time::format_date(course.start_day);
        (course.id.clone(), start, course.days, course.inferred)
    };
    source.roster.courses.iter().map(shown).collect()
}
