//! `studentRegistration.csv`: when students registered for a presentation and withdrew from it, some of them several times.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::tables::{PresentationColumns, RegistrationDays, Students, enrolment_of};
use crate::enrolled_again::{EnrolledAgain, again_id};
use crate::error::ReadError;
use crate::file_head::FileHead;
use crate::formats::pair_lookup::PairLookup;
use crate::names::Names;
use crate::roster::{Enrolment, Outcome, OutcomeKind};
use crate::table::{Header, Refusal, Table, TableRow};
use crate::tally::{Reason, Tally};
use crate::time::DAY_SECONDS;

/// Says when a student registered and withdrew, in seconds from the course's start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Registration {
    enrolled: Option<i32>,
    withdrawn: Option<i32>,
}

/// Holds the places of the columns of the table.
struct Columns {
    presentation: PresentationColumns,
    student: usize,
    registered: usize,
    unregistered: usize,
}

impl Columns {
    fn find(table: &Table) -> Result<Self, ReadError> {
        Ok(Self {
            presentation: PresentationColumns::find(table)?,
            student: table.require(&["id_student"])?,
            registered: table.require(&["date_registration"])?,
            unregistered: table.require(&["date_unregistration"])?,
        })
    }

    fn registration(&self, row: &TableRow<'_>) -> Result<Registration, Refusal> {
        let enrolled = seconds_of_day(row, self.registered, "date_registration")?;
        let withdrawn = seconds_of_day(row, self.unregistered, "date_unregistration")?;
        Ok(Registration { enrolled, withdrawn })
    }
}

fn open(file: &FileHead) -> Result<(Table, Columns), ReadError> {
    let table = Table::open(file, "registrations", file.delimiter(), Header::Present)?;
    let columns = Columns::find(&table)?;
    Ok((table, columns))
}

/// Counts the days on which each student registered for a presentation, by the id of the enrolment.
pub(super) fn count_days(files: &[Arc<FileHead>]) -> Result<RegistrationDays, ReadError> {
    let mut days: FxHashMap<String, Vec<i32>> = FxHashMap::default();
    for file in files {
        let (table, columns) = open(file)?;
        // The rows are counted when they are read for good.
        table.rows(&mut Tally::default(), |row| {
            let id = columns.presentation.enrolment_id(row, columns.student);
            let registered = columns.registration(row).ok().and_then(|registration| registration.enrolled);
            if let (Ok(id), Some(day)) = (id, registered) {
                let days = days.entry(id).or_default();
                if !days.contains(&day) {
                    days.push(day);
                }
            }
            Ok(())
        })?;
    }
    Ok(days.into_iter().map(|(id, days)| (id, days.len())).collect())
}

/// Adds days of registration and withdrawal to the students. What counts of those who registered again, `again` says.
pub(super) fn read(
    files: &[Arc<FileHead>],
    students: &mut Students,
    again: EnrolledAgain,
    tables: &mut Tally,
) -> Result<(), ReadError> {
    let index = PairLookup::new(&students.roster);
    let mut found: Vec<Vec<Registration>> = vec![Vec::new(); students.roster.enrolments.len()];
    for file in files {
        let (table, columns) = open(file)?;
        table.rows(tables, |row| {
            let place = enrolment_of(row, &columns.presentation, columns.student, &index)?;
            let one = columns.registration(row)?;
            let known = &mut found[place.as_usize()];
            if known.contains(&one) {
                return Err(Refusal::new(Reason::Repeated, "the registration again"));
            }
            let on_another_day = one.enrolled.is_some()
                && known.iter().all(|known| known.enrolled.is_some() && known.enrolled != one.enrolled);
            if !on_another_day && !known.is_empty() {
                let what = "a registration again, on the same day or on none, with another day of withdrawal; the first is used";
                return Err(Refusal::new(Reason::Contradiction, what));
            }
            let is_first = known.is_empty();
            known.push(one);
            match is_first || again == EnrolledAgain::Each {
                true => Ok(()),
                false => {
                    let what = format!("registered again; the {} counts", again.name());
                    Err(Refusal::new(Reason::EnrolledAgain, what))
                }
            }
        })?;
    }
    let described = std::mem::take(&mut students.described_again);
    let mut more = Vec::new();
    for (enrolment, mut registrations) in students.roster.enrolments.iter_mut().zip(found) {
        registrations.sort_by_key(|one| one.enrolled);
        let rows = described.get(enrolment.id()).map_or(&[][..], Vec::as_slice);
        let mut all = enrolments(enrolment, &registrations, rows);
        let Some(last) = all.pop() else { continue };
        match again {
            EnrolledAgain::Last => *enrolment = Enrolment { names: Names::new(enrolment.id(), last.learner()), ..last },
            EnrolledAgain::First => *enrolment = all.into_iter().next().unwrap_or(last),
            EnrolledAgain::Each => {
                all.push(last);
                let mut all = all.into_iter();
                *enrolment = all.next().unwrap_or_default();
                more.extend(all);
            }
        }
    }
    let roster = &mut students.roster;
    roster.enrolled_again = if files.is_empty() { EnrolledAgain::First } else { again };
    if !more.is_empty() {
        roster.enrolments.append(&mut more);
        roster.sort_enrolments();
    }
    Ok(())
}

/// Returns an enrolment for each of the registrations of one student for a presentation, which are in order. `rows` are
/// what the table of students says of them, in order, where it says several things. Where it says less, who withdrew from
/// all but the last registration is known by the day alone.
fn enrolments(base: &Enrolment, registrations: &[Registration], rows: &[Enrolment]) -> Vec<Enrolment> {
    let last = registrations.len().saturating_sub(1);
    let one = |(place, registration): (usize, &Registration)| {
        let has_own_row = rows.len() == registrations.len();
        let row = if has_own_row { &rows[place] } else { rows.last().unwrap_or(base) };
        let withdrew = || Arc::new(Outcome { recorded: "Withdrawn".to_owned(), kind: OutcomeKind::Withdrew });
        let outcome = match registration.withdrawn {
            Some(_) if place < last && !has_own_row => row.outcome.as_ref().map(|_| withdrew()),
            _ => row.outcome.clone(),
        };
        let id = match registration.enrolled {
            Some(seconds) if place > 0 => again_id(base.id(), &format!("day{}", i64::from(seconds) / DAY_SECONDS)),
            _ => base.id().to_owned(),
        };
        let (enrolled_seconds, withdrawn_seconds) = (registration.enrolled, registration.withdrawn);
        let names = Names::new(&id, row.learner());
        Enrolment { names, enrolled_seconds, withdrawn_seconds, outcome, ..row.clone() }
    };
    registrations.iter().enumerate().map(one).collect()
}

fn seconds_of_day(row: &TableRow<'_>, column: usize, name: &str) -> Result<Option<i32>, Refusal> {
    let Some(day) = row.integer(column, name)? else { return Ok(None) };
    let seconds = day.checked_mul(DAY_SECONDS).and_then(|seconds| i32::try_from(seconds).ok());
    let far = || Refusal::new(Reason::FarFromCourse, format!("{name} {day} is over 68 years from the course's start"));
    seconds.map(Some).ok_or_else(far)
}
