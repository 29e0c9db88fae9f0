//! Moodle's log and tables straight from its database.

use std::path::Path;
use std::sync::Arc;

use super::enrolments::{COURSE_LEVEL, Sources};
use super::{MAPPING, join};
use crate::error::ReadError;
use crate::formats::database::{Address, LogTable, Server};
use crate::formats::table::Tables;
use crate::formats::table::files::{Found, LogFile, Place};
use crate::source::Source;
use crate::source_inputs::DatabaseTable;
use crate::table::Table;
use crate::tally::Tally;

/// Opens the log of the Moodle site whose database is at `url`. `courses` stands in for the table of courses. Holds the
/// tables of courses, enrolments and roles in memory, and streams the log.
///
/// # Errors
/// When the address can't be read, the server can't be reached, or a table is missing or has nothing that can be used.
pub(in crate::formats) fn open(
    url: &str,
    courses: Option<&Path>,
    reason: String,
    block_bytes: usize,
) -> Result<Source, ReadError> {
    let server = Arc::new(Server::connect(Address::parse(url)?)?);
    let mut beside = Vec::new();
    let mut table = |role: &'static str, name: &str, columns: &[&str], condition: &str| {
        let table = server.table(name, columns, condition)?;
        beside.extend(table.as_ref().map(|table| record(&server, role, name, table)));
        Ok::<Vec<Table>, ReadError>(table.into_iter().collect())
    };
    let all = "1 = 1";
    let of_courses = format!("contextlevel = {COURSE_LEVEL}");
    let sources = Sources {
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
    let dates = match courses {
        Some(_) => Vec::new(),
        None => table("calendar", "course", &["id", "startdate", "enddate"], all)?,
    };
    let mut tally = Tally::default();
    let held = |table: Table| Found { place: Place::Held(Arc::new(table)), course: None };
    let enrolments = join(&sources, &mut tally)?.map(held);
    let log = Arc::new(LogTable::look(&server, "logstore_standard_log", beside)?);
    let tables = Tables {
        log: vec![LogFile { log: 0, found: Found { place: Place::Database(log), course: None } }],
        enrolments: enrolments.into_iter().collect(),
        courses: dates.into_iter().map(held).collect(),
        ..Tables::default()
    };
    let mut source = MAPPING.open(&tables, courses, reason, block_bytes)?;
    tally.append(std::mem::take(&mut source.tables));
    source.tables = tally;
    Ok(source)
}

/// What is recorded of a table that is read as a whole.
fn record(server: &Server, role: &'static str, name: &str, table: &Table) -> DatabaseTable {
    let (rows, blake3) = table.fingerprint();
    let table = format!("{}{name}", server.address.prefix);
    DatabaseTable { role, place: server.address.to_string(), table, rows, ids: None, blake3: Some(blake3) }
}
