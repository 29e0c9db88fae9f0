//! The first use of each object by each enrolment, gathered from a log.
//!
//! Memory: 16 bytes for each enrolment and object that it used, twice that while the log is read, 12 bytes an enrolment, and
//! the names of objects. It does not grow with the number of events.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicI32, AtomicI64, AtomicU64, Ordering};

use rustc_hash::FxHashMap;
use staycast_events::{
    Activity, BlockTally, Event, EventKind, ObjectKey, ObjectNaming, ParsedBlock, ReadError, ReadPurpose, RowLimits,
    Source, Tally, join_block_tallies, read_next_files,
};
use staycast_sequences::{Progress, Unit};

use super::instants::{DAY_SECONDS, WEEK_SECONDS};

/// Counts the parts in which uses are gathered, so that threads seldom wait for one another.
const PARTS: usize = 64;
/// Bounds from below the list that is brought in order before it is whole.
const LEAST_SETTLED: usize = 1 << 16;

/// Describes the first use of an object by an enrolment. Ordered by enrolment, object, instant and kind.
///
/// Layout, from the high bits: enrolment 32, object 48, seconds 32 (offset by 2³¹), kind 8, nothing 8.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct FirstUse(u128);

impl FirstUse {
    fn of(event: Event, object: ObjectKey) -> Self {
        let seconds = (event.seconds() as u32) ^ (1 << 31);
        Self(
            u128::from(event.enrolment().0) << 96
                | u128::from(object.bits()) << 48
                | u128::from(seconds) << 16
                | u128::from(event.kind()) << 8,
        )
    }

    pub(super) fn enrolment(self) -> u32 {
        (self.0 >> 96) as u32
    }

    /// Returns the object, as [`ObjectKey::bits`] does.
    pub(super) fn object(self) -> u64 {
        (self.0 >> 48) as u64 & ((1 << 48) - 1)
    }

    pub(super) fn seconds(self) -> i32 {
        (((self.0 >> 16) as u32) ^ (1 << 31)) as i32
    }

    pub(super) fn kind(self) -> u8 {
        (self.0 >> 8) as u8
    }

    fn pair(self) -> u128 {
        self.0 >> 48
    }
}

/// Keeps the first use of each pair of enrolment and object.
fn settle(uses: &mut Vec<FirstUse>) {
    uses.sort_unstable();
    uses.dedup_by_key(|one| one.pair());
}

/// Holds what a log tells of who used what, and when first.
pub(super) struct Uses {
    /// By enrolment and object.
    pub(super) first: Vec<FirstUse>,
    /// Ids of objects, by key.
    pub(super) names: BTreeMap<u64, Box<str>>,
    /// By enrolment: the first event, in seconds from the course's start; `i32::MAX` where there is none.
    pub(super) first_event: Vec<i32>,
    /// By enrolment: a bit for each week with an event. Bit 0 is for days before the start.
    pub(super) weeks: Vec<u64>,
    /// The newest event, in seconds since 1970-01-01T00:00:00.
    pub(super) newest: Option<i64>,
    /// Counts of the log's rows.
    pub(super) tally: Tally,
}

/// Returns the bit of the week that holds an instant. Weeks past the 62nd share the last.
pub(super) fn week_bit(seconds: i32) -> u32 {
    (seconds.div_euclid(WEEK_SECONDS) + 1).clamp(0, 63) as u32
}

/// Reads a log to its end.
pub(super) fn read(source: &Source, progress: &dyn Progress) -> Result<Uses, ReadError> {
    let days: Vec<u32> = source.roster.courses.iter().map(|course| course.days).collect();
    let limits =
        RowLimits::new(&source.roster, &days, source.as_of).with_kinds(&source.kinds).with_objects(ObjectNaming::Kept);
    let gathering = Gathering::new(source);
    progress.begin("reading", Some(source.events.iter().map(|file| file.size_bytes()).sum()), Unit::Bytes);
    let mut tally = Tally::default();
    let mut done = 0;
    while done < source.events.len() {
        let read = read_next_files(&source.events, done, |file, by| {
            let file = source.events[file].as_ref();
            let blocks: Mutex<Vec<(usize, BlockTally)>> = Mutex::default();
            let sink = |number, parsed: ParsedBlock| {
                gathering.add(&parsed.events, parsed.object_names);
                blocks.lock().expect("no thread panics while it counts").push((number, parsed.tally));
                Ok(())
            };
            by.read(file, ReadPurpose::Events, &limits, &sink, &|bytes| progress.advance(bytes))?;
            let mut blocks = blocks.into_inner().expect("no thread panicked while it counted");
            blocks.sort_by_key(|&(number, _)| number);
            Ok(join_block_tallies(file, blocks.into_iter().map(|(_, tally)| tally)))
        });
        done += read.len();
        for one in read {
            tally.append(one?);
        }
    }
    let rows = if tally.read == 1 { "row" } else { "rows" };
    progress.end(&format!("{} {rows}, {} used, {} rejected", tally.read, tally.used, tally.rejected()));
    Ok(gathering.finish(tally))
}

struct Gathering<'a> {
    source: &'a Source,
    /// By kind: whether its objects are items.
    of_items: Vec<bool>,
    uses: Vec<Mutex<Vec<FirstUse>>>,
    names: Mutex<FxHashMap<u64, Box<str>>>,
    first_event: Vec<AtomicI32>,
    weeks: Vec<AtomicU64>,
    newest: AtomicI64,
}

impl<'a> Gathering<'a> {
    fn new(source: &'a Source) -> Self {
        let enrolments = source.roster.enrolments.len();
        let is_of_items = |kind: &EventKind| Activity::CONTENT.contains(&kind.activity) && !kind.detail.is_received();
        Self {
            source,
            of_items: source.kinds.iter().map(is_of_items).collect(),
            uses: (0..PARTS).map(|_| Mutex::default()).collect(),
            names: Mutex::default(),
            first_event: (0..enrolments).map(|_| AtomicI32::new(i32::MAX)).collect(),
            weeks: (0..enrolments).map(|_| AtomicU64::new(0)).collect(),
            newest: AtomicI64::new(i64::MIN),
        }
    }

    /// Takes the events of a block, and the names of its objects.
    fn add(&self, events: &[Event], names: FxHashMap<ObjectKey, Box<str>>) {
        let mut uses = Vec::with_capacity(events.len());
        for run in events.chunk_by(|a, b| a.enrolment() == b.enrolment()) {
            let enrolment = run[0].enrolment().as_usize();
            let (mut first, mut last, mut weeks) = (i32::MAX, i32::MIN, 0);
            for &event in run {
                first = first.min(event.seconds());
                last = last.max(event.seconds());
                weeks |= 1 << week_bit(event.seconds());
                if let Some(object) = event.object()
                    && self.of_items[usize::from(event.kind())]
                {
                    uses.push(FirstUse::of(event, object));
                }
            }
            self.first_event[enrolment].fetch_min(first, Ordering::Relaxed);
            self.weeks[enrolment].fetch_or(weeks, Ordering::Relaxed);
            let course = self.source.roster.enrolments.course(enrolment);
            let start = self.source.roster.courses[course.as_usize()].start_seconds();
            self.newest.fetch_max(start + i64::from(last), Ordering::Relaxed);
        }
        settle(&mut uses);
        // Blocks mostly hold few learners, so few parts.
        for part in uses.chunk_by(|a, b| self.part(*a) == self.part(*b)) {
            let mut all = self.uses[self.part(part[0])].lock().expect("no thread panics while it gathers");
            if all.len() + part.len() > all.capacity() && all.len() >= LEAST_SETTLED {
                settle(&mut all);
                if all.len() > all.capacity() / 2 {
                    let room = all.capacity();
                    all.reserve(room);
                }
            }
            all.extend_from_slice(part);
        }
        if !names.is_empty() {
            let mut all = self.names.lock().expect("no thread panics while it gathers");
            for (key, name) in names {
                // Should two ids have one key, the same of them counts whichever block comes first.
                match all.get_mut(&key.bits()) {
                    Some(known) if *known <= name => {}
                    Some(known) => *known = name,
                    None => drop(all.insert(key.bits(), name)),
                }
            }
        }
    }

    /// Returns the part of an enrolment's uses: parts follow one another in the order of enrolments.
    fn part(&self, one: FirstUse) -> usize {
        (u64::from(one.enrolment()) * PARTS as u64 / self.first_event.len().max(1) as u64) as usize
    }

    fn finish(self, tally: Tally) -> Uses {
        let mut first = Vec::new();
        for part in self.uses {
            let mut part = part.into_inner().expect("no thread panicked while it gathered");
            settle(&mut part);
            first.append(&mut part);
        }
        let newest = self.newest.into_inner();
        Uses {
            first,
            names: self.names.into_inner().expect("no thread panicked while it gathered").into_iter().collect(),
            first_event: self.first_event.into_iter().map(AtomicI32::into_inner).collect(),
            weeks: self.weeks.into_iter().map(AtomicU64::into_inner).collect(),
            newest: (newest > i64::MIN).then_some(newest),
            tally,
        }
    }
}

/// Returns the end of the day that holds an instant.
pub(super) fn end_of_day(instant: i64) -> i64 {
    (instant.div_euclid(DAY_SECONDS) + 1) * DAY_SECONDS
}
