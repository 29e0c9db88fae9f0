//! Reads `courses.parquet`, and checks that what it says of each course can be.

use std::path::Path;

use arrow_array::cast::AsArray;
use arrow_array::types::{Date32Type, Float64Type};
use arrow_schema::DataType;

use crate::checked_file::CheckedFile;
use crate::dataset::CourseRow;
use crate::error::{FolderError, counted};
use crate::grid::{WEEK_DAYS, WeekGrid};
use crate::parquet_in::{Rows, arrow_error};

/// Counts the rows of a batch.
pub(crate) const BATCH_ROWS: usize = 8_192;
/// Bounds the days that a calendar's dates may be apart from 1970-01-01: the year 9999.
const GREATEST_DATE: i32 = 2_932_896;

/// Holds the courses of a folder.
#[derive(Clone, Debug)]
pub(crate) struct Courses {
    pub(crate) rows: Vec<CourseRow>,
    /// By course: the enrolments that the table counts.
    pub(crate) enrolments: Vec<u64>,
    /// By course: the days from its start to its end, both included.
    pub(crate) calendar_days: Vec<u64>,
}

impl Courses {
    /// Reads the courses, which must be in order and distinct.
    pub(crate) fn read(file: &CheckedFile) -> Result<Self, FolderError> {
        let path = file.path();
        let mut courses = Self { rows: Vec::new(), enrolments: Vec::new(), calendar_days: Vec::new() };
        for batch in file.batches(None, None, BATCH_ROWS)? {
            let batch = batch.map_err(|source| arrow_error(path, source))?;
            let rows = Rows { path, batch: &batch, before: courses.rows.len() as u64 };
            courses.take(&rows)?;
        }
        file.is_unchanged()?;
        Ok(courses)
    }

    fn take(&mut self, rows: &Rows<'_>) -> Result<(), FolderError> {
        let ids = rows.ids("course_id")?;
        let ids = ids.as_string::<i32>();
        let (starts, ends) = (rows.dates("start")?, rows.dates("end")?);
        let (starts, ends) = (starts.as_primitive::<Date32Type>(), ends.as_primitive::<Date32Type>());
        let days = rows.counts("days", 0, WeekGrid::GREATEST_DAYS)?;
        let first_week_days = rows.counts("first_week_days", 1, WEEK_DAYS)?;
        let weeks = rows.counts("weeks", 0, u16::MAX.into())?;
        let observed = rows.counts("observed_weeks", 0, u16::MAX.into())?;
        let enrolments = rows.counts("enrolments", 0, u32::MAX)?;
        let as_of = rows.numbers("as_of_days", &DataType::Float64)?;
        let as_of = rows.without_nulls("as_of_days", as_of)?;
        let as_of = as_of.as_primitive::<Float64Type>();
        let (inferred, nominal) = (rows.known_flags("inferred")?, rows.known_flags("nominal_dates")?);
        for row in 0..rows.batch.num_rows() {
            let course = CourseRow {
                id: ids.value(row).to_owned(),
                start_day: starts.value(row),
                days: days[row],
                first_week_days: first_week_days[row],
                weeks: weeks[row],
                observed_weeks: observed[row],
                as_of_days: as_of.value(row),
                inferred: inferred.value(row),
                nominal_dates: nominal.value(row),
            };
            check_course(&course, ends.value(row)).map_err(|what| rows.damaged(row, what))?;
            if let Some(before) = self.rows.last().filter(|before| before.id >= course.id) {
                let what = if before.id == course.id { "is there twice" } else { "stands out of order" };
                return Err(rows.damaged(row, format!("course `{}` {what}", course.id)));
            }
            let days = i64::from(ends.value(row)) - i64::from(course.start_day) + 1;
            self.calendar_days.push(u64::try_from(days).unwrap_or(0));
            self.rows.push(course);
            self.enrolments.push(enrolments[row].into());
        }
        Ok(())
    }

    /// Refuses another number of enrolments of a course than `counted`, those of `enrolments.parquet`.
    pub(crate) fn check_enrolments(&self, path: &Path, enrolments: &[u64]) -> Result<(), FolderError> {
        for ((course, &said), &found) in self.rows.iter().zip(&self.enrolments).zip(enrolments) {
            if said != found {
                let said = counted(said, "enrolment");
                let what =
                    format!("course `{}` has {said} in courses.parquet, and {found} in enrolments.parquet", course.id);
                return Err(FolderError::damaged(path, what));
            }
        }
        Ok(())
    }
}

/// Says what is wrong with a course, of which `end` is the last day.
fn check_course(course: &CourseRow, end: i32) -> Result<(), String> {
    let CourseRow { id, start_day, days, weeks, observed_weeks, as_of_days, .. } = course;
    let grid = course.week_grid();
    let dates = -GREATEST_DATE..=GREATEST_DATE;
    if !dates.contains(start_day) || !dates.contains(&end) {
        return Err(format!("course `{id}` has dates beyond the year 9999"));
    }
    if i64::from(end) < i64::from(*start_day) + i64::from(*days) - 1 {
        return Err(format!("course `{id}` has {}, and fewer between its start and its end", counted(*days, "day")));
    }
    if u32::from(grid.count()) != *weeks {
        return Err(format!("course `{id}` has {}, and its days are {}", counted(*weeks, "week"), grid.count()));
    }
    if !as_of_days.is_finite() {
        return Err(format!("course `{id}` has an instant of the log, as_of_days, that is no number"));
    }
    let over = |week| f64::from(grid.first_day(week) + grid.week_days(week)) <= *as_of_days;
    let is_over = grid.weeks().take_while(|&week| over(week)).count();
    if *observed_weeks as usize != is_over {
        return Err(format!(
            "course `{id}` has {}, and {is_over} of its weeks were over when the log was taken",
            counted(*observed_weeks, "observed week")
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn course() -> CourseRow {
        CourseRow {
            id: "c".to_owned(),
            start_day: 16_000,
            days: 30,
            first_week_days: 7,
            weeks: 5,
            observed_weeks: 4,
            as_of_days: 29.5,
            inferred: false,
            nominal_dates: false,
        }
    }

    #[test]
    fn a_course_says_nothing_that_cannot_be() {
        assert_eq!(check_course(&course(), 16_029), Ok(()));
        assert_eq!(check_course(&course(), 16_200), Ok(()), "weeks may be limited");
        let cases: [(CourseRow, i32, &str); 7] = [
            (course(), 16_028, "fewer between"),
            (CourseRow { weeks: 65_535, ..course() }, 16_029, "65535 weeks"),
            (CourseRow { days: 31 * 7, ..course() }, 17_000, "31"),
            (CourseRow { observed_weeks: 5, ..course() }, 16_029, "5 observed"),
            (CourseRow { observed_weeks: 0, ..course() }, 16_029, "0 observed"),
            (CourseRow { as_of_days: f64::NAN, ..course() }, 16_029, "no number"),
            (CourseRow { start_day: i32::MIN, ..course() }, 16_029, "9999"),
        ];
        for (course, end, part) in cases {
            let what = check_course(&course, end).expect_err(part);
            assert!(what.contains(part), "{what}");
        }
    }
}
