//! A log that has been opened: its roster read, its event files not yet.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::capabilities::Capabilities;
use crate::event_file::EventFile;
use crate::first_lines::FirstLines;
use crate::kind::EventKind;
use crate::notice::Notice;
use crate::offered::FileReport;
use crate::roster::Roster;
use crate::source_inputs::InputFile;
use crate::tally::{Reason, Tally, shape};

/// Says which labels a source has of its own, for when no rule is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SourceLabels {
    /// Nothing: labels come from activity.
    Nothing,
    /// The enrolments' `dropout`.
    Labels,
    /// The enrolments' `outcome`.
    Outcomes,
}

/// Says where a source's dates of courses come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DatesFrom {
    /// Tables, or a file of dates.
    #[default]
    Tables,
    /// The days with events, where no table has dates.
    Events,
    /// The day on which each learner enrolled.
    Enrolments,
}

/// Counts the enrolments that are left out because nothing says when their course runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LeftOutEnrolments {
    /// Those of courses without dates, by course.
    pub by_course: BTreeMap<String, u64>,
    /// Those that name no course.
    pub of_no_course: u64,
    /// Where dates were looked for.
    pub dates_from: DatesFrom,
}

impl LeftOutEnrolments {
    /// Makes the counts of enrolments in these courses, by course. Dates were looked for in `dates_from`.
    pub(crate) fn in_courses<'c>(courses: impl Iterator<Item = &'c str>, dates_from: DatesFrom) -> Self {
        let mut left_out = Self { dates_from, ..Self::default() };
        courses.for_each(|course| left_out.add(course));
        left_out
    }

    /// Adds an enrolment in `course`, which no table of courses has. What looks like an address of mail is none, and counts
    /// by its shape.
    pub(crate) fn add(&mut self, course: &str) {
        let course = if course.contains('@') { Cow::Owned(shape(course.as_bytes())) } else { Cow::Borrowed(course) };
        match self.by_course.get_mut(&*course) {
            Some(count) => *count += 1,
            None => drop(self.by_course.insert(course.into_owned(), 1)),
        }
    }

    /// Returns the number of all.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.by_course.values().sum::<u64>() + self.of_no_course
    }
}

/// Says how finely a source tells time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Granularity {
    /// To the second.
    Second,
    /// To the day; an event stands at its day's first instant.
    Day,
}

/// Holds a log of one format, opened.
pub struct Source {
    /// Name of the format.
    pub format: &'static str,
    /// Why it was taken for that format.
    pub reason: String,
    /// The instant at which the log is said to be taken, in seconds since 1970-01-01T00:00:00: nothing after it counts.
    pub as_of: Option<i64>,
    /// Courses and enrolments.
    pub roster: Roster,
    /// Counts of the rows of the small tables.
    pub tables: Tally,
    /// Enrolments that are left out because nothing says when their course runs.
    pub left_out: LeftOutEnrolments,
    /// Learners in courses, of logs without a table of enrolments, all of whose events are set aside: a row that does not
    /// count makes nobody a learner.
    pub learners_set_aside: u64,
    /// People in courses, of such logs, who are no learners: they only did something about others, as a course team does, or
    /// received something from others.
    pub only_about_others: u64,
    /// The facts that the source can tell.
    pub capabilities: Capabilities,
    /// How finely it tells time.
    pub granularity: Granularity,
    /// Kinds of event; an event's kind number is the index. At most 256.
    pub kinds: Vec<EventKind>,
    /// The labels it has of its own.
    pub labels: SourceLabels,
    /// Every file read or to be read.
    pub inputs: Vec<InputFile>,
    /// Notices about the log as a whole.
    pub notices: Vec<Notice>,
    /// The files offered: which are not read and why, and which are odd.
    pub files: FileReport,
    /// The files that hold events.
    pub events: Vec<Box<dyn EventFile>>,
    /// Tells whether files of the log overlap, once they are read: one for each institution.
    pub first_lines: Vec<Arc<FirstLines>>,
}

impl Source {
    /// Says which files of the log overlap, once they are read. Where rows have ids of their own, those that come again are
    /// set aside, and nothing is to be said.
    pub fn overlaps(&self, tally: &Tally) -> impl Iterator<Item = Notice> {
        let has_ids = tally.reasons.contains_key(&Reason::RepeatedId);
        self.first_lines.iter().filter(move |_| !has_ids).filter_map(|lines| lines.notice())
    }
}
