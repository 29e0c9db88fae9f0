//! The first rows of a table of any type, for guesses at what its columns are.

use std::path::{Path, PathBuf};

use csv::{ByteRecord, ReaderBuilder};
use serde_json::Value;

use super::super::json;
use super::super::mapping::FileType;
use super::super::parquet::ParquetFile;
use super::super::time_guess::possible_formats;
use crate::cells::shape;
use crate::content::{self, NotText};
use crate::delimiter::DELIMITERS;
use crate::error::ReadError;
use crate::header::{is_known_key, is_known_name};
use crate::input::{self, BOM, FileStart};
use crate::seen_file::SeenFile;
use crate::text_lines::lines;

/// Bounds the unpacked bytes of a file that are looked at.
const SAMPLE_BYTES: u64 = 1 << 20;

/// Bounds the rows that are looked at.
pub(super) const SAMPLE_ROWS: usize = 2_000;

/// Bounds the keys of a JSON object, with those inside its members, that are taken for columns.
const MOST_KEYS: usize = 200;

/// Holds the first rows of a file.
#[derive(Clone, Debug)]
pub(super) struct Sample {
    pub(super) path: PathBuf,
    pub(super) file_type: FileType,
    /// Of a CSV.
    pub(super) delimiter: u8,
    /// Whether the first line of a CSV names the columns.
    pub(super) has_header: bool,
    /// Whether a cell of a CSV goes over several lines.
    pub(super) has_newlines: bool,
    pub(super) columns: Vec<String>,
    /// By row, the text of each column; empty where it has none.
    pub(super) rows: Vec<Vec<String>>,
}

impl Sample {
    /// Reads the first rows of the file at `path`.
    ///
    /// # Errors
    /// When it can't be read, is no text, or has no rows.
    pub(super) fn read(path: &Path) -> Result<Self, ReadError> {
        let content = SeenFile::first(path, |_| false)?;
        let FileStart { bytes, .. } = input::read_start(&content, SAMPLE_BYTES)?;
        if bytes.starts_with(b"PAR1") {
            return Self::of_parquet(content.seen());
        }
        if let Some(NotText { what, what_to_do }) = content::not_text(&bytes, &input::file_name(path)) {
            return Err(ReadError::NotText { path: path.to_owned(), what, what_to_do });
        }
        let text = bytes.strip_prefix(BOM).unwrap_or(&bytes);
        // What is cut at the end of the sample is no row.
        let is_whole = (bytes.len() as u64) < SAMPLE_BYTES;
        let end =
            if is_whole { text.len() } else { text.iter().rposition(|&byte| byte == b'\n').unwrap_or(text.len()) };
        let text = &text[..end];
        let text = &text[content::separator_line(text).map_or(0, |(length, _)| length)..];
        let sample = match text.trim_ascii_start().first() {
            None => return Err(ReadError::Empty { path: path.to_owned(), table: "log".to_owned() }),
            Some(b'{') => Self::of_json(path, text),
            Some(b'[') => {
                let NotText { what, what_to_do } = content::JSON_ARRAY;
                return Err(ReadError::NotText { path: path.to_owned(), what, what_to_do });
            }
            Some(_) => Self::of_csv(path, text),
        };
        sample.with_rows()
    }

    fn with_rows(self) -> Result<Self, ReadError> {
        match self.rows.is_empty() {
            true => Err(ReadError::NoRows { path: self.path, table: "log".to_owned() }),
            false => Ok(self),
        }
    }

    /// Tells whether another column has the name of this one.
    pub(super) fn is_repeated(&self, column: usize) -> bool {
        let name = &self.columns[column];
        !name.is_empty() && self.columns.iter().filter(|other| *other == name).count() > 1
    }

    /// Tells whether the name of a column may be shown. A key of a JSON object may be a person's, where objects are keyed by
    /// people: it is shown when it is a known name or, outside all members, nearly every object has it.
    pub(super) fn may_be_shown(&self, column: usize) -> bool {
        if self.file_type != FileType::Jsonl {
            return true;
        }
        let filled = || self.rows.iter().filter(|row| !row[column].is_empty()).count();
        let mut keys = self.columns[column].split('.');
        let is_common = || filled() * 20 >= self.rows.len() * 19;
        keys.next().is_some_and(|first| is_known_key(first) || is_common()) && keys.all(is_known_key)
    }

    fn of_csv(path: &Path, text: &[u8]) -> Self {
        let delimiter = DELIMITERS.into_iter().rev().max_by_key(|&sign| separation(text, sign)).unwrap_or(b',');
        let mut has_newlines = false;
        let mut records: Vec<Vec<String>> = Vec::new();
        for record in reader(text, delimiter).byte_records().map_while(Result::ok).take(SAMPLE_ROWS + 1) {
            has_newlines |= record.iter().any(|field| field.contains(&b'\n'));
            records.push(record.iter().map(|field| String::from_utf8_lossy(field).trim().to_owned()).collect());
        }
        let has_header = records.split_first().is_some_and(|(first, below)| is_header(first, below));
        let width = records.first().map_or(0, Vec::len);
        let columns = match has_header {
            true => records.remove(0),
            false => (0..width).map(|place| place.to_string()).collect(),
        };
        records.retain(|record| record.len() == width);
        records.truncate(SAMPLE_ROWS);
        let file_type = FileType::Csv;
        Self { path: path.to_owned(), file_type, delimiter, has_header, has_newlines, columns, rows: records }
    }

    fn of_json(path: &Path, text: &[u8]) -> Self {
        let objects: Vec<Value> = lines(text).filter_map(|line| json::object(line).ok()).take(SAMPLE_ROWS).collect();
        let mut columns: Vec<String> = Vec::new();
        for object in &objects {
            add_keys(object, "", &mut columns);
        }
        let paths: Vec<json::JsonPath> = columns.iter().map(|column| json::JsonPath::new(column)).collect();
        let row = |object: &Value| {
            let text = |path: &json::JsonPath| {
                let mut text = Vec::new();
                path.text_of(object, &mut text);
                String::from_utf8_lossy(&text).into_owned()
            };
            paths.iter().map(text).collect()
        };
        let rows = objects.iter().map(row).collect();
        Self {
            path: path.to_owned(),
            file_type: FileType::Jsonl,
            delimiter: b',',
            has_header: true,
            has_newlines: false,
            columns,
            rows,
        }
    }

    fn of_parquet(file: &SeenFile) -> Result<Self, ReadError> {
        let path = file.path();
        let file = ParquetFile::open(file)?;
        let (columns, rows) = file.first_texts(SAMPLE_ROWS)?;
        let path = path.to_owned();
        let (file_type, has_header) = (FileType::Parquet, true);
        Self { path, file_type, delimiter: b',', has_header, has_newlines: false, columns, rows }.with_rows()
    }

    /// Returns the file's name.
    pub(super) fn file_name(&self) -> String {
        input::file_name(&self.path)
    }

    /// Tells whether the files are of one table: the same columns, written in the same way.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        self.columns == other.columns
            && self.file_type == other.file_type
            && self.delimiter == other.delimiter
            && self.has_header == other.has_header
    }
}

fn reader(text: &[u8], delimiter: u8) -> csv::Reader<&[u8]> {
    ReaderBuilder::new().delimiter(delimiter).has_headers(false).flexible(true).from_reader(text)
}

/// Returns how well a sign separates the first records: how many have the width of the first, and that width.
fn separation(text: &[u8], sign: u8) -> (bool, usize) {
    let records: Vec<ByteRecord> = reader(text, sign).byte_records().map_while(Result::ok).take(50).collect();
    let width = records.first().map_or(0, ByteRecord::len);
    let same = records.iter().filter(|record| record.len() == width).count();
    (width > 1 && same * 10 >= records.len() * 9, width)
}

/// Tells whether a first row names columns. All are different, unless at least half are names that columns have. None is a
/// number, a time or an address of mail, stands below again, or has digits and is written as those below.
fn is_header(first: &[String], below: &[Vec<String>]) -> bool {
    let is_value = |(place, cell): (usize, &String)| {
        // A header comes again where files were put one after another.
        let in_column = || below.iter().filter(|row| *row != first).filter_map(|row| row.get(place));
        let has_digits = cell.bytes().any(|byte| byte.is_ascii_digit());
        let is_like = |other: &String| shape(other.as_bytes()) == shape(cell.as_bytes());
        cell.parse::<f64>().is_ok()
            || cell.contains('@')
            || !possible_formats(cell).is_empty()
            || (!cell.is_empty() && in_column().any(|other| other == cell))
            || (has_digits && in_column().any(is_like))
    };
    let is_repeated = |(place, cell): (usize, &String)| !cell.is_empty() && first[..place].contains(cell);
    let is_named = first.iter().any(|cell| cell.chars().any(char::is_alphabetic));
    let are_known = first.iter().filter(|cell| is_known_name(cell)).count() * 2 >= first.len();
    is_named && !first.iter().enumerate().any(is_value) && (are_known || !first.iter().enumerate().any(is_repeated))
}

fn add_keys(value: &Value, before: &str, columns: &mut Vec<String>) {
    let Value::Object(members) = value else { return };
    for (key, member) in members {
        let path = if before.is_empty() { key.clone() } else { format!("{before}.{key}") };
        match member {
            Value::Object(_) => add_keys(member, &path, columns),
            Value::Array(_) => {}
            _ if columns.len() < MOST_KEYS && !columns.contains(&path) => columns.push(path),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn csv(text: &str) -> (char, bool, Vec<String>, usize) {
        let sample = Sample::of_csv(Path::new("log.csv"), text.as_bytes());
        (char::from(sample.delimiter), sample.has_header, sample.columns, sample.rows.len())
    }

    #[test]
    fn ways_to_write_a_csv() {
        let names = |names: &[&str]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(csv("user,at\nu1,2023-09-04\n"), (',', true, names(&["user", "at"]), 1));
        assert_eq!(
            csv("user;at (day, time);n\nu1;2023-09-04, 10:00;1\n"),
            (';', true, names(&["user", "at (day, time)", "n"]), 1)
        );
        assert_eq!(csv("u1\t2023-09-04\nu2\t2023-09-05\n"), ('\t', false, names(&["0", "1"]), 2));
        assert_eq!(csv("1,5\n2,6\n"), (',', false, names(&["0", "1"]), 2));
    }
}
