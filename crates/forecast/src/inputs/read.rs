//! Reading a column's values from a data set, and measuring them.

use rayon::prelude::*;
use staycast_sequences::{Dataset, EnrolmentIndex, EnrolmentRow, WeekIndex};

use super::column::{Column, Source, Transform};
use crate::config::{CalendarPosition, FixedNumber};
use crate::examples::Examples;

/// Reads a column's values before scaling.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    origin: Origin<'a>,
    transform: Transform,
}

#[derive(Debug)]
enum Origin<'a> {
    Weekly(usize),
    Null(usize),
    Fixed(fn(&EnrolmentRow) -> Option<f64>),
    Static { column: &'a str, value: &'a str },
    Week,
    WeeksLeft,
}

impl<'a> Reader<'a> {
    /// Makes the reader, or names what `data` lacks.
    pub(super) fn new(source: &'a Source, transform: Transform, data: &Dataset) -> Result<Self, String> {
        let column = |feature: &String| data.feature(feature).ok_or_else(|| feature.clone());
        let origin = match source {
            Source::Weekly { feature } => Origin::Weekly(column(feature)?),
            Source::Null { feature } => Origin::Null(column(feature)?),
            Source::Fixed { number } => Origin::Fixed(match number {
                FixedNumber::PreStartEvents => |row| Some(f64::from(row.pre_start_events)),
                FixedNumber::PreStartActiveDays => |row| Some(f64::from(row.pre_start_active_days)),
                FixedNumber::EnrolledDay => |row| row.enrolled_day,
            }),
            Source::Static { column, .. } if !data.manifest.static_columns.contains(column) => {
                return Err(column.clone());
            }
            Source::Static { column, value } => Origin::Static { column, value },
            Source::Calendar { position: CalendarPosition::Week } => Origin::Week,
            Source::Calendar { position: CalendarPosition::WeeksLeft } => Origin::WeeksLeft,
        };
        Ok(Self { origin, transform })
    }

    /// Returns the feature that is read as it is, for a column of one.
    pub(super) fn feature(&self) -> Option<usize> {
        match self.origin {
            Origin::Weekly(feature) => Some(feature),
            _ => None,
        }
    }

    /// Returns the transformed value, NaN where null. `features`: those of the week, from [`features_of`].
    pub(super) fn read(&self, data: &Dataset, enrolment: EnrolmentIndex, week: WeekIndex, features: &[f32]) -> f32 {
        self.transform.apply(self.raw(data, enrolment, week, features))
    }

    /// Returns the value as it is, NaN where null. `features`: those of the week, from [`features_of`].
    pub(super) fn raw(&self, data: &Dataset, enrolment: EnrolmentIndex, week: WeekIndex, features: &[f32]) -> f32 {
        let weekly = |column: usize| features.get(column).copied().unwrap_or(f32::NAN);
        match &self.origin {
            Origin::Weekly(column) => weekly(*column),
            Origin::Null(column) => f32::from(u8::from(weekly(*column).is_nan())),
            Origin::Fixed(read) => read(data.enrolment(enrolment)).map_or(f32::NAN, |value| value as f32),
            Origin::Static { column, value } => {
                let has = data.enrolment(enrolment).statics.get(*column).and_then(Option::as_deref).unwrap_or("");
                f32::from(u8::from(has == *value))
            }
            Origin::Week => f32::from(week.get()),
            Origin::WeeksLeft => {
                let weeks = data.course_of(enrolment).week_grid();
                let seen = week.cut_off().expect("a course has few weeks");
                let left = f64::from(weeks.days()) / 7.0 - f64::from(weeks.end_day(seen)) / 7.0;
                left.max(0.0) as f32
            }
        }
    }
}

/// Returns the features of a week; none after the data's last, since a run's network may look at more weeks than a data set's
/// longest course has.
pub(super) fn features_of(data: &Dataset, enrolment: EnrolmentIndex, week: WeekIndex) -> &[f32] {
    if week.position() < data.weeks { data.week(enrolment, week) } else { &[] }
}

/// Sums over the training rows.
#[derive(Default)]
pub(super) struct Moments {
    pub(super) present: f64,
    absent: f64,
    mean: f64,
    squares: f64,
}

impl Moments {
    /// Measures the values of each reader, in the order of the rows.
    pub(super) fn measure(
        data: &Dataset,
        examples: &Examples,
        training: &[EnrolmentIndex],
        readers: &[Reader<'_>],
    ) -> Vec<Self> {
        // Readers of a row side by side: a row's features lie together, those of the next row far away.
        let measure_some = |readers: &[Reader<'_>]| {
            let mut moments: Vec<Self> = readers.iter().map(|_| Self::default()).collect();
            for &enrolment in training {
                for week in examples.week_indices().filter(|&week| examples.is_trainable(enrolment, week)) {
                    let features = features_of(data, enrolment, week);
                    for (moments, reader) in moments.iter_mut().zip(readers) {
                        moments.add(f64::from(reader.read(data, enrolment, week, features)));
                    }
                }
            }
            moments
        };
        let each = readers.len().div_ceil(rayon::current_num_threads()).max(1);
        readers.par_chunks(each).flat_map_iter(measure_some).collect()
    }

    /// Updates Welford's running mean and sum of squared deviations.
    fn add(&mut self, value: f64) {
        if value.is_nan() {
            self.absent += 1.0;
        } else {
            self.present += 1.0;
            let delta = value - self.mean;
            self.mean += delta / self.present;
            self.squares += delta * (value - self.mean);
        }
    }

    /// Returns mean and standard deviation, for a column that varies.
    pub(super) fn mean_and_deviation(&self) -> Option<(f64, f64)> {
        if self.present < 2.0 {
            return None;
        }
        let deviation = (self.squares / self.present).sqrt();
        (deviation > 1e-6 * (1.0 + self.mean.abs())).then_some((self.mean, deviation))
    }
}

/// Returns the column that marks where a weekly feature is null, when it is null only sometimes.
pub(super) fn null_column(source: &Source, moments: &Moments) -> Option<Column> {
    let Source::Weekly { feature } = source else { return None };
    if moments.absent == 0.0 || moments.present == 0.0 {
        return None;
    }
    let share = moments.absent / (moments.absent + moments.present);
    Some(Column {
        source: Source::Null { feature: feature.clone() },
        transform: Transform::Identity,
        mean: share,
        deviation: (share * (1.0 - share)).sqrt(),
    })
}
