//! The weekly inputs of some enrolments in memory, as baselines read them and as they go to a device.

use staycast_baselines::{RAW_FEATURES, RawSeries, WeeklyInputs};
use staycast_sequences::{Dataset, EnrolmentIndex, WeekIndex};

use crate::inputs::{Inputs, InputsError};

/// Tells whether the features are kept as they are beside the scaled inputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RawFeatures {
    /// Kept: some baselines read them.
    Included,
    /// Left out: networks read scaled inputs alone.
    LeftOut,
}

/// Owns the values that a [`WeeklyInputs`] borrows: `rows × weeks × (columns + raw features) × 4` bytes.
#[derive(Clone, Debug)]
pub(crate) struct EnrolmentInputs {
    rows: usize,
    weeks: usize,
    columns: Vec<String>,
    values: Vec<f32>,
    raw: Vec<(&'static str, Vec<f32>)>,
    course_weeks: Vec<u32>,
}

impl EnrolmentInputs {
    /// Computes the inputs of `enrolments` in the first `weeks` weeks.
    ///
    /// # Errors
    /// When the data lacks what the inputs read.
    pub(crate) fn new(
        data: &Dataset,
        inputs: &Inputs,
        enrolments: &[EnrolmentIndex],
        weeks: usize,
        raw: RawFeatures,
    ) -> Result<Self, InputsError> {
        let values = inputs.for_data(data)?.fill(enrolments, weeks);
        let raw = RAW_FEATURES.iter().filter(|_| raw == RawFeatures::Included).filter_map(|&name| {
            let column = data.feature(name)?;
            let value = |enrolment: EnrolmentIndex, week: usize| {
                if week < data.weeks { data.week(enrolment, WeekIndex::from_position(week))[column] } else { f32::NAN }
            };
            let series = enrolments.iter().flat_map(|&enrolment| (0..weeks).map(move |week| value(enrolment, week)));
            Some((name, series.collect()))
        });
        Ok(Self {
            rows: enrolments.len(),
            weeks,
            columns: inputs.columns.iter().map(|column| column.source.name()).collect(),
            values,
            raw: raw.collect(),
            course_weeks: enrolments.iter().map(|&enrolment| data.course_of(enrolment).weeks).collect(),
        })
    }

    /// Returns the same for some rows only.
    pub(crate) fn pick_rows(&self, rows: &[usize]) -> Self {
        let pick = |values: &[f32], size: usize| -> Vec<f32> {
            rows.iter().flat_map(|&row| &values[row * size..(row + 1) * size]).copied().collect()
        };
        Self {
            rows: rows.len(),
            weeks: self.weeks,
            columns: self.columns.clone(),
            values: pick(&self.values, self.weeks * self.columns.len()),
            raw: self.raw.iter().map(|(name, values)| (*name, pick(values, self.weeks))).collect(),
            course_weeks: rows.iter().map(|&row| self.course_weeks[row]).collect(),
        }
    }

    /// Returns the last week alone, as if it were the only one.
    pub(crate) fn last_week(&self) -> Self {
        let last = |values: &[f32], size: usize| -> Vec<f32> {
            values.chunks_exact(self.weeks * size).flat_map(|row| &row[(self.weeks - 1) * size..]).copied().collect()
        };
        Self {
            rows: self.rows,
            weeks: 1,
            columns: self.columns.clone(),
            values: last(&self.values, self.columns.len()),
            raw: self.raw.iter().map(|(name, values)| (*name, last(values, 1))).collect(),
            course_weeks: self.course_weeks.clone(),
        }
    }

    /// Returns the values, `[row][week][column]`.
    pub(crate) fn values(&self) -> &[f32] {
        &self.values
    }

    /// Lends the inputs to a model.
    pub(crate) fn lend<T>(&self, to: impl FnOnce(&WeeklyInputs<'_>) -> T) -> T {
        let raw: Vec<RawSeries<'_>> = self.raw.iter().map(|(name, values)| RawSeries { name, values }).collect();
        to(&WeeklyInputs {
            rows: self.rows,
            weeks: self.weeks,
            columns: &self.columns,
            values: &self.values,
            raw: &raw,
            course_weeks: &self.course_weeks,
        })
    }
}
