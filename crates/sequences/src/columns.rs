//! Gathers rows of values into Arrow columns.

use std::sync::Arc;

use arrow_array::builder::StringDictionaryBuilder;
use arrow_array::types::Int32Type;
use arrow_array::{ArrayRef, BooleanArray, Int32Array, Int64Array, RecordBatch};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use staycast_weeks::WeekIndex;

use crate::feature_columns::FeatureColumns;
use crate::features::{Feature, Storage};

/// Lists the columns that say which enrolment-week a row is, before the features.
pub(crate) const KEYS: [&str; 6] = ["course_id", "enrolment_id", "learner_id", "week", "week_days", "observed"];

fn dictionary() -> DataType {
    DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8))
}

/// Makes the schema of `sequences.parquet`. Ids are dictionary-encoded in memory; in the file they are plain strings.
pub(crate) fn schema(features: &[Feature]) -> SchemaRef {
    let mut fields = vec![
        Field::new(KEYS[0], dictionary(), false),
        Field::new(KEYS[1], dictionary(), false),
        Field::new(KEYS[2], dictionary(), false),
        Field::new(KEYS[3], DataType::Int32, false),
        Field::new(KEYS[4], DataType::Int64, false),
        Field::new(KEYS[5], DataType::Boolean, false),
    ];
    fields.extend(features.iter().map(|feature| {
        let kind = match feature.storage {
            Storage::Int => DataType::Int64,
            Storage::Float => DataType::Float32,
        };
        Field::new(&feature.name, kind, true)
    }));
    Arc::new(Schema::new(fields))
}

/// Holds the rows of a row group to be.
pub(crate) struct Columns {
    course: StringDictionaryBuilder<Int32Type>,
    enrolment: StringDictionaryBuilder<Int32Type>,
    learner: StringDictionaryBuilder<Int32Type>,
    week: Vec<i32>,
    week_days: Vec<i64>,
    observed: Vec<bool>,
    features: FeatureColumns,
}

impl Columns {
    pub(crate) fn new(features: &[Feature]) -> Self {
        Self {
            course: StringDictionaryBuilder::new(),
            enrolment: StringDictionaryBuilder::new(),
            learner: StringDictionaryBuilder::new(),
            week: Vec::new(),
            week_days: Vec::new(),
            observed: Vec::new(),
            features: FeatureColumns::new(features),
        }
    }

    /// Appends the ids of the enrolment that the next `weeks` rows are of.
    pub(crate) fn keys(&mut self, course: &str, enrolment: &str, learner: &str, weeks: u16) {
        self.course.append_values(course, weeks.into());
        self.enrolment.append_values(enrolment, weeks.into());
        self.learner.append_values(learner, weeks.into());
    }

    /// Adds a row: `values` in the order of the features, NaN for null; none for a week that is not over.
    pub(crate) fn push(&mut self, week: WeekIndex, week_days: u32, values: Option<&[f64]>) {
        self.week.push(week.get().into());
        self.week_days.push(week_days.into());
        self.observed.push(values.is_some());
        match values {
            Some(values) => self.features.push(values),
            None => self.features.push_nulls(),
        }
    }

    /// Makes the rows a batch of [`schema`].
    pub(crate) fn finish(mut self, schema: &SchemaRef) -> RecordBatch {
        let mut arrays: Vec<ArrayRef> = vec![
            Arc::new(self.course.finish()),
            Arc::new(self.enrolment.finish()),
            Arc::new(self.learner.finish()),
            Arc::new(Int32Array::from(self.week)),
            Arc::new(Int64Array::from(self.week_days)),
            Arc::new(BooleanArray::from(self.observed)),
        ];
        arrays.extend(self.features.finish());
        RecordBatch::try_new(Arc::clone(schema), arrays).expect("columns of the schema's types and of one length")
    }
}
