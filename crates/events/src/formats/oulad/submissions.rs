//! `studentAssessment.csv`: what was submitted, both as facts of the roster and as events.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::cells::{is_missing, whole_id, whole_number};
use crate::error::ReadError;
use crate::event::ObjectKey;
use crate::event_file::EventFile;
use crate::file_head::{FileHead, Position};
use crate::formats::fields::{LogHeader, MOST_COLUMNS, each_line, read_log_header, split};
use crate::formats::pair_lookup::PairLookup;
use crate::index::CourseIndex;
use crate::input;
use crate::intake::{EventRow, Intake};
use crate::not_yet_known::{NOT_YET_KNOWN, NotYetKnown};
use crate::roster::{Assessment, Roster, Submission};
use crate::table::Refusal;
use crate::tally::{Reason, shape};
use crate::text::{LineParser, TextFile};
use crate::text_lines::lines;
use crate::time::DAY_SECONDS;

const COLUMNS: [&str; 5] = ["id_assessment", "id_student", "date_submitted", "is_banked", "score"];

/// Finds the assessments and students that a submission may name.
#[derive(Debug)]
pub(super) struct Assessed {
    index: Arc<PairLookup>,
    later: Arc<NotYetKnown>,
    course_ids: Vec<String>,
    /// Place in the roster, course and key of each assessment.
    assessments: FxHashMap<Box<[u8]>, (u32, CourseIndex, Option<ObjectKey>)>,
}

impl Assessed {
    pub(super) fn new(roster: &Roster, index: Arc<PairLookup>, later: Arc<NotYetKnown>) -> Self {
        let entry = |(one, place): (&Assessment, u32)| {
            let id = one.id.as_bytes();
            (id.into(), (place, one.course, ObjectKey::from_id(id)))
        };
        let course_ids = roster.courses.iter().map(|course| course.id.clone()).collect();
        Self { index, later, course_ids, assessments: roster.assessments.iter().zip(0..).map(entry).collect() }
    }
}

/// Reads a part of the table.
pub(super) struct SubmissionFile {
    head: Arc<FileHead>,
    rows: Position,
    parser: SubmissionParser,
}

pub(super) fn open(head: &Arc<FileHead>, assessed: &Arc<Assessed>, kind: u8) -> Result<SubmissionFile, ReadError> {
    let LogHeader { table, rows, width, delimiter } = read_log_header(head, "submissions")?;
    let mut places = [0; COLUMNS.len()];
    for (place, name) in places.iter_mut().zip(COLUMNS) {
        *place = table.require(&[name])?;
    }
    let [assessment, student, date, banked, score] = places;
    let parser = SubmissionParser {
        assessed: Arc::clone(assessed),
        kind,
        width,
        delimiter,
        assessment,
        student,
        date,
        banked,
        score,
    };
    Ok(SubmissionFile { head: Arc::clone(head), rows, parser })
}

impl SubmissionFile {
    /// Reads the whole table into `submissions`; rows that can't be used are counted later, with the events.
    pub(super) fn collect(&self, submissions: &mut Vec<Submission>) -> Result<(), ReadError> {
        let text = input::read_all(self.head.file(), self.head.packing())?;
        for line in lines(&text[self.rows.bytes as usize..]) {
            if let Ok((submission, _)) = self.parser.parse_line(line) {
                submissions.push(submission);
            }
        }
        Ok(())
    }

    pub(super) fn into_event_file(self) -> Box<dyn EventFile> {
        Box::new(TextFile::new(&self.head, self.rows, self.parser))
    }
}

struct SubmissionParser {
    assessed: Arc<Assessed>,
    kind: u8,
    width: usize,
    delimiter: u8,
    assessment: usize,
    student: usize,
    date: usize,
    banked: usize,
    score: usize,
}

impl LineParser for SubmissionParser {
    fn parse(&self, block: &[u8], intake: &mut Intake<'_>) {
        each_line(block, intake, |line, number, intake| match self.parse_line(line) {
            Ok((submission, _)) if submission.banked => {
                let what = || "a result carried over from an earlier run".to_owned();
                intake.refuse(Reason::Banked, number, what);
            }
            Ok((Submission { enrolment, seconds, .. }, object)) => {
                let instant = intake.course_start(enrolment) + i64::from(seconds);
                intake.take_row(EventRow { line: number, enrolment, instant, kind: self.kind, object, count: 1 });
            }
            Err(refusal) => intake.refuse(refusal.reason, number, || refusal.what),
        });
    }
}

impl SubmissionParser {
    fn parse_line(&self, line: &[u8]) -> Result<(Submission, Option<ObjectKey>), Refusal> {
        let mut fields = [&b""[..]; MOST_COLUMNS];
        let count = split(line, self.delimiter, &mut fields);
        if count != self.width {
            let what = format!("{count} fields where the header has {}", self.width);
            return Err(Refusal::new(Reason::Malformed, what));
        }
        let text = |place: usize| String::from_utf8_lossy(fields[place]);
        let [id, student] = [self.assessment, self.student].map(|place| whole_id(fields[place]));
        if [id, student].iter().any(|id| id.is_empty() || is_missing(id)) {
            return Err(Refusal::new(Reason::MissingId, "no id_assessment or id_student"));
        }
        let Some(&(assessment, course, object)) = self.assessed.assessments.get(id) else {
            let what = format!("assessment {} is not in the assessments table", text(self.assessment));
            return Err(Refusal::new(Reason::UnknownObject, what));
        };
        let Some(enrolment) = self.assessed.index.enrolment(course, student) else {
            if self.assessed.later.has_pair(self.assessed.course_ids[course.as_usize()].as_bytes(), student) {
                return Err(Refusal::new(Reason::AfterAsOf, NOT_YET_KNOWN));
            }
            let what = "its student is not in the students table for the assessment's course";
            return Err(Refusal::new(Reason::UnknownEnrolment, what));
        };
        let bad_day = || {
            let what = match fields[self.date] {
                b"" => "no date_submitted".to_owned(),
                date => format!("date_submitted of shape `{}` is not a day's number", shape(date)),
            };
            Refusal::new(Reason::BadTime, what)
        };
        let day = whole_number(fields[self.date]).ok_or_else(bad_day)?;
        let seconds = day.checked_mul(DAY_SECONDS).and_then(|seconds| i32::try_from(seconds).ok());
        let far =
            || Refusal::new(Reason::ImplausibleTime, format!("day {day} is over 68 years from the course's start"));
        let seconds = seconds.ok_or_else(far)?;
        let banked = match whole_id(fields[self.banked]) {
            b"0" | b"False" | b"false" | b"FALSE" => false,
            b"1" | b"True" | b"true" | b"TRUE" => true,
            _ => {
                let what = format!("is_banked of shape `{}` is not 0, 1, False or True", shape(fields[self.banked]));
                return Err(Refusal::new(Reason::BadValue, what));
            }
        };
        let score = match fields[self.score] {
            b"" | b"?" => None,
            word if is_missing(word) => None,
            _ => Some(score(&text(self.score))?),
        };
        Ok((Submission { enrolment, assessment, seconds, score, banked }, object))
    }
}

fn score(text: &str) -> Result<f32, Refusal> {
    let value = text.parse::<f32>().ok().filter(|value| (0.0..=100.0).contains(value));
    value.ok_or_else(|| {
        Refusal::new(
            Reason::BadValue,
            format!("score of shape `{}` is not a number from 0 to 100", shape(text.as_bytes())),
        )
    })
}
