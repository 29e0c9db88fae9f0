//! The place of a simulation's folder: what may be there already.

use std::fs;
use std::io;
use std::path::Path;

use serde::Deserialize;
use staycast_files::{IfExists, OwnFiles};

use crate::error::SimulateError;

/// Names the file with the complete configuration.
pub(crate) const CONFIG_FILE: &str = "simulator.toml";
/// Names the file with counts and the greatest AUC by week.
pub const RECORD_FILE: &str = "simulation.json";

/// Checks that the folder is free, or holds a simulation that may be replaced; then the files of that one are returned.
pub(crate) fn check_place(folder: &Path, if_exists: IfExists) -> Result<Option<OwnFiles>, SimulateError> {
    let path = folder.to_owned();
    let failed = |action| {
        let path = path.clone();
        move |source| SimulateError::Folder { action, path, source }
    };
    match (is_free(folder), if_exists) {
        (Err(source), _) => Err(failed("look into")(source)),
        (Ok(true), _) => Ok(None),
        (Ok(false), IfExists::Refuse) => Err(SimulateError::NotEmpty { path }),
        (Ok(false), IfExists::Replace) => {
            let Some(own) = own_files(folder) else { return Err(SimulateError::NotOurs { path }) };
            own.check(folder).map_err(failed("replace"))?;
            Ok(Some(own))
        }
    }
}

/// The part of `simulation.json` that says what may be removed with the folder.
#[derive(Deserialize)]
struct FileList {
    files: Vec<String>,
}

/// Lists the files of a simulation, as its record names them; `None` for a folder without such a record.
fn own_files(folder: &Path) -> Option<OwnFiles> {
    let record = fs::read(folder.join(RECORD_FILE)).ok()?;
    let FileList { files } = serde_json::from_slice(&record).ok()?;
    files.iter().any(|name| name == RECORD_FILE).then(|| files.into_iter().collect())
}

/// Returns whether nothing is there, or an empty folder.
fn is_free(folder: &Path) -> io::Result<bool> {
    match fs::read_dir(folder) {
        Ok(mut entries) => Ok(entries.next().is_none()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
        Err(error) => Err(error),
    }
}
