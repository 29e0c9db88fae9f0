//! What happened in a course: events, the course calendar, and one reader per log format.
//!
//! A [`Source`] is a log that has been opened: its small tables are read into a [`Roster`], its event files are read
//! later, block by block on rayon's threads, into 16-byte [`Event`]s. This crate knows formats and nothing of weeks,
//! features or labels; it writes nothing.

mod activity;
mod error;
mod event;
pub mod formats;
mod hash;
pub mod input;
mod intake;
mod json;
mod kind;
mod knows;
mod limited;
mod objects;
mod releases;
mod roster;
mod source;
pub mod table;
mod tally;
pub mod text;
pub mod time;

pub use activity::{Activity, UnknownActivity};
pub use error::ReadError;
pub use event::{Event, ObjectKey, Weight};
pub use intake::{Frame, Intake, Parsed, Row, Span};
pub use kind::{Detail, Kind};
pub use knows::Knows;
pub use releases::Releases;
pub use roster::{Assessment, Course, End, Enrolment, EnrolmentIndex, Outcome, Roster, Submission};
pub use source::{
    BlockSink, By, DatabaseTable, EventFile, Granularity, InputFile, LabelOffer, Purpose, Source, read_next,
};
pub use tally::{BlockTally, Count, Reason, SAMPLES, Sample, Tally};
