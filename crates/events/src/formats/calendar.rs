//! When courses run: from `--courses FILE`, for sources without a calendar or in place of the source's own, or inferred
//! from when they have events.

use crate::error::ReadError;
use crate::file_head::FileHead;
use crate::parsed_block::TimeSpan;
use crate::roster::Course;
use crate::table::{Header, Refusal, Table, TableRow};
use crate::tally::{Reason, Tally};
use crate::time::{DAY_SECONDS, format_instant, parse_instant};

/// The dates of one course.
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

/// Returns the course whose events lie in `span`: from the day of the first to the day of the last.
///
/// # Errors
/// When that is over ten years.
pub(super) fn inferred(course: &str, span: TimeSpan) -> Result<Course, ReadError> {
    let [first, last] = [span.first, span.last].map(|instant| instant.div_euclid(DAY_SECONDS));
    let days = last - first + 1;
    match i32::try_from(first) {
        Ok(start_day) if days <= i64::from(Course::GREATEST_DAYS) => {
            Ok(Course { id: course.to_owned(), start_day, days: days as u32, inferred: true })
        }
        _ => Err(ReadError::TooLongToInfer {
            course: course.to_owned(),
            first: format_instant(span.first),
            last: format_instant(span.last),
            where_: String::new(),
        }),
    }
}

/// Reads a CSV with the columns `course_id`, `from` (or `start`) and `to` (or `end`): dates `YYYY-MM-DD`, both
/// included.
///
/// # Errors
/// When the table can't be read, lacks a column, or has no usable row.
pub(super) fn read_calendar(file: &FileHead, tally: &mut Tally) -> Result<Vec<CalendarEntry>, ReadError> {
    let table = Table::open(file, "calendar", b',', Header::Present)?;
    let course = table.require(&["course_id", "course"])?;
    let from = table.require(&["from", "start", "start_date"])?;
    let to = table.require(&["to", "end", "end_date"])?;
    let mut entries: Vec<CalendarEntry> = Vec::new();
    table.rows(tally, |row| {
        let entry = CalendarEntry {
            course: row.id(course, "course id")?.to_owned(),
            start_day: date(row, from, "start")?,
            end_day: date(row, to, "end")?,
        };
        if entry.end_day < entry.start_day {
            return Err(Refusal::new(Reason::BadValue, format!("course {} ends before it starts", entry.course)));
        }
        if entry.to_course().days > Course::GREATEST_DAYS {
            let what = format!(
                "course {} is {} days long, more than {}; give the end that it is to be forecast for",
                entry.course,
                entry.to_course().days,
                Course::GREATEST_DAYS
            );
            return Err(Refusal::new(Reason::BadValue, what));
        }
        match entries.iter().find(|known| known.course == entry.course) {
            None => entries.push(entry),
            Some(known) if *known == entry => return Err(Refusal::new(Reason::Repeated, "the course again")),
            Some(_) => {
                let what = format!("course {} again, with other dates; the first ones are used", entry.course);
                return Err(Refusal::new(Reason::Contradiction, what));
            }
        }
        Ok(())
    })?;
    Ok(entries)
}

fn date(row: &TableRow<'_>, column: usize, name: &str) -> Result<i32, Refusal> {
    let text = row.text(column);
    parse_instant(text.as_bytes())
        .and_then(|seconds| i32::try_from(seconds.div_euclid(DAY_SECONDS)).ok())
        .ok_or_else(|| Refusal::new(Reason::BadTime, format!("{name} `{text}` is not a date YYYY-MM-DD")))
}
