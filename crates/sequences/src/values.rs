//! Reads the features' values back: row groups side by side, from columns into `[enrolment][week][feature]`.
//!
//! Each enrolment has a row for every week of its course, in the order of the enrolments. So the number of a row alone
//! says whose it is, and every row that is read is checked to be that.

use std::ops::RangeInclusive;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float32Type, Int32Type, Int64Type};
use arrow_array::{Array, ArrayRef, ArrowPrimitiveType, PrimitiveArray, RecordBatch};
use arrow_schema::DataType;
use rayon::prelude::*;
use staycast_weeks::WeekIndex;

use crate::checked_file::CheckedFile;
use crate::dataset::{CourseRow, EnrolmentRow};
use crate::due_values::{DueValues, EVENTS};
use crate::error::{FolderError, counted};
use crate::grid::WEEK_DAYS;
use crate::parquet_in::{Rows, arrow_error};
use crate::wanted_feature::WantedFeature;

/// Lists the columns that say which enrolment and week a row is.
const KEYS: [&str; 3] = ["course_id", "enrolment_id", "week"];
/// Lists the columns that repeat what the tables say of the enrolment and the week.
const REPEATED: [&str; 3] = ["learner_id", "week_days", "observed"];
/// Counts the rows that are turned from columns into rows at a time: with 100 features 400 KB, which a core's own cache
/// holds.
const BATCH_ROWS: usize = 1024;

/// Says what is checked of each row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RowChecks {
    /// What is read: whose row it is, and the values that are wanted.
    OfWhatIsRead,
    /// Also what the tables say too.
    All,
}

/// Holds a file of values, with the first row of each of its row groups.
pub(crate) struct ValuesFile {
    file: CheckedFile,
    /// By row group, from 0; then the rows of the file.
    group_starts: Vec<u64>,
}

impl ValuesFile {
    /// Takes the file, which must have `due` rows: those of all enrolments.
    pub(crate) fn new(file: CheckedFile, due: u64) -> Result<Self, FolderError> {
        let rows = file.rows();
        if rows != due {
            let what = format!("has {}, and the weeks of all enrolments are {due}", counted(rows, "row"));
            return Err(FolderError::damaged(file.path(), what));
        }
        let mut group_starts = vec![0];
        for rows in file.group_rows() {
            group_starts.push(group_starts.last().expect("one at least") + rows);
        }
        Ok(Self { file, group_starts })
    }

    /// Reads the values that are wanted, NaN where null.
    pub(crate) fn read(&self, wanted: &WantedValues<'_>, checks: RowChecks) -> Result<Vec<f32>, FolderError> {
        let mut values = self.room(wanted)?;
        let groups = self.group_starts.len() - 1;
        let mut names: Vec<&str> = KEYS.to_vec();
        if checks == RowChecks::All {
            names.extend(REPEATED);
        }
        names.extend(wanted.features.iter().map(|feature| feature.name.as_str()));
        let mut pieces = Vec::with_capacity(groups);
        let mut rest = values.as_mut_slice();
        for group in 0..groups {
            let (start, end) = (self.group_starts[group], self.group_starts[group + 1]);
            let (first, next) = (wanted.value_at(start), wanted.value_at(end));
            let (piece, after) = std::mem::take(&mut rest).split_at_mut(next - first);
            rest = after;
            // Of a part of the enrolments a few groups side by side have some: threads share these, not all groups.
            if wanted.has_some_of(start, end) {
                pieces.push((group, RowWalk { file: self, wanted, checks, row: start, start: first, piece, span: 0 }));
            }
        }
        pieces
            .into_par_iter()
            .map(|(group, mut walk)| {
                for batch in self.file.batches(Some(&names), Some(vec![group]), BATCH_ROWS)? {
                    walk.take(&batch.map_err(|source| arrow_error(self.file.path(), source))?)?;
                }
                if walk.row == self.group_starts[group + 1] {
                    return Ok(());
                }
                let what = format!("row group {group} has other rows than the file says");
                Err(FolderError::damaged(self.file.path(), what))
            })
            .collect::<Result<(), FolderError>>()?;
        self.file.is_unchanged()?;
        Ok(values)
    }

    /// Makes room for the values that are wanted, all null.
    fn room(&self, wanted: &WantedValues<'_>) -> Result<Vec<f32>, FolderError> {
        let sizes = [wanted.enrolments.len(), wanted.weeks, wanted.features.len()];
        let too_large = || FolderError::TooLarge {
            path: self.file.path().to_owned(),
            values: sizes.map(|size| size.to_string()).join(" × "),
        };
        let count = sizes.iter().try_fold(1_usize, |product, &size| product.checked_mul(size));
        let mut values = Vec::new();
        count
            .filter(|&count| values.try_reserve_exact(count).is_ok())
            .map(|count| values.resize(count, f32::NAN))
            .ok_or_else(too_large)?;
        Ok(values)
    }
}

/// Holds the values to read: of which enrolments, features and weeks.
pub(crate) struct WantedValues<'a> {
    courses: &'a [CourseRow],
    enrolments: &'a [EnrolmentRow],
    features: &'a [WantedFeature],
    weeks: usize,
    /// The rows of each course that has any, in order.
    spans: Vec<Span>,
}

/// Holds the rows of one course.
struct Span {
    first: u64,
    end: u64,
    /// Rows of each enrolment.
    weeks: u64,
    /// Of these, weeks that were observed.
    observed: u64,
    /// Days of the first and the last week; those between have seven.
    end_days: [u32; 2],
    /// Place of the course's first enrolment.
    place: usize,
    course: usize,
}

impl<'a> WantedValues<'a> {
    /// Wants the first `weeks` weeks of `features` of `enrolments`, which are in the order of `courses`; `first_rows` has
    /// the file's first row of each course.
    pub(crate) fn new(
        courses: &'a [CourseRow],
        first_rows: &[u64],
        enrolments: &'a [EnrolmentRow],
        features: &'a [WantedFeature],
        weeks: usize,
    ) -> Self {
        let mut spans = Vec::with_capacity(courses.len());
        let mut place = 0;
        for (course, (row, &first)) in courses.iter().zip(first_rows).enumerate() {
            let of_course = enrolments[place..].partition_point(|enrolment| enrolment.course.as_usize() <= course);
            let weeks = u64::from(row.weeks);
            if of_course > 0 && weeks > 0 {
                let days = |week: u32| row.week_grid().week_days(WeekIndex::new(week as u16));
                spans.push(Span {
                    first,
                    end: first + of_course as u64 * weeks,
                    weeks,
                    observed: row.observed_weeks.into(),
                    end_days: [days(0), days(row.weeks - 1)],
                    place,
                    course,
                });
            }
            place += of_course;
        }
        Self { courses, enrolments, features, weeks, spans }
    }

    /// Numbers the first value of the rows from `row` on.
    fn value_at(&self, row: u64) -> usize {
        let span = self.spans.partition_point(|span| span.end <= row);
        let (place, week) = self.spans.get(span).map_or((self.enrolments.len(), 0), |span| {
            let into = row.saturating_sub(span.first);
            (span.place + (into / span.weeks) as usize, (into % span.weeks) as usize)
        });
        (place * self.weeks + week.min(self.weeks)) * self.features.len()
    }

    /// Tells whether any of the rows from `start` up to `end` is wanted.
    fn has_some_of(&self, start: u64, end: u64) -> bool {
        let span = self.spans.partition_point(|span| span.end <= start);
        start < end && self.spans.get(span).is_some_and(|span| span.first < end)
    }
}

/// Holds a walk over the rows of a row group and the enrolments that they belong to.
struct RowWalk<'a> {
    file: &'a ValuesFile,
    wanted: &'a WantedValues<'a>,
    checks: RowChecks,
    /// Number of the next row in the file, from 0.
    row: u64,
    /// Number of the first value of `piece` among all.
    start: usize,
    piece: &'a mut [f32],
    /// The first span that may have further rows.
    span: usize,
}

impl RowWalk<'_> {
    fn take(&mut self, batch: &RecordBatch) -> Result<(), FolderError> {
        let WantedValues { courses, enrolments, features, weeks, spans } = self.wanted;
        let rows = Rows { path: self.file.file.path(), batch, before: self.row };
        let (course, enrolment) = (rows.ids("course_id")?, rows.ids("enrolment_id")?);
        let (course, enrolment) = (course.as_string::<i32>(), enrolment.as_string::<i32>());
        let week = rows.without_nulls("week", rows.whole("week", &DataType::Int32)?)?;
        let week = week.as_primitive::<Int32Type>().values();
        let repeated = (self.checks == RowChecks::All).then(|| Repeated::new(&rows)).transpose()?;
        let mut targets = Vec::with_capacity(batch.num_rows());
        let (mut unobserved, mut short) = (Vec::new(), Vec::new());
        for row in 0..batch.num_rows() {
            let number = self.row + row as u64;
            while spans.get(self.span).is_some_and(|span| span.end <= number) {
                self.span += 1;
            }
            let Some(span) = spans.get(self.span).filter(|span| span.first <= number) else { continue };
            let (place, week_due) = ((number - span.first) / span.weeks, (number - span.first) % span.weeks);
            let (place, week_due) = (span.place + place as usize, week_due as usize);
            let (due, due_course) = (&enrolments[place], &courses[span.course]);
            let is_due = enrolment.value(row) == due.id && course.value(row) == due_course.id;
            if !is_due || week[row] as usize != week_due {
                return Err(not_due(&rows, row, &due_course.id, is_due.then_some(week[row]), week_due));
            }
            if let Some(repeated) = &repeated {
                repeated.check(&rows, row, due, due_course, WeekIndex::new(week_due as u16))?;
            }
            if week_due < *weeks {
                targets.push((row, (place * weeks + week_due) * features.len() - self.start));
                let week_due = week_due as u64;
                if week_due >= span.observed {
                    unobserved.push(row);
                }
                let [first_days, last_days] = span.end_days;
                let days = if week_due + 1 == span.weeks { last_days } else { first_days };
                if days < WEEK_DAYS && (week_due == 0 || week_due + 1 == span.weeks) {
                    short.push((row, days));
                }
            }
        }
        let events = features.iter().any(|feature| feature.name == EVENTS).then(|| batch.column_by_name(EVENTS));
        let due = DueValues::new(batch.num_rows(), &targets, unobserved, short, events.flatten());
        for (offset, feature) in features.iter().enumerate() {
            self.fill_feature(&rows, &targets, offset, feature, &due)?;
        }
        self.row += batch.num_rows() as u64;
        Ok(())
    }

    /// Writes the values of a feature to their places.
    fn fill_feature(
        &mut self,
        rows: &Rows<'_>,
        targets: &[(usize, usize)],
        offset: usize,
        feature: &WantedFeature,
        due: &DueValues<'_>,
    ) -> Result<(), FolderError> {
        let array: Option<&ArrayRef> = rows.batch.column_by_name(&feature.name);
        // Integers are 64 bits wide, and 32 in folders of before that; both become floats without a copy between.
        if let Some(array) = array.and_then(|array| array.as_primitive_opt::<Int64Type>()) {
            return self.fill_from(rows, targets, offset, feature, due, array, |value| value as f32);
        }
        if let Some(array) = array.and_then(|array| array.as_primitive_opt::<Int32Type>()) {
            return self.fill_from(rows, targets, offset, feature, due, array, |value| value as f32);
        }
        let array = rows.numbers(&feature.name, &DataType::Float32)?;
        let array = array.as_primitive::<Float32Type>();
        let is_broken = |row: usize| array.is_valid(row) && array.value(row).fract() != 0.0;
        let broken = if feature.rules.is_whole { targets.iter().find(|target| is_broken(target.0)) } else { None };
        match broken {
            Some(&(row, _)) => Err(not_allowed(rows, row, feature, due)),
            None => self.fill_from(rows, targets, offset, feature, due, array, |value| value),
        }
    }

    #[allow(clippy::too_many_arguments, reason = "a column, its rules, and where it goes")]
    fn fill_from<T: ArrowPrimitiveType>(
        &mut self,
        rows: &Rows<'_>,
        targets: &[(usize, usize)],
        offset: usize,
        feature: &WantedFeature,
        due: &DueValues<'_>,
        array: &PrimitiveArray<T>,
        float: impl Fn(T::Native) -> f32 + Copy,
    ) -> Result<(), FolderError> {
        if let Some((row, what)) = due.wrong_null(feature, array.nulls()) {
            return Err(rows.damaged(row, what));
        }
        let rules = &feature.rules;
        let outside = fill(self.piece, targets, offset, array, &rules.range, float);
        let in_short_week = |&&(row, days): &&(usize, u32)| {
            array.is_valid(row) && !rules.range_in(days).contains(&float(array.value(row)))
        };
        let outside = outside.or_else(|| {
            let short = rules.days.map_or(&[][..], |_| due.short());
            short.iter().find(in_short_week).map(|&(row, _)| row)
        });
        outside.map_or(Ok(()), |row| Err(not_allowed(rows, row, feature, due)))
    }
}

/// Says that a feature cannot have the value that it has in row `row`.
fn not_allowed(rows: &Rows<'_>, row: usize, feature: &WantedFeature, due: &DueValues<'_>) -> FolderError {
    let allowed = feature.rules.allowed(due.week_days(row));
    rows.damaged(row, format!("column `{}` is not {allowed}", feature.name))
}

/// Says that row `row` is not the one that is due there: week `week_due` of an enrolment of `course`. `week` is its week,
/// where it is of that enrolment.
fn not_due(rows: &Rows<'_>, row: usize, course: &str, week: Option<i32>, week_due: usize) -> FolderError {
    let is = match week {
        Some(week) => format!("is week {week} of its enrolment"),
        None => "is of another enrolment than enrolments.parquet has there".to_owned(),
    };
    let what = "rows are missing, there twice, or out of order";
    rows.damaged(row, format!("{is}, where week {week_due} of an enrolment in course `{course}` is due: {what}"))
}

/// Holds the columns that repeat what the tables say.
struct Repeated {
    learner: ArrayRef,
    week_days: Vec<u32>,
    observed: arrow_array::BooleanArray,
}

impl Repeated {
    fn new(rows: &Rows<'_>) -> Result<Self, FolderError> {
        Ok(Self {
            learner: rows.ids("learner_id")?,
            week_days: rows.counts("week_days", 1, crate::grid::WEEK_DAYS)?,
            observed: rows.known_flags("observed")?,
        })
    }

    /// Checks that row `row` is as the tables say.
    fn check(
        &self,
        rows: &Rows<'_>,
        row: usize,
        due: &EnrolmentRow,
        course: &CourseRow,
        week: WeekIndex,
    ) -> Result<(), FolderError> {
        if self.learner.as_string::<i32>().value(row) != due.learner {
            return Err(rows.damaged(row, "is of another learner than its enrolment"));
        }
        if self.week_days[row] != course.week_grid().week_days(week) {
            return Err(rows.damaged(row, format!("column `week_days` is not that of week {}", week.get())));
        }
        let is_observed = u32::from(week.get()) < course.observed_weeks;
        if self.observed.value(row) != is_observed {
            return Err(rows.damaged(row, "column `observed` is not what courses.parquet says"));
        }
        Ok(())
    }
}

/// Writes the values of a column, other than nulls, to `piece`: of each row in `targets`, to `offset` after its target.
/// Returns the first row of a value outside of `range`.
fn fill<T: ArrowPrimitiveType>(
    piece: &mut [f32],
    targets: &[(usize, usize)],
    offset: usize,
    column: &PrimitiveArray<T>,
    range: &RangeInclusive<f32>,
    float: impl Fn(T::Native) -> f32,
) -> Option<usize> {
    let values = column.values();
    let (least, most) = (*range.start(), *range.end());
    let is_within = |value: f32| (least <= value) & (value <= most);
    let mut are_within = true;
    let mut put = |row: usize, target: usize| {
        let value = float(values[row]);
        are_within &= is_within(value);
        piece[target + offset] = value;
    };
    match column.nulls() {
        None => targets.iter().for_each(|&(row, target)| put(row, target)),
        Some(nulls) => {
            targets.iter().filter(|(row, _)| nulls.is_valid(*row)).for_each(|&(row, target)| put(row, target));
        }
    }
    if are_within {
        return None;
    }
    targets.iter().map(|&(row, _)| row).find(|&row| column.is_valid(row) && !is_within(float(values[row])))
}
