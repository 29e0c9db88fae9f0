//! The tables of courses, students, registrations and assessments.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::enrolled_again::EnrolledAgain;
use crate::enrolment::{Enrolment, Outcome, OutcomeKind};
use crate::enrolments::Enrolments;
use crate::error::ReadError;
use crate::file_head::FileHead;
use crate::formats::calendar::{CalendarEntry, read_calendar};
use crate::formats::pair_lookup::PairLookup;
use crate::index::{CourseIndex, EnrolmentIndex};
use crate::names::Names;
use crate::places::Places;
use crate::roster::{Assessment, Course, Roster};
use crate::shared_texts::{SharedOutcomes, SharedTexts};
use crate::source::{DatesFrom, LeftOutEnrolments};
use crate::table::{Header, Refusal, Table, TableRow};
use crate::tally::{Reason, Tally, shape};
use crate::time::days_from_civil;

const GREATEST_DAYS: i64 = Course::GREATEST_DAYS as i64;

/// Lists the static columns, taken from `studentInfo.csv` where it has them.
const STATICS: [&str; 8] = [
    "gender",
    "region",
    "highest_education",
    "imd_band",
    "age_band",
    PREVIOUS_ATTEMPTS,
    "studied_credits",
    "disability",
];

pub(super) fn read_courses(
    files: &[Arc<FileHead>],
    calendar: Option<&FileHead>,
    tables: &mut Tally,
) -> Result<Vec<Course>, ReadError> {
    if let Some(calendar) = calendar {
        return Ok(read_calendar(calendar, tables)?.iter().map(CalendarEntry::to_course).collect());
    }
    let mut courses: Vec<Course> = Vec::new();
    for file in files {
        let table = Table::open(file, "courses", file.delimiter(), Header::Present)?;
        let presentation = PresentationColumns::find(&table)?;
        let length = table.require(&["module_presentation_length"])?;
        table.rows(tables, |row| {
            let id = presentation.course_id(row)?;
            let start_day = nominal_start(row.text(presentation.presentation))?;
            let length = row.integer(length, "module_presentation_length")?.unwrap_or(0);
            if !(1..=GREATEST_DAYS).contains(&length) {
                let what = format!("module_presentation_length {length} is not from 1 to {GREATEST_DAYS} days");
                return Err(Refusal::new(Reason::BadValue, what));
            }
            // Day 0 is the first and the source has clicks on day `length`, so both belong to the course.
            let course = Course { id, start_day, days: length as u32 + 1, inferred: false };
            match courses.iter().find(|known| known.id == course.id) {
                None => courses.push(course),
                Some(known) if *known == course => return Err(Refusal::new(Reason::Repeated, "the course again")),
                Some(_) => {
                    let what = "a course again, of another length; the first is used";
                    return Err(Refusal::new(Reason::Contradiction, what));
                }
            }
            Ok(())
        })?;
    }
    Ok(courses)
}

/// Returns first day of the month a presentation starts in. Letters number the months (the paper: B is February, J
/// October).
fn nominal_start(presentation: &str) -> Result<i32, Refusal> {
    let read = || {
        let (year, letter) = presentation.split_at_checked(4)?;
        let year: i32 = Some(year).filter(|year| year.bytes().all(|byte| byte.is_ascii_digit()))?.parse().ok()?;
        let month = match letter.as_bytes() {
            [letter @ b'A'..=b'L'] => u32::from(letter - b'A') + 1,
            _ => return None,
        };
        Some(days_from_civil(year, month, 1))
    };
    read().ok_or_else(|| {
        let what = format!("code_presentation `{presentation}` is not a year and the letter of a month, A to L");
        Refusal::new(Reason::BadValue, what)
    })
}

/// Holds the places of the columns that name a presentation.
pub(super) struct PresentationColumns {
    module: usize,
    presentation: usize,
}

impl PresentationColumns {
    pub(super) fn find(table: &Table) -> Result<Self, ReadError> {
        Ok(Self { module: table.require(&["code_module"])?, presentation: table.require(&["code_presentation"])? })
    }

    fn course_id(&self, row: &TableRow<'_>) -> Result<String, Refusal> {
        let module = row.id(self.module, "code_module")?;
        let presentation = row.id(self.presentation, "code_presentation")?;
        Ok(format!("{module}-{presentation}"))
    }

    /// Returns the id of the enrolment that a row names by presentation and student.
    pub(super) fn enrolment_id(&self, row: &TableRow<'_>, student: usize) -> Result<String, Refusal> {
        Ok(enrolment_id(&self.course_id(row)?, row.id(student, "id_student")?))
    }
}

fn enrolment_id(course_id: &str, student: &str) -> String {
    format!("{course_id}/{student}")
}

pub(super) struct Students {
    pub(super) roster: Roster,
    /// Enrolments left out because no table names their course.
    pub(super) left_out: LeftOutEnrolments,
    /// Whether results are given.
    pub(super) has_outcomes: bool,
    /// What the rows say of those whom several describe, by the id of the enrolment: in the order of the previous attempts
    /// they tell, then in that of the table.
    pub(super) described_again: FxHashMap<String, Vec<Enrolment>>,
}

/// Finds a column among the static ones that tells which of several rows of one student came first.
const PREVIOUS_ATTEMPTS: &str = "num_of_prev_attempts";

/// Counts the days on which each student registered for a presentation, by the id of the enrolment.
pub(super) type RegistrationDays = FxHashMap<String, usize>;

/// Reads who is enrolled. As many rows may describe one enrolment in different words as there are days of registration,
/// which `registration_days` counts and is asked for only where there are such rows. What counts of them, `again` says.
pub(super) fn read_students(
    files: &[Arc<FileHead>],
    courses: Vec<Course>,
    registration_days: &dyn Fn() -> Result<RegistrationDays, ReadError>,
    again: EnrolledAgain,
    tables: &mut Tally,
) -> Result<Students, ReadError> {
    let place: FxHashMap<String, CourseIndex> =
        courses.iter().zip((0..).map(CourseIndex)).map(|(course, place)| (course.id.clone(), place)).collect();
    let mut enrolments = Enrolments::default();
    let mut seen = Places::default();
    let mut outcomes = SharedOutcomes::default();
    let mut words = SharedTexts::default();
    let mut without_course: FxHashMap<String, String> = FxHashMap::default();
    let mut described_again: FxHashMap<String, Vec<Enrolment>> = FxHashMap::default();
    let mut days: Option<Result<RegistrationDays, ReadError>> = None;
    let mut columns: Option<Vec<&'static str>> = None;
    let mut has_outcomes = false;
    for file in files {
        let table = Table::open(file, "students", file.delimiter(), Header::Present)?;
        let presentation = PresentationColumns::find(&table)?;
        let student = table.require(&["id_student"])?;
        let result = table.find(&["final_result"])?;
        has_outcomes |= result.is_some();
        // Parts of the table must agree on what they hold, so the first part decides.
        let columns = match &mut columns {
            Some(columns) => columns,
            none => {
                let mut found = Vec::new();
                for name in STATICS {
                    found.extend(table.find(&[name])?.map(|_| name));
                }
                none.insert(found)
            }
        };
        let statics = columns.iter().map(|name| table.require(&[name])).collect::<Result<Vec<usize>, _>>()?;
        table.rows(tables, |row| {
            let course_id = presentation.course_id(row)?;
            let learner = row.id(student, "id_student")?;
            let id = enrolment_id(&course_id, learner);
            let outcome =
                result.and_then(|column| row.given(column)).map(|word| outcomes.get(word, outcome)).transpose()?;
            let Some(&course) = place.get(&course_id) else {
                let what =
                    format!("a course of shape `{}` that is not in the courses table", shape(course_id.as_bytes()));
                without_course.insert(id, course_id);
                return Err(Refusal::new(Reason::UnknownCourse, what));
            };
            let enrolment = Enrolment {
                names: Names::new(&id, learner),
                course,
                outcome,
                statics: statics.iter().map(|&column| row.given(column).map(|text| words.get(text))).collect(),
                ..Enrolment::default()
            };
            let Some(known) = seen.find(id.as_str(), |place| enrolments.id(place) == id) else {
                enrolments.push(&enrolment);
                seen.add(enrolments.len() - 1, |place| enrolments.id(place));
                return Ok(());
            };
            let known = enrolments.get(known);
            let described = described_again.get(&id).map_or(std::slice::from_ref(&known), Vec::as_slice);
            if described.contains(&enrolment) {
                return Err(Refusal::new(Reason::Repeated, "the student in the course again"));
            }
            let days = days.get_or_insert_with(registration_days).as_ref();
            if days.ok().and_then(|days| days.get(&id)).is_none_or(|&days| days <= described.len()) {
                let what = "the student in the course again, saying something else; the first is used";
                return Err(Refusal::new(Reason::Contradiction, what));
            }
            described_again.entry(id).or_insert_with(|| vec![known]).push(enrolment);
            match again {
                EnrolledAgain::Each => Ok(()),
                EnrolledAgain::First | EnrolledAgain::Last => {
                    let what = format!("of a student who registered again; the {} registration counts", again.name());
                    Err(Refusal::new(Reason::EnrolledAgain, what))
                }
            }
        })?;
    }
    if let Some(Err(error)) = days {
        return Err(error);
    }
    let mut roster = Roster::new(courses, enrolments);
    roster.static_columns = columns.unwrap_or_default().into_iter().map(str::to_owned).collect();
    if roster.enrolments.is_empty() {
        return Err(ReadError::NoRows { path: files[0].path().to_owned(), table: "students".to_owned() });
    }
    let attempts = roster.static_columns.iter().position(|name| name == PREVIOUS_ATTEMPTS);
    for rows in described_again.values_mut() {
        let attempts = |one: &Enrolment| -> Option<u32> { one.statics.get(attempts?)?.as_ref()?.parse().ok() };
        rows.sort_by_key(attempts);
    }
    let left_out = LeftOutEnrolments::in_courses(without_course.values().map(String::as_str), DatesFrom::Tables);
    Ok(Students { roster, left_out, has_outcomes, described_again })
}

fn outcome(text: &str) -> Result<Outcome, Refusal> {
    let kind = match text {
        "Pass" | "Distinction" => OutcomeKind::Completed,
        "Fail" => OutcomeKind::Failed,
        "Withdrawn" => OutcomeKind::Withdrew,
        _ => {
            let what = format!(
                "final_result of shape `{}` is not Pass, Distinction, Fail or Withdrawn",
                shape(text.as_bytes())
            );
            return Err(Refusal::new(Reason::BadValue, what));
        }
    };
    Ok(Outcome { recorded: text.to_owned(), kind })
}

/// Returns place in the roster of the enrolment that a row names by presentation and student.
pub(super) fn enrolment_of(
    row: &TableRow<'_>,
    presentation: &PresentationColumns,
    student: usize,
    index: &PairLookup,
) -> Result<EnrolmentIndex, Refusal> {
    let course_id = presentation.course_id(row)?;
    let learner = row.id(student, "id_student")?;
    let course = index.course(course_id.as_bytes()).ok_or_else(|| {
        Refusal::new(
            Reason::UnknownCourse,
            format!("a course of shape `{}` that is not in the courses table", shape(course_id.as_bytes())),
        )
    })?;
    let enrolment = index.enrolment(course, learner.as_bytes());
    let unknown = || Refusal::new(Reason::UnknownEnrolment, "its student is not in the students table for its course");
    enrolment.ok_or_else(unknown)
}

pub(super) fn read_assessments(
    files: &[Arc<FileHead>],
    index: &PairLookup,
    roster: &mut Roster,
    tables: &mut Tally,
) -> Result<(), ReadError> {
    let mut assessments: FxHashMap<String, Assessment> = FxHashMap::default();
    for file in files {
        let table = Table::open(file, "assessments", file.delimiter(), Header::Present)?;
        let presentation = PresentationColumns::find(&table)?;
        let id = table.require(&["id_assessment"])?;
        let due = table.require(&["date"])?;
        table.rows(tables, |row| {
            let course_id = presentation.course_id(row)?;
            let id = row.id(id, "id_assessment")?;
            let due = row.integer(due, "date")?;
            let too_far = |_| Refusal::new(Reason::BadTime, "a due date out of all bounds");
            let due_day = due.map(i32::try_from).transpose().map_err(too_far)?;
            let course = index.course(course_id.as_bytes()).ok_or_else(|| {
                Refusal::new(
                    Reason::UnknownCourse,
                    format!("a course of shape `{}` that is not in the courses table", shape(course_id.as_bytes())),
                )
            })?;
            let assessment = Assessment { id: id.to_owned(), course, due_day };
            match assessments.get(id) {
                None => assessments.insert(id.to_owned(), assessment),
                Some(known) if *known == assessment => {
                    return Err(Refusal::new(Reason::Repeated, "the assessment again"));
                }
                Some(_) => {
                    let what = format!("assessment {id} again, saying something else; the first is used");
                    return Err(Refusal::new(Reason::Contradiction, what));
                }
            };
            Ok(())
        })?;
    }
    roster.assessments = assessments.into_values().collect();
    roster.assessments.sort_by(|a, b| (a.course, &a.id).cmp(&(b.course, &b.id)));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::format_date;

    #[test]
    fn letters_are_months() {
        let start = |presentation| nominal_start(presentation).map(format_date).map_err(|refusal| refusal.what);
        assert_eq!(start("2013B"), Ok("2013-02-01".to_owned()));
        assert_eq!(start("2014J"), Ok("2014-10-01".to_owned()));
        for bad in ["", "2013", "2013M", "2013JJ", "13J", "J2013", "201éJ", "+013J"] {
            assert!(start(bad).is_err(), "{bad}");
        }
    }
}
