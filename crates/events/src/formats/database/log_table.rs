//! A log that is a table of a database, as an event file.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rayon::prelude::*;

use super::session::Server;
use crate::error::ReadError;
use crate::event::Event;
use crate::event_file::{BlockSink, EventFile, ReadPurpose};
use crate::formats::table::mapped_row::{Field, Fields, MOST_COLUMNS, RowSink};
use crate::formats::table::row_template::RowMaker;
use crate::intake::Intake;
use crate::row_limits::RowLimits;
use crate::source_inputs::DatabaseTable;
use crate::table::missing_column;
use crate::text::BLOCK_BYTES;

/// Counts the ids that a block spans: as many as give a block's bytes of events, were no id left out.
const BLOCK_IDS: u64 = (BLOCK_BYTES / size_of::<Event>()) as u64;

/// Estimates the bytes that a row is on its way here, for showing how far the reading is.
const ROW_BYTES: u64 = 100;

/// Describes a table whose rows have an `id` that grows. What is added after it was looked at is not read.
#[derive(Debug)]
pub(in crate::formats) struct LogTable {
    server: Arc<Server>,
    name: String,
    /// The address and the table's name, for messages.
    path: PathBuf,
    columns: Vec<String>,
    rows: u64,
    /// Lowest and highest id; `None` in an empty table.
    ids: Option<(i64, i64)>,
    /// The records of the tables read beside this one.
    beside: Vec<DatabaseTable>,
}

impl LogTable {
    /// Reads the columns and the size of the table `name`, which is given without its prefix. `beside` is recorded with
    /// it.
    pub(in crate::formats) fn open(
        server: &Arc<Server>,
        name: &str,
        beside: Vec<DatabaseTable>,
    ) -> Result<Self, ReadError> {
        let name = format!("{}{name}", server.address().prefix());
        let columns = server.columns(&name)?;
        if columns.is_empty() {
            let what = format!("there is no table {name}; if its prefix is another, add ?prefix=PREFIX to the address");
            return Err(server.error(what));
        }
        let ids = ["COUNT(*)", "MIN(id)", "MAX(id)"].map(|value| server.text_of(value)).join(", ");
        let mut numbers: Vec<Option<i64>> = Vec::new();
        server.each(&name, &format!("SELECT {ids} FROM {name}"), |row| {
            for column in 0..3 {
                numbers.push(row.text(column)?.and_then(|text| text.parse().ok()));
            }
            Ok(())
        })?;
        let [rows, first, last] = numbers[..] else {
            return Err(server.error(format!("{name} does not say how many rows it has")));
        };
        let path = PathBuf::from(format!("{}/{name}", server.address()));
        let (rows, ids) = (rows.unwrap_or(0) as u64, first.zip(last));
        Ok(Self { server: Arc::clone(server), name, path, columns, rows, ids, beside })
    }

    /// Returns the address and the table's name.
    pub(in crate::formats) fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the table as a log whose rows go to `rows`.
    pub(in crate::formats) fn event_file<S: RowSink + 'static>(
        self: &Arc<Self>,
        rows: RowMaker<S>,
    ) -> Result<Box<dyn EventFile>, ReadError> {
        let mut selected: Vec<String> = Vec::new();
        let mut places: Vec<Option<usize>> = Vec::new();
        for column in &rows.template.columns {
            let there = self.columns.contains(&column.name);
            if !there && !column.may_lack {
                return Err(missing_column(&self.path, "log", &column.name, &self.columns, &[]));
            }
            places.push(there.then_some(selected.len()));
            if there {
                selected.push(self.server.text_of(&column.name));
            }
        }
        let table = Arc::clone(self);
        Ok(Box::new(DatabaseLog { table, selected: selected.join(", "), places, block_ids: BLOCK_IDS, rows }))
    }
}

struct DatabaseLog<S> {
    table: Arc<LogTable>,
    /// The part of queries after `SELECT`.
    selected: String,
    /// Places in a row of the columns that the mapping names.
    places: Vec<Option<usize>>,
    block_ids: u64,
    rows: RowMaker<S>,
}

impl<S: RowSink> DatabaseLog<S> {
    /// Returns first and last id of block `number`.
    fn range(&self, number: u64, (first, last): (i64, i64)) -> (i64, i64) {
        let from = first.saturating_add_unsigned(number.saturating_mul(self.block_ids));
        (from, from.saturating_add_unsigned(self.block_ids - 1).min(last))
    }

    fn read_block(
        &self,
        number: usize,
        (from, to): (i64, i64),
        intake: Intake<'_>,
        sink: &BlockSink<'_>,
    ) -> Result<u64, ReadError> {
        let Self { selected, table, .. } = self;
        let sql = format!("SELECT {selected} FROM {} WHERE id BETWEEN {from} AND {to} ORDER BY id", table.name);
        let mut intake = intake;
        let mut state = self.rows.begin();
        let mut count = 0;
        table.server.each(&table.name, &sql, |row| {
            let mut fields: Fields<'_> = [Field::EMPTY; MOST_COLUMNS];
            for (field, place) in fields.iter_mut().zip(&self.places) {
                if let Some(place) = *place {
                    *field = Field::Text(row.text(place)?.unwrap_or_default().as_bytes().trim_ascii());
                }
            }
            self.rows.take(&mut state, &fields, count, &mut intake);
            count += 1;
            Ok(())
        })?;
        self.rows.end(state, number);
        intake.parsed.tally.lines = count;
        sink(number, intake.parsed)?;
        Ok(count)
    }
}

impl<S: RowSink> EventFile for DatabaseLog<S> {
    fn name(&self) -> String {
        self.table.name.clone()
    }

    fn size_bytes(&self) -> u64 {
        self.table.rows * ROW_BYTES
    }

    fn first_line(&self) -> u64 {
        1
    }

    fn set_block_bytes(&mut self, bytes: usize) {
        self.block_ids = (bytes / size_of::<Event>()).max(1) as u64;
    }

    fn database(&self) -> Vec<DatabaseTable> {
        let place = self.table.server.address().to_string();
        let LogTable { name, rows, ids, beside, .. } = self.table.as_ref();
        let log = DatabaseTable { role: "log", place, table: name.clone(), rows: *rows, ids: *ids, blake3: None };
        std::iter::once(log).chain(beside.iter().cloned()).collect()
    }

    fn read(
        &self,
        purpose: ReadPurpose,
        limits: &RowLimits,
        sink: &BlockSink<'_>,
        progress: &(dyn Fn(u64) + Sync),
    ) -> Result<Option<String>, ReadError> {
        let Some((first, last)) = self.table.ids else { return Ok(None) };
        let blocks = (last.abs_diff(first) / self.block_ids) + 1;
        (0..blocks).into_par_iter().try_for_each(|number| {
            let intake = Intake::new(purpose, limits, number as usize);
            let count = self.read_block(number as usize, self.range(number, (first, last)), intake, sink)?;
            progress(count * ROW_BYTES);
            Ok::<_, ReadError>(())
        })?;
        Ok(None)
    }
}
