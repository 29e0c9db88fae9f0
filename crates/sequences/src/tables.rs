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
use staycast_events::{OutcomeKind, Source, SourceLabels};

use crate::error::BuildError;
use crate::grid::CourseGrid;
use crate::labels::DropoutRule;
use crate::manifest::LabelRecord;
use crate::parquet_out::{write_columns, write_parquet};
use crate::reduce::Summary;

/// Holds the facts that the tables are made of.
pub(crate) struct TableFacts<'a> {
    pub(crate) source: &'a Source,
    pub(crate) grids: &'a [CourseGrid],
    pub(crate) summaries: &'a [Summary],
    pub(crate) active_in_window: &'a [bool],
    pub(crate) rule: DropoutRule,
    pub(crate) as_of_given: bool,
}

impl TableFacts<'_> {
    /// Tells whether the source words how each enrolment ended, and does not only date what did happen.
    fn words_outcomes(&self) -> bool {
        self.source.labels == SourceLabels::Outcomes
    }
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

const NO_OUTCOME: &str = "the source records no outcome";
const WITHDRAWN_LATE: &str = "withdrawn after the course was over, with no word on its result";
const NOT_OVER: &str = "the course was not over when the log was taken";
const ENROLLED_LATE: &str = "enrolled after the course was over";
const NO_EVENT_USED: &str = "enrolled by the log alone, of which no event is used";
const DAYS_AFTER_NOT_OVER: &str = "the days after the course were not over when the log was taken";

/// Returns when the learner withdrew from the course, in seconds from its start. Who leaves a course that is over does not
/// withdraw from it.
fn withdrawn_seconds(facts: &TableFacts<'_>, place: usize) -> Option<i32> {
    let all = &facts.source.roster.enrolments;
    let grid = &facts.grids[all.course(place).as_usize()];
    all.withdrawn_seconds(place).filter(|&seconds| i64::from(seconds) < grid.calendar_end_seconds())
}

/// Says how an enrolment ended, as far as the source records it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ended {
    /// With this outcome.
    With(OutcomeKind),
    /// With a withdrawal after the course, which is none.
    AfterCourse,
    /// The source does not say.
    Unknown,
}

fn ended(facts: &TableFacts<'_>, place: usize) -> Ended {
    let all = &facts.source.roster.enrolments;
    let too_late = all.withdrawn_seconds(place).is_some() && withdrawn_seconds(facts, place).is_none();
    match all.outcome(place).map(|outcome| outcome.kind) {
        Some(OutcomeKind::Withdrew) if too_late => Ended::AfterCourse,
        Some(kind) => Ended::With(kind),
        None => Ended::Unknown,
    }
}

/// Finds an enrolment's label, or why it has none.
fn label(facts: &TableFacts<'_>, place: usize) -> Result<bool, &'static str> {
    let all = &facts.source.roster.enrolments;
    let grid = &facts.grids[all.course(place).as_usize()];
    let enrolled = all.enrolled_seconds(place);
    let over_by = |days: u32| grid.as_of_seconds >= grid.calendar_end_seconds() + i64::from(days) * DAY_SECONDS;
    // A log said to be taken while the course ran can't know how it ended. When nothing is said, an outcome that is there
    // is known.
    // Whoever comes when all is over can neither stay nor leave; a file of labels may say otherwise.
    let came_late = enrolled.is_some_and(|seconds| i64::from(seconds) >= grid.calendar_end_seconds());
    if came_late && facts.rule != DropoutRule::LabelsFile {
        return Err(ENROLLED_LATE);
    }
    // Whom the log alone makes a learner is one by an event, and here none is used.
    let says_more = enrolled.or(all.withdrawn_seconds(place)).is_some() || all.outcome(place).is_some();
    let never_seen = all.is_by_log_alone(place) && !says_more && facts.summaries[place].first_and_last.is_none();
    if never_seen && facts.rule != DropoutRule::LabelsFile {
        return Err(NO_EVENT_USED);
    }
    let not_over = if facts.as_of_given && !over_by(0) { Err(NOT_OVER) } else { Ok(()) };
    // Where withdrawals are recorded, one who has none has not withdrawn: which is known when the course is over.
    let records = facts.source.capabilities.withdrawals;
    match facts.rule {
        DropoutRule::InactiveLast { .. } if !over_by(0) => Err(NOT_OVER),
        DropoutRule::NoActivityAfter { days } if !over_by(days) => Err(DAYS_AFTER_NOT_OVER),
        DropoutRule::InactiveLast { .. } | DropoutRule::NoActivityAfter { .. } => Ok(!facts.active_in_window[place]),
        DropoutRule::Withdrawn | DropoutRule::WithdrawnOrFailed => {
            not_over?;
            // Those who withdrew are not labelled before those who did not: all would be dropouts.
            if records && !facts.words_outcomes() && !over_by(0) {
                return Err(NOT_OVER);
            }
            match (ended(facts, place), facts.rule) {
                (Ended::With(kind), DropoutRule::Withdrawn) => Ok(kind == OutcomeKind::Withdrew),
                (Ended::With(kind), _) => Ok(kind != OutcomeKind::Completed),
                (Ended::AfterCourse, DropoutRule::Withdrawn) => Ok(false),
                // Without a word on the outcome nobody knows whether the learner failed.
                (Ended::AfterCourse, _) if facts.words_outcomes() => Err(WITHDRAWN_LATE),
                (Ended::Unknown, DropoutRule::WithdrawnOrFailed) if facts.words_outcomes() => Err(NO_OUTCOME),
                _ if records && over_by(0) => Ok(false),
                _ if records => Err(NOT_OVER),
                _ => Err(NO_OUTCOME),
            }
        }
        DropoutRule::NotCompleted => {
            not_over?;
            Ok(all.outcome(place).is_none_or(|outcome| outcome.kind != OutcomeKind::Completed))
        }
        DropoutRule::LabelsFile => {
            not_over?;
            all.dropout(place).ok_or("the labels do not name the enrolment")
        }
    }
}

/// Finds the week in which a learner left: that of the withdrawal or, where dropout means inactivity, of the last event.
/// One who never did anything left with the enrolment, and at the latest before the first week where that came before it
/// or is not dated.
fn left_week(facts: &TableFacts<'_>, place: usize, dropout: Option<bool>) -> Option<i32> {
    let all = &facts.source.roster.enrolments;
    let cut = facts.grids[all.course(place).as_usize()].weeks;
    let week = |seconds: i32| cut.week_of(i64::from(seconds)) as i32;
    if let Some(seconds) = withdrawn_seconds(facts, place) {
        return Some(week(seconds));
    }
    let went_inactive = matches!(facts.rule, DropoutRule::InactiveLast { .. }) && dropout == Some(true);
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
    let roster = &facts.source.roster;
    let all = &roster.enrolments;
    let mut record =
        LabelRecord { rule: facts.rule, known: 0, dropouts: 0, unknown: BTreeMap::new(), known_from: None };
    let mut by_course = vec![CourseLabels::default(); roster.courses.len()];
    let mut known_from: Option<i32> = None;
    let mut labels = Vec::with_capacity(roster.enrolments.len());
    for place in 0..roster.enrolments.len() {
        let label = label(facts, place);
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
                    known_from = known_from.max(Some(over_on(facts, place)));
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
            8 => Arc::new(places.map(|place| days(withdrawn_seconds(facts, place))).collect::<Float64Array>()),
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

/// Returns the first day on which everything is over that the label of an enrolment looks at.
fn over_on(facts: &TableFacts<'_>, place: usize) -> i32 {
    let grid = &facts.grids[facts.source.roster.enrolments.course(place).as_usize()];
    let days_after = match facts.rule {
        DropoutRule::NoActivityAfter { days } => days,
        _ => 0,
    };
    grid.start_day.saturating_add_unsigned(grid.calendar_days).saturating_add_unsigned(days_after)
}

/// Writes `courses.parquet`.
pub(crate) fn write_courses(facts: &TableFacts<'_>, path: &Path) -> Result<(), BuildError> {
    let courses = &facts.source.roster.courses;
    let grids = || facts.grids.iter();
    let mut enrolments = vec![0; courses.len()];
    for place in facts.source.roster.enrolments.places() {
        enrolments[facts.source.roster.enrolments.course(place).as_usize()] += 1;
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
        Arc::new(BooleanArray::from(vec![!facts.source.capabilities.dates; courses.len()])),
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
