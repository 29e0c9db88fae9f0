//! Labels files: an enrolment and whether it is a dropout, with or without a header (KDD Cup 2015's has none).

use crate::cells::is_missing;
use crate::error::ReadError;
use crate::file_head::FileHead;
use crate::id_lookup::EnrolmentLookup;
use crate::not_yet_known::NOT_YET_KNOWN;
use crate::roster::Roster;
use crate::table::{Header, Refusal, Table, first_row};
use crate::tally::{Reason, Tally, shape};

const ID_NAMES: [&str; 4] = ["enrolment_id", "enrollment_id", "enroll_id", "enrolment"];
const LABEL_NAMES: [&str; 4] = ["label", "dropout", "truth", "y"];

/// Reads labels into the roster's enrolments: CSV of enrolment id and label, 1 or true for dropout, 0 or false for
/// not. A missing one says nothing. Columns go by `enrolment_id` and `label` (or KDD's and XuetangX's names for them); without a header the first
/// column is the id and the second the label.
///
/// # Errors
/// When the file can't be read, or has rows of which not one was used.
pub(super) fn apply_labels(file: &FileHead, roster: &mut Roster, tally: &mut Tally) -> Result<(), ReadError> {
    let (table, id, label) = open(file)?;
    let index = EnrolmentLookup::new(roster);
    table.rows(tally, |row| {
        let id = row.id(id, "enrolment id")?.as_bytes();
        let Some(place) = index.get(id) else {
            return Err(match roster.not_yet_known.has(id) {
                true => Refusal::new(Reason::AfterAsOf, NOT_YET_KNOWN),
                false => Refusal::new(Reason::UnknownEnrolment, "a label for an enrolment that no table names"),
            });
        };
        let text = row.given(label).ok_or_else(Refusal::missing_label)?;
        let value = dropout(text).ok_or_else(|| {
            Refusal::new(
                Reason::BadValue,
                format!("label of shape `{}` is not 0, 1, false or true", shape(text.as_bytes())),
            )
        })?;
        match roster.enrolments.dropout(place.as_usize()) {
            Some(before) if before != value => {
                Err(Refusal::new(Reason::Contradiction, "an enrolment labelled both ways; the first label is used"))
            }
            Some(_) => Err(Refusal::new(Reason::Repeated, "the same label again")),
            None => {
                roster.enrolments.set_dropout(place.as_usize(), Some(value));
                Ok(())
            }
        }
    })
}

/// Returns the table, and its columns of ids and labels.
fn open(file: &FileHead) -> Result<(Table, usize, usize), ReadError> {
    let first = first_row(file, file.delimiter());
    let is_name = |cell: &String| ID_NAMES.iter().any(|name| cell.eq_ignore_ascii_case(name));
    let is_label =
        |cell: &String| dropout(cell).is_some() || cell.is_empty() || cell == "?" || is_missing(cell.as_bytes());
    if first.get(1).is_some_and(is_label) && !first.first().is_some_and(is_name) {
        return Ok((Table::open(file, "labels", file.delimiter(), Header::Absent)?, 0, 1));
    }
    let table = Table::open(file, "labels", file.delimiter(), Header::Present)?;
    let (id, label) = (table.require(&ID_NAMES)?, table.require(&LABEL_NAMES)?);
    Ok((table, id, label))
}

fn dropout(text: &str) -> Option<bool> {
    match text {
        "1" | "1.0" | "true" | "True" | "TRUE" => Some(true),
        "0" | "0.0" | "false" | "False" | "FALSE" => Some(false),
        _ => None,
    }
}
