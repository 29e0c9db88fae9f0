//! The mapping once it is checked: what can go wrong without looking at a file has gone wrong here.

use std::path::{Path, PathBuf};

use rustc_hash::FxHashMap;

use super::cells::{ROLES, Role};
use super::mapping::{
    CourseColumns, EnrolmentColumns, FileType, GranularityName, LabelColumns, LogColumns, Mapping, TableSpec, Time,
    TimeFormat,
};
use crate::Activity;
use crate::error::ReadError;
use crate::kind::Kind;
use crate::roster::End;
use crate::source::Granularity;
use crate::table::Header;

/// A checked mapping.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) path: PathBuf,
    pub(super) granularity: Granularity,
    pub(super) single_course: Option<String>,
    pub(super) log: LogPlan,
    pub(super) enrolments: Option<TablePlan<EnrolmentColumns>>,
    pub(super) courses: Option<TablePlan<CourseColumns>>,
    pub(super) labels: Option<TablePlan<LabelColumns>>,
    /// Kinds, by name; undeclared ones last.
    pub(super) kinds: Vec<Kind>,
    pub(super) outcomes: FxHashMap<String, End>,
    pub(super) label_values: FxHashMap<String, bool>,
    /// About how many bytes of a log file make a block.
    pub(super) block_bytes: usize,
}

/// How the rows of the log name their enrolments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Naming {
    Enrolment,
    LearnerAndCourse,
}

#[derive(Debug)]
pub(super) struct LogPlan {
    pub(super) files: Vec<String>,
    pub(super) layout: Layout,
    pub(super) columns: [Option<String>; ROLES],
    pub(super) time: TimeFormat,
    pub(super) naming: Naming,
}

/// A small table.
#[derive(Debug)]
pub(super) struct TablePlan<C> {
    pub(super) files: Vec<String>,
    pub(super) layout: Layout,
    pub(super) columns: C,
}

/// How a table's files are written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Layout {
    pub(super) file_type: Option<FileType>,
    pub(super) delimiter: u8,
    pub(super) header: Header,
    pub(super) newlines: Newlines,
}

/// What a newline in a CSV is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Newlines {
    /// The end of a row, always.
    EndRows,
    /// The end of a row, or text between quotes.
    MayBeQuoted,
}

/// The name of the kind of rows whose kind the mapping does not declare.
pub(super) const UNDECLARED: &str = "undeclared";

struct Check<'a> {
    path: &'a Path,
}

impl Check<'_> {
    fn fail<T>(&self, what: impl Into<String>) -> Result<T, ReadError> {
        Err(ReadError::Mapping { path: self.path.to_owned(), what: what.into() })
    }

    fn layout<C>(&self, table: &str, spec: &TableSpec<C>) -> Result<Layout, ReadError> {
        if spec.files.is_empty() {
            return self.fail(format!("{table}.files is empty; name at least one file"));
        }
        let delimiter = spec.delimiter.unwrap_or(',');
        if !delimiter.is_ascii() || matches!(delimiter, '"' | '\n' | '\r') {
            return self
                .fail(format!("{table}.delimiter is `{}`; it must be one ASCII sign", delimiter.escape_default()));
        }
        let for_csv = [
            ("delimiter", spec.delimiter.is_some()),
            ("header", spec.header.is_some()),
            ("quoted_newlines", spec.quoted_newlines.is_some()),
        ];
        let is_csv = matches!(spec.file_type, None | Some(FileType::Csv));
        if let Some((key, _)) = for_csv.into_iter().find(|(_, given)| *given && !is_csv) {
            return self.fail(format!("{table}.{key} has no meaning for files that are not CSV; remove it"));
        }
        Ok(Layout {
            file_type: spec.file_type,
            delimiter: delimiter as u8,
            header: if spec.header == Some(false) { Header::Absent } else { Header::Present },
            newlines: if spec.quoted_newlines == Some(true) { Newlines::MayBeQuoted } else { Newlines::EndRows },
        })
    }

    fn table<C>(&self, name: &str, spec: Option<TableSpec<C>>) -> Result<Option<TablePlan<C>>, ReadError> {
        let Some(spec) = spec else { return Ok(None) };
        let layout = self.layout(name, &spec)?;
        Ok(Some(TablePlan { files: spec.files, layout, columns: spec.columns }))
    }

    fn kinds(&self, mapping: &Mapping) -> Result<Vec<Kind>, ReadError> {
        let activity = |key: &str, name: &str| -> Result<Activity, ReadError> {
            name.parse().or_else(|unknown| self.fail(format!("{key}: {unknown}")))
        };
        let default = match &mapping.activities.default {
            Some(name) => activity("activities.default", name)?,
            None => Activity::Other,
        };
        let declared = &mapping.activities.kinds;
        if declared.len() > 255 {
            return self
                .fail(format!("activities.kinds declares {} kinds; at most 255 are told apart", declared.len()));
        }
        if declared.contains_key(UNDECLARED) {
            return self.fail(format!("activities.kinds.{UNDECLARED} is taken: it stands for every kind not declared"));
        }
        let mut kinds = Vec::with_capacity(declared.len() + 1);
        for (raw, name) in declared {
            kinds.push(Kind::new(raw, activity(&format!("activities.kinds.{raw}"), name)?));
        }
        kinds.push(Kind::new(UNDECLARED, default));
        Ok(kinds)
    }

    fn outcomes(&self, mapping: &Mapping) -> Result<FxHashMap<String, End>, ReadError> {
        let Mapping { outcomes, .. } = mapping;
        let words = [
            (&outcomes.completed, End::Completed),
            (&outcomes.failed, End::Failed),
            (&outcomes.withdrew, End::Withdrew),
        ];
        let mut ends = FxHashMap::default();
        for (word, end) in words.into_iter().flat_map(|(words, end)| words.iter().map(move |word| (word, end))) {
            if ends.insert(word.clone(), end).is_some() {
                return self.fail(format!("outcomes: `{word}` stands there twice"));
            }
        }
        let column = mapping.enrolments.as_ref().and_then(|table| table.columns.outcome.as_ref());
        match (column.is_some(), ends.is_empty()) {
            (true, true) => self
                .fail("enrolments.columns.outcome needs [outcomes], with the words for completed, failed and withdrew"),
            (false, false) => self.fail("[outcomes] needs enrolments.columns.outcome, the column its words stand in"),
            _ => Ok(ends),
        }
    }

    fn label_values(&self, mapping: &Mapping) -> Result<FxHashMap<String, bool>, ReadError> {
        let given = &mapping.label_values;
        if given.dropout.is_empty() && given.stayed.is_empty() {
            let usual = [("1", true), ("1.0", true), ("true", true), ("True", true), ("TRUE", true)];
            let other = [("0", false), ("0.0", false), ("false", false), ("False", false), ("FALSE", false)];
            return Ok(usual.into_iter().chain(other).map(|(word, label)| (word.to_owned(), label)).collect());
        }
        let mut values = FxHashMap::default();
        let words = [(&given.dropout, true), (&given.stayed, false)];
        for (word, label) in words.into_iter().flat_map(|(words, label)| words.iter().map(move |word| (word, label))) {
            if values.insert(word.clone(), label).is_some() {
                return self.fail(format!("label_values: `{word}` stands there twice"));
            }
        }
        Ok(values)
    }

    /// Times whose format has no time of day can't be told to the second.
    fn granularity(&self, mapping: &Mapping) -> Result<Granularity, ReadError> {
        match (mapping.granularity, mapping.log.columns.time.format) {
            (GranularityName::Day, _) => Ok(Granularity::Day),
            (GranularityName::Second, TimeFormat::Date | TimeFormat::DayOffset) => self.fail(
                "log.columns.time.format has no time of day, so the log tells time to the day: set granularity = \"day\"",
            ),
            (GranularityName::Second, _) => Ok(Granularity::Second),
        }
    }

    fn naming(&self, mapping: &Mapping) -> Result<Naming, ReadError> {
        let log = &mapping.log.columns;
        let single = mapping.single_course.is_some();
        let tables_have_enrolment = mapping.enrolments.as_ref().is_none_or(|table| table.columns.enrolment.is_some());
        let log_has_pair = log.learner.is_some() && (log.course.is_some() || single);
        if let Some(table) = &mapping.enrolments {
            if table.columns.enrolment.is_none() && table.columns.learner.is_none() {
                return self.fail("enrolments.columns names neither `enrolment` nor `learner`; name at least one");
            }
            if table.columns.course.is_none() && !single {
                return self.fail("enrolments.columns names no `course`; name it, or set single_course");
            }
        } else if log.course.is_none() && !single {
            return self.fail(
                "without [enrolments], rows of the log must name their course: set log.columns.course or single_course",
            );
        }
        if log.enrolment.is_some() && tables_have_enrolment {
            return Ok(Naming::Enrolment);
        }
        let table_has_learner = mapping.enrolments.as_ref().is_none_or(|table| table.columns.learner.is_some());
        if log_has_pair && table_has_learner {
            return Ok(Naming::LearnerAndCourse);
        }
        self.fail(
            "log.columns must name `enrolment`, or `learner` and `course`, and the enrolments table the same columns, \
             so that each row can be put down to an enrolment",
        )
    }

    fn courses(&self, mapping: &Mapping) -> Result<(), ReadError> {
        let Some(table) = &mapping.courses else { return Ok(()) };
        let columns = &table.columns;
        if columns.course.is_none() && mapping.single_course.is_none() {
            return self.fail("courses.columns names no `course`; name it, or set single_course");
        }
        if columns.end.is_some() == columns.days.is_some() {
            return self.fail("courses.columns must name one of `end` and `days`");
        }
        let counts_days = mapping.log.columns.time.format == TimeFormat::DayOffset;
        match &columns.start {
            None if !counts_days => self.fail("courses.columns names no `start`"),
            None if columns.end.is_some() => self.fail("courses.columns names `end` but no `start`"),
            Some(Time { format: TimeFormat::DayOffset, .. }) => {
                self.fail("courses.columns.start.format is `day-offset`, but a start has nothing to be counted from")
            }
            _ => Ok(()),
        }
    }

    fn labels(&self, mapping: &Mapping, naming: Naming) -> Result<(), ReadError> {
        let Some(LabelColumns { enrolment, learner, course, .. }) = mapping.labels.as_ref().map(|table| &table.columns)
        else {
            return Ok(());
        };
        let pair = learner.is_some() && (course.is_some() || mapping.single_course.is_some());
        let known_by_enrolment = naming == Naming::Enrolment
            || mapping.enrolments.as_ref().is_some_and(|table| table.columns.enrolment.is_some());
        if (enrolment.is_some() && known_by_enrolment) || (enrolment.is_none() && pair) {
            return Ok(());
        }
        self.fail("labels.columns must name enrolments as the other tables do: `enrolment`, or `learner` and `course`")
    }
}

impl Plan {
    pub(super) fn read(path: &Path, block_bytes: usize) -> Result<Self, ReadError> {
        Self::of(path, Mapping::read(path)?, block_bytes)
    }

    fn of(path: &Path, mapping: Mapping, block_bytes: usize) -> Result<Self, ReadError> {
        let check = Check { path };
        let granularity = check.granularity(&mapping)?;
        let naming = check.naming(&mapping)?;
        check.courses(&mapping)?;
        check.labels(&mapping, naming)?;
        let kinds = check.kinds(&mapping)?;
        let outcomes = check.outcomes(&mapping)?;
        let label_values = check.label_values(&mapping)?;
        let layout = check.layout("log", &mapping.log)?;
        let log = LogPlan {
            files: mapping.log.files,
            layout,
            time: mapping.log.columns.time.format,
            columns: roles(mapping.log.columns),
            naming,
        };
        Ok(Self {
            path: path.to_owned(),
            granularity,
            single_course: mapping.single_course,
            log,
            enrolments: check.table("enrolments", mapping.enrolments)?,
            courses: check.table("courses", mapping.courses)?,
            labels: check.table("labels", mapping.labels)?,
            kinds,
            outcomes,
            label_values,
            block_bytes,
        })
    }

    /// An error of this mapping.
    pub(super) fn error(&self, what: impl Into<String>) -> ReadError {
        ReadError::Mapping { path: self.path.clone(), what: what.into() }
    }
}

fn roles(columns: LogColumns) -> [Option<String>; ROLES] {
    let mut by_role = [const { None }; ROLES];
    by_role[Role::Enrolment as usize] = columns.enrolment;
    by_role[Role::Learner as usize] = columns.learner;
    by_role[Role::Course as usize] = columns.course;
    by_role[Role::Time as usize] = Some(columns.time.column);
    by_role[Role::Activity as usize] = columns.activity;
    by_role[Role::Object as usize] = columns.object;
    by_role[Role::Count as usize] = columns.count;
    by_role[Role::EventId as usize] = columns.event_id;
    by_role
}
