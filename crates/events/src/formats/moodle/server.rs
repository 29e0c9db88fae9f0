//! Moodle's log and tables straight from its database.

use std::sync::Arc;

use super::enrolments::{COURSE_LEVEL, EnrolmentTables};
use super::mapping::MAPPING;
use crate::error::ReadError;
use crate::formats::database::{LogTable, Server};
use crate::formats::database_source::DatabaseSource;
use crate::formats::log_format::OpenRequest;
use crate::formats::table::TableFiles;
use crate::formats::table::files::{Found, LogFile, Place};
use crate::source::Source;
use crate::source_inputs::DatabaseTable;
use crate::table::Table;
use crate::tally::Tally;

/// Opens the log of the Moodle site whose database is `database`. A file of dates stands in for the table of courses.
/// Holds the tables of courses, enrolments and roles in memory, and streams the log.
///
/// # Errors
/// When the server can't be reached, or a table is missing or has nothing that can be used.
pub(super) fn open(database: &DatabaseSource, request: &OpenRequest<'_>) -> Result<Source, ReadError> {
    let server = Arc::new(Server::connect(database.clone())?);
    let mut beside = Vec::new();
    let mut table = |role: &'static str, name: &str, columns: &[&str], condition: &str| {
        let table = server.table(name, columns, condition)?;
        beside.extend(table.as_ref().map(|table| record(&server, role, name, table)));
        Ok::<Vec<Table>, ReadError>(table.into_iter().collect())
    };
    let all = "1 = 1";
    let of_courses = format!("contextlevel = {COURSE_LEVEL}");
    let sources = EnrolmentTables {
        user_enrolments: table(
            "user-enrolments",
            "user_enrolments",
            &["id", "userid", "enrolid", "timestart", "timecreated"],
            all,
        )?,
        enrol: table("enrol", "enrol", &["id", "courseid"], all)?,
        role_assignments: table("role-assignments", "role_assignments", &["id", "roleid", "contextid", "userid"], all)?,
        contexts: table("contexts", "context", &["id", "contextlevel", "instanceid"], &of_courses)?,
        roles: table("roles", "role", &["id", "shortname", "archetype"], all)?,
    };
    let dates = match request.courses {
        Some(_) => Vec::new(),
        None => table("calendar", "course", &["id", "startdate", "enddate"], all)?,
    };
    let mut tally = Tally::default();
    let held = |table: Table| Found::elsewhere(Place::Held(Arc::new(table)));
    let enrolments = sources.join(&mut tally)?.map(held);
    let log = Arc::new(LogTable::open(&server, "logstore_standard_log", beside)?);
    let tables = TableFiles {
        log: vec![LogFile { log: 0, found: Found::elsewhere(Place::Database(log)) }],
        enrolments: enrolments.into_iter().collect(),
        courses: dates.into_iter().map(held).collect(),
        ..TableFiles::default()
    };
    let mut source = MAPPING.open(&tables, request)?;
    tally.append(std::mem::take(&mut source.tables));
    source.tables = tally;
    Ok(source)
}

/// Makes the record of a table that is read as a whole.
fn record(server: &Server, role: &'static str, name: &str, table: &Table) -> DatabaseTable {
    let (rows, blake3) = table.fingerprint();
    let table = format!("{}{name}", server.address().prefix());
    DatabaseTable { role, place: server.address().to_string(), table, rows, ids: None, blake3: Some(blake3) }
}
