//! Sequences folders, read whole.

use std::path::Path;

use anyhow::Context;
use staycast_sequences::{Dataset, Selection, SequenceFolder};

/// Reads a sequences folder with all its features into memory.
pub(crate) fn load(sequences: &Path) -> anyhow::Result<Dataset> {
    let folder = SequenceFolder::open(sequences)?;
    folder.load(&Selection::default()).with_context(|| format!("{}: cannot read the sequences", sequences.display()))
}
