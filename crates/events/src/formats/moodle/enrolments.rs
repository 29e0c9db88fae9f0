//! Who is enrolled as what, put together from Moodle's own tables: `mdl_user_enrolments` and `mdl_enrol` say who is in
//! which course, `mdl_role_assignments`, `mdl_context` and `mdl_role` as what.

use std::path::Path;

use csv::ByteRecord;
use rustc_hash::{FxHashMap, FxHashSet};

use super::mapping::MAPPING;
use crate::epoch_times::stands_for_unset;
use crate::error::ReadError;
use crate::event_days::is_set;
use crate::formats::log_format::missing_table;
use crate::input::file_name;
use crate::table::{Refusal, Table, TableRow};
use crate::tally::{Reason, Tally};
use crate::time::{describe_unreadable, parse_logged_instant};

/// Holds the tables. Those of roles may be empty: everyone's role is then unknown.
#[derive(Debug, Default)]
pub(super) struct EnrolmentTables {
    pub(super) user_enrolments: Vec<Table>,
    pub(super) enrol: Vec<Table>,
    pub(super) role_assignments: Vec<Table>,
    pub(super) contexts: Vec<Table>,
    pub(super) roles: Vec<Table>,
}

/// Names the level of the contexts of courses (`CONTEXT_COURSE`).
pub(super) const COURSE_LEVEL: &str = "50";

/// Lists the archetypes of those who teach or run a course.
const STAFF: [&str; 4] = ["manager", "coursecreator", "editingteacher", "teacher"];

impl EnrolmentTables {
    /// Joins the tables into one of enrolments; `None` when they say nothing of enrolments.
    pub(super) fn join(&self, tally: &mut Tally) -> Result<Option<Table>, ReadError> {
        let Some(first) = self.user_enrolments.first() else {
            let orphan = self.enrol.iter().chain(&self.role_assignments).next();
            return match orphan.map(|table| file_name(table.path())) {
                Some(name) => Err(missing("mdl_user_enrolments", &format!("{name} says nothing without it"))),
                None => Ok(None),
            };
        };
        if self.enrol.is_empty() {
            return Err(missing("mdl_enrol", "mdl_user_enrolments names courses only through it"));
        }
        if !self.role_assignments.is_empty() && (self.contexts.is_empty() || self.roles.is_empty()) {
            return Err(missing(
                "mdl_context or mdl_role",
                "mdl_role_assignments names courses and roles only through them",
            ));
        }
        Joined::new(self, tally).map(|joined| Some(joined.into_table(first.path())))
    }
}

fn missing(table: &'static str, what_to_do: &str) -> ReadError {
    missing_table(MAPPING.format, table, what_to_do)
}

/// Holds learner and course.
type Pair = (String, String);

#[derive(Debug)]
struct Enrolled {
    pair: Pair,
    /// Seconds since 1970.
    since: Option<i64>,
    line: Option<u64>,
}

/// Holds enrolments with their roles.
#[derive(Debug, Default)]
struct Joined {
    /// In the order of `mdl_user_enrolments`; several of one pair, by several ways of enrolling, have different dates.
    rows: Vec<Enrolled>,
    /// `None` when no table tells roles.
    roles: Option<FxHashMap<Pair, &'static str>>,
}

impl Joined {
    fn new(sources: &EnrolmentTables, tally: &mut Tally) -> Result<Self, ReadError> {
        let mut courses: FxHashMap<String, String> = FxHashMap::default();
        for table in &sources.enrol {
            let (id, course) = (table.require(&["id"])?, table.require(&["courseid"])?);
            table.rows(tally, |row| {
                courses.insert(row.id(id, "id")?.to_owned(), row.id(course, "course")?.to_owned());
                Ok(())
            })?;
        }
        let roles = if sources.role_assignments.is_empty() { None } else { Some(roles(sources, tally)?) };
        let mut joined = Self { roles, rows: Vec::new() };
        let mut places: FxHashMap<Pair, Vec<usize>> = FxHashMap::default();
        for table in &sources.user_enrolments {
            let (user, enrol) = (table.require(&["userid"])?, table.require(&["enrolid"])?);
            let (start, created) = (table.find(&["timestart"])?, table.find(&["timecreated"])?);
            let mut mine = Tally::default();
            table.rows(&mut mine, |row| {
                let course = courses.get(row.id(enrol, "enrolid")?).ok_or_else(|| {
                    Refusal::new(
                        Reason::UnknownCourse,
                        "an enrolment by a way of enrolling that mdl_enrol does not name",
                    )
                })?;
                let pair = (row.id(user, "userid")?.to_owned(), course.clone());
                let since = match since(row, start)? {
                    Some(since) => Some(since),
                    None => since(row, created)?,
                };
                let known = places.entry(pair.clone()).or_default();
                let is_another =
                    since.is_some() && known.iter().all(|&place| ![None, since].contains(&joined.rows[place].since));
                if known.is_empty() || is_another {
                    known.push(joined.rows.len());
                    joined.rows.push(Enrolled { pair, since, line: row.line() });
                    return Ok(());
                }
                // Where one way of enrolling has no date, the date is unknown, whatever other ways say.
                if since.is_none() {
                    known.iter().for_each(|&place| joined.rows[place].since = None);
                }
                Err(Refusal::new(Reason::Repeated, "a learner in a course by another way of enrolling as well"))
            })?;
            // Rows that are kept count when the table that they make is read.
            mine.read -= std::mem::take(&mut mine.used);
            tally.append(mine);
        }
        Ok(joined)
    }

    /// Returns the table that the mapping reads: `userid,courseid,timestart,role`.
    fn into_table(self, path: &Path) -> Table {
        let record = |Enrolled { pair, since, line }: Enrolled| {
            let role = self.roles.as_ref().map_or("", |roles| roles.get(&pair).copied().unwrap_or("none"));
            let since = since.map(|since| since.to_string()).unwrap_or_default();
            let mut record = ByteRecord::from(vec![pair.0.as_str(), pair.1.as_str(), since.as_str(), role]);
            let position = line.map(|line| {
                let mut position = csv::Position::new();
                position.set_line(line);
                position
            });
            record.set_position(position);
            record
        };
        let columns = ["userid", "courseid", "timestart", "role"];
        Table::held(path.to_owned(), "enrolments", &columns, self.rows.into_iter().map(record).collect())
    }
}

/// Returns seconds since 1970 of the time in a column; `None` for 0, which Moodle writes for what is not set.
fn since(row: &TableRow<'_>, column: Option<usize>) -> Result<Option<i64>, Refusal> {
    let Some(text) = column.and_then(|column| row.given(column)) else { return Ok(None) };
    let unreadable = || Refusal::new(Reason::BadTime, describe_unreadable("time of enrolment", text.as_bytes()));
    let instant = parse_logged_instant(text.as_bytes()).ok_or_else(unreadable)?;
    Ok(Some(instant).filter(|&instant| is_set(instant) && !stands_for_unset(instant)))
}

/// Returns everyone's role in a course: `staff`, `student`, or `other`.
fn roles(sources: &EnrolmentTables, tally: &mut Tally) -> Result<FxHashMap<Pair, &'static str>, ReadError> {
    let mut archetypes: FxHashMap<String, String> = FxHashMap::default();
    for table in &sources.roles {
        let id = table.require(&["id"])?;
        let (short, archetype) = (table.require(&["shortname"])?, table.find(&["archetype"])?);
        table.rows(tally, |row| {
            let given = archetype.and_then(|column| row.given(column)).or(row.given(short));
            archetypes.insert(row.id(id, "id")?.to_owned(), given.unwrap_or_default().to_owned());
            Ok(())
        })?;
    }
    let mut courses: FxHashMap<String, String> = FxHashMap::default();
    for table in &sources.contexts {
        let (id, level) = (table.require(&["id"])?, table.require(&["contextlevel"])?);
        let instance = table.require(&["instanceid"])?;
        table.rows(tally, |row| {
            if row.id(level, "contextlevel")? != COURSE_LEVEL {
                return Err(Refusal::new(Reason::FilteredOut, "the context of something other than a course"));
            }
            courses.insert(row.id(id, "id")?.to_owned(), row.id(instance, "instanceid")?.to_owned());
            Ok(())
        })?;
    }
    let mut held: FxHashMap<Pair, FxHashSet<&str>> = FxHashMap::default();
    for table in &sources.role_assignments {
        let (role, context) = (table.require(&["roleid"])?, table.require(&["contextid"])?);
        let user = table.require(&["userid"])?;
        table.rows(tally, |row| {
            let Some(course) = courses.get(row.id(context, "contextid")?) else {
                return Err(Refusal::new(Reason::FilteredOut, "a role in something other than a course"));
            };
            let archetype = archetypes
                .get(row.id(role, "roleid")?)
                .ok_or_else(|| Refusal::new(Reason::UnknownObject, "a role that mdl_role does not name"))?;
            let pair = (row.id(user, "userid")?.to_owned(), course.clone());
            held.entry(pair).or_default().insert(archetype);
            Ok(())
        })?;
    }
    // Who teaches a course is no learner of it, whatever else they are, to see it as learners do for one.
    let role = |archetypes: &FxHashSet<&str>| match () {
        () if archetypes.iter().any(|archetype| STAFF.contains(archetype)) => "staff",
        () if archetypes.contains("student") => "student",
        () => "other",
    };
    Ok(held.into_iter().map(|(pair, archetypes)| (pair, role(&archetypes))).collect())
}
