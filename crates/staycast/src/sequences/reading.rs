//! Sequences folders, opened and read whole.

use std::path::Path;

use anyhow::Context;
use staycast_sequences::{Dataset, Seal, Selection, SequenceFolder};

use super::edit::describe_edit;
use crate::console::{self, Console};

/// Opens a sequences folder, of which every file is checked.
pub(crate) fn open(sequences: &Path, console: &Console) -> anyhow::Result<SequenceFolder> {
    let folder = SequenceFolder::open(sequences)?;
    console::note_input(sequences, folder.seal() == Seal::Holds);
    if folder.seal() == Seal::Absent {
        console.warn(&format!(
            "{}: its tables are checked, and its manifest can't be: it was written before manifests had a seal; \
             `staycast sequences seal` adds one",
            sequences.display()
        ));
    }
    if let Some(edit) = folder.manifest().last_edit() {
        console.note(&format!("{}: {}", sequences.display(), describe_edit(edit)));
    }
    Ok(folder)
}

/// Lists the ids of the courses.
pub(crate) fn course_ids(data: &Dataset) -> Vec<String> {
    data.courses.iter().map(|course| course.id.clone()).collect()
}

/// Reads a sequences folder with all its features into memory.
pub(crate) fn load(sequences: &Path, console: &Console) -> anyhow::Result<Dataset> {
    let folder = open(sequences, console)?;
    folder.load(&Selection::default()).with_context(|| format!("{}: cannot read the sequences", sequences.display()))
}
