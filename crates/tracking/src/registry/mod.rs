//! Compares many runs: the settings in which they differ, and their figures. Pure: the caller reads the runs.
//!
//! A table has a column for every setting and every fact that is not the same in all runs, and one for every figure that
//! any run has. [`RunTable::to_text`] draws it for a terminal, and its `Serialize` is the JSON.

mod run_table;
mod text;

pub use run_table::{BetterValue, RegistryError, RunEntry, RunRow, RunTable, RunTableRequest};
