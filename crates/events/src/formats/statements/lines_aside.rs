//! Lines that are set aside for what other lines of the log say.

use std::sync::Arc;

use super::statement::{part_of_another, repeated_id};
use crate::formats::marked_lines::{MarkedLines, MarkedLinesOfBlock};
use crate::intake::Intake;
use crate::tally::Reason;

/// Holds the lines of a log that are set aside.
#[derive(Clone, Debug)]
pub(super) struct LinesAside {
    /// Those whose id came before.
    pub(super) repeats: Arc<MarkedLines>,
    /// Those for whose attempt another one counts.
    pub(super) parts: Arc<MarkedLines>,
}

impl LinesAside {
    /// Returns those of one block of a file.
    pub(super) fn in_block(&self, file: u32, block: usize) -> LinesAsideOfBlock<'_> {
        LinesAsideOfBlock { repeats: self.repeats.in_block(file, block), parts: self.parts.in_block(file, block) }
    }
}

/// Holds the lines of one block that are set aside.
#[derive(Clone, Copy, Debug)]
pub(super) struct LinesAsideOfBlock<'a> {
    repeats: MarkedLinesOfBlock<'a>,
    parts: MarkedLinesOfBlock<'a>,
}

impl LinesAsideOfBlock<'_> {
    /// Refuses a line that is set aside. Tells whether it did.
    pub(super) fn refuse(&self, line: u64, intake: &mut Intake<'_>) -> bool {
        if self.repeats.has(line) {
            intake.refuse(Reason::RepeatedId, line, repeated_id);
        } else if self.parts.has(line) {
            intake.refuse(Reason::PartOfAnother, line, part_of_another);
        } else {
            return false;
        }
        true
    }
}
