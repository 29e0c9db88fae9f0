//! Folders for what one process needs for a while.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use crate::WriteError;
use crate::leftovers::{BEGINNING, DraftNames, Kind, lock, remove_all_dead};
use crate::live;
use crate::system::{create_private_folder, make_parent};

/// Holds a folder that nobody but its owner can look into, and that is removed when it is dropped.
#[derive(Debug)]
pub struct ScratchFolder {
    folder: PathBuf,
    /// Tells other processes that this one still runs.
    _lock: Option<File>,
}

impl ScratchFolder {
    /// Makes a folder beside `place`, the output that it is needed for. Folders above are created where they are missing;
    /// what killed processes left there is removed.
    ///
    /// # Errors
    /// When a folder can't be created.
    pub fn beside(place: &Path) -> Result<Self, WriteError> {
        let names = DraftNames::new(place, Kind::Scratch)?;
        let parent = make_parent(place)?;
        let _beginning = BEGINNING.lock();
        remove_all_dead(parent);
        let made = live::with_drafts(|drafts| {
            let folder = names.make_folder(create_private_folder)?;
            drafts.insert(folder.clone());
            Ok(folder)
        });
        let folder = made.map_err(WriteError::at("make a folder in", parent))?;
        let lock = lock(&folder);
        Ok(Self { folder, _lock: lock })
    }

    /// Returns where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.folder
    }
}

impl Drop for ScratchFolder {
    fn drop(&mut self) {
        // Best effort: the next process tries again.
        live::drop_draft(&self.folder, || drop(fs::remove_dir_all(&self.folder)));
    }
}
