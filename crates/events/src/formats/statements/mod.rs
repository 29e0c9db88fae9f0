//! Reads logs that consist of statements alone: somebody did something, in a course, at an instant. There are no tables
//! beside them, so who is enrolled and when courses run is learnt from the statements themselves.
//!
//! The log is gone through twice. The first time ([`survey`]) finds
//!
//! - the enrolments: every pair of a learner and a course that a statement names, unless the statement is about somebody
//!   else ([`Part`]), or all that is said of them is set aside: an event far from the course or after it enrols nobody.
//!   An enrolment's id is `<course>/<learner>`. Staff who try their course out, and visitors of a
//!   course's public pages who are logged in, are learners too, as no statement says what they are;
//! - the learners' ids ([`learner_ids`]): of those known by number, the name that other statements give the number; of
//!   accounts, the name, and the site if it is not that of the earliest statement;
//! - since when somebody was enrolled: the first statement that says so, unless they withdrew or did something in the
//!   course before that (they were then enrolled before the log begins, nobody knows since when, or only visited the course
//!   until then, which nothing told apart from learning in it; either way they are known from what they did first);
//! - whether withdrawals are recorded: in logs of Open edX's courses, which have a statement for them, and in no others.
//!   It does not rest on whether anybody did withdraw: a log has to be read the same way before the first one;
//! - when somebody withdrew: the *first* statement that says so. Whoever comes back after that counts as withdrawn all
//!   the same: were it not so, what is known at a cut-off would depend on what came after it;
//! - how it ended, for labels alone: completed where a statement says so, else withdrawn where the last statement about
//!   the enrolment says so, else nothing;
//! - when courses run, unless a file of dates says it: from the day of the first statement to the day of the last, both
//!   included, where facts about learners do not count unless there is nothing else (people enrol for months before a
//!   course begins, and certificates are made long after). Such a calendar is marked as inferred: it can look past a cut-off.
//!
//! The second time gives the events, each statement once: of those that bear one id, the first in the order of the
//! files and their lines counts, and the others are set aside as `repeated_id`, whatever they say. Of those about one
//! attempt at a problem one counts, too ([`parts`]). (A platform that is
//! not sure that a statement arrived sends it again.) The survey takes all of them: a statement that comes twice adds
//! nothing new. One that another statement voids says nothing, in either reading: where there are such, the first reading
//! is done again, knowing them.
//!
//! It takes no second reading: what statements say is kept from the first, 24 bytes each, up to 256 MiB of them; only
//! files past that are read again ([`kept`]).
//!
//! The survey holds an entry for each enrolment, about 60 bytes and the learner's name, and one of 45 bytes for each user id,
//! whatever the length of the log, and ids of some
//! millions of statements at a time ([`super::repeats`]): a log of more is read once more for each 3.7 million.

mod byte_texts;
mod history;
mod kept;
mod learner_ids;
mod lines_aside;
mod parts;
mod rows;
mod statement;
mod statement_format;
mod survey;
mod taking;
mod user_ids;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

pub(super) use self::learner_ids::{site, with_small_host};
pub(super) use self::statement::{
    AttemptRole, Content, EnrolmentChange, EnrolmentReport, GroupMember, Interaction, Learner, Line, Others, Part,
    Statement, StatementParser, Success, Unusable, resolved,
};
pub(super) use self::statement_format::{Layout, StatementFormat};

use self::kept::{BlockKeeper, KeptFile, KeptStatements, MemoryBudget};
use self::lines_aside::LinesAside;
use self::parts::PartSearch;
use self::rows::{EventLines, IdLines, SurveyLines, VoidedIds};
use self::statement_format::StatementLog;
use self::survey::Survey;
use super::calendar::{CalendarEntry, read_calendar_of};
use super::course_ids::course_key;
use super::log_format::{OpenRequest, inputs_with_role, missing_table};
use super::marked_lines::MarkedLines;
use super::pair_lookup::PairLookup;
use super::repeats::RepeatSearch;
use crate::capabilities::Capabilities;
use crate::error::ReadError;
use crate::event_file::{EventFile, ReadPurpose, join_block_tallies, read_next_files};
use crate::file_head::FileHead;
use crate::first_lines::FirstLines;
use crate::input;
use crate::kind::EventKind;
use crate::offered::FileReport;
use crate::roster::Roster;
use crate::row_limits::RowLimits;
use crate::source::{DatesFrom, Granularity, Source, SourceLabels};
use crate::source_inputs::InputFile;
use crate::tally::Tally;

/// Opens the logs among the files of `request`, whose lines `parser` parses into events of these `kinds`.
///
/// # Errors
/// When there is no log, a file can't be read, no line is about a learner in a course, or the events of a course lie
/// too far apart to infer when it runs.
pub(super) fn open<P: StatementParser>(
    request: &OpenRequest<'_>,
    format: &StatementFormat,
    parser: &P,
    kinds: Vec<EventKind>,
) -> Result<Source, ReadError> {
    let mut heads = request.heads_with("log");
    heads.retain(|head| Some(head.path()) != request.courses);
    let Some(first) = heads.first() else {
        return Err(missing_table(format.name, "log", format.description));
    };
    let mut logs: Vec<StatementLog> =
        heads.iter().map(|head| StatementLog::new(Arc::clone(head), format.layout)).collect();
    let first_lines = Arc::new(FirstLines::new(heads.iter()));
    let FirstReading { mut survey, aside, voided, tally: surveyed, kept } =
        read_first(&mut logs, parser, request, &first_lines)?;
    let mut tables = Tally::default();
    let calendar = request.courses_head()?;
    let entries = calendar.as_ref().map(|file| read_calendar_of(file, course_key, &mut tables)).transpose()?;
    let (courses, stray_days) = match &entries {
        Some(entries) => (entries.iter().map(CalendarEntry::to_course).collect(), Vec::new()),
        None => survey.inferred_courses()?,
    };
    let dates_from = if calendar.is_some() { DatesFrom::Tables } else { DatesFrom::Events };
    let withdrawals = survey.records_withdrawals();
    let learners = Arc::new(survey.learner_ids());
    let file_names: Vec<String> = heads.iter().map(|head| input::file_name(head.path())).collect();
    let shared_ids = survey.end_user_ids(&file_names);
    // More come when entries of one learner are joined, of which no statement is.
    let surveyed_entries = survey.len();
    let found = survey.enrolments(&courses, &stray_days, &learners, dates_from);
    let notices = survey.several_sites().into_iter().chain(shared_ids).collect();
    let roster = Roster { stray_days, not_yet_known: found.not_yet_known, ..Roster::new(courses, found.all) };
    if roster.enrolments.is_empty() {
        let later = roster.not_yet_known.len() as u64;
        return Err(nobody(first, &surveyed, [found.left_out.total(), found.set_aside, later]));
    }
    let pairs = Arc::new(PairLookup::new(&roster));
    let places = Arc::new(kept::places(surveyed_entries, &survey, &learners, &pairs));
    drop(survey);
    let mut events: Vec<Box<dyn EventFile>> = Vec::new();
    for ((log, kept), number) in logs.iter().zip(kept).zip(0..) {
        let lines = EventLines {
            parser: parser.clone(),
            pairs: Arc::clone(&pairs),
            learners: Arc::clone(&learners),
            aside: aside.clone(),
            voided: Arc::clone(&voided),
            file: number,
        };
        let file = Box::new(log.text_file(lines)?);
        let (kept, places) = (Mutex::new(kept.map(Arc::new)), Arc::clone(&places));
        let (aside, objects) = (aside.clone(), request.objects);
        events.push(Box::new(KeptStatements { file, kept, places, aside, number, objects }));
    }
    let mut inputs: Vec<InputFile> = inputs_with_role("log", &heads).collect();
    inputs.extend(inputs_with_role("calendar", calendar.as_slice()));
    Ok(Source {
        format: format.name,
        reason: request.reason.clone(),
        as_of: request.as_of,
        roster,
        tables,
        left_out: found.left_out,
        learners_set_aside: found.set_aside,
        only_about_others: found.only_about_others,
        capabilities: Capabilities {
            time_of_day: true,
            objects: true,
            dates: true,
            learners: true,
            correctness: true,
            withdrawals,
            ..Capabilities::default()
        }
        .with_kinds(&kinds),
        granularity: Granularity::Second,
        kinds,
        labels: SourceLabels::Nothing,
        inputs,
        notices,
        files: FileReport::default(),
        events,
        first_lines: vec![first_lines],
    })
}

/// Holds the outcome of reading a log for the first time.
struct FirstReading {
    survey: Survey,
    aside: LinesAside,
    /// Ids of the statements that others void.
    voided: Arc<VoidedIds>,
    /// Counts of the lines, for the case that nobody is enrolled.
    tally: Tally,
    /// By file: its statements, where there was room for them.
    kept: Vec<Option<KeptFile>>,
}

/// Reads the log for who is enrolled and when courses run, and for statements that come again. Keeps its statements, as
/// far as there is room.
fn read_first<P: StatementParser>(
    logs: &mut [StatementLog],
    parser: &P,
    request: &OpenRequest<'_>,
    first_lines: &Arc<FirstLines>,
) -> Result<FirstReading, ReadError> {
    let (mut voided, mut repeats) = (Arc::default(), None);
    loop {
        let known = (Arc::clone(&voided), repeats.clone().unwrap_or_default());
        let (read, found) = read_with(known, logs, parser, request, first_lines)?;
        // Lists may stand in a log of lines beyond its head.
        let with_lists = logs.iter_mut().zip(&found.lists).filter(|(_, found)| **found);
        let again = with_lists.map(|(log, _)| log.read_as_objects()).count() > 0;
        // A statement may be voided by one that comes later, so what is voided has to be known before anything counts.
        let all_voided_known = found.voided == *voided;
        // The same goes for ids that come again: what does not count may say something else than what does.
        if !again && all_voided_known && (repeats.is_some() || !found.repeats_differ) {
            return Ok(read);
        }
        repeats = (!again && all_voided_known).then_some(read.aside.repeats);
        voided = Arc::new(found.voided);
    }
}

/// Holds what has to be known before a log is read.
struct Found {
    /// Ids of the statements that others void.
    voided: VoidedIds,
    /// Whether any statement says something else than the first of its id.
    repeats_differ: bool,
    /// By file: whether a list stood in it where single statements were expected.
    lists: Vec<bool>,
}

/// Reads the log as [`read_first`] does, knowing which statements are voided, and which lines repeat an id. Returns what it
/// found that has to be known before, too.
fn read_with<P: StatementParser>(
    (voided, repeats): (Arc<VoidedIds>, Arc<MarkedLines>),
    logs: &[StatementLog],
    parser: &P,
    &OpenRequest { block_bytes, as_of, objects, .. }: &OpenRequest<'_>,
    first_lines: &Arc<FirstLines>,
) -> Result<(FirstReading, Found), ReadError> {
    let found_voided: Arc<Mutex<VoidedIds>> = Arc::default();
    let (survey, budget) = (Arc::default(), Arc::new(MemoryBudget::default()));
    let (search, parts) = (Arc::new(RepeatSearch::default()), Arc::new(PartSearch::default()));
    let limits = RowLimits::without_enrolments().with_objects(objects);
    let keepers: Vec<Arc<BlockKeeper>> = logs.iter().map(|_| Arc::new(BlockKeeper::new(&budget))).collect();
    let lists: Vec<Arc<AtomicBool>> = logs.iter().map(|_| Arc::default()).collect();
    let mut files: Vec<Box<dyn EventFile>> = Vec::new();
    for (((log, keeper), found_list), file) in logs.iter().zip(&keepers).zip(&lists).zip(0..) {
        let lines = SurveyLines {
            parser: parser.clone(),
            survey: Arc::clone(&survey),
            search: Arc::clone(&search),
            parts: Arc::clone(&parts),
            keeper: Arc::clone(keeper),
            voided: Arc::clone(&voided),
            repeats: Arc::clone(&repeats),
            found_voided: Arc::clone(&found_voided),
            unexpected_list: log.unexpected_list(),
            found_list: Arc::clone(found_list),
            as_of,
            file,
        };
        let mut lines = log.text_file(lines)?;
        lines.set_block_bytes(block_bytes);
        lines.watch(first_lines);
        files.push(Box::new(lines));
    }
    let (mut tally, mut kept) = (Tally::default(), Vec::new());
    while kept.len() < files.len() {
        let read = |file: usize, mode| rows::read_for_tallies(files[file].as_ref(), &limits, mode);
        for read in read_next_files(&files, kept.len(), read) {
            let (tallies, hash) = read?;
            let file = kept.len();
            kept.push(keepers[file].finish(&tallies, hash));
            tally.append(join_block_tallies(files[file].as_ref(), tallies.into_iter().map(|(_, block)| block)));
        }
    }
    // Both are asked, as each takes what it found so far.
    while search.needs_another_reading() | parts.needs_another_reading() {
        for (log, file) in logs.iter().zip(0..) {
            let lines = IdLines {
                parser: parser.clone(),
                search: Arc::clone(&search),
                parts: Arc::clone(&parts),
                voided: Arc::clone(&voided),
                as_of,
                file,
            };
            let mut lines = log.text_file(lines)?;
            lines.set_block_bytes(block_bytes);
            lines.read(ReadPurpose::Events, &limits, &|_, _| Ok(()), &|_| ())?;
        }
    }
    let survey = std::mem::take(&mut *survey.lock().unwrap_or_else(PoisonError::into_inner));
    let found = Found {
        voided: std::mem::take(&mut *found_voided.lock().unwrap_or_else(PoisonError::into_inner)),
        repeats_differ: search.any_differs(),
        lists: lists.iter().map(|found| found.load(Ordering::Relaxed)).collect(),
    };
    let aside = LinesAside { repeats: Arc::new(search.found()), parts: Arc::new(parts.found()) };
    Ok((FirstReading { survey, aside, voided, tally, kept }, found))
}

/// Makes the error that nobody is enrolled. Counts the learners whose courses have no dates, those of whom all events are set
/// aside, and those who come after the instant of the log.
fn nobody(file: &FileHead, surveyed: &Tally, [without_course, set_aside, later]: [u64; 3]) -> ReadError {
    if surveyed.read == 0 {
        return ReadError::Empty { path: file.path().to_owned(), table: "log".to_owned() };
    }
    let reasons = match (without_course, set_aside) {
        (0, _) if later > 0 => format!("the first events of {later} learners are after the instant of the log"),
        (0, 0) => surveyed.describe_unused(),
        (enrolments, 0) => format!("none of the courses of its {enrolments} enrolments has dates"),
        (0, learners) => format!("all events of its {learners} learners are outside the dates of their courses"),
        (enrolments, learners) => format!(
            "the courses of {enrolments} enrolments have no dates, and all events of {learners} other learners are outside \
             the dates of their courses"
        ),
    };
    ReadError::NobodyInLog { path: file.path().to_owned(), rows: surveyed.read, reasons }
}
