//! The mapping once it is checked: what can go wrong without looking at a file has gone wrong here.

use std::path::{Path, PathBuf};

use rustc_hash::FxHashMap;

use super::flexible_values::StringList;
use super::kinds::{Attempts, MappedKinds};
use super::layout::{Delimiter, Layout, Newlines};
use super::mapped_row::{Field, Role};
use super::mapping::{
    CourseColumns, EnrolmentColumns, FileType, GranularityName, LabelColumns, LogColumns, Mapping, NamedColumns,
    Others, TableSpec, Time,
};
use super::row_template::{Column, Filter, RowTemplate};
use super::times::{TimeFormat, TimeParser};
use crate::enrolment::OutcomeKind;
use crate::error::ReadError;
use crate::roster::Course;
use crate::seen_file::SeenFile;
use crate::source::Granularity;
use crate::table::Header;

/// Names the format of tables that a mapping of the user describes.
pub(super) const TABLE_FORMAT: &str = "table";

/// Holds a mapping, checked.
#[derive(Debug)]
pub(super) struct CheckedMapping {
    pub(super) path: PathBuf,
    pub(super) granularity: Granularity,
    pub(super) single_course: Option<String>,
    /// The length of every course in days, where each learner begins it on the day of enrolment.
    pub(super) days_from_enrolment: Option<u32>,
    /// Name of the format that the mapping is of: `table`, or one whose mapping is built in.
    pub(super) format: &'static str,
    /// The log's tables; at least one.
    pub(super) logs: Vec<CheckedLog>,
    /// How rows name their enrolments, in every table of the log.
    pub(super) naming: Naming,
    /// Whether the log alone says who is enrolled: no table of enrolments is described, or none is there.
    pub(super) log_enrols: bool,
    pub(super) enrolments: Option<CheckedTable<EnrolmentColumns>>,
    pub(super) courses: Option<CheckedTable<CourseColumns>>,
    pub(super) labels: Option<CheckedTable<LabelColumns>>,
    pub(super) kinds: MappedKinds,
    pub(super) others: Others,
    /// Whether courses without dates get those of their events.
    pub(super) infer_missing: bool,
    pub(super) outcomes: FxHashMap<String, OutcomeKind>,
    pub(super) label_values: FxHashMap<String, bool>,
    /// About how many bytes of a log file make a block.
    pub(super) block_bytes: usize,
}

/// Says how the rows of the log name their enrolments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Naming {
    Enrolment,
    LearnerAndCourse,
}

/// Describes one of the log's tables.
#[derive(Debug)]
pub(super) struct CheckedLog {
    pub(super) files: TablePattern,
    pub(super) layout: Layout,
    pub(super) template: RowTemplate,
    /// The events that a row is, in the order of the template's times.
    pub(super) events: Vec<RowEvent>,
}

/// Describes an event of a row.
#[derive(Clone, Debug)]
pub(super) struct RowEvent {
    pub(super) time: TimeParser,
    /// Whether a row must have its time; otherwise that may be empty, and there is no such event.
    pub(super) must_have_time: bool,
    /// Its kind's number, where it is the same in every row.
    pub(super) kind: Option<u8>,
}

impl RowEvent {
    /// Tells whether a row with this in place of the event's time can't be read for it.
    pub(super) fn is_unreadable(&self, field: Field<'_>) -> bool {
        (self.must_have_time || field != Field::EMPTY) && self.time.moment(field).is_none()
    }
}

/// Says what the first `*` of a pattern stands for in a file's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Star {
    /// None.
    AnySigns,
    /// The course of all its rows.
    Course,
    /// The learner of all its rows.
    Learner,
}

/// Says which files hold a table.
#[derive(Debug)]
pub(super) struct TablePattern {
    pub(super) patterns: Vec<String>,
    pub(super) star: Star,
    pub(super) optional: bool,
}

/// Describes a small table.
#[derive(Debug)]
pub(super) struct CheckedTable<C> {
    pub(super) files: TablePattern,
    pub(super) layout: Layout,
    /// Rows that count; `column` is a place in `filter_columns`.
    pub(super) filters: Vec<Filter>,
    pub(super) filter_columns: Vec<String>,
    pub(super) null: Vec<String>,
    pub(super) columns: C,
    /// Every column that the mapping names.
    pub(super) named: Vec<Column>,
}

/// Checks a mapping; errors name the file.
pub(super) struct MappingCheck<'a> {
    path: &'a Path,
}

impl MappingCheck<'_> {
    /// Makes the error that the mapping is at odds with itself.
    pub(super) fn fail<T>(&self, what: impl Into<String>) -> Result<T, ReadError> {
        Err(ReadError::Mapping { path: self.path.to_owned(), what: what.into() })
    }

    /// Checks how the files of a table are written.
    pub(super) fn layout<C>(&self, table: &str, spec: &TableSpec<C>) -> Result<Layout, ReadError> {
        let sign = |key: &str, sign: char| match !sign.is_ascii() || matches!(sign, '"' | '\n' | '\r') {
            true => self.fail(format!("{table}.{key} is `{}`; it must be one ASCII sign", sign.escape_default())),
            false => Ok(sign as u8),
        };
        let delimiter = spec.delimiter.map(|delimiter| sign("delimiter", delimiter)).transpose()?;
        let escape = spec.escape.map(|escape| sign("escape", escape)).transpose()?;
        let for_csv = [
            ("delimiter", spec.delimiter.is_some()),
            ("header", spec.header.is_some()),
            ("quoted_newlines", spec.quoted_newlines.is_some()),
            ("escape", spec.escape.is_some()),
        ];
        let is_csv = matches!(spec.file_type, None | Some(FileType::Csv));
        if let Some((key, _)) = for_csv.into_iter().find(|(_, given)| *given && !is_csv) {
            return self.fail(format!("{table}.{key} has no meaning for files that are not CSV; remove it"));
        }
        Ok(Layout {
            file_type: spec.file_type,
            delimiter: delimiter.map_or(Delimiter::Told, Delimiter::Named),
            escape,
            header: if spec.header == Some(false) { Header::Absent } else { Header::Present },
            newlines: if spec.quoted_newlines == Some(true) { Newlines::MayBeQuoted } else { Newlines::EndRows },
        })
    }

    /// Checks which files hold a table.
    pub(super) fn files<C>(&self, table: &str, spec: &TableSpec<C>) -> Result<TablePattern, ReadError> {
        if spec.files.is_empty() {
            return self.fail(format!("{table}.files is empty; name at least one file"));
        }
        let (star, key) = match (spec.course_in_file_name, spec.learner_in_file_name) {
            (false, false) => (Star::AnySigns, ""),
            (true, false) => (Star::Course, "course_in_file_name"),
            (false, true) => (Star::Learner, "learner_in_file_name"),
            (true, true) => {
                return self.fail(format!("{table}: a file's name tells the course or the learner, and not both"));
            }
        };
        let has_no_star = |pattern: &&String| !pattern.rsplit('/').next().is_some_and(|name| name.contains('*'));
        if let Some(pattern) = spec.files.iter().find(has_no_star).filter(|_| star != Star::AnySigns) {
            return self.fail(format!("{table}.{key} needs a `*` in the name of `{pattern}`"));
        }
        Ok(TablePattern { patterns: spec.files.clone(), star, optional: spec.optional })
    }

    fn table<C: NamedColumns>(
        &self,
        name: &str,
        spec: Option<TableSpec<C>>,
    ) -> Result<Option<CheckedTable<C>>, ReadError> {
        let Some(spec) = spec else { return Ok(None) };
        let misplaced = [
            ("kind", spec.kind.is_some(), false),
            ("events", !spec.events.is_empty(), false),
            ("others", spec.others.is_some(), name == "enrolments"),
            ("infer_missing", spec.infer_missing, name == "courses"),
            ("course_in_file_name", spec.course_in_file_name, name == "enrolments"),
            ("learner_in_file_name", spec.learner_in_file_name, false),
        ];
        if let Some((key, ..)) = misplaced.into_iter().find(|&(_, given, meant)| given && !meant) {
            return self.fail(format!("{name}.{key} has no meaning for this table; remove it"));
        }
        let (layout, files) = (self.layout(name, &spec)?, self.files(name, &spec)?);
        let mut filter_columns: Vec<String> = Vec::new();
        let filters = filters(&spec, &mut |column| {
            filter_columns.push(column.to_owned());
            filter_columns.len() - 1
        });
        let columns = spec.columns;
        let named = columns.named().into_iter().chain(filter_columns.iter().map(String::as_str));
        let named = named.map(Column::parse).collect();
        Ok(Some(CheckedTable { files, layout, filters, filter_columns, null: spec.null, columns, named }))
    }

    fn outcomes(&self, mapping: &Mapping) -> Result<FxHashMap<String, OutcomeKind>, ReadError> {
        let Mapping { outcomes, .. } = mapping;
        let words = [
            (&outcomes.completed, OutcomeKind::Completed),
            (&outcomes.failed, OutcomeKind::Failed),
            (&outcomes.withdrew, OutcomeKind::Withdrew),
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

    /// Decides how finely the log tells time. Times whose format has no time of day can't be told to the second.
    fn granularity(&self, mapping: &Mapping) -> Result<Granularity, ReadError> {
        let has_no_time_of_day = |time: &Time| time.format.is_by_day();
        match mapping.granularity {
            GranularityName::Day => Ok(Granularity::Day),
            GranularityName::Second if times(mapping).any(has_no_time_of_day) => self.fail(
                "log.columns.time.format has no time of day, so the log tells time to the day: set granularity = \"day\"",
            ),
            GranularityName::Second => Ok(Granularity::Second),
        }
    }

    /// Checks that each time of a small table stands in one column.
    fn times_of_small_tables(&self, mapping: &Mapping) -> Result<(), ReadError> {
        let enrolments =
            mapping.enrolments.iter().flat_map(|table| [&table.columns.enrolled, &table.columns.withdrawn]);
        let courses = mapping.courses.iter().flat_map(|table| [&table.columns.start, &table.columns.end]);
        match enrolments.chain(courses).flatten().any(|time| !time.and_columns.is_empty()) {
            true => self.fail("a time in several columns is read in the log alone; name one column here"),
            false => Ok(()),
        }
    }

    fn naming(&self, mapping: &Mapping) -> Result<Naming, ReadError> {
        let mut namings = mapping.log.0.iter().map(|log| self.naming_of(mapping, log));
        let Some(first) = namings.next().transpose()? else {
            return self.fail("log is empty; describe at least one table of the log");
        };
        match namings.all(|naming| naming.is_ok_and(|naming| naming == first)) {
            true => Ok(first),
            false => self.fail("the tables of the log must all name enrolments in the same way"),
        }
    }

    fn naming_of(&self, mapping: &Mapping, log: &TableSpec<LogColumns>) -> Result<Naming, ReadError> {
        let course_named = log.course_in_file_name;
        let learner_named = log.learner_in_file_name;
        let log = &log.columns;
        if learner_named && log.learner.is_some() {
            return self.fail("log.learner_in_file_name names the learner: remove columns.learner");
        }
        if course_named && (log.course.is_some() || mapping.single_course.is_some()) {
            return self.fail("log.course_in_file_name names the course: remove columns.course and single_course");
        }
        let single = mapping.single_course.is_some();
        let log_has_course = log.course.is_some() || course_named;
        let tables_have_enrolment = mapping.enrolments.as_ref().is_none_or(|table| table.columns.enrolment.is_some());
        let log_has_pair = (log.learner.is_some() || learner_named) && (log_has_course || single);
        if let Some(table) = &mapping.enrolments {
            if table.columns.enrolment.is_none() && table.columns.learner.is_none() {
                return self.fail("enrolments.columns names neither `enrolment` nor `learner`; name at least one");
            }
            if table.columns.course.is_none() && !single && !table.course_in_file_name {
                return self.fail("enrolments.columns names no `course`; name it, or set single_course");
            }
        } else if !log_has_course && !single {
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

    fn own_weeks(&self, mapping: &Mapping) -> Result<(), ReadError> {
        let Some(days) = mapping.days_from_enrolment else { return Ok(()) };
        if !(1..=Course::GREATEST_DAYS).contains(&days) {
            return self.fail(format!("days_from_enrolment is {days}; it must be from 1 to {}", Course::GREATEST_DAYS));
        }
        if mapping.courses.is_some() {
            return self.fail("days_from_enrolment says when everybody's course runs: remove [courses]");
        }
        match mapping.enrolments.as_ref().and_then(|table| table.columns.enrolled.as_ref()) {
            None => self.fail("days_from_enrolment needs the day of each enrolment: set enrolments.columns.enrolled"),
            Some(Time { format: TimeFormat::DayOffset, .. }) => {
                self.fail("days_from_enrolment needs dates, and enrolments.columns.enrolled counts days from a start")
            }
            Some(_) => Ok(()),
        }
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
        let counts_days = times(mapping).any(|time| time.format == TimeFormat::DayOffset);
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

impl CheckedLog {
    /// Tells whether rows fill a role.
    pub(super) fn has(&self, role: Role) -> bool {
        self.template.has(role) || (role == Role::Learner && self.files.star == Star::Learner)
    }
}

impl CheckedMapping {
    /// Reads and checks the mapping at `path`, for log files read in blocks of about `block_bytes`.
    pub(super) fn read(path: &Path, block_bytes: usize) -> Result<Self, ReadError> {
        Self::read_file(path, block_bytes).map(|(mapping, _)| mapping)
    }

    /// Reads as [`CheckedMapping::read`] does, and returns the file too.
    pub(super) fn read_file(path: &Path, block_bytes: usize) -> Result<(Self, SeenFile), ReadError> {
        let (mapping, file) = Mapping::read(path)?;
        Ok((Self::new(path, mapping, TABLE_FORMAT, block_bytes)?, file))
    }

    /// Checks the mapping of `format` that is built in.
    pub(super) fn built_in(format: &'static str, text: &str, block_bytes: usize) -> Result<Self, ReadError> {
        let path = PathBuf::from(format!("configs/mappings/{format}.toml"));
        Self::new(&path, Mapping::parse(&path, text)?, format, block_bytes)
    }

    fn new(path: &Path, mapping: Mapping, format: &'static str, block_bytes: usize) -> Result<Self, ReadError> {
        let check = MappingCheck { path };
        check.times_of_small_tables(&mapping)?;
        let granularity = check.granularity(&mapping)?;
        let naming = check.naming(&mapping)?;
        check.courses(&mapping)?;
        check.own_weeks(&mapping)?;
        check.labels(&mapping, naming)?;
        let told = mapping.log.0.iter().any(|log| log.columns.correct.is_some());
        let attempts = if told { Attempts::Recorded } else { Attempts::Unrecorded };
        let kinds = MappedKinds::new(&mapping.activities, attempts).or_else(|what| check.fail(what))?;
        let outcomes = check.outcomes(&mapping)?;
        let label_values = check.label_values(&mapping)?;
        let several = mapping.log.0.len() > 1;
        let name = |number: usize| if several { format!("log[{number}]") } else { "log".to_owned() };
        let logs = mapping.log.0.into_iter().enumerate().map(|(number, log)| check.log(&name(number), log, &kinds));
        Ok(Self {
            path: path.to_owned(),
            granularity,
            single_course: mapping.single_course,
            days_from_enrolment: mapping.days_from_enrolment,
            format,
            logs: logs.collect::<Result<_, _>>()?,
            naming,
            others: mapping.enrolments.as_ref().and_then(|table| table.others).unwrap_or_default(),
            infer_missing: mapping.courses.as_ref().is_some_and(|table| table.infer_missing),
            log_enrols: mapping.enrolments.is_none(),
            enrolments: check.table("enrolments", mapping.enrolments)?,
            courses: check.table("courses", mapping.courses)?,
            labels: check.table("labels", mapping.labels)?,
            kinds,
            outcomes,
            label_values,
            block_bytes,
        })
    }

    /// Tells whether the mapping is one that is built in, whose file nobody has at hand.
    pub(super) fn is_built_in(&self) -> bool {
        self.format != TABLE_FORMAT
    }

    /// Returns an error of this mapping, or of the format that it is built in for.
    pub(super) fn error(&self, what: impl Into<String>) -> ReadError {
        let path = if self.is_built_in() { PathBuf::from(self.format) } else { self.path.clone() };
        ReadError::Mapping { path, what: what.into() }
    }

    /// Tells whether any table of the log fills a role.
    pub(super) fn has(&self, role: Role) -> bool {
        self.logs.iter().any(|log| log.has(role))
    }

    /// Tells whether the log counts days from the courses' starts.
    pub(super) fn counts_days(&self) -> bool {
        self.logs.iter().flat_map(|log| &log.events).any(|event| event.time.format == TimeFormat::DayOffset)
    }
}

/// Lists every time column of the log.
fn times(mapping: &Mapping) -> impl Iterator<Item = &Time> {
    mapping
        .log
        .0
        .iter()
        .flat_map(|log| log.columns.time.iter().chain(log.events.iter().filter_map(|event| event.time.as_ref())))
}

/// Returns the filters of a table; `place` gives a column's place.
pub(super) fn filters<C>(spec: &TableSpec<C>, place: &mut impl FnMut(&str) -> usize) -> Vec<Filter> {
    let kept = spec.only.iter().map(|(column, words)| (column, words, true));
    let set_aside = spec.except.iter().map(|(column, words)| (column, words, false));
    let filter = |(name, StringList(words), keeps): (&String, &StringList, bool)| {
        let shown = super::row_template::Column::parse(name).name;
        Filter { column: place(name), name: shown, words: words.clone(), keeps }
    };
    kept.chain(set_aside).map(filter).collect()
}
