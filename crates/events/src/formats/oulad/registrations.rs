//! `studentRegistration.csv`: when students registered for a presentation and withdrew from it, some of them several times.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::tables::{PresentationColumns, RegistrationDays, Students, enrolment_of};
use crate::enrolled_again::{EnrolledAgain, again_id};
use crate::enrolment::{Enrolment, Outcome, OutcomeKind};
use crate::error::ReadError;
use crate::file_head::FileHead;
use crate::formats::pair_lookup::PairLookup;
use crate::index::EnrolmentIndex;
use crate::names::Names;
use crate::roster::Roster;
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
    as_of: Option<i64>,
    tables: &mut Tally,
) -> Result<(), ReadError> {
    let index = PairLookup::new(&students.roster);
    let mut found = Registrations::of(students.roster.enrolments.len());
    let mut later: Vec<EnrolmentIndex> = Vec::new();
    for file in files {
        let (table, columns) = open(file)?;
        table.rows(tables, |row| {
            let place = enrolment_of(row, &columns.presentation, columns.student, &index)?;
            let one = columns.registration(row)?;
            let start = students.roster.course_of(place).start_seconds();
            let is_later = |as_of: i64| one.enrolled.is_some_and(|seconds| start + i64::from(seconds) > as_of);
            if as_of.is_some_and(is_later) {
                later.push(place);
                return Err(Refusal::new(Reason::AfterAsOf, "a registration after the instant of the log"));
            }
            let is_first = found.firsts[place.as_usize()].is_none();
            if found.at(place.as_usize()).any(|known| *known == one) {
                return Err(Refusal::new(Reason::Repeated, "the registration again"));
            }
            let is_of_another_day = |known: &Registration| known.enrolled.is_some() && known.enrolled != one.enrolled;
            let on_another_day = one.enrolled.is_some() && found.at(place.as_usize()).all(is_of_another_day);
            if !on_another_day && !is_first {
                let what = "a registration again, on the same day or on none, with another day of withdrawal; the first is used";
                return Err(Refusal::new(Reason::Contradiction, what));
            }
            found.add(place.as_usize(), one);
            match is_first || again == EnrolledAgain::Each {
                true => Ok(()),
                false => {
                    let what = format!("registered again; the {} counts", again.name());
                    Err(Refusal::new(Reason::EnrolledAgain, what))
                }
            }
        })?;
    }
    later.retain(|place| found.firsts[place.as_usize()].is_none());
    let described = std::mem::take(&mut students.described_again);
    drop(index);
    let roster = &mut students.roster;
    let known = roster.enrolments.len();
    for place in 0..known {
        let mut registrations: Vec<Registration> = found.at(place).copied().collect();
        registrations.sort_by_key(|one| one.enrolled);
        let base = roster.enrolments.get(place);
        let rows = described.get(base.id()).map_or(&[][..], Vec::as_slice);
        let mut all = enrolments(&base, &registrations, rows);
        let Some(last) = all.pop() else { continue };
        let counts = match again {
            EnrolledAgain::Last => Enrolment { names: Names::new(base.id(), last.learner()), ..last },
            EnrolledAgain::First => all.into_iter().next().unwrap_or(last),
            EnrolledAgain::Each => {
                all.push(last);
                let mut all = all.into_iter();
                let first = all.next().unwrap_or_default();
                all.for_each(|more| roster.enrolments.push(&more));
                first
            }
        };
        roster.enrolments.set(place, &counts);
    }
    roster.enrolled_again = if files.is_empty() { EnrolledAgain::First } else { again };
    let has_more = roster.enrolments.len() > known;
    let Roster { enrolments, courses, not_yet_known, .. } = roster;
    for place in &later {
        let place = place.as_usize();
        let course = &courses[enrolments.course(place).as_usize()].id;
        not_yet_known.add(enrolments.id(place), (course, enrolments.learner(place)));
    }
    if !later.is_empty() {
        enrolments.retain(|all, place| !not_yet_known.has(all.id(place).as_bytes()));
    }
    if has_more {
        roster.sort_enrolments();
    }
    Ok(())
}

/// Holds the registrations of each student for a presentation: as a rule there is one.
struct Registrations {
    firsts: Vec<Option<Registration>>,
    /// By the place of the enrolment.
    others: FxHashMap<usize, Vec<Registration>>,
}

impl Registrations {
    fn of(enrolments: usize) -> Self {
        Self { firsts: vec![None; enrolments], others: FxHashMap::default() }
    }

    fn at(&self, place: usize) -> impl Iterator<Item = &Registration> {
        self.firsts[place].iter().chain(self.others.get(&place).into_iter().flatten())
    }

    fn add(&mut self, place: usize, one: Registration) {
        match &mut self.firsts[place] {
            none @ None => *none = Some(one),
            Some(_) => self.others.entry(place).or_default().push(one),
        }
    }
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
    let far = || Refusal::new(Reason::BadTime, format!("{name} {day} is over 68 years from the course's start"));
    seconds.map(Some).ok_or_else(far)
}
