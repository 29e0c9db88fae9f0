//! The arguments of `staycast mapping`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// Draft a mapping of tables of no known format, or check one
///
/// A mapping is a file in TOML that says which column of a table is what. Staycast reads any CSV, JSON lines or Parquet
/// with one. The page docs/mappings.md explains every key.
#[derive(Debug, Args)]
#[command(arg_required_else_help = true)]
#[command(after_help = "\
Examples:
  staycast mapping new clicks.csv --out clicks.toml    a draft, to look through and complete
  staycast mapping check clicks.toml clicks.csv        what is understood, and what is not
  staycast preprocess clicks.csv --mapping clicks.toml --out sequences

The smallest mapping:
  single_course = \"CS101\"
  [log]
  files = \"clicks.csv\"
  columns.learner = \"user\"
  columns.time = { column = \"at\", format = \"%d/%m/%Y %H:%M\" }
  columns.activity = \"action\"
  [activities.kinds]
  \"play*\" = \"video\"")]
pub(crate) struct MappingArgs {
    #[command(subcommand)]
    pub(super) command: MappingCommand,
}

#[derive(Debug, Subcommand)]
pub(super) enum MappingCommand {
    /// Draft a mapping from the first rows of files
    ///
    /// Guesses which column is the learner, the course, the time with its format, and the kind of event. Marks what may
    /// be wrong, and what is left to fill in. No cell of the files is in the draft, except names of kinds that five
    /// learners or more have.
    #[command(after_help = "\
Examples:
  staycast mapping new clicks.csv                      print the draft
  staycast mapping new 'logs/*.csv.gz' --out clicks.toml")]
    New {
        /// Files of the log and tables beside it, or one folder of them
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
        /// File to write; it must not exist. Without it the draft is printed
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Read files with a mapping and say what is understood
    ///
    /// Prints each column with what it is taken for, rows by what becomes of them, and kinds of event with their
    /// activities. Kinds that the mapping does not declare come with their numbers of rows. Writes nothing. The status is 1
    /// when no row can be used, and 3 when more than 1 % are rejected.
    #[command(after_help = "\
Examples:
  staycast mapping check clicks.toml clicks.csv
  staycast mapping check clicks.toml export/ --json")]
    Check {
        /// The mapping
        #[arg(value_name = "MAPPING")]
        mapping: PathBuf,
        /// Files of the log and tables beside it, or one folder of them
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
        /// Take the dates of courses from this file: CSV with course_id, from, to
        #[arg(long, value_name = "FILE")]
        courses: Option<PathBuf>,
    },
}
