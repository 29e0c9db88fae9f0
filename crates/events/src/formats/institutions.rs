//! Logs of several institutions as one source.
//!
//! Each institution's log is opened by itself, in whatever format it has. Ids are only unique within an institution, so
//! those of courses, enrolments and learners become `INSTITUTION:ID`; the institution is a static column besides.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::open::{open_in_blocks, replace_labels};
use super::open_options::OpenOptions;
use crate::enrolment::Enrolment;
use crate::error::ReadError;
use crate::event_file::{BlockSink, EventFile, ReadPurpose};
use crate::file_head::FileHeads;
use crate::index::{CourseIndex, EnrolmentIndex};
use crate::kind::EventKind;
use crate::names::Names;
use crate::offered::FileReport;
use crate::parsed_block::ParsedBlock;
use crate::roster::{Assessment, Course, ListedObject, Roster, StrayDays, Submission};
use crate::row_limits::RowLimits;
use crate::source::{Granularity, LeftOutEnrolments, Source, SourceLabels};
use crate::source_inputs::DatabaseTable;
use crate::tally::Tally;
use crate::text::BLOCK_BYTES;

/// Names the static column that says which institution an enrolment is of.
pub const INSTITUTION: &str = "institution";

/// Names the format of several institutions' logs that differ in format.
const SEVERAL: &str = "several";

/// Names an institution and its log: files, or folders that hold a format's files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Institution {
    /// Its name: letters, digits, `.`, `_` and `-`.
    pub name: String,
    /// Its files.
    pub inputs: Vec<PathBuf>,
}

/// Opens the logs of `institutions` as one source. A labels file names enrolments as `INSTITUTION:ID`, a courses file
/// courses as each log does.
///
/// A fact that one of the logs can't tell is unknown for all: a feature with values for some institutions only would tell a
/// model which institution it looks at.
///
/// # Errors
/// When a name is empty, used twice or has other signs, a log can't be opened, or the kinds of event are more than 256.
pub fn open_institutions(institutions: &[Institution], options: &OpenOptions) -> Result<Source, ReadError> {
    let mut ordered: Vec<&Institution> = institutions.iter().collect();
    // In the order of the ids that result, so that the rosters can be put one behind the other.
    ordered.sort_by_key(|institution| format!("{}:", institution.name));
    for (place, institution) in ordered.iter().enumerate() {
        check_name(&institution.name)?;
        if place > 0 && ordered[place - 1].name == institution.name {
            return Err(ReadError::Institutions { what: format!("`{}` is named twice", institution.name) });
        }
    }
    let own = OpenOptions { labels: None, ..options.clone() };
    let mut all = None;
    for institution in ordered {
        let source = open_in_blocks(&institution.inputs, &own, BLOCK_BYTES)?;
        add(all.get_or_insert_with(|| empty_like(&source)), source, &institution.name)?;
    }
    let Some(mut source) = all else {
        return Err(ReadError::Institutions { what: "none is named".to_owned() });
    };
    if let Some(path) = &options.labels {
        replace_labels(&mut source, path, &FileHeads::default())?;
    }
    Ok(source)
}

fn check_name(name: &str) -> Result<(), ReadError> {
    let fine = |sign: char| sign.is_alphanumeric() || matches!(sign, '.' | '_' | '-');
    if name.is_empty() || !name.chars().all(fine) {
        let what = format!("`{name}` can't be a name: use letters, digits, `.`, `_` and `-`");
        return Err(ReadError::Institutions { what });
    }
    Ok(())
}

/// Makes a source that holds nothing yet, with the capabilities of `first`.
fn empty_like(first: &Source) -> Source {
    Source {
        format: first.format,
        reason: String::new(),
        as_of: first.as_of,
        roster: Roster { static_columns: vec![INSTITUTION.to_owned()], ..Roster::default() },
        tables: Tally::default(),
        left_out: LeftOutEnrolments { dates_from: first.left_out.dates_from, ..LeftOutEnrolments::default() },
        learners_set_aside: 0,
        only_about_others: 0,
        capabilities: first.capabilities,
        granularity: first.granularity,
        kinds: Vec::new(),
        labels: first.labels,
        inputs: Vec::new(),
        notices: Vec::new(),
        files: FileReport::default(),
        events: Vec::new(),
        first_lines: Vec::new(),
    }
}

/// Adds the source of the institution `name` to those there are.
fn add(all: &mut Source, other: Source, name: &str) -> Result<(), ReadError> {
    if all.format != other.format {
        all.format = SEVERAL;
    }
    let and = if all.reason.is_empty() { "" } else { "; " };
    all.reason += &format!("{and}{name} is {} ({})", other.format, other.reason);
    let of_institution = |(table, count)| (format!("{name}:{table}"), count);
    let tables = other.tables.tables.into_iter().map(of_institution).collect();
    all.tables.append(Tally { tables, ..other.tables });
    all.left_out.of_no_course += other.left_out.of_no_course;
    all.left_out
        .by_course
        .extend(other.left_out.by_course.into_iter().map(|(id, count)| (format!("{name}:{id}"), count)));
    all.learners_set_aside += other.learners_set_aside;
    all.only_about_others += other.only_about_others;
    all.capabilities = all.capabilities.intersection(other.capabilities);
    if other.granularity == Granularity::Day {
        all.granularity = Granularity::Day;
    }
    if all.labels != other.labels {
        all.labels = SourceLabels::Nothing;
    }
    let kinds = add_kinds(&mut all.kinds, other.kinds)?;
    let first = all.roster.enrolments.len() as u32;
    let first_course = all.roster.courses.len() as u32;
    let count = other.roster.enrolments.len();
    add_roster(&mut all.roster, other.roster, name);
    all.inputs.extend(other.inputs);
    all.notices.extend(other.notices);
    all.files.append(other.files);
    all.first_lines.extend(other.first_lines);
    all.events.extend(other.events.into_iter().map(|file| -> Box<dyn EventFile> {
        Box::new(Part { file, name: name.to_owned(), first, count, first_course, kinds: kinds.clone() })
    }));
    Ok(())
}

/// Adds kinds that are not there yet; the place of each of `more`.
fn add_kinds(kinds: &mut Vec<EventKind>, more: Vec<EventKind>) -> Result<Vec<u8>, ReadError> {
    let mut places = Vec::with_capacity(more.len());
    for kind in more {
        let place = kinds.iter().position(|known| *known == kind).unwrap_or_else(|| {
            kinds.push(kind);
            kinds.len() - 1
        });
        let what = || "their logs have more than 256 kinds of event together; preprocess them one by one".to_owned();
        places.push(u8::try_from(place).map_err(|_| ReadError::Institutions { what: what() })?);
    }
    Ok(places)
}

fn add_roster(all: &mut Roster, other: Roster, name: &str) {
    let (courses, enrolments) = (all.courses.len() as u32, all.enrolments.len() as u32);
    let assessments = all.assessments.len() as u32;
    let named = |id: String| format!("{name}:{id}");
    let prefixed = |id: &str| format!("{name}:{id}");
    let institution: Arc<str> = name.into();
    all.courses.extend(other.courses.into_iter().map(|course| Course { id: named(course.id), ..course }));
    // The columns of all, each source's own ones last; what a source does not have is empty there.
    let places: Vec<usize> = other
        .static_columns
        .into_iter()
        .map(|column| {
            all.static_columns.iter().position(|known| *known == column).unwrap_or_else(|| {
                all.static_columns.push(column);
                all.static_columns.len() - 1
            })
        })
        .collect();
    let width = all.static_columns.len();
    for enrolment in other.enrolments.iter() {
        let mut statics = vec![None; width];
        statics[0] = Some(Arc::clone(&institution));
        for (&place, value) in places.iter().zip(&enrolment.statics) {
            statics[place].clone_from(value);
        }
        all.enrolments.push(&Enrolment {
            names: Names::new(&prefixed(enrolment.id()), &prefixed(enrolment.learner())),
            course: CourseIndex(enrolment.course.0 + courses),
            statics: statics.into(),
            ..enrolment
        });
    }
    all.assessments.extend(other.assessments.into_iter().map(|assessment| Assessment {
        id: named(assessment.id),
        course: CourseIndex(assessment.course.0 + courses),
        ..assessment
    }));
    all.submissions.extend(other.submissions.into_iter().map(|submission| Submission {
        enrolment: EnrolmentIndex(submission.enrolment.0 + enrolments),
        assessment: submission.assessment + assessments,
        ..submission
    }));
    all.listed_objects.extend(
        other
            .listed_objects
            .into_iter()
            .map(|listed| ListedObject { course: CourseIndex(listed.course.0 + courses), ..listed }),
    );
    all.releases.append(CourseIndex(courses), other.releases);
    let stray = other.stray_days.into_iter().map(|stray| StrayDays { course: named(stray.course), ..stray });
    all.stray_days.extend(stray);
    all.not_yet_known.append(&other.not_yet_known, name);
    all.enrolled_again = other.enrolled_again;
}

/// Reads an event file of one institution, whose events are those of the whole.
struct Part {
    file: Box<dyn EventFile>,
    name: String,
    /// Where the institution's enrolments begin among all, and how many they are.
    first: u32,
    count: usize,
    /// Where its courses begin.
    first_course: u32,
    /// The place among all kinds of each of the file's own.
    kinds: Vec<u8>,
}

impl Part {
    fn limits(&self, all: &RowLimits) -> RowLimits {
        all.part(EnrolmentIndex(self.first), self.count, CourseIndex(self.first_course), &self.kinds)
    }

    fn moved(&self, mut parsed: ParsedBlock) -> ParsedBlock {
        for event in parsed.events.iter_mut().chain(&mut parsed.received) {
            *event =
                event.moved(EnrolmentIndex(event.enrolment().0 + self.first), self.kinds[usize::from(event.kind())]);
        }
        parsed.after_calendar.iter_mut().for_each(|(enrolment, _)| enrolment.0 += self.first);
        parsed
    }
}

impl EventFile for Part {
    fn name(&self) -> String {
        format!("{}:{}", self.name, self.file.name())
    }

    fn path(&self) -> Option<&Path> {
        self.file.path()
    }

    fn size_bytes(&self) -> u64 {
        self.file.size_bytes()
    }

    fn database(&self) -> Vec<DatabaseTable> {
        self.file.database()
    }

    fn first_line(&self) -> u64 {
        self.file.first_line()
    }

    fn set_block_bytes(&mut self, bytes: usize) {
        self.file.set_block_bytes(bytes);
    }

    fn read(
        &self,
        purpose: ReadPurpose,
        limits: &RowLimits,
        sink: &BlockSink<'_>,
        progress: &(dyn Fn(u64) + Sync),
    ) -> Result<Option<String>, ReadError> {
        let own = self.limits(limits);
        self.file.read(purpose, &own, &|number, parsed| sink(number, self.moved(parsed)), progress)
    }

    fn is_one_stream(&self) -> bool {
        self.file.is_one_stream()
    }

    fn read_alone(
        &self,
        purpose: ReadPurpose,
        limits: &RowLimits,
        sink: &BlockSink<'_>,
        progress: &(dyn Fn(u64) + Sync),
    ) -> Result<Option<String>, ReadError> {
        let own = self.limits(limits);
        self.file.read_alone(purpose, &own, &|number, parsed| sink(number, self.moved(parsed)), progress)
    }
}
