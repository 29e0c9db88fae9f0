//! Which files of a folder are Staycast's, so that nothing else is removed with them.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::leftovers::is_leftover;

/// Names of files that systems put into any folder.
const OF_THE_SYSTEM: [&str; 3] = [".DS_Store", "Thumbs.db", "desktop.ini"];

/// Says which file kept a folder from being replaced.
#[derive(Debug, thiserror::Error)]
#[error("it holds {}, which Staycast did not write; nothing was removed", path.display())]
pub struct ForeignFile {
    /// The file or folder, from the folder that was to be replaced on.
    pub path: PathBuf,
}

/// Lists the files of a folder that Staycast wrote: all that may be removed when the folder is replaced.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OwnFiles {
    names: BTreeSet<PathBuf>,
}

impl<P: Into<PathBuf>> FromIterator<P> for OwnFiles {
    /// Lists files by their paths from the folder on.
    fn from_iter<I: IntoIterator<Item = P>>(names: I) -> Self {
        Self { names: names.into_iter().map(Into::into).collect() }
    }
}

impl OwnFiles {
    /// Checks that `folder` holds these files alone, or fewer. What killed processes left and what systems put there, as
    /// `.DS_Store`, does not matter.
    ///
    /// # Errors
    /// A [`ForeignFile`] inside the error when there is another one, an empty folder included; or that of the system.
    pub fn check(&self, folder: &Path) -> io::Result<()> {
        let mut foreign = BTreeSet::new();
        self.find_foreign(folder, Path::new(""), &mut foreign)?;
        match foreign.pop_first() {
            Some(path) => Err(io::Error::other(ForeignFile { path })),
            None => Ok(()),
        }
    }

    fn find_foreign(&self, folder: &Path, inside: &Path, foreign: &mut BTreeSet<PathBuf>) -> io::Result<()> {
        for entry in fs::read_dir(folder.join(inside))? {
            let entry = entry?;
            let name = entry.file_name();
            let path = inside.join(&name);
            let name = name.to_string_lossy();
            if is_leftover(&name) {
                continue;
            }
            if !entry.file_type()?.is_dir() {
                if !self.names.contains(&path) && !OF_THE_SYSTEM.contains(&name.as_ref()) {
                    foreign.insert(path);
                }
            } else if self.names.iter().any(|own| own.starts_with(&path)) {
                self.find_foreign(folder, &path, foreign)?;
            } else {
                foreign.insert(path);
            }
        }
        Ok(())
    }

    /// Lists every file in `folder`.
    pub(crate) fn of(folder: &Path) -> io::Result<Self> {
        let mut names = BTreeSet::new();
        let mut folders = vec![PathBuf::new()];
        while let Some(inside) = folders.pop() {
            for entry in fs::read_dir(folder.join(&inside))? {
                let entry = entry?;
                let path = inside.join(entry.file_name());
                if entry.file_type()?.is_dir() {
                    folders.push(path);
                } else {
                    names.insert(path);
                }
            }
        }
        Ok(Self { names })
    }
}
