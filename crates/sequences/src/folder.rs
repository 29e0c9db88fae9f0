//! Reads a sequences folder back.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use arrow_array::cast::AsArray;
use arrow_array::types::{Date32Type, Float64Type, Int32Type};
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_schema::DataType;
use rayon::prelude::*;
use rustc_hash::{FxHashMap, FxHashSet};
use staycast_events::CourseIndex;

use crate::dataset::{CourseRow, Dataset, EnrolmentRow, Selection};
use crate::error::FolderError;
use crate::grid::{WEEK_DAYS, WeekGrid};
use crate::layout::{COURSES, ENROLMENTS, MANIFEST, SEQUENCES, SEQUENCES_KIND};
use crate::manifest::{LAYOUT_VERSION, Manifest};
use crate::parquet_in::{batches, column, text, whole_numbers};
use crate::values::{ValuesFile, WantedValues};

/// Holds a sequences folder, of which the manifest has been read.
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
        if !file.exists() {
            return Err(not(format!("it has no {MANIFEST}")));
        }
        let text = fs::read_to_string(&file).map_err(|error| not(format!("{MANIFEST}: {error}")))?;
        let value: serde_json::Value =
            serde_json::from_str(&text).map_err(|error| not(format!("{MANIFEST}: {error}")))?;
        let kind = value["kind"].as_str().unwrap_or_default();
        if kind != SEQUENCES_KIND {
            return Err(not(match kind.strip_prefix("staycast-") {
                Some(other) => format!("it is a {other}"),
                None => format!("{MANIFEST} is not that of sequences"),
            }));
        }
        let found = value["layout_version"].as_u64().unwrap_or(0);
        if found != u64::from(LAYOUT_VERSION) {
            return Err(FolderError::Version { path: path.to_owned(), found, expected: LAYOUT_VERSION });
        }
        let manifest = serde_json::from_value(value)
            .map_err(|error| FolderError::Damaged { path: file, what: error.to_string() })?;
        Ok(Self { path: path.to_owned(), manifest })
    }

    /// Returns the manifest, which says what the folder holds.
    #[must_use]
    pub const fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Returns where the folder is.
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
        let values = ValuesFile::open(self.path.join(SEQUENCES))?;
        self.dataset(&values, courses, enrolments, features, selection.weeks)
    }

    /// Reads what `selection` names in parts of whole courses, of at most `most_enrolments` enrolments if no course has
    /// more. Holds the values of one part at a time, and the enrolments of all.
    ///
    /// # Errors
    /// As [`SequenceFolder::load`]; the part that lacks rows in the file of values reports them.
    pub fn load_parts(
        &self,
        selection: &Selection,
        most_enrolments: usize,
    ) -> Result<impl Iterator<Item = Result<Dataset, FolderError>>, FolderError> {
        let features = self.features(selection)?;
        let courses = self.courses(selection)?;
        let enrolments = self.enrolments(&courses)?;
        let mut sizes = vec![0; courses.len()];
        enrolments.iter().for_each(|row| sizes[row.course.as_usize()] += 1);
        let mut parts = Vec::new();
        let mut rows = enrolments.into_iter();
        for (at, course) in courses.into_iter().enumerate() {
            let size: usize = sizes[at];
            let of_course = rows.by_ref().take(size);
            match parts.last_mut() {
                Some((courses, rows)) if Vec::len(rows) + size <= most_enrolments => {
                    let course_index = CourseIndex(Vec::len(courses) as u32);
                    rows.extend(of_course.map(|row| EnrolmentRow { course: course_index, ..row }));
                    courses.push(course);
                }
                _ => {
                    let first = CourseIndex(0);
                    parts.push((vec![course], of_course.map(|row| EnrolmentRow { course: first, ..row }).collect()));
                }
            }
        }
        let weeks = selection.weeks;
        let values = ValuesFile::open(self.path.join(SEQUENCES))?;
        Ok(parts.into_iter().map(move |(courses, rows)| self.dataset(&values, courses, rows, features.clone(), weeks)))
    }

    fn dataset(
        &self,
        values: &ValuesFile,
        courses: Vec<CourseRow>,
        enrolments: Vec<EnrolmentRow>,
        features: Vec<String>,
        most_weeks: Option<usize>,
    ) -> Result<Dataset, FolderError> {
        let longest = courses.iter().map(|course| course.weeks as usize).max().unwrap_or(0);
        let weeks = most_weeks.map_or(longest, |weeks| weeks.min(longest));
        let values = values.read(&WantedValues::new(&courses, &enrolments, &features, weeks))?;
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
        for batch in batches(&path)? {
            let batch = batch?;
            let ids = text(&path, &batch, "course_id")?;
            let starts = column(&path, &batch, "start", &DataType::Date32)?;
            let counts = |name, most| whole_numbers(&path, &batch, name, most);
            let days = counts("days", WeekGrid::GREATEST_DAYS)?;
            let first_week_days = counts("first_week_days", WEEK_DAYS)?;
            if first_week_days.contains(&0) {
                let what = "a course whose first week has no days".to_owned();
                return Err(FolderError::Damaged { path: path.clone(), what });
            }
            let (weeks, observed) = (counts("weeks", u16::MAX.into())?, counts("observed_weeks", u16::MAX.into())?);
            let as_of = column(&path, &batch, "as_of_days", &DataType::Float64)?;
            let flag = |name| column(&path, &batch, name, &DataType::Boolean);
            let (inferred, nominal) = (flag("inferred")?, flag("nominal_dates")?);
            for row in 0..batch.num_rows() {
                rows.push(CourseRow {
                    id: ids.as_string::<i32>().value(row).to_owned(),
                    start_day: starts.as_primitive::<Date32Type>().value(row),
                    days: days[row],
                    first_week_days: first_week_days[row],
                    weeks: weeks[row],
                    observed_weeks: observed[row],
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
        let index: FxHashMap<&str, CourseIndex> =
            (0..).map(CourseIndex).zip(courses).map(|(index, course)| (course.id.as_str(), index)).collect();
        let batches = batches(&path)?.collect::<Result<Vec<RecordBatch>, FolderError>>()?;
        let of_batch = |batch: &RecordBatch| {
            let strings = |name| text(&path, batch, name);
            let (course, id, learner) = (strings("course_id")?, strings("enrolment_id")?, strings("learner_id")?);
            let outcome = strings("outcome")?;
            let dropout = column(&path, batch, "dropout", &DataType::Boolean)?;
            let left = column(&path, batch, "left_week", &DataType::Int32)?;
            let events = whole_numbers(&path, batch, "pre_start_events", u32::MAX)?;
            let active_days = whole_numbers(&path, batch, "pre_start_active_days", u32::MAX)?;
            let day = |name| column(&path, batch, name, &DataType::Float64);
            let (enrolled, first, withdrawal) = (day("enrolled_day")?, day("first_event_day")?, day("withdrawal_day")?);
            let statics = self.manifest.static_columns.iter().map(|name| Ok((name, strings(name)?)));
            let statics: Vec<(&String, ArrayRef)> = statics.collect::<Result<_, FolderError>>()?;
            let mut rows = Vec::with_capacity(batch.num_rows());
            for row in 0..batch.num_rows() {
                let Some(&course) = index.get(course.as_string::<i32>().value(row)) else { continue };
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
                    pre_start_events: events[row],
                    pre_start_active_days: active_days[row],
                    outcome: string(&outcome),
                    statics: statics
                        .iter()
                        .map(|(name, array)| ((*name).clone(), string(array)))
                        .collect::<BTreeMap<_, _>>(),
                });
            }
            Ok(rows)
        };
        let rows = batches.par_iter().map(of_batch).collect::<Result<Vec<Vec<EnrolmentRow>>, FolderError>>()?;
        Ok(rows.into_iter().flatten().collect())
    }
}
