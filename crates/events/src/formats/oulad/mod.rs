//! Open University Learning Analytics Dataset (Kuzilek, Hlosta, Zdrahal: Scientific Data 4, 170171, 2017): seven
//! tables, told apart by their headers.
//!
//! A course is a presentation of a module, `BBB-2013J`; an enrolment is `BBB-2013J/11391`. The source counts days from
//! an unnamed start in the month that the presentation's letter stands for, so courses start nominally on the first of
//! it, and weekdays are not known. A site counts as released when the first of the weeks begins that `vle.csv` plans it
//! for, where it plans any. A row of clicks counts as `sum_click` events on its day; rows are never de-duplicated, as
//! the published totals count them all. A submission is an event too.

mod clicks;
mod registrations;
mod submissions;
mod tables;

use std::sync::Arc;

use self::clicks::Sites;
use super::log_format::{DetectedFile, FileRole, LogFormat, OpenRequest, inputs_with_role, missing_table};
use super::pair_lookup::PairLookup;
use crate::capabilities::Capabilities;
use crate::dated_enrolments::DatedEnrolments;
use crate::error::ReadError;
use crate::event_file::EventFile;
use crate::file_head::FileHead;
use crate::offered::FileReport;
use crate::roster::Roster;
use crate::source::{Granularity, Source, SourceLabels};
use crate::source_inputs::InputFile;
use crate::tally::Tally;

const FORMAT: &str = "oulad";

/// Reads the Open University Learning Analytics Dataset.
pub(super) struct Oulad;

impl LogFormat for Oulad {
    fn name(&self) -> &'static str {
        FORMAT
    }

    fn summary(&self) -> &'static str {
        "Open University Learning Analytics Dataset: its seven tables"
    }

    /// Decides by the header, and by the name where the header tells nothing.
    fn detect(&self, file: &FileHead) -> FileRole {
        const A_TABLE: &str = "is a table of OULAD";
        let has = |name: &str| file.has_column(name);
        if has("id_student") && has("id_site") {
            FileRole::decisive(CLICKS, A_TABLE)
        } else if has("id_site") && has("activity_type") {
            FileRole::fitting(SITES, "has the columns id_site and activity_type")
        } else if has("id_assessment") && has("id_student") {
            FileRole::fitting(SUBMISSIONS, "has the columns id_assessment and id_student")
        } else if has("id_assessment") && has("assessment_type") {
            FileRole::fitting(ASSESSMENTS, "has the columns id_assessment and assessment_type")
        } else if has("id_student") && has("date_registration") {
            FileRole::fitting(REGISTRATIONS, "has the columns id_student and date_registration")
        } else if has("id_student") && (has("final_result") || has("num_of_prev_attempts")) {
            FileRole::decisive(STUDENTS, A_TABLE)
        } else if has("module_presentation_length") {
            FileRole::fitting(COURSES, "has the column module_presentation_length")
        } else {
            // Named like a table but not recognised: its own reader says best what is wrong.
            match file.bare_name().as_str() {
                "courses.csv" => FileRole::named_only(COURSES),
                "studentvle.csv" => FileRole::named_only(CLICKS),
                "vle.csv" => FileRole::named_only(SITES),
                "studentassessment.csv" => FileRole::named_only(SUBMISSIONS),
                "assessments.csv" => FileRole::named_only(ASSESSMENTS),
                "studentregistration.csv" => FileRole::named_only(REGISTRATIONS),
                "studentinfo.csv" => FileRole::named_only(STUDENTS),
                _ => FileRole::none("has neither the columns nor the name of a table of OULAD"),
            }
        }
    }

    fn evidence(&self, files: &[DetectedFile]) -> Option<String> {
        let first = |role: &str| files.iter().find(|file| file.role.name == Some(role));
        first(CLICKS).or_else(|| first(STUDENTS)).map(|file| format!("{} is a table of OULAD", file.head.name()))
    }

    fn needed_roles(&self) -> &'static [&'static str] {
        &[COURSES, STUDENTS, CLICKS]
    }

    fn open(&self, request: &OpenRequest<'_>) -> Result<Source, ReadError> {
        open(&Files::from_request(request)?, request)
    }
}

/// Names the role of `courses.csv`: how long each presentation is.
const COURSES: &str = "courses";
/// Names the role of `studentInfo.csv`: who is enrolled, with demographics and results.
const STUDENTS: &str = "students";
/// Names the role of `studentVle.csv`: clicks.
const CLICKS: &str = "clicks";
/// Names the role of `vle.csv`: the type of each site.
const SITES: &str = "sites";
/// Names the role of `studentRegistration.csv`: days of registration and unregistration.
const REGISTRATIONS: &str = "registrations";
/// Names the role of `assessments.csv`: due dates.
const ASSESSMENTS: &str = "assessments";
/// Names the role of `studentAssessment.csv`: submissions and scores.
const SUBMISSIONS: &str = "submissions";

/// Holds the files of a folder of OULAD, by role.
struct Files {
    courses: Vec<Arc<FileHead>>,
    students: Vec<Arc<FileHead>>,
    clicks: Vec<Arc<FileHead>>,
    sites: Vec<Arc<FileHead>>,
    registrations: Vec<Arc<FileHead>>,
    assessments: Vec<Arc<FileHead>>,
    submissions: Vec<Arc<FileHead>>,
    /// A file of dates that stands in for `courses.csv`.
    calendar: Option<Arc<FileHead>>,
}

impl Files {
    /// Sorts the files by their roles, and fails unless those that must be there are.
    fn from_request(request: &OpenRequest<'_>) -> Result<Self, ReadError> {
        let files = Self {
            courses: request.heads_with(COURSES),
            students: request.heads_with(STUDENTS),
            clicks: request.heads_with(CLICKS),
            sites: request.heads_with(SITES),
            registrations: request.heads_with(REGISTRATIONS),
            assessments: request.heads_with(ASSESSMENTS),
            submissions: request.heads_with(SUBMISSIONS),
            calendar: request.courses_head()?,
        };
        files.require_tables()?;
        Ok(files)
    }

    fn require_tables(&self) -> Result<(), ReadError> {
        let missing = |table, what_to_do: &str| Err(missing_table(FORMAT, table, what_to_do));
        if self.courses.is_empty() && self.calendar.is_none() {
            return missing(
                "courses",
                "it is courses.csv, with the columns code_module,code_presentation,module_presentation_length",
            );
        }
        if self.students.is_empty() {
            return missing(
                "students",
                "it is studentInfo.csv, with the columns code_module,code_presentation,id_student and final_result",
            );
        }
        if self.clicks.is_empty() {
            return missing(
                "clicks",
                "it is studentVle.csv, with the columns code_module,code_presentation,id_student,id_site,date,sum_click",
            );
        }
        if self.assessments.is_empty() && !self.submissions.is_empty() {
            return missing(
                "assessments",
                "it is assessments.csv, and says of which course each of the submissions in studentAssessment.csv is; \
             give both or neither",
            );
        }
        Ok(())
    }

    fn inputs(&self) -> Vec<InputFile> {
        let calendar = match &self.calendar {
            Some(calendar) => std::slice::from_ref(calendar),
            None => &self.courses,
        };
        let roles: [(&'static str, &[Arc<FileHead>]); 7] = [
            (CLICKS, &self.clicks),
            (SUBMISSIONS, &self.submissions),
            (STUDENTS, &self.students),
            ("calendar", calendar),
            (REGISTRATIONS, &self.registrations),
            (SITES, &self.sites),
            (ASSESSMENTS, &self.assessments),
        ];
        roles.into_iter().flat_map(|(role, files)| inputs_with_role(role, files)).collect()
    }
}

/// Reads every table but the clicks. A file of dates stands in for `courses.csv` and gives real dates.
///
/// Without registrations, enrolment and withdrawal days are unknown; without sites, all clicks are of one unknown kind;
/// without assessments and submissions, nothing is known of what was submitted.
fn open(files: &Files, request: &OpenRequest<'_>) -> Result<Source, ReadError> {
    let mut tables = Tally::default();
    let list = tables::read_courses(&files.courses, files.calendar.as_deref(), &mut tables)?;
    let again = request.enrolled_again;
    let registration_days = || registrations::count_days(&files.registrations);
    let mut students = tables::read_students(&files.students, list, &registration_days, again, &mut tables)?;
    registrations::read(&files.registrations, &mut students, again, request.as_of, &mut tables)?;
    let later = Arc::new(students.roster.not_yet_known.clone());
    let mut roster = students.roster;
    let index = Arc::new(PairLookup::new(&roster));
    let mut listed = Vec::new();
    let sites = Arc::new(Sites::read(&files.sites, &index, request.objects, &mut listed, &mut tables)?);
    roster.listed_objects = listed;
    roster.releases = sites.releases(&roster);
    let mut events: Vec<Box<dyn EventFile>> = Vec::new();
    for file in &files.clicks {
        events.push(Box::new(clicks::open(file, &index, &sites, &later)?));
    }
    let knows_submissions = !files.submissions.is_empty();
    if !files.assessments.is_empty() {
        tables::read_assessments(&files.assessments, &index, &mut roster, &mut tables)?;
    }
    if knows_submissions {
        let kind = clicks::SUBMISSION_KIND;
        let assessed = Arc::new(submissions::Assessed::new(&roster, Arc::clone(&index), Arc::clone(&later)));
        for file in &files.submissions {
            let file = submissions::open(file, &assessed, kind)?;
            file.collect(&mut roster.submissions)?;
            events.push(file.into_event_file());
        }
        give_to_later_registrations(&mut roster);
        roster.submissions.sort_by_key(|one| (one.enrolment, one.seconds, one.assessment));
    }
    let capabilities = Capabilities {
        objects: true,
        releases: !roster.releases.is_empty(),
        dates: files.calendar.is_some(),
        learners: true,
        submissions: knows_submissions,
        withdrawals: !files.registrations.is_empty(),
        register: !files.registrations.is_empty(),
        ..Capabilities::default()
    };
    Ok(Source {
        format: FORMAT,
        reason: request.reason.clone(),
        as_of: request.as_of,
        roster,
        tables,
        left_out: students.left_out,
        learners_set_aside: 0,
        only_about_others: 0,
        capabilities,
        granularity: Granularity::Day,
        kinds: Sites::kinds(),
        labels: if students.has_outcomes { SourceLabels::Outcomes } else { SourceLabels::Nothing },
        inputs: files.inputs(),
        notices: Vec::new(),
        files: FileReport::default(),
        events,
        first_lines: Vec::new(),
    })
}

/// Gives the submissions of those who registered again to the registration that they followed.
fn give_to_later_registrations(roster: &mut Roster) {
    let Some(dated) = DatedEnrolments::find(roster) else { return };
    let mut submissions = std::mem::take(&mut roster.submissions);
    for one in &mut submissions {
        let instant = roster.course_of(one.enrolment).start_seconds() + i64::from(one.seconds);
        one.enrolment = dated.at(one.enrolment, instant);
    }
    roster.submissions = submissions;
}
