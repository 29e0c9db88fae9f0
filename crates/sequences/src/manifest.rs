//! Describes a sequences folder in `manifest.json`: its contents, their origin, and what was left out.
//!
//! Holds nothing that differs between equal runs; times and memory go to `timing.json`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use staycast_events::{Capabilities, DatesFrom, Notice};

use crate::feature_set::FeatureSet;
use crate::labels::DropoutRule;

/// Numbers the version of the folder's layout. Its manifests are always sealed.
pub const LAYOUT_VERSION: u32 = 3;
/// Numbers the version before, of which some manifests have no seal. It is read as well: the columns are the same.
const VERSION_BEFORE_SEALS: u32 = 2;

/// Tells whether folders of a layout version are read.
#[must_use]
pub const fn is_read(layout_version: u32) -> bool {
    layout_version == LAYOUT_VERSION || layout_version == VERSION_BEFORE_SEALS
}

/// Describes a sequences folder.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Always `staycast-sequences`.
    pub kind: String,
    /// [`LAYOUT_VERSION`] of the writer.
    pub layout_version: u32,
    /// Version of Staycast that wrote the folder.
    pub staycast_version: String,
    /// Log format.
    pub format: String,
    /// Reason for that format.
    pub format_reason: String,
    /// Capabilities of the source.
    #[serde(rename = "knows")]
    pub capabilities: Capabilities,
    /// The files read.
    pub inputs: Vec<InputRecord>,
    /// The files that were offered and not read, with the reason.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<LeftOutRecord>,
    /// What was odd about the files read, in sentences.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub file_notes: Vec<String>,
    /// Counts of the input's rows, used or not.
    pub rows: RowCounts,
    /// Notices about the log as a whole.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notices: Vec<Notice>,
    /// Calendar of the courses.
    pub calendar: CalendarRecord,
    /// Label rule, and counts of labels.
    pub labels: LabelRecord,
    /// What is odd about courses, by course.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<CourseWarning>,
    /// The other options the folder was built with.
    pub build: BuildRecord,
    /// Set of features that was asked for.
    pub feature_set: FeatureSet,
    /// The feature columns, in order.
    pub features: Vec<FeatureRecord>,
    /// Static columns of `enrolments.parquet`.
    pub static_columns: Vec<String>,
    /// Sizes.
    pub totals: Totals,
    /// The Parquet files written, with their hashes.
    pub outputs: Vec<OutputRecord>,
    /// The times that the folder was sealed again, the first one first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub resealed: Vec<ResealRecord>,
    /// BLAKE3 of this file, in hexadecimal, these 64 digits taken as zeros; absent in folders of before there were seals.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seal: Option<String>,
}

/// Describes a file that was read, or a table of a database.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InputRecord {
    /// Role of the file in the format: `log`, `enrolments`, `calendar` …
    pub role: String,
    /// File name, without its folder; of a table, the database's address, without user and password, and its name.
    pub file: String,
    /// Whether the name is not UTF-8: U+FFFD stands for what is no text in it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub lossy: bool,
    /// Size on disk; 0 for a table.
    pub bytes: u64,
    /// BLAKE3 of the bytes on disk, in hexadecimal; of a table, of its rows or, of a log that is read as a stream, of
    /// their number and their ids.
    pub blake3: String,
    /// Rows and ids of a table.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table: Option<TableRecord>,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_false(value: &bool) -> bool {
    !*value
}

/// Describes a file that was offered and not read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LeftOutRecord {
    /// Its path from the folder that was given on, or its name.
    pub file: String,
    /// Completes a sentence that begins with its name: "is empty".
    pub why: String,
}

/// Counts the rows of a table of a database.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TableRecord {
    /// Rows read.
    pub rows: u64,
    /// Lowest and highest id, of a log that is read as a stream.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ids: Option<(i64, i64)>,
}

/// Counts the rows of the event files, used or not.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RowCounts {
    /// Rows read: `used` plus all `rejected` plus all `set_aside`.
    pub read: u64,
    /// Rows that became events.
    pub used: u64,
    /// Rows that could not be used, by reason: something is wrong with them.
    pub rejected: BTreeMap<String, ReasonCount>,
    /// Rows that are fine but have no place in the sequences, by reason.
    pub set_aside: BTreeMap<String, ReasonCount>,
    /// Rejected rows of the roster's tables (enrolments, calendar, labels …), by reason.
    pub rejected_roster: BTreeMap<String, ReasonCount>,
    /// Rows of the roster's tables that are fine but of no use, by reason.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub set_aside_roster: BTreeMap<String, ReasonCount>,
    /// Share of the rows read, of event files and tables, that was rejected.
    pub rejected_share: f64,
    /// Rows of each of the roster's tables.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tables: BTreeMap<String, TableRows>,
    /// Rows used whose kind of event neither the format nor a mapping knows, where there are any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unknown_kinds: Option<UnknownKindsRecord>,
}

/// Counts rows of kinds of event that neither the format nor a mapping knows. They count as `other`, or as the mapping's
/// default.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UnknownKindsRecord {
    /// Rows.
    pub rows: u64,
    /// Share of the rows used.
    pub share: f64,
    /// The kinds with the most rows, at most 20.
    pub most_frequent: Vec<UnknownKindRecord>,
}

impl UnknownKindsRecord {
    /// Bounds the share of the rows used that such kinds may have without a warning.
    pub const GREATEST_SHARE: f64 = 0.05;
}

/// Describes a kind of event that neither the format nor a mapping knows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UnknownKindRecord {
    /// The source's name for it or, where that may say who somebody is, the shape of the name.
    pub kind: String,
    /// Rows.
    pub rows: u64,
}

/// Counts the rows of a table beside the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TableRows {
    /// Rows read.
    pub read: u64,
    /// Rows rejected.
    pub rejected: u64,
    /// Of these, rows that say something else than an earlier one of the same id.
    pub contradictions: u64,
}

impl RowCounts {
    /// Returns the table of whose rows the greatest share was rejected, and that share; the log is `log`.
    #[must_use]
    pub fn worst_table(&self) -> (&str, f64) {
        let rejected = self.rejected.values().map(|count| count.rows).sum();
        worst_table(self.read, rejected, &self.tables)
    }
}

/// Returns the table of whose rows the greatest share was rejected, and that share; the log, of which `read` rows were read
/// and `rejected` rejected, is `log`.
#[must_use]
pub fn worst_table(read: u64, rejected: u64, tables: &BTreeMap<String, TableRows>) -> (&str, f64) {
    let share = |rejected: u64, read: u64| if read == 0 { 0.0 } else { rejected as f64 / read as f64 };
    let tables = tables.iter().map(|(name, rows)| (name.as_str(), share(rows.rejected, rows.read)));
    tables.fold(("log", share(rejected, read)), |worst, one| if one.1 > worst.1 { one } else { worst })
}

/// Counts rows, and holds the first few of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReasonCount {
    /// Rows.
    pub rows: u64,
    /// The first ones, in the order of the input.
    pub samples: Vec<SampleRecord>,
}

/// Says where a rejected row stands. Never names a learner.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SampleRecord {
    /// File name, without its folder.
    pub file: String,
    /// Line, from 1; row, from 1, in files without lines.
    pub line: u64,
    /// Description of what is wrong.
    pub what: String,
}

/// Describes the calendar.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CalendarRecord {
    /// Origin of the courses' dates: `source`, `courses-file` or `inferred`.
    pub source: String,
    /// When the log was taken, `YYYY-MM-DDTHH:MM:SS`.
    pub as_of: String,
    /// `given`, or `newest event`.
    pub as_of_source: String,
    /// Most weeks of a course.
    pub weeks: u32,
    /// Limit of weeks, where one was given.
    pub weeks_limit: Option<u32>,
    /// Days with events so far from the rest of their course that they say neither when it runs nor when the log was
    /// taken.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stray_days: Vec<StrayDaysRecord>,
}

/// Describes days with events that are far from their course.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StrayDaysRecord {
    /// The course.
    pub course: String,
    /// First day, `YYYY-MM-DD`.
    pub first: String,
    /// Last day, `YYYY-MM-DD`.
    pub last: String,
    /// Events.
    pub events: u64,
    /// Whether these events are set aside, as `implausible_time`. Else they have a place in the course's calendar or after
    /// its end, and are only passed over when it is inferred when the log was taken.
    pub set_aside: bool,
}

/// Says what is odd about a course, so that somebody should look at it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case", deny_unknown_fields)]
pub enum CourseWarning {
    /// It has enrolments, and not an event within its dates or before them.
    NoEvents {
        /// The course.
        course: String,
        /// Its enrolments.
        enrolments: u64,
    },
    /// Nobody is enrolled in it.
    NoEnrolments {
        /// The course.
        course: String,
    },
    /// Nothing says when it runs, so that its enrolments are left out.
    NoDates {
        /// The course.
        course: String,
        /// Enrolments left out.
        enrolments: u64,
        /// Where dates were looked for.
        dates_from: DatesFrom,
    },
    /// Its inferred dates are further apart than those of courses are.
    LongCalendar {
        /// The course.
        course: String,
        /// First day, `YYYY-MM-DD`.
        first: String,
        /// Last day, `YYYY-MM-DD`.
        last: String,
        /// Weeks.
        weeks: u32,
    },
    /// Nearly all of its learners are dropouts.
    NearlyAllDropouts {
        /// The course.
        course: String,
        /// Enrolments with a known outcome.
        known: u64,
        /// Of these, dropouts.
        dropouts: u64,
    },
}

/// Holds the options that a folder was built with, so that another build can tell whether it would give the same.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BuildRecord {
    /// [`BuildOptions::weeks`](crate::BuildOptions::weeks).
    pub weeks: Option<u32>,
    /// [`BuildOptions::rule`](crate::BuildOptions::rule), where one was given.
    pub rule: Option<String>,
    /// [`BuildOptions::week_ending`](crate::BuildOptions::week_ending) as `YYYY-MM-DD`.
    pub week_ending: Option<String>,
    /// [`Source::as_of`](staycast_events::Source::as_of) as `YYYY-MM-DDTHH:MM:SS`.
    pub as_of: Option<String>,
    /// Columns were added for the source's own kinds.
    pub raw_kinds: bool,
    /// [`BuildOptions::score_lag_days`](crate::BuildOptions::score_lag_days).
    pub score_lag_days: u32,
    /// The enrolments that count of those who enrolled again: `last` or `each`; absent where the first does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enrolment: Option<String>,
}

/// Describes the labels.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LabelRecord {
    /// Rule that says who dropped out.
    pub rule: DropoutRule,
    /// Enrolments with a known label.
    pub known: u64,
    /// Of these, dropouts.
    pub dropouts: u64,
    /// Enrolments without a label, by reason.
    pub unknown: BTreeMap<String, u64>,
    /// First day, `YYYY-MM-DD`, on which a log that was taken then would know the outcomes that are unknown because it was
    /// taken too early.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub known_from: Option<String>,
}

/// Describes one feature column.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FeatureRecord {
    /// Column name.
    pub name: String,
    /// Unit of the values.
    pub unit: String,
    /// Meaning of the values, in words.
    pub meaning: String,
    /// Reason for which the whole column is null; absent when the source can know it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lacking: Option<String>,
}

/// Counts the folder's contents.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Totals {
    /// Courses.
    pub courses: u64,
    /// Enrolments.
    pub enrolments: u64,
    /// Distinct learners; equal to `enrolments` where the source does not identify learners.
    pub learners: u64,
    /// Events used, a row of counts weighing as many.
    pub events: u64,
    /// Rows of `sequences.parquet`.
    pub enrolment_weeks: u64,
    /// Rows of raw enrolments that were left out of the sequences, by reason.
    pub enrolments_left_out: BTreeMap<String, u64>,
}

/// Describes a file that was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OutputRecord {
    /// File name in the folder.
    pub file: String,
    /// Rows.
    pub rows: u64,
    /// Size.
    pub bytes: u64,
    /// BLAKE3 of the bytes, in hexadecimal.
    pub blake3: String,
    /// Row groups; absent in folders of before there were seals.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub row_groups: Option<u64>,
    /// Types of the columns by name; absent in folders of before there were seals.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub columns: BTreeMap<String, String>,
}

/// Records that a folder was sealed again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResealRecord {
    /// When, `YYYY-MM-DDTHH:MM:SS` in UTC.
    pub at: String,
    /// Version of Staycast that sealed it.
    pub staycast_version: String,
    /// The files that were not as they had been sealed.
    pub edited: Vec<EditedFile>,
}

/// Describes a file that was edited between two seals.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EditedFile {
    /// File name in the folder.
    pub file: String,
    /// BLAKE3 of what had been sealed, in hexadecimal; absent for a manifest that had no seal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blake3_before: Option<String>,
}

impl Manifest {
    /// Tells whether it is of a version before [`LAYOUT_VERSION`], which asked for less.
    #[must_use]
    pub(crate) const fn is_older(&self) -> bool {
        self.layout_version < LAYOUT_VERSION
    }

    /// Returns the last time that the folder was sealed after an edit; `None` where it is as it was written.
    #[must_use]
    pub fn last_edit(&self) -> Option<&ResealRecord> {
        self.resealed.iter().rev().find(|record| !record.edited.is_empty())
    }

    /// Computes one hash that stands for the data, from the output files' hashes, in order. Runs keep it to say what they were
    /// trained on.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let mut hasher = blake3::Hasher::new();
        for output in &self.outputs {
            hasher.update(output.blake3.as_bytes());
        }
        hasher.finalize().to_hex().to_string()
    }

    /// Finds the edits that were sealed after the folder had this `fingerprint`, the first one first; `None` where it never
    /// had, or still has it.
    #[must_use]
    pub fn edits_since(&self, fingerprint: &str) -> Option<&[ResealRecord]> {
        let mut before = self.clone();
        for (at, record) in self.resealed.iter().enumerate().rev() {
            for edited in &record.edited {
                let output = before.outputs.iter_mut().find(|output| output.file == edited.file);
                if let Some((output, blake3)) = output.zip(edited.blake3_before.clone()) {
                    output.blake3 = blake3;
                }
            }
            if before.fingerprint() == fingerprint && self.fingerprint() != fingerprint {
                return self.resealed.get(at..);
            }
        }
        None
    }

    /// Tells whether the source records withdrawals, so that `active` means "not withdrawn".
    #[must_use]
    pub fn records_withdrawals(&self) -> bool {
        self.capabilities.withdrawals
    }

    /// Lists the names of the features that the source can know.
    pub fn available_features(&self) -> impl Iterator<Item = &str> {
        self.features.iter().filter(|feature| feature.lacking.is_none()).map(|feature| feature.name.as_str())
    }
}
