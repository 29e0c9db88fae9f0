//! Counts of rows: each is used, set aside, or rejected, under a named reason (invariant 2).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub(crate) use crate::cells::shape;
use crate::unknown_kinds::UnknownKinds;

/// Says why a row did not become an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// Not the header's number of fields, or broken quoting or JSON.
    Malformed,
    /// Bytes that are not UTF-8.
    NotUtf8,
    /// A line past the longest a reader takes.
    LineTooLong,
    /// A time that can't be read.
    BadTime,
    /// A count that is not a whole number from 0 up.
    BadCount,
    /// Another value that can't be read.
    BadValue,
    /// No id where one must be.
    MissingId,
    /// An enrolment that no table names.
    UnknownEnrolment,
    /// An enrolment whose course no table names, or whose course has no dates.
    UnknownCourse,
    /// An object or assessment that no table names, where one must be.
    UnknownObject,
    /// So far from the rest of the course that the time must be wrong, or says nothing of how the course ran.
    ImplausibleTime,
    /// The same row of a table twice, where the second says something else.
    Contradiction,
    /// After the course's last day.
    AfterCalendar,
    /// After the instant the log is said to be taken.
    AfterAsOf,
    /// A row that counts as no event.
    ZeroCount,
    /// A source's own event identifier came before.
    RepeatedId,
    /// A result carried over from an earlier run.
    Banked,
    /// The same row of a table again.
    Repeated,
    /// Another enrolment of a learner in a course, of which one counts.
    EnrolledAgain,
    /// A row of a table of labels without a label: the outcome is unknown.
    MissingLabel,
    /// A row of no concern: the format or the mapping sets its like aside (staff, guests, what is not of a course).
    FilteredOut,
    /// An event of nobody: a visitor who is not logged in, or the platform itself.
    NoLearner,
    /// An event outside any course.
    NoCourse,
    /// A comment in a log.
    Comment,
    /// A statement that another one says never held, or one that says so.
    Voided,
    /// A statement about a part of what another statement tells as a whole.
    PartOfAnother,
}

impl Reason {
    /// Returns the name used in manifests.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::NotUtf8 => "not_utf8",
            Self::LineTooLong => "line_too_long",
            Self::BadTime => "bad_time",
            Self::BadCount => "bad_count",
            Self::BadValue => "bad_value",
            Self::MissingId => "missing_id",
            Self::UnknownEnrolment => "unknown_enrolment",
            Self::UnknownCourse => "unknown_course",
            Self::UnknownObject => "unknown_object",
            Self::ImplausibleTime => "implausible_time",
            Self::Contradiction => "contradiction",
            Self::AfterCalendar => "after_the_calendar",
            Self::AfterAsOf => "after_as_of",
            Self::ZeroCount => "zero_count",
            Self::RepeatedId => "repeated_id",
            Self::Banked => "banked",
            Self::Repeated => "repeated",
            Self::EnrolledAgain => "enrolled_again",
            Self::MissingLabel => "missing_label",
            Self::FilteredOut => "filtered_out",
            Self::NoLearner => "no_learner",
            Self::NoCourse => "no_course",
            Self::Comment => "comment",
            Self::Voided => "voided",
            Self::PartOfAnother => "part_of_another",
        }
    }

    /// Tells whether something is wrong with the row; otherwise it is fine but has no place in the sequences.
    #[must_use]
    pub const fn is_rejection(self) -> bool {
        !matches!(
            self,
            Self::AfterCalendar
                | Self::ImplausibleTime
                | Self::AfterAsOf
                | Self::ZeroCount
                | Self::RepeatedId
                | Self::Banked
                | Self::Repeated
                | Self::EnrolledAgain
                | Self::MissingLabel
                | Self::FilteredOut
                | Self::NoLearner
                | Self::NoCourse
                | Self::Comment
                | Self::Voided
                | Self::PartOfAnother
        )
    }
}

/// Bounds the samples kept for each reason.
pub(crate) const MAX_SAMPLES: usize = 5;

/// Bounds the samples of a reason that a message describes.
const DESCRIBED_SAMPLES: usize = 2;

/// Says where a row that was not used stands, and what is wrong with it. Never names a learner.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RowSample {
    /// File name, without its folder.
    pub file: String,
    /// Line, from 1 (row, from 1, in files without lines).
    pub line: u64,
    /// Describes the fault.
    pub what: String,
}

/// Counts the rows of one reason.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReasonCount {
    /// How many.
    pub rows: u64,
    /// The first five of them, in the order of the input.
    pub samples: Vec<RowSample>,
}

/// Counts the rows of one table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableCount {
    /// Rows read.
    pub read: u64,
    /// Rows with something wrong.
    pub rejected: u64,
    /// Of these, rows that say something else than an earlier one of the same id.
    pub contradictions: u64,
}

/// Counts rows, used and not used. `read` equals `used` plus the rows of all reasons.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// Rows read.
    pub read: u64,
    /// Rows used.
    pub used: u64,
    /// The same by table, where the rows are those of tables beside a log.
    pub tables: BTreeMap<String, TableCount>,
    /// Rows not used.
    pub reasons: BTreeMap<Reason, ReasonCount>,
    /// Rows of kinds that the format does not know, which are used all the same.
    #[serde(default)]
    pub unknown_kinds: UnknownKinds,
}

impl Tally {
    /// Counts a row as used.
    pub fn use_row(&mut self) {
        self.read += 1;
        self.used += 1;
    }

    /// Counts a row as not used.
    pub fn refuse(&mut self, reason: Reason, file: &str, line: u64, what: impl FnOnce() -> String) {
        self.read += 1;
        let count = self.reasons.entry(reason).or_default();
        count.rows += 1;
        if count.samples.len() < MAX_SAMPLES {
            count.samples.push(RowSample { file: file.to_owned(), line, what: what() });
        }
    }

    /// Adds the rows of the table `name`.
    pub(crate) fn append_table(&mut self, name: &str, mut table: Self) {
        let contradictions = table.reasons.get(&Reason::Contradiction).map_or(0, |count| count.rows);
        let counted = TableCount { read: table.read, rejected: table.rejected(), contradictions };
        table.tables.insert(name.to_owned(), counted);
        self.append(table);
    }

    /// Describes the rows that were not used: how many under each reason, most first, with samples that differ.
    #[must_use]
    pub fn describe_unused(&self) -> String {
        let mut reasons: Vec<(&Reason, &ReasonCount)> = self.reasons.iter().collect();
        reasons.sort_by_key(|(_, count)| std::cmp::Reverse(count.rows));
        let describe = |(reason, count): (&Reason, &ReasonCount)| {
            let mut shown: Vec<&RowSample> = Vec::new();
            for sample in &count.samples {
                if shown.len() < DESCRIBED_SAMPLES && shown.iter().all(|other| other.what != sample.what) {
                    shown.push(sample);
                }
            }
            let samples: Vec<String> =
                shown.iter().map(|sample| format!("{} line {}: {}", sample.file, sample.line, sample.what)).collect();
            let samples = if samples.is_empty() { String::new() } else { format!(" ({})", samples.join("; ")) };
            format!("{} {}{samples}", count.rows, reason.name())
        };
        let convert = match self.reasons.contains_key(&Reason::NotUtf8) {
            true => "; a file in Windows-1252 is converted by iconv -f WINDOWS-1252 -t UTF-8 FILE > NEW_FILE",
            false => "",
        };
        reasons.into_iter().map(describe).collect::<Vec<_>>().join(", ") + convert
    }

    /// Adds what came later in the input.
    pub fn append(&mut self, later: Self) {
        self.read += later.read;
        self.used += later.used;
        for (name, theirs) in later.tables {
            let ours = self.tables.entry(name).or_default();
            ours.read += theirs.read;
            ours.rejected += theirs.rejected;
            ours.contradictions += theirs.contradictions;
        }
        self.unknown_kinds.append(&later.unknown_kinds);
        for (reason, theirs) in later.reasons {
            let ours = self.reasons.entry(reason).or_default();
            ours.rows += theirs.rows;
            let room = MAX_SAMPLES - ours.samples.len();
            ours.samples.extend(theirs.samples.into_iter().take(room));
        }
    }

    /// Returns rows with something wrong.
    #[must_use]
    pub fn rejected(&self) -> u64 {
        self.reasons.iter().filter(|(reason, _)| reason.is_rejection()).map(|(_, count)| count.rows).sum()
    }
}

/// Counts the rows of one block of a file. Lines are counted from the block's first, from 0: the number of lines before it
/// is not known while blocks are read side by side.
#[derive(Clone, Debug, Default)]
pub struct BlockTally {
    /// Rows used.
    pub used: u64,
    /// Lines in the block, whether rows or not.
    pub lines: u64,
    reasons: BTreeMap<Reason, BlockCount>,
    /// Rows of kinds that the format does not know.
    pub(crate) unknown_kinds: UnknownKinds,
}

#[derive(Clone, Debug, Default)]
struct BlockCount {
    rows: u64,
    samples: Vec<(u64, String)>,
}

impl BlockTally {
    /// Counts the row on line `line` of the block as not used.
    pub fn refuse(&mut self, reason: Reason, line: u64, what: impl FnOnce() -> String) {
        self.refuse_rows(reason, 1, line, what);
    }

    /// Counts `rows` rows, the first of them on line `line` of the block, as not used.
    pub(crate) fn refuse_rows(&mut self, reason: Reason, rows: u64, line: u64, what: impl FnOnce() -> String) {
        let count = self.reasons.entry(reason).or_default();
        count.rows += rows;
        if count.samples.len() < MAX_SAMPLES {
            count.samples.push((line, what()));
        }
    }

    /// Returns the number of rows, used or not.
    pub(crate) fn rows(&self) -> u64 {
        self.used + self.reasons.values().map(|count| count.rows).sum::<u64>()
    }

    /// Returns the tally without the rows that were used.
    pub(crate) fn refused(&self) -> Self {
        Self { used: 0, ..self.clone() }
    }

    /// Adds another tally of the same block: of other rows, among the same lines.
    pub(crate) fn join(&mut self, other: &Self) {
        self.used += other.used;
        self.lines += other.lines;
        self.unknown_kinds.append(&other.unknown_kinds);
        for (reason, theirs) in &other.reasons {
            let ours = self.reasons.entry(*reason).or_default();
            ours.rows += theirs.rows;
            ours.samples.extend(theirs.samples.iter().cloned());
            ours.samples.sort_by_key(|&(line, _)| line);
            ours.samples.truncate(MAX_SAMPLES);
        }
    }

    /// Returns the block's part of the whole, once it is known that its first line is line `first_line` (from 1) of
    /// `file`.
    #[must_use]
    pub fn place(self, file: &str, first_line: u64) -> Tally {
        let mut tally =
            Tally { read: self.used, used: self.used, unknown_kinds: self.unknown_kinds, ..Tally::default() };
        for (reason, count) in self.reasons {
            tally.read += count.rows;
            let sample = |(line, what)| RowSample { file: file.to_owned(), line: first_line + line, what };
            let samples = count.samples.into_iter().map(sample).collect();
            tally.reasons.insert(reason, ReasonCount { rows: count.rows, samples });
        }
        tally
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unused_rows_are_described_by_reason_with_samples_that_differ() {
        let mut tally = Tally::default();
        tally.refuse(Reason::MissingId, "a", 1, || "no id".to_owned());
        for (line, shape) in [(2, "99"), (3, "99"), (4, "9-9"), (5, "9/9")] {
            tally.refuse(Reason::BadTime, "a", line, || format!("a time of shape `{shape}`"));
        }
        assert_eq!(
            tally.describe_unused(),
            "4 bad_time (a line 2: a time of shape `99`; a line 4: a time of shape `9-9`), 1 missing_id (a line 1: no id)"
        );
    }

    #[test]
    fn tallies_of_a_block_join_in_the_order_of_lines() {
        let tally = |used, lines: &[u64]| {
            let mut tally = BlockTally { used, ..BlockTally::default() };
            lines.iter().for_each(|&line| tally.refuse(Reason::BadTime, line, || format!("line {line}")));
            tally
        };
        let mut one = tally(2, &[1, 4, 5, 9, 10]);
        one.join(&tally(1, &[0, 7, 8]));
        let whole = one.place("log", 1);
        assert_eq!((whole.read, whole.used), (11, 3));
        let count = &whole.reasons[&Reason::BadTime];
        assert_eq!(count.rows, 8);
        assert_eq!(count.samples.iter().map(|sample| sample.line).collect::<Vec<_>>(), [1, 2, 5, 6, 8]);
    }
}
