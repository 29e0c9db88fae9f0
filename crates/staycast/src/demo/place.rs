//! The folder of a demo, and the files in it.

use std::fs;
use std::path::{Path, PathBuf};

/// Names the folder, and the stem of the names after it.
const NAME: &str = "staycast-demo";

/// Holds the demo's folder, which is new or empty when it is found.
#[derive(Debug)]
pub(super) struct Place {
    folder: PathBuf,
}

impl Place {
    /// Takes the folder asked for, if it is free; where none is asked for, the first free one of `staycast-demo`, `staycast-demo-2` …, so that a
    /// second demo just works.
    pub(super) fn find(asked: Option<&Path>) -> anyhow::Result<Self> {
        if let Some(folder) = asked {
            if !is_free(folder) {
                anyhow::bail!("{}: exists already; choose another --out, or leave it out", folder.display());
            }
            return Ok(Self { folder: folder.to_owned() });
        }
        let names = std::iter::once(NAME.to_owned()).chain((2..).map(|number| format!("{NAME}-{number}")));
        let folder = names.map(PathBuf::from).find(|folder| is_free(folder)).expect("numbers don't end");
        Ok(Self { folder })
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(super) fn logs(&self) -> PathBuf {
        self.folder.join("logs")
    }

    pub(super) fn sequences(&self) -> PathBuf {
        self.folder.join("sequences")
    }

    /// Returns the file of the settings that the demo trains with.
    pub(super) fn settings(&self) -> PathBuf {
        self.folder.join("config.toml")
    }

    pub(super) fn run(&self) -> PathBuf {
        self.folder.join("run")
    }

    pub(super) fn report(&self) -> PathBuf {
        self.folder.join("report")
    }

    pub(super) fn scores(&self) -> PathBuf {
        self.folder.join("scores.csv")
    }

    /// Returns the worklist as a page.
    pub(super) fn worklist(&self) -> PathBuf {
        self.folder.join("worklist.html")
    }
}

/// Tells whether nothing is there, or an empty folder.
fn is_free(path: &Path) -> bool {
    !path.exists() || fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_with_anything_in_it_is_taken() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        assert!(Place::find(Some(folder.path())).is_ok());
        fs::write(folder.path().join("x"), "").expect("writable");
        assert!(Place::find(Some(folder.path())).is_err());
    }
}
