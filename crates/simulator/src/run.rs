//! Running a simulation: blocks of learners are simulated in parallel and written in order.

use std::io::Write;

use rayon::prelude::*;

use crate::checked::Simulation;
use crate::counts::SimulationCounts;
use crate::error::SimulateError;
use crate::formats::kdd2015::{self, HEADERS, Kdd2015, Kdd2015Tables};
use crate::formats::layout::{LOG, Layout, SimulatedEnrolment};
use crate::history::History;
use crate::learner::{self, Learner};
use crate::messages::MessageCounts;
use crate::progress::{Progress, Stage};
use crate::ranking::{RankedForecast, Rankings, WeekRanking};

/// Counts the learners simulated as one piece of work. It is fixed, so that the pieces do not depend on the number of
/// threads.
const BLOCK: u64 = 64;
/// Counts the blocks per thread that are simulated while earlier ones are written.
const BLOCKS_A_THREAD: usize = 4;

/// Holds the simulated tables of a block of learners.
struct Block<const TABLES: usize> {
    tables: [Vec<u8>; TABLES],
    ranked: Vec<RankedForecast>,
    counts: SimulationCounts,
    /// Rows of the table of effects.
    effects: Vec<u8>,
    messages: MessageCounts,
}

/// Holds the outcome of a simulation.
#[derive(Debug)]
pub(crate) struct RunOutcome {
    /// Counts; `log_bytes` are those that [`Simulation::run`] wrote.
    pub(crate) counts: SimulationCounts,
    pub(crate) rankings: Vec<WeekRanking>,
    /// Rows of the table of effects, of about 50 bytes each.
    pub(crate) effects: Vec<u8>,
    pub(crate) messages: MessageCounts,
}

impl Simulation {
    /// Writes all tables of KDD Cup 2015's layout. Calls `progress` on the caller's thread now and then.
    ///
    /// Rows are in order of enrolment and, within one, of time, except for devices with wrong clocks. Equal simulations write
    /// equal bytes for any number of threads of the current rayon pool.
    ///
    /// Held in memory: eight blocks of 64 learners per thread, where a learner takes about 20 KB by default, in proportion to
    /// `activity.scale`; 16 bytes for every 64 learners; half a megabyte for every week; the courses.
    ///
    /// # Errors
    /// [`SimulateError::Write`], naming the table whose writer failed.
    pub fn write<W: Write + Send>(
        &self,
        tables: &mut Kdd2015Tables<W>,
        progress: &dyn Fn(Progress),
    ) -> Result<SimulationCounts, SimulateError> {
        let layout = Kdd2015::new(self);
        let mut writers = tables.each_mut().into_array();
        let heads = HEADERS.each_ref().into_array().map(|header| header.as_bytes());
        let bytes = write_tables(&Kdd2015::TABLE_NAMES, &mut writers, heads)?;
        let courses = kdd2015::course_tables(self).into_array();
        let bytes = bytes + write_tables(&Kdd2015::TABLE_NAMES, &mut writers, courses.each_ref().map(Vec::as_slice))?;
        let mut outcome = self.run(&layout, &mut writers, bytes, progress)?;
        outcome.counts.log_bytes += heads[LOG].len() as u64;
        Ok(outcome.counts)
    }

    /// Writes every enrolment to the tables of `layout`, with one of `writers` for each table in order. `bytes` were written
    /// before and are added to the count.
    ///
    /// # Errors
    /// [`SimulateError::Write`], naming the table whose writer failed.
    pub(crate) fn run<const TABLES: usize, L: Layout<TABLES>, W: Write + Send>(
        &self,
        layout: &L,
        writers: &mut [W],
        bytes: u64,
        progress: &dyn Fn(Progress),
    ) -> Result<RunOutcome, SimulateError> {
        assert_eq!(writers.len(), TABLES, "there is one writer for each table");
        let mut counts =
            SimulationCounts { bytes, ..SimulationCounts::new(self.config.learners, self.config.intents.len()) };
        let mut rankings = Rankings::new(self.config.weeks);
        let (mut effects, mut messages) = (Vec::new(), MessageCounts::default());
        let firsts = self.first_enrolments();
        let indices: Vec<u64> = (0..firsts.len() as u64).collect();
        // Order is kept for any value, so the bytes do not depend on it.
        let at_once = BLOCKS_A_THREAD * rayon::current_num_threads();
        let mut ready: Vec<Block<TABLES>> = Vec::new();
        let mut learners_written = 0;
        // There is one round more than groups: the last round only writes.
        for group in indices.chunks(at_once).chain([[].as_slice()]) {
            let (written, next) = rayon::join(
                || write_blocks(&L::TABLE_NAMES, writers, &ready),
                || -> Vec<Block<TABLES>> {
                    let block = |&index: &u64| self.block(layout, index, firsts[index as usize]);
                    group.par_iter().map(block).collect()
                },
            );
            counts.bytes += written?;
            for block in &ready {
                counts.add(&block.counts);
                effects.extend_from_slice(&block.effects);
                messages.add_all(&block.messages);
                counts.log_bytes += block.tables[LOG].len() as u64;
                for &forecast in &block.ranked {
                    rankings.add(forecast);
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
        for (writer, table) in writers.iter_mut().zip(L::TABLE_NAMES) {
            writer.flush().map_err(|source| SimulateError::Write { table: table.to_owned(), source })?;
        }
        Ok(RunOutcome { counts, rankings: rankings.by_week(), effects, messages })
    }

    /// Returns the numbers of a block's learners.
    fn learners_of(&self, block: u64) -> std::ops::Range<u64> {
        block * BLOCK..((block + 1) * BLOCK).min(self.config.learners)
    }

    /// Returns by block the number of its first enrolment, from 1.
    fn first_enrolments(&self) -> Vec<u64> {
        let count = |block| -> u64 {
            let each = |number| learner::count_enrolments(self, number);
            self.learners_of(block).map(each).sum()
        };
        let mut firsts: Vec<u64> = (0..self.config.learners.div_ceil(BLOCK)).into_par_iter().map(count).collect();
        let mut next = 1;
        for first in &mut firsts {
            next += std::mem::replace(first, next);
        }
        firsts
    }

    /// Simulates a block of learners.
    fn block<const TABLES: usize, L: Layout<TABLES>>(
        &self,
        layout: &L,
        index: u64,
        first_enrolment: u64,
    ) -> Block<TABLES> {
        let mut block = Block {
            tables: [const { Vec::new() }; TABLES],
            ranked: Vec::new(),
            counts: SimulationCounts::new(0, self.config.intents.len()),
            effects: Vec::new(),
            messages: MessageCounts::default(),
        };
        let mut history = History::default();
        for number in self.learners_of(index) {
            let learner = &Learner::new(self, number);
            for &course in &learner.courses {
                let number = first_enrolment + block.counts.enrolments;
                let id = (!self.messages.is_empty()).then(|| layout.enrolment_id(self, course, learner.number, number));
                let message = id.as_deref().and_then(|id| self.messages.of(id));
                history.simulate(self, learner, course, message);
                if let (Some(truth), Some(id)) = (&history.message, &id) {
                    truth.push(&mut block.effects, id);
                    block.messages.add(truth);
                }
                let one = SimulatedEnrolment { simulation: self, learner, course, number, history: &history };
                let written = layout.push_enrolment(&mut block.tables, &one);
                block.counts.add_one(&history, &written);
                block.ranked.extend(RankedForecast::each_cut_off(&history));
            }
        }
        block
    }
}

/// Writes blocks; returns the number of bytes.
fn write_blocks<const TABLES: usize, W: Write>(
    names: &[&str; TABLES],
    writers: &mut [W],
    blocks: &[Block<TABLES>],
) -> Result<u64, SimulateError> {
    let write = |block: &Block<TABLES>| write_tables(names, writers, block.tables.each_ref().map(Vec::as_slice));
    blocks.iter().map(write).sum()
}

/// Writes bytes to each table; returns their number.
pub(crate) fn write_tables<const TABLES: usize, W: Write>(
    names: &[&str; TABLES],
    writers: &mut [W],
    bytes: [&[u8]; TABLES],
) -> Result<u64, SimulateError> {
    let mut written = 0;
    for ((writer, bytes), table) in writers.iter_mut().zip(bytes).zip(names) {
        writer.write_all(bytes).map_err(|source| SimulateError::Write { table: (*table).to_owned(), source })?;
        written += bytes.len() as u64;
    }
    Ok(written)
}
