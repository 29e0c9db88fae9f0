//! Where readers hand in what they parsed: one place decides, the same way for every format, whether a row becomes an
//! event, is set aside or is rejected.

use rustc_hash::FxHashMap;

use crate::event::{Event, ObjectKey, Weight};
use crate::kind::Kind;
use crate::roster::Roster;
use crate::source::Purpose;
use crate::tally::{BlockTally, Reason};
use crate::time::format_instant;

/// Events that count as more than this in one row are taken for a mistake.
const GREATEST_COUNT: u64 = 1_000_000;

/// What a reader is given besides the text: the roster, and the limits a row is held against.
#[derive(Clone, Debug)]
pub struct Frame {
    starts: Vec<i64>,
    limits: Vec<i64>,
    lanes: Vec<Lane>,
    courses: Vec<u32>,
    as_of: Option<i64>,
    /// By kind number: whether such an event befell the learner.
    received: [bool; 1 << u8::BITS],
}

impl Frame {
    /// The frame for `roster`, whose courses' grids end `grid_days[course]` days after their starts. Rows after
    /// `as_of` (seconds since 1970-01-01T00:00:00) are set aside.
    #[must_use]
    pub fn new(roster: &Roster, grid_days: &[u32], as_of: Option<i64>) -> Self {
        let starts: Vec<i64> = roster.courses.iter().map(crate::Course::start_seconds).collect();
        let limits: Vec<i64> = starts
            .iter()
            .zip(grid_days)
            .map(|(start, &days)| start + i64::from(days) * crate::time::DAY_SECONDS)
            .collect();
        let lanes = starts.iter().zip(&limits).map(|(&start, &limit)| Lane::new(start, limit, as_of)).collect();
        let courses = roster.enrolments.iter().map(|enrolment| enrolment.course).collect();
        Self { starts, limits, lanes, courses, as_of, received: [false; 1 << u8::BITS] }
    }

    /// The same frame for rows of these `kinds`: events that befall a learner (see [`crate::Detail::is_received`]) are
    /// then kept apart from those that are the learner's own.
    #[must_use]
    pub fn with_kinds(mut self, kinds: &[Kind]) -> Self {
        for (received, kind) in self.received.iter_mut().zip(kinds) {
            *received = kind.detail.is_received();
        }
        self
    }

    /// The frame of the `count` enrolments from `first` on, for rows that count enrolments from there, and whose kinds
    /// stand at these places among all.
    pub(crate) fn part(&self, first: u32, count: usize, kinds: &[u8]) -> Self {
        let first = first as usize;
        let mut part = Self { courses: self.courses[first..first + count].to_vec(), ..self.clone() };
        for (received, &kind) in part.received.iter_mut().zip(kinds) {
            *received = self.is_received(kind);
        }
        part
    }

    fn is_received(&self, kind: u8) -> bool {
        self.received[usize::from(kind)]
    }

    fn lane(&self, enrolment: u32) -> Lane {
        self.lanes[self.courses[enrolment as usize] as usize]
    }
}

/// First and last instant of events, in seconds since 1970-01-01T00:00:00.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// First.
    pub first: i64,
    /// Last.
    pub last: i64,
}

impl Span {
    /// The least span that holds both.
    #[must_use]
    pub fn join(self, other: Self) -> Self {
        Self { first: self.first.min(other.first), last: self.last.max(other.last) }
    }
}

/// What one block of a file gave.
#[derive(Clone, Debug, Default)]
pub struct Parsed {
    /// Events, in the order of the rows.
    pub events: Vec<Event>,
    /// Events that befell a learner, done by another, in the order of the rows. Nothing else here tells of them: they
    /// are neither activity nor presence.
    pub received: Vec<Event>,
    /// Enrolments with an event after their course's grid, and the seconds from the course's start to it.
    pub after_calendar: Vec<(u32, i32)>,
    /// What became of the rows.
    pub tally: BlockTally,
    /// First and last instant of a row with an instant, inside the calendar or not, up to the `as_of` of the frame.
    pub span: Option<Span>,
    /// The same by course, when asked for.
    pub course_spans: FxHashMap<u32, Span>,
}

impl Parsed {
    /// Takes up that there was a row of this instant.
    fn see(&mut self, instant: i64) {
        let here = Span { first: instant, last: instant };
        self.span = Some(self.span.map_or(here, |span| span.join(here)));
    }
}

/// Within what an event in a course is used without further questions: instants.
#[derive(Clone, Copy, Debug)]
struct Lane {
    /// The course's start.
    start: i64,
    from: i64,
    to: i64,
}

impl Lane {
    fn new(start: i64, limit: i64, as_of: Option<i64>) -> Self {
        let after = as_of.map_or(i64::MAX, |as_of| as_of.saturating_add(1));
        let to = limit.min(start.saturating_add(i64::from(i32::MAX))).min(after);
        Self { start, from: start.saturating_add(i64::from(i32::MIN)), to }
    }
}

/// Takes the rows of one block.
#[derive(Debug)]
pub struct Intake<'a> {
    frame: &'a Frame,
    /// What came of the block so far.
    pub parsed: Parsed,
    /// Number of the block in its file, from 0.
    pub block: usize,
    spans_by_course: bool,
}

/// A row as a reader understood it.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// Line of the row in the block, from 0.
    pub line: u64,
    /// Index of the enrolment in the roster.
    pub enrolment: u32,
    /// Instant, in seconds since 1970-01-01T00:00:00.
    pub instant: i64,
    /// The source's kind number.
    pub kind: u8,
    /// What was acted on.
    pub object: Option<ObjectKey>,
    /// How many events the row counts as.
    pub count: u64,
}

impl<'a> Intake<'a> {
    /// An intake for one block.
    #[must_use]
    pub fn new(frame: &'a Frame) -> Self {
        Self { frame, parsed: Parsed::default(), block: 0, spans_by_course: false }
    }

    /// An intake that only learns when each course has events, to infer calendars from.
    #[must_use]
    pub fn for_spans(frame: &'a Frame) -> Self {
        Self { spans_by_course: true, ..Self::new(frame) }
    }

    /// An intake for block `number`, for what the file is read for.
    #[must_use]
    pub fn for_purpose(purpose: Purpose, frame: &'a Frame, number: usize) -> Self {
        let intake = match purpose {
            Purpose::Events => Self::new(frame),
            Purpose::Spans => Self::for_spans(frame),
        };
        Self { block: number, ..intake }
    }

    /// First instant of the enrolment's course, in seconds since 1970-01-01T00:00:00: for sources that count days from it.
    #[must_use]
    pub fn course_start(&self, enrolment: u32) -> i64 {
        self.frame.starts[self.frame.courses[enrolment as usize] as usize]
    }

    /// Takes a row that is one event.
    #[inline]
    pub fn row(&mut self, row: Row) {
        let Lane { start, from, to } = self.frame.lane(row.enrolment);
        let usual = (from..to).contains(&row.instant) & (row.count == 1) & !self.frame.is_received(row.kind);
        if usual & !self.spans_by_course {
            self.parsed.see(row.instant);
            let seconds = (row.instant - start) as i32;
            self.parsed.events.push(Event::new(row.enrolment, seconds, row.kind, row.object, Weight::ONE));
            self.parsed.tally.used += 1;
            return;
        }
        self.unusual_row(row);
    }

    /// Takes a row that [`Intake::row`] is not sure of.
    #[cold]
    fn unusual_row(&mut self, row: Row) {
        match self.event(row) {
            Ok(()) => self.parsed.tally.used += 1,
            Err(reason) => self.refuse(reason, row.line, || what(reason, row)),
        }
    }

    /// Takes the row on line `line` that is as many events as `rows` gives. It counts as used when one of them is, and
    /// otherwise under the reason of the first.
    pub fn rows(&mut self, line: u64, rows: impl Iterator<Item = Row>) {
        let mut used = false;
        let mut refused = None;
        for row in rows {
            match self.event(row) {
                Ok(()) => used = true,
                Err(reason) => drop(refused.get_or_insert((reason, row))),
            }
        }
        match refused {
            _ if used => self.parsed.tally.used += 1,
            Some((reason, row)) => self.refuse(reason, line, || what(reason, row)),
            None => self.refuse(Reason::ZeroCount, line, || "none of the row's times is given".to_owned()),
        }
    }

    fn event(&mut self, row: Row) -> Result<(), Reason> {
        let course = self.frame.courses[row.enrolment as usize];
        let start = self.frame.starts[course as usize];
        let seconds = row.instant.checked_sub(start).and_then(|seconds| i32::try_from(seconds).ok());
        let seconds = seconds.ok_or(Reason::FarFromCourse)?;
        if row.count == 0 {
            return Err(Reason::ZeroCount);
        }
        if row.count > GREATEST_COUNT {
            return Err(Reason::BadCount);
        }
        if self.frame.as_of.is_some_and(|as_of| row.instant > as_of) {
            return Err(Reason::AfterAsOf);
        }
        let received = self.frame.is_received(row.kind);
        let here = Span { first: row.instant, last: row.instant };
        if !received {
            self.parsed.see(row.instant);
        }
        if self.spans_by_course {
            if !received {
                self.parsed.course_spans.entry(course).and_modify(|span| *span = span.join(here)).or_insert(here);
            }
            return Ok(());
        }
        if row.instant >= self.frame.limits[course as usize] {
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
    pub fn use_row(&mut self) {
        self.parsed.tally.used += 1;
    }

    /// Counts the row on line `line` of the block as not used.
    pub fn refuse(&mut self, reason: Reason, line: u64, what: impl FnOnce() -> String) {
        self.parsed.tally.refuse(reason, line, what);
    }
}

/// What keeps `row` from being used, in words.
fn what(reason: Reason, row: Row) -> String {
    match reason {
        Reason::FarFromCourse => format!("{} is over 68 years from the course's start", format_instant(row.instant)),
        Reason::ZeroCount => "the row's count is 0".to_owned(),
        Reason::BadCount => format!("a count of {} in one row", row.count),
        _ => format_instant(row.instant),
    }
}
