//! Log files with lines in order of time, one file per week.

use std::fs::File;
use std::io::{self, Write};

use rayon::prelude::*;

use super::layout::Edx;
use super::order::EventOrder;
use super::packed::EnrolmentTable;
use crate::checked::Simulation;
use crate::error::SimulateError;
use crate::progress::{Progress, Stage};

/// Counts the events whose lines are made as one piece of work: about 400 kB.
const PIECE: usize = 512;
/// Counts the pieces that are made while earlier ones are written.
const PIECES: usize = 64;

/// Lists the files that were written.
#[derive(Debug, Default)]
pub(crate) struct WrittenLogs {
    pub(crate) bytes: u64,
    /// Names, in order.
    pub(crate) files: Vec<String>,
}

/// Holds lines that are to be written.
struct Batch {
    week: u32,
    events: usize,
    lines: Vec<Vec<u8>>,
}

/// Holds the file that is being written.
struct OpenFile {
    week: u32,
    name: String,
    file: File,
}

/// Writes batches to their files.
struct LogWriter<'a> {
    edx: &'a Edx,
    create: &'a dyn Fn(&str) -> Result<File, SimulateError>,
    open: Option<OpenFile>,
    written: WrittenLogs,
}

impl LogWriter<'_> {
    fn write(&mut self, batch: &Batch) -> Result<(), SimulateError> {
        if self.open.as_ref().is_none_or(|open| open.week != batch.week) {
            let name = self.edx.file_name(batch.week);
            let file = (self.create)(&name)?;
            self.written.files.push(name.clone());
            self.open = Some(OpenFile { week: batch.week, name, file });
        }
        let Some(OpenFile { name, file, .. }) = &mut self.open else { return Ok(()) };
        for lines in &batch.lines {
            let failed = |source: io::Error| SimulateError::Write { table: name.clone(), source };
            file.write_all(lines).map_err(failed)?;
            self.written.bytes += lines.len() as u64;
        }
        Ok(())
    }
}

/// Writes the log to files that `create` makes by name. Calls `report` on the caller's thread.
///
/// Held in memory besides `order`: twice 64 pieces of 512 lines.
pub(crate) fn write_logs(
    edx: &Edx,
    simulation: &Simulation,
    order: EventOrder,
    enrolments: &EnrolmentTable,
    create: &dyn Fn(&str) -> Result<File, SimulateError>,
    mut progress: Progress,
    report: &dyn Fn(Progress),
) -> Result<WrittenLogs, SimulateError> {
    let mut logs = LogWriter { edx, create, open: None, written: WrittenLogs::default() };
    let mut ready: Option<Batch> = None;
    progress.stage = Stage::Writing;
    progress.events = 0;
    let bytes_before = progress.bytes;
    let made = |events: &[u128]| -> Vec<u8> {
        let mut out = Vec::new();
        for &event in events {
            edx.push_line(&mut out, simulation, enrolments, event);
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
            report(progress);
            ready = Some(Batch { week: day / 7, events: events.len(), lines });
        }
        Ok::<(), SimulateError>(())
    })?;
    if let Some(batch) = &ready {
        logs.write(batch)?;
        progress.events += batch.events as u64;
    }
    progress.bytes = bytes_before + logs.written.bytes;
    report(progress);
    Ok(logs.written)
}
