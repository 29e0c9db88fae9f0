//! Open University Learning Analytics Dataset (Kuzilek, Hlosta, Zdrahal: Scientific Data 4, 170171, 2017): seven
//! tables, told apart by their headers.
//!
//! A course is a presentation of a module, `BBB-2013J`; an enrolment is `BBB-2013J/11391`. The source counts days from
//! an unnamed start in the month that the presentation's letter stands for, so courses start nominally on the first of
//! it, and weekdays are not known. A site counts as released when the first of the weeks begins that `vle.csv` plans it
//! for, where it plans any. A row of clicks counts as `sum_click` events on its day; rows are never de-duplicated, as
//! the published totals count them all. A submission is an event too.

mod clicks;
mod submissions;
mod tables;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::fields;
use super::pair_lookup::PairLookup;
use crate::error::ReadError;
use crate::event_file::EventFile;
use crate::input::bare_name;
use crate::source::{Granularity, Source, SourceLabels};
use crate::source_inputs::InputFile;
use crate::tally::Tally;
use crate::{Activity, Capabilities};

/// The 20 activity types that occur in the published `vle.csv`, and what each counts as.
const TYPES: [(&str, Activity); 20] = [
    ("dataplus", Activity::Access),
    ("dualpane", Activity::Access),
    ("externalquiz", Activity::Problem),
    ("folder", Activity::Download),
    ("forumng", Activity::Discussion),
    ("glossary", Activity::Wiki),
    ("homepage", Activity::Navigate),
    ("htmlactivity", Activity::Access),
    ("oucollaborate", Activity::Live),
    ("oucontent", Activity::Access),
    ("ouelluminate", Activity::Live),
    ("ouwiki", Activity::Wiki),
    ("page", Activity::Access),
    ("questionnaire", Activity::Other),
    ("quiz", Activity::Problem),
    ("repeatactivity", Activity::Access),
    ("resource", Activity::Download),
    ("sharedsubpage", Activity::Navigate),
    ("subpage", Activity::Navigate),
    ("url", Activity::Access),
];

/// The files of an OULAD folder, by what they are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Files {
    /// `courses.csv`: how long each presentation is.
    pub courses: Vec<PathBuf>,
    /// `studentInfo.csv`: who is enrolled, with demographics and results.
    pub students: Vec<PathBuf>,
    /// `studentVle.csv`: clicks.
    pub clicks: Vec<PathBuf>,
    /// `vle.csv`: what each site is.
    pub sites: Vec<PathBuf>,
    /// `studentRegistration.csv`: days of registration and unregistration.
    pub registrations: Vec<PathBuf>,
    /// `assessments.csv`: due dates.
    pub assessments: Vec<PathBuf>,
    /// `studentAssessment.csv`: submissions and scores.
    pub submissions: Vec<PathBuf>,
}

impl Files {
    /// Whether these are files of OULAD, and by which of them one can tell.
    #[must_use]
    pub fn evidence(&self) -> Option<&Path> {
        self.clicks.first().or(self.students.first()).map(PathBuf::as_path)
    }
}

/// Sorts `files` into roles by their headers, and by their names those whose header tells nothing.
///
/// # Errors
/// When a file can't be read.
pub fn sort_files(files: &[PathBuf]) -> Result<Files, ReadError> {
    let mut sorted = Files::default();
    for path in files {
        let columns = fields::header(path)?;
        let has = |name: &str| columns.iter().any(|column| column == name);
        let role = if has("id_student") && has("id_site") {
            &mut sorted.clicks
        } else if has("id_site") && has("activity_type") {
            &mut sorted.sites
        } else if has("id_assessment") && has("id_student") {
            &mut sorted.submissions
        } else if has("id_assessment") && has("assessment_type") {
            &mut sorted.assessments
        } else if has("id_student") && has("date_registration") {
            &mut sorted.registrations
        } else if has("id_student") && (has("final_result") || has("num_of_prev_attempts")) {
            &mut sorted.students
        } else if has("module_presentation_length") {
            &mut sorted.courses
        } else {
            // Named like a table but not recognised: its own reader says best what is wrong.
            match bare_name(path).as_str() {
                "studentvle.csv" => &mut sorted.clicks,
                "vle.csv" => &mut sorted.sites,
                "studentassessment.csv" => &mut sorted.submissions,
                "assessments.csv" => &mut sorted.assessments,
                "studentregistration.csv" => &mut sorted.registrations,
                "studentinfo.csv" => &mut sorted.students,
                _ => continue,
            }
        };
        role.push(path.clone());
    }
    Ok(sorted)
}

/// Opens an OULAD log: reads every table but the clicks. `courses` stands in for `courses.csv` and gives real dates.
///
/// The tables of courses, students and clicks must be there. Without registrations, enrolment and withdrawal days are
/// unknown; without sites, all clicks are of one unknown kind; without assessments and submissions, nothing is known
/// of what was handed in.
///
/// # Errors
/// When a table is missing, can't be read, lacks a column, or has no usable row.
pub fn open(files: &Files, courses: Option<&Path>, reason: String) -> Result<Source, ReadError> {
    check_complete(files, courses)?;
    let mut tables = Tally::default();
    let list = tables::read_courses(&files.courses, courses, &mut tables)?;
    let students = tables::read_students(&files.students, list, &mut tables)?;
    let mut roster = students.roster;
    let index = Arc::new(PairLookup::new(&roster));
    tables::read_registrations(&files.registrations, &index, &mut roster, &mut tables)?;
    let sites = Arc::new(clicks::Sites::read(&files.sites, &index, &mut tables)?);
    roster.releases = sites.releases(&roster);
    let mut events: Vec<Box<dyn EventFile>> = Vec::new();
    for path in &files.clicks {
        events.push(Box::new(clicks::open(path, &index, &sites)?));
    }
    let knows_submissions = !files.submissions.is_empty();
    if !files.assessments.is_empty() {
        tables::read_assessments(&files.assessments, &index, &mut roster, &mut tables)?;
    }
    if knows_submissions {
        let kind = sites.submission_kind();
        let assessed = Arc::new(submissions::Assessed::new(&roster, Arc::clone(&index)));
        for path in &files.submissions {
            let file = submissions::open(path, &assessed, kind)?;
            file.collect(&mut roster.submissions)?;
            events.push(file.into_event_file());
        }
        roster.submissions.sort_by_key(|one| (one.enrolment, one.seconds, one.assessment));
    }
    let capabilities = Capabilities {
        objects: true,
        releases: !roster.releases.is_empty(),
        dates: courses.is_some(),
        learners: true,
        submissions: knows_submissions,
        withdrawals: !files.registrations.is_empty(),
        register: !files.registrations.is_empty(),
        ..Capabilities::default()
    };
    Ok(Source {
        format: "oulad",
        reason,
        roster,
        tables,
        enrolments_without_course: students.without_course,
        capabilities,
        granularity: Granularity::Day,
        kinds: sites.kinds(),
        labels: if students.has_outcomes { SourceLabels::Outcomes } else { SourceLabels::Nothing },
        inputs: inputs(files, courses),
        events,
    })
}

fn check_complete(files: &Files, courses: Option<&Path>) -> Result<(), ReadError> {
    let missing = |table, what_to_do: &str| {
        Err(ReadError::MissingTable {
            format: "oulad",
            table,
            where_: "the files given".to_owned(),
            what_to_do: what_to_do.to_owned(),
        })
    };
    if files.courses.is_empty() && courses.is_none() {
        return missing(
            "courses",
            "it is courses.csv, with the columns code_module,code_presentation,module_presentation_length; \
             or give --courses FILE",
        );
    }
    if files.students.is_empty() {
        return missing(
            "students",
            "it is studentInfo.csv, with the columns code_module,code_presentation,id_student and final_result",
        );
    }
    if files.clicks.is_empty() {
        return missing(
            "clicks",
            "it is studentVle.csv, with the columns code_module,code_presentation,id_student,id_site,date,sum_click",
        );
    }
    if files.assessments.is_empty() && !files.submissions.is_empty() {
        return missing(
            "assessments",
            "it is assessments.csv, and says of which course each of the submissions in studentAssessment.csv is; \
             give both or neither",
        );
    }
    Ok(())
}

fn inputs(files: &Files, courses: Option<&Path>) -> Vec<InputFile> {
    let calendar: Vec<PathBuf> = courses.map(Path::to_owned).into_iter().collect();
    let roles: [(&'static str, &[PathBuf]); 7] = [
        ("clicks", &files.clicks),
        ("submissions", &files.submissions),
        ("students", &files.students),
        ("calendar", if calendar.is_empty() { &files.courses } else { &calendar }),
        ("registrations", &files.registrations),
        ("sites", &files.sites),
        ("assessments", &files.assessments),
    ];
    let files_of = |(role, paths): (&'static str, &[PathBuf])| -> Vec<InputFile> {
        paths.iter().map(|path| InputFile { role, path: path.clone() }).collect()
    };
    roles.into_iter().flat_map(files_of).collect()
}
