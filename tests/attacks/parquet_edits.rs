//! Edits of Parquet files and of manifests, as somebody makes them who means to.

use std::fs::{self, File};
use std::path::Path;
use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, RecordBatchReader, UInt32Array};
use arrow_schema::{Field, Schema};
use arrow_select::concat::concat_batches;
use arrow_select::take::take_record_batch;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::{Value, json};
use staycast_sequences::write_parquet;

/// Reads a Parquet file as one batch.
pub(crate) fn table(path: &Path) -> RecordBatch {
    let file = File::open(path).expect("readable");
    let reader = ParquetRecordBatchReaderBuilder::try_new(file)
        .and_then(ParquetRecordBatchReaderBuilder::build)
        .expect("Parquet");
    let schema = reader.schema();
    let batches: Vec<RecordBatch> = reader.map(|batch| batch.expect("rows")).collect();
    concat_batches(&schema, &batches).expect("batches of one schema")
}

/// Writes a Parquet file of one row group.
pub(crate) fn write_table(path: &Path, batch: &RecordBatch) {
    write_parquet(File::create(path).expect("writable"), batch).expect("Parquet");
}

/// Picks rows of a batch, in the order of `rows`.
pub(crate) fn rows(batch: &RecordBatch, rows: impl IntoIterator<Item = usize>) -> RecordBatch {
    let rows: UInt32Array = rows.into_iter().map(|row| Some(u32::try_from(row).expect("a small table"))).collect();
    take_record_batch(batch, &rows).expect("rows of the batch")
}

/// Replaces a column.
pub(crate) fn column(batch: &RecordBatch, name: &str, values: ArrayRef) -> RecordBatch {
    let place = batch.schema().index_of(name).expect("a column");
    let mut fields: Vec<Field> = batch.schema().fields().iter().map(|field| field.as_ref().clone()).collect();
    fields[place] = Field::new(name, values.data_type().clone(), true);
    let mut columns = batch.columns().to_vec();
    columns[place] = values;
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).expect("columns of one length")
}

/// Reads the manifest of a folder.
pub(crate) fn manifest(folder: &Path) -> Value {
    serde_json::from_slice(&fs::read(folder.join("manifest.json")).expect("readable")).expect("JSON")
}

/// Writes the manifest of a folder, without a seal, as before there were any: of the layout before.
pub(crate) fn write_without_seal(folder: &Path, mut manifest: Value) {
    manifest.as_object_mut().expect("an object").remove("seal");
    manifest["layout_version"] = json!(2);
    for output in manifest["outputs"].as_array_mut().expect("a list") {
        let output = output.as_object_mut().expect("an object");
        output.remove("row_groups");
        output.remove("columns");
    }
    fs::write(folder.join("manifest.json"), serde_json::to_vec_pretty(&manifest).expect("JSON")).expect("writable");
}

/// Makes the manifest of a folder say what its files are, as somebody would who forges it.
pub(crate) fn forge(folder: &Path) {
    record_files(folder);
    write_without_seal(folder, manifest(folder));
}

/// Makes the manifest of a folder say what its files are, and leaves its seal.
pub(crate) fn record_files(folder: &Path) {
    let mut manifest = manifest(folder);
    for output in manifest["outputs"].as_array_mut().expect("a list") {
        let path = folder.join(output["file"].as_str().expect("a name"));
        let bytes = fs::read(&path).expect("readable");
        output["bytes"] = json!(bytes.len());
        output["blake3"] = json!(blake3::hash(&bytes).to_hex().as_str());
        let table = table(&path);
        output["rows"] = json!(table.num_rows());
        // Of an edited table they may be others, and a manifest need not tell them.
        let output = output.as_object_mut().expect("an object");
        output.remove("row_groups");
        output.remove("columns");
    }
    fs::write(folder.join("manifest.json"), manifest.to_string()).expect("writable");
}

/// Seals the manifest of a folder without the program, as its documentation says how.
pub(crate) fn seal_by_hand(folder: &Path) {
    let mut manifest = manifest(folder);
    let zeros = "0".repeat(64);
    manifest["seal"] = json!(zeros);
    // No other text is 64 zeros then.
    let text = manifest.to_string();
    let place = text.find(&format!("\"seal\":\"{zeros}")).expect("a seal") + "\"seal\":\"".len();
    let seal = blake3::hash(text.as_bytes()).to_hex().to_string();
    let sealed = format!("{}{seal}{}", &text[..place], &text[place + seal.len()..]);
    fs::write(folder.join("manifest.json"), sealed).expect("writable");
}
