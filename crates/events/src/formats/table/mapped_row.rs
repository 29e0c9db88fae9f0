//! A row of the log as every kind of file gives it, and what takes such rows.

use crate::intake::Intake;

/// Names the role of a column of the log. Times stand apart, as a row may have several.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::formats) enum Role {
    Enrolment,
    Learner,
    Course,
    Activity,
    Object,
    Count,
    EventId,
    Correct,
}

/// Counts the roles.
pub(in crate::formats) const ROLES: usize = 8;

/// Bounds the columns of a log that a mapping may name.
pub(in crate::formats) const MOST_COLUMNS: usize = 24;

/// Bounds the events that one row may be.
pub(in crate::formats) const MOST_EVENTS: usize = 8;

/// Holds the value in a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::formats) enum Field<'a> {
    /// Text, without the blanks around it; empty where the row has none.
    Text(&'a [u8]),
    /// An instant, in seconds since 1970-01-01T00:00:00, from files that hold times as such.
    Instant(i64),
}

impl<'a> Field<'a> {
    /// Holds nothing.
    pub(in crate::formats) const EMPTY: Self = Self::Text(b"");

    /// Returns the text; empty for an instant.
    pub(in crate::formats) const fn text(self) -> &'a [u8] {
        match self {
            Self::Text(text) => text,
            Self::Instant(_) => b"",
        }
    }
}

/// Holds a row as a file gives it: the columns that the mapping names, in the order of
/// [`super::row_template::RowTemplate::columns`].
pub(in crate::formats) type Fields<'a> = [Field<'a>; MOST_COLUMNS];

/// Holds a row as the mapping makes it out; empty where the row or the mapping has nothing.
#[derive(Clone, Copy, Debug)]
pub(in crate::formats) struct MappedRow<'a> {
    pub(in crate::formats) text: [&'a [u8]; ROLES],
    /// When the row's events were, in the order of the mapping's events.
    pub(in crate::formats) times: [Field<'a>; MOST_EVENTS],
    /// What more the row says of its events, in their order; empty where the mapping names no columns for it.
    pub(in crate::formats) measures: &'a [EventMeasures<'a>],
}

/// Holds what a row says of one of its events beside when it was; `None` where the mapping names no column for it.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::formats) struct EventMeasures<'a> {
    /// How many such events there were.
    pub(in crate::formats) count: Option<&'a [u8]>,
    /// Seconds from the time to the event.
    pub(in crate::formats) seconds: Option<&'a [u8]>,
}

impl<'a> MappedRow<'a> {
    pub(in crate::formats) fn get(&self, role: Role) -> &'a [u8] {
        self.text[role as usize]
    }
}

/// Takes the rows of a log, block by block on many threads.
pub(in crate::formats) trait RowSink: Send + Sync {
    /// Holds the state kept while one block is read.
    type Block;

    /// Makes the state of a block. Called before its first row.
    fn begin(&self) -> Self::Block;

    /// Takes the row on line `line` of the block whose number `intake` knows.
    fn take(&self, block: &mut Self::Block, row: &MappedRow<'_>, line: u64, intake: &mut Intake<'_>);

    /// Takes back the state of block `number`. Called after its last row.
    fn end(&self, block: Self::Block, number: usize);
}
