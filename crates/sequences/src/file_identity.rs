//! Tells one state of a file from another without reading it.

use std::fs::Metadata;

/// Identifies a file and its state: any write to it, and any other file in its place, gives another identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FileIdentity {
    /// Device and number on it; zeros where the system has none.
    pub(crate) device: u64,
    pub(crate) number: u64,
    pub(crate) bytes: u64,
    /// Time of the last change of the content, in nanoseconds since 1970-01-01; anybody can set it.
    pub(crate) modified: i128,
    /// Time of the last change of content, name or rights, in nanoseconds since 1970-01-01; only the system sets it.
    pub(crate) changed: i128,
}

impl FileIdentity {
    /// Tells whether a state of a file can be told from a later one for certain.
    pub(crate) const IS_CERTAIN: bool = cfg!(unix);

    /// Tells whether the content was changed since, as far as size and time of its last change say.
    pub(crate) fn has_content_of(&self, other: &Self) -> bool {
        (self.bytes, self.modified) == (other.bytes, other.modified)
    }

    #[cfg(unix)]
    pub(crate) fn of(metadata: &Metadata) -> Self {
        use std::os::unix::fs::MetadataExt;
        let nanoseconds = |seconds: i64, rest: i64| i128::from(seconds) * 1_000_000_000 + i128::from(rest);
        Self {
            device: metadata.dev(),
            number: metadata.ino(),
            bytes: metadata.len(),
            modified: nanoseconds(metadata.mtime(), metadata.mtime_nsec()),
            changed: nanoseconds(metadata.ctime(), metadata.ctime_nsec()),
        }
    }

    #[cfg(not(unix))]
    pub(crate) fn of(metadata: &Metadata) -> Self {
        let since = metadata.modified().ok().and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
        let modified = since.map_or(0, |since| since.as_nanos() as i128);
        Self { device: 0, number: 0, bytes: metadata.len(), modified, changed: modified }
    }
}
