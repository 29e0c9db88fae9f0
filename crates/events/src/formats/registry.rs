//! The list of log formats. The command line derives its own from it.

use std::fmt;
use std::str::FromStr;

use super::caliper::Caliper;
use super::coursera::Coursera;
use super::edx::Edx;
use super::futurelearn::FutureLearn;
use super::kdd2015::Kdd2015;
use super::log_format::LogFormat;
use super::moodle::Moodle;
use super::oulad::Oulad;
use super::table::MappedTables;
use super::xapi::Xapi;
use super::xuetangx2019::XuetangX2019;

/// Lists every format, in the order in which files are tried: the first that finds evidence is taken.
static FORMATS: [&dyn LogFormat; 10] =
    [&Kdd2015, &Oulad, &Edx, &Xapi, &Caliper, &XuetangX2019, &Moodle, &FutureLearn, &Coursera, &MappedTables];

/// Names a log format.
#[derive(Clone, Copy)]
pub struct Format(&'static dyn LogFormat);

impl Format {
    /// Lists every format.
    pub fn all() -> impl Iterator<Item = Self> {
        FORMATS.into_iter().map(Self)
    }

    /// Returns its name on the command line and in manifests.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.0.name()
    }

    /// Describes the format's files in one line.
    #[must_use]
    pub fn summary(self) -> &'static str {
        self.0.summary()
    }

    /// Tells whether the format's files are described by a mapping.
    #[must_use]
    pub fn needs_mapping(self) -> bool {
        self == Self(&MappedTables)
    }

    /// Returns the format of tables that a mapping describes.
    pub(crate) fn mapped_tables() -> Self {
        Self(&MappedTables)
    }

    pub(crate) fn implementation(self) -> &'static dyn LogFormat {
        self.0
    }
}

impl PartialEq for Format {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name()
    }
}

impl Eq for Format {}

impl fmt::Debug for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Format").field(&self.name()).finish()
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Holds a name that is not of a log format.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a log format; the formats are {list}", list = names())]
pub struct UnknownFormat(String);

fn names() -> String {
    Format::all().map(Format::name).collect::<Vec<_>>().join(", ")
}

impl FromStr for Format {
    type Err = UnknownFormat;

    fn from_str(name: &str) -> Result<Self, UnknownFormat> {
        Self::all().find(|format| format.name() == name).ok_or_else(|| UnknownFormat(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_distinct_and_parse_back() {
        let names: Vec<&str> = Format::all().map(Format::name).collect();
        for (place, name) in names.iter().enumerate() {
            assert!(!names[..place].contains(name), "{name}");
            assert_eq!(name.parse::<Format>().unwrap().name(), *name);
        }
        assert!("excel".parse::<Format>().is_err());
    }
}
