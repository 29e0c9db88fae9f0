//! A row of the log as every kind of file gives it, and what takes such rows.

use crate::intake::Intake;

/// What a column of the log is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Enrolment,
    Learner,
    Course,
    Time,
    Activity,
    Object,
    Count,
    EventId,
}

/// Number of roles.
pub(super) const ROLES: usize = 8;

/// The columns of a log by their places in a file, where the mapping names them.
pub(super) type RolePlaces = [Option<usize>; ROLES];

/// The cells of a row; empty where the row or the mapping has none.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Cells<'a> {
    pub(super) text: [&'a [u8]; ROLES],
    /// The row's instant, from files that hold times as such; `text` holds no time then.
    pub(super) instant: Option<i64>,
}

impl<'a> Cells<'a> {
    pub(super) fn get(&self, role: Role) -> &'a [u8] {
        self.text[role as usize]
    }
}

/// Takes the rows of a log, block by block on many threads.
pub(super) trait RowSink: Send + Sync {
    /// What is kept while one block is read.
    type Block;

    /// Called before the first row of a block.
    fn begin(&self) -> Self::Block;

    /// Takes the row on line `line` of the block whose number `intake` knows.
    fn take(&self, block: &mut Self::Block, cells: &Cells<'_>, line: u64, intake: &mut Intake<'_>);

    /// Called after the last row of block `number`.
    fn end(&self, block: Self::Block, number: usize);
}
