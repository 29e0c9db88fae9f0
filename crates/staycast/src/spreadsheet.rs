//! CSV for people who open it in a spreadsheet: with a byte-order mark, by which Excel takes the text for UTF-8, and
//! without cells that a spreadsheet would run as formulas.
//!
//! The rule is OWASP's for CSV injection: a cell that begins with `=`, `+`, `-`, `@`, a tab or a carriage return gets a
//! single quote in front. A plain number keeps its sign.

use std::io::{self, Write};
use std::path::Path;

use anyhow::Context;
use serde::Serialize;

const BYTE_ORDER_MARK: &str = "\u{feff}";
/// Counts the rows that are in memory as CSV at a time.
const ROWS_AT_A_TIME: usize = 4096;

/// Writes rows as CSV with a header, for spreadsheets. The file appears whole or not at all.
///
/// # Errors
/// When the file can't be written.
pub(crate) fn write_csv<T: Serialize>(path: &Path, header: &[&str], rows: &[T]) -> anyhow::Result<()> {
    staycast_files::write_with(path, |file| write_rows(file, header, rows))
        .with_context(|| format!("{} can't be written", path.display()))
}

fn write_rows<T: Serialize>(file: &mut (dyn Write + Send), header: &[&str], rows: &[T]) -> io::Result<()> {
    file.write_all(BYTE_ORDER_MARK.as_bytes())?;
    let mut safe = csv::Writer::from_writer(file);
    safe.write_record(header)?;
    for chunk in rows.chunks(ROWS_AT_A_TIME) {
        let mut plain = csv::WriterBuilder::new().has_headers(false).from_writer(Vec::new());
        for row in chunk {
            plain.serialize(row)?;
        }
        let plain = plain.into_inner().map_err(|error| io::Error::other(error.to_string()))?;
        let mut records = csv::ReaderBuilder::new().has_headers(false).from_reader(plain.as_slice());
        let mut record = csv::StringRecord::new();
        while records.read_record(&mut record)? {
            for cell in &record {
                if is_formula(cell) {
                    safe.write_field(format!("'{cell}"))?;
                } else {
                    safe.write_field(cell)?;
                }
            }
            safe.write_record(None::<&[u8]>)?;
        }
    }
    safe.flush()
}

/// Tells whether a spreadsheet might run the cell.
fn is_formula(cell: &str) -> bool {
    cell.starts_with(['=', '+', '-', '@', '\t', '\r']) && !is_number(cell)
}

/// Tells whether the cell is a number in digits, as `-5` or `+1.5e-3`; names such as `-inf` are none.
fn is_number(cell: &str) -> bool {
    cell.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte)) && cell.parse::<f64>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_that_begin_like_a_formula_are_quoted_and_numbers_are_not() {
        for cell in ["=1+1", "+cmd", "-2+3", "@SUM(A1)", "\tx", "\rx", "-inf", "+nan", "-", "=-5"] {
            assert!(is_formula(cell), "{cell:?}");
        }
        for cell in ["", "anna", "-5", "+5", "-1.5e-3", "0.25", "a=b", "'=1", "1-2"] {
            assert!(!is_formula(cell), "{cell:?}");
        }
    }

    #[test]
    fn rows_are_written_with_a_mark_a_header_and_their_quotes() {
        let mut file = Vec::new();
        let rows = [("=1", Some(0.5), -1), ("a, \"b\"", None, 2)];
        write_rows(&mut file, &["who", "p", "n"], &rows).expect("memory takes it");
        let text = String::from_utf8(file).expect("UTF-8");
        assert_eq!(text, "\u{feff}who,p,n\n'=1,0.5,-1\n\"a, \"\"b\"\"\",,2\n");
    }

    #[test]
    fn without_rows_there_is_a_header() {
        let mut file = Vec::new();
        write_rows::<(u8,)>(&mut file, &["n"], &[]).expect("memory takes it");
        assert_eq!(file, "\u{feff}n\n".as_bytes());
    }
}
