//! Decides, in the same way for every format, whether a parsed row becomes an event, is set aside or is rejected.

use crate::event::{Event, ObjectKey, Weight};
use crate::event_days::is_set;
use crate::event_file::ReadPurpose;
use crate::index::{CourseIndex, EnrolmentIndex};
use crate::parsed_block::{FarEvents, ParsedBlock, Side, TimeSpan};
use crate::row_limits::{CourseWindow, RowLimits};
use crate::tally::Reason;
use crate::time::format_instant;

/// Bounds the number of events that one row may count as; more are taken for a mistake.
const GREATEST_COUNT: u64 = 1_000_000;

/// Holds a row of a log, parsed.
#[derive(Clone, Copy, Debug)]
pub struct EventRow {
    /// Line of the row in the block, from 0.
    pub line: u64,
    /// The row's enrolment.
    pub enrolment: EnrolmentIndex,
    /// Instant, in seconds since 1970-01-01T00:00:00.
    pub instant: i64,
    /// The source's kind number.
    pub kind: u8,
    /// The object acted on.
    pub object: Option<ObjectKey>,
    /// Number of events that the row counts as.
    pub count: u64,
}

/// Holds a row of a course that is no enrolment's event.
#[derive(Clone, Copy, Debug)]
pub(crate) struct UnenrolledRow {
    /// Line of the row in the block, from 0.
    pub(crate) line: u64,
    /// The course, as the source counts its own.
    pub(crate) course: CourseIndex,
    /// Instant, in seconds since 1970-01-01T00:00:00.
    pub(crate) instant: i64,
    pub(crate) role: RowRole,
}

/// Says what a row tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RowRole {
    /// Something that a learner did.
    Act,
    /// Something that is recorded about a learner, or was done about others.
    Fact,
    /// A fact that the roster holds: who is enrolled, since when, and how it ended.
    Record,
}

/// Says whether a row may be used, or is refused already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Admission {
    Open,
    Refused,
}

/// Takes the rows of one block.
#[derive(Debug)]
pub struct Intake<'a> {
    limits: &'a RowLimits,
    /// The block as far as it is parsed.
    pub parsed: ParsedBlock,
    /// Number of the block in its file, from 0.
    pub block: usize,
    purpose: ReadPurpose,
}

impl<'a> Intake<'a> {
    /// Makes an intake for block `number` of a file that is read for `purpose`.
    #[must_use]
    pub fn new(purpose: ReadPurpose, limits: &'a RowLimits, number: usize) -> Self {
        Self { limits, parsed: ParsedBlock::default(), block: number, purpose }
    }

    /// Returns the first instant of the enrolment's course, in seconds since 1970-01-01T00:00:00, for sources that
    /// count days from it.
    #[must_use]
    pub(crate) fn course_start(&self, enrolment: EnrolmentIndex) -> i64 {
        self.limits.window(enrolment).start
    }

    /// Returns the key of an object's id, and takes note of the id where readings hand these over. An empty id is no object.
    #[inline]
    pub(crate) fn object(&mut self, id: &[u8]) -> Option<ObjectKey> {
        let key = ObjectKey::from_id(id);
        if self.limits.names_objects() {
            self.note_object(key, id);
        }
        key
    }

    /// Tells whether readings hand over the ids of objects.
    pub(crate) fn names_objects(&self) -> bool {
        self.limits.names_objects()
    }

    /// Takes note of an object's id, where readings hand these over.
    #[inline]
    pub(crate) fn note_object(&mut self, key: Option<ObjectKey>, id: &[u8]) {
        if let (Some(key), true) = (key, self.limits.names_objects()) {
            self.parsed.object_names.entry(key).or_insert_with(|| String::from_utf8_lossy(id).into());
        }
    }

    /// Takes a row that is one event.
    #[inline]
    pub fn take_row(&mut self, row: EventRow) {
        let row = EventRow { enrolment: self.limits.enrolment_at(row.enrolment, row.instant), ..row };
        let CourseWindow { start, usual_from, usual_to, .. } = self.limits.window(row.enrolment);
        let usual =
            (usual_from..usual_to).contains(&row.instant) & (row.count == 1) & !self.limits.is_received(row.kind);
        if usual & (self.purpose == ReadPurpose::Events) {
            self.parsed.note_instant(row.instant);
            let seconds = (row.instant - start) as i32;
            self.parsed.events.push(Event::new(row.enrolment, seconds, row.kind, row.object, Weight::ONE));
            self.parsed.tally.used += 1;
            return;
        }
        self.take_unusual_row(row);
    }

    /// Takes a row that the quick check of [`Intake::take_row`] does not cover.
    #[cold]
    fn take_unusual_row(&mut self, row: EventRow) {
        match self.add_event(row) {
            Ok(()) => self.parsed.tally.used += 1,
            Err(reason) => self.refuse(reason, row.line, || describe(reason, row)),
        }
    }

    /// Takes the row on line `line` that is as many events as `rows` gives. It counts as used when one of them is, and
    /// otherwise under the reason of the first.
    pub(crate) fn take_rows(&mut self, line: u64, rows: impl Iterator<Item = EventRow>) {
        let mut used = false;
        let mut refused = None;
        for row in rows {
            let row = EventRow { enrolment: self.limits.enrolment_at(row.enrolment, row.instant), ..row };
            match self.add_event(row) {
                Ok(()) => used = true,
                Err(reason) => drop(refused.get_or_insert((reason, row))),
            }
        }
        match refused {
            _ if used => self.parsed.tally.used += 1,
            Some((reason, row)) => self.refuse(reason, line, || describe(reason, row)),
            None => self.refuse(Reason::ZeroCount, line, || "none of the row's times is given".to_owned()),
        }
    }

    /// Takes a row whose fact the roster holds: it is used whenever it was, and is an event where its course has a place for
    /// it.
    pub(crate) fn take_record(&mut self, row: EventRow) {
        let row = EventRow { enrolment: self.limits.enrolment_at(row.enrolment, row.instant), ..row };
        match self.place(row) {
            Err(Reason::AfterCalendar | Reason::ImplausibleTime) => self.parsed.tally.used += 1,
            Err(reason) => self.refuse(reason, row.line, || describe(reason, row)),
            Ok(_) => self.take_unusual_row(row),
        }
    }

    /// Says what becomes of a row of one of the source's courses that is no enrolment's event: refuses it where an event of
    /// its instant would be set aside, too, and otherwise leaves it to the caller.
    pub(crate) fn admit_unenrolled(&mut self, row: UnenrolledRow) -> Admission {
        let UnenrolledRow { line, course, instant, role } = row;
        let course = self.limits.among_all(course);
        let window = self.limits.course_window(course);
        let reason = match self.check_time(&window, instant) {
            Ok(_) => return Admission::Open,
            Err(Reason::AfterCalendar | Reason::ImplausibleTime) if role == RowRole::Record => {
                return Admission::Open;
            }
            Err(reason) => reason,
        };
        if reason == Reason::ImplausibleTime {
            self.note_far(course, instant);
        } else if reason == Reason::AfterCalendar && role == RowRole::Act {
            self.parsed.note_instant(instant);
            // As far as a number of seconds goes: where it does not, the reason is another.
            self.parsed.after_calendar_unenrolled.push((course, (instant - window.start) as i32));
        }
        self.refuse(reason, line, || describe_time(reason, instant));
        Admission::Refused
    }

    fn add_event(&mut self, row: EventRow) -> Result<(), Reason> {
        let placed = self.place(row);
        let received = self.limits.is_received(row.kind);
        match placed {
            Err(Reason::ImplausibleTime) => self.note_far(self.limits.course(row.enrolment), row.instant),
            Ok(_) | Err(Reason::AfterCalendar) if !received => self.parsed.note_instant(row.instant),
            _ => {}
        }
        let seconds = match placed {
            Err(Reason::AfterCalendar) if !received => {
                let seconds = (row.instant - self.limits.window(row.enrolment).start) as i32;
                self.parsed.after_calendar.push((row.enrolment, seconds));
                return Err(Reason::AfterCalendar);
            }
            placed => placed?,
        };
        if self.purpose == ReadPurpose::Spans {
            if !received {
                let here = TimeSpan::at(row.instant);
                let course = self.limits.course(row.enrolment);
                self.parsed.course_spans.entry(course).and_modify(|span| *span = span.join(here)).or_insert(here);
                self.parsed.course_days.entry(course).or_default().add(row.instant, row.enrolment.0);
            }
            return Ok(());
        }
        let events = if received { &mut self.parsed.received } else { &mut self.parsed.events };
        let mut left = row.count;
        while left > 0 {
            let weight = Weight::at_most(left);
            events.push(Event::new(row.enrolment, seconds, row.kind, row.object, weight));
            left -= u64::from(weight.count());
        }
        Ok(())
    }

    /// Returns the seconds from the course's start to a row's event, or why it is none.
    fn place(&self, row: EventRow) -> Result<i32, Reason> {
        match self.check_time(&self.limits.window(row.enrolment), row.instant) {
            Err(Reason::BadTime) => Err(Reason::BadTime),
            _ if row.count == 0 => Err(Reason::ZeroCount),
            _ if row.count > GREATEST_COUNT => Err(Reason::BadCount),
            checked => checked,
        }
    }

    /// Returns the seconds from a course's start to an instant, or why an event of it would not be used.
    fn check_time(&self, window: &CourseWindow, instant: i64) -> Result<i32, Reason> {
        if !is_set(instant) {
            return Err(Reason::BadTime);
        }
        if self.limits.is_after_log(instant) {
            return Err(Reason::AfterAsOf);
        }
        // An event holds 68 years from its course's start.
        let seconds = instant.checked_sub(window.start).and_then(|seconds| i32::try_from(seconds).ok());
        let seconds = seconds.ok_or(Reason::ImplausibleTime)?;
        if !(window.plausible_from..window.plausible_to).contains(&instant) {
            return Err(Reason::ImplausibleTime);
        }
        // When courses end is not known yet while their spans are looked for.
        match self.purpose == ReadPurpose::Events && instant >= window.limit {
            true => Err(Reason::AfterCalendar),
            false => Ok(seconds),
        }
    }

    /// Takes note of an event that is far from its course, by the course's place among all.
    fn note_far(&mut self, course: CourseIndex, instant: i64) {
        let side = if instant < self.limits.course_window(course).start { Side::Before } else { Side::After };
        let here = FarEvents { span: TimeSpan::at(instant), events: 1 };
        self.parsed.far.entry((course, side)).and_modify(|far| *far = far.join(here)).or_insert(here);
    }

    /// Counts a row as used that gives no event.
    pub(crate) fn use_row(&mut self) {
        self.parsed.tally.used += 1;
    }

    /// Counts a row of a kind that the format does not know, by its `name` in the source, of the learner of `enrolment`.
    #[cold]
    pub(crate) fn note_unknown_kind_of(&mut self, name: &[u8], enrolment: EnrolmentIndex) {
        self.note_unknown_kind(name, self.limits.learner_number(enrolment));
    }

    /// Counts a row of a kind that the format does not know: its `name` in the source, and a number that stands for the
    /// learner.
    #[cold]
    pub(crate) fn note_unknown_kind(&mut self, name: &[u8], learner: u64) {
        self.parsed.tally.unknown_kinds.note(name, learner);
    }

    /// Counts the row on line `line` of the block as not used.
    pub fn refuse(&mut self, reason: Reason, line: u64, what: impl FnOnce() -> String) {
        self.parsed.tally.refuse(reason, line, what);
    }
}

/// Describes the reason why `row` is not used.
fn describe(reason: Reason, row: EventRow) -> String {
    match reason {
        Reason::ZeroCount => "the row's count is 0".to_owned(),
        Reason::BadCount => format!("a count of {} in one row", row.count),
        _ => describe_time(reason, row.instant),
    }
}

fn describe_time(reason: Reason, instant: i64) -> String {
    match reason {
        Reason::ImplausibleTime => format!("{} is far from its course", format_instant(instant)),
        Reason::BadTime => format!("{} stands for a time that is not set", format_instant(instant)),
        _ => format_instant(instant),
    }
}
