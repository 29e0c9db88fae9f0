//! Seals a manifest: a hash of its own text in it, so that no byte of it changes unseen.

use std::fs;
use std::io::Read;
use std::path::Path;

use serde_json::Value;

use crate::error::FolderError;
use crate::layout::{MANIFEST, SEQUENCES_KIND};
use crate::manifest::{LAYOUT_VERSION, Manifest, is_read};

/// Counts the digits of a seal.
const SEAL_DIGITS: usize = 64;
/// Bounds the size of a manifest that is read.
const GREATEST_MANIFEST_BYTES: u64 = 256 << 20;

/// Says whether a manifest is as it was sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seal {
    /// It is.
    Holds,
    /// It is not: it was damaged, or edited.
    Broken,
    /// It has none: it was written before there were seals.
    Absent,
    /// It has none, and was written with one.
    Missing,
}

/// Writes `manifest` as the text of a file, sealed. Returns both.
pub(crate) fn sealed(mut manifest: Manifest) -> (Manifest, String) {
    manifest.seal = Some(zeros());
    let text = text_of(&manifest);
    manifest.seal = Some(blake3::hash(text.as_bytes()).to_hex().to_string());
    let text = text_of(&manifest);
    (manifest, text)
}

fn text_of(manifest: &Manifest) -> String {
    let mut text = serde_json::to_string_pretty(manifest).expect("a manifest has a JSON form");
    text.push('\n');
    text
}

fn zeros() -> String {
    "0".repeat(SEAL_DIGITS)
}

/// Says whether the seal in `text` is that of `text`.
fn check(text: &str, seal: Option<&str>) -> Seal {
    let Some(seal) = seal else { return Seal::Absent };
    let is_hash = seal.len() == SEAL_DIGITS && seal.bytes().all(|byte| byte.is_ascii_hexdigit());
    if !is_hash || text.matches(seal).count() != 1 {
        return Seal::Broken;
    }
    let unsealed = text.replacen(seal, &zeros(), 1);
    if blake3::hash(unsealed.as_bytes()).to_hex().as_str() == seal { Seal::Holds } else { Seal::Broken }
}

/// Reads the manifest of the folder at `path`, and says whether its seal holds.
pub(crate) fn read_manifest(path: &Path) -> Result<(Manifest, Seal), FolderError> {
    let not = |why: String| FolderError::NotAFolder { path: path.to_owned(), why };
    if !path.is_dir() {
        return Err(not(if path.exists() { "it is a file" } else { "there is no such folder" }.to_owned()));
    }
    let file = path.join(MANIFEST);
    if !file.is_file() {
        return Err(not(format!("it has no {MANIFEST}")));
    }
    let text = read_text(&file).map_err(|error| not(format!("{MANIFEST}: {error}")))?;
    let value: Value = serde_json::from_str(&text).map_err(|error| not(format!("{MANIFEST}: {error}")))?;
    let kind = value["kind"].as_str().unwrap_or_default();
    if kind != SEQUENCES_KIND {
        return Err(not(match kind.strip_prefix("staycast-") {
            Some(other) => format!("it is a {other}"),
            None => format!("{MANIFEST} is not that of sequences"),
        }));
    }
    let found = value["layout_version"].as_u64().unwrap_or(0);
    if !u32::try_from(found).is_ok_and(is_read) {
        return Err(FolderError::Version { path: path.to_owned(), found, expected: LAYOUT_VERSION });
    }
    let seal = check(&text, value["seal"].as_str());
    // From the text: in a value, the later of two entries of one name would have taken the place of the first.
    let manifest: Manifest =
        serde_json::from_str(&text).map_err(|error| FolderError::damaged(&file, error.to_string()))?;
    // Row groups and types of columns are in manifests since they are sealed.
    let was_sealed = !manifest.is_older()
        || manifest.outputs.iter().any(|output| output.row_groups.is_some() || !output.columns.is_empty());
    Ok((manifest, if seal == Seal::Absent && was_sealed { Seal::Missing } else { seal }))
}

fn read_text(path: &Path) -> std::io::Result<String> {
    let mut text = String::new();
    fs::File::open(path)?.take(GREATEST_MANIFEST_BYTES).read_to_string(&mut text)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seal_holds_for_its_own_text_only() {
        let zeros = zeros();
        let text = |rows: u32, seal: &str| format!("{{\n  \"rows\": {rows},\n  \"seal\": \"{seal}\"\n}}\n");
        let seal = blake3::hash(text(3, &zeros).as_bytes()).to_hex().to_string();
        assert_eq!(check(&text(3, &seal), Some(&seal)), Seal::Holds);
        assert_eq!(check(&text(4, &seal), Some(&seal)), Seal::Broken);
        assert_eq!(check(&format!("{} ", text(3, &seal)), Some(&seal)), Seal::Broken);
        assert_eq!(check(&text(3, &zeros), Some(&zeros)), Seal::Broken);
        assert_eq!(check(&text(3, ""), Some("")), Seal::Broken);
        assert_eq!(check(&text(3, &zeros), None), Seal::Absent);
    }
}
