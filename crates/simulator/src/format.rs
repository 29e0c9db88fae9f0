//! The log formats that a simulation can be written in.

use std::fmt;
use std::str::FromStr;

/// Names a log format of a simulation. The reader of the same name reads it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SimulatedFormat {
    /// KDD Cup 2015 (XuetangX): `log.csv`, `enrollment.csv`, `date.csv`, `object.csv`, `truth.csv`.
    #[default]
    Kdd2015,
    /// Open edX tracking logs, one file per week, with `courses.csv` and `labels.csv`.
    Edx,
    /// Open University Learning Analytics Dataset: its seven tables, with `labels.csv`.
    Oulad,
}

impl SimulatedFormat {
    /// Lists every format.
    pub const ALL: [Self; 3] = [Self::Kdd2015, Self::Edx, Self::Oulad];

    /// Returns the format's name on the command line and in `simulation.json`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Kdd2015 => "kdd2015",
            Self::Edx => "edx",
            Self::Oulad => "oulad",
        }
    }
}

impl fmt::Display for SimulatedFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for SimulatedFormat {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|format| format.name() == name).ok_or_else(|| {
            let names: Vec<&str> = Self::ALL.into_iter().map(Self::name).collect();
            format!("`{name}` is not a format to simulate; choose from {}", names.join(", "))
        })
    }
}
