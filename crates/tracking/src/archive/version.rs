//! Kind and version of archives.

/// Names the kind that the index of every archive names.
pub const ARCHIVE_KIND: &str = "staycast-archive";
/// Sets the version of the layout. An archive of another version is refused.
pub const ARCHIVE_VERSION: u32 = 1;
