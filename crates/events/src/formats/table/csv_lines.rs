//! CSV, read in blocks side by side.

use std::borrow::Cow;

use memchr::memchr_iter;

use super::csv_cells::{Signs, split};
use super::csv_rows::{row_length, without_line_end};
use super::layout::Newlines;
use super::mapped_row::{Field, Fields, MOST_COLUMNS, RowSink};
use super::row_template::{RowMaker, RowMakerBlock};
use crate::formats::fields::{each_line, each_row};
use crate::intake::Intake;
use crate::tally::Reason;
use crate::text::LineParser;

/// Understands the rows of a CSV.
pub(super) struct CsvLines<S> {
    /// Places in the file of the columns that the mapping names.
    pub(super) places: Vec<Option<usize>>,
    /// Number of columns.
    pub(super) width: usize,
    pub(super) signs: Signs,
    /// The meaning of a newline inside quotes.
    pub(super) newlines: Newlines,
    pub(super) rows: RowMaker<S>,
}

impl<S: RowSink> LineParser for CsvLines<S> {
    fn parse(&self, block: &[u8], intake: &mut Intake<'_>) {
        let number = intake.block;
        let mut state = self.rows.begin();
        let mut fields: Vec<Cow<'_, [u8]>> = Vec::with_capacity(self.width);
        let take = |row, at, intake: &mut Intake<'_>| self.row(row, at, &mut fields, &mut state, intake);
        match self.newlines {
            Newlines::EndRows => each_line(block, intake, take),
            Newlines::MayBeQuoted => each_row(block, self.rows_of(block), intake, take),
        }
        self.rows.end(state, number);
    }

    fn row_length(&self, text: &[u8], ends: bool) -> Option<usize> {
        row_length(text, self.signs, self.width, ends)
    }
}

impl<S: RowSink> CsvLines<S> {
    /// Returns the rows of a block, each with its number of lines.
    fn rows_of<'b>(&self, block: &'b [u8]) -> impl Iterator<Item = (&'b [u8], u64)> {
        let mut rest = block;
        std::iter::from_fn(move || {
            let length = row_length(rest, self.signs, self.width, true).filter(|&length| length > 0)?;
            let (row, after) = rest.split_at(length);
            rest = after;
            let row = without_line_end(row);
            Some((row, 1 + memchr_iter(b'\n', row).count() as u64))
        })
    }

    fn row<'b>(
        &self,
        row: &'b [u8],
        at: u64,
        fields: &mut Vec<Cow<'b, [u8]>>,
        state: &mut RowMakerBlock<S::Block>,
        intake: &mut Intake<'_>,
    ) {
        if !split(row, self.signs, fields) {
            let what = || match self.newlines {
                Newlines::EndRows => {
                    "quotes that do not end where a field does; if line breaks occur inside quotes, set quoted_newlines"
                }
                Newlines::MayBeQuoted => "quotes that do not end where a field does",
            };
            return intake.refuse(Reason::Malformed, at, || what().to_owned());
        }
        if fields.len() != self.width {
            let what = || format!("{} fields where the first line has {}", fields.len(), self.width);
            return intake.refuse(Reason::Malformed, at, what);
        }
        let mut values: Fields<'_> = [Field::EMPTY; MOST_COLUMNS];
        for (value, place) in values.iter_mut().zip(&self.places) {
            *value = place.map_or(Field::EMPTY, |place| Field::Text(fields[place].trim_ascii()));
        }
        self.rows.take(state, &values, at, intake);
    }
}
