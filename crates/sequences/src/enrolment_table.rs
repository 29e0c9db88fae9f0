//! Reads `enrolments.parquet`, and checks each row and that the rows fit the courses.

use std::collections::BTreeMap;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int32Type};
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_schema::DataType;
use rayon::prelude::*;
use rustc_hash::FxHashMap;
use staycast_events::CourseIndex;

use crate::checked_file::CheckedFile;
use crate::contradictions::EnrolmentRules;
use crate::course_table::{BATCH_ROWS, Courses};
use crate::dataset::EnrolmentRow;
use crate::error::FolderError;
use crate::manifest::Manifest;
use crate::parquet_in::{Rows, arrow_error};

/// Counts the batches that are turned into rows side by side: half a million rows.
const BATCHES_AT_A_TIME: usize = 64;
/// Bounds the days from a course's start to anything in it: the seconds are 32 bits wide.
const GREATEST_DAY: f64 = (1_i64 << 31) as f64 / 86_400.0;

/// Holds the enrolments of a folder, in order.
#[derive(Debug)]
pub(crate) struct Enrolments {
    pub(crate) rows: Vec<EnrolmentRow>,
    /// Enrolments with a label.
    pub(crate) known: u64,
    /// Of these, dropouts.
    pub(crate) dropouts: u64,
}

impl Enrolments {
    /// Reads the enrolments, which must be in the order of courses and ids, distinct, as many in each course as `courses`
    /// says, and such as can be by the rules of `manifest`.
    pub(crate) fn read(file: &CheckedFile, courses: &Courses, manifest: &Manifest) -> Result<Self, FolderError> {
        let context = RowContext { statics: &manifest.static_columns, rules: EnrolmentRules::new(manifest, courses) };
        let path = file.path();
        let index: FxHashMap<&str, CourseIndex> =
            (0..).map(CourseIndex).zip(&courses.rows).map(|(index, course)| (course.id.as_str(), index)).collect();
        let due = file.rows();
        if due > u64::from(u32::MAX) {
            return Err(FolderError::damaged(path, format!("has {due} rows, more than 32 bits number")));
        }
        let mut read =
            file.batches(None, None, BATCH_ROWS)?.map(|batch| batch.map_err(|source| arrow_error(path, source)));
        let mut rows: Vec<EnrolmentRow> = Vec::new();
        loop {
            let batches: Vec<RecordBatch> =
                read.by_ref().take(BATCHES_AT_A_TIME).collect::<Result<_, FolderError>>()?;
            if batches.is_empty() {
                break;
            }
            let mut before = rows.len() as u64;
            let numbered: Vec<Rows<'_>> = batches
                .iter()
                .map(|batch| {
                    let first = before;
                    before += batch.num_rows() as u64;
                    Rows { path, batch, before: first }
                })
                .collect();
            let parts: Vec<Vec<EnrolmentRow>> =
                numbered.par_iter().map(|part| rows_of(part, &index, &context)).collect::<Result<_, FolderError>>()?;
            for (part, of_part) in numbered.iter().zip(parts) {
                if let (Some(last), Some(first)) = (rows.last(), of_part.first()) {
                    in_order(part, 0, last, first)?;
                }
                rows.extend(of_part);
            }
        }
        file.is_unchanged()?;
        let mut counted = vec![0; courses.rows.len()];
        rows.iter().for_each(|row| counted[row.course.as_usize()] += 1);
        courses.check_enrolments(path, &counted)?;
        let known = rows.iter().filter(|row| row.dropout.is_some()).count() as u64;
        let dropouts = rows.iter().filter(|row| row.dropout == Some(true)).count() as u64;
        Ok(Self { rows, known, dropouts })
    }
}

/// Refuses row `row` of the batch, which is `this`, unless it comes after the row before it.
fn in_order(rows: &Rows<'_>, row: usize, before: &EnrolmentRow, this: &EnrolmentRow) -> Result<(), FolderError> {
    let (before, key) = ((before.course, before.id.as_str()), (this.course, this.id.as_str()));
    if before < key {
        return Ok(());
    }
    Err(rows.damaged(
        row,
        if before == key {
            "is the same enrolment as the row before it"
        } else {
            "stands out of order; rows are ordered by course and enrolment, each once"
        },
    ))
}

/// Lends what rows are read with.
struct RowContext<'a> {
    statics: &'a [String],
    rules: EnrolmentRules<'a>,
}

fn rows_of(
    rows: &Rows<'_>,
    index: &FxHashMap<&str, CourseIndex>,
    context: &RowContext<'_>,
) -> Result<Vec<EnrolmentRow>, FolderError> {
    let (courses, ids, learners) = (rows.ids("course_id")?, rows.ids("enrolment_id")?, rows.ids("learner_id")?);
    let (courses, ids, learners) = (courses.as_string::<i32>(), ids.as_string::<i32>(), learners.as_string::<i32>());
    let outcomes = rows.text("outcome")?;
    let labels = rows.flags("dropout")?;
    let left = rows.whole("left_week", &DataType::Int32)?;
    let left = left.as_primitive::<Int32Type>();
    let events = rows.counts("pre_start_events", 0, u32::MAX)?;
    let active_days = rows.counts("pre_start_active_days", 0, u32::MAX)?;
    let day = |name| rows.numbers(name, &DataType::Float64);
    let (enrolled, withdrawal) = (day("enrolled_day")?, day("withdrawal_day")?);
    let (first, last) = (day("first_event_day")?, day("last_event_day")?);
    let statics: Vec<(&String, ArrayRef)> =
        context.statics.iter().map(|name| Ok((name, rows.text(name)?))).collect::<Result<_, FolderError>>()?;
    let string = |array: &ArrayRef, row: usize| {
        let array = array.as_string::<i32>();
        (!array.is_null(row)).then(|| array.value(row).to_owned())
    };
    let number = |array: &ArrayRef, name: &str, row: usize| {
        let array = array.as_primitive::<Float64Type>();
        let value = (!array.is_null(row)).then(|| array.value(row));
        match value {
            // Not a number is in no range.
            Some(day) if !(-GREATEST_DAY..=GREATEST_DAY).contains(&day) => {
                Err(rows.damaged(row, format!("column `{name}` is no day of any course")))
            }
            value => Ok(value),
        }
    };
    let mut found: Vec<EnrolmentRow> = Vec::with_capacity(rows.batch.num_rows());
    for row in 0..rows.batch.num_rows() {
        let course = courses.value(row);
        let Some(&course) = index.get(course) else {
            return Err(rows.damaged(row, format!("its course `{course}` is not in courses.parquet")));
        };
        let (first, last) = (number(&first, "first_event_day", row)?, number(&last, "last_event_day", row)?);
        if first.is_some() != last.is_some() || first > last {
            return Err(rows.damaged(row, "the first event is not before the last one"));
        }
        let enrolment = EnrolmentRow {
            id: ids.value(row).to_owned(),
            learner: learners.value(row).to_owned(),
            course,
            dropout: (!labels.is_null(row)).then(|| labels.value(row)),
            left_week: (!left.is_null(row)).then(|| left.value(row)),
            enrolled_day: number(&enrolled, "enrolled_day", row)?,
            first_event_day: first,
            withdrawal_day: number(&withdrawal, "withdrawal_day", row)?,
            pre_start_events: events[row],
            pre_start_active_days: active_days[row],
            outcome: string(&outcomes, row),
            statics: statics
                .iter()
                .map(|(name, array)| ((*name).clone(), string(array, row)))
                .collect::<BTreeMap<_, _>>(),
        };
        context.rules.check(&enrolment, last).map_err(|what| rows.damaged(row, what))?;
        if let Some(before) = found.last() {
            in_order(rows, row, before, &enrolment)?;
        }
        found.push(enrolment);
    }
    Ok(found)
}
