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
//! # delimiter = ";"                 # also "\t"; told from the first line when left out
//! # header = false                  # columns are then named "0", "1", …
//! # quoted_newlines = true          # line breaks may stand inside quotes: one thread cuts the file into rows
//! columns.learner = "user_id"       # with course; or enrolment = "…"
//! columns.course = "course_id"
//! columns.time = { column = "time", format = "iso" }
//! columns.activity = "action"       # optional, as are object, count and event_id
//!
//! [enrolments]                      # optional: inferred from the log's rows
//! files = ["enrolments.csv"]
//! columns = { learner = "user_id", course = "course_id" }
//!
//! [courses]                         # optional: inferred from the log's events, or given as a file of dates
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
//! `enrolled`, `withdrawn`, `outcome` (with `[outcomes]`), `completed` (a column that says so by not being empty),
//! `label` (or a table `[labels]`, and `[label_values]`) and `statics`.
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
//! # columns.object = { columns = ["id"], numbers = true } # `12.0` is `12`
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
//! `upvote-received`, `downvote-given`, `downvote-received`, `textbook-page`. With `columns.correct`, attempts of a
//! kind `answer` are told apart as `answer_right` and `answer_wrong`.
//!
//! `configs/mappings` has mappings to begin from; those of formats that are told from their files are built in.

mod checked_log;
mod checked_mapping;
mod course_starts;
mod courses;
pub(in crate::formats) mod csv_cells;
mod csv_lines;
mod csv_rows;
pub(super) mod described;
pub(super) mod draft;
mod enrolments;
mod event_ids;
mod event_rows;
pub(in crate::formats) mod files;
mod flexible_values;
mod json;
mod kinds;
mod layout;
mod learner_files;
mod log;
mod log_enrolments;
pub(in crate::formats) mod mapped_row;
mod mapping;
mod nothing_usable;
mod own_weeks;
mod pairs;
mod parquet;
mod parquet_guard;
mod pattern;
pub(in crate::formats) mod row_template;
mod small;
mod time_guess;
mod time_patterns;
mod times;
mod written;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use rustc_hash::FxHashSet;

use self::checked_mapping::{CheckedLog, CheckedMapping, TABLE_FORMAT, TablePattern};
use self::course_starts::CourseStarts;
use self::enrolments::{EnrolmentRecords, SetAside};
use self::event_rows::{EnrolmentFinder, EventRows};
use self::files::{Found, LogFile, Place, Wanted};
use self::layout::Delimiter;
use self::log_enrolments::LogEnrolments;
use self::mapped_row::Role;
use self::mapping::FileType;
use super::calendar::{CalendarEntry, read_calendar};
use super::log_format::{FileRole, LogFormat, OpenRequest};
use crate::capabilities::Capabilities;
use crate::enrolled_again::EnrolledAgain;
use crate::error::ReadError;
use crate::event_file::EventFile;
use crate::file_head::FileHead;
use crate::not_yet_known::NotYetKnown;
use crate::notice::Notice;
use crate::offered::FileReport;
use crate::roster::Course;
use crate::source::{DatesFrom, Granularity, LeftOutEnrolments, Source, SourceLabels};
use crate::source_inputs::InputFile;
use crate::tally::Tally;

/// Reads tables that a mapping describes.
pub(super) struct MappedTables;

impl LogFormat for MappedTables {
    fn name(&self) -> &'static str {
        TABLE_FORMAT
    }

    fn summary(&self) -> &'static str {
        "Any CSV, JSON lines or Parquet files, described by a mapping"
    }

    fn detect(&self, _: &FileHead) -> FileRole {
        FileRole::none("can be of any format that a mapping describes")
    }

    fn finds_files_by_name(&self) -> bool {
        true
    }

    /// Opens the tables that the mapping describes. A file of dates stands in for the mapping's courses.
    ///
    /// Reads the small tables. The log itself is read once more for each of: enrolments that no table gives, courses
    /// without dates, and event ids.
    fn open(&self, request: &OpenRequest<'_>) -> Result<Source, ReadError> {
        let path = request.mapping.ok_or(ReadError::NoMapping)?;
        let (mapping, file) = CheckedMapping::read_file(path, request.block_bytes)?;
        if let Some(names) = learner_files::names(&mapping, request.offered, request.given) {
            request.heads.call(names);
        }
        let tables = TableFiles::find(&mapping, request)?;
        let separators = tables.unusual_separators(&mapping);
        let mut source = open_tables(mapping, &tables, request)?;
        source.reason += &separators;
        source.inputs.push(InputFile { role: "mapping", file });
        Ok(source)
    }
}

/// Holds the files of a mapping's tables.
#[derive(Clone, Debug, Default)]
pub(super) struct TableFiles {
    /// Files of the log, in the order in which their rows are counted.
    pub(super) log: Vec<LogFile>,
    pub(super) enrolments: Vec<Found>,
    pub(super) courses: Vec<Found>,
    pub(super) labels: Vec<Found>,
}

impl TableFiles {
    /// Finds the files that the mapping means among the inputs.
    fn find(mapping: &CheckedMapping, request: &OpenRequest<'_>) -> Result<Self, ReadError> {
        let find = |table: &'static str, files: Option<&TablePattern>| match files {
            Some(TablePattern { patterns, star, optional }) => {
                let wanted = Wanted { table, patterns, star: *star, optional: *optional };
                files::find(request.offered, request.heads, mapping, wanted)
            }
            None => Ok(Vec::new()),
        };
        let mut log = Vec::new();
        for (number, table) in mapping.logs.iter().enumerate() {
            log.extend(find("log", Some(&table.files))?.into_iter().map(|found| LogFile { log: number, found }));
        }
        Ok(Self {
            log,
            enrolments: find("enrolments", mapping.enrolments.as_ref().map(|table| &table.files))?,
            courses: match request.courses {
                Some(_) => Vec::new(),
                None => find("courses", mapping.courses.as_ref().map(|table| &table.files))?,
            },
            labels: find("labels", mapping.labels.as_ref().map(|table| &table.files))?,
        })
    }

    /// Says which signs separate the fields of the log's files, where these were told from the files and are not commas.
    fn unusual_separators(&self, mapping: &CheckedMapping) -> String {
        let sign = |file: &LogFile| {
            let CheckedLog { layout, template, .. } = &mapping.logs[file.log];
            match (&file.found.place, layout.delimiter) {
                (Place::File(head), Delimiter::Told) if log::file_type(head, layout) == FileType::Csv => {
                    Some(layout.delimiter.of_file(head, layout, &template.columns))
                }
                _ => None,
            }
        };
        let signs: BTreeSet<u8> = self.log.iter().filter_map(sign).filter(|&sign| sign != b',').collect();
        let names: Vec<String> = signs.into_iter().map(layout::sign_name).collect();
        match names.is_empty() {
            true => String::new(),
            false => format!("; fields of the log are separated by {}", names.join(" and ")),
        }
    }

    fn inputs(&self, calendar: Option<&FileHead>) -> Vec<InputFile> {
        let input = |role: &'static str, found: &Found| match &found.place {
            Place::File(head) => Some(InputFile { role, file: head.file().clone() }),
            // Made of other tables, which the format names itself.
            Place::Held(_) => None,
            #[cfg(feature = "sql")]
            Place::Database(_) => None,
        };
        let mut inputs: Vec<InputFile> = Vec::new();
        let mut met: FxHashSet<PathBuf> = FxHashSet::default();
        for file in self.log.iter().filter_map(|file| input("log", &file.found)) {
            // A row that is several events may stand in several tables of the log, which are of one file.
            if met.insert(file.path().to_owned()) {
                inputs.push(file);
            }
        }
        inputs.extend(self.enrolments.iter().filter_map(|found| input("enrolments", found)));
        inputs.extend(calendar.map(|head| InputFile { role: "calendar", file: head.file().clone() }));
        inputs.extend(self.courses.iter().filter_map(|found| input("calendar", found)));
        inputs.extend(self.labels.iter().filter_map(|found| input("labels", found)));
        inputs
    }
}

/// Holds a mapping that is built in, of a format of its own.
#[derive(Clone, Copy, Debug)]
pub(super) struct BuiltIn {
    /// Name of the format.
    pub(super) format: &'static str,
    /// The mapping.
    pub(super) text: &'static str,
}

impl BuiltIn {
    /// Finds the files that the mapping means among the inputs, by their names.
    pub(super) fn find_files(self, request: &OpenRequest<'_>) -> Result<TableFiles, ReadError> {
        TableFiles::find(&CheckedMapping::built_in(self.format, self.text, request.block_bytes)?, request)
    }

    /// Opens `tables` as the mapping says, whatever their files are called.
    pub(super) fn open(self, tables: &TableFiles, request: &OpenRequest<'_>) -> Result<Source, ReadError> {
        open_tables(CheckedMapping::built_in(self.format, self.text, request.block_bytes)?, tables, request)
    }
}

fn open_tables(
    mut mapping: CheckedMapping,
    tables: &TableFiles,
    request: &OpenRequest<'_>,
) -> Result<Source, ReadError> {
    if tables.log.is_empty() {
        return Err(mapping.error("no file of the log is among those given"));
    }
    mapping.log_enrols = tables.enrolments.is_empty();
    let mut tally = Tally::default();
    let given = given_courses(tables, &mapping, request, &mut tally)?;
    let starts = given.starts();
    let enrolled = match &mapping.enrolments {
        Some(table) if !tables.enrolments.is_empty() => {
            let as_of = request.as_of.map(|as_of| (as_of, &starts));
            let again = request.enrolled_again;
            enrolments::read(&tables.enrolments, &mapping, table, given.certain(), again, as_of, &mut tally)?
        }
        _ => {
            let LogEnrolments { known, later } = log_enrolments::find(&tables.log, &mapping, request.as_of, &starts)?;
            EnrolmentRecords { written: known, later, aside: SetAside::default() }
        }
    };
    let EnrolmentRecords { mut written, later, aside } = enrolled;
    let mut not_yet_known = NotYetKnown::default();
    (0..later.len()).for_each(|place| not_yet_known.add(later.id(place), later.pair(place)));
    let given = match mapping.days_from_enrolment {
        None => given,
        Some(_) if request.courses.is_some() => {
            return Err(
                mapping.error("days_from_enrolment says when everybody's course runs: give no dates of courses")
            );
        }
        Some(_) if request.enrolled_again == EnrolledAgain::Each => {
            return Err(
                mapping.error("with days_from_enrolment one enrolment of each learner counts, the first or the last")
            );
        }
        Some(days) => Calendar::Whole(own_weeks::runs(&mut written, days)),
    };
    let nominal = request.courses.is_none()
        && mapping.counts_days()
        && mapping.courses.as_ref().is_none_or(|table| table.columns.start.is_none());
    let dates_from = match given {
        _ if mapping.days_from_enrolment.is_some() => DatesFrom::Enrolments,
        Calendar::Whole(_) => DatesFrom::Tables,
        Calendar::InPart(_) => DatesFrom::Events,
    };
    let (courses, stray_days) = match given {
        Calendar::Whole(courses) => (courses, Vec::new()),
        Calendar::InPart(given) => {
            // The instant of the log hides events, not the calendar.
            let mut with_later = (later.len() > 0).then(|| written.with(&later));
            let everybody = with_later.as_mut().unwrap_or(&mut written);
            let days = match courses::any_missing(&given, everybody) {
                true => courses::days_with_events(&tables.log, &mapping, everybody, &aside)?,
                false => BTreeMap::new(),
            };
            courses::completed(&given, &days, &mapping)?
        }
    };
    if !courses::any_among(&courses, &written) {
        let table = tables.enrolments.first().map(Found::path);
        let records = EnrolmentRecords { written, aside, ..EnrolmentRecords::default() };
        return Err(nothing_usable::error(&tables.log, &mapping, records, &not_yet_known, table));
    }
    let (mut roster, undated) = written.into_roster(courses, enrolments::static_columns(&mapping));
    (roster.stray_days, roster.not_yet_known) = (stray_days, not_yet_known);
    let dates_enrolments = mapping.enrolments.as_ref().is_some_and(|table| table.columns.enrolled.is_some());
    if dates_enrolments && !tables.enrolments.is_empty() {
        roster.enrolled_again = request.enrolled_again;
    }
    enrolments::read_labels(&tables.labels, &mapping, &mut roster, &mut tally)?;

    let left_out = LeftOutEnrolments::in_courses(undated.course_of_each.iter().map(AsRef::as_ref), dates_from);
    let finder = Arc::new(EnrolmentFinder::new(&mapping, &roster, undated, aside));
    let (repeats, mut notices) = match mapping.has(Role::EventId) {
        true => {
            let found = event_ids::find_repeats(&tables.log, &mapping)?;
            (Some(Arc::new(found.repeats)), found.notice.into_iter().collect::<Vec<Notice>>())
        }
        false => (None, Vec::new()),
    };
    let mut events: Vec<Box<dyn EventFile>> = Vec::new();
    for (file, number) in tables.log.iter().zip(0..) {
        let repeats = repeats.as_ref().map(|repeats| (Arc::clone(repeats), number));
        events.push(log::open(file, &mapping, EventRows::new(&mapping, &mapping.logs[file.log], &finder, repeats))?);
    }
    let columns = mapping.enrolments.as_ref().filter(|_| !tables.enrolments.is_empty()).map(|table| &table.columns);
    if columns.is_some_and(|columns| columns.label.is_some()) && tables.labels.is_empty() {
        let missing =
            roster.enrolments.places().filter(|&place| roster.enrolments.dropout(place).is_none()).count() as u64;
        notices.extend((missing > 0).then_some(Notice::MissingLabels { enrolments: missing }));
    }
    Ok(Source {
        format: mapping.format,
        reason: request.reason.clone(),
        as_of: request.as_of,
        tables: tally,
        left_out,
        learners_set_aside: 0,
        only_about_others: 0,
        capabilities: Capabilities {
            time_of_day: mapping.granularity == Granularity::Second,
            objects: mapping.has(Role::Object),
            dates: !nominal,
            learners: columns.map_or(mapping.has(Role::Learner), |columns| columns.learner.is_some()),
            correctness: mapping.kinds.tell_correctness(),
            withdrawals: columns.is_some_and(|columns| columns.withdrawn.is_some()),
            register: columns.is_some_and(|columns| columns.enrolled.is_some()),
            ..Capabilities::default()
        },
        granularity: mapping.granularity,
        labels: source_labels(&mapping, tables),
        inputs: tables.inputs(request.courses_head()?.as_deref()),
        files: FileReport::default(),
        kinds: mapping.kinds.all,
        roster,
        notices,
        events,
        first_lines: Vec::new(),
    })
}

/// Holds the dates of courses.
enum Calendar {
    /// All that there are.
    Whole(Vec<Course>),
    /// Some; the rest is inferred.
    InPart(Vec<courses::CourseDates>),
}

impl Calendar {
    /// Returns when courses begin, as far as it is known.
    fn starts(&self) -> CourseStarts {
        match self {
            Self::Whole(courses) => CourseStarts::of_courses(courses),
            Self::InPart(dates) => CourseStarts::of_days(dates.iter().map(courses::CourseDates::id_and_start)),
        }
    }

    /// Returns the courses outside which there can be none with dates.
    fn certain(&self) -> Option<&[Course]> {
        match self {
            Self::Whole(courses) => Some(courses),
            Self::InPart(_) => None,
        }
    }
}

fn given_courses(
    tables: &TableFiles,
    mapping: &CheckedMapping,
    request: &OpenRequest<'_>,
    tally: &mut Tally,
) -> Result<Calendar, ReadError> {
    match (request.courses_head()?, &mapping.courses) {
        (Some(file), _) => {
            Ok(Calendar::Whole(read_calendar(&file, tally)?.iter().map(CalendarEntry::to_course).collect()))
        }
        (None, Some(table)) if !tables.courses.is_empty() => {
            let given = courses::read(&tables.courses, mapping, table, tally)?;
            Ok(match mapping.infer_missing {
                true => Calendar::InPart(given),
                false => Calendar::Whole(given.iter().filter_map(courses::CourseDates::course).collect()),
            })
        }
        (None, _) => Ok(Calendar::InPart(Vec::new())),
    }
}

fn source_labels(mapping: &CheckedMapping, tables: &TableFiles) -> SourceLabels {
    let columns = mapping.enrolments.as_ref().filter(|_| !tables.enrolments.is_empty()).map(|table| &table.columns);
    if !tables.labels.is_empty() || columns.is_some_and(|columns| columns.label.is_some()) {
        SourceLabels::Labels
    } else if columns.is_some_and(|columns| columns.outcome.is_some()) {
        SourceLabels::Outcomes
    } else {
        SourceLabels::Nothing
    }
}
