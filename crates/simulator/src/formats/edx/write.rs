//! Lines in order of time, into a file a week.

use std::fs::File;
use std::io::{self, Write};

use rayon::prelude::*;

use super::{Edx, Order, Roll};
use crate::Simulation;
use crate::error::SimulateError;
use crate::run::{Progress, Stage};

/// Events that are made lines of as one piece of work: about 400 kB.
const PIECE: usize = 512;
/// Pieces that are made while the ones before are being written.
const PIECES: usize = 64;

/// What was written.
#[derive(Debug, Default)]
pub(crate) struct WrittenLogs {
    pub(crate) bytes: u64,
    /// Names of the files, in order.
    pub(crate) files: Vec<String>,
}

/// Lines on their way to the disk.
struct Batch {
    week: u32,
    events: usize,
    lines: Vec<Vec<u8>>,
}

/// The file being written.
struct Open {
    week: u32,
    name: String,
    file: File,
}

struct Logs<'a> {
    edx: &'a Edx,
    create: &'a dyn Fn(&str) -> Result<File, SimulateError>,
    open: Option<Open>,
    written: WrittenLogs,
}

impl Logs<'_> {
    fn write(&mut self, batch: &Batch) -> Result<(), SimulateError> {
        if self.open.as_ref().is_none_or(|open| open.week != batch.week) {
            self.close()?;
            let name = self.edx.file_name(batch.week);
            let file = (self.create)(&name)?;
            self.written.files.push(name.clone());
            self.open = Some(Open { week: batch.week, name, file });
        }
        let Some(Open { name, file, .. }) = &mut self.open else { return Ok(()) };
        for lines in &batch.lines {
            let failed = |source: io::Error| SimulateError::Write { table: name.clone(), source };
            file.write_all(lines).map_err(failed)?;
            self.written.bytes += lines.len() as u64;
        }
        Ok(())
    }

    fn close(&mut self) -> Result<(), SimulateError> {
        let Some(Open { name, file, .. }) = self.open.take() else { return Ok(()) };
        file.sync_all().map_err(|source| SimulateError::Write { table: name, source })
    }
}

impl Edx {
    /// Writes the log to files that `create` makes by name. `progress` is called on the caller's thread. Held in memory
    /// besides what `order` holds: twice 64 pieces of 512 lines.
    pub(crate) fn write_logs(
        &self,
        simulation: &Simulation,
        order: Order,
        roll: &Roll,
        create: &dyn Fn(&str) -> Result<File, SimulateError>,
        mut progress: Progress,
        tell: &dyn Fn(Progress),
    ) -> Result<WrittenLogs, SimulateError> {
        let mut logs = Logs { edx: self, create, open: None, written: WrittenLogs::default() };
        let mut ready: Option<Batch> = None;
        progress.stage = Stage::Writing;
        progress.events = 0;
        let bytes_before = progress.bytes;
        let made = |events: &[u128]| -> Vec<u8> {
            let mut out = Vec::new();
            for &event in events {
                self.push_line(&mut out, simulation, roll, event);
            }
            out
        };
        order.each_day(|day, events| {
            for events in events.chunks(PIECE * PIECES) {
                // Writing happens here, and lines are made beside it; files need not be sent to another thread.
                let mut lines = Vec::new();
                let mut written = Ok(());
                rayon::in_place_scope(|scope| {
                    scope.spawn(|_| lines = events.par_chunks(PIECE).map(made).collect());
                    if let Some(batch) = ready.take() {
                        progress.events += batch.events as u64;
                        written = logs.write(&batch);
                    }
                });
                written?;
                progress.bytes = bytes_before + logs.written.bytes;
                tell(progress);
                ready = Some(Batch { week: day / 7, events: events.len(), lines });
            }
            Ok::<(), SimulateError>(())
        })?;
        if let Some(batch) = &ready {
            logs.write(batch)?;
            progress.events += batch.events as u64;
        }
        logs.close()?;
        progress.bytes = bytes_before + logs.written.bytes;
        tell(progress);
        Ok(logs.written)
    }
}
