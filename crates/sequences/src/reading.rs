//! Reads the log, the first half of a build: its files one after the other, each in blocks side by side; packed files side
//! by side.

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use rustc_hash::FxHashMap;
use staycast_events::time::DAY_SECONDS;
use staycast_events::{
    BlockTally, EnrolmentIndex, EventFile, ParsedBlock, ReadError, ReadMode, ReadPurpose, RowLimits, Source, Tally,
    join_block_tallies, read_next_files,
};

use crate::checkpoint::{Identity, Journal};
use crate::error::BuildError;
use crate::grid::WeekGrid;
use crate::labels::DropoutRule;
use crate::newest::{CourseDays, LogDays};
use crate::options::BuildOptions;
use crate::peers::PeerCounter;
use crate::progress::{Progress, Unit};
use crate::store::{Run, Store, runs};

/// Holds a log that is to be read, and what its events are for.
pub(crate) struct LogReading<'a> {
    pub(crate) source: &'a Source,
    pub(crate) options: &'a BuildOptions,
    /// The weeks of each course.
    pub(crate) cuts: &'a [WeekGrid],
    pub(crate) rule: DropoutRule,
    pub(crate) gathering: Option<&'a PeerCounter>,
    pub(crate) identity: Identity,
    /// Draft of the output, where checkpoints go.
    pub(crate) folder: &'a Path,
}

/// Holds the result of reading a log, besides the stored events.
pub(crate) struct ReadLog {
    pub(crate) tally: Tally,
    pub(crate) days: LogDays,
    /// By enrolment: whether it has an event in the window that the label rule looks at.
    pub(crate) active_in_window: Vec<bool>,
    /// BLAKE3 of the files whose reading gave it.
    pub(crate) hashes: FxHashMap<PathBuf, String>,
}

/// Holds the state of a reading between two files.
pub(crate) struct ReadState {
    files: usize,
    tally: Tally,
    days: CourseDays,
    active: Vec<AtomicBool>,
    hashes: Vec<(usize, String)>,
}

impl LogReading<'_> {
    /// Begins at the start, or where `journal` left off.
    pub(crate) fn begin(&self, journal: Option<Journal>, store: &mut Store) -> Result<ReadState, BuildError> {
        let Some(journal) = journal else {
            return Ok(ReadState {
                files: 0,
                tally: Tally::default(),
                days: CourseDays::default(),
                active: self.source.roster.enrolments.places().map(|_| AtomicBool::new(false)).collect(),
                hashes: Vec::new(),
            });
        };
        store.restore(&journal.stored).map_err(BuildError::write(self.folder))?;
        if let (Some(gathering), Some(state)) = (self.gathering, &journal.gathered) {
            gathering.restore(state);
        }
        self.source.first_lines.iter().zip(&journal.first_lines).for_each(|(lines, found)| lines.restore(found));
        Ok(ReadState {
            files: journal.files,
            tally: journal.tally,
            days: CourseDays::restored(journal.days),
            active: journal.active.into_iter().map(AtomicBool::new).collect(),
            hashes: journal.hashes,
        })
    }

    /// Reads the files that are left into `store`.
    pub(crate) fn read(
        &self,
        mut begun: ReadState,
        store: &Store,
        progress: &dyn Progress,
    ) -> Result<ReadLog, BuildError> {
        let source = self.source;
        let days: Vec<u32> = self.cuts.iter().map(WeekGrid::days).collect();
        let frame = RowLimits::new(&source.roster, &days, source.as_of).with_kinds(&source.kinds);
        let windows: Vec<Option<Window>> =
            source.roster.courses.iter().map(|course| label_window(self.rule, course.days)).collect();
        let bytes: Vec<u64> = source.events.iter().map(|file| file.size_bytes()).collect();
        progress.begin("reading", Some(bytes.iter().sum()), Unit::Bytes);
        progress.advance(bytes[..begun.files].iter().sum());
        let resumed = begun.files;
        let mut since_checkpoint = 0;
        let each = FileReading { reading: self, frame: &frame, windows: &windows, store, progress };
        while begun.files < source.events.len() {
            let read = read_next_files(&source.events, begun.files, |file, by| each.read(file, by, &begun));
            let files = begun.files..begun.files + read.len();
            for (file, read) in files.clone().zip(read) {
                let (tally, hash) = read?;
                begun.tally.append(tally);
                begun.hashes.extend(hash.map(|hash| (file, hash)));
            }
            since_checkpoint += bytes[files.clone()].iter().sum::<u64>();
            begun.files = files.end;
            if since_checkpoint >= self.options.checkpoint_bytes && begun.files < source.events.len() {
                self.checkpoint(&begun, store)?;
                since_checkpoint = 0;
            }
        }
        Journal::remove(self.folder)?;
        let ReadState { tally, days, active, hashes, .. } = begun;
        let from = if resumed > 0 { format!(", resumed after {resumed} files") } else { String::new() };
        let rows = if tally.read == 1 { "row" } else { "rows" };
        progress.end(&format!("{} {rows}, {} used, {} rejected{from}", tally.read, tally.used, tally.rejected()));
        Ok(ReadLog {
            tally,
            days: days.finish(),
            active_in_window: active.into_iter().map(AtomicBool::into_inner).collect(),
            hashes: hashes
                .into_iter()
                .filter_map(|(file, hash)| Some((source.events[file].path()?.into(), hash)))
                .collect(),
        })
    }

    /// Writes a checkpoint.
    fn checkpoint(&self, begun: &ReadState, store: &Store) -> Result<(), BuildError> {
        let journal = Journal {
            identity: self.identity.clone(),
            files: begun.files,
            tally: begun.tally.clone(),
            days: begun.days.state(),
            active: begun.active.iter().map(|active| active.load(Ordering::Relaxed)).collect(),
            hashes: begun.hashes.clone(),
            first_lines: self.source.first_lines.iter().map(|lines| lines.found()).collect(),
            gathered: self.gathering.map(PeerCounter::state),
            stored: store.persist().map_err(BuildError::write(self.folder))?,
        };
        journal.write(self.folder)
    }
}

/// Holds the reading of one file after the other.
struct FileReading<'a> {
    reading: &'a LogReading<'a>,
    frame: &'a RowLimits,
    /// By course.
    windows: &'a [Option<Window>],
    store: &'a Store,
    progress: &'a dyn Progress,
}

impl FileReading<'_> {
    /// Reads file number `file` into the store. Gives what became of its rows, and its hash where reading gave it.
    fn read(&self, file: usize, by: ReadMode, begun: &ReadState) -> Result<(Tally, Option<String>), BuildError> {
        let LogReading { source, gathering, rule, .. } = *self.reading;
        let file = source.events[file].as_ref();
        let blocks: Mutex<Vec<(usize, BlockTally)>> = Mutex::default();
        let sink = |number: usize, parsed: ParsedBlock| -> Result<(), ReadError> {
            if let Some(gathering) = gathering {
                gathering.add(&parsed.events);
            }
            let runs_of_events = runs(&parsed.events);
            begun.days.add_far(&parsed);
            if self.reading.source.as_of.is_none() {
                begun.days.add(&source.roster, &parsed, &runs_of_events);
            }
            if rule_looks_at_activity(rule) {
                self.mark(&parsed, &runs_of_events, &begun.active);
            }
            let runs_of_received = runs(&parsed.received);
            for (events, runs) in [(parsed.events, runs_of_events), (parsed.received, runs_of_received)] {
                self.store.add(events, runs).map_err(|error| ReadError::Sink(Box::new(error)))?;
            }
            blocks.lock().expect("no thread panics while it counts").push((number, parsed.tally));
            Ok(())
        };
        let progress = |bytes| self.progress.advance(bytes);
        let hash = by.read(file, ReadPurpose::Events, self.frame, &sink, &progress)?;
        let blocks = blocks.into_inner().expect("no thread panicked while it counted");
        Ok((place_blocks(file, blocks), hash))
    }

    /// Marks the enrolments that have an event in the window that the label rule looks at.
    fn mark(&self, parsed: &ParsedBlock, runs: &[Run], active: &[AtomicBool]) {
        let mark = |enrolment: EnrolmentIndex, is_inside: &mut dyn FnMut(&Window) -> bool| {
            let course = self.reading.source.roster.enrolments.course(enrolment.as_usize());
            let window = &self.windows[course.as_usize()];
            if window.as_ref().is_some_and(is_inside) {
                active[enrolment.as_usize()].store(true, Ordering::Relaxed);
            }
        };
        for run in runs {
            // Backwards: the window is at the end, and so are the newest events in most logs.
            let mut newest_first = parsed.events[run.start..run.end].iter().rev();
            mark(EnrolmentIndex(run.enrolment), &mut |window| {
                newest_first.any(|event| window.contains(&i64::from(event.seconds())))
            });
        }
        for &(enrolment, seconds) in &parsed.after_calendar {
            mark(enrolment, &mut |window| window.contains(&i64::from(seconds)));
        }
    }
}

/// Holds the seconds from the course's start in which an event means that the learner stayed.
type Window = std::ops::Range<i64>;

fn label_window(rule: DropoutRule, calendar_days: u32) -> Option<Window> {
    let end = i64::from(calendar_days) * DAY_SECONDS;
    match rule {
        DropoutRule::InactiveLast { weeks } => Some(end - 7 * i64::from(weeks) * DAY_SECONDS..end),
        DropoutRule::NoActivityAfter { days } => Some(end..end + i64::from(days) * DAY_SECONDS),
        _ => None,
    }
}

const fn rule_looks_at_activity(rule: DropoutRule) -> bool {
    matches!(rule, DropoutRule::InactiveLast { .. } | DropoutRule::NoActivityAfter { .. })
}

/// Puts the tallies of a file's blocks in order and gives their rows line numbers.
fn place_blocks(file: &dyn EventFile, mut blocks: Vec<(usize, BlockTally)>) -> Tally {
    blocks.sort_by_key(|&(number, _)| number);
    join_block_tallies(file, blocks.into_iter().map(|(_, block)| block))
}
