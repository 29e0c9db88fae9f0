//! Decides, in the same way for every format, whether a parsed row becomes an event, is set aside or is rejected.

use crate::event::{Event, ObjectKey, Weight};
use crate::event_days::is_set;
use crate::event_file::ReadPurpose;
use crate::index::EnrolmentIndex;
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

    fn add_event(&mut self, row: EventRow) -> Result<(), Reason> {
        let CourseWindow { start, limit, plausible_from, plausible_to, .. } = self.limits.window(row.enrolment);
        if !is_set(row.instant) {
            return Err(Reason::BadTime);
        }
        let seconds = row.instant.checked_sub(start).and_then(|seconds| i32::try_from(seconds).ok());
        let seconds = seconds.ok_or(Reason::FarFromCourse)?;
        if row.count == 0 {
            return Err(Reason::ZeroCount);
        }
        if row.count > GREATEST_COUNT {
            return Err(Reason::BadCount);
        }
        if self.limits.is_after_log(row.instant) {
            return Err(Reason::AfterAsOf);
        }
        if !(plausible_from..plausible_to).contains(&row.instant) {
            let side = if row.instant < start { Side::Before } else { Side::After };
            let here = FarEvents { span: TimeSpan::at(row.instant), events: 1 };
            let of_course = (self.limits.course(row.enrolment), side);
            self.parsed.far.entry(of_course).and_modify(|far| *far = far.join(here)).or_insert(here);
            return Err(Reason::ImplausibleTime);
        }
        let received = self.limits.is_received(row.kind);
        if !received {
            self.parsed.note_instant(row.instant);
        }
        if self.purpose == ReadPurpose::Spans {
            if !received {
                let here = TimeSpan::at(row.instant);
                let course = self.limits.course(row.enrolment);
                self.parsed.course_spans.entry(course).and_modify(|span| *span = span.join(here)).or_insert(here);
                self.parsed.course_days.entry(course).or_default().add(row.instant, row.enrolment.0);
            }
            return Ok(());
        }
        if row.instant >= limit {
            if !received {
                self.parsed.after_calendar.push((row.enrolment, seconds));
            }
            return Err(Reason::AfterCalendar);
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

    /// Counts a row as used that gives no event.
    pub(crate) fn use_row(&mut self) {
        self.parsed.tally.used += 1;
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
        Reason::FarFromCourse => format!("{} is over 68 years from the course's start", format_instant(row.instant)),
        Reason::ImplausibleTime => format!("{} is far from its course", format_instant(row.instant)),
        Reason::BadTime => format!("{} stands for a time that is not set", format_instant(row.instant)),
        Reason::ZeroCount => "the row's count is 0".to_owned(),
        Reason::BadCount => format!("a count of {} in one row", row.count),
        _ => format_instant(row.instant),
    }
}
