//! Who is enrolled: from a table, or from what the log's rows name.

use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};

use super::checked_mapping::{CheckedMapping, CheckedTable, Naming};
use super::course_starts::CourseStarts;
use super::files::Found;
use super::mapping::{EnrolmentColumns, Time};
use super::pairs::Pairs;
use super::row_template::Column;
use super::small::SmallTable;
use super::written::{EnrolmentRecord, Written};
use crate::enrolled_again::{EnrolledAgain, again_id};
use crate::enrolment::{Outcome, OutcomeKind};
use crate::epoch_times::stands_for_unset;
use crate::error::ReadError;
use crate::event_days::is_set;
use crate::formats::pair_lookup::pair_id;
use crate::id_lookup::EnrolmentLookup;
use crate::moment::Moment;
use crate::names::Names;
use crate::not_yet_known::NOT_YET_KNOWN;
use crate::places::Places;
use crate::roster::{Course, Roster};
use crate::shared_texts::{SharedOutcomes, SharedTexts};
use crate::table::{Refusal, TableRow};
use crate::tally::{Reason, Tally, shape};
use crate::time::{DAY_SECONDS, format_date, format_instant, parse_instant};

/// Holds what many rows of a table of enrolments say alike.
#[derive(Default)]
struct Shared {
    texts: SharedTexts,
    outcomes: SharedOutcomes,
}

/// Holds the places of the columns of an enrolments table.
struct EnrolmentColumnPlaces {
    enrolment: Option<usize>,
    learner: Option<usize>,
    course: Option<usize>,
    enrolled: Option<(usize, Time)>,
    withdrawn: Option<(usize, Time)>,
    outcome: Option<usize>,
    completed: Option<usize>,
    label: Option<usize>,
    statics: Vec<usize>,
}

impl EnrolmentColumnPlaces {
    fn find(table: &mut SmallTable, columns: &EnrolmentColumns) -> Result<Self, ReadError> {
        let mut time = |time: &Option<Time>| -> Result<Option<(usize, Time)>, ReadError> {
            let place = |time: &Time| Ok((table.place(&time.column)?, time.clone()));
            time.as_ref().map(place).transpose()
        };
        let (enrolled, withdrawn) = (time(&columns.enrolled)?, time(&columns.withdrawn)?);
        Ok(Self {
            enrolment: table.place_of(columns.enrolment.as_ref())?,
            learner: table.place_of(columns.learner.as_ref())?,
            course: table.place_of(columns.course.as_ref())?,
            enrolled,
            withdrawn,
            outcome: table.place_of(columns.outcome.as_ref())?,
            completed: table.place_of(columns.completed.as_ref())?,
            label: table.place_of(columns.label.as_ref())?,
            statics: columns.statics.iter().map(|name| table.place(name)).collect::<Result<_, _>>()?,
        })
    }

    fn written(
        &self,
        row: &TableRow<'_>,
        table: &SmallTable,
        mapping: &CheckedMapping,
        as_of: Option<i64>,
        shared: &mut Shared,
    ) -> Result<EnrolmentRecord, Refusal> {
        let course = match (self.course, table.course().or(mapping.single_course.as_deref())) {
            (Some(place), _) => row.id(place, "course")?,
            (None, single) => single.unwrap_or_default(),
        };
        let learner = self.learner.map(|place| row.id(place, "learner")).transpose()?;
        let id = match self.enrolment {
            Some(place) => row.id(place, "enrolment")?.to_owned(),
            None => pair_id(course, learner.unwrap_or_default()),
        };
        let ended = |text: &str, kind: OutcomeKind| Outcome { recorded: text.to_owned(), kind };
        let outcome = |word: &str| {
            let kind = mapping.outcomes.get(word).copied();
            let unknown = || {
                Refusal::new(
                    Reason::BadValue,
                    format!("outcome of shape `{}` is not in the mapping's [outcomes]", shape(word.as_bytes())),
                )
            };
            Ok(ended(word, kind.ok_or_else(unknown)?))
        };
        let given = |place: Option<usize>| place.and_then(|place| row.given(place));
        let withdrawn = moment(row, self.withdrawn.as_ref())?;
        let completed = match (given(self.completed).filter(|text| says_so(text, as_of)), withdrawn) {
            (Some(_), _) => Some(ended("completed", OutcomeKind::Completed)),
            (None, Some(_)) if self.outcome.is_none() => Some(ended("withdrew", OutcomeKind::Withdrew)),
            (None, _) => None,
        };
        Ok(EnrolmentRecord {
            names: Names::new(&id, learner.unwrap_or(&id)),
            course: shared.texts.get(course),
            enrolled: moment(row, self.enrolled.as_ref())?,
            withdrawn,
            outcome: self
                .outcome
                .and_then(|place| declared(row, place, &mapping.outcomes))
                .map(|word| shared.outcomes.get(word, outcome))
                .transpose()?
                .or_else(|| completed.map(Arc::new)),
            dropout: self
                .label
                .and_then(|place| declared(row, place, &mapping.label_values))
                .map(|word| label(word, mapping))
                .transpose()?,
            statics: self.statics.iter().map(|&place| row.given(place).map(|text| shared.texts.get(text))).collect(),
            by_log_alone: false,
        })
    }
}

/// Returns the moment in a column, `None` when empty or written as a time that is not set.
fn moment(row: &TableRow<'_>, column: Option<&(usize, Time)>) -> Result<Option<Moment>, Refusal> {
    let Some((place, time)) = column else { return Ok(None) };
    let given = row.given(*place).filter(|text| !is_unset(text, time));
    Ok(given.map(|text| read_moment(text, time)).transpose()?.map(Moment::within_reach))
}

/// Tells whether what is given in a column that says by its presence that a course was completed does so: a zero, a word for
/// no, a time that is not set and one after the instant of the log do not.
fn says_so(text: &str, as_of: Option<i64>) -> bool {
    let is_no = ["false", "f", "no", "n"].iter().any(|no| text.eq_ignore_ascii_case(no));
    let is_zero = text.parse::<f64>() == Ok(0.0);
    let counts = |instant| is_set(instant) && as_of.is_none_or(|as_of| instant <= as_of);
    !is_no && !is_zero && parse_instant(text.as_bytes()).is_none_or(counts)
}

/// Tells whether `text` in the column of `time` stands for a time that is not set. Of numbers only zero does, a second
/// beside it, and zero on the clock of any time zone: others in 1970 are in another unit than the mapping says.
pub(super) fn is_unset(text: &str, time: &Time) -> bool {
    match time.format.parse(text.as_bytes()) {
        Some(Moment::Instant(instant)) if time.format.is_number() => {
            stands_for_unset(instant) || text.parse() == Ok(0.0)
        }
        Some(Moment::Instant(instant)) => !is_set(instant) || stands_for_unset(instant),
        Some(Moment::Day(_)) | None => false,
    }
}

/// Returns the moment that `text` in the column of `time` names.
pub(super) fn read_moment(text: &str, time: &Time) -> Result<Moment, Refusal> {
    let unreadable =
        || Refusal::new(Reason::BadTime, format!("{} {}", time.column, time.format.fault(text.as_bytes())));
    time.reading().parse(text.as_bytes()).ok_or_else(unreadable)
}

/// Returns the word in a column: one that the mapping declares, even where it otherwise means a missing value, or else
/// what is given.
fn declared<'a, V>(row: &TableRow<'a>, place: usize, words: &FxHashMap<String, V>) -> Option<&'a str> {
    Some(row.text(place)).filter(|word| words.contains_key(*word)).or_else(|| row.given(place))
}

fn label(word: &str, mapping: &CheckedMapping) -> Result<bool, Refusal> {
    let unknown = || {
        Refusal::new(
            Reason::BadValue,
            format!("label of shape `{}` is neither for dropout nor for stayed", shape(word.as_bytes())),
        )
    };
    mapping.label_values.get(word).copied().ok_or_else(unknown)
}

/// Lists the enrolments that the mapping sets aside, of staff for one: rows of the log that name them are set aside too.
#[derive(Clone, Debug, Default)]
pub(super) struct SetAside {
    by_id: FxHashSet<Box<[u8]>>,
    by_course: FxHashMap<Box<[u8]>, FxHashSet<Box<[u8]>>>,
}

impl SetAside {
    fn add(&mut self, one: &EnrolmentRecord, naming: Naming) {
        match naming {
            Naming::Enrolment => self.by_id.insert(one.names.id().as_bytes().into()),
            Naming::LearnerAndCourse => {
                let course = self.by_course.entry(one.course.as_bytes().into()).or_default();
                course.insert(one.names.learner().as_bytes().into())
            }
        };
    }

    /// Tells whether the enrolment `id`, or that of learner `id` in `course`, is among them.
    pub(super) fn has(&self, course: &[u8], id: &[u8]) -> bool {
        self.by_id.contains(id) || self.by_course.get(course).is_some_and(|learners| learners.contains(id))
    }
}

/// Holds the enrolments that a table names, and those that the mapping sets aside.
#[derive(Debug, Default)]
pub(super) struct EnrolmentRecords {
    pub(super) written: Written,
    /// Those that are not known yet at the instant of the log.
    pub(super) later: Written,
    pub(super) aside: SetAside,
}

/// Reads the enrolments table. `courses` are the courses with dates, where those are known beforehand; enrolments in
/// others are counted as rejected, and stay among what is returned. `again` says what counts of those who enrol again. What is
/// dated after `as_of` is set aside.
pub(super) fn read(
    files: &[Found],
    mapping: &CheckedMapping,
    checked: &CheckedTable<EnrolmentColumns>,
    courses: Option<&[Course]>,
    again: EnrolledAgain,
    as_of: Option<(i64, &CourseStarts)>,
    tables: &mut Tally,
) -> Result<EnrolmentRecords, ReadError> {
    let dated: Option<FxHashSet<&str>> = courses.map(|list| list.iter().map(|course| course.id.as_str()).collect());
    let mut aside = SetAside::default();
    let mut later = Written::default();
    let mut known = KnownEnrolments::new(again, mapping.naming);
    let mut shared = Shared::default();
    for found in files {
        let mut table = SmallTable::open(found, "enrolments", checked)?;
        let places = EnrolmentColumnPlaces::find(&mut table, &checked.columns)?;
        table.rows(tables, |row| {
            let one = places.written(row, &table, mapping, as_of.map(|(as_of, _)| as_of), &mut shared)?;
            if let Some(refusal) = table.set_aside(row) {
                aside.add(&one, mapping.naming);
                return Err(refusal);
            }
            if let (Some((as_of, starts)), Some(enrolled)) = (as_of, one.enrolled)
                && enrolled.instant(starts.of(one.course.as_bytes())) > as_of
            {
                later.push(one);
                return Err(Refusal::new(Reason::AfterAsOf, "an enrolment after the instant of the log"));
            }
            let has_dates = dated.as_ref().is_none_or(|dated| dated.contains(&*one.course));
            let what = || format!("a course of shape `{}` without dates", shape(one.course.as_bytes()));
            let undated = (!has_dates).then(|| Refusal::new(Reason::UnknownCourse, what()));
            known.add(one, &mut aside)?;
            undated.map_or(Ok(()), Err)
        })?;
    }
    // Who is known by an enrolment before is known.
    let has_dates = |course: &str| dated.as_ref().is_none_or(|dated| dated.contains(course));
    later.retain(|id, pair @ (course, _)| has_dates(course) && !known.has(id, pair));
    Ok(EnrolmentRecords { written: known.finish(), later, aside })
}

/// Holds the enrolments read so far.
#[derive(Debug)]
struct KnownEnrolments {
    again: EnrolledAgain,
    naming: Naming,
    written: Written,
    /// Finds the first of each id.
    by_id: Places,
    /// Ids of enrolments that others replaced or that do not count, and the places of those that do.
    replaced: FxHashMap<String, usize>,
    /// Finds the first of each course and learner.
    by_pair: Places,
    /// By the place of the first of a course and learner: the places of the others.
    again_of: FxHashMap<usize, Vec<usize>>,
}

impl KnownEnrolments {
    fn new(again: EnrolledAgain, naming: Naming) -> Self {
        Self {
            again,
            naming,
            written: Written::default(),
            by_id: Places::default(),
            replaced: FxHashMap::default(),
            by_pair: Places::default(),
            again_of: FxHashMap::default(),
        }
    }

    /// Tells whether there is an enrolment of this pair, or of this id.
    fn has(&self, id: &str, pair: (&str, &str)) -> bool {
        let by_pair = self.by_pair.find(pair, |place| self.written.pair(place) == pair);
        by_pair.or_else(|| self.by_id.find(id, |place| self.written.id(place) == id)).is_some()
    }

    /// Adds an enrolment, unless it is one of those that do not count.
    fn add(&mut self, one: EnrolmentRecord, aside: &mut SetAside) -> Result<(), Refusal> {
        let first_of_pair = self.by_pair.find(one.pair(), |place| self.written.pair(place) == one.pair());
        let others_of_pair = first_of_pair.and_then(|place| self.again_of.get(&place)).map_or(&[][..], Vec::as_slice);
        let same_pair = || first_of_pair.iter().chain(others_of_pair).copied();
        let has_id = |place: usize| self.written.id(place) == one.names.id();
        let same_id = self.by_id.find(one.names.id(), has_id).or_else(|| self.replaced.get(one.names.id()).copied());
        if same_pair().chain(same_id).any(|place| self.written.get(place) == one) {
            return Err(Refusal::new(Reason::Repeated, "the enrolment again"));
        }
        let names_itself = self.naming == Naming::Enrolment;
        if first_of_pair.is_none() && same_id.is_none() {
            self.push(one);
            return Ok(());
        }
        if names_itself && same_id.is_some() {
            let what = "an enrolment again, saying something else; the first is used";
            return Err(Refusal::new(Reason::Contradiction, what));
        }
        if names_itself && self.again == EnrolledAgain::Each {
            self.push(one);
            return Ok(());
        }
        let instant = |moment: Moment| moment.instant(0);
        let began = one.enrolled.map(instant);
        let known_began = |place: usize| self.written.enrolled(place).map(instant);
        // An id that another learner, or another course, has is none to go by.
        let id_is_of_pair = same_id.is_none_or(|place| same_pair().any(|other| other == place));
        let at_another_time = id_is_of_pair
            && began.is_some()
            && same_pair().all(|place| known_began(place).is_some_and(|known| Some(known) != began));
        let Some(place) = first_of_pair.filter(|_| at_another_time) else {
            let what = match same_id {
                None => "a learner in a course again, as another enrolment; the first is used",
                Some(_) => "an enrolment again, saying something else; the first is used",
            };
            return Err(Refusal::new(Reason::Contradiction, what));
        };
        let is_earlier = began < known_began(place);
        let counts = match self.again {
            EnrolledAgain::Each => {
                self.push(one);
                return Ok(());
            }
            EnrolledAgain::First => is_earlier,
            EnrolledAgain::Last => !is_earlier,
        };
        let other = if counts { self.replace(place, one) } else { one };
        if names_itself {
            // Rows that name it are of no concern then.
            aside.by_id.insert(other.names.id().as_bytes().into());
            aside.by_id.remove(self.written.id(place).as_bytes());
            self.replaced.insert(other.names.id().to_owned(), place);
        }
        Err(Refusal::new(Reason::EnrolledAgain, format!("enrolled again; the {} counts", self.again.name())))
    }

    /// Puts an enrolment in the place of another of the same course and learner, which is returned. Where the log does
    /// not name enrolments, the place goes on by the id of the other.
    fn replace(&mut self, place: usize, one: EnrolmentRecord) -> EnrolmentRecord {
        let was_found = self.by_id.remove(place, self.written.id(place));
        let other = self.written.get(place);
        self.written.set(place, one);
        let written = &self.written;
        if self.naming == Naming::Enrolment || written.id(place) == other.names.id() {
            self.by_id.add(place, |place| written.id(place));
        } else if was_found {
            self.replaced.insert(other.names.id().to_owned(), place);
        }
        other
    }

    fn push(&mut self, one: EnrolmentRecord) {
        let place = self.written.len();
        self.written.push(one);
        let written = &self.written;
        let (id, pair) = (written.id(place), written.pair(place));
        let is_found = self.by_id.find(id, |place| written.id(place) == id).is_some();
        if !is_found && !self.replaced.contains_key(id) {
            self.by_id.add(place, |place| written.id(place));
        }
        match self.by_pair.find(pair, |place| written.pair(place) == pair) {
            Some(first) => self.again_of.entry(first).or_default().push(place),
            None => self.by_pair.add(place, |place| written.pair(place)),
        }
    }

    /// Returns the enrolments. Of several that rows of the log do not tell apart all but the first have their date in
    /// their id.
    fn finish(mut self) -> Written {
        if self.naming == Naming::LearnerAndCourse {
            for (first, mut places) in self.again_of {
                places.insert(0, first);
                places.sort_by_key(|&place| self.written.enrolled(place).map(|moment| moment.instant(0)));
                let first = self.written.id(places[0]).to_owned();
                let mut dates: Vec<i64> = Vec::new();
                for &place in &places[1..] {
                    let date = match self.written.enrolled(place) {
                        // The date alone, unless an earlier one has it: what comes later changes no id.
                        Some(Moment::Instant(instant)) => {
                            let day = instant.div_euclid(DAY_SECONDS);
                            match i32::try_from(day).ok().filter(|_| !dates.contains(&day)) {
                                Some(date) => {
                                    dates.push(day);
                                    format_date(date)
                                }
                                None => format_instant(instant),
                            }
                        }
                        Some(Moment::Day(day)) => format!("day{day}"),
                        None => String::new(),
                    };
                    self.written.rename(place, &again_id(&first, &date));
                }
            }
        }
        self.written
    }
}

/// Reads the labels table into the roster.
pub(super) fn read_labels(
    files: &[Found],
    mapping: &CheckedMapping,
    roster: &mut Roster,
    tables: &mut Tally,
) -> Result<(), ReadError> {
    let Some(checked) = &mapping.labels else { return Ok(()) };
    let by_id = EnrolmentLookup::new(roster);
    let by_pair = Pairs::new(mapping, roster);
    for found in files {
        let mut table = SmallTable::open(found, "labels", checked)?;
        let columns = &checked.columns;
        let enrolment = table.place_of(columns.enrolment.as_ref())?;
        let learner = table.place_of(columns.learner.as_ref())?;
        let course = table.place_of(columns.course.as_ref())?;
        let label_place = table.place(&columns.label)?;
        table.rows(tables, |row| {
            if let Some(refusal) = table.set_aside(row) {
                return Err(refusal);
            }
            let mut is_later = false;
            let found = match (enrolment, learner) {
                (Some(place), _) => {
                    let id = row.id(place, "enrolment")?.as_bytes();
                    is_later = roster.not_yet_known.has(id);
                    by_id.get(id)
                }
                (None, Some(place)) => {
                    let learner = row.id(place, "learner")?;
                    let course = match (course, &mapping.single_course) {
                        (Some(place), _) => row.id(place, "course")?,
                        (None, single) => single.as_deref().unwrap_or_default(),
                    };
                    is_later = roster.not_yet_known.has_pair(course.as_bytes(), learner.as_bytes());
                    by_pair.find(course.as_bytes(), learner.as_bytes()).flatten()
                }
                (None, None) => None,
            };
            let unknown = || Refusal::new(Reason::UnknownEnrolment, "a label for an enrolment that no table names");
            if found.is_none() && is_later {
                return Err(Refusal::new(Reason::AfterAsOf, NOT_YET_KNOWN));
            }
            let place = found.ok_or_else(unknown)?.as_usize();
            let word = declared(row, label_place, &mapping.label_values);
            let value = label(word.ok_or_else(Refusal::missing_label)?, mapping)?;
            match roster.enrolments.dropout(place) {
                None => roster.enrolments.set_dropout(place, Some(value)),
                Some(known) if known == value => return Err(Refusal::new(Reason::Repeated, "the same label again")),
                Some(_) => {
                    let what = "an enrolment labelled both ways; the first label is used";
                    return Err(Refusal::new(Reason::Contradiction, what));
                }
            }
            Ok(())
        })?;
    }
    Ok(())
}

/// Returns the mapping's static columns.
pub(super) fn static_columns(mapping: &CheckedMapping) -> Vec<String> {
    let columns = mapping.enrolments.iter().flat_map(|table| &table.columns.statics);
    columns.map(|column| Column::parse(column).name).collect()
}
