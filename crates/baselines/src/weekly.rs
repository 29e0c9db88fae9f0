//! What models read, and what they are fitted on.

use std::sync::Arc;

use crate::error::{ForecastError, InputError};

/// The raw weekly features that the models of rules read, where the data has them. `days_since_last` is the one that
/// they can't do without.
pub const RAW: [&str; 6] =
    ["days_since_last", "active_days", "n_events", "rank_events", "assessments_missing", "withdrawn"];

/// Weekly inputs of some enrolments, borrowed: `rows × weeks × columns × 4` bytes are the caller's.
#[derive(Clone, Copy, Debug)]
pub struct Weekly<'a> {
    /// Enrolments.
    pub rows: usize,
    /// Weeks; cut-off k looks at the first k of them.
    pub weeks: usize,
    /// Names of the columns.
    pub columns: &'a [String],
    /// `[row][week][column]`, standardised, all finite.
    pub values: &'a [f32],
    /// Raw series, unscaled, by name: those of [`RAW`] that the data has.
    pub raw: &'a [RawSeries<'a>],
    /// By row: weeks of the course's calendar, known from its start. Hazards run up to there.
    pub course_weeks: &'a [u32],
}

/// One raw weekly feature.
#[derive(Clone, Copy, Debug)]
pub struct RawSeries<'a> {
    /// The feature's name, as in the sequences' manifest.
    pub name: &'a str,
    /// `[row][week]`, in the feature's own unit; NaN where null.
    pub values: &'a [f32],
}

impl<'a> Weekly<'a> {
    /// Checks that all slices have the lengths that `rows`, `weeks` and `columns` call for, and that no input is NaN or
    /// infinite. Fits and forecasts do it themselves.
    ///
    /// # Errors
    /// Naming the slice, or the first input that is no number.
    pub fn check(&self) -> Result<(), InputError> {
        let width = self.columns.len();
        let length = |what: &str, found: usize, wanted: usize| {
            if found == wanted { Ok(()) } else { Err(InputError::Length { what: what.to_owned(), found, wanted }) }
        };
        length("values", self.values.len(), self.rows * self.weeks * width)?;
        length("course_weeks", self.course_weeks.len(), self.rows)?;
        for series in self.raw {
            length(series.name, series.values.len(), self.rows * self.weeks)?;
        }
        match self.values.iter().position(|value| !value.is_finite()) {
            None => Ok(()),
            Some(at) => Err(InputError::NotFinite {
                column: self.columns[at % width].clone(),
                row: at / width / self.weeks,
                week: at / width % self.weeks,
            }),
        }
    }

    /// The inputs of `row` in weeks 0 to `cutoff` - 1, one week after the other: `[week][column]`.
    pub(crate) fn seen(&self, row: usize, cutoff: usize) -> &'a [f32] {
        let width = self.columns.len();
        let start = row * self.weeks * width;
        &self.values[start..start + cutoff * width]
    }

    /// The raw series called `name`.
    pub(crate) fn series(&self, name: &str) -> Option<RawSeries<'a>> {
        self.raw.iter().find(|series| series.name == name).copied()
    }
}

/// What a model is fitted on. Rows are positions in `inputs`.
#[derive(Clone, Copy, Debug)]
pub struct Training<'a> {
    /// All rows, those that train and those that are held out.
    pub inputs: Weekly<'a>,
    /// The rows to train on.
    pub rows: &'a [usize],
    /// Rows kept from the fit: boosting stops by them, and penalties are chosen by them.
    pub held_out: &'a [usize],
    /// By row: whether the enrolment dropped out, where known.
    pub labels: &'a [Option<bool>],
    /// `[row][week]`: whether what is known at the end of that week may be learnt from.
    pub learnable: &'a [bool],
    /// By row: the week, from 0, in which the learner left; below 0 for one who left before the start. `None` for who
    /// stayed, whose leaving has no date, and whose end was another one than leaving. Read by the hazard model only.
    pub exit_week: &'a [Option<i32>],
    /// By row: weeks of the course in which leaving would have been observed: the calendar's, or fewer for a log that
    /// ends before. Read by the hazard model only.
    pub observed_weeks: &'a [u32],
    /// Seed of everything that is drawn.
    pub seed: u64,
}

impl Training<'_> {
    /// Checks [`Weekly::check`], the lengths of all slices, and that the rows exist and are not both trained on and held
    /// out.
    ///
    /// # Errors
    /// Naming what is wrong.
    pub fn check(&self) -> Result<(), InputError> {
        self.inputs.check()?;
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
                return Err(InputError::OnBothSides { row });
            }
        }
        Ok(())
    }

    /// Those of `rows` that can be learnt from at cut-off `cutoff`, with their answers.
    pub(crate) fn examples(&self, rows: &[usize], cutoff: usize) -> (Vec<usize>, Vec<bool>) {
        rows.iter()
            .filter(|&&row| self.learnable[row * self.inputs.weeks + cutoff - 1])
            .filter_map(|&row| self.labels[row].map(|label| (row, label)))
            .unzip()
    }
}

/// Something that forecasts dropout from weekly inputs.
pub trait Forecaster: Send + Sync {
    /// Logits of dropout by the course's end, `[row][week]`: at week w (from 0) what is forecast at its end, after w + 1
    /// weeks, from weeks 0 to w and nothing later. Higher is likelier; only the order is promised, calibration is the
    /// caller's. NaN at the weeks that the forecaster says it can't forecast, finite at all others.
    ///
    /// # Errors
    /// When the inputs are not those that it was fitted on, naming the difference.
    fn forecast(&self, inputs: &Weekly<'_>) -> Result<Vec<f32>, ForecastError>;
}

impl<F: Forecaster + ?Sized> Forecaster for Arc<F> {
    fn forecast(&self, inputs: &Weekly<'_>) -> Result<Vec<f32>, ForecastError> {
        (**self).forecast(inputs)
    }
}
