//! A log that has been opened: its roster read, its event files not yet.

use crate::capabilities::Capabilities;
use crate::event_file::EventFile;
use crate::kind::EventKind;
use crate::notice::Notice;
use crate::offered::FileReport;
use crate::roster::Roster;
use crate::source_inputs::InputFile;
use crate::tally::Tally;

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
    /// Courses and enrolments.
    pub roster: Roster,
    /// Counts of the rows of the small tables.
    pub tables: Tally,
    /// Enrolments left out because their course is unknown or has no dates.
    pub enrolments_without_course: u64,
    /// Learners in courses, of logs without a table of enrolments, all of whose events are set aside: a row that does not
    /// count makes nobody a learner.
    pub learners_set_aside: u64,
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
}
