//! JSON files compressed with zstd: the models that are stored as numbers and names.

use std::io::{Read, Write};
use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::files::{self, FileError};

/// Sets how hard files are compressed: trees repeat themselves, and a level above takes longer than fitting some of them.
const LEVEL: i32 = 3;
/// Bounds what a file may unpack to, as a multiple of its size, where that is more than [`LEAST_BOUND`]. Models take about
/// ten times theirs.
const GREATEST_RATIO: u64 = 250;
const LEAST_BOUND: u64 = 32 << 20;
/// Sets the greatest window that is held in memory for unpacking: 2^27 bytes, the limit that zstd's own tool has.
const WINDOW_LOG: u32 = 27;

/// Writes `value` as compressed JSON.
pub(crate) fn write(path: &Path, value: &impl Serialize) -> Result<(), FileError> {
    Ok(staycast_files::write_with(path, |file| {
        let mut encoder = zstd::Encoder::new(file, LEVEL)?;
        serde_json::to_writer(&mut encoder, value)?;
        encoder.finish().map(drop)
    })?)
}

/// Writes `value` as compressed JSON behind its BLAKE3, for files that no manifest lists.
pub(crate) fn write_with_checksum(path: &Path, value: &impl Serialize) -> Result<(), FileError> {
    let json = serde_json::to_vec(value).map_err(|error| FileError::damaged(path, error))?;
    let checksum = blake3::hash(&json).to_hex();
    Ok(staycast_files::write_with(path, |file| {
        let mut encoder = zstd::Encoder::new(file, LEVEL)?;
        encoder.write_all(checksum.as_bytes())?;
        encoder.write_all(&json)?;
        encoder.finish().map(drop)
    })?)
}

/// Reads a file that [`write()`] wrote.
pub(crate) fn read<T: DeserializeOwned>(path: &Path) -> Result<T, FileError> {
    serde_json::from_slice(&unpack(path)?).map_err(|error| FileError::damaged(path, error))
}

/// Unpacks a file, unless it grows as no model does.
fn unpack(path: &Path) -> Result<Vec<u8>, FileError> {
    let packed = files::read(path)?;
    let most = (packed.len() as u64 * GREATEST_RATIO).max(LEAST_BOUND);
    let damaged = |error| FileError::damaged(path, error);
    let mut decoder = zstd::Decoder::new(packed.as_slice()).map_err(damaged)?;
    decoder.window_log_max(WINDOW_LOG).map_err(damaged)?;
    let mut text = Vec::new();
    decoder.take(most + 1).read_to_end(&mut text).map_err(damaged)?;
    if text.len() as u64 > most {
        let message = format!("its {} bytes unpack to more than {most}, which no model does", packed.len());
        return Err(FileError::damaged(path, message));
    }
    Ok(text)
}

/// Reads a file that [`write_with_checksum`] wrote.
pub(crate) fn read_with_checksum<T: DeserializeOwned>(path: &Path) -> Result<T, FileError> {
    let text = unpack(path)?;
    let fits = |(checksum, json): &(&[u8], &[u8])| *checksum == blake3::hash(json).to_hex().as_bytes();
    match text.split_at_checked(blake3::OUT_LEN * 2).filter(fits) {
        Some((_, json)) => serde_json::from_slice(json).map_err(|error| FileError::damaged(path, error)),
        None => Err(FileError::Changed { path: path.to_owned(), how: "its checksum is another".to_owned() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_unpacks_to_far_more_is_refused() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("models.json.zst");
        let spaces = vec![b' '; LEAST_BOUND as usize + 1];
        std::fs::write(&path, zstd::encode_all(spaces.as_slice(), 3).expect("memory")).expect("writable");
        let message = read::<Vec<f64>>(&path).expect_err("a bomb").to_string();
        assert!(message.contains("unpack to more than 33554432"), "{message}");
    }

    #[test]
    fn a_changed_number_is_noticed_where_the_file_has_a_checksum() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("boosting-member0.json.zst");
        write_with_checksum(&path, &vec![0.5_f64]).expect("writable");
        assert_eq!(read_with_checksum::<Vec<f64>>(&path).expect("whole"), [0.5]);
        let text = zstd::decode_all(files::read(&path).expect("readable").as_slice()).expect("packed");
        let changed = String::from_utf8(text).expect("text").replace("0.5", "0.6");
        std::fs::write(&path, zstd::encode_all(changed.as_bytes(), 3).expect("memory")).expect("writable");
        assert!(read_with_checksum::<Vec<f64>>(&path).expect_err("changed").to_string().contains("checksum"));
        std::fs::write(&path, zstd::encode_all(&b"short"[..], 3).expect("memory")).expect("writable");
        assert!(read_with_checksum::<Vec<f64>>(&path).is_err());
    }

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
