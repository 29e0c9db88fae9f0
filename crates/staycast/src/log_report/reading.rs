//! Reading a log to its end, to count what it holds.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Mutex;

use serde::Serialize;
use staycast_events::time::format_instant;
use staycast_events::{
    BlockTally, CourseIndex, ParsedBlock, ReadPurpose, RowLimits, Source, Tally, TimeSpan, join_block_tallies,
};
use staycast_sequences::{Progress, Unit};

use crate::console::Console;
use crate::display::pluralise;
use crate::progress::StageProgress;

/// Counts what the rows of a file of events hold. Numbers only, of learners and courses.
#[derive(Clone, Default, Serialize)]
pub(super) struct FileEvents {
    pub(super) rows: u64,
    pub(super) used: u64,
    pub(super) rejected: u64,
    pub(super) set_aside: u64,
    pub(super) first_event: Option<String>,
    pub(super) last_event: Option<String>,
    pub(super) enrolments: u64,
    pub(super) courses: u64,
}

/// Holds what reading a log to its end gave.
pub(super) struct Reading {
    pub(super) tally: Tally,
    pub(super) spans: BTreeMap<CourseIndex, TimeSpan>,
    /// Events by kind.
    pub(super) kinds: Vec<u64>,
    /// By path of a file of events.
    pub(super) files: BTreeMap<PathBuf, FileEvents>,
}

/// Reads the log to its end: counts its rows by what becomes of them, its events by kind, and finds when each course has
/// some.
pub(super) fn read(source: &Source, console: &Console) -> anyhow::Result<Reading> {
    let days: Vec<u32> = source.roster.courses.iter().map(|course| course.days).collect();
    let frame = RowLimits::new(&source.roster, &days, source.as_of);
    let stages = StageProgress::new(console);
    stages.begin("reading", Some(source.events.iter().map(|file| file.size_bytes()).sum()), Unit::Bytes);
    let mut all = Reading {
        tally: Tally::default(),
        spans: BTreeMap::new(),
        kinds: vec![0; source.kinds.len()],
        files: BTreeMap::new(),
    };
    for file in &source.events {
        let seen: Mutex<FileReading> = Mutex::new(FileReading::new(source));
        let sink = |number, parsed: ParsedBlock| {
            seen.lock().expect("no thread panics while it counts").add(source, number, parsed);
            Ok(())
        };
        file.read(ReadPurpose::Events, &frame, &sink, &|bytes| stages.advance(bytes))?;
        let mut seen = seen.into_inner().expect("no thread panicked while it counted");
        seen.blocks.sort_by_key(|&(number, _)| number);
        let tally = join_block_tallies(file.as_ref(), seen.blocks.into_iter().map(|(_, tally)| tally));
        for (kind, events) in seen.kinds.iter().enumerate() {
            all.kinds[kind] += events;
        }
        for (course, span) in &seen.spans {
            all.spans.entry(*course).and_modify(|known| *known = known.join(*span)).or_insert(*span);
        }
        if let Some(path) = file.path() {
            let span = seen.spans.values().copied().reduce(TimeSpan::join);
            // A row may be several events, and a file then stands in several tables of a mapping.
            let one = all.files.entry(path.to_owned()).or_default();
            one.rows += tally.read;
            one.used += tally.used;
            one.rejected += tally.rejected();
            one.set_aside = one.rows - one.used - one.rejected;
            one.first_event = span.map(|span| format_instant(span.first));
            one.last_event = span.map(|span| format_instant(span.last));
            one.enrolments = seen.enrolments.iter().filter(|&&seen| seen).count() as u64;
            one.courses = seen.spans.len() as u64;
        }
        all.tally.append(tally);
    }
    stages.end(&pluralise(all.tally.read, "row"));
    Ok(all)
}

/// Counts what the blocks of one file hold.
struct FileReading {
    blocks: Vec<(usize, BlockTally)>,
    kinds: Vec<u64>,
    spans: BTreeMap<CourseIndex, TimeSpan>,
    /// Whether each enrolment has an event.
    enrolments: Vec<bool>,
}

impl FileReading {
    fn new(source: &Source) -> Self {
        let enrolments = vec![false; source.roster.enrolments.len()];
        Self { blocks: Vec::new(), kinds: vec![0; source.kinds.len()], spans: BTreeMap::new(), enrolments }
    }

    fn add(&mut self, source: &Source, number: usize, parsed: ParsedBlock) {
        for event in &parsed.events {
            self.kinds[usize::from(event.kind())] += u64::from(event.weight());
            let enrolment = event.enrolment().as_usize();
            self.enrolments[enrolment] = true;
            let course = source.roster.enrolments.course(enrolment);
            let start = source.roster.courses[course.as_usize()].start_seconds();
            let here = TimeSpan::at(start + i64::from(event.seconds()));
            self.spans.entry(course).and_modify(|span| *span = span.join(here)).or_insert(here);
        }
        self.blocks.push((number, parsed.tally));
    }
}
