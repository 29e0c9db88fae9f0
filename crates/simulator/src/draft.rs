//! A folder that is being written: a temporary one beside its place, renamed at the end.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::error::SimulateError;
use crate::formats::kdd2015::KDD2015_FILES;

/// Name of the file with the complete configuration.
pub(crate) const CONFIG_FILE: &str = "simulator.toml";
/// Name of the file with counts and the greatest AUC by week.
pub const RECORD_FILE: &str = "simulation.json";

/// Chooses the treatment of a folder that exists already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum IfExists {
    /// Refuses it, unless it is empty.
    #[default]
    Refuse,
    /// Replaces it if it holds a simulation.
    Replace,
}

/// Holds a folder that is being written. It is removed when dropped unpublished.
pub(crate) struct Draft {
    folder: TempDir,
    place: PathBuf,
    if_exists: IfExists,
}

fn failed(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> SimulateError {
    let path = path.to_owned();
    move |source| SimulateError::Folder { action, path, source }
}

impl Draft {
    /// Begins a draft of `place`, which must be free or hold a simulation that may be replaced.
    pub(crate) fn begin(place: &Path, if_exists: IfExists) -> Result<Self, SimulateError> {
        if !is_free(place).map_err(failed("look into", place))? {
            let path = place.to_owned();
            match if_exists {
                IfExists::Refuse => return Err(SimulateError::NotEmpty { path }),
                IfExists::Replace if !holds_a_simulation(place) => return Err(SimulateError::NotOurs { path }),
                IfExists::Replace => {}
            }
        }
        let parent = parent(place);
        fs::create_dir_all(parent).map_err(failed("create", parent))?;
        let folder = tempfile::Builder::new()
            .prefix(".simulating-")
            .tempdir_in(parent)
            .map_err(failed("create a temporary folder in", parent))?;
        Ok(Self { folder, place: place.to_owned(), if_exists })
    }

    /// Returns the path of the temporary folder.
    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Creates a file.
    pub(crate) fn create(&self, name: &str) -> Result<File, SimulateError> {
        let path = self.path().join(name);
        File::create_new(&path).map_err(failed("create", &path))
    }

    /// Writes a small file.
    pub(crate) fn write(&self, name: &str, bytes: &[u8]) -> Result<(), SimulateError> {
        let failed = |source| SimulateError::Write { table: name.to_owned(), source };
        let mut file = self.create(name)?;
        file.write_all(bytes).and_then(|()| file.sync_all()).map_err(failed)
    }

    /// Gives the folder its name.
    pub(crate) fn publish(self) -> Result<(), SimulateError> {
        let Self { folder, place, if_exists } = self;
        sync_folder(folder.path()).map_err(failed("sync", folder.path()))?;
        open_to_others(folder.path()).map_err(failed("set the permissions of", &place))?;
        let parent = parent(&place);
        // Holds the replaced folder, and is removed with it at the end.
        let mut aside = None;
        if if_exists == IfExists::Replace && !is_free(&place).map_err(failed("look into", &place))? {
            let old = tempfile::Builder::new().prefix(".replaced-").tempdir_in(parent);
            let old = old.map_err(failed("create a temporary folder in", parent))?;
            fs::rename(&place, old.path().join("old")).map_err(failed("move away", &place))?;
            aside = Some(old);
        } else {
            // An empty folder of that name is removed, as a rename replaces it on Unix alone. remove_dir refuses a folder that
            // is no longer empty.
            match fs::remove_dir(&place) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed("replace", &place)(error)),
                _ => {}
            }
        }
        fs::rename(folder.path(), &place).map_err(failed("rename the finished files to", &place))?;
        // It has its final name now, so nothing is left to remove.
        let _ = folder.keep();
        sync_folder(parent).map_err(failed("sync", parent))?;
        drop(aside);
        Ok(())
    }
}

/// Tells whether a folder holds a simulation.
fn holds_a_simulation(folder: &Path) -> bool {
    folder.join(CONFIG_FILE).is_file()
        && (folder.join(RECORD_FILE).is_file() || folder.join(KDD2015_FILES.log).is_file())
}

/// Tells whether nothing is there, or an empty folder.
fn is_free(folder: &Path) -> io::Result<bool> {
    match fs::read_dir(folder) {
        Ok(mut entries) => Ok(entries.next().is_none()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
        Err(error) => Err(error),
    }
}

/// Returns the folder that holds `place`.
fn parent(place: &Path) -> &Path {
    place.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Gives a temporary folder, which only its owner may read, the permissions of a new folder.
#[cfg(unix)]
fn open_to_others(folder: &Path) -> io::Result<()> {
    let probe = folder.join("probe");
    fs::create_dir(&probe)?;
    let permissions = fs::metadata(&probe)?.permissions();
    fs::remove_dir(&probe)?;
    fs::set_permissions(folder, permissions)
}

#[cfg(not(unix))]
fn open_to_others(_folder: &Path) -> io::Result<()> {
    Ok(())
}

/// Makes the names in a folder last. Only Unix can open a folder for that.
#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(not(unix))]
fn sync_folder(_folder: &Path) -> io::Result<()> {
    Ok(())
}
