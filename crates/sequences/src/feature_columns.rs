//! Turns rows of feature values into typed columns with nulls, 64 rows at a time.

use std::sync::Arc;

use arrow_array::{ArrayRef, Float32Array, Int64Array};
use arrow_buffer::{BooleanBuffer, Buffer, NullBuffer};

use crate::features::{Feature, Storage};

/// Counts the rows that wait to be turned: as many as a word of the null mask has bits.
const WAITING: usize = u64::BITS as usize;

/// Gathers rows of values, one for each feature, as columns.
///
/// Rows are written one after the other and turned when there are 64: of 100 features, these are 51 kB, so that the turn
/// stays in the cache, and the null mask grows by whole words.
pub(crate) struct FeatureColumns {
    columns: Vec<FeatureColumn>,
    /// Rows that wait, one after the other.
    waiting: Vec<f64>,
}

struct FeatureColumn {
    values: Values,
    /// A bit for each row, 1 where there is a value, the first row's lowest.
    validity: Vec<u64>,
}

enum Values {
    Int(Vec<i64>),
    Float(Vec<f32>),
}

impl FeatureColumns {
    pub(crate) fn new(features: &[Feature]) -> Self {
        let column = |feature: &Feature| FeatureColumn {
            values: match feature.storage {
                Storage::Int => Values::Int(Vec::new()),
                Storage::Float => Values::Float(Vec::new()),
            },
            validity: Vec::new(),
        };
        Self { columns: features.iter().map(column).collect(), waiting: Vec::with_capacity(WAITING * features.len()) }
    }

    /// Adds a row, in the order of the features, NaN for null.
    pub(crate) fn push(&mut self, values: &[f64]) {
        assert_eq!(values.len(), self.columns.len(), "a value for every column");
        self.waiting.extend_from_slice(values);
        self.turn_if_full();
    }

    /// Adds a row of nulls.
    pub(crate) fn push_nulls(&mut self) {
        self.waiting.resize(self.waiting.len() + self.columns.len(), f64::NAN);
        self.turn_if_full();
    }

    fn turn_if_full(&mut self) {
        if self.waiting.len() == WAITING * self.columns.len() {
            self.turn();
        }
    }

    /// Moves the rows that wait to the columns.
    fn turn(&mut self) {
        let width = self.columns.len();
        for (offset, column) in self.columns.iter_mut().enumerate() {
            let mut valid = 0_u64;
            let values = self.waiting.chunks_exact(width).map(|row| row[offset]).enumerate().map(|(row, value)| {
                valid |= u64::from(!value.is_nan()) << row;
                value
            });
            // Null is a NaN here, which becomes 0 below the mask, and NaN in a column of floats.
            match &mut column.values {
                Values::Int(integers) => integers.extend(values.map(|value| value as i64)),
                Values::Float(floats) => floats.extend(values.map(|value| value as f32)),
            }
            column.validity.push(valid);
        }
        self.waiting.clear();
    }

    /// Makes an array of each column.
    pub(crate) fn finish(mut self) -> Vec<ArrayRef> {
        if !self.waiting.is_empty() {
            self.turn();
        }
        self.columns.into_iter().map(FeatureColumn::finish).collect()
    }
}

impl FeatureColumn {
    fn finish(self) -> ArrayRef {
        let rows = match &self.values {
            Values::Int(integers) => integers.len(),
            Values::Float(floats) => floats.len(),
        };
        // The mask's bytes are in the order of rows.
        let words: Vec<u64> = self.validity.into_iter().map(u64::to_le).collect();
        let nulls = NullBuffer::new(BooleanBuffer::new(Buffer::from_vec(words), 0, rows));
        let nulls = Some(nulls).filter(|nulls| nulls.null_count() > 0);
        match self.values {
            Values::Int(integers) => Arc::new(Int64Array::new(integers.into(), nulls)),
            Values::Float(floats) => Arc::new(Float32Array::new(floats.into(), nulls)),
        }
    }
}

#[cfg(test)]
mod tests {
    use arrow_array::Array;
    use arrow_array::cast::AsArray;
    use arrow_array::types::{Float32Type, Int64Type};

    use super::*;
    use crate::feature_set::FeatureSet;

    #[test]
    fn rows_become_columns_for_any_number_of_rows() {
        let features = crate::features::features(FeatureSet::Core);
        for rows in [0, 1, 63, 64, 65, 128, 200] {
            let mut columns = FeatureColumns::new(&features);
            let value = |row: usize, column: usize| {
                if (row + column).is_multiple_of(3) { f64::NAN } else { (row * 1000 + column) as f64 }
            };
            for row in 0..rows {
                if row % 7 == 6 {
                    columns.push_nulls();
                } else {
                    let values: Vec<f64> = (0..features.len()).map(|column| value(row, column)).collect();
                    columns.push(&values);
                }
            }
            let arrays = columns.finish();
            assert_eq!(arrays.len(), features.len());
            for (column, array) in arrays.iter().enumerate() {
                assert_eq!(array.len(), rows);
                for row in 0..rows {
                    let expected = value(row, column);
                    let is_null = row % 7 == 6 || expected.is_nan();
                    assert_eq!(array.is_null(row), is_null, "row {row}, column {column} of {rows}");
                    if is_null {
                        continue;
                    }
                    match features[column].storage {
                        Storage::Int => assert_eq!(array.as_primitive::<Int64Type>().value(row), expected as i64),
                        Storage::Float => assert_eq!(array.as_primitive::<Float32Type>().value(row), expected as f32),
                    }
                }
            }
        }
    }
}
