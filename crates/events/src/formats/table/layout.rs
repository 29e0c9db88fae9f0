//! How the files of a table are written. The sign between the fields of a CSV is told from the first line where the mapping
//! does not say.

use csv::ByteRecord;

use super::mapping::FileType;
use super::row_template::Column;
use crate::delimiter::DELIMITERS;
use crate::file_head::FileHead;
use crate::table::Header;

/// Says how a table's files are written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Layout {
    pub(super) file_type: Option<FileType>,
    pub(super) delimiter: Delimiter,
    pub(super) escape: Option<u8>,
    pub(super) header: Header,
    pub(super) newlines: Newlines,
}

/// Says what a newline in a CSV means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Newlines {
    /// The end of a row, always.
    EndRows,
    /// The end of a row, or text between quotes.
    MayBeQuoted,
}

/// Names the sign between fields, as a mapping gives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Delimiter {
    /// This one.
    Named(u8),
    /// One of the usual ones: that which gives a file's first line most of the columns that the mapping names, and of
    /// several such the first.
    Told,
}

impl Delimiter {
    /// Returns the sign that separates the fields of a file, of which the mapping names `columns`.
    pub(super) fn of_file<'c>(
        self,
        head: &FileHead,
        layout: &Layout,
        columns: impl IntoIterator<Item = &'c Column> + Copy,
    ) -> u8 {
        let sign = match self {
            Self::Named(sign) => return sign,
            Self::Told => DELIMITERS,
        };
        let found = |sign: u8| {
            let first = first_record(head, sign, layout.escape);
            let has = |column: &&Column| match layout.header {
                Header::Present => first
                    .iter()
                    .any(|name| String::from_utf8_lossy(name).trim().to_lowercase() == column.name.to_lowercase()),
                Header::Absent => column.name.parse::<usize>().is_ok_and(|place| place < first.len()),
            };
            columns.into_iter().filter(has).count()
        };
        let most = sign.into_iter().map(found).max().unwrap_or(0);
        sign.into_iter().find(|&sign| found(sign) == most).unwrap_or(b',')
    }
}

fn first_record(head: &FileHead, delimiter: u8, escape: Option<u8>) -> ByteRecord {
    let mut builder = csv::ReaderBuilder::new();
    builder.delimiter(delimiter).escape(escape).has_headers(false).flexible(true);
    let mut first = ByteRecord::new();
    // A first line that can't be read has no columns; what is wrong with it is said when the table is opened.
    match builder.from_reader(head.text()).read_byte_record(&mut first) {
        Ok(true) => first,
        Ok(false) | Err(_) => ByteRecord::new(),
    }
}

/// Names a sign between fields, for messages.
pub(super) fn sign_name(sign: u8) -> String {
    match sign {
        b'\t' => "tabs".to_owned(),
        sign => format!("`{}`", char::from(sign)),
    }
}
