//! Running a simulation: blocks of learners in parallel, written in order.

use std::io::Write;

use rayon::prelude::*;

use crate::Simulation;
use crate::error::SimulateError;
use crate::history::History;
use crate::kdd2015::{self, Days, FILE_NAMES, HEADERS, Tables};
use crate::learner::{self, Learner};

/// Learners simulated as one piece of work. Fixed, so that the pieces don't depend on the number of threads.
const BLOCK: u64 = 64;
/// Blocks a thread that are simulated while the ones before are being written.
const BLOCKS_A_THREAD: usize = 4;

/// How far a simulation has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Progress {
    /// Learners written.
    pub learners: u64,
    /// Learners in all.
    pub learners_total: u64,
    /// Rows of the log written.
    pub events: u64,
    /// Bytes written to all tables.
    pub bytes: u64,
}

/// What a simulation made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// People.
    pub learners: u64,
    /// Enrolments.
    pub enrolments: u64,
    /// Enrolments that end in dropout.
    pub dropouts: u64,
    /// Rows of the log.
    pub events: u64,
    /// Bytes of all tables.
    pub bytes: u64,
}

/// The simulated tables of a block of learners.
#[derive(Default)]
struct Block {
    tables: Tables<Vec<u8>>,
    enrolments: u64,
    dropouts: u64,
    events: u64,
}

impl Simulation {
    /// Writes all tables, calling `progress` on the caller's thread now and then. Rows are in order of enrolment, and of
    /// time within one; the same simulation writes the same bytes for any number of threads of the current rayon pool.
    ///
    /// Held in memory: two times four blocks of 64 learners a thread, each learner about 20 KB by default and in proportion
    /// to `activity.scale`; 16 bytes for every 64 learners; the courses.
    ///
    /// # Errors
    /// [`SimulateError::Write`], naming the table whose writer failed.
    pub fn write<W: Write + Send>(
        &self,
        tables: &mut Tables<W>,
        progress: &dyn Fn(Progress),
    ) -> Result<Counts, SimulateError> {
        let mut counts = Counts { learners: self.config.learners, ..Counts::default() };
        counts.bytes += write_tables(tables, HEADERS.each_ref().into_array().map(|header| header.as_bytes()))?;
        counts.bytes += write_tables(tables, slices(&kdd2015::course_tables(self)))?;
        let days = Days::all(self);
        let firsts = self.first_enrolments();
        let indices: Vec<u64> = (0..firsts.len() as u64).collect();
        // Order is kept whatever this is, so it has no say in the bytes.
        let at_once = BLOCKS_A_THREAD * rayon::current_num_threads();
        let mut ready: Vec<Block> = Vec::new();
        let mut learners_written = 0;
        // One round more than there are groups: the last only writes.
        for group in indices.chunks(at_once).chain([[].as_slice()]) {
            let (written, next) = rayon::join(
                || write_blocks(tables, &ready),
                || -> Vec<Block> {
                    let block = |&index: &u64| self.block(index, firsts[index as usize], &days);
                    group.par_iter().map(block).collect()
                },
            );
            counts.bytes += written?;
            for block in &ready {
                counts.enrolments += block.enrolments;
                counts.dropouts += block.dropouts;
                counts.events += block.events;
            }
            learners_written += BLOCK * ready.len() as u64;
            ready = next;
            progress(Progress {
                learners: learners_written.min(counts.learners),
                learners_total: counts.learners,
                events: counts.events,
                bytes: counts.bytes,
            });
        }
        for (writer, table) in tables.each_mut().into_array().into_iter().zip(FILE_NAMES.into_array()) {
            writer.flush().map_err(|source| SimulateError::Write { table, source })?;
        }
        Ok(counts)
    }

    fn learners_of(&self, block: u64) -> std::ops::Range<u64> {
        block * BLOCK..((block + 1) * BLOCK).min(self.config.learners)
    }

    /// The number of each block's first enrolment, from 1.
    fn first_enrolments(&self) -> Vec<u64> {
        let count = |block| -> u64 {
            let each = |number| learner::enrolments_of(self, number);
            self.learners_of(block).map(each).sum()
        };
        let mut firsts: Vec<u64> = (0..self.config.learners.div_ceil(BLOCK)).into_par_iter().map(count).collect();
        let mut next = 1;
        for first in &mut firsts {
            next += std::mem::replace(first, next);
        }
        firsts
    }

    fn block(&self, index: u64, first_enrolment: u64, days: &[Days]) -> Block {
        let mut block = Block::default();
        let mut history = History::default();
        for number in self.learners_of(index) {
            let learner = Learner::new(self, number);
            for &course in &learner.courses {
                history.simulate(self, &learner, course);
                kdd2015::write_enrolment(
                    &mut block.tables,
                    &days[course],
                    &self.courses[course],
                    first_enrolment + block.enrolments,
                    number,
                    &history,
                );
                block.enrolments += 1;
                block.dropouts += u64::from(history.dropped_out);
                block.events += history.events.len() as u64;
            }
        }
        block
    }
}

fn slices(tables: &Tables<Vec<u8>>) -> [&[u8]; 6] {
    tables.each_ref().into_array().map(Vec::as_slice)
}

fn write_blocks<W: Write>(tables: &mut Tables<W>, blocks: &[Block]) -> Result<u64, SimulateError> {
    blocks.iter().map(|block| write_tables(tables, slices(&block.tables))).sum()
}

/// Writes to each table its bytes and returns how many there were.
fn write_tables<W: Write>(tables: &mut Tables<W>, bytes: [&[u8]; 6]) -> Result<u64, SimulateError> {
    let mut written = 0;
    let writers = tables.each_mut().into_array().into_iter();
    for ((writer, bytes), table) in writers.zip(bytes).zip(FILE_NAMES.into_array()) {
        writer.write_all(bytes).map_err(|source| SimulateError::Write { table, source })?;
        written += bytes.len() as u64;
    }
    Ok(written)
}
