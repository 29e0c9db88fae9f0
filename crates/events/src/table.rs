//! Small tables in CSV: enrolments, calendars, labels and the like, read row by row in one thread.

use std::path::{Path, PathBuf};

use csv::ByteRecord;

use crate::cells::{is_missing, whole_id, whole_number};
use crate::content;
use crate::error::ReadError;
use crate::file_head::{FileHead, Position};
use crate::header::{ROWS_BELOW, is_known_name, names_shown};
use crate::input::{self, Packing, SoFar, UnpackedFile, file_name};
use crate::limited::{Limited, RecordTooLong};
use crate::seen_file::SeenFile;
use crate::tally::{Reason, Tally, shape};

/// Says why a row of a table is not used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// The reason it counts under.
    pub(crate) reason: Reason,
    /// Describes the fault; names no learner.
    pub(crate) what: String,
}

impl Refusal {
    /// Makes the refusal of a row of labels that says nothing of how the enrolment ended.
    pub(crate) fn missing_label() -> Self {
        Self::new(Reason::MissingLabel, "no label: the outcome is unknown")
    }

    /// Makes a refusal.
    pub(crate) fn new(reason: Reason, what: impl Into<String>) -> Self {
        Self { reason, what: what.into() }
    }
}

/// Says whether a table's first line names its columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Header {
    /// It does.
    Present,
    /// It is a row already.
    Absent,
}

/// Holds a table of which the header has been read, or one that is held in memory.
#[derive(Debug)]
pub(crate) struct Table {
    path: PathBuf,
    name: String,
    columns: Vec<String>,
    /// The first rows, for messages that tell a header from them.
    below: Vec<Vec<String>>,
    rows: Rows,
}

/// Says how rows stand in a table's file.
#[derive(Clone, Copy, Debug)]
struct FileLayout {
    packing: Packing,
    /// Where the text begins.
    start: Position,
    delimiter: u8,
    escape: Option<u8>,
    header: Header,
}

#[derive(Debug)]
enum Rows {
    /// In the file at the table's path.
    InFile(SeenFile, FileLayout),
    /// Here.
    Held(Vec<ByteRecord>),
}

/// Lends one row of a table.
pub(crate) struct TableRow<'a> {
    record: &'a ByteRecord,
}

impl<'a> TableRow<'a> {
    /// Makes a row of these fields.
    pub(crate) fn new(record: &'a ByteRecord) -> Self {
        Self { record }
    }

    /// Returns the line on which the row begins, from 1, where it is known.
    pub(crate) fn line(&self) -> Option<u64> {
        self.record.position().map(csv::Position::line)
    }

    /// Returns the row's fields, with those that are one of the words `null` emptied; `0.0` is `0`.
    pub(crate) fn without(&self, null: &[String]) -> ByteRecord {
        let is_null = |field: &[u8]| {
            let text = field.trim_ascii();
            null.iter().any(|word| [text, whole_id(text)].contains(&word.as_bytes()))
        };
        self.record.iter().map(|field| if is_null(field) { &b""[..] } else { field }).collect()
    }

    /// Returns the text in a column, without surrounding blanks; empty where the row is too short.
    #[must_use]
    pub(crate) fn text(&self, column: usize) -> &'a str {
        self.record.get(column).and_then(|bytes| std::str::from_utf8(bytes).ok()).map_or("", str::trim)
    }

    /// Returns the same, `None` when empty, `?`, which some sources write for a missing value, or a word that programs
    /// write for one, such as `NA`.
    #[must_use]
    pub(crate) fn given(&self, column: usize) -> Option<&'a str> {
        Some(self.text(column)).filter(|text| !text.is_empty() && *text != "?" && !is_missing(text.as_bytes()))
    }

    /// Returns the id in a column. `5.0`, as programs write that know no missing integers, is `5`.
    ///
    /// # Errors
    /// When it is missing.
    pub(crate) fn id(&self, column: usize, name: &str) -> Result<&'a str, Refusal> {
        let id = self.given(column).ok_or_else(|| Refusal::new(Reason::MissingId, format!("no {name}")))?;
        Ok(&id[..whole_id(id.as_bytes()).len()])
    }

    /// Returns the whole number in a column, `None` when missing.
    ///
    /// # Errors
    /// When it is something else.
    pub(crate) fn integer(&self, column: usize, name: &str) -> Result<Option<i64>, Refusal> {
        self.given(column)
            .map(|text| {
                let bad = || {
                    Refusal::new(
                        Reason::BadValue,
                        format!("{name} of shape `{}` is not a whole number", shape(text.as_bytes())),
                    )
                };
                whole_number(text.as_bytes()).ok_or_else(bad)
            })
            .transpose()
    }
}

impl Table {
    /// Opens the CSV table `name`, whose fields are separated by `delimiter`, in the file with this head.
    ///
    /// # Errors
    /// When the file is empty or not text.
    pub(crate) fn open(head: &FileHead, name: &str, delimiter: u8, header: Header) -> Result<Self, ReadError> {
        Self::open_with(head, name, delimiter, None, header)
    }

    /// Makes a table of these rows, each with as many fields as there are columns. `path` stands for where they are
    /// from, and so do the rows' positions, where they have one.
    pub(crate) fn held(path: PathBuf, name: &str, columns: &[&str], rows: Vec<ByteRecord>) -> Self {
        let columns = columns.iter().map(ToString::to_string).collect();
        Self { path, name: name.to_owned(), columns, below: Vec::new(), rows: Rows::Held(rows) }
    }

    /// Returns the number of rows held, and BLAKE3 of what is in them, in hexadecimal.
    #[cfg(feature = "sql")]
    pub(crate) fn fingerprint(&self) -> (u64, String) {
        let Rows::Held(records) = &self.rows else { return (0, String::new()) };
        let mut hasher = blake3::Hasher::new();
        for field in records.iter().flatten() {
            hasher.update(&(field.len() as u64).to_le_bytes()).update(field);
        }
        (records.len() as u64, hasher.finalize().to_hex().to_string())
    }

    /// Returns the same as [`Table::open`], where inside quotes the sign after `escape` stands for itself.
    pub(crate) fn open_with(
        head: &FileHead,
        name: &str,
        delimiter: u8,
        escape: Option<u8>,
        header: Header,
    ) -> Result<Self, ReadError> {
        head.require_csv()?;
        if header == Header::Present {
            head.require_header()?;
        }
        let path = head.path();
        let mut reader = csv::ReaderBuilder::new()
            .delimiter(delimiter)
            .escape(escape)
            .has_headers(false)
            .flexible(true)
            .from_reader(head.text());
        let mut first = ByteRecord::new();
        let any = reader.read_byte_record(&mut first).unwrap_or(false);
        if !any {
            return Err(ReadError::Empty { path: path.to_owned(), table: name.to_owned() });
        }
        let mut columns: Vec<String> = match header {
            Header::Present => first.iter().map(|field| String::from_utf8_lossy(field).trim().to_owned()).collect(),
            Header::Absent => (0..first.len()).map(|place| place.to_string()).collect(),
        };
        let starts_with_quote =
            |place: usize| head.text().get(place..).is_some_and(|rest| rest.trim_ascii_start().starts_with(b"\""));
        let names_are_quoted = usize::try_from(reader.position().byte()).is_ok_and(starts_with_quote);
        let below = rows_below(&mut reader);
        if header == Header::Present && has_row_names(&columns, &below, names_are_quoted) {
            columns.insert(0, String::new());
        }
        Ok(Self {
            path: path.to_owned(),
            name: name.to_owned(),
            columns,
            below,
            rows: Rows::InFile(
                head.file().clone(),
                FileLayout { packing: head.packing(), start: head.text_start(), delimiter, escape, header },
            ),
        })
    }

    /// Returns the names of the columns; their places, from `0`, in a table without header.
    #[must_use]
    pub(crate) fn columns(&self) -> &[String] {
        &self.columns
    }

    /// Tells where the table is.
    #[must_use]
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the place of the column that goes by one of `names`.
    ///
    /// # Errors
    /// When two columns have that name.
    pub(crate) fn find(&self, names: &[&str]) -> Result<Option<usize>, ReadError> {
        let found = self.columns.iter().position(|column| names.iter().any(|name| column.eq_ignore_ascii_case(name)));
        found.map(|place| self.only(place)).transpose()
    }

    /// Returns the place of the column of exactly this name.
    ///
    /// # Errors
    /// When two columns have that name.
    pub(crate) fn find_exactly(&self, name: &str) -> Result<Option<usize>, ReadError> {
        self.columns.iter().position(|column| column == name).map(|place| self.only(place)).transpose()
    }

    /// Returns the place again, unless another column has the name of the one there. Of columns that nobody reads several
    /// may have one name.
    fn only(&self, place: usize) -> Result<usize, ReadError> {
        let column = &self.columns[place];
        let Some(other) = self.columns[place + 1..].iter().position(|name| name == column) else { return Ok(place) };
        let column = match is_known_name(column) {
            true => format!("`{column}`"),
            false => "one name".to_owned(),
        };
        let places = (place + 1, place + 1 + other + 1);
        Err(ReadError::DuplicateColumn { path: self.path.clone(), column, places })
    }

    /// Returns the same, for a column that must be there.
    ///
    /// # Errors
    /// When it is not, with what is there instead.
    pub(crate) fn require(&self, names: &[&str]) -> Result<usize, ReadError> {
        self.find(names)?.ok_or_else(|| missing_column(&self.path, &self.name, names[0], &self.columns, &self.below))
    }

    /// Hands each row to `take` and counts it, as used or under the reason of the refusal.
    ///
    /// # Errors
    /// When the file can't be read, or has rows of which not one was used.
    pub(crate) fn rows(
        &self,
        tally: &mut Tally,
        mut take: impl FnMut(&TableRow<'_>) -> Result<(), Refusal>,
    ) -> Result<(), ReadError> {
        let file = file_name(&self.path);
        let mut mine = Tally::default();
        let (seen, FileLayout { packing, start, delimiter, escape, header }) = match &self.rows {
            Rows::InFile(seen, layout) => (seen, *layout),
            Rows::Held(records) => {
                for (record, number) in records.iter().zip(1..) {
                    let number = record.position().map_or(number, csv::Position::line);
                    match take(&TableRow { record }) {
                        Ok(()) => mine.use_row(),
                        Err(refusal) => mine.refuse(refusal.reason, &file, number, || refusal.what),
                    }
                }
                return settle(mine, &self.path, &self.name, tally);
            }
        };
        let (stream, end) = UnpackedFile::open_from(seen, packing, start.bytes, &|_| ())?.into_parts();
        let (stream, record_start) = Limited::new(stream);
        let mut reader = csv::ReaderBuilder::new()
            .delimiter(delimiter)
            .escape(escape)
            .has_headers(header == Header::Present)
            .flexible(true)
            .from_reader(input::UnixLines::new(stream));
        let mut record = ByteRecord::new();
        loop {
            match record_start.read(&mut reader, &mut record) {
                Ok(false) => break,
                Ok(true) => {}
                Err(error) => return Err(csv_error(&self.path, packing, error, SoFar::Rows(mine.read))),
            }
            let line = start.lines + record.position().map_or(0, csv::Position::line);
            let taken = match () {
                () if content::has_zeros(record.as_slice()) => {
                    Err(Refusal::new(Reason::Malformed, content::ZEROS_IN_ROW))
                }
                () if record.len() != self.columns.len() => {
                    let what = format!("{} fields where the header has {}", record.len(), self.columns.len());
                    Err(Refusal::new(Reason::Malformed, what))
                }
                () if record.iter().any(|field| std::str::from_utf8(field).is_err()) => {
                    Err(Refusal::new(Reason::NotUtf8, content::NOT_UTF8))
                }
                () => take(&TableRow { record: &record }),
            };
            match taken {
                Ok(()) => mine.use_row(),
                Err(refusal) => mine.refuse(refusal.reason, &file, line, || refusal.what),
            }
        }
        end.finish()?;
        settle(mine, &self.path, &self.name, tally)
    }
}

/// Returns the cells of the first row of a table, its header or not.
pub(crate) fn first_row(head: &FileHead, delimiter: u8) -> Vec<String> {
    let mut builder = csv::ReaderBuilder::new();
    let mut reader = builder.delimiter(delimiter).has_headers(false).flexible(true).from_reader(head.text());
    rows_below(&mut reader).into_iter().next().unwrap_or_default()
}

/// Tells whether rows begin with a number that the header has no name for, as R's `write.table` writes them, in quotes
/// unless told otherwise. Where no number is in quotes, rows with nothing but an empty cell too many may end with a separator: then
/// the header's first name may be that of the numbers.
fn has_row_names(columns: &[String], below: &[Vec<String>], are_quoted: bool) -> bool {
    let is_numbered =
        |(row, number): (&Vec<String>, usize)| row.len() == columns.len() + 1 && row[0] == number.to_string();
    let ends_with_cell = |row: &Vec<String>| row.last().is_some_and(|cell| !cell.is_empty());
    let are_named = || columns.first().is_none_or(|name| may_name_numbers(name));
    let has_no_name = || below.iter().any(ends_with_cell) || below.len() > 1 && !are_named();
    below.iter().zip(1..).all(is_numbered) && (are_quoted && !below.is_empty() || has_no_name())
}

/// Tells whether a column of this name may hold numbers from 1 on.
fn may_name_numbers(name: &str) -> bool {
    let name = name.trim().to_lowercase();
    let ends = ["id", "no", "nr", "num", "number", "index", "row", "rank", "key", "pk", "#", "."];
    name.is_empty() || name.starts_with("id") || ends.iter().any(|end| name.ends_with(end))
}

/// Returns the next few rows.
fn rows_below(reader: &mut csv::Reader<&[u8]>) -> Vec<Vec<String>> {
    let cells = |row: ByteRecord| row.iter().map(|cell| String::from_utf8_lossy(cell).trim().to_owned()).collect();
    reader.byte_records().take(ROWS_BELOW).map_while(Result::ok).map(cells).collect()
}

/// Adds what became of a table's rows to `tally`.
///
/// # Errors
/// When it has rows of which not one was used.
pub(crate) fn settle(mine: Tally, path: &Path, name: &str, tally: &mut Tally) -> Result<(), ReadError> {
    if mine.used == 0 && mine.rejected() == mine.read && mine.read > 0 {
        return Err(ReadError::NothingUsable {
            path: path.to_owned(),
            table: name.to_owned(),
            rows: mine.read,
            reasons: mine.describe_unused(),
        });
    }
    tally.append_table(name, mine);
    Ok(())
}

/// Returns the error for text that ends before its last row does, or has a row that does not end. The csv crate takes
/// any bytes for rows, so there are no others.
pub(crate) fn csv_error(path: &Path, packing: Packing, error: csv::Error, so_far: SoFar) -> ReadError {
    match error.into_kind() {
        csv::ErrorKind::Io(source)
            if source.get_ref().is_some_and(<dyn std::error::Error + Send + Sync>::is::<RecordTooLong>) =>
        {
            ReadError::Decode { path: path.to_owned(), what: source.to_string() }
        }
        csv::ErrorKind::Io(source) => input::unreadable(path, packing, source, so_far),
        other => ReadError::Decode { path: path.to_owned(), what: format!("{other:?}") },
    }
}

/// Returns the error for a column that must be there, with a guess at why it is not. `below` are the first rows.
#[must_use]
pub(crate) fn missing_column(
    path: &Path,
    table: &str,
    column: &str,
    columns: &[String],
    below: &[Vec<String>],
) -> ReadError {
    let other = [';', '\t', '|', ','].into_iter().find(|&sign| columns.len() == 1 && columns[0].contains(sign));
    let split = |row: &[String]| -> Vec<String> {
        match other {
            Some(sign) => row.first().map_or_else(Vec::new, |line| line.split(sign).map(str::to_owned).collect()),
            None => row.to_vec(),
        }
    };
    let rows: Vec<Vec<String>> = below.iter().map(|row| split(row)).collect();
    let (found, has_names) = names_shown(&split(columns), &rows);
    let hint = match other {
        Some('\t') => "; its fields seem to be separated by tabs".to_owned(),
        Some(sign) => format!("; its fields seem to be separated by `{sign}`"),
        None if !has_names => "; its first line looks like data: put a header above it".to_owned(),
        None => String::new(),
    };
    ReadError::MissingColumn { path: path.to_owned(), table: table.to_owned(), column: column.to_owned(), found, hint }
}
