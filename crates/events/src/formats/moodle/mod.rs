//! Moodle's standard log: `mdl_logstore_standard_log` as CSV, with the tables of courses, enrolments and roles where they
//! are given; or all of them straight from the database (feature `sql`).
//!
//! Files are told apart by their headers, whatever they are called. What the columns are and what events count as stands
//! in `configs/mappings/moodle.toml`.

mod enrolments;
#[cfg(feature = "sql")]
mod server;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use self::enrolments::{Joined, Sources};
use super::fields;
use super::table::files::{Found, LogFile, Place};
use super::table::{BuiltIn, Tables};
use crate::error::ReadError;
use crate::input::{bare_name, file_name};
use crate::source::Source;
use crate::source_inputs::InputFile;
use crate::table::{Header, Table};
use crate::tally::Tally;

#[cfg(feature = "sql")]
pub(super) use self::server::open as open_server;

const MAPPING: BuiltIn =
    BuiltIn { format: "moodle", text: include_str!("../../../../../configs/mappings/moodle.toml") };

/// The tables of a Moodle site, by what they are. Each may be in several files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Files {
    /// `mdl_logstore_standard_log`.
    pub logs: Vec<PathBuf>,
    /// `mdl_course`.
    pub courses: Vec<PathBuf>,
    /// Enrolments with their roles, put together by a query (`datasets/moodle.md`).
    pub enrolments: Vec<PathBuf>,
    /// `mdl_user_enrolments`.
    pub user_enrolments: Vec<PathBuf>,
    /// `mdl_enrol`.
    pub enrol: Vec<PathBuf>,
    /// `mdl_role_assignments`.
    pub role_assignments: Vec<PathBuf>,
    /// `mdl_context`.
    pub contexts: Vec<PathBuf>,
    /// `mdl_role`.
    pub roles: Vec<PathBuf>,
}

/// Sorts `files` into tables by their headers; those of no table are left out.
///
/// # Errors
/// When a file can't be read.
pub fn sort_files(files: &[PathBuf]) -> Result<Files, ReadError> {
    let mut sorted = Files::default();
    for path in files {
        let columns = fields::header(path)?;
        let has = |names: &[&str]| names.iter().all(|name| columns.iter().any(|column| column == name));
        let table = if has(&["eventname", "userid"]) || has(&["eventname", "timecreated"]) {
            &mut sorted.logs
        } else if has(&["userid", "enrolid"]) {
            &mut sorted.user_enrolments
        } else if has(&["roleid", "contextid", "userid"]) {
            &mut sorted.role_assignments
        } else if has(&["contextlevel", "instanceid"]) {
            &mut sorted.contexts
        } else if has(&["shortname", "archetype"]) {
            &mut sorted.roles
        } else if has(&["id", "startdate"]) {
            &mut sorted.courses
        } else if has(&["userid", "courseid", "timestart"]) {
            &mut sorted.enrolments
        } else if has(&["id", "enrol", "courseid"]) {
            &mut sorted.enrol
        } else if bare_name(path).contains("logstore") {
            // Named like the log but not recognised: its own reader says best what is wrong.
            &mut sorted.logs
        } else {
            continue;
        };
        table.push(path.clone());
    }
    Ok(sorted)
}

/// What says that `files` are of this format.
///
/// # Errors
/// When a file can't be read.
pub fn evidence(files: &[PathBuf]) -> Result<Option<String>, ReadError> {
    for path in files {
        let columns = fields::header(path)?;
        if ["eventname", "userid", "courseid", "timecreated"]
            .iter()
            .all(|name| columns.iter().any(|column| column == name))
        {
            return Ok(Some(format!(
                "{} has the columns eventname, userid, courseid and timecreated",
                file_name(path)
            )));
        }
    }
    Ok(None)
}

/// Opens the log. `courses` stands in for `mdl_course`. Reads the log once more for repeated ids, and once more for each
/// of: enrolments that no table gives, courses without dates.
///
/// # Errors
/// When there is no log, tables are given by halves, a file can't be read or lacks a column, or no enrolment is left.
pub fn open(files: &Files, courses: Option<&Path>, reason: String, block_bytes: usize) -> Result<Source, ReadError> {
    if files.logs.is_empty() {
        return Err(missing("log", "it is mdl_logstore_standard_log as CSV with a header"));
    }
    let found = |paths: &[PathBuf]| -> Vec<Found> { paths.iter().map(|path| Found::file(path)).collect() };
    let mut tally = Tally::default();
    let enrolments = match joined(files, &mut tally)? {
        Some(table) => vec![Found { place: Place::Held(Arc::new(table)), course: None }],
        None => found(&files.enrolments),
    };
    let tables = Tables {
        log: found(&files.logs).into_iter().map(|found| LogFile { log: 0, found }).collect(),
        enrolments,
        courses: if courses.is_some() { Vec::new() } else { found(&files.courses) },
        ..Tables::default()
    };
    let mut source = MAPPING.open(&tables, courses, reason, block_bytes)?;
    tally.append(std::mem::take(&mut source.tables));
    source.tables = tally;
    let roles: [(&'static str, &[PathBuf]); 5] = [
        ("user-enrolments", &files.user_enrolments),
        ("enrol", &files.enrol),
        ("role-assignments", &files.role_assignments),
        ("contexts", &files.contexts),
        ("roles", &files.roles),
    ];
    for (role, paths) in roles {
        source.inputs.extend(paths.iter().map(|path| InputFile { role, path: path.clone() }));
    }
    Ok(source)
}

/// The table of enrolments that Moodle's own tables give, where they are among the files.
fn joined(files: &Files, tally: &mut Tally) -> Result<Option<Table>, ReadError> {
    let open = |paths: &[PathBuf], name: &str| -> Result<Vec<Table>, ReadError> {
        paths.iter().map(|path| Table::open(path, name, b',', Header::Present)).collect()
    };
    let sources = Sources {
        user_enrolments: open(&files.user_enrolments, "mdl_user_enrolments")?,
        enrol: open(&files.enrol, "mdl_enrol")?,
        role_assignments: open(&files.role_assignments, "mdl_role_assignments")?,
        contexts: open(&files.contexts, "mdl_context")?,
        roles: open(&files.roles, "mdl_role")?,
    };
    join(&sources, tally)
}

/// The table of enrolments that `sources` give; `None` when they say nothing of enrolments.
fn join(sources: &Sources, tally: &mut Tally) -> Result<Option<Table>, ReadError> {
    let Some(first) = sources.user_enrolments.first() else {
        let orphan = sources.enrol.iter().chain(&sources.role_assignments).next();
        return match orphan.map(|table| file_name(table.path())) {
            Some(name) => Err(missing("mdl_user_enrolments", &format!("{name} says nothing without it"))),
            None => Ok(None),
        };
    };
    if sources.enrol.is_empty() {
        return Err(missing("mdl_enrol", "mdl_user_enrolments names courses only through it"));
    }
    if !sources.role_assignments.is_empty() && (sources.contexts.is_empty() || sources.roles.is_empty()) {
        return Err(missing(
            "mdl_context or mdl_role",
            "mdl_role_assignments names courses and roles only through them",
        ));
    }
    Joined::of(sources, tally).map(|joined| Some(joined.into_table(first.path())))
}

fn missing(table: &'static str, what_to_do: &str) -> ReadError {
    ReadError::MissingTable {
        format: MAPPING.format,
        table,
        where_: "the files given".to_owned(),
        what_to_do: what_to_do.to_owned(),
    }
}
