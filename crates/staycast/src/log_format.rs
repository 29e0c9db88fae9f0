//! The log formats as the command line names them: those of the events library, and `auto`.

use std::path::Path;
use std::sync::LazyLock;

use clap::ValueEnum;
use clap::builder::PossibleValue;
use staycast_events::formats::Format;

use crate::status::usage;

/// Names a log format, or asks to recognise it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FormatChoice {
    /// Recognised from names and headers of the files.
    Auto,
    /// Given by name.
    Named(Format),
}

impl ValueEnum for FormatChoice {
    fn value_variants<'a>() -> &'a [Self] {
        static CHOICES: LazyLock<Vec<FormatChoice>> = LazyLock::new(|| {
            std::iter::once(FormatChoice::Auto).chain(Format::ALL.into_iter().map(FormatChoice::Named)).collect()
        });
        &CHOICES
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(match self {
            Self::Auto => PossibleValue::new("auto").help("Recognised from names and headers"),
            Self::Named(format) => PossibleValue::new(format.name()).help(describe_files(*format)),
        })
    }
}

/// Says which files make up a log of the format.
const fn describe_files(format: Format) -> &'static str {
    match format {
        Format::Kdd2015 => {
            "KDD Cup 2015 (XuetangX): log*.csv, enrollment*.csv, date.csv; object.csv, truth*.csv if there"
        }
        Format::Oulad => "Open University Learning Analytics Dataset: its seven tables",
        Format::Edx => "Tracking logs of Open edX: JSON lines; dates of courses from --courses, or inferred",
        Format::Xapi => "xAPI statements, as JSON lines or arrays",
        Format::Caliper => "Caliper 1.2 events, as JSON lines, arrays or envelopes",
        Format::Xuetangx2019 => "XuetangX 2019 (MOOCData): *_log.csv; *_truth.csv and course_info.csv if there",
        Format::Moodle => "Moodle's standard log as CSV; tables of courses, enrolments and roles if there",
        Format::Coursera => "Coursera's clickstream export: CSV of 16 columns without a header",
        Format::Futurelearn => "FutureLearn's exports of any number of runs: RUN_enrolments.csv and its companions",
        Format::Table => "Any CSV, JSON lines or Parquet files, described by --mapping",
    }
}

/// Returns the format that a choice and a mapping ask for; `None` to recognise it from the files.
pub(crate) fn resolve_format(choice: FormatChoice, mapping: Option<&Path>) -> anyhow::Result<Option<Format>> {
    match (choice, mapping) {
        (FormatChoice::Named(Format::Table), None) => {
            Err(usage("--format table needs --mapping FILE, which says which column is what"))
        }
        // Without a format, a mapping is of tables; opening takes it for that.
        (FormatChoice::Auto, _) => Ok(None),
        (FormatChoice::Named(format @ Format::Table), _) | (FormatChoice::Named(format), None) => Ok(Some(format)),
        (FormatChoice::Named(_), Some(_)) => {
            Err(usage("--mapping describes tables of no known format: it goes with --format table"))
        }
    }
}
