//! The index of an archive, and the names that may be in it.

use serde::{Deserialize, Serialize};

use super::error::ArchiveError;

/// Names the index, the first file of every archive.
pub(super) const INDEX: &str = "staycast-archive.json";
/// Bounds the bytes of a name: what the header of a ustar archive has room for without splitting.
const LONGEST_NAME: usize = 100;

/// Lists the files of an archive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ArchiveIndex {
    /// [`ARCHIVE_KIND`](super::ARCHIVE_KIND).
    pub(super) kind: String,
    /// [`ARCHIVE_VERSION`](super::ARCHIVE_VERSION) of the writer.
    pub(super) version: u32,
    /// Files in bytewise order of their names.
    pub(super) files: Vec<IndexedFile>,
}

/// Describes a file of an archive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IndexedFile {
    /// Name under the folder, with `/` between folders.
    pub name: String,
    /// Size in bytes.
    pub bytes: u64,
    /// CRC-32C (Castagnoli) of its content.
    pub crc32c: u32,
}

/// Checks that a name is the same file on every system, and inside the folder on all of them.
pub(super) fn check_name(name: &str) -> Result<(), ArchiveError> {
    let windows_devices = ["CON", "PRN", "AUX", "NUL"];
    let problem = if name.is_empty() {
        Some("it is empty")
    } else if name.len() > LONGEST_NAME {
        Some("it is longer than 100 bytes")
    } else if name.chars().any(|letter| letter.is_control() || "\\:*?\"<>|".contains(letter)) {
        Some("it has a letter that not all systems take")
    } else if name.starts_with('/') {
        Some("it begins at the root")
    } else if name.split('/').any(|part| part.is_empty() || part == "." || part == "..") {
        Some("it has an empty part, `.` or `..`, and may leave the folder")
    } else if name.split('/').any(|part| part.ends_with('.') || part.ends_with(' ')) {
        Some("a part ends with a dot or a space")
    } else if name.split('/').any(|part| {
        let stem = part.split('.').next().unwrap_or(part).to_ascii_uppercase();
        windows_devices.contains(&stem.as_str())
    }) {
        Some("a part is the name of a device on Windows")
    } else if name == INDEX {
        Some("it is the index's own")
    } else {
        None
    };
    match problem {
        None => Ok(()),
        Some(problem) => Err(ArchiveError::Name { name: printable(name), problem }),
    }
}

/// Checks that names are in order, no two the same (upper and lower case taken as one), and none a folder of another.
pub(super) fn check_order<'a>(names: impl Iterator<Item = &'a str>) -> Result<(), ArchiveError> {
    let mut before: Option<&str> = None;
    let mut files = std::collections::BTreeSet::new();
    let mut folders = std::collections::BTreeSet::new();
    for name in names {
        let refuse = |problem| Err(ArchiveError::Name { name: printable(name), problem });
        if before.is_some_and(|before| before >= name) {
            return refuse("it is there twice, or names are not in order");
        }
        before = Some(name);
        let folded = name.to_lowercase();
        for (at, _) in folded.match_indices('/') {
            folders.insert(folded[..at].to_owned());
        }
        if !files.insert(folded) {
            return refuse("it is there twice where upper and lower case are the same");
        }
    }
    match files.intersection(&folders).next() {
        None => Ok(()),
        Some(both) => Err(ArchiveError::Name { name: printable(both), problem: "it is a file and a folder" }),
    }
}

/// Returns a text for the screen that may quote an archive: no control characters.
pub(super) fn without_controls(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { '\u{fffd}' } else { letter }).collect()
}

/// Returns a text from an archive for the screen: no control characters, at most 120 letters.
pub(super) fn printable(text: &str) -> String {
    let mut shown: String = without_controls(text).chars().take(120).collect();
    if text.chars().nth(120).is_some() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_leave_the_folder_or_are_no_file_everywhere_are_refused() {
        for name in [
            "",
            "/etc/passwd",
            "../up",
            "a/../../up",
            "a//b",
            "a/",
            "./a",
            "a\\b",
            "c:a",
            "a\nb",
            "a\0b",
            "nul.json",
            "a/CON",
            "dot.",
            "space ",
            INDEX,
        ] {
            assert!(matches!(check_name(name), Err(ArchiveError::Name { .. })), "{name:?}");
        }
        assert!(check_name(&"x".repeat(101)).is_err());
        for name in ["config.toml", "checkpoints/member0.json", ".hidden", "weird name", "größe.json", "console.json"]
        {
            check_name(name).unwrap_or_else(|error| panic!("{error}"));
        }
    }

    #[test]
    fn repeated_names_and_files_that_are_folders_are_refused() {
        let check = |names: &[&str]| check_order(names.iter().copied());
        assert!(check(&["a", "b", "b/c"]).is_err(), "a file and a folder");
        assert!(check(&["a", "a"]).is_err());
        assert!(check(&["b", "a"]).is_err(), "order");
        assert!(check(&["A", "a"]).is_err(), "the same file on some systems");
        assert!(check(&["B", "b/c"]).is_err(), "file and folder on some systems");
        check(&["a", "b/c", "b/d", "e"]).expect("fine");
    }
}
