//! Integers that people add up are 64 bits wide: readers such as polars add a column in its own type, and 32 bits wrap
//! without a word once a log has two billion seconds on task.

mod common;

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_cast::cast;
use arrow_schema::{DataType, Field, Schema};
use common::Log;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use staycast_events::formats::{OpenOptions, open};
use staycast_sequences::{
    BuildMode, BuildOptions, Dataset, RawKinds, Selection, SequenceFolder, Unwatched, build, reseal, write_parquet,
};

const LOG: Log<'static> = Log {
    courses: "maths,2014-06-02,2014-06-17\n",
    enrolments: "1,ann,maths\n2,bob,maths\n",
    objects: "",
    events: "\
1,2014-05-30T10:00:00,server,access,home
1,2014-06-02T00:10:00,browser,video,v1
1,2014-06-02T00:40:00,browser,video,v1
2,2014-06-09T08:00:00,server,problem,p1
",
};

/// Columns of which a sum says nothing: numbers of weeks, and lengths of a course.
const NOT_ADDED_UP: [&str; 6] = ["week", "left_week", "days", "first_week_days", "weeks", "observed_weeks"];

fn built(folder: &Path) {
    LOG.write(folder);
    let source = open(&[folder.to_owned()], &OpenOptions::default()).unwrap();
    let options = BuildOptions { raw_kinds: RawKinds::Keep, ..BuildOptions::default() };
    build(&source, &options, &folder.join("sequences"), BuildMode::Refuse, &Unwatched).unwrap();
}

fn table(path: &Path) -> RecordBatch {
    let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(path).unwrap()).unwrap();
    reader.build().unwrap().next().unwrap().unwrap()
}

#[test]
fn sums_of_seconds_and_counts_do_not_wrap_at_32_bits() {
    let folder = tempfile::tempdir().unwrap();
    built(folder.path());
    let mut wide = 0;
    for file in ["sequences.parquet", "enrolments.parquet", "courses.parquet"] {
        let table = table(&folder.path().join("sequences").join(file));
        for field in table.schema().fields().iter().filter(|field| field.data_type().is_integer()) {
            let is_added_up = !NOT_ADDED_UP.contains(&field.name().as_str());
            let wanted = if is_added_up { DataType::Int64 } else { DataType::Int32 };
            assert_eq!(field.data_type(), &wanted, "{} of {file}", field.name());
            wide += usize::from(is_added_up);
        }
    }
    assert!(wide > 60, "{wide} columns of 64 bits");
}

#[test]
fn folders_of_before_with_integers_of_32_bits_read_the_same() {
    let folder = tempfile::tempdir().unwrap();
    built(folder.path());
    let sequences = folder.path().join("sequences");
    let read = || SequenceFolder::open(&sequences).unwrap().load(&Selection::default()).unwrap();
    let bits = |data: &Dataset| data.values().iter().map(|value| value.to_bits()).collect::<Vec<_>>();
    let now = read();
    for file in ["sequences.parquet", "enrolments.parquet", "courses.parquet"] {
        let path = sequences.join(file);
        let narrow = narrow(&table(&path));
        write_parquet(File::create(&path).unwrap(), &narrow).unwrap();
    }
    // The manifest of such a folder has the hashes of its own files.
    reseal(&sequences, 0).unwrap();
    let before = read();
    assert!(bits(&before) == bits(&now));
    assert_eq!((before.courses, before.enrolments), (now.courses, now.enrolments));
}

/// Makes every column of 64-bit integers one of 32 bits, as they were.
fn narrow(table: &RecordBatch) -> RecordBatch {
    let schema = table.schema();
    let kind =
        |field: &Field| if field.data_type() == &DataType::Int64 { DataType::Int32 } else { field.data_type().clone() };
    let fields: Vec<Field> =
        schema.fields().iter().map(|field| Field::new(field.name(), kind(field), field.is_nullable())).collect();
    let columns = table.columns().iter().zip(&fields).map(|(column, field)| cast(column, field.data_type()).unwrap());
    RecordBatch::try_new(Arc::new(Schema::new(fields.clone())), columns.collect()).unwrap()
}
