//! What each week looked like: the week grid, features, labels, the parallel builder, Parquet in and out.
//!
//! [`build()`] turns an opened log ([`staycast_events::Source`]) into a sequences folder; [`SequenceFolder`] reads one
//! back as a [`Dataset`]. [`standing`] says who is in a cohort at a cut-off. Nothing here knows a log format or a model.

mod build;
mod checkpoint;
mod cohort;
mod columns;
mod dataset;
mod error;
mod features;
mod folder;
mod grid;
mod labels;
pub mod manifest;
mod output;
mod parquet_out;
mod peers;
mod progress;
mod reading;
mod reduce;
mod reducing;
mod store;
mod tables;
mod timing;
mod values;

pub use build::{BuildOptions, DEFAULT_CHECKPOINT_BYTES, DEFAULT_MEMORY_BYTES, IfExists, RawKinds, build};
pub use cohort::{ACTIVE_WITHIN_DAYS, Standing, standing};
pub use dataset::{CourseRow, Dataset, EnrolmentRow, Selection};
pub use error::{BuildError, FolderError};
pub use features::{CONTENT, DAY_QUARTERS, Feature, FeatureSet, Needs, Storage, WEEKDAYS, features};
pub use folder::SequenceFolder;
pub use grid::WeekGrid;
pub use labels::{DropoutRule, UnknownRule};
pub use parquet_out::write_parquet;
pub use progress::{Progress, Unit, Unwatched};
pub use reduce::SESSION_GAP_SECONDS;
pub use staycast_weeks::{CutOff, Exclusion, SCORED, WeekIndex};
pub use timing::peak_memory_bytes;
