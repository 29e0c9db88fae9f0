//! Reading a sequences folder back.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use arrow_array::cast::AsArray;
use arrow_array::types::{Date32Type, Float32Type, Float64Type, Int32Type};
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_cast::cast;
use arrow_schema::{ArrowError, DataType};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use parquet::file::reader::ChunkReader;
use rayon::prelude::*;
use rustc_hash::{FxHashMap, FxHashSet};

use crate::build::{COURSES, ENROLMENTS, SEQUENCES};
use crate::dataset::{CourseRow, Dataset, EnrolmentRow, Selection};
use crate::error::FolderError;
use crate::manifest::{LAYOUT_VERSION, Manifest};
use crate::output::MANIFEST;

/// A sequences folder, of which the manifest has been read.
#[derive(Clone, Debug)]
pub struct SequenceFolder {
    path: PathBuf,
    manifest: Manifest,
}

impl SequenceFolder {
    /// Opens the folder at `path`.
    ///
    /// # Errors
    /// When it is not a sequences folder, or one of another layout version.
    pub fn open(path: &Path) -> Result<Self, FolderError> {
        let not = |why: String| FolderError::NotAFolder { path: path.to_owned(), why };
        if !path.is_dir() {
            return Err(not(if path.exists() { "it is a file" } else { "there is no such folder" }.to_owned()));
        }
        let file = path.join(MANIFEST);
        let text = fs::read_to_string(&file).map_err(|error| not(format!("{MANIFEST}: {error}")))?;
        let value: serde_json::Value =
            serde_json::from_str(&text).map_err(|error| not(format!("{MANIFEST}: {error}")))?;
        if value["kind"] != "staycast-sequences" {
            return Err(not(format!("{MANIFEST} is not that of sequences")));
        }
        let found = value["layout_version"].as_u64().unwrap_or(0);
        if found != u64::from(LAYOUT_VERSION) {
            return Err(FolderError::Version { path: path.to_owned(), found, expected: LAYOUT_VERSION });
        }
        let manifest = serde_json::from_value(value)
            .map_err(|error| FolderError::Damaged { path: file, what: error.to_string() })?;
        Ok(Self { path: path.to_owned(), manifest })
    }

    /// What the folder holds.
    #[must_use]
    pub const fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads what `selection` names.
    ///
    /// # Errors
    /// When a file can't be read or does not fit the manifest, or a course or feature is not there.
    pub fn load(&self, selection: &Selection) -> Result<Dataset, FolderError> {
        let features = self.features(selection)?;
        let courses = self.courses(selection)?;
        let enrolments = self.enrolments(&courses)?;
        self.dataset(courses, enrolments, features, selection.weeks)
    }

    /// Reads what `selection` names in parts of whole courses, of at most `most_enrolments` enrolments if no course has
    /// more. Holds the values of one part at a time, and the enrolments of all.
    ///
    /// # Errors
    /// As [`SequenceFolder::load`]; what the values' file lacks is told by the part that it concerns.
    pub fn load_parts(
        &self,
        selection: &Selection,
        most_enrolments: usize,
    ) -> Result<impl Iterator<Item = Result<Dataset, FolderError>>, FolderError> {
        let features = self.features(selection)?;
        let courses = self.courses(selection)?;
        let enrolments = self.enrolments(&courses)?;
        let mut sizes = vec![0; courses.len()];
        enrolments.iter().for_each(|row| sizes[row.course] += 1);
        let mut parts = Vec::new();
        let mut rows = enrolments.into_iter();
        for (at, course) in courses.into_iter().enumerate() {
            let size: usize = sizes[at];
            let of_course = rows.by_ref().take(size);
            match parts.last_mut() {
                Some((courses, rows)) if Vec::len(rows) + size <= most_enrolments => {
                    rows.extend(of_course.map(|row| EnrolmentRow { course: Vec::len(courses), ..row }));
                    courses.push(course);
                }
                _ => parts.push((vec![course], of_course.map(|row| EnrolmentRow { course: 0, ..row }).collect())),
            }
        }
        let weeks = selection.weeks;
        Ok(parts.into_iter().map(move |(courses, rows)| self.dataset(courses, rows, features.clone(), weeks)))
    }

    fn dataset(
        &self,
        courses: Vec<CourseRow>,
        enrolments: Vec<EnrolmentRow>,
        features: Vec<String>,
        most_weeks: Option<usize>,
    ) -> Result<Dataset, FolderError> {
        let longest = courses.iter().map(|course| course.weeks as usize).max().unwrap_or(0);
        let weeks = most_weeks.map_or(longest, |weeks| weeks.min(longest));
        let course_ids = courses.iter().map(|course| course.id.as_str()).collect();
        let held = Held { courses: &courses, course_ids, enrolments: &enrolments, features: &features, weeks };
        let values = self.values(&held)?;
        Ok(Dataset::from_parts(self.manifest.clone(), courses, enrolments, features, weeks, values))
    }

    fn features(&self, selection: &Selection) -> Result<Vec<String>, FolderError> {
        let known: Vec<&str> = self.manifest.features.iter().map(|feature| feature.name.as_str()).collect();
        let Some(asked) = &selection.features else {
            return Ok(known.into_iter().map(str::to_owned).collect());
        };
        for feature in asked {
            if !known.contains(&feature.as_str()) {
                return Err(FolderError::UnknownFeature {
                    path: self.path.clone(),
                    feature: feature.clone(),
                    known: known.join(", "),
                });
            }
        }
        Ok(asked.clone())
    }

    fn courses(&self, selection: &Selection) -> Result<Vec<CourseRow>, FolderError> {
        let path = self.path.join(COURSES);
        let mut rows = Vec::new();
        for batch in self.read(&path, None)? {
            let batch = batch?;
            let ids = text(&path, &batch, "course_id")?;
            let starts = column(&path, &batch, "start", &DataType::Date32)?;
            let integer = |name| column(&path, &batch, name, &DataType::Int32);
            let (days, weeks, observed) = (integer("days")?, integer("weeks")?, integer("observed_weeks")?);
            let first_week_days = integer("first_week_days")?;
            let as_of = column(&path, &batch, "as_of_days", &DataType::Float64)?;
            let flag = |name| column(&path, &batch, name, &DataType::Boolean);
            let (inferred, nominal) = (flag("inferred")?, flag("nominal_dates")?);
            for row in 0..batch.num_rows() {
                rows.push(CourseRow {
                    id: ids.as_string::<i32>().value(row).to_owned(),
                    start_day: starts.as_primitive::<Date32Type>().value(row),
                    days: days.as_primitive::<Int32Type>().value(row) as u32,
                    first_week_days: first_week_days.as_primitive::<Int32Type>().value(row) as u32,
                    weeks: weeks.as_primitive::<Int32Type>().value(row) as u32,
                    observed_weeks: observed.as_primitive::<Int32Type>().value(row) as u32,
                    as_of_days: as_of.as_primitive::<Float64Type>().value(row),
                    inferred: inferred.as_boolean().value(row),
                    nominal_dates: nominal.as_boolean().value(row),
                });
            }
        }
        let Some(asked) = &selection.courses else { return Ok(rows) };
        for course in asked {
            if !rows.iter().any(|row| row.id == *course) {
                let known: Vec<&str> = rows.iter().map(|row| row.id.as_str()).collect();
                return Err(FolderError::UnknownCourse {
                    path: self.path.clone(),
                    course: course.clone(),
                    known: known.join(", "),
                });
            }
        }
        let asked: FxHashSet<&str> = asked.iter().map(String::as_str).collect();
        rows.retain(|row| asked.contains(row.id.as_str()));
        Ok(rows)
    }

    fn enrolments(&self, courses: &[CourseRow]) -> Result<Vec<EnrolmentRow>, FolderError> {
        let path = self.path.join(ENROLMENTS);
        let place: FxHashMap<&str, usize> =
            courses.iter().enumerate().map(|(place, course)| (course.id.as_str(), place)).collect();
        let mut rows = Vec::new();
        for batch in self.read(&path, None)? {
            let batch = batch?;
            let strings = |name| text(&path, &batch, name);
            let (course, id, learner) = (strings("course_id")?, strings("enrolment_id")?, strings("learner_id")?);
            let outcome = strings("outcome")?;
            let dropout = column(&path, &batch, "dropout", &DataType::Boolean)?;
            let integer = |name| column(&path, &batch, name, &DataType::Int32);
            let (left, events) = (integer("left_week")?, integer("pre_start_events")?);
            let active_days = integer("pre_start_active_days")?;
            let day = |name| column(&path, &batch, name, &DataType::Float64);
            let (enrolled, first, withdrawal) = (day("enrolled_day")?, day("first_event_day")?, day("withdrawal_day")?);
            let statics = self.manifest.static_columns.iter().map(|name| Ok((name, strings(name)?)));
            let statics: Vec<(&String, ArrayRef)> = statics.collect::<Result<_, FolderError>>()?;
            for row in 0..batch.num_rows() {
                let Some(&course) = place.get(course.as_string::<i32>().value(row)) else { continue };
                let string = |array: &ArrayRef| {
                    let array = array.as_string::<i32>();
                    (!array.is_null(row)).then(|| array.value(row).to_owned())
                };
                let number = |array: &ArrayRef| {
                    let array = array.as_primitive::<Float64Type>();
                    (!array.is_null(row)).then(|| array.value(row))
                };
                let whole = |array: &ArrayRef| {
                    let array = array.as_primitive::<Int32Type>();
                    (!array.is_null(row)).then(|| array.value(row))
                };
                let label = dropout.as_boolean();
                rows.push(EnrolmentRow {
                    id: string(&id).unwrap_or_default(),
                    learner: string(&learner).unwrap_or_default(),
                    course,
                    dropout: (!label.is_null(row)).then(|| label.value(row)),
                    left_week: whole(&left),
                    enrolled_day: number(&enrolled),
                    first_event_day: number(&first),
                    withdrawal_day: number(&withdrawal),
                    pre_start_events: whole(&events).unwrap_or(0) as u32,
                    pre_start_active_days: whole(&active_days).unwrap_or(0) as u32,
                    outcome: string(&outcome),
                    statics: statics
                        .iter()
                        .map(|(name, array)| ((*name).clone(), string(array)))
                        .collect::<BTreeMap<_, _>>(),
                });
            }
        }
        Ok(rows)
    }

    /// The features' values, read row group by row group, side by side. Rows stand in the order of the enrolments, so
    /// that each group fills a piece of the values of its own.
    fn values(&self, held: &Held<'_>) -> Result<Vec<f32>, FolderError> {
        let path = self.path.join(SEQUENCES);
        let failed = |source| FolderError::Parquet { path: path.clone(), source };
        let file = File::open(&path).map_err(|source| FolderError::Io { path: path.clone(), source })?;
        let metadata = ArrowReaderMetadata::load(&file, ArrowReaderOptions::default()).map_err(failed)?;
        let groups = metadata.metadata().num_row_groups();
        let group = |group: usize, names: &[&str], rows: usize| {
            let file = File::open(&path).map_err(|source| FolderError::Io { path: path.clone(), source })?;
            let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(file, metadata.clone());
            let builder = projected(builder, names).with_row_groups(vec![group]).with_batch_size(rows);
            builder.build().map_err(failed)
        };
        let mut starts = (0..groups)
            .into_par_iter()
            .map(|at| match group(at, &KEYS, 1)?.next() {
                Some(batch) => held.start(&path, &batch.map_err(|source| arrow_error(&path, source))?),
                None => Ok(None),
            })
            .collect::<Result<Vec<Option<Start>>, FolderError>>()?;
        // A group without rows begins where the next one does.
        let mut next = Start { place: held.enrolments.len(), value: held.len() };
        for start in starts.iter_mut().rev() {
            next = *start.get_or_insert(next);
        }
        let starts: Vec<Start> = starts.into_iter().flatten().collect();
        let mut values = vec![f32::NAN; held.len()];
        let mut names: Vec<&str> = KEYS.to_vec();
        names.extend(held.features.iter().map(String::as_str));
        pieces(&mut values, &starts)
            .ok_or_else(|| held.out_of_order(&path))?
            .into_par_iter()
            .filter(|(_, piece)| !piece.is_empty())
            .map(|(at, piece)| {
                let Start { place, value } = starts[at];
                let mut walk = Walk { held, path: &path, start: value, piece, place };
                group(at, &names, BATCH_ROWS)?
                    .try_for_each(|batch| walk.take(&batch.map_err(|source| arrow_error(&path, source))?))
            })
            .collect::<Result<(), FolderError>>()?;
        Ok(values)
    }

    /// The batches of a Parquet file, of the columns `names` or all.
    fn read<'a>(
        &self,
        path: &'a Path,
        names: Option<&[&str]>,
    ) -> Result<impl Iterator<Item = Result<RecordBatch, FolderError>> + use<'a>, FolderError> {
        let file = File::open(path).map_err(|source| FolderError::Io { path: path.to_owned(), source })?;
        let parquet = |source| FolderError::Parquet { path: path.to_owned(), source };
        let mut builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(parquet)?;
        if let Some(names) = names {
            builder = projected(builder, names);
        }
        let reader = builder.with_batch_size(8_192).build().map_err(parquet)?;
        Ok(reader.map(|batch| batch.map_err(|source| arrow_error(path, source))))
    }
}

/// What says whose row it is.
const KEYS: [&str; 3] = ["course_id", "enrolment_id", "week"];
/// Rows that are turned from columns into rows at a time: with 100 features 400 KB, which a core's own cache holds.
const BATCH_ROWS: usize = 1024;

/// What is being read: whose values of which features, in how many weeks.
struct Held<'a> {
    courses: &'a [CourseRow],
    course_ids: FxHashSet<&'a str>,
    enrolments: &'a [EnrolmentRow],
    features: &'a [String],
    weeks: usize,
}

/// Where a row group begins.
#[derive(Clone, Copy)]
struct Start {
    /// The enrolment of its first row or, if that is not held, the next one that is.
    place: usize,
    /// The first of the values that its rows fill.
    value: usize,
}

impl Held<'_> {
    fn len(&self) -> usize {
        self.enrolments.len() * self.weeks * self.features.len()
    }

    /// Where a group begins whose first row is `batch`'s.
    fn start(&self, path: &Path, batch: &RecordBatch) -> Result<Option<Start>, FolderError> {
        if batch.num_rows() == 0 {
            return Ok(None);
        }
        let (course, id) = (text(path, batch, "course_id")?, text(path, batch, "enrolment_id")?);
        let first = (course.as_string::<i32>().value(0), id.as_string::<i32>().value(0));
        let key = |row: &EnrolmentRow| (self.courses[row.course].id.as_str(), row.id.as_str()).cmp(&first);
        let place = self.enrolments.partition_point(|row| key(row).is_lt());
        let held = self.enrolments.get(place).is_some_and(|row| key(row).is_eq());
        let week = column(path, batch, "week", &DataType::Int32)?.as_primitive::<Int32Type>().value(0);
        let week = if held { usize::try_from(week).map_err(|_| self.out_of_order(path))?.min(self.weeks) } else { 0 };
        Ok(Some(Start { place, value: (place * self.weeks + week) * self.features.len() }))
    }

    fn out_of_order(&self, path: &Path) -> FolderError {
        let what = "its rows do not stand in the order of enrolments.parquet".to_owned();
        FolderError::Damaged { path: path.to_owned(), what }
    }
}

/// `values` cut at `starts`, with the number of each piece; `None` where they do not rise.
fn pieces<'a>(mut values: &'a mut [f32], starts: &[Start]) -> Option<Vec<(usize, &'a mut [f32])>> {
    let mut found = Vec::with_capacity(starts.len());
    let mut end = values.len();
    for (at, start) in starts.iter().enumerate().rev() {
        if start.value > end {
            return None;
        }
        let (before, piece) = values.split_at_mut(start.value);
        found.push((at, piece));
        values = before;
        end = start.value;
    }
    Some(found)
}

/// A walk over the rows of a row group and the enrolments that they belong to.
struct Walk<'a> {
    held: &'a Held<'a>,
    path: &'a Path,
    /// Where `piece` begins among all values.
    start: usize,
    piece: &'a mut [f32],
    /// The enrolment of the last row.
    place: usize,
}

impl Walk<'_> {
    fn take(&mut self, batch: &RecordBatch) -> Result<(), FolderError> {
        let Held { courses, course_ids, enrolments, features, weeks } = self.held;
        let course = text(self.path, batch, "course_id")?;
        let enrolment = text(self.path, batch, "enrolment_id")?;
        let (course, enrolment) = (course.as_string::<i32>(), enrolment.as_string::<i32>());
        let week = column(self.path, batch, "week", &DataType::Int32)?;
        let mut targets = Vec::with_capacity(batch.num_rows());
        for row in 0..batch.num_rows() {
            let key = (course.value(row), enrolment.value(row));
            // Rows of enrolments that are not held lie between those that are.
            let order = loop {
                match enrolments.get(self.place) {
                    None => break Ordering::Greater,
                    Some(held) => match (courses[held.course].id.as_str(), held.id.as_str()).cmp(&key) {
                        Ordering::Less => self.place += 1,
                        order => break order,
                    },
                }
            };
            if order.is_gt() {
                if !course_ids.contains(key.0) {
                    continue;
                }
                return Err(self.held.out_of_order(self.path));
            }
            let week = usize::try_from(week.as_primitive::<Int32Type>().value(row));
            let week = week.map_err(|_| self.held.out_of_order(self.path))?;
            if week < *weeks {
                let target = (self.place * weeks + week) * features.len();
                let within = target.checked_sub(self.start).filter(|at| at + features.len() <= self.piece.len());
                targets.push((row, within.ok_or_else(|| self.held.out_of_order(self.path))?));
            }
        }
        for (offset, name) in features.iter().enumerate() {
            let array = column(self.path, batch, name, &DataType::Float32)?;
            let array = array.as_primitive::<Float32Type>();
            for &(row, target) in &targets {
                if !array.is_null(row) {
                    self.piece[target + offset] = array.value(row);
                }
            }
        }
        Ok(())
    }
}

fn arrow_error(path: &Path, source: ArrowError) -> FolderError {
    FolderError::Parquet { path: path.to_owned(), source: source.into() }
}

/// Reads the columns `names` only.
fn projected<T: ChunkReader>(
    builder: ParquetRecordBatchReaderBuilder<T>,
    names: &[&str],
) -> ParquetRecordBatchReaderBuilder<T> {
    // By place: in a mask of names a point leads into a nested column, and kinds of event have points in theirs.
    let places = names.iter().filter_map(|name| builder.schema().index_of(name).ok());
    let mask = ProjectionMask::roots(builder.parquet_schema(), places);
    builder.with_projection(mask)
}

fn text(path: &Path, batch: &RecordBatch, name: &str) -> Result<ArrayRef, FolderError> {
    column(path, batch, name, &DataType::Utf8)
}

fn column(path: &Path, batch: &RecordBatch, name: &str, kind: &DataType) -> Result<ArrayRef, FolderError> {
    let damaged = |what: String| FolderError::Damaged { path: path.to_owned(), what };
    let array = batch.column_by_name(name).ok_or_else(|| damaged(format!("no column `{name}`")))?;
    cast(array, kind).map_err(|error| damaged(format!("column `{name}`: {error}")))
}
