//! When courses run: from a file of dates, for sources without a calendar or in place of the source's own, or inferred
//! from when they have events.

use std::borrow::Cow;

use crate::error::ReadError;
use crate::event_days::{EventDays, RunningDays, is_set};
use crate::file_head::FileHead;
use crate::roster::{Course, StrayDays};
use crate::table::{Header, Refusal, Table, TableRow};
use crate::tally::{Reason, Tally, shape};
use crate::time::{DAY_SECONDS, format_date, format_instant, parse_logged_instant};

/// Holds the dates of one course.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct CalendarEntry {
    /// The course's id.
    pub(super) course: String,
    /// First day, in days since 1970-01-01.
    pub(super) start_day: i32,
    /// Last day, included.
    pub(super) end_day: i32,
}

impl CalendarEntry {
    /// Returns the course that runs on these dates.
    #[must_use]
    pub(super) fn to_course(&self) -> Course {
        let days = (self.end_day - self.start_day + 1) as u32;
        Course { id: self.course.clone(), start_day: self.start_day, days, inferred: false }
    }
}

/// Names a course whose dates were inferred, and the days of it that they do not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct InferredCourse {
    pub(super) course: Course,
    pub(super) stray: Vec<StrayDays>,
}

/// Returns the course with events on `days`: from the first to the last that is not stray. Where `start` says on which
/// day it begins, events before that do not count. `None` where no event is left.
///
/// # Errors
/// When that is over ten years.
pub(super) fn inferred(
    course: &str,
    days: &EventDays,
    start: Option<i32>,
) -> Result<Option<InferredCourse>, ReadError> {
    let Some(RunningDays { first, last, stray }) = days.running(start.map(i64::from)) else { return Ok(None) };
    let first = start.map_or(first, i64::from);
    let length = last - first + 1;
    match i32::try_from(first) {
        Ok(start_day) if length <= i64::from(Course::GREATEST_DAYS) => {
            // Early days are no concern of a course that is known to begin before them or with them.
            let stray = stray.into_iter().filter(|run| start.is_none() || run.first > last);
            Ok(Some(InferredCourse {
                course: Course { id: course.to_owned(), start_day, days: length as u32, inferred: true },
                stray: stray.map(|run| StrayDays { course: course.to_owned(), run }).collect(),
            }))
        }
        _ => {
            let [first, last] = [first, last].map(|day| format_instant(day.saturating_mul(DAY_SECONDS)));
            let date = |instant: String| instant.split('T').next().unwrap_or_default().to_owned();
            Err(ReadError::TooLongToInfer {
                course: course.to_owned(),
                first: date(first),
                last: date(last),
                where_: String::new(),
            })
        }
    }
}

/// Reads a CSV with the columns `course_id`, `from` (or `start`) and `to` (or `end`): dates `YYYY-MM-DD`, both
/// included.
///
/// # Errors
/// When the table can't be read, lacks a column, or has no usable row.
pub(super) fn read_calendar(file: &FileHead, tally: &mut Tally) -> Result<Vec<CalendarEntry>, ReadError> {
    read_calendar_of(file, |id| Cow::Borrowed(id), tally)
}

/// Reads the same, where `course_id` makes a course's id of the text in the column.
///
/// # Errors
/// As [`read_calendar`].
pub(super) fn read_calendar_of(
    file: &FileHead,
    course_id: impl Fn(&str) -> Cow<'_, str>,
    tally: &mut Tally,
) -> Result<Vec<CalendarEntry>, ReadError> {
    let table = Table::open(file, "calendar", file.delimiter(), Header::Present)?;
    let course = table.require(&["course_id", "course"])?;
    let from = table.require(&["from", "start", "start_date"])?;
    let to = table.require(&["to", "end", "end_date"])?;
    let mut entries: Vec<CalendarEntry> = Vec::new();
    table.rows(tally, |row| {
        let entry = CalendarEntry {
            course: course_id(row.id(course, "course id")?).into_owned(),
            start_day: date(row, from, "start")?,
            end_day: date(row, to, "end")?,
        };
        if entry.end_day < entry.start_day {
            return Err(Refusal::new(Reason::BadValue, "a course that ends before it starts"));
        }
        if entry.to_course().days > Course::GREATEST_DAYS {
            let what = format!(
                "a course of {} days, more than {}; give the end that it is to be forecast for",
                entry.to_course().days,
                Course::GREATEST_DAYS
            );
            return Err(Refusal::new(Reason::BadValue, what));
        }
        match entries.iter().find(|known| known.course == entry.course) {
            None => entries.push(entry),
            Some(known) if *known == entry => return Err(Refusal::new(Reason::Repeated, "the course again")),
            Some(_) => {
                let what = "a course again, with other dates; the first ones are used";
                return Err(Refusal::new(Reason::Contradiction, what));
            }
        }
        Ok(())
    })?;
    Ok(entries)
}

fn date(row: &TableRow<'_>, column: usize, name: &str) -> Result<i32, Refusal> {
    let Some(text) = row.given(column) else {
        return Err(Refusal::new(Reason::BadTime, format!("the {name} is missing; give one, as YYYY-MM-DD")));
    };
    let instant = parse_logged_instant(text.as_bytes());
    if let Some(instant) = instant.filter(|&instant| !is_set(instant)) {
        // A date that was read may be shown: it is no text of the cell's.
        let shown = i32::try_from(instant.div_euclid(DAY_SECONDS)).map_or_else(|_| shape(text.as_bytes()), format_date);
        return Err(Refusal::new(
            Reason::BadTime,
            format!("{name} `{shown}` stands for a date that is not set: the course has no dates"),
        ));
    }
    instant.and_then(|seconds| i32::try_from(seconds.div_euclid(DAY_SECONDS)).ok()).ok_or_else(|| {
        let shape = shape(text.as_bytes());
        Refusal::new(
            Reason::BadTime,
            format!("{name} of shape `{shape}` is not a date YYYY-MM-DD; write it so in the file"),
        )
    })
}
