//! Rows of values gathered into Arrow columns.

use std::sync::Arc;

use arrow_array::builder::StringDictionaryBuilder;
use arrow_array::types::Int32Type;
use arrow_array::{ArrayRef, BooleanArray, Float32Array, Int32Array, RecordBatch};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use staycast_events::Kind;

use crate::features::{Feature, FeatureSet, Needs, Storage, features};

/// Columns that say which enrolment-week a row is, before the features.
pub(crate) const KEYS: [&str; 6] = ["course_id", "enrolment_id", "learner_id", "week", "week_days", "observed"];

/// The feature columns, those of the source's own kinds last.
pub(crate) fn feature_columns(set: FeatureSet, kinds: Option<&[Kind]>) -> Vec<Feature> {
    let mut list = features(set);
    for kind in kinds.into_iter().flatten() {
        list.push(Feature {
            name: format!("n_raw_{}", kind.raw),
            unit: "events",
            meaning: format!("events of the week that the source calls {}", kind.raw),
            storage: Storage::Int,
            needs: Needs::Days,
        });
    }
    list
}

fn dictionary() -> DataType {
    DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8))
}

/// The schema of `sequences.parquet`. Ids are dictionary-encoded in memory; in the file they are plain strings.
pub(crate) fn schema(features: &[Feature]) -> SchemaRef {
    let mut fields = vec![
        Field::new(KEYS[0], dictionary(), false),
        Field::new(KEYS[1], dictionary(), false),
        Field::new(KEYS[2], dictionary(), false),
        Field::new(KEYS[3], DataType::Int32, false),
        Field::new(KEYS[4], DataType::Int32, false),
        Field::new(KEYS[5], DataType::Boolean, false),
    ];
    fields.extend(features.iter().map(|feature| {
        let kind = match feature.storage {
            Storage::Int => DataType::Int32,
            Storage::Float => DataType::Float32,
        };
        Field::new(&feature.name, kind, true)
    }));
    Arc::new(Schema::new(fields))
}

/// Rows of a row group to be.
pub(crate) struct Columns<'a> {
    features: &'a [Feature],
    course: StringDictionaryBuilder<Int32Type>,
    enrolment: StringDictionaryBuilder<Int32Type>,
    learner: StringDictionaryBuilder<Int32Type>,
    week: Vec<i32>,
    week_days: Vec<i32>,
    observed: Vec<bool>,
    values: Vec<Vec<f64>>,
}

/// Which enrolment-week a row is.
#[derive(Clone, Copy)]
pub(crate) struct Key<'a> {
    pub(crate) course: &'a str,
    pub(crate) enrolment: &'a str,
    pub(crate) learner: &'a str,
    pub(crate) week: u32,
    pub(crate) week_days: u32,
}

impl<'a> Columns<'a> {
    pub(crate) fn new(features: &'a [Feature]) -> Self {
        Self {
            features,
            course: StringDictionaryBuilder::new(),
            enrolment: StringDictionaryBuilder::new(),
            learner: StringDictionaryBuilder::new(),
            week: Vec::new(),
            week_days: Vec::new(),
            observed: Vec::new(),
            values: vec![Vec::new(); features.len()],
        }
    }

    /// Adds a row: `values` in the order of the features, NaN for null; none for a week that is not over.
    pub(crate) fn push(&mut self, key: Key<'_>, values: Option<&[f64]>) {
        self.course.append_value(key.course);
        self.enrolment.append_value(key.enrolment);
        self.learner.append_value(key.learner);
        self.week.push(key.week as i32);
        self.week_days.push(key.week_days as i32);
        self.observed.push(values.is_some());
        match values {
            Some(values) => {
                debug_assert_eq!(values.len(), self.features.len());
                for (column, &value) in self.values.iter_mut().zip(values) {
                    column.push(value);
                }
            }
            None => self.values.iter_mut().for_each(|column| column.push(f64::NAN)),
        }
    }

    /// The rows as a batch of [`schema`].
    pub(crate) fn finish(mut self, schema: &SchemaRef) -> RecordBatch {
        let mut arrays: Vec<ArrayRef> = vec![
            Arc::new(self.course.finish()),
            Arc::new(self.enrolment.finish()),
            Arc::new(self.learner.finish()),
            Arc::new(Int32Array::from(self.week)),
            Arc::new(Int32Array::from(self.week_days)),
            Arc::new(BooleanArray::from(self.observed)),
        ];
        for (feature, column) in self.features.iter().zip(self.values) {
            let known = |value: f64| (!value.is_nan()).then_some(value);
            arrays.push(match feature.storage {
                // A running total may outgrow 32 bits only after 68 years on task; it saturates there.
                Storage::Int => {
                    Arc::new(column.iter().map(|&value| known(value).map(|value| value as i32)).collect::<Int32Array>())
                }
                Storage::Float => Arc::new(
                    column.iter().map(|&value| known(value).map(|value| value as f32)).collect::<Float32Array>(),
                ),
            });
        }
        RecordBatch::try_new(Arc::clone(schema), arrays).expect("columns of the schema's types and of one length")
    }
}
