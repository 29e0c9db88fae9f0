//! What happened in a course: events, the course calendar, and one reader per log format.
//!
//! A [`Source`] is a log that has been opened: its small tables are read into a [`Roster`], its event files are read
//! later, block by block on rayon's threads, into 16-byte [`Event`]s. This crate knows formats and nothing of weeks,
//! features or labels; it writes nothing.

mod activity;
mod capabilities;
mod error;
mod event;
mod event_file;
mod file_head;
pub mod formats;
mod hash;
mod id_lookup;
mod index;
pub mod input;
mod intake;
mod json;
mod kind;
mod limited;
mod line_limit;
mod objects;
mod parsed_block;
mod releases;
mod roster;
mod row_limits;
mod source;
mod source_inputs;
mod table;
mod tally;
mod text;
mod text_lines;
pub mod time;

pub use activity::{Activity, UnknownActivity};
pub use capabilities::Capabilities;
pub use error::ReadError;
pub use event::{Event, ObjectKey, Weight};
pub use event_file::{BlockSink, EventFile, ReadMode, ReadPurpose, read_next_files};
pub use index::{CourseIndex, EnrolmentIndex};
pub use intake::{EventRow, Intake};
pub use kind::{Detail, EventKind};
pub use line_limit::LONGEST_LINE_BYTES;
pub use parsed_block::{ParsedBlock, TimeSpan};
pub use releases::Releases;
pub use roster::{Assessment, Course, Enrolment, Outcome, OutcomeKind, Roster, Submission};
pub use row_limits::RowLimits;
pub use source::{Granularity, Source, SourceLabels};
pub use source_inputs::{DatabaseTable, InputFile};
pub use tally::{BlockTally, MAX_SAMPLES, Reason, ReasonCount, RowSample, Tally};
