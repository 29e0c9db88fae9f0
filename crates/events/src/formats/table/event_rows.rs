//! Rows of the log to events.

use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};

use super::checked_mapping::{CheckedLog, CheckedMapping, Naming, RowEvent};
use super::enrolments::SetAside;
use super::kinds::MappedKinds;
use super::mapped_row::{EventMeasures, Field, MOST_EVENTS, MappedRow, Role, RowSink};
use super::mapping::Others;
use super::pairs::Pairs;
use super::times::rounded;
use super::written::UndatedEnrolments;
use crate::cells::whole_number;
use crate::formats::marked_lines::MarkedLines;
use crate::id_lookup::{EnrolmentLookup, IdLookup};
use crate::index::EnrolmentIndex;
use crate::intake::{EventRow, Intake};
use crate::moment::Moment;
use crate::not_yet_known::{NOT_YET_KNOWN, NotYetKnown};
use crate::roster::Roster;
use crate::source::Granularity;
use crate::table::Refusal;
use crate::tally::{Reason, shape};

/// Finds the enrolment of a row.
#[derive(Debug)]
pub(super) struct EnrolmentFinder {
    by: By,
    /// Enrolments that the mapping sets aside.
    aside: SetAside,
    not_yet_known: NotYetKnown,
    others: Others,
}

#[derive(Debug)]
enum By {
    /// Rows name the enrolment; in a table or, where those of the log are all there is, in one that names its course
    /// too.
    Enrolment { known: EnrolmentLookup, without_course: IdLookup<Vec<String>>, in_table: bool },
    /// Rows name the learner, and the course unless there is only one.
    Pair { pairs: Pairs, single_course: Option<Vec<u8>>, undated: FxHashSet<Box<[u8]>> },
}

/// Says why a row has no enrolment.
type NoEnrolment = (Reason, &'static str);

impl EnrolmentFinder {
    /// Finds enrolments of `roster`.
    pub(super) fn new(mapping: &CheckedMapping, roster: &Roster, undated: UndatedEnrolments, aside: SetAside) -> Self {
        let by = match mapping.naming {
            Naming::Enrolment => By::Enrolment {
                known: EnrolmentLookup::new(roster),
                without_course: IdLookup::new(undated.ids),
                in_table: !mapping.log_enrols,
            },
            Naming::LearnerAndCourse => By::Pair {
                pairs: Pairs::new(mapping, roster),
                single_course: mapping.single_course.as_ref().map(|id| id.as_bytes().to_vec()),
                undated: undated.courses,
            },
        };
        Self { by, aside, not_yet_known: roster.not_yet_known.clone(), others: mapping.others }
    }

    fn key<'c>(&'c self, row: &MappedRow<'c>) -> (&'c [u8], &'c [u8]) {
        match &self.by {
            By::Enrolment { .. } => (row.get(Role::Enrolment), b""),
            By::Pair { single_course: Some(course), .. } => (row.get(Role::Learner), course),
            By::Pair { single_course: None, .. } => (row.get(Role::Learner), row.get(Role::Course)),
        }
    }

    fn find(&self, key: (&[u8], &[u8])) -> Result<EnrolmentIndex, NoEnrolment> {
        self.find_known(key).map_err(|why| match self.is_not_yet_known(key) {
            true => (Reason::AfterAsOf, NOT_YET_KNOWN),
            false => why,
        })
    }

    fn is_not_yet_known(&self, (id, course): (&[u8], &[u8])) -> bool {
        match self.by {
            By::Enrolment { .. } => self.not_yet_known.has(id),
            By::Pair { .. } => self.not_yet_known.has_pair(course, id),
        }
    }

    fn find_known(&self, (id, course): (&[u8], &[u8])) -> Result<EnrolmentIndex, NoEnrolment> {
        if id.is_empty() {
            return Err((Reason::MissingId, "no id where the enrolment or learner must stand"));
        }
        let (found, unknown) = match &self.by {
            By::Enrolment { known, without_course, in_table } => match known.get(id) {
                None if without_course.get(id).is_some() => {
                    return Err((Reason::UnknownCourse, "its enrolment has no course with dates"));
                }
                None if !in_table => {
                    return Err((
                        Reason::MissingId,
                        "no id where the course or the learner must stand, in any row of its enrolment",
                    ));
                }
                found => (found, "its enrolment is not in the enrolments table"),
            },
            By::Pair { .. } if course.is_empty() => {
                return Err((Reason::MissingId, "no id where the course must stand"));
            }
            By::Pair { pairs, undated, .. } => match pairs.find(course, id) {
                Some(found) => (found, "its learner is not in the enrolments table for its course"),
                None if self.others == Others::SetAside && !undated.contains(course) => {
                    (None, "nobody is enrolled in its course")
                }
                None if self.aside.has(course, id) => (None, ""),
                None if undated.contains(course) => return Err((Reason::UnknownCourse, "its course has no dates")),
                None => return Err((Reason::UnknownCourse, "nobody is enrolled in its course")),
            },
        };
        match (found, self.others) {
            (Some(place), _) => Ok(place),
            (None, _) if self.aside.has(course, id) => {
                Err((Reason::FilteredOut, "its enrolment is set aside by the mapping"))
            }
            (None, Others::SetAside) => Err((Reason::FilteredOut, unknown)),
            (None, Others::Reject) => Err((Reason::UnknownEnrolment, unknown)),
        }
    }
}

/// Turns rows into events.
pub(super) struct EventRows {
    who: Arc<EnrolmentFinder>,
    events: Vec<RowEvent>,
    /// Whether the log alone says who is enrolled.
    log_enrols: bool,
    granularity: Granularity,
    kinds: MappedKinds,
    counts: bool,
    tells_correct: bool,
    /// Whether a column names the kind of each row.
    names_kinds: bool,
    /// Rows whose event id came before, and the number of this file among those of the log.
    repeats: Option<(Arc<MarkedLines>, u32)>,
}

impl EventRows {
    pub(super) fn new(
        mapping: &CheckedMapping,
        log: &CheckedLog,
        who: &Arc<EnrolmentFinder>,
        repeats: Option<(Arc<MarkedLines>, u32)>,
    ) -> Self {
        Self {
            who: Arc::clone(who),
            events: log.events.clone(),
            log_enrols: mapping.log_enrols,
            granularity: mapping.granularity,
            kinds: mapping.kinds.clone(),
            counts: log.template.has(Role::Count),
            tells_correct: log.template.has(Role::Correct),
            names_kinds: log.template.has(Role::Activity),
            repeats,
        }
    }

    fn count(&self, text: &[u8]) -> Option<u64> {
        match self.counts {
            true => whole_count(text),
            false => Some(1),
        }
    }

    /// Returns the row's kind, or that of its events that say none of their own.
    fn kind(&self, before: &mut Before, row: &MappedRow<'_>) -> Result<u8, Refusal> {
        let kind = self.kinds.number(row.get(Role::Activity), &mut before.kinds);
        let text = row.get(Role::Correct);
        if !self.tells_correct || text.is_empty() {
            return Ok(kind);
        }
        let wrong = || {
            let what = format!("`{}` does not say whether an attempt was right", shape(text));
            Refusal::new(Reason::BadValue, what)
        };
        Ok(self.kinds.attempt(kind, is_right(text).ok_or_else(wrong)?))
    }
}

/// Returns a whole number from 0 up.
fn whole_count(text: &[u8]) -> Option<u64> {
    u64::try_from(whole_number(text)?).ok()
}

fn bad_count(text: &[u8]) -> String {
    format!("count of shape `{}` is not a whole number from 0 up", shape(text))
}

impl EventMeasures<'_> {
    /// Tells whether the row has no such event.
    pub(super) fn say_no_event(&self) -> bool {
        self.count.is_some_and(|text| text.is_empty() || whole_count(text) == Some(0))
            || self.seconds.is_some_and(<[u8]>::is_empty)
    }

    /// Returns the seconds from the time to the row's event, as far as they can be read.
    pub(super) fn seconds(&self) -> i64 {
        self.seconds.and_then(seconds).unwrap_or_default()
    }

    /// Returns how many events there were, `count` where the row does not say, and the seconds from the time to them.
    fn read(&self, count: u64) -> Result<(u64, i64), Refusal> {
        if self.say_no_event() {
            return Ok((0, 0));
        }
        let count = match self.count {
            None => count,
            Some(text) => whole_count(text).ok_or_else(|| Refusal::new(Reason::BadCount, bad_count(text)))?,
        };
        let seconds = match self.seconds {
            None => 0,
            Some(text) => seconds(text).ok_or_else(|| {
                Refusal::new(Reason::BadValue, format!("seconds of shape `{}` are not a number from 0 up", shape(text)))
            })?,
        };
        Ok((count, seconds))
    }
}

/// Returns the whole seconds of a number from 0 up.
fn seconds(text: &[u8]) -> Option<i64> {
    let whole = text.split(|&byte| byte == b'.').next()?;
    let number: f64 = std::str::from_utf8(text).ok()?.parse().ok()?;
    // What is no number in digits, such as `inf`, is none here.
    let in_digits = !whole.is_empty() && text.iter().all(|byte| byte.is_ascii_digit() || *byte == b'.');
    (in_digits && number < 1e15).then_some(number as i64)
}

/// Tells whether an attempt was right: in words, or as a share of the points, of which right is all.
fn is_right(text: &[u8]) -> Option<bool> {
    let is = |words: &[&str]| words.iter().any(|word| word.as_bytes().eq_ignore_ascii_case(text));
    if is(&["true", "right", "correct", "yes"]) {
        return Some(true);
    }
    if is(&["false", "wrong", "incorrect", "no"]) {
        return Some(false);
    }
    let share: f64 = std::str::from_utf8(text).ok()?.parse().ok()?;
    (0.0..=1.0).contains(&share).then_some(share >= 1.0)
}

/// Holds the enrolment and kind of the row before: logs mostly stand in runs of one enrolment, and of one kind.
pub(super) struct Before {
    id: Vec<u8>,
    course: Vec<u8>,
    found: Result<EnrolmentIndex, NoEnrolment>,
    kinds: FxHashMap<Box<[u8]>, u8>,
}

fn bad_time(event: &RowEvent, field: Field<'_>) -> String {
    if field == Field::EMPTY {
        return "no time".to_owned();
    }
    format!("time {}", event.time.format.fault(field.text()))
}

impl EventRows {
    /// Returns the first of the row's events whose time can't be read, and what stands there.
    fn first_bad_time<'r>(&self, row: &MappedRow<'r>) -> Option<(&RowEvent, Field<'r>)> {
        let mut with_times = self.events.iter().zip(row.times);
        with_times.find(|(event, field)| event.is_unreadable(*field))
    }
}

impl RowSink for EventRows {
    type Block = Before;

    fn begin(&self) -> Before {
        Before { id: Vec::new(), course: Vec::new(), found: self.who.find((b"", b"")), kinds: FxHashMap::default() }
    }

    fn take(&self, before: &mut Before, row: &MappedRow<'_>, line: u64, intake: &mut Intake<'_>) {
        let (id, course) = self.who.key(row);
        if before.id != id || before.course != course {
            before.id.clear();
            before.id.extend_from_slice(id);
            before.course.clear();
            before.course.extend_from_slice(course);
            before.found = self.who.find((id, course));
        }
        let enrolment = match before.found {
            Ok(enrolment) => enrolment,
            Err((reason, what)) => {
                // Where the log alone says who is enrolled, a row whose time can't be read makes nobody a learner: it is
                // that time which is wrong with it.
                return match self.first_bad_time(row).filter(|_| self.log_enrols) {
                    Some((event, field)) => intake.refuse(Reason::BadTime, line, || bad_time(event, field)),
                    None => intake.refuse(reason, line, || what.to_owned()),
                };
            }
        };
        let mut moments = [None; MOST_EVENTS];
        for (number, ((moment_of, event), field)) in moments.iter_mut().zip(&self.events).zip(row.times).enumerate() {
            let measures = row.measures.get(number).copied().unwrap_or_default();
            if measures.say_no_event() || (!event.must_have_time && field == Field::EMPTY) {
                continue;
            }
            *moment_of = event.time.moment(field);
            if moment_of.is_none() {
                return intake.refuse(Reason::BadTime, line, || bad_time(event, field));
            }
        }
        let Some(count) = self.count(row.get(Role::Count)) else {
            return intake.refuse(Reason::BadCount, line, || bad_count(row.get(Role::Count)));
        };
        let mut counts = [(count, 0); MOST_EVENTS];
        for (measured, measures) in counts.iter_mut().zip(row.measures) {
            match measures.read(count) {
                Ok(read) => *measured = read,
                Err(refusal) => return intake.refuse(refusal.reason, line, || refusal.what),
            }
        }
        if !row.measures.is_empty() && moments.iter().all(Option::is_none) {
            return intake.refuse(Reason::ZeroCount, line, || "the row has none of its events".to_owned());
        }
        if let Some((repeats, file)) = &self.repeats
            && repeats.in_block(*file, intake.block).has(line)
        {
            return intake.refuse(Reason::RepeatedId, line, || "an event id that came before".to_owned());
        }
        let kind = match self.kind(before, row) {
            Ok(kind) => kind,
            Err(refusal) => return intake.refuse(refusal.reason, line, || refusal.what),
        };
        let object = intake.object(row.get(Role::Object));
        let start = intake.course_start(enrolment);
        let event_row = |((event, moment), (count, seconds)): ((&RowEvent, Option<Moment>), (u64, i64))| {
            let instant = rounded(moment?.instant(start).saturating_add(seconds), self.granularity);
            Some(EventRow { line, enrolment, instant, kind: event.kind.unwrap_or(kind), object, count })
        };
        let used = intake.parsed.tally.used;
        intake.take_rows(line, self.events.iter().zip(moments).zip(counts).filter_map(event_row));
        if self.names_kinds && self.kinds.is_undeclared(kind) && intake.parsed.tally.used > used {
            intake.note_unknown_kind_of(row.get(Role::Activity), enrolment);
        }
    }

    fn end(&self, _: Before, _: usize) {}
}
