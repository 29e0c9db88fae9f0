//! Parquet files written row group by row group, each encoded by the thread that made it.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::{ArrowColumnChunk, ArrowRowGroupWriterFactory, ArrowWriterOptions, compute_leaves};
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;

fn options() -> ArrowWriterOptions {
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(1).expect("1 is a level of zstd")))
        .set_created_by(format!("staycast {}", env!("CARGO_PKG_VERSION")))
        .build();
    // Ids are dictionaries in memory only: without Arrow's note of that, every reader takes them for plain strings.
    ArrowWriterOptions::new().with_properties(properties).with_skip_arrow_metadata(true)
}

/// A file that row groups are appended to.
pub(crate) struct GroupedFile {
    writer: SerializedFileWriter<File>,
    factory: ArrowRowGroupWriterFactory,
    schema: SchemaRef,
    groups: usize,
}

/// A row group ready to be appended.
pub(crate) struct Encoded {
    chunks: Vec<ArrowColumnChunk>,
}

/// Encodes row groups; shared by the threads.
pub(crate) struct Encoder<'a> {
    factory: &'a ArrowRowGroupWriterFactory,
    schema: &'a SchemaRef,
    groups: usize,
}

impl Encoder<'_> {
    /// Encodes `batch` as the row group `ahead` places after the last one appended.
    pub(crate) fn encode(&self, ahead: usize, batch: &RecordBatch) -> Result<Encoded, ParquetError> {
        let mut writers = self.factory.create_column_writers(self.groups + ahead)?.into_iter();
        let mut chunks = Vec::new();
        for (field, array) in self.schema.fields().iter().zip(batch.columns()) {
            for leaf in compute_leaves(field, array)? {
                let mut writer = writers.next().expect("a writer for every leaf of the schema");
                writer.write(&leaf)?;
                chunks.push(writer.close()?);
            }
        }
        Ok(Encoded { chunks })
    }
}

impl GroupedFile {
    pub(crate) fn create(path: &Path, schema: &SchemaRef) -> Result<Self, ParquetError> {
        let file = File::create(path)?;
        let writer = ArrowWriter::try_new_with_options(file, Arc::clone(schema), options())?;
        let (writer, factory) = writer.into_serialized_writer()?;
        Ok(Self { writer, factory, schema: Arc::clone(schema), groups: 0 })
    }

    pub(crate) fn encoder(&self) -> Encoder<'_> {
        Encoder { factory: &self.factory, schema: &self.schema, groups: self.groups }
    }

    pub(crate) fn append(&mut self, encoded: Encoded) -> Result<(), ParquetError> {
        let mut group = self.writer.next_row_group()?;
        for chunk in encoded.chunks {
            chunk.append_to_row_group(&mut group)?;
        }
        group.close()?;
        self.groups += 1;
        Ok(())
    }

    pub(crate) fn finish(self) -> Result<(), ParquetError> {
        let file = self.writer.into_inner()?;
        file.sync_all()?;
        Ok(())
    }
}

/// Writes one batch as a whole file.
pub(crate) fn write_table(path: &Path, batch: &RecordBatch) -> Result<(), ParquetError> {
    let mut writer = ArrowWriter::try_new_with_options(File::create(path)?, batch.schema(), options())?;
    writer.write(batch)?;
    writer.into_inner()?.sync_all()?;
    Ok(())
}
