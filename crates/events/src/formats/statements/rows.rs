//! Parsers of lines: for the survey, for repeated ids, and for events.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use std::hash::BuildHasher;

use rustc_hash::{FxBuildHasher, FxHashSet};

use super::kept::{BlockKeeper, KeptBlock};
use super::learner_ids::LearnerIds;
use super::lines_aside::LinesAside;
use super::parts::{BlockAttempts, PartSearch};
use super::statement::{
    Learner, Line, Statement, StatementParser, Unusable, course_without_dates, repeated_id, voided,
};
use super::statement_format::is_list;
use super::survey::Survey;
use super::taking::take_statement;
use crate::error::ReadError;
use crate::event_file::{EventFile, ReadMode, ReadPurpose};
use crate::formats::fields::each_line;
use crate::formats::marked_lines::MarkedLines;
use crate::formats::pair_lookup::PairLookup;
use crate::formats::repeats::{RepeatSearch, RowId, hash_of};
use crate::intake::{EventRow, Intake, UnenrolledRow};
use crate::row_limits::RowLimits;
use crate::tally::{BlockTally, Reason};
use crate::text::LineParser;

/// Lists the ids of statements that others say never held, by their hashes.
pub(super) type VoidedIds = FxHashSet<u64>;

/// Hands statements to a survey, and their ids and attempts to searches for those that do not count.
pub(super) struct SurveyLines<P> {
    pub(super) parser: P,
    pub(super) survey: Arc<Mutex<Survey>>,
    pub(super) search: Arc<RepeatSearch>,
    pub(super) parts: Arc<PartSearch>,
    pub(super) keeper: Arc<BlockKeeper>,
    /// Ids known to be voided.
    pub(super) voided: Arc<VoidedIds>,
    /// Lines known to repeat an id, of which some say something else.
    pub(super) repeats: Arc<MarkedLines>,
    /// All ids that the log voids, as far as it was read.
    pub(super) found_voided: Arc<Mutex<VoidedIds>>,
    /// The list of an envelope, where none is expected.
    pub(super) unexpected_list: Option<&'static [u8]>,
    /// Whether there was one all the same.
    pub(super) found_list: Arc<AtomicBool>,
    /// The instant at which the log is said to be taken.
    pub(super) as_of: Option<i64>,
    /// Number of the file among those of the log.
    pub(super) file: u32,
}

impl<P> SurveyLines<P> {
    fn is_later(&self, instant: i64) -> bool {
        self.as_of.is_some_and(|as_of| instant > as_of)
    }
}

impl<P: StatementParser> LineParser for SurveyLines<P> {
    fn parse(&self, block: &[u8], intake: &mut Intake<'_>) {
        let (mut found, mut kept) = (Survey::of_file(self.file), KeptBlock::default());
        let (mut ids, mut others) = (Ids::default(), Vec::new());
        let (mut scratch, mut attempts) = (P::Scratch::default(), BlockAttempts::default());
        let repeats = self.repeats.in_block(self.file, intake.block);
        each_line(block, intake, |line, number, intake| match self.parser.parse(line, &mut scratch) {
            Ok(Line::Statement(statement)) => {
                let hash = ids.hash(statement.id);
                if hash.is_some_and(|hash| self.voided.contains(&hash)) {
                    return intake.refuse(Reason::Voided, number, voided);
                }
                note_unknown_kind(&statement, intake);
                if self.is_later(statement.instant) {
                    let entry = found.add_later(&statement, &mut others);
                    kept.push(number, &statement, entry, &others);
                    return intake.use_row();
                }
                ids.add(hash, number, &statement);
                if repeats.has(number) {
                    return intake.refuse(Reason::RepeatedId, number, repeated_id);
                }
                let entry = found.add(&statement, &mut others);
                kept.push(number, &statement, entry, &others);
                if let Some(interaction) = statement.content.interaction() {
                    intake.note_object(interaction.object, interaction.object_id);
                }
                attempts.add(&statement, number);
                intake.use_row();
            }
            Ok(Line::Voiding { id, instant }) => {
                if !instant.is_some_and(|instant| self.is_later(instant)) {
                    let mut found = self.found_voided.lock().unwrap_or_else(PoisonError::into_inner);
                    found.extend(ids.hash(id));
                }
                intake.refuse(Reason::Voided, number, voided);
            }
            Err(unusable) => {
                if self.unexpected_list.is_some_and(|list| is_list(line, list)) {
                    self.found_list.store(true, Ordering::Relaxed);
                }
                refuse(intake, number, unusable);
            }
        });
        let places = self.survey.lock().unwrap_or_else(PoisonError::into_inner).absorb(&found);
        kept.renumber(&places);
        kept.names = std::mem::take(&mut intake.parsed.object_names);
        self.keeper.add(intake.block, kept);
        self.search.take(self.file, intake.block, &ids.rows);
        self.parts.take(self.file, intake.block, &attempts);
    }
}

/// Hands ids and attempts alone to searches.
pub(super) struct IdLines<P> {
    pub(super) parser: P,
    pub(super) search: Arc<RepeatSearch>,
    pub(super) parts: Arc<PartSearch>,
    /// Ids of statements that never held.
    pub(super) voided: Arc<VoidedIds>,
    /// The instant at which the log is said to be taken.
    pub(super) as_of: Option<i64>,
    /// Number of the file among those of the log.
    pub(super) file: u32,
}

impl<P: StatementParser> LineParser for IdLines<P> {
    fn parse(&self, block: &[u8], intake: &mut Intake<'_>) {
        let (mut ids, mut attempts) = (Ids::default(), BlockAttempts::default());
        let mut scratch = P::Scratch::default();
        each_line(block, intake, |line, number, _| {
            if let Ok(Line::Statement(statement)) = self.parser.parse(line, &mut scratch) {
                let hash = ids.hash(statement.id);
                let is_later = self.as_of.is_some_and(|as_of| statement.instant > as_of);
                if !is_later && !hash.is_some_and(|hash| self.voided.contains(&hash)) {
                    ids.add(hash, number, &statement);
                    attempts.add(&statement, number);
                }
            }
        });
        self.search.take(self.file, intake.block, &ids.rows);
        self.parts.take(self.file, intake.block, &attempts);
    }
}

/// Holds the ids of a block.
#[derive(Default)]
struct Ids {
    rows: Vec<RowId>,
    room: Vec<u8>,
}

impl Ids {
    /// Adds the statement on line `line`, whose id has this hash.
    fn add(&mut self, hash: Option<u64>, line: u64, statement: &Statement<'_>) {
        let Some(hash) = hash else { return };
        let content = FxBuildHasher.hash_one((statement.course, statement.instant, statement.content)) as u32;
        self.rows.push(RowId { hash, line: line as u32, content });
    }

    /// Returns the hash of an id; `None` where there is none.
    fn hash(&mut self, id: &[u8]) -> Option<u64> {
        // They are UUIDs, which are the same in any case of letters (RFC 9562, section 4).
        self.room.clear();
        self.room.extend(id.iter().map(u8::to_ascii_lowercase));
        hash_of(&self.room)
    }
}

/// Turns statements into events.
pub(super) struct EventLines<P> {
    pub(super) parser: P,
    pub(super) pairs: Arc<PairLookup>,
    pub(super) learners: Arc<LearnerIds>,
    pub(super) aside: LinesAside,
    pub(super) voided: Arc<VoidedIds>,
    /// Number of the file among those of the log.
    pub(super) file: u32,
}

impl<P: StatementParser> LineParser for EventLines<P> {
    fn parse(&self, block: &[u8], intake: &mut Intake<'_>) {
        let mut scratch = P::Scratch::default();
        let (mut ids, mut room) = (Ids::default(), Vec::new());
        let aside = self.aside.in_block(self.file, intake.block);
        each_line(block, intake, |line, number, intake| {
            let statement = match self.parser.parse(line, &mut scratch) {
                Ok(Line::Statement(statement)) => statement,
                Ok(Line::Voiding { .. }) => return intake.refuse(Reason::Voided, number, voided),
                Err(unusable) => return refuse(intake, number, unusable),
            };
            if !self.voided.is_empty() && ids.hash(statement.id).is_some_and(|hash| self.voided.contains(&hash)) {
                return intake.refuse(Reason::Voided, number, voided);
            }
            note_unknown_kind(&statement, intake);
            if aside.refuse(number, intake) {
                return;
            }
            let Some(course) = self.pairs.course(statement.course) else {
                return intake.refuse(Reason::UnknownCourse, number, course_without_dates);
            };
            let mut event = |learner: Learner<'_>, kind: u8, object| {
                self.pairs.enrolment(course, self.learners.id(learner, &mut room)).map(|enrolment| EventRow {
                    line: number,
                    enrolment,
                    instant: statement.instant,
                    kind,
                    object,
                    count: 1,
                })
            };
            let role = statement.content.role();
            let unenrolled = UnenrolledRow { line: number, course, instant: statement.instant, role };
            let Some(interaction) = statement.content.interaction() else {
                return take_statement(intake, unenrolled, None, std::iter::empty());
            };
            intake.note_object(interaction.object, interaction.object_id);
            let done = event(interaction.learner, interaction.kind, interaction.object);
            let others = interaction.others.each(interaction.kind);
            let others = others.filter_map(|(learner, kind)| event(learner, kind, interaction.object));
            take_statement(intake, unenrolled, done, others);
        });
    }
}

/// Counts a statement of a kind that the format does not know, whatever becomes of it: when it is kept, its name is not.
fn note_unknown_kind(statement: &Statement<'_>, intake: &mut Intake<'_>) {
    let Some(interaction) = statement.content.interaction() else { return };
    let Some(name) = interaction.unknown_kind else { return };
    let learner = match interaction.learner {
        Learner::Named(name) | Learner::Account { name, .. } => hash_of(name).unwrap_or_default(),
        Learner::Numbered(number) => number,
    };
    intake.note_unknown_kind(name, learner);
}

fn refuse(intake: &mut Intake<'_>, line: u64, Unusable { reason, what }: Unusable) {
    intake.refuse(reason, line, || what.into_owned());
}

/// Holds the counts of the lines of each block of a file, in order.
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
