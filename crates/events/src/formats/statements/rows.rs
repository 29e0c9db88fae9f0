//! Parsers of lines: for the survey, for repeated ids, and for events.

use std::sync::{Arc, Mutex, PoisonError};

use super::kept::{BlockKeeper, KeptBlock};
use super::statement::{StatementParser, Unusable, course_without_dates, repeated_id, unknown_learner};
use super::survey::Survey;
use crate::error::ReadError;
use crate::event_file::{EventFile, ReadMode, ReadPurpose};
use crate::formats::fields::each_line;
use crate::formats::pair_lookup::PairLookup;
use crate::formats::repeats::{RepeatSearch, Repeats, hash_of};
use crate::intake::{EventRow, Intake};
use crate::row_limits::RowLimits;
use crate::tally::{BlockTally, Reason, Tally};
use crate::text::LineParser;

/// Hands statements to a survey, and their ids to a search for those that come again.
pub(super) struct SurveyLines<P> {
    pub(super) parser: P,
    pub(super) survey: Arc<Mutex<Survey>>,
    pub(super) search: Arc<RepeatSearch>,
    pub(super) keeper: Arc<BlockKeeper>,
    /// Number of the file among those of the log.
    pub(super) file: u32,
}

impl<P: StatementParser> LineParser for SurveyLines<P> {
    fn parse(&self, block: &[u8], intake: &mut Intake<'_>) {
        let (mut found, mut kept) = (Survey::default(), KeptBlock::default());
        let mut ids = Ids::default();
        let mut scratch = P::Scratch::default();
        each_line(block, intake, |line, number, intake| match self.parser.parse(line, &mut scratch) {
            Ok(statement) => {
                let entries = found.add(&statement);
                kept.push(number, &statement, entries);
                ids.add(statement.id, number);
                intake.use_row();
            }
            Err(unusable) => refuse(intake, number, unusable),
        });
        let places = self.survey.lock().unwrap_or_else(PoisonError::into_inner).absorb(&found);
        kept.renumber(&places);
        self.keeper.add(intake.block, kept);
        self.search.take(self.file, intake.block, &ids.hashes);
    }
}

/// Hands ids alone to a search.
pub(super) struct IdLines<P> {
    pub(super) parser: P,
    pub(super) search: Arc<RepeatSearch>,
    /// Number of the file among those of the log.
    pub(super) file: u32,
}

impl<P: StatementParser> LineParser for IdLines<P> {
    fn parse(&self, block: &[u8], intake: &mut Intake<'_>) {
        let mut ids = Ids::default();
        let mut scratch = P::Scratch::default();
        each_line(block, intake, |line, number, _| {
            if let Ok(statement) = self.parser.parse(line, &mut scratch) {
                ids.add(statement.id, number);
            }
        });
        self.search.take(self.file, intake.block, &ids.hashes);
    }
}

/// Ids of a block.
#[derive(Default)]
struct Ids {
    /// Their hashes, each with its line.
    hashes: Vec<(u64, u64)>,
    room: Vec<u8>,
}

impl Ids {
    fn add(&mut self, id: &[u8], line: u64) {
        // They are UUIDs, which are the same in any case of letters (RFC 9562, section 4).
        self.room.clear();
        self.room.extend(id.iter().map(u8::to_ascii_lowercase));
        self.hashes.extend(hash_of(&self.room).map(|hash| (hash, line)));
    }
}

/// Turns statements into events.
pub(super) struct EventLines<P> {
    pub(super) parser: P,
    pub(super) pairs: Arc<PairLookup>,
    pub(super) repeats: Arc<Repeats>,
    /// Number of the file among those of the log.
    pub(super) file: u32,
}

impl<P: StatementParser> LineParser for EventLines<P> {
    fn parse(&self, block: &[u8], intake: &mut Intake<'_>) {
        let mut scratch = P::Scratch::default();
        let repeats = self.repeats.in_block(self.file, intake.block);
        each_line(block, intake, |line, number, intake| {
            let statement = match self.parser.parse(line, &mut scratch) {
                Ok(statement) => statement,
                Err(unusable) => return refuse(intake, number, unusable),
            };
            if repeats.has(number) {
                return intake.refuse(Reason::RepeatedId, number, repeated_id);
            }
            let Some(course) = self.pairs.course(statement.course) else {
                return intake.refuse(Reason::UnknownCourse, number, course_without_dates);
            };
            let Some(interaction) = statement.content.interaction() else {
                // It says who is enrolled, and the roster has it.
                return intake.use_row();
            };
            let row = |learner: &[u8], kind: u8| {
                self.pairs.enrolment(course, learner).map(|enrolment| EventRow {
                    line: number,
                    enrolment,
                    instant: statement.instant,
                    kind,
                    object: interaction.object,
                    count: 1,
                })
            };
            let Some(done) = row(interaction.learner, interaction.kind) else {
                return intake.refuse(Reason::UnknownEnrolment, number, unknown_learner);
            };
            match interaction.received.and_then(|(learner, kind)| row(learner, kind)) {
                Some(received) => intake.take_rows(done.line, [done, received].into_iter()),
                None => intake.take_row(done),
            }
        });
    }
}

fn refuse(intake: &mut Intake<'_>, line: u64, Unusable { reason, what }: Unusable) {
    intake.refuse(reason, line, || what.into_owned());
}

/// Counts of the lines of each block of a file, in order.
pub(super) type Tallies = Vec<(usize, BlockTally)>;

/// Reads `file` for the counts of its lines. Returns its hash too, where reading it gives it.
pub(super) fn read_for_tallies(
    file: &dyn EventFile,
    limits: &RowLimits,
    mode: ReadMode,
) -> Result<(Tallies, Option<String>), ReadError> {
    let blocks: Mutex<Tallies> = Mutex::default();
    let sink = |number, parsed: crate::parsed_block::ParsedBlock| {
        blocks.lock().unwrap_or_else(PoisonError::into_inner).push((number, parsed.tally));
        Ok(())
    };
    let hash = mode.read(file, ReadPurpose::Events, limits, &sink, &|_| ())?;
    let mut blocks = blocks.into_inner().unwrap_or_else(PoisonError::into_inner);
    blocks.sort_unstable_by_key(|(number, _)| *number);
    Ok((blocks, hash))
}

/// Joins the tallies of a file's blocks.
pub(super) fn join_tallies(file: &dyn EventFile, blocks: Tallies) -> Tally {
    let (name, mut line, mut whole) = (file.name(), file.first_line(), Tally::default());
    for (_, tally) in blocks {
        let lines = tally.lines;
        whole.append(tally.place(&name, line));
        line += lines;
    }
    whole
}
