//! When courses run: from a table, or inferred from when they have events.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use rustc_hash::{FxHashMap, FxHashSet};

use super::checked_mapping::{CheckedMapping, CheckedTable, TABLE_FORMAT};
use super::course_starts::NOMINAL_START;
use super::enrolments::{self, SetAside, read_moment};
use super::event_rows::{EnrolmentFinder, EventRows};
use super::files::{Found, LogFile};
use super::log;
use super::mapping::{CourseColumns, Time};
use super::small::SmallTable;
use super::written::{UndatedEnrolments, Written};
use crate::error::ReadError;
use crate::event_days::{EventDays, is_set};
use crate::event_file::ReadPurpose;
use crate::formats::calendar::{self, InferredCourse};
use crate::index::CourseIndex;
use crate::moment::Moment;
use crate::not_yet_known::NotYetKnown;
use crate::roster::{Course, Roster, StrayDays};
use crate::row_limits::RowLimits;
use crate::table::{Refusal, TableRow};
use crate::tally::{Reason, Tally};
use crate::time::{DAY_SECONDS, days_from_civil};

const GREATEST_DAYS: i64 = Course::GREATEST_DAYS as i64;

/// Holds the places of the columns of a courses table.
struct CourseColumnPlaces {
    course: Option<usize>,
    start: Option<(usize, Time)>,
    end: Option<(usize, Time)>,
    days: Option<usize>,
}

impl CourseColumnPlaces {
    fn find(table: &mut SmallTable, columns: &CourseColumns) -> Result<Self, ReadError> {
        let mut time = |time: &Option<Time>| -> Result<Option<(usize, Time)>, ReadError> {
            let place = |time: &Time| Ok((table.place(&time.column)?, time.clone()));
            time.as_ref().map(place).transpose()
        };
        let (start, end) = (time(&columns.start)?, time(&columns.end)?);
        let course = table.place_of(columns.course.as_ref())?;
        Ok(Self { course, start, end, days: table.place_of(columns.days.as_ref())? })
    }

    fn course(&self, row: &TableRow<'_>, mapping: &CheckedMapping) -> Result<CourseDates, Refusal> {
        let id = match (self.course, &mapping.single_course) {
            (Some(place), _) => row.id(place, "course")?,
            (None, single) => single.as_deref().unwrap_or_default(),
        };
        let moment = |(place, time): &(usize, Time)| read_moment(row.text(*place), time);
        let is_missing =
            |(place, time): &(usize, Time)| row.given(*place).is_none_or(|text| enrolments::is_unset(text, time));
        let lacks = |column: &Option<(usize, Time)>| mapping.infer_missing && column.as_ref().is_some_and(is_missing);
        let id = id.to_owned();
        if lacks(&self.start) {
            return Ok(CourseDates { id, start_day: None, days: None });
        }
        let start = self.start.as_ref().map(moment).transpose()?;
        let start_day = start.map_or(Ok(NOMINAL_START), |start| day(start, 0))?;
        let no_days = || mapping.infer_missing && self.days.is_some_and(|place| row.given(place).is_none());
        if lacks(&self.end) || no_days() {
            return Ok(CourseDates { id, start_day: Some(start_day), days: None });
        }
        let days = match (&self.end, self.days) {
            (Some(end), _) => {
                let end = day(moment(end)?, i64::from(start_day) * DAY_SECONDS)?;
                i64::from(end) - i64::from(start_day) + 1
            }
            (None, Some(place)) => row.integer(place, "days")?.unwrap_or(0),
            (None, None) => 0,
        };
        if !(1..=GREATEST_DAYS).contains(&days) {
            let what = format!("a course of {days} days, which is not from 1 to {GREATEST_DAYS}");
            return Err(Refusal::new(Reason::BadValue, what));
        }
        Ok(CourseDates { id, start_day: Some(start_day), days: Some(days as u32) })
    }
}

/// Holds the dates of a course in a table. Only where the mapping has dates inferred may some be missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct CourseDates {
    id: String,
    start_day: Option<i32>,
    days: Option<u32>,
}

impl CourseDates {
    /// Returns the course, where nothing is missing.
    pub(super) fn course(&self) -> Option<Course> {
        Some(Course { id: self.id.clone(), start_day: self.start_day?, days: self.days?, inferred: false })
    }

    /// Returns the course's id, and its first day where the table has it.
    pub(super) fn id_and_start(&self) -> (&str, Option<i32>) {
        (&self.id, self.start_day)
    }
}

/// Returns the courses of a table, with dates inferred from the days with events in place of those that it lacks, and
/// those that it does not name; and the days that the inferred dates do not hold. A course that the table lets begin
/// after its last event is left out.
pub(super) fn completed(
    given: &[CourseDates],
    days: &BTreeMap<String, EventDays>,
    mapping: &CheckedMapping,
) -> Result<(Vec<Course>, Vec<StrayDays>), ReadError> {
    let mut courses: Vec<Course> = given.iter().filter_map(CourseDates::course).collect();
    let mut all_stray = Vec::new();
    let known: FxHashMap<&str, &CourseDates> = given.iter().map(|one| (one.id.as_str(), one)).collect();
    for (id, days) in days {
        let start = match known.get(id.as_str()) {
            Some(CourseDates { start_day: Some(_), days: Some(_), .. }) => continue,
            Some(CourseDates { start_day: Some(start), .. }) => Some(*start),
            // Days are counted from the start.
            _ => mapping.counts_days().then_some(NOMINAL_START),
        };
        let inferred = calendar::inferred(id, days, start).map_err(|error| match error {
            ReadError::TooLongToInfer { course, first, last, .. } if mapping.format == TABLE_FORMAT => {
                let where_ = format!(" in [courses] of {}", mapping.path.display());
                ReadError::TooLongToInfer { course, first, last, where_ }
            }
            other => other,
        })?;
        if let Some(InferredCourse { course, stray }) = inferred {
            courses.push(course);
            all_stray.extend(stray);
        }
    }
    Ok((courses, all_stray))
}

/// Tells whether any of `written` is in a course whose dates the table does not give.
pub(super) fn any_missing(given: &[CourseDates], written: &Written) -> bool {
    let dated: FxHashSet<&str> = given.iter().filter(|one| one.course().is_some()).map(|one| one.id.as_str()).collect();
    written.courses_in_use().iter().any(|course| !dated.contains(course))
}

/// Tells whether any of `written` is in one of `courses`.
pub(super) fn any_among(courses: &[Course], written: &Written) -> bool {
    let dated: FxHashSet<&str> = courses.iter().map(|course| course.id.as_str()).collect();
    written.courses_in_use().iter().any(|course| dated.contains(course))
}

fn day(moment: Moment, start: i64) -> Result<i32, Refusal> {
    let day = moment.instant(start).div_euclid(DAY_SECONDS);
    // Days of the calendar as it is now: a date beyond them has another format than the mapping says.
    let usual = i64::from(days_from_civil(1900, 1, 1))..i64::from(days_from_civil(2200, 1, 1));
    if usual.contains(&day) && !is_set(day * DAY_SECONDS) {
        return Err(Refusal::new(Reason::BadTime, "a date in 1970 or 1900, which stands for one that is not set"));
    }
    match usual.contains(&day) {
        true => Ok(day as i32),
        false => Err(Refusal::new(Reason::BadTime, "a date before 1900 or after 2199; is its format another?")),
    }
}

/// Reads the courses table.
pub(super) fn read(
    files: &[Found],
    mapping: &CheckedMapping,
    checked: &CheckedTable<CourseColumns>,
    tables: &mut Tally,
) -> Result<Vec<CourseDates>, ReadError> {
    let mut courses: Vec<CourseDates> = Vec::new();
    let mut by_id: FxHashMap<String, usize> = FxHashMap::default();
    for found in files {
        let mut table = SmallTable::open(found, "courses", checked)?;
        let places = CourseColumnPlaces::find(&mut table, &checked.columns)?;
        table.rows(tables, |row| {
            if let Some(refusal) = table.set_aside(row) {
                return Err(refusal);
            }
            let course = places.course(row, mapping)?;
            match by_id.get(&course.id).map(|&place| &courses[place]) {
                Some(known) if *known == course => return Err(Refusal::new(Reason::Repeated, "the course again")),
                Some(_) => {
                    let what = "a course again, with other dates; the first ones are used";
                    return Err(Refusal::new(Reason::Contradiction, what));
                }
                None => by_id.insert(course.id.clone(), courses.len()),
            };
            courses.push(course);
            Ok(())
        })?;
    }
    Ok(courses)
}

/// Lends `written` as a roster of courses whose dates are not known yet, and makes what finds its enrolments.
pub(super) fn without_dates(
    mapping: &CheckedMapping,
    written: &mut Written,
    aside: &SetAside,
    not_yet_known: &NotYetKnown,
) -> (Roster, Arc<EnrolmentFinder>) {
    let mut roster = written.lend(NOMINAL_START);
    roster.not_yet_known = not_yet_known.clone();
    let who = EnrolmentFinder::new(mapping, &roster, UndatedEnrolments::default(), aside.clone());
    (roster, Arc::new(who))
}

/// Finds the days on which each course has events of an enrolment in it. Reads the log once. A course without events is
/// left out.
pub(super) fn days_with_events(
    files: &[LogFile],
    mapping: &CheckedMapping,
    written: &mut Written,
    aside: &SetAside,
) -> Result<BTreeMap<String, EventDays>, ReadError> {
    let (roster, who) = without_dates(mapping, written, aside, &NotYetKnown::default());
    let limits = RowLimits::without_calendars(&roster);
    let ids: Vec<String> = roster.courses.iter().map(|course| course.id.clone()).collect();
    written.take_back(roster);
    let days: Mutex<FxHashMap<CourseIndex, EventDays>> = Mutex::default();
    for found in files {
        let file = log::open(found, mapping, EventRows::new(mapping, &mapping.logs[found.log], &who, None))?;
        let sink = |_, parsed: crate::parsed_block::ParsedBlock| {
            let mut days = days.lock().unwrap_or_else(PoisonError::into_inner);
            for (course, of_block) in parsed.course_days {
                days.entry(course).or_default().join(&of_block, |learner| learner);
            }
            Ok(())
        };
        file.read(ReadPurpose::Spans, &limits, &sink, &|_| ())?;
    }
    let days = days.into_inner().unwrap_or_else(PoisonError::into_inner);
    Ok(days.into_iter().map(|(course, days)| (ids[course.as_usize()].clone(), days)).collect())
}
