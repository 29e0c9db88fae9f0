//! Names the files of a sequences folder.

/// Names the file of the weekly rows.
pub(crate) const SEQUENCES: &str = "sequences.parquet";
/// Names the file of the enrolments.
pub(crate) const ENROLMENTS: &str = "enrolments.parquet";
/// Names the file of the courses.
pub(crate) const COURSES: &str = "courses.parquet";
/// Names the file that describes the folder.
pub(crate) const MANIFEST: &str = "manifest.json";
/// Names the file of the times and the memory that the build took.
pub(crate) const TIMING: &str = "timing.json";
/// Names the kind that the manifest of a sequences folder states.
pub const SEQUENCES_KIND: &str = "staycast-sequences";
/// Lists the files of a sequences folder.
pub const SEQUENCES_FILES: [&str; 5] = [SEQUENCES, ENROLMENTS, COURSES, MANIFEST, TIMING];
