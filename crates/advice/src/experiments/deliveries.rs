//! Deliveries: who was really reached, in whatever arm.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::path::Path;

use serde::Serialize;
use staycast_events::time::parse_instant;

use super::assignment::Assignment;
use super::error::ExperimentError;

/// Holds one delivery.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Delivery {
    /// The course.
    pub course_id: String,
    /// The enrolment that was reached.
    pub enrolment_id: String,
    /// When, in seconds since 1970.
    pub delivered_at: i64,
    /// What: the word of who recorded it.
    pub what: String,
}

/// Counts what became of the rows of a file of deliveries.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct DeliveryCounts {
    /// Rows of the file.
    pub rows: u64,
    /// Deliveries that are recorded now.
    pub recorded: u64,
    /// Rows whose delivery was recorded before, in this file or an earlier one.
    pub already_recorded: u64,
    /// Rows of enrolments that are not in the experiment: set aside.
    pub not_assigned: u64,
    /// Rows that can't be used, by reason.
    pub rejected: BTreeMap<&'static str, u64>,
    /// Number of the first rejected row, from 1.
    pub first_rejected: Option<u64>,
}

impl DeliveryCounts {
    /// Counts the rejected rows.
    #[must_use]
    pub fn rejected_rows(&self) -> u64 {
        self.rejected.values().sum()
    }
}

/// Bounds the letters of what was delivered.
const LONGEST_WHAT: usize = 200;

/// Reads a CSV file with the columns `enrolment_id`, `when` and `what`, and perhaps `course_id`. Returns all deliveries, in order.
pub(super) fn record(
    path: &Path,
    assignments: &[Assignment],
    before: Vec<Delivery>,
) -> Result<(Vec<Delivery>, DeliveryCounts), ExperimentError> {
    let file = File::open(path).map_err(|source| ExperimentError::Read { path: path.to_owned(), source })?;
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(file);
    let header = reader.headers().map_err(|_| ExperimentError::file(path, "its first line is no CSV"))?.clone();
    let cells = header.len();
    let find = |name: &str| header.iter().position(|column| column.trim_start_matches('\u{feff}') == name);
    let due = |name: &str| {
        let missing = || {
            let what =
                format!("has no column `{name}`; deliveries have enrolment_id, when and what, and may have course_id");
            ExperimentError::file(path, what)
        };
        find(name).ok_or_else(missing)
    };
    let (enrolment, when, what, course) = (due("enrolment_id")?, due("when")?, due("what")?, find("course_id"));
    let mut by_enrolment: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for row in assignments {
        by_enrolment.entry(&row.enrolment_id).or_default().push(&row.course_id);
    }
    let mut deliveries: BTreeSet<Delivery> = before.into_iter().collect();
    let mut counts = DeliveryCounts::default();
    for record in reader.records() {
        counts.rows += 1;
        let row = counts.rows;
        let mut reject = |reason: &'static str| {
            *counts.rejected.entry(reason).or_default() += 1;
            counts.first_rejected.get_or_insert(row);
        };
        let Ok(record) = record else {
            reject("bad_row");
            continue;
        };
        if record.len() != cells {
            reject("bad_row");
            continue;
        }
        let (id, text) = (&record[enrolment], record[what].trim());
        if text.is_empty() || text.chars().count() > LONGEST_WHAT {
            reject("bad_what");
            continue;
        }
        let Some(delivered_at) = parse_instant(record[when].trim().as_bytes()) else {
            reject("bad_time");
            continue;
        };
        let courses = by_enrolment.get(id).map_or(&[][..], Vec::as_slice);
        let course = match course.map(|column| &record[column]).filter(|course| !course.is_empty()) {
            Some(given) => courses.iter().find(|course| **course == given).copied(),
            None if courses.len() > 1 => {
                reject("ambiguous_enrolment");
                continue;
            }
            None => courses.first().copied(),
        };
        let Some(course) = course else {
            counts.not_assigned += 1;
            continue;
        };
        let delivery =
            Delivery { course_id: course.to_owned(), enrolment_id: id.to_owned(), delivered_at, what: text.to_owned() };
        if deliveries.insert(delivery) {
            counts.recorded += 1;
        } else {
            counts.already_recorded += 1;
        }
    }
    Ok((deliveries.into_iter().collect(), counts))
}
