//! Any tables, described by a mapping in TOML: which files play which role, what their columns are, how times are
//! written, and what the source's kinds of event count as. CSV (any delimiter), JSON lines and Parquet; text files
//! plain, gzip or zstd.
//!
//! ```toml
//! granularity = "second"            # or "day": rows carry a date, or counts by day
//! # single_course = "CS101"         # where no column names the course
//!
//! [log]
//! files = ["logs/*.csv"]            # relative to the input folder; .gz and .zst are found too
//! # type = "csv"                    # csv, jsonl or parquet; told from the file when left out
//! # delimiter = ";"                 # also "\t"
//! # header = false                  # columns are then named "0", "1", …
//! # quoted_newlines = true          # line breaks inside quotes: correct, but read in one thread
//! columns.learner = "user_id"       # with course; or enrolment = "…"
//! columns.course = "course_id"
//! columns.time = { column = "time", format = "iso" }
//! columns.activity = "action"       # optional, as are object, count and event_id
//!
//! [enrolments]                      # optional: inferred from the log's rows
//! files = ["enrolments.csv"]
//! columns = { learner = "user_id", course = "course_id" }
//!
//! [courses]                         # optional: inferred from the log's events, or given with --courses
//! files = ["courses.csv"]
//! columns.course = "id"
//! columns.start = { column = "from", format = "date" }
//! columns.end = { column = "to", format = "date" }
//!
//! [activities]
//! default = "other"                 # kinds not declared below
//! kinds = { play_video = "video", load_problem = "problem" }
//! ```
//!
//! Formats of times: `iso`, `date`, `unix-seconds`, `unix-millis`, `unix-micros`, and `day-offset`, which counts days
//! from the course's first. Columns of JSON lines may be paths, `context.course_id`. An enrolments table may also have
//! `enrolled`, `withdrawn`, `outcome` (with `[outcomes]`), `label` (or a table `[labels]`, and `[label_values]`) and
//! `statics`.

mod cells;
mod courses;
mod csv_lines;
mod enrolments;
mod files;
mod json;
mod log;
mod mapping;
mod parquet;
mod plan;
mod records;
mod repeats;
mod rows;
mod small;
mod survey;
mod times;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use self::cells::Role;
use self::mapping::TimeFormat;
use self::plan::Plan;
use self::repeats::Repeats;
use self::rows::{EventRows, Who};
use super::calendar::{CalendarEntry, read_calendar};
use crate::Knows;
use crate::error::ReadError;
use crate::roster::Course;
use crate::source::{EventFile, Granularity, InputFile, LabelOffer, Source};
use crate::tally::Tally;

/// The files of the mapping's tables.
struct Paths {
    log: Vec<PathBuf>,
    enrolments: Vec<PathBuf>,
    courses: Vec<PathBuf>,
    labels: Vec<PathBuf>,
}

impl Paths {
    fn resolve(inputs: &[PathBuf], plan: &Plan, calendar: Option<&Path>) -> Result<Self, ReadError> {
        let find = |table: &'static str, patterns: Option<&Vec<String>>| match patterns {
            Some(patterns) => files::resolve(inputs, plan, table, patterns),
            None => Ok(Vec::new()),
        };
        Ok(Self {
            log: find("log", Some(&plan.log.files))?,
            enrolments: find("enrolments", plan.enrolments.as_ref().map(|table| &table.files))?,
            courses: match calendar {
                Some(path) => vec![path.to_owned()],
                None => find("courses", plan.courses.as_ref().map(|table| &table.files))?,
            },
            labels: find("labels", plan.labels.as_ref().map(|table| &table.files))?,
        })
    }

    fn inputs(&self, mapping: &Path) -> Vec<InputFile> {
        let roles: [(&'static str, &[PathBuf]); 4] = [
            ("log", &self.log),
            ("enrolments", &self.enrolments),
            ("calendar", &self.courses),
            ("labels", &self.labels),
        ];
        let of = |(role, paths): (&'static str, &[PathBuf])| -> Vec<InputFile> {
            paths.iter().map(|path| InputFile { role, path: path.clone() }).collect()
        };
        let mut inputs: Vec<InputFile> = roles.into_iter().flat_map(of).collect();
        inputs.push(InputFile { role: "mapping", path: mapping.to_owned() });
        inputs
    }
}

/// Opens the tables in `inputs` (folders, or single files) that the mapping at `mapping` describes. `calendar` is a
/// `--courses` file, in place of the mapping's courses.
///
/// Reads the small tables. The log itself is read once more for each of: enrolments that no table gives, courses
/// without dates, and event ids. Log files are read in blocks of about `block_bytes`.
///
/// # Errors
/// When the mapping can't be read or is at odds with itself, when a file that it names is missing, can't be read or
/// lacks a column, or when no enrolment is left.
pub fn open(
    inputs: &[PathBuf],
    mapping: &Path,
    calendar: Option<&Path>,
    reason: String,
    block_bytes: usize,
) -> Result<Source, ReadError> {
    let plan = Plan::read(mapping, block_bytes)?;
    let paths = Paths::resolve(inputs, &plan, calendar)?;
    let mut tables = Tally::default();
    let given = given_courses(&paths, &plan, calendar, &mut tables)?;
    let written = match &plan.enrolments {
        Some(table) => enrolments::read(&paths.enrolments, &plan, table, given.as_deref(), &mut tables)?,
        None => enrolments::of_log(survey::enrolments_in(&paths.log, &plan)?),
    };
    let nominal = calendar.is_none()
        && plan.log.time == TimeFormat::DayOffset
        && plan.courses.as_ref().is_none_or(|table| table.columns.start.is_none());
    let courses = match given {
        Some(courses) => courses,
        None => courses::infer(&paths.log, &plan, &written)?,
    };
    let (mut roster, without_course) = enrolments::roster(courses, &written, enrolments::static_columns(&plan));
    enrolments::check_any(&roster, paths.enrolments.first().unwrap_or(&paths.log[0]))?;
    enrolments::read_labels(&paths.labels, &plan, &mut roster, &mut tables)?;

    let who = Arc::new(Who::of(&plan, &roster, &without_course));
    let has = |role: Role| plan.log.columns[role as usize].is_some();
    let repeats = if has(Role::EventId) { Some(Arc::new(Repeats::find(&paths.log, &plan)?)) } else { None };
    let mut events: Vec<Box<dyn EventFile>> = Vec::new();
    for (path, number) in paths.log.iter().zip(0..) {
        let repeats = repeats.as_ref().map(|repeats| (Arc::clone(repeats), number));
        events.push(log::open(path, &plan, EventRows::new(&plan, &who, repeats))?);
    }
    let columns = plan.enrolments.as_ref().map(|table| &table.columns);
    Ok(Source {
        format: "table",
        reason,
        tables,
        enrolments_without_course: without_course.len() as u64,
        knows: Knows {
            time_of_day: plan.granularity == Granularity::Second,
            objects: has(Role::Object),
            dates: !nominal,
            learners: columns.map_or(has(Role::Learner), |columns| columns.learner.is_some()),
            withdrawals: columns.is_some_and(|columns| columns.withdrawn.is_some()),
            register: columns.is_some_and(|columns| columns.enrolled.is_some()),
            ..Knows::default()
        },
        granularity: plan.granularity,
        labels: label_offer(&plan),
        inputs: paths.inputs(mapping),
        kinds: plan.kinds,
        roster,
        events,
    })
}

/// Courses whose dates need not be inferred.
fn given_courses(
    paths: &Paths,
    plan: &Plan,
    calendar: Option<&Path>,
    tables: &mut Tally,
) -> Result<Option<Vec<Course>>, ReadError> {
    match (calendar, &plan.courses) {
        (Some(path), _) => Ok(Some(read_calendar(path, tables)?.iter().map(CalendarEntry::to_course).collect())),
        (None, Some(table)) => courses::read(&paths.courses, plan, table, tables).map(Some),
        (None, None) => Ok(None),
    }
}

fn label_offer(plan: &Plan) -> LabelOffer {
    let columns = plan.enrolments.as_ref().map(|table| &table.columns);
    if plan.labels.is_some() || columns.is_some_and(|columns| columns.label.is_some()) {
        LabelOffer::Labels
    } else if columns.is_some_and(|columns| columns.outcome.is_some()) {
        LabelOffer::Outcomes
    } else {
        LabelOffer::Nothing
    }
}
