//! Log formats: one module for each, a list of them, and the functions that tell which one a log is of and open it.
//!
//! A format is an implementation of `LogFormat` in a module of its own. To add one, write the module and
//! add a line to the list in `registry.rs`.

mod calendar;
mod caliper;
mod copies;
mod course_ids;
mod coursera;
#[cfg(feature = "sql")]
mod database;
mod database_address;
mod database_source;
mod detect;
mod edx;
mod fields;
mod file_report;
mod futurelearn;
mod institutions;
mod kdd2015;
mod labels;
mod log_format;
#[cfg(test)]
mod many_files;
mod marked_lines;
mod moodle;
mod open;
mod open_options;
mod oulad;
mod pair_lookup;
mod registry;
mod repeats;
mod statements;
mod table;
mod xapi;
mod xuetangx2019;

pub use course_ids::course_key;
pub use database_address::{DatabaseAddress, DatabaseAddressError, DatabaseSystem};
pub use database_source::{DatabaseSource, DatabaseWait};
pub use institutions::{INSTITUTION, Institution, open_institutions};
pub use open::{open, open_in_blocks};
pub use open_options::OpenOptions;
pub use registry::{Format, UnknownFormat};
pub use table::described::{MappedColumn, mapped_columns};
pub use table::draft::{MappingDraft, draft_mapping};
