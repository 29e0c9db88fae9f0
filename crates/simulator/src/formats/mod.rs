//! The formats that a simulation can be written in: how rows look, not what happens.

pub(crate) mod edx;
pub(crate) mod kdd2015;
pub(crate) mod oulad;

use std::fmt;
use std::str::FromStr;

use crate::Simulation;
use crate::damage::Broken;
use crate::digits::{push_number, push_probability};
use crate::history::History;
use crate::learner::Learner;

/// A log format that a simulation can be written in; each is read by the reader of that name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    /// KDD Cup 2015 (XuetangX): `log.csv`, `enrollment.csv`, `date.csv`, `object.csv`, `truth.csv`.
    #[default]
    Kdd2015,
    /// Open edX tracking logs, a file a week, with `courses.csv` and `labels.csv`.
    Edx,
    /// Open University Learning Analytics Dataset: its seven tables, with `labels.csv`.
    Oulad,
}

impl Format {
    /// Every format.
    pub const ALL: [Self; 3] = [Self::Kdd2015, Self::Edx, Self::Oulad];

    /// Its name on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Kdd2015 => "kdd2015",
            Self::Edx => "edx",
            Self::Oulad => "oulad",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Format {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|format| format.name() == name).ok_or_else(|| {
            let names: Vec<&str> = Self::ALL.into_iter().map(Self::name).collect();
            format!("`{name}` is not a format to simulate; choose from {}", names.join(", "))
        })
    }
}

/// The true probabilities' file, in every format.
pub(crate) const PROBABILITY_FILE: &str = "dropout_probability.csv";
pub(crate) const PROBABILITY_HEADER: &str = "enrollment_id,week,p_dropout\n";
/// The labels' file where the format has none of its own.
pub(crate) const LABELS_FILE: &str = "labels.csv";
pub(crate) const LABELS_HEADER: &str = "enrolment_id,label\n";

/// One enrolment, ready to be written.
#[derive(Clone, Copy)]
pub(crate) struct One<'a> {
    pub(crate) simulation: &'a Simulation,
    pub(crate) learner: &'a Learner,
    /// Place of the course.
    pub(crate) course: usize,
    /// Number of the enrolment, from 1.
    pub(crate) number: u64,
    pub(crate) history: &'a History,
}

/// What an enrolment left in the log.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Written {
    /// Rows, the broken ones not counted.
    pub(crate) rows: u64,
    pub(crate) broken: Broken,
}

/// How a format's tables look.
pub(crate) trait Layout: Sync {
    /// File names of the tables that hold something of every enrolment, in order.
    fn tables(&self) -> &[&'static str];

    /// Place of the log among them, of which `--size` speaks.
    fn log(&self) -> usize;

    /// Appends an enrolment to each of its tables, of which there are as many as names.
    fn enrolment(&self, out: &mut [Vec<u8>], one: &One<'_>) -> Written;

    /// Bytes of log that the enrolment leaves. `scratch` is as `out` of [`enrolment`](Self::enrolment), empty or not.
    fn log_bytes(&self, scratch: &mut [Vec<u8>], one: &One<'_>) -> u64 {
        for table in &mut *scratch {
            table.clear();
        }
        self.enrolment(scratch, one);
        scratch[self.log()].len() as u64
    }
}

/// Appends the label of the enrolment `id`.
pub(crate) fn push_label(out: &mut Vec<u8>, id: &[u8], history: &History) {
    out.extend_from_slice(id);
    out.extend_from_slice(if history.dropped_out { b",1\n" } else { b",0\n" });
}

/// Appends the enrolment's true probability at every cut-off.
pub(crate) fn push_probabilities(out: &mut Vec<u8>, id: &[u8], history: &History) {
    for (week, &p) in (1..).zip(&history.p_dropout) {
        out.extend_from_slice(id);
        out.push(b',');
        push_number(out, week);
        out.push(b',');
        push_probability(out, p);
        out.push(b'\n');
    }
}
