//! The weekly inputs of some enrolments in memory, as the models to beat read them.

use staycast_baselines::{RAW_FEATURES, RawSeries, WeeklyInputs};
use staycast_sequences::{Dataset, WeekIndex};

use crate::inputs::{Inputs, InputsError};

/// What [`WeeklyInputs`] borrows: `rows × weeks × (columns + raw features) × 4` bytes.
#[derive(Clone, Debug)]
pub(crate) struct HostWeekly {
    rows: usize,
    weeks: usize,
    columns: Vec<String>,
    values: Vec<f32>,
    raw: Vec<(&'static str, Vec<f32>)>,
    course_weeks: Vec<u32>,
}

impl HostWeekly {
    /// The inputs of `enrolments` in the weeks 0 to `weeks` - 1, with the raw series or, for networks, without.
    ///
    /// # Errors
    /// When the data lacks what the inputs read.
    pub(crate) fn new(
        data: &Dataset,
        inputs: &Inputs,
        enrolments: &[usize],
        weeks: usize,
        with_raw: bool,
    ) -> Result<Self, InputsError> {
        let values = inputs.for_data(data)?.fill(enrolments, weeks);
        let raw = RAW_FEATURES.iter().filter(|_| with_raw).filter_map(|&name| {
            let column = data.feature(name)?;
            let of = |enrolment: usize, week: usize| {
                if week < data.weeks { data.week(enrolment, WeekIndex::from_position(week))[column] } else { f32::NAN }
            };
            let series = enrolments.iter().flat_map(|&enrolment| (0..weeks).map(move |week| of(enrolment, week)));
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

    /// The same of some rows only.
    pub(crate) fn of_rows(&self, rows: &[usize]) -> Self {
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

    /// The last week alone, as if it were the only one.
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

    /// `[row][week][column]`.
    pub(crate) fn values(&self) -> &[f32] {
        &self.values
    }

    /// Lends them to a model.
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
