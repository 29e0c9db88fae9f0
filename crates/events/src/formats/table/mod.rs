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
//! Formats of times: `iso` (`2014-06-14T09:38:29`, `2017-01-03 14:57:14 UTC`, with or without offset), `date`,
//! `unix-seconds`, `unix-millis`, `unix-micros`, and `day-offset`, which counts days from the course's first. With
//! `shift = "+08:00"` beside the format, UTC times are read as those of a place. Columns of JSON lines may be paths,
//! `context.course_id`. A column written with a `?` after its name may be missing. An enrolments table may also have
//! `enrolled`, `withdrawn`, `outcome` (with `[outcomes]`), `completed` (a column that says so by not being empty), `label`
//! (or a table `[labels]`, and `[label_values]`) and `statics`.
//!
//! # What more a table can say
//!
//! ```toml
//! [[log]]                           # several tables of the log, each with its own layout
//! files = ["*_step-activity.csv"]
//! optional = true                   # its files may be absent
//! course_in_file_name = true        # the course is what the first `*` stands for; also of enrolments
//! escape = "\\"                     # inside quotes, the sign after it is itself
//! null = ["\\N", "NULL"]            # words that stand for nothing
//! only = { role = ["student"] }     # rows with one of these words count; `*` and `?` stand for any signs
//! except = { userid = ["0", "-*"] } # rows with one of these are set aside, and counted as such
//! columns.learner = "learner_id"
//! columns.object = ["component", "contextinstanceid"]   # several columns are one text, with a blank between
//! # columns.object = { columns = ["url"], until = "?#" } # cut off at the first of these signs
//! # kind = "answer"                 # what every row's kind begins with, before columns.activity
//! # columns.correct = "correct"     # whether an attempt was right: true, false, or a share of which 1 is right
//! events = [                        # in place of columns.time and activity: a row is as many events as have a time
//!     { time = { column = "first_visited_at", format = "iso" }, kind = "visited" },
//!     { time = { column = "last_completed_at", format = "iso" }, kind = "completed" },
//! ]
//!
//! [enrolments]
//! files = ["*_enrolments.csv"]
//! only = { role = "learner" }       # the log's rows of those who are set aside here are set aside too
//! others = "set-aside"              # as are rows of whoever is not in this table; "reject" when left out
//! columns = { learner = "learner_id", course = "course" }
//!
//! [courses]
//! files = ["courses.csv"]
//! infer_missing = true              # courses without dates, or without an end, get those of their events
//! columns.course = "id"
//! columns.start = { column = "from", format = "date" }
//! columns.end = { column = "to", format = "date" }
//!
//! [activities.kinds]
//! "\\mod_quiz\\event\\*" = "problem" # a pattern; of several that fit, the one with more before its first `*` counts
//! visited = { activity = "access", name = "step_visited" }  # `name` is what the kind is called in columns
//! completed = "navigate"
//! answer = { activity = "problem", detail = "attempt" }     # what it tells beyond its activity
//! ```
//!
//! Details: `attempt`, `attempt-right`, `attempt-wrong`, `video-played`, `post`, `response`, `comment`, `upvote-given`,
//! `upvote-received`, `downvote-given`, `downvote-received`, `textbook-page`. With `columns.correct`, attempts of a kind
//! `answer` are told apart as `answer_right` and `answer_wrong`.
//!
//! `configs/mappings` has mappings to begin from; those of formats that are told from their files are built in.

mod cells;
mod courses;
mod csv_lines;
mod damage;
mod enrolments;
pub(in crate::formats) mod files;
mod json;
mod kinds;
mod log;
mod mapping;
mod parquet;
mod pattern;
mod plan;
mod plan_log;
mod recipe;
mod records;
mod repeats;
mod rows;
mod small;
mod survey;
mod times;
mod written;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use self::cells::Role;
#[cfg(feature = "sql")]
pub(super) use self::cells::{Field, Fields, MOST_COLUMNS, RowSink};
use self::enrolments::Enrolled;
use self::files::{Found, LogFile, Place, Wanted};
use self::plan::{Files, Plan};
#[cfg(feature = "sql")]
pub(super) use self::recipe::Shaped;
use self::rows::{EventRows, Who};
use super::calendar::{CalendarEntry, read_calendar};
use crate::capabilities::Capabilities;
use crate::error::ReadError;
use crate::event_file::EventFile;
use crate::roster::Course;
use crate::source::{Granularity, Source, SourceLabels};
use crate::source_inputs::InputFile;
use crate::tally::Tally;

/// The files of a mapping's tables.
#[derive(Clone, Debug, Default)]
pub(super) struct Tables {
    /// Files of the log, in the order in which their rows are counted.
    pub(super) log: Vec<LogFile>,
    pub(super) enrolments: Vec<Found>,
    pub(super) courses: Vec<Found>,
    pub(super) labels: Vec<Found>,
}

impl Tables {
    /// The files that the mapping means among `inputs`.
    fn resolve(inputs: &[PathBuf], plan: &Plan, calendar: Option<&Path>) -> Result<Self, ReadError> {
        let find = |table: &'static str, files: Option<&Files>| match files {
            Some(Files { patterns, course_in_file_name, optional }) => {
                let (course_in_file_name, optional) = (*course_in_file_name, *optional);
                files::resolve(inputs, plan, Wanted { table, patterns, course_in_file_name, optional })
            }
            None => Ok(Vec::new()),
        };
        let mut log = Vec::new();
        for (number, table) in plan.logs.iter().enumerate() {
            log.extend(find("log", Some(&table.files))?.into_iter().map(|found| LogFile { log: number, found }));
        }
        Ok(Self {
            log,
            enrolments: find("enrolments", plan.enrolments.as_ref().map(|table| &table.files))?,
            courses: match calendar {
                Some(_) => Vec::new(),
                None => find("courses", plan.courses.as_ref().map(|table| &table.files))?,
            },
            labels: find("labels", plan.labels.as_ref().map(|table| &table.files))?,
        })
    }

    fn inputs(&self, calendar: Option<&Path>) -> Vec<InputFile> {
        let of = |role: &'static str, found: &Found| match &found.place {
            Place::File(path) => Some(InputFile { role, path: path.clone() }),
            // Made of other tables, which the format names itself.
            Place::Held(_) => None,
            #[cfg(feature = "sql")]
            Place::Database(_) => None,
        };
        let mut inputs: Vec<InputFile> = Vec::new();
        for file in self.log.iter().filter_map(|file| of("log", &file.found)) {
            // A row that is several events may stand in several tables of the log, which are of one file.
            if !inputs.contains(&file) {
                inputs.push(file);
            }
        }
        inputs.extend(self.enrolments.iter().filter_map(|found| of("enrolments", found)));
        inputs.extend(calendar.map(|path| InputFile { role: "calendar", path: path.to_owned() }));
        inputs.extend(self.courses.iter().filter_map(|found| of("calendar", found)));
        inputs.extend(self.labels.iter().filter_map(|found| of("labels", found)));
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
    let tables = Tables::resolve(inputs, &plan, calendar)?;
    let mut source = open_tables(plan, &tables, calendar, reason)?;
    source.inputs.push(InputFile { role: "mapping", path: mapping.to_owned() });
    Ok(source)
}

/// A mapping that is built in, of a format of its own.
#[derive(Clone, Copy, Debug)]
pub(super) struct BuiltIn {
    /// Name of the format.
    pub(super) format: &'static str,
    /// The mapping.
    pub(super) text: &'static str,
}

impl BuiltIn {
    /// The files that the mapping means among `inputs`, by their names.
    pub(super) fn resolve(
        self,
        inputs: &[PathBuf],
        calendar: Option<&Path>,
        block_bytes: usize,
    ) -> Result<Tables, ReadError> {
        Tables::resolve(inputs, &Plan::built_in(self.format, self.text, block_bytes)?, calendar)
    }

    /// Opens `tables` as the mapping says, whatever they are called. See [`open`].
    pub(super) fn open(
        self,
        tables: &Tables,
        calendar: Option<&Path>,
        reason: String,
        block_bytes: usize,
    ) -> Result<Source, ReadError> {
        open_tables(Plan::built_in(self.format, self.text, block_bytes)?, tables, calendar, reason)
    }
}

fn open_tables(plan: Plan, tables: &Tables, calendar: Option<&Path>, reason: String) -> Result<Source, ReadError> {
    let Some(first) = tables.log.first() else {
        return Err(plan.error("no file of the log is among those given"));
    };
    let mut tally = Tally::default();
    let given = given_courses(tables, &plan, calendar, &mut tally)?;
    let enrolled = match &plan.enrolments {
        Some(table) if !tables.enrolments.is_empty() => {
            enrolments::read(&tables.enrolments, &plan, table, given.certain(), &mut tally)?
        }
        _ => {
            Enrolled { written: enrolments::of_log(survey::enrolments_in(&tables.log, &plan)?), ..Enrolled::default() }
        }
    };
    let Enrolled { written, aside } = enrolled;
    let nominal = calendar.is_none()
        && plan.counts_days()
        && plan.courses.as_ref().is_none_or(|table| table.columns.start.is_none());
    let courses = match given {
        Calendar::Whole(courses) => courses,
        Calendar::InPart(given) => {
            let inferred = match courses::any_missing(&given, &written) {
                true => courses::infer(&tables.log, &plan, &written, &aside)?,
                false => Vec::new(),
            };
            courses::completed(&given, inferred)
        }
    };
    let (mut roster, undated) = enrolments::roster(courses, &written, enrolments::static_columns(&plan));
    enrolments::check_any(&roster, tables.enrolments.first().unwrap_or(&first.found).path())?;
    enrolments::read_labels(&tables.labels, &plan, &mut roster, &mut tally)?;

    let who = Arc::new(Who::of(&plan, &roster, &undated, aside));
    let repeats = match plan.has(Role::EventId) {
        true => Some(Arc::new(repeats::find(&tables.log, &plan)?)),
        false => None,
    };
    let mut events: Vec<Box<dyn EventFile>> = Vec::new();
    for (file, number) in tables.log.iter().zip(0..) {
        let repeats = repeats.as_ref().map(|repeats| (Arc::clone(repeats), number));
        events.push(log::open(file, &plan, EventRows::new(&plan, &plan.logs[file.log], &who, repeats))?);
    }
    let columns = plan.enrolments.as_ref().filter(|_| !tables.enrolments.is_empty()).map(|table| &table.columns);
    Ok(Source {
        format: plan.format,
        reason,
        tables: tally,
        enrolments_without_course: undated.ids.len() as u64,
        capabilities: Capabilities {
            time_of_day: plan.granularity == Granularity::Second,
            objects: plan.has(Role::Object),
            dates: !nominal,
            learners: columns.map_or(plan.has(Role::Learner), |columns| columns.learner.is_some()),
            correctness: plan.kinds.tell_correctness(),
            withdrawals: columns.is_some_and(|columns| columns.withdrawn.is_some()),
            register: columns.is_some_and(|columns| columns.enrolled.is_some()),
            ..Capabilities::default()
        },
        granularity: plan.granularity,
        labels: label_offer(&plan, tables),
        inputs: tables.inputs(calendar),
        kinds: plan.kinds.all,
        roster,
        events,
    })
}

/// Dates of courses.
enum Calendar {
    /// All that there are.
    Whole(Vec<Course>),
    /// Some; the rest is inferred.
    InPart(Vec<courses::Given>),
}

impl Calendar {
    /// The courses outside which there can be none with dates.
    fn certain(&self) -> Option<&[Course]> {
        match self {
            Self::Whole(courses) => Some(courses),
            Self::InPart(_) => None,
        }
    }
}

fn given_courses(
    tables: &Tables,
    plan: &Plan,
    calendar: Option<&Path>,
    tally: &mut Tally,
) -> Result<Calendar, ReadError> {
    match (calendar, &plan.courses) {
        (Some(path), _) => {
            Ok(Calendar::Whole(read_calendar(path, tally)?.iter().map(CalendarEntry::to_course).collect()))
        }
        (None, Some(table)) if !tables.courses.is_empty() => {
            let given = courses::read(&tables.courses, plan, table, tally)?;
            Ok(match plan.infer_missing {
                true => Calendar::InPart(given),
                false => Calendar::Whole(given.iter().filter_map(courses::Given::course).collect()),
            })
        }
        (None, _) => Ok(Calendar::InPart(Vec::new())),
    }
}

fn label_offer(plan: &Plan, tables: &Tables) -> SourceLabels {
    let columns = plan.enrolments.as_ref().filter(|_| !tables.enrolments.is_empty()).map(|table| &table.columns);
    if !tables.labels.is_empty() || columns.is_some_and(|columns| columns.label.is_some()) {
        SourceLabels::Labels
    } else if columns.is_some_and(|columns| columns.outcome.is_some()) {
        SourceLabels::Outcomes
    } else {
        SourceLabels::Nothing
    }
}
