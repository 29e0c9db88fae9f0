//! Counts of a table's rows: used, or rejected and why.

use std::collections::BTreeMap;

use serde::Serialize;

/// Counts what became of the rows of a table.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct RowCounts {
    /// Rows.
    pub rows: u64,
    /// Rows that can't be used, by reason.
    pub rejected: BTreeMap<&'static str, u64>,
    /// Number of the first rejected row, from 1.
    pub first_rejected: Option<u64>,
}

impl RowCounts {
    /// Counts the rejected rows.
    #[must_use]
    pub fn rejected_rows(&self) -> u64 {
        self.rejected.values().sum()
    }

    /// Rejects the row that was counted last.
    pub(super) fn reject(&mut self, reason: &'static str) {
        *self.rejected.entry(reason).or_default() += 1;
        self.first_rejected.get_or_insert(self.rows);
    }
}
