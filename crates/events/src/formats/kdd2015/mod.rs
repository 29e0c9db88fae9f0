//! KDD Cup 2015 (XuetangX): `log*.csv`, `enrollment*.csv`, `date.csv`, `object.csv` and `truth*.csv`.
//!
//! Files are told apart by their headers; the truth file has none and is told by its name. The log's columns may stand
//! in any order. Kinds are kept with their source, as `server_access` or `browser_access`, and counted as activities by
//! the event's name alone (`nagivate` is the source's spelling).

mod log;

use std::path::{Path, PathBuf};

use rustc_hash::FxHashMap;

use super::calendar::{CalendarEntry, read_calendar};
use super::fields;
use super::labels::apply_labels;
use crate::capabilities::Capabilities;
use crate::error::ReadError;
use crate::event::ObjectKey;
use crate::event_file::EventFile;
use crate::id_lookup::{EnrolmentLookup, IdLookup};
use crate::index::CourseIndex;
use crate::input::bare_name;
use crate::releases::ReleaseList;
use crate::roster::{Course, Enrolment, Roster};
use crate::source::{Granularity, Source, SourceLabels};
use crate::source_inputs::InputFile;
use crate::table::{Header, Refusal, Table};
use crate::tally::{Reason, Tally, shape};
use crate::time::parse_instant;

use std::sync::Arc;

/// The files of a KDD Cup 2015 folder, by what they are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Files {
    /// The log's parts.
    pub logs: Vec<PathBuf>,
    /// Who is enrolled.
    pub enrolments: Vec<PathBuf>,
    /// When courses run.
    pub calendar: Option<PathBuf>,
    /// What a course consists of.
    pub objects: Option<PathBuf>,
    /// Who dropped out.
    pub truths: Vec<PathBuf>,
}

/// Sorts `files` into roles by their headers, truth files by their names. `None` for those of no role.
///
/// # Errors
/// When a file can't be read.
pub fn sort_files(files: &[PathBuf]) -> Result<Files, ReadError> {
    let mut sorted = Files::default();
    for path in files {
        let columns = fields::header(path)?;
        let has = |name: &str| columns.iter().any(|column| column == name);
        let name = bare_name(path);
        if has("enrollment_id") && has("time") && has("event") {
            sorted.logs.push(path.clone());
        } else if has("enrollment_id") && has("username") {
            sorted.enrolments.push(path.clone());
        } else if has("course_id") && has("from") {
            sorted.calendar.get_or_insert_with(|| path.clone());
        } else if has("module_id") {
            sorted.objects.get_or_insert_with(|| path.clone());
        } else if name.starts_with("truth") || (has("enrollment_id") && has("label")) {
            sorted.truths.push(path.clone());
        } else if name.starts_with("log") && name.ends_with(".csv") {
            // Named like the log but not recognised: its own reader says best what is wrong.
            sorted.logs.push(path.clone());
        } else if name.starts_with("enrollment") && name.ends_with(".csv") {
            sorted.enrolments.push(path.clone());
        } else if name == "date.csv" {
            sorted.calendar.get_or_insert_with(|| path.clone());
        } else if name == "object.csv" {
            sorted.objects.get_or_insert_with(|| path.clone());
        }
    }
    Ok(sorted)
}

/// Opens a KDD Cup 2015 log: reads every table but the log. `courses` stands in for `date.csv`.
///
/// # Errors
/// When a table is missing, can't be read, lacks a column, or has no usable row.
pub fn open(files: &Files, courses: Option<&Path>, reason: String) -> Result<Source, ReadError> {
    let missing = |table, what_to_do: &str| ReadError::MissingTable {
        format: "kdd2015",
        table,
        where_: "the files given".to_owned(),
        what_to_do: what_to_do.to_owned(),
    };
    if files.logs.is_empty() {
        return Err(missing("log", "it is log*.csv, with the columns enrollment_id,time,source,event,object"));
    }
    if files.enrolments.is_empty() {
        return Err(missing("enrolments", "it is enrollment*.csv, with the columns enrollment_id,username,course_id"));
    }
    let Some(calendar_path) = courses.or(files.calendar.as_deref()) else {
        return Err(missing("calendar", "it is date.csv, with the columns course_id,from,to; or give --courses FILE"));
    };
    let mut tables = Tally::default();
    let calendar = read_calendar(calendar_path, &mut tables)?;
    let (mut roster, without_course) = read_enrolments(&files.enrolments, &calendar, &mut tables)?;
    if let Some(path) = &files.objects {
        read_releases(path, &mut roster, &mut tables)?;
    }
    for path in &files.truths {
        // The truth covers enrolments without a course too; of those only the count is kept.
        apply_labels(path, &mut roster, &mut tables)?;
    }
    let index = Arc::new(log::Index { known: EnrolmentLookup::new(&roster), without_course: without_course.index() });
    let mut events: Vec<Box<dyn EventFile>> = Vec::new();
    for path in &files.logs {
        events.push(Box::new(log::open(path, Arc::clone(&index))?));
    }
    let role = |role: &'static str, paths: &[PathBuf]| -> Vec<InputFile> {
        paths.iter().map(|path| InputFile { role, path: path.clone() }).collect()
    };
    let mut inputs = role("log", &files.logs);
    inputs.extend(role("enrolments", &files.enrolments));
    inputs.push(InputFile { role: "calendar", path: calendar_path.to_owned() });
    inputs.extend(role("objects", files.objects.as_slice()));
    inputs.extend(role("truth", &files.truths));
    Ok(Source {
        format: "kdd2015",
        reason,
        capabilities: Capabilities {
            time_of_day: true,
            objects: true,
            releases: !roster.releases.is_empty(),
            dates: true,
            learners: true,
            ..Capabilities::default()
        },
        roster,
        tables,
        enrolments_without_course: without_course.ids.len() as u64,
        granularity: Granularity::Second,
        kinds: log::kinds(),
        labels: if files.truths.is_empty() { SourceLabels::Nothing } else { SourceLabels::Labels },
        inputs,
        events,
    })
}

#[derive(Default)]
struct WithoutCourse {
    ids: Vec<String>,
}

impl WithoutCourse {
    fn index(&self) -> IdLookup {
        IdLookup::new(self.ids.iter().map(String::as_bytes))
    }
}

fn read_enrolments(
    paths: &[PathBuf],
    calendar: &[CalendarEntry],
    tables: &mut Tally,
) -> Result<(Roster, WithoutCourse), ReadError> {
    let courses: Vec<Course> = calendar.iter().map(CalendarEntry::to_course).collect();
    let place: FxHashMap<&str, CourseIndex> =
        courses.iter().zip((0..).map(CourseIndex)).map(|(course, place)| (course.id.as_str(), place)).collect();
    let mut enrolments: Vec<Enrolment> = Vec::new();
    let mut seen: FxHashMap<String, (String, String)> = FxHashMap::default();
    let mut without_course = WithoutCourse::default();
    for path in paths {
        let table = Table::open(path, "enrolments", b',', Header::Present)?;
        let id = table.require(&["enrollment_id"])?;
        let username = table.require(&["username"])?;
        let course = table.require(&["course_id"])?;
        table.rows(tables, |row| {
            let id = row.id(id, "enrollment_id")?;
            let learner = row.id(username, "username")?;
            let course = row.text(course);
            let facts = (learner.to_owned(), course.to_owned());
            match seen.get(id) {
                Some(before) if *before == facts => return Err(Refusal::new(Reason::Repeated, "the enrolment again")),
                Some(_) => {
                    return Err(Refusal::new(
                        Reason::Contradiction,
                        "an enrolment of this id again, of another learner or course; the first is used",
                    ));
                }
                None => seen.insert(id.to_owned(), facts),
            };
            let Some(&course) = place.get(course) else {
                without_course.ids.push(id.to_owned());
                let what = if course.is_empty() {
                    "no course".to_owned()
                } else {
                    format!("course `{course}` is not in the calendar")
                };
                return Err(Refusal::new(Reason::UnknownCourse, what));
            };
            enrolments.push(Enrolment {
                id: id.to_owned(),
                learner: learner.to_owned(),
                course,
                ..Enrolment::default()
            });
            Ok(())
        })?;
    }
    Ok((Roster::new(courses, enrolments), without_course))
}

fn read_releases(path: &Path, roster: &mut Roster, tables: &mut Tally) -> Result<(), ReadError> {
    let table = Table::open(path, "objects", b',', Header::Present)?;
    let course = table.require(&["course_id"])?;
    let module = table.require(&["module_id"])?;
    let start = table.require(&["start"])?;
    let courses: FxHashMap<String, CourseIndex> =
        roster.courses.iter().zip((0..).map(CourseIndex)).map(|(course, place)| (course.id.clone(), place)).collect();
    let mut releases = ReleaseList::default();
    table.rows(tables, |row| {
        let object = ObjectKey::from_id(row.id(module, "module_id")?.as_bytes());
        let text = row.text(start);
        if text.is_empty() || text == "null" {
            return Ok(());
        }
        let instant = parse_instant(text.as_bytes()).ok_or_else(|| {
            Refusal::new(Reason::BadTime, format!("start of shape `{}` is not a time", shape(text.as_bytes())))
        })?;
        // Objects of courses outside the calendar are no one's: the row is fine and of no use.
        if let (Some(&course), Some(object)) = (courses.get(row.text(course)), object) {
            // The table lists an object once for each parent it has; it is there from the first release on.
            releases.push(course, object, instant);
        }
        Ok(())
    })?;
    roster.releases = releases.finish();
    Ok(())
}
