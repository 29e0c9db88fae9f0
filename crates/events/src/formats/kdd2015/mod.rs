//! KDD Cup 2015 (XuetangX): `log*.csv`, `enrollment*.csv`, `date.csv`, `object.csv` and `truth*.csv`.
//!
//! Files are told apart by their headers; the truth file has none and is recognised by its name. The log's columns may stand
//! in any order. Kinds are kept with their source, as `server_access` or `browser_access`, and counted as activities by
//! the event's name alone (`nagivate` is the source's spelling).

mod log;

use rustc_hash::FxHashMap;

use super::calendar::{CalendarEntry, read_calendar};
use super::labels::apply_labels;
use super::log_format::{DetectedFile, FileRole, LogFormat, OpenRequest, Strength, inputs_with_role, missing_table};
use crate::activity::Activity;
use crate::capabilities::Capabilities;
use crate::enrolments::Enrolments;
use crate::error::ReadError;
use crate::event::ObjectKey;
use crate::event_days::is_set;
use crate::event_file::EventFile;
use crate::file_head::FileHead;
use crate::id_lookup::{EnrolmentLookup, IdLookup};
use crate::index::CourseIndex;
use crate::offered::FileReport;
use crate::places::Places;
use crate::releases::ReleaseList;
use crate::roster::{Course, ListedObject, Roster};
use crate::row_limits::ObjectNaming;
use crate::source::{Granularity, LeftOutEnrolments, Source, SourceLabels};
use crate::source_inputs::InputFile;
use crate::table::{Header, Refusal, Table};
use crate::tally::{Reason, Tally, shape};
use crate::time::{describe_unreadable, parse_logged_instant};

use std::sync::Arc;

const FORMAT: &str = "kdd2015";

/// Reads the log of KDD Cup 2015 (XuetangX).
pub(super) struct Kdd2015;

impl LogFormat for Kdd2015 {
    fn name(&self) -> &'static str {
        FORMAT
    }

    fn summary(&self) -> &'static str {
        "KDD Cup 2015 (XuetangX): log*.csv, enrollment*.csv, date.csv; object.csv and truth*.csv if there"
    }

    /// Decides by the header, of truth files by the name.
    fn detect(&self, file: &FileHead) -> FileRole {
        let has = |name: &str| file.has_column(name);
        let name = file.bare_name();
        if has("enrollment_id") && has("time") && has("event") {
            FileRole::decisive("log", HAS_LOG_COLUMNS)
        } else if has("enrollment_id") && has("username") {
            FileRole::fitting("enrolments", "has the columns enrollment_id and username")
        } else if has("course_id") && has("from") {
            FileRole::fitting("calendar", "has the columns course_id and from")
        } else if has("module_id") {
            FileRole::fitting("objects", "has the column module_id")
        } else if name.starts_with("truth") {
            FileRole::fitting("truth", "is named like the table of labels")
        } else if has("enrollment_id") && has("label") {
            FileRole::fitting("truth", "has the columns enrollment_id and label")
        } else if name.starts_with("log") && name.ends_with(".csv") {
            // Named like the log but not recognised: its own reader says best what is wrong.
            if has("enrollment_id") { FileRole::decisive("log", HAS_LOG_COLUMNS) } else { FileRole::named_only("log") }
        } else if name.starts_with("enrollment") && name.ends_with(".csv") {
            FileRole::named_only("enrolments")
        } else if name == "date.csv" {
            FileRole::named_only("calendar")
        } else if name == "object.csv" {
            FileRole::named_only("objects")
        } else {
            FileRole::none("has neither the columns nor the name of a table of KDD Cup 2015")
        }
    }

    fn evidence(&self, files: &[DetectedFile]) -> Option<String> {
        let has_role = |role: &str| files.iter().any(|file| file.role.name == Some(role));
        let log = files.iter().find(|file| file.role.name == Some("log"))?;
        let name = log.head.name();
        if log.role.strength == Strength::Decisive {
            return Some(format!("{name} {}", log.role.because));
        }
        // A log that is only named like one is taken for it when there is more to go by: many logs are called log.csv.
        let beside_others = has_role("enrolments") || has_role("calendar");
        beside_others.then(|| format!("{name} stands beside other tables of KDD Cup 2015"))
    }

    fn needed_roles(&self) -> &'static [&'static str] {
        &["log", "enrolments", "calendar"]
    }

    fn open(&self, request: &OpenRequest<'_>) -> Result<Source, ReadError> {
        open(request)
    }
}

const HAS_LOG_COLUMNS: &str = "has the columns enrollment_id, time, event and object";

/// Reads every table but the log. A file of dates stands in for `date.csv`.
fn open(request: &OpenRequest<'_>) -> Result<Source, ReadError> {
    let [logs, enrolments, objects, truths] =
        ["log", "enrolments", "objects", "truth"].map(|role| request.heads_with(role));
    let calendar_file = match request.courses_head()? {
        Some(given) => Some(given),
        None => request.heads_with("calendar").into_iter().next(),
    };
    let missing = |table, what_to_do: &str| missing_table(FORMAT, table, what_to_do);
    if logs.is_empty() {
        return Err(missing("log", "it is log*.csv, with the columns enrollment_id,time,source,event,object"));
    }
    if enrolments.is_empty() {
        return Err(missing("enrolments", "it is enrollment*.csv, with the columns enrollment_id,username,course_id"));
    }
    let Some(calendar_file) = calendar_file else {
        return Err(missing("calendar", "it is date.csv, with the columns course_id,from,to"));
    };
    let objects = objects.into_iter().next();
    let mut tables = Tally::default();
    let calendar = read_calendar(&calendar_file, &mut tables)?;
    let (mut roster, without_course) = read_enrolments(&enrolments, &calendar, &mut tables)?;
    if let Some(objects) = &objects {
        read_releases(objects, request.objects, &mut roster, &mut tables)?;
    }
    for truth in &truths {
        // The truth covers enrolments without a course too; of those only the count is kept.
        apply_labels(truth, &mut roster, &mut tables)?;
    }
    let index = Arc::new(log::Enrolments {
        known: EnrolmentLookup::new(&roster),
        without_course: IdLookup::new(without_course.ids),
    });
    let mut events: Vec<Box<dyn EventFile>> = Vec::new();
    for file in &logs {
        events.push(Box::new(log::open(file, Arc::clone(&index))?));
    }
    let mut inputs: Vec<InputFile> = inputs_with_role("log", &logs).collect();
    inputs.extend(inputs_with_role("enrolments", &enrolments));
    inputs.extend(inputs_with_role("calendar", std::slice::from_ref(&calendar_file)));
    inputs.extend(inputs_with_role("objects", objects.as_slice()));
    inputs.extend(inputs_with_role("truth", &truths));
    Ok(Source {
        format: FORMAT,
        reason: request.reason.clone(),
        as_of: request.as_of,
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
        left_out: without_course.counts,
        learners_set_aside: 0,
        only_about_others: 0,
        granularity: Granularity::Second,
        kinds: log::kinds(),
        labels: if truths.is_empty() { SourceLabels::Nothing } else { SourceLabels::Labels },
        inputs,
        notices: Vec::new(),
        files: FileReport::default(),
        events,
        first_lines: Vec::new(),
    })
}

#[derive(Default)]
struct WithoutCourse {
    ids: Vec<String>,
    counts: LeftOutEnrolments,
}

fn read_enrolments(
    files: &[Arc<FileHead>],
    calendar: &[CalendarEntry],
    tables: &mut Tally,
) -> Result<(Roster, WithoutCourse), ReadError> {
    let courses: Vec<Course> = calendar.iter().map(CalendarEntry::to_course).collect();
    // Courses outside the calendar get numbers behind those of its own, so that enrolments in them can be told apart too.
    let mut place: FxHashMap<String, CourseIndex> =
        courses.iter().zip((0..).map(CourseIndex)).map(|(course, place)| (course.id.clone(), place)).collect();
    let mut next = courses.len() as u32;
    let has_dates = |course: CourseIndex| course.as_usize() < courses.len();
    let mut enrolments = Enrolments::default();
    let mut seen = Places::default();
    let mut without_course = WithoutCourse::default();
    for file in files {
        let table = Table::open(file, "enrolments", file.delimiter(), Header::Present)?;
        let id = table.require(&["enrollment_id"])?;
        let username = table.require(&["username"])?;
        let course = table.require(&["course_id"])?;
        table.rows(tables, |row| {
            let id = row.id(id, "enrollment_id")?;
            let learner = row.id(username, "username")?;
            let name = row.given(course).unwrap_or_default();
            let known = place.get(name).copied();
            if let Some(before) = seen.find(id, |place| enrolments.id(place) == id) {
                if enrolments.learner(before) == learner && known == Some(enrolments.course(before)) {
                    return Err(Refusal::new(Reason::Repeated, "the enrolment again"));
                }
                return Err(Refusal::new(
                    Reason::Contradiction,
                    "an enrolment of this id again, of another learner or course; the first is used",
                ));
            }
            let course = known.unwrap_or_else(|| {
                next += 1;
                place.insert(name.to_owned(), CourseIndex(next - 1));
                CourseIndex(next - 1)
            });
            enrolments.push_named(id, learner, course);
            seen.add(enrolments.len() - 1, |place| enrolments.id(place));
            if has_dates(course) {
                return Ok(());
            }
            let what = if name.is_empty() {
                without_course.counts.of_no_course += 1;
                "no course".to_owned()
            } else {
                without_course.counts.add(name);
                format!("a course of shape `{}` that the calendar gives no dates", shape(name.as_bytes()))
            };
            Err(Refusal::new(Reason::UnknownCourse, what))
        })?;
    }
    drop(seen);
    let stays = |all: &Enrolments, place: usize| has_dates(all.course(place));
    let leaving = (0..enrolments.len()).filter(|&place| !stays(&enrolments, place));
    without_course.ids = leaving.map(|place| enrolments.id(place).to_owned()).collect();
    enrolments.retain(stays);
    Ok((Roster::new(courses, enrolments), without_course))
}

/// Lists the categories of objects that learners open, and what they do with them.
const CATEGORIES: [(&str, Activity); 8] = [
    ("chapter", Activity::Access),
    ("combinedopenended", Activity::Problem),
    ("discussion", Activity::Discussion),
    ("html", Activity::Access),
    ("problem", Activity::Problem),
    ("sequential", Activity::Access),
    ("vertical", Activity::Access),
    ("video", Activity::Video),
];

/// Reads when objects are released and, where they are to be named, which there are.
fn read_releases(
    file: &FileHead,
    naming: ObjectNaming,
    roster: &mut Roster,
    tables: &mut Tally,
) -> Result<(), ReadError> {
    let table = Table::open(file, "objects", file.delimiter(), Header::Present)?;
    let course = table.require(&["course_id"])?;
    let module = table.require(&["module_id"])?;
    let start = table.require(&["start"])?;
    let courses: FxHashMap<String, CourseIndex> =
        roster.courses.iter().zip((0..).map(CourseIndex)).map(|(course, place)| (course.id.clone(), place)).collect();
    let category = table.find(&["category"])?;
    let (mut releases, mut listed) = (ReleaseList::default(), Vec::new());
    table.rows(tables, |row| {
        let id = row.id(module, "module_id")?;
        let object = ObjectKey::from_id(id.as_bytes());
        if let (ObjectNaming::Kept, Some(&course), Some(object)) = (naming, courses.get(row.text(course)), object) {
            let of_category =
                |text: &str| CATEGORIES.iter().find(|(name, _)| *name == text).map(|&(_, activity)| activity);
            let activity = category.and_then(|category| of_category(row.text(category)));
            listed.push(ListedObject { course, object, id: id.into(), activity });
        }
        let Some(text) = row.given(start) else { return Ok(()) };
        let instant = parse_logged_instant(text.as_bytes())
            .ok_or_else(|| Refusal::new(Reason::BadTime, describe_unreadable("start", text.as_bytes())))?;
        // Objects of courses outside the calendar are no one's: the row is fine and of no use.
        if let (Some(&course), Some(object), true) = (courses.get(row.text(course)), object, is_set(instant)) {
            // The table lists an object once for each parent it has; it is there from the first release on.
            releases.push(course, object, instant);
        }
        Ok(())
    })?;
    roster.releases = releases.finish();
    roster.listed_objects = listed;
    Ok(())
}
