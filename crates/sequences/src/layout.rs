//! Names the files of a sequences folder.

/// File of the weekly rows.
pub(crate) const SEQUENCES: &str = "sequences.parquet";
/// File of the enrolments.
pub(crate) const ENROLMENTS: &str = "enrolments.parquet";
/// File of the courses.
pub(crate) const COURSES: &str = "courses.parquet";
/// File that describes the folder.
pub(crate) const MANIFEST: &str = "manifest.json";
/// File of the times and the memory that the build took.
pub(crate) const TIMING: &str = "timing.json";
