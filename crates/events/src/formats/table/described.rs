//! Lists the columns that a mapping names, for a person to check.

use std::path::Path;

use serde::Serialize;

use super::checked_mapping::{CheckedLog, CheckedMapping, CheckedTable};
use super::mapped_row::Role;
use super::mapping::NamedColumns;
use super::row_template::{Part, RowTemplate};
use crate::error::ReadError;
use crate::text::BLOCK_BYTES;

/// Says what a mapping takes one or more columns of a table for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MappedColumn {
    /// The table: `log`, `log[1]`, `enrolments`, `courses` or `labels`.
    pub table: String,
    /// The mapping's key for what the columns tell; empty in the small tables.
    pub role: &'static str,
    /// The columns' names.
    pub columns: Vec<String>,
    /// How their texts are read, where that is not as they are.
    pub read_as: Option<String>,
}

/// Lists the columns that the mapping at `path` names, table by table.
///
/// # Errors
/// When the mapping can't be read or is at odds with itself; the error says where.
pub fn mapped_columns(path: &Path) -> Result<Vec<MappedColumn>, ReadError> {
    let mapping = CheckedMapping::read(path, BLOCK_BYTES)?;
    let several = mapping.logs.len() > 1;
    let mut all = Vec::new();
    for (number, log) in mapping.logs.iter().enumerate() {
        let table = if several { format!("log[{number}]") } else { "log".to_owned() };
        add_log(&mut all, &table, log);
    }
    add_table(&mut all, "enrolments", mapping.enrolments.as_ref());
    add_table(&mut all, "courses", mapping.courses.as_ref());
    add_table(&mut all, "labels", mapping.labels.as_ref());
    Ok(all)
}

fn add_log(all: &mut Vec<MappedColumn>, table: &str, log: &CheckedLog) {
    const ROLES: [(Role, &str); 8] = [
        (Role::Enrolment, "enrolment"),
        (Role::Learner, "learner"),
        (Role::Course, "course"),
        (Role::Activity, "activity"),
        (Role::Object, "object"),
        (Role::Count, "count"),
        (Role::Correct, "correct"),
        (Role::EventId, "event_id"),
    ];
    let template = &log.template;
    let table = || table.to_owned();
    for (role, name) in ROLES {
        if let Some(part) = &template.parts[role as usize]
            && !part.columns.is_empty()
        {
            let columns = names(template, part);
            all.push(MappedColumn { table: table(), role: name, columns, read_as: None });
        }
    }
    let mut times: Vec<MappedColumn> = Vec::new();
    for (part, event) in template.times.iter().zip(&log.events) {
        let (columns, read_as) = (names(template, part), Some(event.time.format.looks_like()));
        let time = MappedColumn { table: table(), role: "time", columns, read_as };
        if !times.contains(&time) {
            times.push(time);
        }
    }
    all.append(&mut times);
}

fn names(template: &RowTemplate, part: &Part) -> Vec<String> {
    part.columns.iter().map(|&column| template.columns[column].name.clone()).collect()
}

fn add_table<C: NamedColumns>(all: &mut Vec<MappedColumn>, name: &str, table: Option<&CheckedTable<C>>) {
    if let Some(table) = table {
        let columns = table.named.iter().map(|column| column.name.clone()).collect();
        all.push(MappedColumn { table: name.to_owned(), role: "", columns, read_as: None });
    }
}
