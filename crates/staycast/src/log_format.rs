//! The log formats as the command line names them.

use std::path::Path;

use clap::ValueEnum;
use staycast_events::formats::Format;

use crate::status::usage;

/// The formats by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum FormatName {
    /// Told from names and headers
    Auto,
    /// KDD Cup 2015 (XuetangX): log*.csv, enrollment*.csv, date.csv; object.csv and truth*.csv if there
    Kdd2015,
    /// Open University Learning Analytics Dataset: its seven tables
    Oulad,
    /// Tracking logs of Open edX: JSON lines; dates of courses from --courses, or inferred
    Edx,
    /// xAPI statements, as JSON lines or arrays
    Xapi,
    /// Caliper 1.2 events, as JSON lines, arrays or envelopes
    Caliper,
    /// XuetangX 2019 (MOOCData): *_log.csv; *_truth.csv and course_info.csv if there
    Xuetangx2019,
    /// Moodle's standard log as CSV; tables of courses, enrolments and roles if there (or see --source)
    Moodle,
    /// Coursera's clickstream export: CSV of 16 columns without a header
    Coursera,
    /// FutureLearn's exports: RUN_enrolments.csv, RUN_step-activity.csv and more, of any number of runs
    Futurelearn,
    /// Any CSV, JSON lines or Parquet files, described by --mapping
    Table,
}

/// The format that a name and a mapping ask for; `None` to tell it from the files.
pub(crate) fn format(name: FormatName, mapping: Option<&Path>) -> anyhow::Result<Option<Format>> {
    let format = match name {
        FormatName::Auto => None,
        FormatName::Kdd2015 => Some(Format::Kdd2015),
        FormatName::Oulad => Some(Format::Oulad),
        FormatName::Edx => Some(Format::Edx),
        FormatName::Xapi => Some(Format::Xapi),
        FormatName::Caliper => Some(Format::Caliper),
        FormatName::Xuetangx2019 => Some(Format::Xuetangx2019),
        FormatName::Moodle => Some(Format::Moodle),
        FormatName::Coursera => Some(Format::Coursera),
        FormatName::Futurelearn => Some(Format::Futurelearn),
        FormatName::Table => Some(Format::Table),
    };
    match (format, mapping) {
        (Some(Format::Table), None) => {
            Err(usage("--format table needs --mapping FILE, which says which column is what"))
        }
        // Without a format, a mapping is of tables; opening takes it for that.
        (None | Some(Format::Table), _) | (Some(_), None) => Ok(format),
        (Some(_), Some(_)) => Err(usage("--mapping describes tables of no known format: it goes with --format table")),
    }
}
