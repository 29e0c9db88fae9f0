//! What logs have in common that consist of statements alone: somebody did something, in a course, at an instant. There
//! are no tables beside them, so who is enrolled and when courses run is learnt from the statements themselves.
//!
//! The log is gone through twice. The first time ([`survey`]) finds
//!
//! - the enrolments: every pair of a learner and a course that a statement names. An enrolment's id is
//!   `<course>/<learner>`. Staff who try their course out, and visitors of a course's public pages who are logged in,
//!   are learners too, as no statement says what they are;
//! - since when somebody was enrolled: the first statement that says so, unless they withdrew or did something in the
//!   course before that (they were then enrolled before the log begins, nobody knows since when, or only visited the course
//!   until then, which nothing told apart from learning in it; either way they are known from what they did first);
//! - whether withdrawals are recorded: in logs of Open edX's courses, which have a statement for them, and in no others.
//!   It does not rest on whether anybody did withdraw: a log has to be read the same way before the first one;
//! - when somebody withdrew: the *first* statement that says so. Whoever comes back after that counts as withdrawn all
//!   the same: were it not so, what is known at a cut-off would depend on what came after it;
//! - how it ended, for labels alone: completed where a statement says so, else withdrawn where the last statement about
//!   the enrolment says so, else nothing;
//! - when courses run, unless `--courses FILE` says it: from the day of the first statement to the day of the last, both
//!   included, where statements that only enrol or withdraw somebody do not count unless there is nothing else (people
//!   enrol for months before a course begins). Such a calendar is marked as inferred: it can look past a cut-off.
//!
//! The second time gives the events, each statement once: of those that bear one id, the first in the order of the
//! files and their lines counts, and the others are set aside as `repeated_id`, whatever they say. (A platform that is not
//! sure that a statement arrived sends it again.) The survey hears them all: to be told the same twice is to learn
//! nothing new.
//!
//! It takes no second reading: what statements say is kept from the first, 24 bytes each, up to 256 MiB of them; only files
//! past that are read again ([`kept`]).
//!
//! The survey holds an entry for each enrolment, about 150 bytes, whatever the length of the log, and ids of some millions
//! of statements at a time ([`super::repeats`]): a log of more is read once more for each 3.7 million.

mod kept;
mod rows;
mod survey;

use std::borrow::Cow;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use self::kept::{HeardFile, Keeping, KeptFile, Room};
use self::rows::{EventLines, IdLines, SurveyLines};
use self::survey::Survey;
use super::calendar::{CalendarEntry, read_calendar};
use super::pair_lookup::PairLookup;
use super::repeats::{Repeats, Search};
use crate::capabilities::Capabilities;
use crate::error::ReadError;
use crate::event::ObjectKey;
use crate::event_file::{EventFile, ReadPurpose, read_next_files};
use crate::input::{self, BOM, not_text};
use crate::json::{self, Broken, Text};
use crate::kind::EventKind;
use crate::objects::ObjectLines;
use crate::roster::Roster;
use crate::row_limits::RowLimits;
use crate::source::{Granularity, Source, SourceLabels};
use crate::source_inputs::InputFile;
use crate::tally::{Reason, Tally};
use crate::text::{LineParser, TextFile, lines};

/// What is looked at to tell what a file is.
const HEAD_BYTES: u64 = 1 << 16;

/// Something that a statement says about an enrolment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    Enrolled,
    Withdrew,
    Completed,
}

/// Whom a change is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Subject<'a> {
    /// A learner by the name that statements give.
    Named(&'a [u8]),
    /// A learner by a number, for which other statements may give a name. One that none names goes by `#` and the number.
    Numbered(u64),
}

/// What a learner did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Deed<'a> {
    pub(super) learner: &'a [u8],
    /// The learner's number, where the statement gives it beside the name.
    pub(super) number: Option<u64>,
    /// Index into the format's kinds.
    pub(super) kind: u8,
    pub(super) object: Option<ObjectKey>,
    /// Somebody whom it befell, and as what kind.
    pub(super) received: Option<(&'a [u8], u8)>,
}

/// What one line of a log says. At least one of `deed` and `change` is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Statement<'a> {
    pub(super) course: &'a [u8],
    /// Seconds since 1970-01-01T00:00:00.
    pub(super) instant: i64,
    /// An id of its own; empty where the format gives statements none.
    pub(super) id: &'a [u8],
    pub(super) deed: Option<Deed<'a>>,
    pub(super) change: Option<(Subject<'a>, Change)>,
}

/// Why a line says nothing that can be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Unusable {
    pub(super) reason: Reason,
    /// In words; names no learner.
    pub(super) what: Cow<'static, str>,
}

impl Unusable {
    pub(super) fn new(reason: Reason, what: impl Into<Cow<'static, str>>) -> Self {
        Self { reason, what: what.into() }
    }
}

impl From<Broken> for Unusable {
    fn from(Broken(what): Broken) -> Self {
        Self::new(Reason::Malformed, format!("not JSON: {what}"))
    }
}

/// Understands the lines of a format.
pub(super) trait Grammar: Clone + Send + Sync + 'static {
    /// Room for text that does not stand in the line as it is meant, used again for every line.
    type Scratch: Default;

    /// What `line`, which is not blank and is UTF-8, says.
    fn understand<'l>(&self, line: &'l [u8], scratch: &'l mut Self::Scratch) -> Result<Statement<'l>, Unusable>;
}

/// How a format's logs are told from other files, and what they are like.
pub(super) struct Look {
    pub(super) format: &'static str,
    /// How statements may stand in a file.
    pub(super) layout: Layout,
    /// Whether a line (or an object, by the layout) is a statement of the format.
    pub(super) fits: fn(&[u8]) -> bool,
    /// In words, what its logs are.
    pub(super) is: &'static str,
}

/// How a format's statements may stand in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Layout {
    /// One a line.
    Lines,
    /// One a line, or else in a text of JSON objects: an array, one after another, or in the list of this name of an
    /// envelope.
    Objects(&'static [u8]),
}

/// Opens the logs among `files`, whose lines a grammar understands and whose kinds stand beside it. `calendar` is a
/// `--courses` file.
///
/// # Errors
/// When there is no log, a file can't be read, no line is about a learner in a course, or it can't be told when a course
/// runs.
pub(super) fn open<G: Grammar>(
    files: &[PathBuf],
    calendar: Option<&Path>,
    reason: String,
    look: &Look,
    (grammar, kinds): (&G, Vec<EventKind>),
    block_bytes: usize,
) -> Result<Source, ReadError> {
    let others: Vec<PathBuf> = files.iter().filter(|path| Some(path.as_path()) != calendar).cloned().collect();
    let paths = sort_files(&others, look)?;
    let Some(first) = paths.first() else {
        return Err(ReadError::MissingTable {
            format: look.format,
            table: "log",
            where_: "the files given".to_owned(),
            what_to_do: look.is.to_owned(),
        });
    };
    let Heard { mut survey, repeats, told, kept } = hear(&paths, grammar, look.layout, (block_bytes, Room::default()))?;
    let repeats = Arc::new(repeats);
    let mut tables = Tally::default();
    let entries = calendar.map(|path| read_calendar(path, &mut tables)).transpose()?;
    let courses = match &entries {
        Some(entries) => entries.iter().map(CalendarEntry::to_course).collect(),
        None => survey.inferred_courses()?,
    };
    let withdrawals = survey.records_withdrawals();
    let keys = survey.keys();
    let (enrolments, without_course) = survey.enrolments(&courses);
    let roster = Roster::new(courses, enrolments);
    if roster.enrolments.is_empty() {
        return Err(nobody(first.clone(), &told, without_course));
    }
    let pairs = Arc::new(PairLookup::new(&roster));
    let places = Arc::new(kept::places(&keys, &survey, &pairs));
    let mut events: Vec<Box<dyn EventFile>> = Vec::new();
    for ((path, kept), number) in paths.iter().zip(kept).zip(0..) {
        let (pairs, repeats) = (Arc::clone(&pairs), Arc::clone(&repeats));
        let lines = EventLines { grammar: grammar.clone(), pairs, repeats: Arc::clone(&repeats), file: number };
        let file = Box::new(text_file(path, look.layout, lines)?);
        let (kept, places) = (Mutex::new(kept.map(Arc::new)), Arc::clone(&places));
        events.push(Box::new(HeardFile { file, kept, places, repeats, number }));
    }
    let mut inputs: Vec<InputFile> = paths.iter().map(|path| InputFile { role: "log", path: path.clone() }).collect();
    inputs.extend(calendar.map(|path| InputFile { role: "calendar", path: path.to_owned() }));
    Ok(Source {
        format: look.format,
        reason,
        roster,
        tables,
        enrolments_without_course: without_course,
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
        events,
    })
}

/// What reading a log for the first time gives.
struct Heard {
    survey: Survey,
    repeats: Repeats,
    /// What became of the lines, for the case that nobody is enrolled.
    told: Tally,
    /// By file, where there was room.
    kept: Vec<Option<KeptFile>>,
}

/// Reads the log for who is enrolled and when courses run, and for statements that come again; and keeps what it says, as
/// far as there is room.
fn hear<G: Grammar>(
    paths: &[PathBuf],
    grammar: &G,
    layout: Layout,
    (block_bytes, room): (usize, Room),
) -> Result<Heard, ReadError> {
    let (survey, search, room) = (Arc::default(), Arc::new(Search::default()), Arc::new(room));
    let limits = RowLimits::without_enrolments();
    let keepings: Vec<Arc<Keeping>> = paths.iter().map(|_| Arc::new(Keeping::new(&room))).collect();
    let mut files: Vec<Box<dyn EventFile>> = Vec::new();
    for ((path, keeping), file) in paths.iter().zip(&keepings).zip(0..) {
        let lines = SurveyLines {
            grammar: grammar.clone(),
            survey: Arc::clone(&survey),
            search: Arc::clone(&search),
            keeping: Arc::clone(keeping),
            file,
        };
        let mut lines = text_file(path, layout, lines)?;
        lines.set_block_bytes(block_bytes);
        files.push(Box::new(lines));
    }
    let (mut told, mut kept) = (Tally::default(), Vec::new());
    while kept.len() < files.len() {
        let read = |file: usize, by| rows::read_for_tallies(files[file].as_ref(), &limits, by);
        for read in read_next_files(&files, kept.len(), read) {
            let (tallies, hash) = read?;
            let file = kept.len();
            kept.push(keepings[file].finish(&tallies, hash));
            told.append(rows::placed(files[file].as_ref(), tallies));
        }
    }
    while search.goes_on() {
        for (path, file) in paths.iter().zip(0..) {
            let search = Arc::clone(&search);
            let mut lines = text_file(path, layout, IdLines { grammar: grammar.clone(), search, file })?;
            lines.set_block_bytes(block_bytes);
            lines.read(ReadPurpose::Events, &limits, &|_, _| Ok(()), &|_| ())?;
        }
    }
    let survey = std::mem::take(&mut *survey.lock().unwrap_or_else(std::sync::PoisonError::into_inner));
    Ok(Heard { survey, repeats: search.found(), told, kept })
}

fn text_file<P: LineParser>(path: &Path, layout: Layout, parser: P) -> Result<TextFile<P>, ReadError> {
    let head = input::head(path, HEAD_BYTES)?;
    if let Some(why) = not_text(&head) {
        return Err(ReadError::NotText { path: path.to_owned(), why: why.to_owned() });
    }
    let (bom, text) = match head.strip_prefix(BOM) {
        Some(text) => (BOM.len() as u64, text),
        None => (0, &head[..]),
    };
    Ok(match layout {
        Layout::Objects(list) if !is_an_object_a_line(text, list) => TextFile::of_objects(path, bom, list, parser),
        Layout::Lines | Layout::Objects(_) => TextFile::new(path, bom, 0, parser),
    })
}

/// Whether the first line that is not blank holds a whole object that is no envelope.
fn is_an_object_a_line(head: &[u8], list: &[u8]) -> bool {
    let first = lines(head).map(<[u8]>::trim_ascii).find(|line| !line.is_empty()).unwrap_or_default();
    let mut is_envelope = false;
    let whole = json::object(first, |key, cursor| {
        is_envelope |= key == list && cursor.is_array();
        cursor.skip()
    });
    whole.is_ok() && !is_envelope
}

fn nobody(path: PathBuf, told: &Tally, without_course: u64) -> ReadError {
    let sample =
        told.reasons.values().flat_map(|count| &count.samples).min_by_key(|sample| (&sample.file, sample.line));
    let first = match sample {
        _ if without_course > 0 => format!("; none of the courses of its {without_course} enrolments has dates"),
        Some(sample) => format!("; the first that is not: {} line {}: {}", sample.file, sample.line, sample.what),
        None => String::new(),
    };
    ReadError::NobodyInLog { path, rows: told.read, first }
}

/// The files among `files` that hold a statement of the format near their beginning.
///
/// # Errors
/// When a file can't be read.
pub(super) fn sort_files(files: &[PathBuf], look: &Look) -> Result<Vec<PathBuf>, ReadError> {
    let mut found = Vec::new();
    for path in files {
        let head = input::head(path, HEAD_BYTES)?;
        let text = head.strip_prefix(BOM).unwrap_or(&head);
        let fits = match look.layout {
            Layout::Lines => lines(text).any(look.fits),
            Layout::Objects(list) => {
                let mut objects = Vec::new();
                ObjectLines::new(text, list).read_to_end(&mut objects).map_err(ReadError::io(path))?;
                lines(&objects).any(look.fits)
            }
        };
        if fits && not_text(&head).is_none() {
            found.push(path.clone());
        }
    }
    Ok(found)
}

/// The text without escapes and without spaces around it, in `room` where it is not written so; empty where there is
/// none.
pub(super) fn resolved<'s, 'a: 's>(text: Option<Text<'a>>, room: &'s mut Vec<u8>) -> &'s [u8] {
    text.unwrap_or_default().resolve(room).trim_ascii()
}
