//! Sorting packed events by time, in bounded memory.
//!
//! Events gather in memory. When there are too many, they are sorted and written to a temporary file as one run, and only
//! the places of its days stay in memory. At the end each day is merged from all runs.
//!
//! Held in memory: 64 MiB of events, the events of one day, and 24 bytes for each day of each run.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::packed::second_of;

/// Counts the events in a run: 64 MiB.
const RUN: usize = 4 << 20;
/// Counts the bytes of a packed event.
const EVENT: usize = 16;
const DAY_SECONDS: u32 = 86_400;

/// Locates the events of one day in a run.
#[derive(Debug, Clone, Copy)]
struct Piece {
    /// Number of its first event in the file.
    first: u64,
    count: usize,
}

/// Sorts packed events. Takes them as little-endian bytes and returns them day by day.
#[derive(Debug)]
pub(crate) struct EventOrder {
    /// Folder of the temporary file.
    folder: PathBuf,
    gathered: Vec<u128>,
    /// Number of events in a run.
    run: usize,
    spilled: Option<File>,
    in_file: u64,
    /// By day: its pieces in the file.
    pieces: BTreeMap<u32, Vec<Piece>>,
}

impl EventOrder {
    pub(crate) fn new(folder: &Path) -> Self {
        Self::with_runs_of(RUN, folder)
    }

    fn with_runs_of(run: usize, folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
            gathered: Vec::new(),
            run,
            spilled: None,
            in_file: 0,
            pieces: BTreeMap::new(),
        }
    }

    /// Sorts the gathered events and writes them as a run.
    fn spill(&mut self) -> io::Result<()> {
        self.gathered.par_sort_unstable();
        let file = match &mut self.spilled {
            Some(file) => file,
            none => none.insert(tempfile::tempfile_in(&self.folder)?),
        };
        let mut out = BufWriter::with_capacity(1 << 20, file);
        for day in self.gathered.chunk_by(|&a, &b| day_of(a) == day_of(b)) {
            let piece = Piece { first: self.in_file, count: day.len() };
            self.pieces.entry(day_of(day[0])).or_default().push(piece);
            self.in_file += day.len() as u64;
            for event in day {
                out.write_all(&event.to_le_bytes())?;
            }
        }
        out.flush()?;
        self.gathered.clear();
        Ok(())
    }

    /// Passes the events of each day to `take`, in order, with the day's number.
    ///
    /// # Errors
    /// Errors of the temporary file and of `take`.
    pub(crate) fn each_day<E: From<io::Error>>(
        mut self,
        mut take: impl FnMut(u32, Vec<u128>) -> Result<(), E>,
    ) -> Result<(), E> {
        if self.spilled.is_some() {
            self.spill()?;
        }
        self.gathered.par_sort_unstable();
        for day in self.gathered.chunk_by(|&a, &b| day_of(a) == day_of(b)) {
            take(day_of(day[0]), day.to_vec())?;
        }
        let Some(mut file) = self.spilled else { return Ok(()) };
        let mut bytes = Vec::new();
        for (day, pieces) in self.pieces {
            let mut events = Vec::new();
            for piece in pieces {
                bytes.resize(piece.count * EVENT, 0);
                file.seek(SeekFrom::Start(piece.first * EVENT as u64))?;
                file.read_exact(&mut bytes)?;
                push_events(&mut events, &bytes);
            }
            events.par_sort_unstable();
            take(day, events)?;
        }
        Ok(())
    }
}

impl Write for EventOrder {
    /// Takes bytes of whole events only.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        push_events(&mut self.gathered, bytes);
        if self.gathered.len() >= self.run {
            self.spill()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn day_of(event: u128) -> u32 {
    second_of(event) / DAY_SECONDS
}

fn push_events(events: &mut Vec<u128>, bytes: &[u8]) {
    let (whole, rest) = bytes.as_chunks::<EVENT>();
    assert!(rest.is_empty(), "only whole events are written");
    events.extend(whole.iter().map(|event| u128::from_le_bytes(*event)));
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn days_come_in_order_whatever_the_length_of_runs(
            events in prop::collection::vec((0u32..5 * DAY_SECONDS, any::<u64>()), 0..200),
            run in 1usize..250,
            batch in 1usize..50,
        ) {
            let packed: Vec<u128> =
                events.iter().map(|&(second, rest)| u128::from(second) << 92 | u128::from(rest)).collect();
            let place = tempfile::tempdir().unwrap();
            let mut order = EventOrder::with_runs_of(run, place.path());
            for batch in packed.chunks(batch) {
                let bytes: Vec<u8> = batch.iter().flat_map(|event| event.to_le_bytes()).collect();
                order.write_all(&bytes).unwrap();
            }
            let mut found = Vec::new();
            let mut days = Vec::new();
            order.each_day(|day, events| {
                days.push(day);
                assert!(events.iter().all(|&event| day_of(event) == day));
                found.extend(events);
                Ok::<(), io::Error>(())
            }).unwrap();
            let mut sorted = packed;
            sorted.sort_unstable();
            prop_assert_eq!(found, sorted);
            prop_assert!(days.is_sorted_by(|a, b| a < b));
        }
    }
}
