//! Estimated effects of contact, read from a table.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};

use arrow_array::cast::AsArray;
use arrow_array::types::Float64Type;
use arrow_cast::cast;
use arrow_schema::DataType;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::candidate::Uplift;

/// Says why a table of effects can't be read.
#[derive(Debug, thiserror::Error)]
#[error("{}: {problem}", .path.display())]
pub struct UpliftTableError {
    /// The file.
    pub path: PathBuf,
    /// The problem.
    pub problem: String,
}

/// Reads effects by enrolment: a Parquet table with `enrolment_id`, `uplift` and `uplift_standard_error`. Rows with a null have
/// no effect.
///
/// # Errors
/// When the file can't be read, lacks a column, or holds what is no number.
pub fn read_uplift(path: &Path) -> Result<BTreeMap<String, Uplift>, UpliftTableError> {
    let wrong = |problem: String| UpliftTableError { path: path.to_owned(), problem };
    let file = File::open(path).map_err(|error| wrong(error.to_string()))?;
    let reader = ParquetRecordBatchReaderBuilder::try_new(file)
        .and_then(ParquetRecordBatchReaderBuilder::build)
        .map_err(|error| wrong(format!("it is no Parquet table: {error}")))?;
    let mut effects = BTreeMap::new();
    for batch in reader {
        let batch = batch.map_err(|error| wrong(error.to_string()))?;
        let column = |name: &str| {
            let lacks =
                || wrong(format!("it has no column `{name}`; `staycast experiment report` writes such a table"));
            batch.column_by_name(name).ok_or_else(lacks)
        };
        let other = || wrong("`enrolment_id` is to be text, effects and errors 64-bit numbers".to_owned());
        let ids = cast(column("enrolment_id")?, &DataType::Utf8).map_err(|_| other())?;
        let ids = ids.as_string_opt::<i32>().ok_or_else(other)?;
        let effect = column("uplift")?.as_primitive_opt::<Float64Type>().ok_or_else(other)?;
        let error = column("uplift_standard_error")?.as_primitive_opt::<Float64Type>().ok_or_else(other)?;
        for ((id, effect), standard_error) in ids.iter().zip(effect).zip(error) {
            if let (Some(id), Some(effect), Some(standard_error)) = (id, effect, standard_error) {
                if !(effect.is_finite() && standard_error.is_finite()) {
                    return Err(wrong("an effect, or its error, is no finite number".to_owned()));
                }
                if effects.insert(id.to_owned(), Uplift { effect, standard_error }).is_some() {
                    return Err(wrong("an enrolment is there twice".to_owned()));
                }
            }
        }
    }
    Ok(effects)
}
