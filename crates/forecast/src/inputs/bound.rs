//! The numbers that models read, computed for enrolments of a data set.

use rayon::prelude::*;
use staycast_sequences::{Dataset, EnrolmentIndex, WeekIndex};

use super::column::Column;
use super::read::{Reader, features_of};

/// Holds the scaled values of the counts from 0 up to 63 in a column, computed once for all rows.
struct SmallCounts([f32; 64]);

impl SmallCounts {
    /// Returns the scaled value of `raw`, if it is such a count, or null.
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

/// Binds inputs to a data set; [`BoundInputs::fill`] computes them.
#[derive(Debug)]
pub(crate) struct BoundInputs<'a> {
    columns: &'a [Column],
    clip: f64,
    data: &'a Dataset,
    readers: Vec<Reader<'a>>,
}

impl<'a> BoundInputs<'a> {
    pub(super) fn new(columns: &'a [Column], clip: f64, data: &'a Dataset, readers: Vec<Reader<'a>>) -> Self {
        Self { columns, clip, data, readers }
    }

    /// Computes the inputs of `enrolments` in the first `weeks` weeks, `[enrolment][week][column]`: 4 bytes a number.
    /// Works on the threads of the current rayon pool, each enrolment by itself.
    #[must_use]
    pub(crate) fn fill(&self, enrolments: &[EnrolmentIndex], weeks: usize) -> Vec<f32> {
        let width = self.readers.len();
        let mut values = vec![0.0; enrolments.len() * weeks * width];
        if values.is_empty() {
            return values;
        }
        // Most values are small counts, and logarithms are most of the work.
        let tables: Vec<SmallCounts> = self
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
            tables[column].get(raw).unwrap_or_else(|| self.scaled(&self.columns[column], raw))
        };
        values.par_chunks_mut(weeks * width).zip(enrolments).with_min_len(64).for_each(|(values, &enrolment)| {
            for (week, values) in values.chunks_exact_mut(width).enumerate() {
                let week = WeekIndex::from_position(week);
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

    /// Transforms, standardises and cuts a value of a column; null becomes the mean.
    fn scaled(&self, column: &Column, raw: f32) -> f32 {
        let clip = self.clip as f32;
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
}
