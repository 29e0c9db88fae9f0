//! The folder of a command's output, which goes again when nothing comes of the command.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// Says what goes with an output folder when nothing comes of the command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Goes {
    /// The folder, if nothing is in it: what is in it can be gone on with.
    WhenEmpty,
    /// Everything in it.
    WithContent,
}

/// The folders of this process that are not kept yet, for when a signal ends it.
static UNFINISHED: Mutex<Vec<(PathBuf, Goes)>> = Mutex::new(Vec::new());

/// Removes what goes of the folders that are not kept yet; for a process that a signal ends.
pub(crate) fn remove_unfinished() {
    for (folder, goes) in UNFINISHED.lock().unwrap_or_else(PoisonError::into_inner).iter() {
        remove(folder, *goes);
    }
}

/// Removes what goes of a folder. What can't be removed is in nobody's way.
fn remove(folder: &Path, goes: Goes) {
    if goes == Goes::WithContent {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
            let _ = if is_folder { fs::remove_dir_all(path) } else { fs::remove_file(path) };
        }
    }
    // Fails on a folder with something in it, which stays.
    let _ = fs::remove_dir(folder);
}

/// An output folder. Dropped before [`OutFolder::keep`], it removes itself if this command made it and nothing is in it.
#[derive(Debug)]
pub(crate) struct OutFolder {
    path: PathBuf,
    goes: Goes,
    /// This command made it.
    is_new: bool,
    is_kept: bool,
}

impl OutFolder {
    /// Makes the folder, unless it is there.
    pub(crate) fn make(path: &Path) -> anyhow::Result<Self> {
        Self::make_that(path, Goes::WhenEmpty)
    }

    /// Makes a folder that is of no use before it is finished: dropped before [`OutFolder::keep`], it goes with everything
    /// in it. There must be nothing at `path`, or an empty folder.
    pub(crate) fn make_whole(path: &Path) -> anyhow::Result<Self> {
        Self::make_that(path, Goes::WithContent)
    }

    fn make_that(path: &Path, goes: Goes) -> anyhow::Result<Self> {
        let is_new = !path.exists();
        staycast_files::make_folder(path)?;
        if is_new || goes == Goes::WithContent {
            UNFINISHED.lock().unwrap_or_else(PoisonError::into_inner).push((path.to_owned(), goes));
        }
        Ok(Self { path: path.to_owned(), goes, is_new, is_kept: false })
    }

    /// Keeps the folder: the command succeeded.
    pub(crate) fn keep(mut self) {
        self.is_kept = true;
    }

    /// Removes a file that this command wrote at its beginning, where nothing came of it.
    pub(crate) fn take_back(&self, file: &str) {
        if self.is_new {
            // What stays is in nobody's way.
            let _ = fs::remove_file(self.path.join(file));
        }
    }
}

impl Drop for OutFolder {
    fn drop(&mut self) {
        let mut unfinished = UNFINISHED.lock().unwrap_or_else(PoisonError::into_inner);
        let place = unfinished.iter().position(|(path, _)| *path == self.path);
        if let Some(place) = place {
            unfinished.swap_remove(place);
            if !self.is_kept {
                remove(&self.path, self.goes);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_folder_goes_and_others_stay() {
        let here = tempfile::tempdir().expect("a temporary folder");
        let at = |name: &str| here.path().join(name);
        drop(OutFolder::make(&at("gone")).expect("writable"));
        assert!(!at("gone").exists());
        OutFolder::make(&at("kept")).expect("writable").keep();
        assert!(at("kept").is_dir());
        let folder = OutFolder::make(&at("full")).expect("writable");
        fs::write(at("full/a"), "").expect("writable");
        drop(folder);
        assert!(at("full/a").is_file());
        let folder = OutFolder::make(&at("full")).expect("writable");
        folder.take_back("a");
        assert!(at("full/a").is_file(), "it was there before");
        fs::create_dir(at("empty")).expect("writable");
        drop(OutFolder::make(&at("empty")).expect("writable"));
        assert!(at("empty").is_dir(), "it was there before");
    }

    #[test]
    fn a_folder_that_is_of_no_use_goes_with_everything_in_it() {
        let here = tempfile::tempdir().expect("a temporary folder");
        let path = here.path().join("whole");
        let fill = || {
            let folder = OutFolder::make_whole(&path).expect("writable");
            fs::create_dir(path.join("a")).expect("writable");
            fs::write(path.join("a/b"), "").expect("writable");
            folder
        };
        drop(fill());
        assert!(!path.exists());
        fill().keep();
        assert!(path.join("a/b").is_file());
    }
}
