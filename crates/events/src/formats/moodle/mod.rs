//! Moodle's standard log: `mdl_logstore_standard_log` as CSV, with the tables of courses, enrolments and roles where
//! they are given; or all of them straight from the database (feature `sql`).
//!
//! Files are told apart by their headers, whatever they are called. What the columns are and what events count as
//! stands in `configs/mappings/moodle.toml`.

mod enrolments;
mod mapping;
mod report;
#[cfg(feature = "sql")]
mod server;

use std::sync::Arc;

use csv::ByteRecord;

use self::enrolments::EnrolmentTables;
use self::mapping::MAPPING;
use super::database_source::DatabaseSource;
use super::log_format::{DetectedFile, FileRole, LogFormat, OpenRequest, Strength, inputs_with_role, missing_table};
use super::table::TableFiles;
use super::table::csv_cells::Escapes;
use super::table::files::{Found, LogFile, Place};
use crate::error::ReadError;
use crate::file_head::FileHead;
use crate::source::Source;
use crate::table::{Header, Table};
use crate::tally::Tally;

/// Reads Moodle's standard log.
pub(super) struct Moodle;

/// Names the role of `mdl_logstore_standard_log`.
const LOG: &str = "log";
/// Names the role of `mdl_course`.
const COURSES: &str = "courses";
/// Names the role of the table of enrolments with their roles, put together by a query (`datasets/moodle.md`).
const ENROLMENTS: &str = "enrolments";
/// Names the role of `mdl_user_enrolments`.
const USER_ENROLMENTS: &str = "user-enrolments";
/// Names the role of `mdl_enrol`.
const ENROL: &str = "enrol";
/// Names the role of `mdl_role_assignments`.
const ROLE_ASSIGNMENTS: &str = "role-assignments";
/// Names the role of `mdl_context`.
const CONTEXTS: &str = "contexts";
/// Names the role of `mdl_role`.
const ROLES: &str = "roles";

impl LogFormat for Moodle {
    fn name(&self) -> &'static str {
        MAPPING.format
    }

    fn summary(&self) -> &'static str {
        "Moodle's standard log as CSV, with tables of courses, enrolments and roles if there; or straight from the database"
    }

    fn detect(&self, file: &FileHead) -> FileRole {
        let has = |names: &[&str]| file.has_columns(names);
        if has(&["eventname", "userid", "courseid", "timecreated"]) {
            FileRole::decisive(LOG, "has the columns eventname, userid, courseid and timecreated")
        } else if has(&["eventname", "userid"]) || has(&["eventname", "timecreated"]) {
            FileRole::fitting(LOG, "has the column eventname")
        } else if has(&["userid", "enrolid"]) {
            FileRole::fitting(USER_ENROLMENTS, "has the columns userid and enrolid")
        } else if has(&["roleid", "contextid", "userid"]) {
            FileRole::fitting(ROLE_ASSIGNMENTS, "has the columns roleid, contextid and userid")
        } else if has(&["contextlevel", "instanceid"]) {
            FileRole::fitting(CONTEXTS, "has the columns contextlevel and instanceid")
        } else if has(&["shortname", "archetype"]) {
            FileRole::fitting(ROLES, "has the columns shortname and archetype")
        } else if has(&["id", "startdate"]) {
            FileRole::fitting(COURSES, "has the columns id and startdate")
        } else if has(&["userid", "courseid", "timestart"]) {
            FileRole::fitting(ENROLMENTS, "has the columns userid, courseid and timestart")
        } else if has(&["id", "enrol", "courseid"]) {
            FileRole::fitting(ENROL, "has the columns id, enrol and courseid")
        } else if report::is_report(file) {
            FileRole::none(report::IS_REPORT)
        } else if file.bare_name().contains("logstore") {
            // Named like the log but not recognised: its own reader says best what is wrong.
            FileRole::named_only(LOG)
        } else {
            FileRole::none("has neither the columns nor the name of a table of Moodle")
        }
    }

    /// Takes the report of Moodle's page for evidence too, so that its user is told what it is.
    fn evidence(&self, files: &[DetectedFile]) -> Option<String> {
        let is_log = |file: &&DetectedFile| file.role.strength == Strength::Decisive;
        let is_report = |file: &&DetectedFile| file.role.because == report::IS_REPORT;
        let file = files.iter().find(is_log).or_else(|| files.iter().find(is_report))?;
        Some(format!("{} {}", file.head.name(), file.role.because))
    }

    /// Opens the log. A file of dates stands in for `mdl_course`. Reads the log once more for repeated ids, and once
    /// more for each of: enrolments that no table gives, courses without dates.
    fn open(&self, request: &OpenRequest<'_>) -> Result<Source, ReadError> {
        open(request)
    }

    fn is_in_databases(&self) -> bool {
        true
    }

    #[cfg(feature = "sql")]
    fn open_database(&self, source: &DatabaseSource, request: &OpenRequest<'_>) -> Result<Source, ReadError> {
        server::open(source, request)
    }

    #[cfg(not(feature = "sql"))]
    fn open_database(&self, _: &DatabaseSource, _: &OpenRequest<'_>) -> Result<Source, ReadError> {
        Err(ReadError::NoDatabases)
    }
}

fn open(request: &OpenRequest<'_>) -> Result<Source, ReadError> {
    let logs = request.heads_with(LOG);
    let report = request.files.iter().find(|file| file.role.because == report::IS_REPORT);
    if let (true, Some(report)) = (logs.is_empty(), report) {
        let what = format!("{} {}; {}", report.head.name(), report::IS_REPORT, report::WHAT_TO_DO);
        return Err(missing_table(MAPPING.format, "log", what));
    }
    if logs.is_empty() {
        return Err(missing_table(MAPPING.format, "log", "it is mdl_logstore_standard_log as CSV with a header"));
    }
    let found = |role: &str| -> Vec<Found> { request.heads_with(role).into_iter().map(Found::file).collect() };
    let mut tally = Tally::default();
    let enrolments = match joined(request, &mut tally)? {
        Some(table) => vec![Found::elsewhere(Place::Held(Arc::new(table)))],
        None => found(ENROLMENTS),
    };
    let tables = TableFiles {
        log: logs.into_iter().map(log_file).collect(),
        enrolments,
        courses: if request.courses.is_some() { Vec::new() } else { found(COURSES) },
        ..TableFiles::default()
    };
    let mut source = MAPPING.open(&tables, request)?;
    tally.append(std::mem::take(&mut source.tables));
    source.tables = tally;
    for role in [USER_ENROLMENTS, ENROL, ROLE_ASSIGNMENTS, CONTEXTS, ROLES] {
        source.inputs.extend(inputs_with_role(role, &request.heads_with(role)));
    }
    Ok(source)
}

/// Returns a file of the log, and whether MySQL wrote it with backslashes: then names of events begin with two.
fn log_file(head: Arc<FileHead>) -> LogFile {
    let escapes = first_event_name(&head).filter(|name| name.starts_with("\\\\")).map(|_| Escapes::Everywhere);
    LogFile { log: 0, found: Found { escapes, ..Found::file(head) } }
}

/// Returns the name of the event in the first row.
fn first_event_name(head: &FileHead) -> Option<String> {
    let mut reader = csv::ReaderBuilder::new().delimiter(head.delimiter()).flexible(true).from_reader(head.text());
    let place = reader.headers().ok()?.iter().position(|name| name.trim().eq_ignore_ascii_case("eventname"))?;
    let mut row = ByteRecord::new();
    let any = reader.read_byte_record(&mut row).ok()?;
    row.get(place).filter(|_| any).map(|name| String::from_utf8_lossy(name).trim().to_owned())
}

/// Returns the table of enrolments that Moodle's own tables give, where they are among the files.
fn joined(request: &OpenRequest<'_>, tally: &mut Tally) -> Result<Option<Table>, ReadError> {
    let open = |role: &str, name: &str| -> Result<Vec<Table>, ReadError> {
        request.heads_with(role).iter().map(|head| Table::open(head, name, head.delimiter(), Header::Present)).collect()
    };
    let sources = EnrolmentTables {
        user_enrolments: open(USER_ENROLMENTS, "mdl_user_enrolments")?,
        enrol: open(ENROL, "mdl_enrol")?,
        role_assignments: open(ROLE_ASSIGNMENTS, "mdl_role_assignments")?,
        contexts: open(CONTEXTS, "mdl_context")?,
        roles: open(ROLES, "mdl_role")?,
    };
    sources.join(tally)
}
