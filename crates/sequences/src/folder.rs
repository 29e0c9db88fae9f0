//! Reading a sequences folder back.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use arrow_array::cast::AsArray;
use arrow_array::types::{Date32Type, Float64Type, Int32Type};
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_cast::cast;
use arrow_schema::DataType;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
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
        let courses = self.courses(selection)?;
        let features = self.features(selection)?;
        let enrolments = self.enrolments(&courses)?;
        let weeks = courses.iter().map(|course| course.weeks as usize).max().unwrap_or(0);
        let values = self.values(&courses, &enrolments, &features, weeks)?;
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

    fn values(
        &self,
        courses: &[CourseRow],
        enrolments: &[EnrolmentRow],
        features: &[String],
        weeks: usize,
    ) -> Result<Vec<f32>, FolderError> {
        let path = self.path.join(SEQUENCES);
        let width = features.len();
        let mut values = vec![f32::NAN; enrolments.len() * weeks * width];
        let wanted: FxHashSet<&str> = courses.iter().map(|course| course.id.as_str()).collect();
        let mut names: Vec<&str> = vec!["course_id", "enrolment_id", "week"];
        names.extend(features.iter().map(String::as_str));
        // Rows stand in the order of the enrolments, so one walk over both finds every place without a map.
        let mut place = 0;
        let damaged = |what: &str| FolderError::Damaged { path: path.clone(), what: what.to_owned() };
        for batch in self.read(&path, Some(&names))? {
            let batch = batch?;
            let course = text(&path, &batch, "course_id")?;
            let enrolment = text(&path, &batch, "enrolment_id")?;
            let week = column(&path, &batch, "week", &DataType::Int32)?;
            let mut targets = Vec::with_capacity(batch.num_rows());
            for row in 0..batch.num_rows() {
                if !wanted.contains(course.as_string::<i32>().value(row)) {
                    targets.push(None);
                    continue;
                }
                let id = enrolment.as_string::<i32>().value(row);
                while enrolments.get(place).is_some_and(|enrolment| enrolment.id != id) {
                    place += 1;
                }
                let week = week.as_primitive::<Int32Type>().value(row);
                if place == enrolments.len() || !(0..weeks as i32).contains(&week) {
                    return Err(damaged("its rows do not stand in the order of enrolments.parquet"));
                }
                targets.push(Some((place * weeks + week as usize) * width));
            }
            for (offset, name) in features.iter().enumerate() {
                let array = column(&path, &batch, name, &DataType::Float32)?;
                let array = array.as_primitive::<arrow_array::types::Float32Type>();
                for (row, target) in targets.iter().enumerate() {
                    if let (Some(target), false) = (target, array.is_null(row)) {
                        values[target + offset] = array.value(row);
                    }
                }
            }
        }
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
            // By place: in a mask of names a point leads into a nested column, and kinds of event have points in theirs.
            let places = names.iter().filter_map(|name| builder.schema().index_of(name).ok());
            let mask = ProjectionMask::roots(builder.parquet_schema(), places);
            builder = builder.with_projection(mask);
        }
        let reader = builder.with_batch_size(8_192).build().map_err(parquet)?;
        Ok(reader
            .map(|batch| batch.map_err(|error| FolderError::Parquet { path: path.to_owned(), source: error.into() })))
    }
}

fn text(path: &Path, batch: &RecordBatch, name: &str) -> Result<ArrayRef, FolderError> {
    column(path, batch, name, &DataType::Utf8)
}

fn column(path: &Path, batch: &RecordBatch, name: &str, kind: &DataType) -> Result<ArrayRef, FolderError> {
    let damaged = |what: String| FolderError::Damaged { path: path.to_owned(), what };
    let array = batch.column_by_name(name).ok_or_else(|| damaged(format!("no column `{name}`")))?;
    cast(array, kind).map_err(|error| damaged(format!("column `{name}`: {error}")))
}
