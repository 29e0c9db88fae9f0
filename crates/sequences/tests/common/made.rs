//! A source made on the spot, of any kinds of event, with every capability: for features that no single format fills.

use staycast_events::time::parse_instant;
use staycast_events::{
    Assessment, BlockSink, Capabilities, Course, CourseIndex, Enrolment, EnrolmentIndex, EventFile, EventKind,
    EventRow, Granularity, Intake, LeftOutEnrolments, ObjectKey, ReadError, ReadPurpose, Roster, RowLimits, Source,
    SourceLabels, Submission, Tally,
};
use staycast_sequences::{BuildMode, BuildOptions, Dataset, Selection, SequenceFolder, Unwatched, build};

/// An event: enrolment, instant, kind, object, how many.
pub(crate) type Made = (String, String, String, String, u64);

/// Parts of a source.
#[derive(Default)]
pub(crate) struct Parts {
    /// Id, first day, days.
    pub(crate) courses: Vec<(String, String, u32)>,
    /// The courses' ends are those of the log.
    pub(crate) inferred: bool,
    /// Course, and the rest; ids are unique.
    pub(crate) enrolments: Vec<(String, Enrolment)>,
    /// Enrolments without a date are in a register.
    pub(crate) register: bool,
    pub(crate) kinds: Vec<EventKind>,
    pub(crate) events: Vec<Made>,
    /// Course, object, instant.
    pub(crate) releases: Vec<(String, String, String)>,
    /// Course, id, day it is due.
    pub(crate) assessments: Vec<(String, String, i32)>,
    /// Enrolment, assessment, day, score.
    pub(crate) submissions: Vec<(String, String, i32, f32)>,
}

/// Seconds since 1970-01-01T00:00:00.
pub(crate) fn instant(text: &str) -> i64 {
    parse_instant(text.as_bytes()).unwrap_or_else(|| panic!("{text} is no instant"))
}

impl Parts {
    /// Makes the source. It has every capability, except those that no kind of event serves.
    pub(crate) fn source(&self) -> Source {
        let courses: Vec<Course> = self
            .courses
            .iter()
            .map(|(id, start, days)| Course {
                id: id.clone(),
                start_day: instant(start).div_euclid(86_400) as i32,
                days: *days,
                inferred: self.inferred,
            })
            .collect();
        let place = |id: &str| CourseIndex(courses.iter().position(|course| course.id == id).unwrap() as u32);
        let enrolments =
            self.enrolments.iter().map(|(course, one)| Enrolment { course: place(course), ..one.clone() }).collect();
        let mut roster = Roster::new(courses, enrolments);
        let course = |id: &str| CourseIndex(roster.courses.iter().position(|course| course.id == id).unwrap() as u32);
        let enrolment =
            |id: &str| EnrolmentIndex(roster.enrolments.iter().position(|one| one.id() == id).unwrap() as u32);
        let releases = self
            .releases
            .iter()
            .map(|(id, object, at)| ((course(id), ObjectKey::from_id(object.as_bytes()).unwrap()), instant(at)))
            .collect();
        let mut assessments: Vec<Assessment> = self
            .assessments
            .iter()
            .map(|(id, assessment, due)| Assessment { id: assessment.clone(), course: course(id), due_day: Some(*due) })
            .collect();
        assessments.sort_by(|a, b| (a.course, &a.id).cmp(&(b.course, &b.id)));
        let mut submissions: Vec<Submission> = self
            .submissions
            .iter()
            .map(|(id, assessment, day, score)| Submission {
                enrolment: enrolment(id),
                assessment: assessments.iter().position(|one| one.id == *assessment).unwrap() as u32,
                seconds: day * 86_400,
                score: Some(*score),
                banked: false,
            })
            .collect();
        submissions.sort_by_key(|one| (one.enrolment, one.seconds, one.assessment));
        let kind = |raw: &str| self.kinds.iter().position(|kind| kind.raw == raw).unwrap_or_else(|| panic!("{raw}"));
        let rows = self
            .events
            .iter()
            .zip(0..)
            .map(|((id, at, raw, object, count), line)| EventRow {
                line,
                enrolment: enrolment(id),
                instant: instant(at),
                kind: kind(raw) as u8,
                object: ObjectKey::from_id(object.as_bytes()),
                count: *count,
            })
            .collect();
        (roster.releases, roster.assessments, roster.submissions) = (releases, assessments, submissions);
        let capabilities = Capabilities {
            time_of_day: true,
            objects: true,
            releases: true,
            dates: true,
            learners: true,
            submissions: true,
            withdrawals: true,
            register: self.register,
            ..Capabilities::default()
        };
        Source {
            notices: Vec::new(),
            format: "made",
            reason: "a test".to_owned(),
            as_of: None,
            roster,
            tables: Tally::default(),
            left_out: LeftOutEnrolments::default(),
            learners_set_aside: 0,
            only_about_others: 0,
            capabilities: capabilities.with_kinds(&self.kinds),
            granularity: Granularity::Second,
            kinds: self.kinds.clone(),
            labels: SourceLabels::Nothing,
            inputs: Vec::new(),
            files: staycast_events::FileReport::default(),
            events: vec![Box::new(MadeFile(rows))],
            first_lines: Vec::new(),
        }
    }

    /// Its sequences.
    pub(crate) fn sequences(&self, options: &BuildOptions) -> Dataset {
        self.sequences_as_of(None, options)
    }

    /// Its sequences, where it is said to be taken at `as_of`.
    pub(crate) fn sequences_as_of(&self, as_of: Option<i64>, options: &BuildOptions) -> Dataset {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("sequences");
        build(&Source { as_of, ..self.source() }, options, &out, BuildMode::Refuse, &Unwatched)
            .unwrap_or_else(|error| panic!("{error}"));
        SequenceFolder::open(&out).unwrap().load(&Selection::default()).unwrap()
    }
}

/// Rows that lie in no file.
struct MadeFile(Vec<EventRow>);

impl EventFile for MadeFile {
    fn name(&self) -> String {
        "made".to_owned()
    }

    fn size_bytes(&self) -> u64 {
        self.0.len() as u64
    }

    fn first_line(&self) -> u64 {
        1
    }

    fn set_block_bytes(&mut self, _: usize) {}

    fn read(
        &self,
        purpose: ReadPurpose,
        frame: &RowLimits,
        sink: &BlockSink<'_>,
        _: &(dyn Fn(u64) + Sync),
    ) -> Result<Option<String>, ReadError> {
        let mut intake = Intake::new(purpose, frame, 0);
        for row in &self.0 {
            intake.take_row(*row);
        }
        intake.parsed.tally.lines = self.0.len() as u64;
        sink(0, intake.parsed).map(|()| None)
    }
}
