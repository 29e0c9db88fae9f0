//! Running a simulation: blocks of learners in parallel, written in order.

use std::io::Write;

use rayon::prelude::*;

use crate::Simulation;
use crate::counts::Counts;
use crate::error::SimulateError;
use crate::formats::kdd2015::{self, HEADERS, Kdd2015, Tables};
use crate::formats::{Layout, One};
use crate::history::History;
use crate::learner::{self, Learner};
use crate::ranking::{Mark, Rankings, Reachable};

/// Learners simulated as one piece of work. Fixed, so that the pieces don't depend on the number of threads.
const BLOCK: u64 = 64;
/// Blocks a thread that are simulated while the ones before are being written.
const BLOCKS_A_THREAD: usize = 4;

/// What a simulation is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Stage {
    /// Trying how long a log the settings make, for `--size`.
    Sizing,
    /// Simulating learners, and writing them where the format's order is theirs.
    #[default]
    Simulating,
    /// Writing the log in order of time.
    Writing,
}

/// How far a simulation has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Progress {
    /// What it is doing.
    pub stage: Stage,
    /// Learners simulated.
    pub learners: u64,
    /// Learners in all.
    pub learners_total: u64,
    /// Events so far; in [`Stage::Writing`], events written.
    pub events: u64,
    /// Bytes written to all tables.
    pub bytes: u64,
}

/// The simulated tables of a block of learners.
struct Block {
    tables: Vec<Vec<u8>>,
    marks: Vec<Mark>,
    counts: Counts,
}

/// A simulation that has run.
#[derive(Debug)]
pub(crate) struct Ran {
    /// Of `log_bytes`, those written by [`Simulation::run`].
    pub(crate) counts: Counts,
    pub(crate) reachable: Vec<Reachable>,
}

impl Simulation {
    /// Writes all tables of KDD Cup 2015's layout, calling `progress` on the caller's thread now and then. Rows are in order
    /// of enrolment, and of time within one (but for devices with wrong clocks); the same simulation writes the same bytes
    /// for any number of threads of the current rayon pool.
    ///
    /// Held in memory: two times four blocks of 64 learners a thread, each learner about 20 KB by default and in proportion
    /// to `activity.scale`; 16 bytes for every 64 learners; half a megabyte for every week; the courses.
    ///
    /// # Errors
    /// [`SimulateError::Write`], naming the table whose writer failed.
    pub fn write<W: Write + Send>(
        &self,
        tables: &mut Tables<W>,
        progress: &dyn Fn(Progress),
    ) -> Result<Counts, SimulateError> {
        let layout = Kdd2015::new(self);
        let mut writers = tables.each_mut().into_array();
        let heads = HEADERS.each_ref().into_array().map(|header| header.as_bytes());
        let bytes = write_tables(layout.tables(), &mut writers, heads)?;
        let courses = kdd2015::course_tables(self).into_array();
        let bytes = bytes + write_tables(layout.tables(), &mut writers, courses.each_ref().map(Vec::as_slice))?;
        let mut ran = self.run(&layout, &mut writers, bytes, progress)?;
        ran.counts.log_bytes += heads[layout.log()].len() as u64;
        Ok(ran.counts)
    }

    /// Writes every enrolment to the tables of `layout`, for which `writers` stand in the same order. `bytes` have been
    /// written before, and are counted in.
    ///
    /// # Errors
    /// [`SimulateError::Write`], naming the table whose writer failed.
    pub(crate) fn run<L: Layout, W: Write + Send>(
        &self,
        layout: &L,
        writers: &mut [W],
        bytes: u64,
        progress: &dyn Fn(Progress),
    ) -> Result<Ran, SimulateError> {
        let mut counts = Counts { bytes, ..Counts::new(self.config.learners, self.config.intents.len()) };
        let mut rankings = Rankings::new(self.config.weeks);
        let firsts = self.first_enrolments();
        let indices: Vec<u64> = (0..firsts.len() as u64).collect();
        // Order is kept whatever this is, so it has no say in the bytes.
        let at_once = BLOCKS_A_THREAD * rayon::current_num_threads();
        let mut ready: Vec<Block> = Vec::new();
        let mut learners_written = 0;
        // One round more than there are groups: the last only writes.
        for group in indices.chunks(at_once).chain([[].as_slice()]) {
            let (written, next) = rayon::join(
                || write_blocks(layout, writers, &ready),
                || -> Vec<Block> {
                    let block = |&index: &u64| self.block(layout, index, firsts[index as usize]);
                    group.par_iter().map(block).collect()
                },
            );
            counts.bytes += written?;
            for block in &ready {
                counts.add(&block.counts);
                counts.log_bytes += block.tables[layout.log()].len() as u64;
                for &mark in &block.marks {
                    rankings.add(mark);
                }
            }
            learners_written += BLOCK * ready.len() as u64;
            ready = next;
            progress(Progress {
                stage: Stage::Simulating,
                learners: learners_written.min(counts.learners),
                learners_total: counts.learners,
                events: counts.events,
                bytes: counts.bytes,
            });
        }
        for (writer, table) in writers.iter_mut().zip(layout.tables()) {
            writer.flush().map_err(|source| SimulateError::Write { table: (*table).to_owned(), source })?;
        }
        Ok(Ran { counts, reachable: rankings.reachable() })
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

    fn block<L: Layout>(&self, layout: &L, index: u64, first_enrolment: u64) -> Block {
        let mut block = Block {
            tables: vec![Vec::new(); layout.tables().len()],
            marks: Vec::new(),
            counts: Counts::new(0, self.config.intents.len()),
        };
        let mut history = History::default();
        for number in self.learners_of(index) {
            let learner = &Learner::new(self, number);
            for &course in &learner.courses {
                history.simulate(self, learner, course);
                let number = first_enrolment + block.counts.enrolments;
                let one = One { simulation: self, learner, course, number, history: &history };
                let written = layout.enrolment(&mut block.tables, &one);
                block.counts.add_one(&history, &written);
                block.marks.extend(Mark::of(&history));
            }
        }
        block
    }
}

fn write_blocks<L: Layout, W: Write>(layout: &L, writers: &mut [W], blocks: &[Block]) -> Result<u64, SimulateError> {
    let write = |block: &Block| write_tables(layout.tables(), writers, block.tables.iter().map(Vec::as_slice));
    blocks.iter().map(write).sum()
}

/// Writes to each table its bytes and returns how many there were.
pub(crate) fn write_tables<'b, W: Write>(
    names: &[&str],
    writers: &mut [W],
    bytes: impl IntoIterator<Item = &'b [u8]>,
) -> Result<u64, SimulateError> {
    let mut written = 0;
    for ((writer, bytes), table) in writers.iter_mut().zip(bytes).zip(names) {
        writer.write_all(bytes).map_err(|source| SimulateError::Write { table: (*table).to_owned(), source })?;
        written += bytes.len() as u64;
    }
    Ok(written)
}
