//! Inputs that models read, and the data that they are fitted on.

use std::sync::Arc;

use staycast_weeks::CutOff;

use crate::error::{ForecastError, InputError};

/// Names the raw weekly features that [`BaselineKind::DaysSinceLast`](crate::BaselineKind::DaysSinceLast) and
/// [`BaselineKind::Rules`](crate::BaselineKind::Rules) read, where the data has them. Both need `days_since_last`.
pub const RAW_FEATURES: [&str; 6] =
    ["days_since_last", "active_days", "n_events", "rank_events", "assessments_missing", "withdrawn"];

/// Borrows the weekly inputs of some enrolments. The caller holds `rows × weeks × columns × 4` bytes.
#[derive(Clone, Copy, Debug)]
pub struct WeeklyInputs<'a> {
    /// Number of enrolments.
    pub rows: usize,
    /// Number of weeks, at most 65,535; a cut-off after k weeks sees the first k of them.
    pub weeks: usize,
    /// Names of the columns.
    pub columns: &'a [String],
    /// Values as `[row][week][column]`, standardised, all finite.
    pub values: &'a [f32],
    /// Unscaled series of those [`RAW_FEATURES`] that the data has.
    pub raw: &'a [RawSeries<'a>],
    /// By row: number of weeks in the course's calendar, known from its start. Hazards run up to there.
    pub course_weeks: &'a [u32],
}

/// Borrows the values of one raw weekly feature.
#[derive(Clone, Copy, Debug)]
pub struct RawSeries<'a> {
    /// Name of the feature, as in the manifest of the sequences.
    pub name: &'a str,
    /// Values as `[row][week]`, in the feature's own unit; NaN where null.
    pub values: &'a [f32],
}

impl<'a> WeeklyInputs<'a> {
    /// Checks that all slices have the lengths that `rows`, `weeks` and `columns` require, and that every input is finite.
    /// Returns the number of weeks.
    ///
    /// # Errors
    /// [`InputError`], naming the slice or the first input that is not a finite number.
    pub(crate) fn check(&self) -> Result<u16, InputError> {
        let width = self.columns.len();
        let weeks = u16::try_from(self.weeks).map_err(|_| InputError::TooManyWeeks { found: self.weeks })?;
        let length = |what: &str, found: usize, wanted: usize| {
            if found == wanted { Ok(()) } else { Err(InputError::Length { what: what.to_owned(), found, wanted }) }
        };
        length("values", self.values.len(), self.rows * self.weeks * width)?;
        length("course_weeks", self.course_weeks.len(), self.rows)?;
        for series in self.raw {
            length(series.name, series.values.len(), self.rows * self.weeks)?;
        }
        match self.values.iter().position(|value| !value.is_finite()) {
            None => Ok(weeks),
            Some(at) => Err(InputError::NotFinite {
                column: self.columns[at % width].clone(),
                row: at / width / self.weeks,
                week: at / width % self.weeks,
            }),
        }
    }

    /// Returns the inputs of `row` in the weeks that `cut_off` sees, as `[week][column]`.
    pub(crate) fn seen(&self, row: usize, cut_off: CutOff) -> &'a [f32] {
        let width = self.columns.len();
        let start = row * self.weeks * width;
        &self.values[start..start + cut_off.count() * width]
    }

    /// Returns the raw series called `name`, if the data has it.
    pub(crate) fn series(&self, name: &str) -> Option<RawSeries<'a>> {
        self.raw.iter().find(|series| series.name == name).copied()
    }
}

/// Borrows the data that a model is fitted on. Rows are positions in `inputs`.
#[derive(Clone, Copy, Debug)]
pub struct TrainingData<'a> {
    /// Inputs of all rows, of the training set and held out.
    pub inputs: WeeklyInputs<'a>,
    /// Rows of the training set.
    pub rows: &'a [usize],
    /// Rows kept out of the fit. Early stopping of boosting and the choice of penalties look at them.
    pub held_out: &'a [usize],
    /// By row: whether the enrolment dropped out, where known.
    pub labels: &'a [Option<bool>],
    /// `[row][week]`: whether a fit may use the row at the end of that week.
    pub learnable: &'a [bool],
    /// By row: week, from 0, in which the learner left; below 0 before the start. `None` for learners who stayed, whose
    /// leaving has no date, or who ended the course in another way. Only the hazard model reads it.
    pub exit_week: &'a [Option<i32>],
    /// By row: number of the course's weeks in which leaving would have been observed. It is the length of the calendar,
    /// or less if the log ends before. Only the hazard model reads it.
    pub observed_weeks: &'a [u32],
    /// Seed of all random draws.
    pub seed: u64,
}

impl TrainingData<'_> {
    /// Checks the inputs (see [`WeeklyInputs::check`]) and the lengths of all slices. Every row must exist, and no row may be
    /// both in the training set and held out. Returns the number of weeks.
    ///
    /// # Errors
    /// [`InputError`], naming the slice or row.
    pub(crate) fn check(&self) -> Result<u16, InputError> {
        let weeks = self.inputs.check()?;
        let rows = self.inputs.rows;
        let lengths = [
            ("labels", self.labels.len(), rows),
            ("learnable", self.learnable.len(), rows * self.inputs.weeks),
            ("exit_week", self.exit_week.len(), rows),
            ("observed_weeks", self.observed_weeks.len(), rows),
        ];
        for (what, found, wanted) in lengths {
            if found != wanted {
                return Err(InputError::Length { what: what.to_owned(), found, wanted });
            }
        }
        let mut trains = vec![false; rows];
        for &row in self.rows {
            *trains.get_mut(row).ok_or(InputError::NoSuchRow { row, rows })? = true;
        }
        for &row in self.held_out {
            if *trains.get(row).ok_or(InputError::NoSuchRow { row, rows })? {
                return Err(InputError::TrainedAndHeldOut { row });
            }
        }
        Ok(weeks)
    }

    /// Tells whether a fit may use the row at some cut-off.
    pub(crate) fn is_ever_learnable(&self, row: usize) -> bool {
        let weeks = self.inputs.weeks;
        self.labels[row].is_some() && self.learnable[row * weeks..(row + 1) * weeks].contains(&true)
    }

    /// Selects the rows that a fit may use at `cut_off`; returns them with their labels.
    pub(crate) fn examples(&self, rows: &[usize], cut_off: CutOff) -> (Vec<usize>, Vec<bool>) {
        rows.iter()
            .filter(|&&row| self.learnable[row * self.inputs.weeks + cut_off.last_week().position()])
            .filter_map(|&row| self.labels[row].map(|label| (row, label)))
            .unzip()
    }
}

/// Forecasts dropout from weekly inputs.
pub trait Forecaster: Send + Sync {
    /// Returns logits of dropout by the course's end, as `[row][week]`.
    ///
    /// The value at week w (from 0) is the forecast at the end of that week. It rests on weeks 0 to w and nothing later. A
    /// higher logit means that dropout is likelier; only the order is promised, as the caller calibrates. Weeks that the
    /// forecaster cannot forecast are NaN, all others are finite.
    ///
    /// # Errors
    /// [`ForecastError`], naming how the inputs differ from those of the fit.
    fn forecast(&self, inputs: &WeeklyInputs<'_>) -> Result<Vec<f32>, ForecastError>;
}

impl<F: Forecaster + ?Sized> Forecaster for Arc<F> {
    fn forecast(&self, inputs: &WeeklyInputs<'_>) -> Result<Vec<f32>, ForecastError> {
        (**self).forecast(inputs)
    }
}
