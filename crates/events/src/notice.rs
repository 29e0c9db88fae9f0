//! Notices about a log of which nothing is wrong row by row.

use std::fmt;

use serde::{Deserialize, Serialize};

/// States a fact about a whole log that somebody should look at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case", deny_unknown_fields)]
pub enum Notice {
    /// Accounts of several sites, by their home pages. Those of the site with the earliest statement go by their names,
    /// those of others by `<site>|<name>`.
    SeveralSites {
        /// Sites.
        sites: u64,
        /// Names that accounts at more than one of them have.
        shared_names: u64,
    },
    /// User ids that stand for several people, as in logs of two sites that both count from 1. The learners of one id are
    /// taken for the same.
    SharedUserIds {
        /// Ids that come with several names.
        with_several_names: u64,
        /// Ids that come from hosts of several sites.
        at_several_sites: u64,
        /// Files that have them, without their folders.
        files: Vec<String>,
    },
    /// Ids of rows that come again with another time, as in logs of two sites that both count from 1. The rows count as
    /// different ones; learners and courses of one number are taken for the same.
    ClashingIds {
        /// Such ids. In long logs a part of the ids is looked at.
        at_least: u64,
    },
    /// Withdrawals on a day before that of their own enrolment, which count as none.
    WithdrawnBeforeEnrolled {
        /// Enrolments.
        enrolments: u64,
    },
    /// Withdrawals after the last day of the course, which count as none.
    WithdrawnAfterCourse {
        /// Enrolments.
        enrolments: u64,
    },
    /// Ids that are written as R writes round numbers, `1e+05`, and come in full as well. They count as others.
    RoundNumbers {
        /// Such ids.
        ids: u64,
    },
    /// Enrolments without a label in the table that has the labels of all: their outcome is unknown.
    MissingLabels {
        /// Enrolments.
        enrolments: u64,
    },
    /// Files of the log that overlap: the first lines of the one stand in the other. Rows that both have count twice.
    OverlappingFiles {
        /// The names of the first such pairs: the file that begins within the other, and the other.
        files: Vec<[String; 2]>,
        /// How many pairs there are.
        pairs: u64,
    },
    /// A file became longer while it was read. Its first bytes count.
    Grew {
        /// Its name.
        file: String,
        /// The bytes that count: those that it had when it was first opened.
        bytes: u64,
    },
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SeveralSites { sites, shared_names } => write!(
                f,
                "accounts of {sites} home pages; {shared_names} of their names are at more than one. Those of the first \
                 go by name, others by `site|name`"
            ),
            Self::SharedUserIds { with_several_names, at_several_sites, files } => {
                let mut what = Vec::new();
                if *with_several_names > 0 {
                    what.push(format!("{with_several_names} with several names"));
                }
                if *at_several_sites > 0 {
                    what.push(format!("{at_several_sites} from hosts of several sites"));
                }
                write!(
                    f,
                    "user ids that may be of several people: {} (in {}). Learners of one id are taken for the same",
                    what.join(", "),
                    files.join(", ")
                )
            }
            Self::ClashingIds { at_least } => write!(
                f,
                "{at_least} or more row ids come again with another time, as in logs of two sites. These rows are not \
                 repeats, but learners and courses of equal ids are taken for the same"
            ),
            Self::WithdrawnBeforeEnrolled { enrolments } => {
                write!(f, "dated before their own enrolment, and so counted as none: {enrolments} of the withdrawals")
            }
            Self::WithdrawnAfterCourse { enrolments } => {
                write!(
                    f,
                    "dated after the end of their course, and so counted as none: {enrolments} of the withdrawals"
                )
            }
            Self::RoundNumbers { ids } => write!(
                f,
                "ids that come in full, and also as R writes round numbers (1e+05): {ids}. They count as different ones. Write \
                 all in full, as R's format(id, scientific = FALSE) does"
            ),
            Self::MissingLabels { enrolments } => {
                write!(
                    f,
                    "without a label in the enrolments table, so that their outcome is unknown: {enrolments} of the rows"
                )
            }
            Self::OverlappingFiles { files, pairs } => {
                let named: Vec<String> = files.iter().map(|[one, other]| format!("{one} in {other}")).collect();
                let more = match pairs.saturating_sub(files.len() as u64) {
                    0 => String::new(),
                    more => format!(", and {more} more such pairs"),
                };
                write!(
                    f,
                    "the first lines of a file stand in another one too, and rows that both have count twice: {}{more}",
                    named.join(", ")
                )
            }
            Self::Grew { file, bytes } => {
                write!(f, "{file} became longer while it was read. The {bytes} bytes count that it had at first")
            }
        }
    }
}
