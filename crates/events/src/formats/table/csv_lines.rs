//! CSV whose rows end at every newline: read in blocks, side by side.

use std::borrow::Cow;

use memchr::{memchr, memchr_iter, memchr2};

use super::mapped_row::{Field, Fields, MOST_COLUMNS, RowSink};
use super::row_template::RowMaker;
use crate::formats::fields::each_line;
use crate::intake::Intake;
use crate::tally::Reason;
use crate::text::LineParser;

/// Understands the lines of a CSV.
pub(super) struct CsvLines<S> {
    /// Places in the file of the columns that the mapping names.
    pub(super) places: Vec<Option<usize>>,
    /// Number of columns.
    pub(super) width: usize,
    pub(super) signs: Signs,
    pub(super) rows: RowMaker<S>,
}

/// The signs that have a meaning in a line.
#[derive(Clone, Copy, Debug)]
pub(super) struct Signs {
    pub(super) delimiter: u8,
    /// Inside quotes, the sign after it is itself.
    pub(super) escape: Option<u8>,
}

impl<S: RowSink> LineParser for CsvLines<S> {
    fn parse(&self, block: &[u8], intake: &mut Intake<'_>) {
        let number = intake.block;
        let mut state = self.rows.begin();
        let mut fields: Vec<Cow<'_, [u8]>> = Vec::with_capacity(self.width);
        each_line(block, intake, |line, at, intake| {
            if !split(line, self.signs, &mut fields) {
                let what = || {
                    "quotes that do not end where a field does; if line breaks occur inside quotes, set quoted_newlines"
                        .to_owned()
                };
                return intake.refuse(Reason::Malformed, at, what);
            }
            if fields.len() != self.width {
                let what = || format!("{} fields where the first line has {}", fields.len(), self.width);
                return intake.refuse(Reason::Malformed, at, what);
            }
            let mut row: Fields<'_> = [Field::EMPTY; MOST_COLUMNS];
            for (field, place) in row.iter_mut().zip(&self.places) {
                *field = place.map_or(Field::EMPTY, |place| Field::Text(fields[place].trim_ascii()));
            }
            self.rows.take(&mut state, &row, at, intake);
        });
        self.rows.end(state, number);
    }
}

/// Splits a line into its fields, without their quotes; false when quotes do not end where a field does.
fn split<'a>(line: &'a [u8], signs: Signs, fields: &mut Vec<Cow<'a, [u8]>>) -> bool {
    let Signs { delimiter, escape } = signs;
    fields.clear();
    if memchr(b'"', line).is_none() {
        let mut start = 0;
        for end in memchr_iter(delimiter, line) {
            fields.push(Cow::Borrowed(&line[start..end]));
            start = end + 1;
        }
        fields.push(Cow::Borrowed(&line[start..]));
        return true;
    }
    let mut rest = line;
    loop {
        let after = match rest {
            [b'"', quoted @ ..] => {
                let Some((field, after)) = unquote(quoted, escape) else { return false };
                fields.push(field);
                after
            }
            _ => {
                let end = memchr(delimiter, rest).unwrap_or(rest.len());
                fields.push(Cow::Borrowed(&rest[..end]));
                &rest[end..]
            }
        };
        match after {
            [] => return true,
            [sign, after @ ..] if *sign == delimiter => rest = after,
            _ => return false,
        }
    }
}

/// Returns the field whose opening quote stands just before `text`, and what follows its closing one. Two quotes inside
/// are one, and `escape` makes the sign after it stand for itself.
fn unquote(text: &[u8], escape: Option<u8>) -> Option<(Cow<'_, [u8]>, &[u8])> {
    let next = |text: &[u8]| match escape {
        Some(escape) => memchr2(b'"', escape, text),
        None => memchr(b'"', text),
    };
    let end = next(text)?;
    if text[end] == b'"' && text.get(end + 1) != Some(&b'"') {
        return Some((Cow::Borrowed(&text[..end]), &text[end + 1..]));
    }
    let mut field = Vec::new();
    let mut rest = text;
    loop {
        let end = next(rest)?;
        field.extend_from_slice(&rest[..end]);
        match (rest[end], rest.get(end + 1)) {
            (b'"', Some(b'"')) => field.push(b'"'),
            (b'"', _) => return Some((Cow::Owned(field), &rest[end + 1..])),
            (_, sign) => field.push(*sign?),
        }
        rest = &rest[end + 2..];
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn fields_with(line: &str, escape: Option<u8>) -> Option<Vec<String>> {
        let mut fields = Vec::new();
        let text = |field: &Cow<'_, [u8]>| String::from_utf8_lossy(field).into_owned();
        let signs = Signs { delimiter: b',', escape };
        split(line.as_bytes(), signs, &mut fields).then(|| fields.iter().map(text).collect())
    }

    fn fields(line: &str) -> Option<Vec<String>> {
        fields_with(line, None)
    }

    #[test]
    fn escapes() {
        let escaped = |line: &str| fields_with(line, Some(b'\\'));
        let some = |fields: &[&str]| Some(fields.iter().map(ToString::to_string).collect::<Vec<_>>());
        assert_eq!(escaped(r#""{\"a\":1}",x"#), some(&[r#"{"a":1}"#, "x"]));
        assert_eq!(escaped(r#""a\\",x"#), some(&[r"a\", "x"]));
        assert_eq!(escaped(r#""a"",b",\x"#), some(&[r#"a",b"#, r"\x"]));
        assert_eq!(escaped(r#""open\",x"#), None);
        assert_eq!(escaped("\"open\\"), None);
    }

    #[test]
    fn quotes() {
        let some = |fields: &[&str]| Some(fields.iter().map(ToString::to_string).collect::<Vec<_>>());
        assert_eq!(fields("a,b,"), some(&["a", "b", ""]));
        assert_eq!(fields(r#""a,b",c"#), some(&["a,b", "c"]));
        assert_eq!(fields(r#""say ""hi""","""""#), some(&[r#"say "hi""#, r#"""#]));
        assert_eq!(fields(r#"5" disc,x"#), some(&[r#"5" disc"#, "x"]));
        assert_eq!(fields(r#""open,x"#), None);
        assert_eq!(fields(r#""shut"x,y"#), None);
        assert_eq!(fields(""), some(&[""]));
    }

    proptest! {
        #[test]
        fn what_the_csv_crate_writes_is_read_back(row in prop::collection::vec("[a-z,\"; ]{0,6}", 1..6)) {
            let mut writer = csv::Writer::from_writer(Vec::new());
            writer.write_record(&row).unwrap();
            let line = String::from_utf8(writer.into_inner().unwrap()).unwrap();
            prop_assert_eq!(fields(line.trim_end_matches('\n')), Some(row));
        }
    }
}
