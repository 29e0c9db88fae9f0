//! The folder of a command's output, which goes again when nothing comes of the command.

use std::fs;
use std::path::{Path, PathBuf};

/// An output folder. Dropped before [`OutFolder::keep`], it removes itself if this command made it and nothing is in it.
#[derive(Debug)]
pub(crate) struct OutFolder {
    path: PathBuf,
    /// This command made it.
    is_new: bool,
    is_kept: bool,
}

impl OutFolder {
    /// Makes the folder, unless it is there.
    pub(crate) fn make(path: &Path) -> anyhow::Result<Self> {
        let is_new = !path.exists();
        staycast_files::make_folder(path)?;
        Ok(Self { path: path.to_owned(), is_new, is_kept: false })
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
        if self.is_new && !self.is_kept {
            // Fails on a folder with something in it, which stays.
            let _ = fs::remove_dir(&self.path);
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
}
