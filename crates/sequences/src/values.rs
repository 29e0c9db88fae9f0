//! Reads the features' values back: row groups side by side, from columns into `[enrolment][week][feature]`.

use std::cmp::Ordering;
use std::fs::File;
use std::path::PathBuf;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float32Type, Int32Type, Int64Type};
use arrow_array::{Array, ArrowPrimitiveType, PrimitiveArray, RecordBatch};
use arrow_schema::DataType;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
};
use rayon::prelude::*;
use rustc_hash::FxHashSet;

use crate::dataset::{CourseRow, EnrolmentRow};
use crate::error::FolderError;
use crate::parquet_in::{arrow_error, column, no_column, projected, text};

/// Lists the columns that say which enrolment and week a row is.
const KEYS: [&str; 3] = ["course_id", "enrolment_id", "week"];
/// Counts the rows that are turned from columns into rows at a time: with 100 features 400 KB, which a core's own cache
/// holds.
const BATCH_ROWS: usize = 1024;

/// Holds a file of values, with the first row of each of its row groups.
pub(crate) struct ValuesFile {
    path: PathBuf,
    metadata: ArrowReaderMetadata,
    /// By row group: the keys of its first row; none where a group has no rows.
    first_rows: Vec<Option<RowKeys>>,
}

/// Holds the enrolment and week of a row.
struct RowKeys {
    course: String,
    enrolment: String,
    week: i32,
}

impl ValuesFile {
    /// Opens the file and looks at the first row of each group.
    pub(crate) fn open(path: PathBuf) -> Result<Self, FolderError> {
        let io = |source| FolderError::Io { path: path.clone(), source };
        let parquet = |source| FolderError::Parquet { path: path.clone(), source };
        let file = File::open(&path).map_err(io)?;
        let metadata = ArrowReaderMetadata::load(&file, ArrowReaderOptions::default()).map_err(parquet)?;
        let groups = metadata.metadata().num_row_groups();
        let mut opened = Self { path, metadata, first_rows: Vec::new() };
        opened.first_rows = (0..groups).into_par_iter().map(|at| opened.first(at)).collect::<Result<_, _>>()?;
        Ok(opened)
    }

    fn group(&self, group: usize, names: &[&str], rows: usize) -> Result<ParquetRecordBatchReader, FolderError> {
        let file = File::open(&self.path).map_err(|source| FolderError::Io { path: self.path.clone(), source })?;
        let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(file, self.metadata.clone());
        let builder = projected(builder, names).with_row_groups(vec![group]).with_batch_size(rows);
        builder.build().map_err(|source| FolderError::Parquet { path: self.path.clone(), source })
    }

    fn first(&self, group: usize) -> Result<Option<RowKeys>, FolderError> {
        let Some(batch) = self.group(group, &KEYS, 1)?.next() else { return Ok(None) };
        let batch = batch.map_err(|source| arrow_error(&self.path, source))?;
        if batch.num_rows() == 0 {
            return Ok(None);
        }
        let word = |name| Ok(text(&self.path, &batch, name)?.as_string::<i32>().value(0).to_owned());
        let week = column(&self.path, &batch, "week", &DataType::Int32)?.as_primitive::<Int32Type>().value(0);
        Ok(Some(RowKeys { course: word("course_id")?, enrolment: word("enrolment_id")?, week }))
    }

    /// Reads the values that are wanted, NaN where null. Rows stand in the order of the enrolments, so that each group fills a
    /// piece of its own.
    pub(crate) fn read(&self, wanted: &WantedValues<'_>) -> Result<Vec<f32>, FolderError> {
        // A group without rows begins where the next one does.
        let mut next = GroupStart { place: wanted.enrolments.len(), value: wanted.len() };
        let mut starts = Vec::with_capacity(self.first_rows.len());
        for first in self.first_rows.iter().rev() {
            if let Some(first) = first {
                next = wanted.start(first).ok_or_else(|| self.out_of_order())?;
            }
            starts.push(next);
        }
        starts.reverse();
        let mut values = vec![f32::NAN; wanted.len()];
        let mut names: Vec<&str> = KEYS.to_vec();
        names.extend(wanted.features.iter().map(String::as_str));
        let mut pieces = pieces(&mut values, &starts).ok_or_else(|| self.out_of_order())?;
        // Of a part of the enrolments a few groups side by side have some: threads share these, not all groups.
        pieces.retain(|(_, piece)| !piece.is_empty());
        pieces
            .into_par_iter()
            .map(|(at, piece)| {
                let GroupStart { place, value } = starts[at];
                let mut walk = RowWalk { file: self, wanted, start: value, piece, place };
                self.group(at, &names, BATCH_ROWS)?
                    .try_for_each(|batch| walk.take(&batch.map_err(|source| arrow_error(&self.path, source))?))
            })
            .collect::<Result<(), FolderError>>()?;
        Ok(values)
    }

    fn out_of_order(&self) -> FolderError {
        let what = "its rows do not stand in the order of enrolments.parquet".to_owned();
        FolderError::Damaged { path: self.path.clone(), what }
    }
}

/// Holds the values to read: of which enrolments, features and weeks.
pub(crate) struct WantedValues<'a> {
    courses: &'a [CourseRow],
    course_ids: FxHashSet<&'a str>,
    enrolments: &'a [EnrolmentRow],
    features: &'a [String],
    weeks: usize,
}

/// Holds the place at which a row group begins.
#[derive(Clone, Copy)]
struct GroupStart {
    /// Enrolment of its first row or, if that is not wanted, the next one that is.
    place: usize,
    /// Number of the first value that its rows fill.
    value: usize,
}

impl<'a> WantedValues<'a> {
    pub(crate) fn new(
        courses: &'a [CourseRow],
        enrolments: &'a [EnrolmentRow],
        features: &'a [String],
        weeks: usize,
    ) -> Self {
        let course_ids = courses.iter().map(|course| course.id.as_str()).collect();
        Self { courses, course_ids, enrolments, features, weeks }
    }

    fn len(&self) -> usize {
        self.enrolments.len() * self.weeks * self.features.len()
    }

    fn compare(&self, row: &EnrolmentRow, key: (&str, &str)) -> Ordering {
        (self.courses[row.course.as_usize()].id.as_str(), row.id.as_str()).cmp(&key)
    }

    /// Finds where the group begins whose first row is `first`; `None` where its week is none.
    fn start(&self, first: &RowKeys) -> Option<GroupStart> {
        let key = (first.course.as_str(), first.enrolment.as_str());
        let place = self.enrolments.partition_point(|row| self.compare(row, key).is_lt());
        let is_wanted = self.enrolments.get(place).is_some_and(|row| self.compare(row, key).is_eq());
        let week = if is_wanted { usize::try_from(first.week).ok()?.min(self.weeks) } else { 0 };
        Some(GroupStart { place, value: (place * self.weeks + week) * self.features.len() })
    }
}

/// Cuts `values` at `starts`, and gives each piece with its number; `None` where they do not rise.
fn pieces<'a>(mut values: &'a mut [f32], starts: &[GroupStart]) -> Option<Vec<(usize, &'a mut [f32])>> {
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

/// Holds a walk over the rows of a row group and the enrolments that they belong to.
struct RowWalk<'a> {
    file: &'a ValuesFile,
    wanted: &'a WantedValues<'a>,
    /// Number of the first value of `piece` among all.
    start: usize,
    piece: &'a mut [f32],
    /// Enrolment of the last row.
    place: usize,
}

impl RowWalk<'_> {
    fn take(&mut self, batch: &RecordBatch) -> Result<(), FolderError> {
        let WantedValues { course_ids, enrolments, features, weeks, .. } = self.wanted;
        let path = &self.file.path;
        let (course, enrolment) = (text(path, batch, "course_id")?, text(path, batch, "enrolment_id")?);
        let (course, enrolment) = (course.as_string::<i32>(), enrolment.as_string::<i32>());
        let week = column(path, batch, "week", &DataType::Int32)?;
        let week = week.as_primitive::<Int32Type>().values();
        let mut targets = Vec::with_capacity(batch.num_rows());
        for row in 0..batch.num_rows() {
            let key = (course.value(row), enrolment.value(row));
            // Rows of enrolments that are not wanted lie between those that are.
            let order = loop {
                match enrolments.get(self.place) {
                    None => break Ordering::Greater,
                    Some(row) => match self.wanted.compare(row, key) {
                        Ordering::Less => self.place += 1,
                        order => break order,
                    },
                }
            };
            if order.is_gt() {
                if !course_ids.contains(key.0) {
                    continue;
                }
                return Err(self.file.out_of_order());
            }
            let week = usize::try_from(week[row]).map_err(|_| self.file.out_of_order())?;
            if week < *weeks {
                let target = (self.place * weeks + week) * features.len();
                let within = target.checked_sub(self.start).filter(|at| at + features.len() <= self.piece.len());
                targets.push((row, within.ok_or_else(|| self.file.out_of_order())?));
            }
        }
        for (offset, name) in features.iter().enumerate() {
            let array = batch.column_by_name(name).ok_or_else(|| no_column(path, name))?;
            // Integers are 64 bits wide, and 32 in folders of before that; both become floats without a copy between.
            if let Some(array) = array.as_primitive_opt::<Int64Type>() {
                fill(self.piece, &targets, offset, array, |value| value as f32);
            } else if let Some(array) = array.as_primitive_opt::<Int32Type>() {
                fill(self.piece, &targets, offset, array, |value| value as f32);
            } else {
                let array = column(path, batch, name, &DataType::Float32)?;
                fill(self.piece, &targets, offset, array.as_primitive::<Float32Type>(), |value| value);
            }
        }
        Ok(())
    }
}

/// Writes the values of a column, other than nulls, to `piece`: of each row in `targets`, to `offset` after its target.
fn fill<T: ArrowPrimitiveType>(
    piece: &mut [f32],
    targets: &[(usize, usize)],
    offset: usize,
    column: &PrimitiveArray<T>,
    float: impl Fn(T::Native) -> f32,
) {
    let values = column.values();
    match column.nulls() {
        None => targets.iter().for_each(|&(row, target)| piece[target + offset] = float(values[row])),
        Some(nulls) => {
            for &(row, target) in targets.iter().filter(|(row, _)| nulls.is_valid(*row)) {
                piece[target + offset] = float(values[row]);
            }
        }
    }
}
