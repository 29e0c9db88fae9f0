//! Stores events between parsing and reducing: by partition of enrolments, in memory up to a limit, past it on disk.
//!
//! A partition is a range of enrolments with about [`PARTITION_ROWS`] enrolment-weeks, so that it can be sorted and
//! reduced by one thread while others do theirs, and becomes one row group of the output. The cuts depend on the roster
//! alone, never on threads.
//!
//! Most logs are ordered by enrolment, or nearly: a block's events then stay where they were parsed to until they are
//! reduced, and only which of them are whose is noted. In other logs they are brought together twice: a block's by
//! partition, a partition's by enrolment.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use staycast_events::{EnrolmentIndex, Event, Weight};

/// Counts the enrolment-weeks of a partition, about.
const PARTITION_ROWS: u64 = 16_384;

const EVENT_BYTES: u64 = 16;
/// Counts the bytes written to disk, and read from it, at once: a whole number of events.
const SPILL_BYTES: usize = 1 << 18;
const FIRST_CHUNK: usize = 1 << 10;
const GREATEST_CHUNK: usize = 1 << 16;

/// Cuts enrolments, of `rows[i]` weeks each, into ranges of about [`PARTITION_ROWS`] rows.
#[must_use]
pub(crate) fn partitions(rows: impl Iterator<Item = u32>) -> Vec<Range<u32>> {
    let mut ranges = Vec::new();
    let (mut start, mut end, mut sum) = (0, 0, 0_u64);
    for weeks in rows {
        end += 1;
        sum += u64::from(weeks);
        if sum >= PARTITION_ROWS {
            ranges.push(start..end);
            (start, sum) = (end, 0);
        }
    }
    if start < end {
        ranges.push(start..end);
    }
    ranges
}

/// Holds events by partition.
pub(crate) struct Store {
    ranges: Vec<Range<u32>>,
    partition_of: Vec<u32>,
    partitions: Vec<Mutex<Partition>>,
    held_bytes: AtomicU64,
    limit_bytes: u64,
    spill_folder: PathBuf,
    spilling: Mutex<()>,
    spilled_bytes: AtomicU64,
}

#[derive(Default)]
struct Partition {
    chunks: Vec<Chunk>,
    spill: Option<PathBuf>,
}

/// Holds the events of one partition, in the order they came.
enum Chunk {
    /// Of a block that is ordered by enrolment, or nearly: the runs that are the partition's. The block is freed with
    /// the last partition that has some of it.
    Shared(Arc<Vec<Event>>, Box<[Run]>),
    /// Gathered from other blocks.
    Own(Vec<Event>),
}

impl Chunk {
    fn len(&self) -> usize {
        match self {
            Self::Shared(_, runs) => runs.iter().map(|run| run.end - run.start).sum(),
            Self::Own(events) => events.len(),
        }
    }

    /// Lists the events, in pieces.
    fn pieces(&self) -> impl Iterator<Item = &[Event]> {
        let (block, runs): (&[Event], &[Run]) = match self {
            Self::Shared(block, runs) => (block, runs),
            Self::Own(events) => (events, &[]),
        };
        let whole = matches!(self, Self::Own(_)).then_some(block);
        runs.iter().map(|run| &block[run.start..run.end]).chain(whole)
    }

    fn events(&self) -> impl Iterator<Item = &Event> {
        self.pieces().flatten()
    }
}

/// Holds the events of one enrolment side by side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Run {
    pub(crate) enrolment: u32,
    /// Place of the first among its block's events.
    pub(crate) start: usize,
    /// Place after the last.
    pub(crate) end: usize,
}

/// Finds the runs of `events`.
pub(crate) fn runs(events: &[Event]) -> Vec<Run> {
    /// Counts the events that are looked at together, which no processor has to guess about.
    const STEP: usize = 16;
    let mut runs = Vec::new();
    let mut start = 0;
    while let Some(first) = events.get(start) {
        let enrolment = first.enrolment().0;
        let differs = |event: &Event| event.enrolment().0 ^ enrolment;
        let mut end = start + 1;
        while let Some(step) = events.get(end..end + STEP) {
            if step.iter().fold(0, |all, event| all | differs(event)) != 0 {
                break;
            }
            end += STEP;
        }
        end += events[end..].iter().take_while(|event| differs(event) == 0).count();
        runs.push(Run { enrolment, start, end });
        start = end;
    }
    runs
}

/// Counts the events of an enrolment that stand together, on average, from which on events are left where they are.
const LONG_RUN: usize = 16;

impl Store {
    /// Makes a store over `partitions` that holds about `limit_bytes` in memory and spills the rest into `spill_folder`.
    pub(crate) fn new(partitions: &[Range<u32>], limit_bytes: u64, spill_folder: PathBuf) -> Self {
        let mut partition_of = Vec::new();
        for (number, range) in partitions.iter().enumerate() {
            partition_of.resize(range.end as usize, number as u32);
        }
        Self {
            ranges: partitions.to_vec(),
            partition_of,
            partitions: partitions.iter().map(|_| Mutex::default()).collect(),
            held_bytes: AtomicU64::new(0),
            limit_bytes,
            spill_folder,
            spilling: Mutex::new(()),
            spilled_bytes: AtomicU64::new(0),
        }
    }

    /// Takes a block's events, whose runs of one enrolment are `runs`.
    pub(crate) fn add(&self, mut events: Vec<Event>, mut runs: Vec<Run>) -> io::Result<()> {
        let count = events.len();
        if runs.len() <= count / LONG_RUN {
            // A reader makes room for more events than came of long lines.
            if events.capacity() > count + count / 16 {
                events.shrink_to_fit();
            }
            let events = Arc::new(events);
            let of = |run: &Run| self.partition_of[run.enrolment as usize];
            runs.sort_by_key(of);
            for runs in runs.chunk_by(|one, next| of(one) == of(next)) {
                let chunk = Chunk::Shared(Arc::clone(&events), runs.into());
                lock(&self.partitions[of(&runs[0]) as usize]).chunks.push(chunk);
            }
        } else {
            let of = |event: &Event| self.partition_of[event.enrolment().as_usize()] as usize;
            let mut grouping = Grouping::new(self.partitions.len());
            events.iter().for_each(|event| grouping.count(of(event)));
            grouping.place();
            events.iter().for_each(|&event| grouping.put(of(&event), event));
            for (partition, run) in self.partitions.iter().zip(grouping.groups()) {
                lock(partition).push(run);
            }
        }
        let added = count as u64 * EVENT_BYTES;
        if self.held_bytes.fetch_add(added, Ordering::Relaxed) + added > self.limit_bytes {
            self.spill()?;
        }
        Ok(())
    }

    /// Writes everything held to disk, unless it is within the limit by now.
    fn spill(&self) -> io::Result<()> {
        let _one_at_a_time = lock(&self.spilling);
        if self.held_bytes.load(Ordering::Relaxed) <= self.limit_bytes {
            return Ok(());
        }
        (0..self.partitions.len()).try_for_each(|number| self.spill_partition(number))
    }

    fn spill_partition(&self, number: usize) -> io::Result<()> {
        let mut partition = lock(&self.partitions[number]);
        let chunks = std::mem::take(&mut partition.chunks);
        let count: usize = chunks.iter().map(Chunk::len).sum();
        if count == 0 {
            return Ok(());
        }
        let path = partition.spill.get_or_insert_with(|| self.spill_path(number));
        let mut file = OpenOptions::new().create(true).append(true).open(path)?;
        let mut bytes = Vec::new();
        for piece in chunks.iter().flat_map(Chunk::pieces) {
            bytes.extend(piece.iter().flat_map(|event| event.to_bytes()));
            if bytes.len() >= SPILL_BYTES {
                file.write_all(&bytes)?;
                bytes.clear();
            }
        }
        file.write_all(&bytes)?;
        let bytes = count as u64 * EVENT_BYTES;
        self.held_bytes.fetch_sub(bytes, Ordering::Relaxed);
        self.spilled_bytes.fetch_add(bytes, Ordering::Relaxed);
        Ok(())
    }

    fn spill_path(&self, number: usize) -> PathBuf {
        self.spill_folder.join(format!("partition-{number}.events"))
    }

    /// Writes everything held to disk, durably, and gives the bytes of each partition there. Not to be called while
    /// events are added.
    pub(crate) fn persist(&self) -> io::Result<Vec<u64>> {
        let mut lengths = Vec::with_capacity(self.partitions.len());
        for number in 0..self.partitions.len() {
            self.spill_partition(number)?;
            lengths.push(match &lock(&self.partitions[number]).spill {
                Some(path) => {
                    let file = File::open(path)?;
                    file.sync_all()?;
                    file.metadata()?.len()
                }
                None => 0,
            });
        }
        Ok(lengths)
    }

    /// Restores what [`Store::persist`] wrote, when it gave `lengths`: whatever was written after is cut off.
    pub(crate) fn restore(&mut self, lengths: &[u64]) -> io::Result<()> {
        for (number, &length) in lengths.iter().enumerate() {
            let path = self.spill_path(number);
            match length {
                0 if path.exists() => std::fs::remove_file(&path)?,
                0 => (),
                length => {
                    OpenOptions::new().write(true).open(&path)?.set_len(length)?;
                    lock(&self.partitions[number]).spill = Some(path);
                }
            }
        }
        self.spilled_bytes = AtomicU64::new(lengths.iter().sum());
        Ok(())
    }

    /// Returns the bytes written to disk so far.
    pub(crate) fn spilled_bytes(&self) -> u64 {
        self.spilled_bytes.load(Ordering::Relaxed)
    }

    /// Takes the events of a partition out.
    pub(crate) fn take(&self, number: usize) -> io::Result<PartitionEvents> {
        let Partition { mut chunks, spill } = std::mem::take(&mut *lock(&self.partitions[number]));
        if let Some(path) = spill {
            chunks.push(Chunk::Own(read_spilled(&path)?));
            std::fs::remove_file(&path)?;
        }
        let mut pieces = Vec::new();
        for (place, chunk) in chunks.iter().enumerate() {
            match chunk {
                Chunk::Shared(_, runs) => {
                    pieces.extend(runs.iter().map(|&run| (run.enrolment, place, run.start, run.end)));
                }
                Chunk::Own(events) => {
                    let runs = runs(events);
                    if runs.len() > events.len() / LONG_RUN + self.ranges[number].len() {
                        return Ok(self.group(number, chunks));
                    }
                    pieces.extend(runs.iter().map(|&run| (run.enrolment, place, run.start, run.end)));
                }
            }
        }
        pieces.sort_unstable();
        Ok(PartitionEvents { chunks, pieces, next: 0, sorted: Vec::new() })
    }

    /// Brings the events of a partition together by enrolment.
    fn group(&self, number: usize, chunks: Vec<Chunk>) -> PartitionEvents {
        let first = self.ranges[number].start;
        let group = |event: &Event| (event.enrolment().0 - first) as usize;
        let mut grouping = Grouping::new(self.ranges[number].len());
        chunks.iter().flat_map(Chunk::events).for_each(|event| grouping.count(group(event)));
        grouping.place();
        // Chunk by chunk, so that each is freed when it is done with.
        for chunk in chunks {
            chunk.events().for_each(|&event| grouping.put(group(&event), event));
        }
        let pieces = (first..)
            .zip(grouping.ends())
            .map(|(enrolment, Range { start, end })| (enrolment, 0, start, end))
            .collect();
        PartitionEvents { chunks: vec![Chunk::Own(grouping.events)], pieces, next: 0, sorted: Vec::new() }
    }
}

/// Holds the events of a partition, by enrolment in their order.
pub(crate) struct PartitionEvents {
    chunks: Vec<Chunk>,
    /// Enrolment, chunk, start and end there; ascending.
    pieces: Vec<(u32, usize, usize, usize)>,
    next: usize,
    sorted: Vec<Event>,
}

impl PartitionEvents {
    /// Returns the events of `enrolment`, sorted. Enrolments are to be asked for in ascending order.
    pub(crate) fn enrolment(&mut self, enrolment: EnrolmentIndex) -> &[Event] {
        let rest = &self.pieces[self.next..];
        let pieces = &rest[..rest.iter().take_while(|piece| piece.0 == enrolment.0).count()];
        self.next += pieces.len();
        let events = |&(_, chunk, start, end): &(u32, usize, usize, usize)| match &self.chunks[chunk] {
            Chunk::Shared(events, _) => &events[start..end],
            Chunk::Own(events) => &events[start..end],
        };
        if let [one] = pieces
            && events(one).is_sorted()
        {
            return events(one);
        }
        self.sorted.clear();
        for piece in pieces {
            self.sorted.extend_from_slice(events(piece));
        }
        // One or a few ordered runs where a log is ordered: this sort merges such runs.
        self.sorted.sort();
        &self.sorted
    }
}

fn read_spilled(path: &Path) -> io::Result<Vec<Event>> {
    let mut file = File::open(path)?;
    let mut events = Vec::with_capacity((file.metadata()?.len() / EVENT_BYTES) as usize);
    let mut bytes = Vec::new();
    // A whole number of events each time.
    while Read::by_ref(&mut file).take(SPILL_BYTES as u64).read_to_end(&mut bytes)? > 0 {
        let (whole, _) = bytes.as_chunks();
        events.extend(whole.iter().map(|&bytes| Event::from_bytes(bytes)));
        bytes.clear();
    }
    Ok(events)
}

/// Brings events of the same group together, in the order they come: count all, [`Grouping::place`], put all.
struct Grouping {
    /// Counts, then the place of each group's next event.
    next: Vec<usize>,
    events: Vec<Event>,
}

impl Grouping {
    fn new(groups: usize) -> Self {
        Self { next: vec![0; groups], events: Vec::new() }
    }

    fn count(&mut self, group: usize) {
        self.next[group] += 1;
    }

    fn place(&mut self) {
        let mut sum = 0;
        for place in &mut self.next {
            let count = std::mem::replace(place, sum);
            sum += count;
        }
        self.events = vec![Event::new(EnrolmentIndex(0), 0, 0, None, Weight::ONE); sum];
    }

    fn put(&mut self, group: usize, event: Event) {
        self.events[self.next[group]] = event;
        self.next[group] += 1;
    }

    /// Lists the groups, when all events are put.
    fn groups(&self) -> impl Iterator<Item = &[Event]> {
        self.ends().map(|range| &self.events[range])
    }

    /// Lists where the groups are, when all events are put.
    fn ends(&self) -> impl Iterator<Item = Range<usize>> {
        let mut start = 0;
        self.next.iter().map(move |&end| std::mem::replace(&mut start, end)..end)
    }
}

impl Partition {
    fn push(&mut self, mut run: &[Event]) {
        while !run.is_empty() {
            if let Some(Chunk::Own(chunk)) = self.chunks.last_mut() {
                let (now, later) = run.split_at(run.len().min(chunk.capacity() - chunk.len()));
                chunk.extend_from_slice(now);
                run = later;
            }
            if !run.is_empty() {
                let last = self.chunks.last().map_or(0, Chunk::len);
                self.chunks.push(Chunk::Own(Vec::with_capacity((2 * last).clamp(FIRST_CHUNK, GREATEST_CHUNK))));
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().expect("no thread panics while it holds events")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn partitions_cover_every_enrolment_once() {
        let ranges = partitions(std::iter::repeat_n(12, 10_000));
        assert_eq!(ranges.first().map(|range| range.start), Some(0));
        assert_eq!(ranges.last().map(|range| range.end), Some(10_000));
        assert!(ranges.windows(2).all(|pair| pair[0].end == pair[1].start));
        assert!(ranges.len() > 2);
    }

    proptest! {
        #[test]
        fn runs_are_as_long_as_they_can_be(enrolments in prop::collection::vec((0_u32..3, 1_usize..60), 0..8)) {
            let event = |enrolment| Event::new(EnrolmentIndex(enrolment), 5, 1, None, Weight::ONE);
            let events: Vec<Event> =
                enrolments.iter().flat_map(|&(enrolment, count)| std::iter::repeat_n(event(enrolment), count)).collect();
            let runs = runs(&events);
            prop_assert_eq!(runs.iter().map(|run| run.end - run.start).sum::<usize>(), events.len());
            for run in &runs {
                prop_assert!(events[run.start..run.end].iter().all(|event| event.enrolment().0 == run.enrolment));
            }
            for pair in runs.windows(2) {
                prop_assert!(pair[0].end == pair[1].start && pair[0].enrolment != pair[1].enrolment);
            }
        }

        #[test]
        fn what_is_added_is_taken_sorted_however_little_memory_there_is(
            blocks in prop::collection::vec(
                (any::<bool>(), prop::collection::vec((0_u32..9, any::<i32>()), 0..200)), 0..8,
            ),
            limit_bytes in 0_u64..30_000,
        ) {
            let folder = tempfile::tempdir().unwrap();
            let ranges = [0..3, 3..4, 4..9];
            let store = Store::new(&ranges, limit_bytes, folder.path().to_owned());
            let mut all = Vec::new();
            for (ordered, mut block) in blocks {
                if ordered {
                    block.sort_by_key(|&(enrolment, _)| enrolment);
                }
                let event = |&(enrolment, seconds): &(u32, i32)| Event::new(EnrolmentIndex(enrolment), seconds, 1, None, Weight::ONE);
                let events: Vec<Event> = block.iter().map(event).collect();
                all.extend(events.clone());
                let runs = runs(&events);
                store.add(events, runs).unwrap();
            }
            all.sort_unstable();
            let mut taken = Vec::new();
            for (number, range) in ranges.into_iter().enumerate() {
                let mut events = store.take(number).unwrap();
                range.map(EnrolmentIndex).for_each(|enrolment| taken.extend_from_slice(events.enrolment(enrolment)));
            }
            prop_assert_eq!(taken, all);
            prop_assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        }
    }
}
