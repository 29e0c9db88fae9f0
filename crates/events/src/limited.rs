//! CSV records of bounded length: an open quote makes the rest of any file one record.

use std::fmt;
use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use csv::{ByteRecord, Reader};

use crate::line_limit::LONGEST_LINE_BYTES;

/// Reads a stream, and ends with an error, [`RecordTooLong`], when a record goes on for more than a line may.
pub(crate) struct Limited<R> {
    inner: R,
    since_record: Arc<AtomicU64>,
}

/// Says to a [`Limited`] stream that a record begins.
#[derive(Debug)]
pub(crate) struct RecordStart(Arc<AtomicU64>);

impl<R> Limited<R> {
    pub(crate) fn new(inner: R) -> (Self, RecordStart) {
        let since_record = Arc::new(AtomicU64::new(0));
        (Self { inner, since_record: Arc::clone(&since_record) }, RecordStart(since_record))
    }
}

impl<R: Read> Read for Limited<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.since_record.load(Ordering::Relaxed) > LONGEST_LINE_BYTES as u64 {
            return Err(io::Error::other(RecordTooLong));
        }
        let count = self.inner.read(buffer)?;
        self.since_record.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}

impl RecordStart {
    /// Reads the next record of the reader of that stream.
    pub(crate) fn read<R: Read>(&self, reader: &mut Reader<R>, record: &mut ByteRecord) -> csv::Result<bool> {
        self.0.store(0, Ordering::Relaxed);
        reader.read_byte_record(record)
    }
}

/// Says why a stream ended.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RecordTooLong;

impl fmt::Display for RecordTooLong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a record of over {} MiB; is a quote not closed?", LONGEST_LINE_BYTES >> 20)
    }
}

impl std::error::Error for RecordTooLong {}
