//! The mapping as it is written: TOML, of which every key is known or an error.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{self, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use staycast_text::parse_problem;

use super::flexible_values::{ColumnsSpec, KindSpec, Shift, StringList, strings};
use super::times::{TimeFormat, TimeParser, UnixUnit};
use crate::error::ReadError;
use crate::seen_file::SeenFile;

/// Holds a mapping file as written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Mapping {
    /// How finely the log tells time.
    #[serde(default)]
    pub(super) granularity: GranularityName,
    /// The course that everything is of, where no column names one.
    pub(super) single_course: Option<String>,
    /// The length of every course in days, where each learner begins it on the day of enrolment.
    pub(super) days_from_enrolment: Option<u32>,
    /// One table, or several of different layouts.
    pub(super) log: Logs,
    pub(super) enrolments: Option<TableSpec<EnrolmentColumns>>,
    pub(super) courses: Option<TableSpec<CourseColumns>>,
    pub(super) labels: Option<TableSpec<LabelColumns>>,
    #[serde(default)]
    pub(super) activities: Activities,
    #[serde(default)]
    pub(super) outcomes: Outcomes,
    #[serde(default)]
    pub(super) label_values: LabelValues,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum GranularityName {
    #[default]
    Second,
    Day,
}

/// Describes one table: where its files are, how they are written, what its columns are.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TableSpec<C> {
    /// Names or patterns, relative to the input folder.
    #[serde(deserialize_with = "strings")]
    pub(super) files: Vec<String>,
    /// How the files are written; told from each file when not given.
    #[serde(rename = "type")]
    pub(super) file_type: Option<FileType>,
    /// The sign between the fields of a CSV; told from the first line when not given.
    pub(super) delimiter: Option<char>,
    /// Whether the first line of a CSV names the columns; without it they are named by their places, from `"0"`.
    pub(super) header: Option<bool>,
    /// Whether line breaks occur inside quotes; one thread then cuts the file into rows.
    pub(super) quoted_newlines: Option<bool>,
    /// The sign that, inside quotes, takes its meaning from the one after it; none when not given.
    pub(super) escape: Option<char>,
    /// Words that stand for nothing, such as `\N`.
    #[serde(default, deserialize_with = "strings")]
    pub(super) null: Vec<String>,
    /// By column: words of which a row must have one, or else it is set aside.
    #[serde(default)]
    pub(super) only: BTreeMap<String, StringList>,
    /// By column: words with which a row is set aside.
    #[serde(default)]
    pub(super) except: BTreeMap<String, StringList>,
    /// Whether the course is what the first `*` of a file's pattern stands for.
    #[serde(default)]
    pub(super) course_in_file_name: bool,
    /// Of the log: whether the learner is what the first `*` of a file's pattern stands for.
    #[serde(default)]
    pub(super) learner_in_file_name: bool,
    /// Whether the files may be absent.
    #[serde(default)]
    pub(super) optional: bool,
    /// Of the log: what comes first in the name of every row's kind.
    pub(super) kind: Option<String>,
    /// Of the log: the events that one row is, each with its own time.
    #[serde(default)]
    pub(super) events: Vec<EventSpec>,
    /// Of the enrolments: what becomes of the log's rows of others.
    pub(super) others: Option<Others>,
    /// Of the courses: whether courses without dates, or without an end, get those of their events.
    #[serde(default)]
    pub(super) infer_missing: bool,
    pub(super) columns: C,
}

/// Holds the log's tables: one, `[log]`, or several, `[[log]]`.
#[derive(Debug)]
pub(super) struct Logs(pub(super) Vec<TableSpec<LogColumns>>);

impl<'de> Deserialize<'de> for Logs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = Logs;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a table [log], or several tables [[log]]")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Logs, A::Error> {
                TableSpec::deserialize(MapAccessDeserializer::new(map)).map(|one| Logs(vec![one]))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Logs, A::Error> {
                Vec::deserialize(SeqAccessDeserializer::new(seq)).map(Logs)
            }
        }
        deserializer.deserialize_any(Any)
    }
}

/// Describes one of several events of a row.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EventSpec {
    /// When; rows where it is empty are no such event. That of the row, `columns.time`, when not given.
    pub(super) time: Option<Time>,
    /// Its kind, one of those that `[activities]` declares.
    pub(super) kind: String,
    /// A column with the number of such events; rows where it is empty or 0 have none.
    pub(super) count: Option<String>,
    /// A column with the seconds from the time to the event; rows where it is empty are no such event.
    pub(super) seconds: Option<String>,
}

/// Says what becomes of the log's rows of learners who are not among the enrolments.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Others {
    /// Something is wrong with them.
    #[default]
    Reject,
    /// They are of no concern.
    SetAside,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum FileType {
    Csv,
    Jsonl,
    Parquet,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LogColumns {
    pub(super) enrolment: Option<String>,
    pub(super) learner: Option<String>,
    pub(super) course: Option<String>,
    pub(super) time: Option<Time>,
    pub(super) activity: Option<ColumnsSpec>,
    pub(super) object: Option<ColumnsSpec>,
    pub(super) count: Option<String>,
    pub(super) event_id: Option<String>,
    pub(super) correct: Option<String>,
}

/// Names a column of times, or several that are one text together.
#[derive(Clone, Debug)]
pub(super) struct Time {
    pub(super) column: String,
    /// Columns whose text comes after it, such as one of the time of day.
    pub(super) and_columns: Vec<String>,
    pub(super) format: TimeFormat,
    /// The seconds added to each time, to read UTC times as those of a place.
    pub(super) shift: Shift,
}

/// Holds [`Time`] as a table.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct TimeInFull {
    column: StringList,
    format: Option<TimeFormat>,
    /// Of numbers since 1970.
    unit: Option<UnixUnit>,
    #[serde(default)]
    shift: Shift,
}

impl TryFrom<TimeInFull> for Time {
    type Error = String;

    fn try_from(written: TimeInFull) -> Result<Self, String> {
        let format = match (written.format.unwrap_or(TimeFormat::Iso), written.unit) {
            (format, None) => format,
            (TimeFormat::Unix(_), Some(unit)) => TimeFormat::Unix(unit),
            (_, Some(_)) => return Err("`unit` is of numbers since 1970: set format = \"unix\" beside it".to_owned()),
        };
        let mut columns = written.column.0.into_iter();
        let column = columns.next().ok_or("`column` is an empty list: name the column that holds the times")?;
        Ok(Self { column, and_columns: columns.collect(), format, shift: written.shift })
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = Time;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a column, or a table with `column` and `format`")
            }

            fn visit_str<E: de::Error>(self, column: &str) -> Result<Time, E> {
                let (column, and_columns) = (column.to_owned(), Vec::new());
                Ok(Time { column, and_columns, format: TimeFormat::Iso, shift: Shift::default() })
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Time, A::Error> {
                let written = TimeInFull::deserialize(MapAccessDeserializer::new(map))?;
                written.try_into().map_err(de::Error::custom)
            }
        }
        deserializer.deserialize_any(Any)
    }
}

impl Time {
    /// Tells how its times are read.
    pub(super) fn reading(&self) -> TimeParser {
        TimeParser { format: self.format.clone(), shift: self.shift.0 }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EnrolmentColumns {
    pub(super) enrolment: Option<String>,
    pub(super) learner: Option<String>,
    pub(super) course: Option<String>,
    pub(super) enrolled: Option<Time>,
    pub(super) withdrawn: Option<Time>,
    pub(super) outcome: Option<String>,
    /// A column that says, by not being empty, that the enrolment was completed.
    pub(super) completed: Option<String>,
    pub(super) label: Option<String>,
    #[serde(default, deserialize_with = "strings")]
    pub(super) statics: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CourseColumns {
    pub(super) course: Option<String>,
    pub(super) start: Option<Time>,
    pub(super) end: Option<Time>,
    pub(super) days: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LabelColumns {
    pub(super) enrolment: Option<String>,
    pub(super) learner: Option<String>,
    pub(super) course: Option<String>,
    pub(super) label: String,
}

/// Lists the columns of a small table.
pub(super) trait NamedColumns {
    /// Lists every column that is named, as it is written.
    fn named(&self) -> Vec<&str>;
}

impl NamedColumns for EnrolmentColumns {
    fn named(&self) -> Vec<&str> {
        let Self { enrolment, learner, course, enrolled, withdrawn, outcome, completed, label, statics } = self;
        let texts = [enrolment, learner, course, outcome, completed, label].into_iter().flatten();
        let times = [enrolled, withdrawn].into_iter().flatten().map(|time| &time.column);
        texts.chain(times).chain(statics).map(String::as_str).collect()
    }
}

impl NamedColumns for CourseColumns {
    fn named(&self) -> Vec<&str> {
        let Self { course, start, end, days } = self;
        let times = [start, end].into_iter().flatten().map(|time| &time.column);
        [course, days].into_iter().flatten().chain(times).map(String::as_str).collect()
    }
}

impl NamedColumns for LabelColumns {
    fn named(&self) -> Vec<&str> {
        let Self { enrolment, learner, course, label } = self;
        [enrolment, learner, course].into_iter().flatten().chain([label]).map(String::as_str).collect()
    }
}

/// Maps raw kinds to what they count as.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Activities {
    /// The activity of kinds that are not declared; `other` when not given.
    pub(super) default: Option<String>,
    /// The source's names, or patterns of them, and what they count as.
    #[serde(default)]
    pub(super) kinds: BTreeMap<String, KindSpec>,
}

/// Holds the source's words for how an enrolment ended.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Outcomes {
    #[serde(default, deserialize_with = "strings")]
    pub(super) completed: Vec<String>,
    #[serde(default, deserialize_with = "strings")]
    pub(super) failed: Vec<String>,
    #[serde(default, deserialize_with = "strings")]
    pub(super) withdrew: Vec<String>,
}

/// Holds the source's words for labels; 1, true, 0, false and the like when not given.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LabelValues {
    #[serde(default, deserialize_with = "strings")]
    pub(super) dropout: Vec<String>,
    #[serde(default, deserialize_with = "strings")]
    pub(super) stayed: Vec<String>,
}

impl Mapping {
    /// Reads the mapping at `path`.
    pub(super) fn read(path: &Path) -> Result<(Self, SeenFile), ReadError> {
        let (file, bytes) = SeenFile::whole(path)?;
        let text = String::from_utf8(bytes).map_err(|_| ReadError::Mapping {
            path: path.to_owned(),
            what: "the file is not text in UTF-8".to_owned(),
        })?;
        Ok((Self::parse(path, &text)?, file))
    }

    /// Returns the mapping that `text` is, which stands at `path`.
    pub(super) fn parse(path: &Path, text: &str) -> Result<Self, ReadError> {
        // What the TOML reader prints by itself would show the line.
        toml::from_str(text).map_err(|error| ReadError::Mapping {
            path: path.to_owned(),
            what: parse_problem(text, error.span(), error.message()),
        })
    }
}
