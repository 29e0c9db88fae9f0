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
            std::iter::once(FormatChoice::Auto).chain(Format::all().map(FormatChoice::Named)).collect()
        });
        &CHOICES
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(match self {
            Self::Auto => PossibleValue::new("auto").help("Recognised from names and headers"),
            Self::Named(format) => PossibleValue::new(format.name()).help(format.summary()),
        })
    }
}

/// Returns the format that a choice and a mapping ask for; `None` to recognise it from the files.
pub(crate) fn resolve_format(choice: FormatChoice, mapping: Option<&Path>) -> anyhow::Result<Option<Format>> {
    match (choice, mapping) {
        (FormatChoice::Named(format), None) if format.needs_mapping() => {
            Err(usage("--format table needs --mapping FILE, which says which column is what"))
        }
        // Without a format, a mapping is of tables; opening takes it for that.
        (FormatChoice::Auto, _) => Ok(None),
        (FormatChoice::Named(format), Some(_)) if !format.needs_mapping() => {
            Err(usage("--mapping describes tables of no known format: it goes with --format table"))
        }
        (FormatChoice::Named(format), _) => Ok(Some(format)),
    }
}
