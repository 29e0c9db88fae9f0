//! Events between parsing and reducing: kept by partition of enrolments, in memory up to a limit, past it on disk.
//!
//! A partition is a range of enrolments with about [`PARTITION_ROWS`] enrolment-weeks, so that it can be sorted and
//! reduced by one thread while others do theirs, and becomes one row group of the output. The cuts depend on the roster
//! alone, never on threads.

use std::fs::{File, OpenOptions};
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use staycast_events::{Event, Weight};

/// Enrolment-weeks of a partition, about.
const PARTITION_ROWS: u64 = 16_384;

const EVENT_BYTES: u64 = 16;
const FIRST_CHUNK: usize = 1 << 10;
const GREATEST_CHUNK: usize = 1 << 16;

/// Cuts enrolments, of `rows[i]` weeks each, into ranges.
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

/// Events by partition.
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
    chunks: Vec<Vec<Event>>,
    spill: Option<PathBuf>,
}

impl Store {
    /// A store over `partitions` that holds about `limit_bytes` in memory and spills the rest into `spill_folder`.
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

    /// Takes a block's events.
    pub(crate) fn add(&self, events: &[Event]) -> io::Result<()> {
        // Logs are mostly ordered by enrolment, so runs of one partition are long; in other logs a run is one event,
        // and bringing a block's partitions together first makes them long again.
        let of = |event: &Event| self.partition_of[event.enrolment() as usize];
        if runs(events, of) > events.len() / 16 + 64 {
            let mut together = Together::new(self.partitions.len());
            events.iter().for_each(|event| together.count(of(event) as usize));
            together.place();
            events.iter().for_each(|&event| together.put(of(&event) as usize, event));
            for (partition, run) in self.partitions.iter().zip(together.groups()) {
                lock(partition).push(run);
            }
        } else {
            for run in events.chunk_by(|one, next| of(one) == of(next)) {
                lock(&self.partitions[of(&run[0]) as usize]).push(run);
            }
        }
        let added = events.len() as u64 * EVENT_BYTES;
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
        let count: usize = chunks.iter().map(Vec::len).sum();
        if count == 0 {
            return Ok(());
        }
        let path = partition.spill.get_or_insert_with(|| self.spill_path(number));
        let mut file = BufWriter::with_capacity(1 << 18, OpenOptions::new().create(true).append(true).open(path)?);
        for event in chunks.iter().flatten() {
            file.write_all(&event.to_bytes())?;
        }
        file.flush()?;
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
    pub(crate) fn keep(&self) -> io::Result<Vec<u64>> {
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

    /// Goes back to what [`Store::keep`] wrote, when it gave `lengths`: whatever was written after is cut off.
    pub(crate) fn go_back(&mut self, lengths: &[u64]) -> io::Result<()> {
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

    /// Bytes written to disk so far.
    pub(crate) fn spilled_bytes(&self) -> u64 {
        self.spilled_bytes.load(Ordering::Relaxed)
    }

    /// Takes the events of a partition out, sorted.
    ///
    /// Brought together by enrolment first, in two passes; of most enrolments the events are then in order already.
    pub(crate) fn take(&self, number: usize) -> io::Result<Vec<Event>> {
        let Partition { mut chunks, spill } = std::mem::take(&mut *lock(&self.partitions[number]));
        if let Some(path) = spill {
            chunks.push(read_spilled(&path)?);
            std::fs::remove_file(&path)?;
        }
        let first = self.ranges[number].start;
        let group = |event: &Event| (event.enrolment() - first) as usize;
        let mut together = Together::new(self.ranges[number].len());
        chunks.iter().flatten().for_each(|event| together.count(group(event)));
        together.place();
        // Chunk by chunk, so that each is freed when it is done with.
        for chunk in chunks {
            chunk.into_iter().for_each(|event| together.put(group(&event), event));
        }
        for events in together.groups_mut() {
            // Two or three ordered runs where a log is ordered: this sort merges such runs, and sees one at a glance.
            events.sort();
        }
        Ok(together.events)
    }
}

fn read_spilled(path: &Path) -> io::Result<Vec<Event>> {
    let mut reader = BufReader::with_capacity(1 << 18, File::open(path)?);
    let count = std::fs::metadata(path)?.len() / EVENT_BYTES;
    let mut events = Vec::with_capacity(count as usize);
    let mut bytes = [0; EVENT_BYTES as usize];
    for _ in 0..count {
        reader.read_exact(&mut bytes)?;
        events.push(Event::from_bytes(bytes));
    }
    Ok(events)
}

/// Brings events of the same group together, in the order they come: count all, [`Together::place`], put all.
struct Together {
    /// Counts, then the place of each group's next event.
    next: Vec<usize>,
    events: Vec<Event>,
}

impl Together {
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
        self.events = vec![Event::new(0, 0, 0, None, Weight::ONE); sum];
    }

    fn put(&mut self, group: usize, event: Event) {
        self.events[self.next[group]] = event;
        self.next[group] += 1;
    }

    /// The groups, when all events are put.
    fn groups(&self) -> impl Iterator<Item = &[Event]> {
        let mut start = 0;
        self.next.iter().map(move |&end| &self.events[std::mem::replace(&mut start, end)..end])
    }

    fn groups_mut(&mut self) -> impl Iterator<Item = &mut [Event]> {
        let mut rest = self.events.as_mut_slice();
        let mut start = 0;
        self.next.iter().map(move |&end| {
            let (group, after) = std::mem::take(&mut rest).split_at_mut(end - start);
            (rest, start) = (after, end);
            group
        })
    }
}

impl Partition {
    fn push(&mut self, mut run: &[Event]) {
        while !run.is_empty() {
            let full = self.chunks.last().is_none_or(|chunk| chunk.len() == chunk.capacity());
            if full {
                let size = self.chunks.last().map_or(FIRST_CHUNK, |chunk| (2 * chunk.len()).min(GREATEST_CHUNK));
                self.chunks.push(Vec::with_capacity(size));
            }
            let chunk = self.chunks.last_mut().expect("just pushed");
            let (now, later) = run.split_at(run.len().min(chunk.capacity() - chunk.len()));
            chunk.extend_from_slice(now);
            run = later;
        }
    }
}

fn runs(events: &[Event], of: impl Fn(&Event) -> u32) -> usize {
    events.windows(2).filter(|pair| of(&pair[0]) != of(&pair[1])).count()
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
        fn what_is_added_is_taken_sorted_however_little_memory_there_is(
            blocks in prop::collection::vec(prop::collection::vec((0_u32..9, any::<i32>()), 0..200), 0..8),
            limit_bytes in 0_u64..4_000,
        ) {
            let folder = tempfile::tempdir().unwrap();
            let ranges = [0..3, 3..4, 4..9];
            let store = Store::new(&ranges, limit_bytes, folder.path().to_owned());
            let mut all = Vec::new();
            for block in &blocks {
                let events: Vec<Event> =
                    block.iter().map(|&(enrolment, seconds)| Event::new(enrolment, seconds, 1, None, Weight::ONE)).collect();
                store.add(&events).unwrap();
                all.extend(events);
            }
            all.sort_unstable();
            let taken: Vec<Event> = (0..3).flat_map(|number| store.take(number).unwrap()).collect();
            prop_assert_eq!(taken, all);
            prop_assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        }
    }
}
