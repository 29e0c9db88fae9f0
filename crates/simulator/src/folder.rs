//! A simulation into a folder that appears whole or not at all.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::config::SimulatorConfig;
use crate::error::SimulateError;
use crate::kdd2015::{FILE_NAMES, Tables};
use crate::simulate::Progress;

/// The file that keeps the complete configuration beside the data.
const CONFIG_FILE: &str = "simulator.toml";

/// What [`simulate_to_folder`] made.
#[derive(Debug, Clone, PartialEq)]
pub struct Simulated {
    /// People.
    pub learners: u64,
    /// Enrolments; what a forecast is made for.
    pub enrolments: u64,
    /// Rows of the log.
    pub events: u64,
    /// Bytes of all tables.
    pub bytes: u64,
    /// Share of enrolments that end in dropout, 0 to 1.
    pub dropout_rate: f64,
    /// The files, by path.
    pub files: Vec<PathBuf>,
}

/// Simulates into `folder`, which must not exist or be empty, in KDD Cup 2015's layout, with the truth and the complete
/// configuration beside the log.
///
/// Everything is written to a temporary folder beside it, synced and renamed at the end; a killed process leaves that
/// folder, `.simulating-…`, and nothing else. `progress` is called on the
/// caller's thread. Work is spread over the current rayon pool; the bytes don't depend on it.
///
/// # Errors
/// [`SimulateError`]: a bad configuration, a folder in use, a failing disk. Nothing is left under `folder` then.
pub fn simulate_to_folder(
    config: &SimulatorConfig,
    folder: &Path,
    progress: &dyn Fn(Progress),
) -> Result<Simulated, SimulateError> {
    let simulation = config.clone().validate()?;
    let failed = |action: &'static str, path: &Path| {
        let path = path.to_owned();
        move |source: io::Error| SimulateError::Folder { action, path, source }
    };
    let taken = match fs::read_dir(folder) {
        Ok(mut entries) => entries.next().is_some(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => false,
        Err(error) => return Err(failed("look into", folder)(error)),
    };
    if taken {
        return Err(SimulateError::NotEmpty { path: folder.to_owned() });
    }
    let parent = match folder.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    fs::create_dir_all(parent).map_err(failed("create", parent))?;
    let temporary = tempfile::Builder::new()
        .prefix(".simulating-")
        .tempdir_in(parent)
        .map_err(failed("create a temporary folder in", parent))?;
    let create = |name: &str| {
        let path = temporary.path().join(name);
        File::create_new(&path).map_err(failed("create", &path))
    };
    let mut tables = Tables {
        log: create(FILE_NAMES.log)?,
        enrolment: create(FILE_NAMES.enrolment)?,
        date: create(FILE_NAMES.date)?,
        object: create(FILE_NAMES.object)?,
        truth: create(FILE_NAMES.truth)?,
        truth_probability: create(FILE_NAMES.truth_probability)?,
    };
    let counts = simulation.write(&mut tables, progress)?;
    let mut config_file = create(CONFIG_FILE)?;
    let in_config = |source| SimulateError::Write { table: CONFIG_FILE, source };
    config_file.write_all(simulation.config.to_toml().as_bytes()).map_err(in_config)?;
    config_file.sync_all().map_err(in_config)?;
    for (file, table) in tables.each_ref().into_array().into_iter().zip(FILE_NAMES.into_array()) {
        file.sync_all().map_err(|source| SimulateError::Write { table, source })?;
    }
    sync_folder(temporary.path()).map_err(failed("sync", temporary.path()))?;
    put_in_place(temporary, folder)?;
    sync_folder(parent).map_err(failed("sync", parent))?;
    let names = FILE_NAMES.into_array().into_iter().chain([CONFIG_FILE]);
    Ok(Simulated {
        learners: counts.learners,
        enrolments: counts.enrolments,
        events: counts.events,
        bytes: counts.bytes,
        dropout_rate: counts.dropouts as f64 / counts.enrolments as f64,
        files: names.map(|name| folder.join(name)).collect(),
    })
}

/// Renames the finished folder. The temporary one is removed when that fails.
fn put_in_place(temporary: tempfile::TempDir, folder: &Path) -> Result<(), SimulateError> {
    // An empty folder of that name gives way; elsewhere than on Unix a rename does not replace it by itself. That it is
    // still empty is checked by remove_dir itself.
    let failed =
        |action: &'static str, source: io::Error| SimulateError::Folder { action, path: folder.to_owned(), source };
    match fs::remove_dir(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(failed("replace", error));
        }
        _ => {}
    }
    open_to_others(temporary.path()).map_err(|error| failed("set the permissions of", error))?;
    fs::rename(temporary.path(), folder).map_err(|error| failed("rename the finished files to", error))?;
    // It has its final name now; nothing is left to remove.
    let _ = temporary.keep();
    Ok(())
}

/// A temporary folder is its owner's alone; results have the permissions that a new folder gets.
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

/// Makes the names in a folder last; only Unix lets a folder be opened for that.
#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(not(unix))]
fn sync_folder(_folder: &Path) -> io::Result<()> {
    Ok(())
}
