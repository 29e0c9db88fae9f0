//! Writes `enrolments.parquet` and `courses.parquet`: facts of enrolments and courses that are not weekly.

use std::collections::BTreeMap;
use std::fs::File;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use arrow_array::{
    ArrayRef, BooleanArray, Date32Array, Float64Array, Int32Array, Int64Array, RecordBatch, StringArray,
};
use arrow_schema::{DataType, Field, Schema};
use parquet::errors::ParquetError;
use staycast_events::time::{DAY_SECONDS, format_date};

use crate::error::BuildError;
use crate::grid::CourseGrid;
use crate::labels::DropoutRule;
use crate::manifest::LabelRecord;
use crate::outcomes::{DAYS_AFTER_NOT_OVER, NOT_OVER, Outcomes};
use crate::parquet_out::{write_columns, write_parquet};
use crate::reduce::Summary;

/// Holds the facts that the tables are made of.
pub(crate) struct TableFacts<'a> {
    pub(crate) outcomes: &'a Outcomes<'a>,
    pub(crate) summaries: &'a [Summary],
}

/// Lists the columns of `enrolments.parquet` before the static ones.
pub(crate) const ENROLMENT_COLUMNS: [&str; 12] = [
    "course_id",
    "enrolment_id",
    "learner_id",
    "dropout",
    "left_week",
    "enrolled_day",
    "first_event_day",
    "last_event_day",
    "withdrawal_day",
    "pre_start_events",
    "pre_start_active_days",
    "outcome",
];

/// Lists the columns of `courses.parquet`.
pub(crate) const COURSE_COLUMNS: [&str; 11] = [
    "course_id",
    "start",
    "end",
    "days",
    "first_week_days",
    "weeks",
    "observed_weeks",
    "as_of_days",
    "enrolments",
    "inferred",
    "nominal_dates",
];

/// Finds the week in which a learner left: that of the withdrawal or, where dropout means inactivity, of the last event.
/// One who never did anything left with the enrolment, and at the latest before the first week where that came before it
/// or is not dated.
fn left_week(facts: &TableFacts<'_>, place: usize, dropout: Option<bool>) -> Option<i32> {
    let all = &facts.outcomes.source.roster.enrolments;
    let cut = facts.outcomes.grids[all.course(place).as_usize()].weeks;
    let week = |seconds: i32| cut.week_of(i64::from(seconds)) as i32;
    if let Some(seconds) = facts.outcomes.withdrawn_seconds(place) {
        return Some(week(seconds));
    }
    let went_inactive = matches!(facts.outcomes.rule, DropoutRule::InactiveLast { .. }) && dropout == Some(true);
    let enrolled =
        || all.enrolled_seconds(place).map_or(BEFORE_FIRST_WEEK, |seconds| week(seconds).max(BEFORE_FIRST_WEEK));
    went_inactive.then(|| facts.summaries[place].last_event_seconds().map_or_else(enrolled, week))
}

/// Numbers the week before week 0.
pub(crate) const BEFORE_FIRST_WEEK: i32 = -1;

fn days(seconds: Option<i32>) -> Option<f64> {
    seconds.map(|seconds| f64::from(seconds) / DAY_SECONDS as f64)
}

/// Holds the labels of one course.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct CourseLabels {
    /// Known ones.
    pub(crate) known: u64,
    /// Of these, dropouts.
    pub(crate) dropouts: u64,
}

/// Counts the labels of a folder.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct LabelCounts {
    pub(crate) record: LabelRecord,
    pub(crate) by_course: Vec<CourseLabels>,
}

/// Writes `enrolments.parquet`, and counts its labels.
pub(crate) fn write_enrolments(facts: &TableFacts<'_>, path: &Path) -> Result<LabelCounts, BuildError> {
    let roster = &facts.outcomes.source.roster;
    let all = &roster.enrolments;
    let mut record =
        LabelRecord { rule: facts.outcomes.rule, known: 0, dropouts: 0, unknown: BTreeMap::new(), known_from: None };
    let mut by_course = vec![CourseLabels::default(); roster.courses.len()];
    let mut known_from: Option<i32> = None;
    let mut labels = Vec::with_capacity(roster.enrolments.len());
    for place in 0..roster.enrolments.len() {
        let label = facts.outcomes.label(place, facts.summaries[place].first_and_last.is_some());
        match label {
            Ok(dropout) => {
                record.known += 1;
                record.dropouts += u64::from(dropout);
                let of_course = &mut by_course[all.course(place).as_usize()];
                of_course.known += 1;
                of_course.dropouts += u64::from(dropout);
            }
            Err(why) => {
                *record.unknown.entry(why.to_owned()).or_default() += 1;
                if matches!(why, NOT_OVER | DAYS_AFTER_NOT_OVER) {
                    known_from = known_from.max(Some(facts.outcomes.over_on(place)));
                }
            }
        }
        labels.push(label.ok());
    }
    // A part of one column at a time, as all together would take more room than the roster.
    let column = |column: usize, places: Range<usize>| -> ArrayRef {
        let summaries = facts.summaries[places.clone()].iter();
        match column {
            0 => {
                let id = |place| Some(roster.courses[all.course(place).as_usize()].id.as_str());
                Arc::new(places.map(id).collect::<StringArray>())
            }
            1 => Arc::new(places.map(|place| Some(all.id(place))).collect::<StringArray>()),
            2 => Arc::new(places.map(|place| Some(all.learner(place))).collect::<StringArray>()),
            3 => Arc::new(labels[places].iter().copied().collect::<BooleanArray>()),
            4 => Arc::new(places.map(|place| left_week(facts, place, labels[place])).collect::<Int32Array>()),
            5 => Arc::new(places.map(|place| days(all.enrolled_seconds(place))).collect::<Float64Array>()),
            6 => Arc::new(summaries.map(|summary| days(summary.first_event_seconds())).collect::<Float64Array>()),
            7 => Arc::new(summaries.map(|summary| days(summary.last_event_seconds())).collect::<Float64Array>()),
            8 => Arc::new(places.map(|place| days(facts.outcomes.withdrawn_seconds(place))).collect::<Float64Array>()),
            9 => Arc::new(summaries.map(|summary| i64::from(summary.pre_start_events)).collect::<Int64Array>()),
            10 => Arc::new(summaries.map(|summary| i64::from(summary.pre_start_active_days)).collect::<Int64Array>()),
            11 => {
                let words = places.map(|place| all.outcome(place).map(|outcome| outcome.recorded.as_str()));
                Arc::new(words.collect::<StringArray>())
            }
            _ => {
                let column = column - ENROLMENT_COLUMNS.len();
                let values = places.map(|place| all.static_value(place, column));
                Arc::new(values.collect::<StringArray>())
            }
        }
    };
    let data_type = |column: usize| match column {
        3 => DataType::Boolean,
        4 => DataType::Int32,
        5..=8 => DataType::Float64,
        9 | 10 => DataType::Int64,
        _ => DataType::Utf8,
    };
    let nullable = |column: usize| column > 2 && column != 9 && column != 10;
    let names = ENROLMENT_COLUMNS.into_iter().chain(roster.static_columns.iter().map(String::as_str));
    let field = |(place, name)| Field::new(name, data_type(place), nullable(place));
    let schema = Arc::new(Schema::new(names.enumerate().map(field).collect::<Vec<_>>()));
    let rows = roster.enrolments.len();
    let file = File::create(path).map_err(ParquetError::from);
    let written = file.and_then(|file| write_columns(file, &schema, rows, column));
    written.map_err(BuildError::parquet(path))?;
    record.known_from = known_from.map(format_date);
    Ok(LabelCounts { record, by_course })
}

/// Writes `courses.parquet`.
pub(crate) fn write_courses(facts: &TableFacts<'_>, path: &Path) -> Result<(), BuildError> {
    let courses = &facts.outcomes.source.roster.courses;
    let grids = || facts.outcomes.grids.iter();
    let mut enrolments = vec![0; courses.len()];
    for place in facts.outcomes.source.roster.enrolments.places() {
        enrolments[facts.outcomes.source.roster.enrolments.course(place).as_usize()] += 1;
    }
    let last_day = |grid: &CourseGrid| grid.start_day + grid.calendar_days as i32 - 1;
    let first_week_days = |grid: &CourseGrid| grid.weeks.first_week_days() as i32;
    let as_of_days = |grid: &CourseGrid| grid.as_of_seconds as f64 / DAY_SECONDS as f64;
    let columns: [ArrayRef; COURSE_COLUMNS.len()] = [
        Arc::new(courses.iter().map(|course| Some(course.id.as_str())).collect::<StringArray>()),
        Arc::new(Date32Array::from_iter_values(grids().map(|grid| grid.start_day))),
        Arc::new(Date32Array::from_iter_values(grids().map(last_day))),
        Arc::new(Int32Array::from_iter_values(grids().map(|grid| grid.weeks.days() as i32))),
        Arc::new(Int32Array::from_iter_values(grids().map(first_week_days))),
        Arc::new(Int32Array::from_iter_values(grids().map(|grid| i32::from(grid.weeks.count())))),
        Arc::new(Int32Array::from_iter_values(grids().map(|grid| i32::from(grid.observed_weeks)))),
        Arc::new(Float64Array::from_iter_values(grids().map(as_of_days))),
        Arc::new(Int64Array::from(enrolments)),
        Arc::new(courses.iter().map(|course| Some(course.inferred)).collect::<BooleanArray>()),
        Arc::new(BooleanArray::from(vec![!facts.outcomes.source.capabilities.dates; courses.len()])),
    ];
    let field = |(name, array): (&&str, &ArrayRef)| Field::new(*name, array.data_type().clone(), false);
    let fields = COURSE_COLUMNS.iter().zip(&columns).map(field).collect();
    write(path, fields, columns.to_vec())
}

fn write(path: &Path, fields: Vec<Field>, arrays: Vec<ArrayRef>) -> Result<(), BuildError> {
    let batch = RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).expect("columns of one length");
    let written = File::create(path).map_err(ParquetError::from).and_then(|file| write_parquet(file, &batch));
    written.map_err(BuildError::parquet(path))
}
