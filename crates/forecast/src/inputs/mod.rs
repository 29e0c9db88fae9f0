//! From the weekly features of a sequences folder to the numbers that the network reads.
//!
//! [`Inputs::fit`] chooses the columns and measures their means and spreads on training rows only; the result is
//! stored in the run, and [`Inputs::for_data`] applies it to any data that has the same features, or refuses by name.
//!
//! Counts and seconds are taken as ±ln(1 + |x|), other units as they are; then all are standardised and cut to
//! [`Inputs::clip`] standard deviations. Null becomes 0, the mean, and a feature that is null only sometimes gets a
//! second column that says when.

mod choose;
mod read;

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use staycast_sequences::Dataset;
use staycast_sequences::manifest::LAYOUT_VERSION;

use crate::config::{CalendarPosition, CheckedInputs, FixedNumber};
use crate::examples::Examples;

use choose::{statics, weekly};
use read::{Moments, Reader, features_of, null_column};

/// Why inputs could not be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InputsError {
    /// A pattern of the configuration fits no feature.
    #[error("inputs.include: `{pattern}` fits no feature that the data has; it has {available}")]
    NoSuchFeature {
        /// The pattern.
        pattern: String,
        /// The features there are.
        available: String,
    },
    /// A static column that the data does not have, or that is no property.
    #[error("inputs.statics: `{column}` {problem}; the data has {available}")]
    BadStatic {
        /// The column.
        column: String,
        /// Why it can't be an input.
        problem: String,
        /// The static columns there are.
        available: String,
    },
    /// Nothing to read is left.
    #[error("no input is left: every chosen feature is null or the same in all training rows")]
    NothingToRead,
    /// The data lacks features that the run reads.
    #[error("the run reads features that this data does not have: {}", .missing.join(", "))]
    MissingFeatures {
        /// Their names.
        missing: Vec<String>,
    },
    /// The data was written in another layout.
    #[error(
        "the run was trained on sequences of layout {run}, and these are of layout {data}; preprocess again with the version of Staycast that trained the run"
    )]
    OtherLayout {
        /// The run's layout version.
        run: u32,
        /// The data's.
        data: u32,
    },
}

/// The columns that a network reads, with what it takes to compute them. `scaler.json` in a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Inputs {
    /// Layout version of the sequences that they were fitted on.
    pub layout_version: u32,
    /// Standard deviations to which inputs are cut.
    pub clip: f64,
    /// The columns, in the network's order.
    pub columns: Vec<Column>,
    /// Columns that were asked for and carry nothing, with the reason.
    pub dropped: BTreeMap<String, String>,
}

/// One number that the network reads each week.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Column {
    /// Where it comes from.
    pub source: Source,
    /// What is done before scaling.
    pub transform: Transform,
    /// Mean over the training rows, after the transform.
    pub mean: f64,
    /// Standard deviation over the training rows, after the transform.
    pub deviation: f64,
}

/// Where a column comes from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Source {
    /// A weekly feature.
    Weekly {
        /// Its column name.
        feature: String,
    },
    /// 1 where a weekly feature is null, else 0.
    Null {
        /// The feature's column name.
        feature: String,
    },
    /// A number of the enrolment.
    Fixed {
        /// Which number.
        number: FixedNumber,
    },
    /// 1 where a static column has this value, else 0.
    Static {
        /// The column.
        column: String,
        /// The value; empty where the source left it empty.
        value: String,
    },
    /// Where in the course the week lies.
    Calendar {
        /// Counted from which end of the course.
        position: CalendarPosition,
    },
}

/// What is done to a value before it is standardised.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Transform {
    /// As it is.
    Identity,
    /// ±ln(1 + |x|), the sign kept.
    SignedLog,
}

impl Transform {
    /// The transform for a unit of the manifest: counts and durations have long tails.
    fn for_unit(unit: &str) -> Self {
        const LONG_TAILED: [&str; 8] =
            ["events", "objects", "sessions", "seconds", "problems", "submissions", "assessments", "courses"];
        if LONG_TAILED.contains(&unit) { Self::SignedLog } else { Self::Identity }
    }

    fn apply(self, value: f32) -> f32 {
        match self {
            Self::Identity => value,
            Self::SignedLog => value.abs().ln_1p().copysign(value),
        }
    }
}

impl Source {
    /// The name under which people know it.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Weekly { feature } => feature.clone(),
            Self::Null { feature } => format!("{feature} is null"),
            Self::Fixed { number } => number.name().to_owned(),
            Self::Static { column, value } => format!("{column} = {value}"),
            Self::Calendar { position } => position.name().to_owned(),
        }
    }
}

impl Inputs {
    /// Chooses the columns and measures them on the enrolments `training`, at the weeks that can be learnt from.
    ///
    /// # Errors
    /// When the configuration names what the data does not have, or nothing is left to read.
    pub(crate) fn fit(
        config: &CheckedInputs,
        data: &Dataset,
        examples: &Examples,
        training: &[usize],
    ) -> Result<Self, InputsError> {
        let mut candidates = weekly(config, data)?;
        candidates.extend(config.fixed.iter().map(|&number| {
            let transform = match number {
                FixedNumber::PreStartEvents => Transform::SignedLog,
                FixedNumber::PreStartActiveDays | FixedNumber::EnrolledDay => Transform::Identity,
            };
            (Source::Fixed { number }, transform)
        }));
        candidates.extend(statics(config, data, training)?);
        candidates.extend(config.calendar.iter().map(|&position| (Source::Calendar { position }, Transform::Identity)));

        let mut columns = Vec::new();
        let mut dropped = BTreeMap::new();
        let readers = candidates.iter().map(|(source, transform)| Reader::new(source, *transform, data));
        let readers: Vec<Reader<'_>> = readers
            .collect::<Result<_, _>>()
            .map_err(|missing| InputsError::MissingFeatures { missing: vec![missing] })?;
        let moments = Moments::of(data, examples, training, &readers);
        for ((source, transform), moments) in candidates.into_iter().zip(moments) {
            let null = null_column(&source, &moments);
            let Some((mean, deviation)) = moments.mean_and_deviation() else {
                let reason = if moments.present == 0.0 { "null" } else { "the same" };
                dropped.insert(source.name(), format!("{reason} in all training rows"));
                // Whether it is null may still tell something.
                columns.extend(null);
                continue;
            };
            columns.push(Column { source, transform, mean, deviation });
            columns.extend(null);
        }
        if columns.is_empty() {
            return Err(InputsError::NothingToRead);
        }
        Ok(Self { layout_version: data.manifest.layout_version, clip: config.clip, columns, dropped })
    }

    /// Columns, the width of the network's input.
    #[must_use]
    pub fn width(&self) -> usize {
        self.columns.len()
    }

    /// Names of the weekly features that the columns rest on, without repeats.
    #[must_use]
    pub fn features(&self) -> Vec<String> {
        let mut seen = BTreeSet::new();
        self.columns
            .iter()
            .filter_map(|column| match &column.source {
                Source::Weekly { feature } | Source::Null { feature } => Some(feature),
                _ => None,
            })
            .filter(|feature| seen.insert((*feature).clone()))
            .cloned()
            .collect()
    }

    /// Binds the columns to a data set.
    ///
    /// # Errors
    /// When the data has another layout or lacks a feature, naming it.
    pub fn for_data<'a>(&'a self, data: &'a Dataset) -> Result<BoundInputs<'a>, InputsError> {
        if self.layout_version != data.manifest.layout_version || data.manifest.layout_version != LAYOUT_VERSION {
            return Err(InputsError::OtherLayout { run: self.layout_version, data: data.manifest.layout_version });
        }
        let known: BTreeSet<&str> = data.manifest.available_features().collect();
        let mut missing = Vec::new();
        let mut readers = Vec::with_capacity(self.columns.len());
        for column in &self.columns {
            match Reader::new(&column.source, column.transform, data) {
                Ok(reader) => readers.push(reader),
                Err(name) => missing.push(name),
            }
        }
        missing.extend(self.features().into_iter().filter(|feature| !known.contains(feature.as_str())));
        // Who is in a cohort is told by it, where the source has no withdrawals.
        if !data.manifest.records_withdrawals() && data.feature("days_since_last").is_none() {
            missing.push("days_since_last".to_owned());
        }
        missing.sort();
        missing.dedup();
        if missing.is_empty() {
            Ok(BoundInputs { inputs: self, data, readers })
        } else {
            Err(InputsError::MissingFeatures { missing })
        }
    }
}

/// What the counts from 0 up to 63 become in a column, scaled once for all rows.
struct SmallCounts([f32; 64]);

impl SmallCounts {
    /// What `raw` becomes, if it is such a count, or null.
    fn get(&self, raw: f32) -> Option<f32> {
        if raw.is_nan() {
            return Some(0.0);
        }
        // Added to 2^23, a small whole number stands in the last bits. What these are otherwise does not equal `raw`.
        const SHIFT: f32 = 8_388_608.0;
        let count = (raw + SHIFT).to_bits() & 0x7F_FFFF;
        let scaled = *self.0.get(count as usize)?;
        (count as f32 == raw).then_some(scaled)
    }
}

/// Inputs bound to a data set; [`BoundInputs::fill`] computes them.
#[derive(Debug)]
pub struct BoundInputs<'a> {
    inputs: &'a Inputs,
    data: &'a Dataset,
    readers: Vec<Reader<'a>>,
}

impl BoundInputs<'_> {
    /// The inputs of `enrolments` in the weeks 0 to `weeks` - 1, `[enrolment][week][column]`: 4 bytes a number. Computed on
    /// the threads of the current rayon pool, each enrolment by itself.
    #[must_use]
    pub fn fill(&self, enrolments: &[usize], weeks: usize) -> Vec<f32> {
        let width = self.readers.len();
        let mut values = vec![0.0; enrolments.len() * weeks * width];
        if values.is_empty() {
            return values;
        }
        // Most values are small counts, and logarithms are most of the work.
        let tables: Vec<SmallCounts> = self
            .inputs
            .columns
            .iter()
            .map(|column| SmallCounts(std::array::from_fn(|count| self.scaled(column, count as f32))))
            .collect();
        // Most columns are read from the week's features as they are.
        let mut weekly = Vec::new();
        let mut others = Vec::new();
        for (column, reader) in self.readers.iter().enumerate() {
            match reader.feature() {
                Some(feature) => weekly.push((column, feature)),
                None => others.push(column),
            }
        }
        let scaled = |column: usize, raw: f32| {
            tables[column].get(raw).unwrap_or_else(|| self.scaled(&self.inputs.columns[column], raw))
        };
        values.par_chunks_mut(weeks * width).zip(enrolments).with_min_len(64).for_each(|(values, &enrolment)| {
            for (week, values) in values.chunks_exact_mut(width).enumerate() {
                let features = features_of(self.data, enrolment, week);
                // Without features everything is null, which is 0 here.
                if !features.is_empty() {
                    for &(column, feature) in &weekly {
                        values[column] = scaled(column, features[feature]);
                    }
                }
                for &column in &others {
                    values[column] = scaled(column, self.readers[column].raw(self.data, enrolment, week, features));
                }
            }
        });
        values
    }

    /// What a value of a column becomes: transformed, standardised, cut; null becomes the mean.
    fn scaled(&self, column: &Column, raw: f32) -> f32 {
        let clip = self.inputs.clip as f32;
        let scaled = ((f64::from(column.transform.apply(raw)) - column.mean) / column.deviation) as f32;
        // Null is NaN, and NaN would pass through `clamp`.
        if scaled.is_nan() { 0.0 } else { scaled.clamp(-clip, clip) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_counts_and_nulls_alone_are_looked_up() {
        let table = SmallCounts(std::array::from_fn(|count| count as f32 * 10.0));
        for count in 0..64 {
            assert_eq!(table.get(count as f32), Some(count as f32 * 10.0));
        }
        for other in [64.0, 0.5, 62.999_996, -1.0, -0.5, -64.0, 8_388_608.0, 8_388_609.0, 1e20, -1e20, 16_777_216.0] {
            assert_eq!(table.get(other), None, "{other}");
        }
        for other in [f32::INFINITY, f32::NEG_INFINITY, f32::MIN_POSITIVE, f32::MAX] {
            assert_eq!(table.get(other), None, "{other}");
        }
        assert_eq!(table.get(f32::NAN), Some(0.0));
    }

    #[test]
    fn logs_keep_the_sign() {
        assert_eq!(Transform::SignedLog.apply(0.0), 0.0);
        assert_eq!(Transform::SignedLog.apply(-3.0), -(4.0_f32.ln()));
        assert!(Transform::SignedLog.apply(f32::NAN).is_nan());
    }
}
