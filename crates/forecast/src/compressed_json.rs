//! JSON files compressed with zstd: the models that are stored as numbers and names.

use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::files::{self, FileError};

/// Sets how hard files are compressed: trees repeat themselves, and a level above takes longer than fitting some of them.
const LEVEL: i32 = 3;

/// Writes `value` as compressed JSON.
pub(crate) fn write(path: &Path, value: &impl Serialize) -> Result<(), FileError> {
    Ok(staycast_files::write_with(path, |file| {
        let mut encoder = zstd::Encoder::new(file, LEVEL)?;
        serde_json::to_writer(&mut encoder, value)?;
        encoder.finish().map(drop)
    })?)
}

/// Reads a file that [`write()`] wrote.
pub(crate) fn read<T: DeserializeOwned>(path: &Path) -> Result<T, FileError> {
    let text = zstd::decode_all(files::read(path)?.as_slice()).map_err(|error| FileError::damaged(path, error))?;
    serde_json::from_slice(&text).map_err(|error| FileError::damaged(path, error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_damaged_file_is_named() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("models.json.zst");
        write(&path, &vec![0.1_f64, 1.0 / 3.0]).expect("writable");
        assert_eq!(read::<Vec<f64>>(&path).expect("whole"), [0.1, 1.0 / 3.0]);
        let bytes = files::read(&path).expect("readable");
        std::fs::write(&path, &bytes[..bytes.len() - 3]).expect("writable");
        assert!(
            read::<staycast_baselines::BaselineModel>(&path)
                .expect_err("cut short")
                .to_string()
                .contains("models.json.zst")
        );
    }
}
