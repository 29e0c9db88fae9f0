//! The place of a simulation's folder: what may be there already.

use std::fs;
use std::io;
use std::path::Path;

use staycast_files::IfExists;

use crate::error::SimulateError;
use crate::formats::kdd2015::KDD2015_FILES;

/// Names the file with the complete configuration.
pub(crate) const CONFIG_FILE: &str = "simulator.toml";
/// Names the file with counts and the greatest AUC by week.
pub const RECORD_FILE: &str = "simulation.json";

/// Checks that the folder is free, or holds a simulation that may be replaced.
pub(crate) fn check_place(folder: &Path, if_exists: IfExists) -> Result<(), SimulateError> {
    let path = folder.to_owned();
    match is_free(folder) {
        Err(source) => Err(SimulateError::Folder { action: "look into", path, source }),
        Ok(true) => Ok(()),
        Ok(false) => match if_exists {
            IfExists::Refuse => Err(SimulateError::NotEmpty { path }),
            IfExists::Replace if !holds_a_simulation(folder) => Err(SimulateError::NotOurs { path }),
            IfExists::Replace => Ok(()),
        },
    }
}

/// Returns whether a folder holds a simulation.
fn holds_a_simulation(folder: &Path) -> bool {
    let has = |name: &str| folder.join(name).is_file();
    has(CONFIG_FILE) && (has(RECORD_FILE) || has(KDD2015_FILES.log))
}

/// Returns whether nothing is there, or an empty folder.
fn is_free(folder: &Path) -> io::Result<bool> {
    match fs::read_dir(folder) {
        Ok(mut entries) => Ok(entries.next().is_none()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
        Err(error) => Err(error),
    }
}
