//! How the rows of a CSV are cut into cells: the sign between them, quotes and escapes.

use std::borrow::Cow;

use memchr::{memchr, memchr_iter, memchr2};

/// Holds the signs that have a meaning in a line.
#[derive(Clone, Copy, Debug)]
pub(super) struct Signs {
    pub(super) delimiter: u8,
    pub(super) escapes: Escapes,
}

/// Says where a sign takes its meaning from the one before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::formats) enum Escapes {
    /// Nowhere.
    Nowhere,
    /// Inside quotes, after this sign: it is itself.
    InQuotes(u8),
    /// After a backslash, as MySQL writes files and the output of its client: line breaks, tabs and what else would have
    /// a meaning.
    Everywhere,
}

impl Escapes {
    /// Returns the sign that escapes inside quotes.
    pub(super) const fn in_quotes(self) -> Option<u8> {
        match self {
            Self::Nowhere => None,
            Self::InQuotes(sign) => Some(sign),
            Self::Everywhere => Some(b'\\'),
        }
    }
}

/// Splits a line into its fields, without their quotes; false when quotes do not end where a field does.
pub(super) fn split<'a>(line: &'a [u8], signs: Signs, fields: &mut Vec<Cow<'a, [u8]>>) -> bool {
    let Signs { delimiter, escapes } = signs;
    fields.clear();
    let everywhere = escapes == Escapes::Everywhere && memchr(b'\\', line).is_some();
    if !everywhere && memchr(b'"', line).is_none() {
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
                let Some((field, after)) = unquote(quoted, escapes.in_quotes()) else { return false };
                fields.push(field);
                after
            }
            _ if everywhere => {
                let (field, after) = unescape(rest, delimiter);
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

/// Returns the field that `text` begins with, in which a backslash gives the sign after it another meaning, and what
/// follows it. A field that is `\\N` alone, MySQL's word for nothing, stays as it is.
fn unescape(text: &[u8], delimiter: u8) -> (Cow<'_, [u8]>, &[u8]) {
    let next = |text: &[u8]| memchr2(delimiter, b'\\', text).unwrap_or(text.len());
    let mut end = next(text);
    if text.get(end) != Some(&b'\\') {
        return (Cow::Borrowed(&text[..end]), &text[end..]);
    }
    if text.starts_with(b"\\N") && (text.len() == 2 || text[2] == delimiter) {
        return (Cow::Borrowed(&text[..2]), &text[2..]);
    }
    let mut field = Vec::new();
    let mut rest = text;
    loop {
        field.extend_from_slice(&rest[..end]);
        rest = &rest[end..];
        let [b'\\', sign, after @ ..] = rest else {
            // Nothing follows a backslash at the end.
            let rest = rest.strip_prefix(b"\\").unwrap_or(rest);
            return (Cow::Owned(field), rest);
        };
        field.push(match sign {
            b'n' => b'\n',
            b't' => b'\t',
            b'r' => b'\r',
            sign => *sign,
        });
        rest = after;
        end = next(rest);
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

    fn fields_with(line: &str, escapes: Escapes) -> Option<Vec<String>> {
        let mut fields = Vec::new();
        let text = |field: &Cow<'_, [u8]>| String::from_utf8_lossy(field).into_owned();
        let signs = Signs { delimiter: b',', escapes };
        split(line.as_bytes(), signs, &mut fields).then(|| fields.iter().map(text).collect())
    }

    fn fields(line: &str) -> Option<Vec<String>> {
        fields_with(line, Escapes::Nowhere)
    }

    #[test]
    fn escapes() {
        let escaped = |line: &str| fields_with(line, Escapes::InQuotes(b'\\'));
        let some = |fields: &[&str]| Some(fields.iter().map(ToString::to_string).collect::<Vec<_>>());
        assert_eq!(escaped(r#""{\"a\":1}",x"#), some(&[r#"{"a":1}"#, "x"]));
        assert_eq!(escaped(r#""a\\",x"#), some(&[r"a\", "x"]));
        assert_eq!(escaped(r#""a"",b",\x"#), some(&[r#"a",b"#, r"\x"]));
        assert_eq!(escaped(r#""open\",x"#), None);
        assert_eq!(escaped("\"open\\"), None);
    }

    #[test]
    fn backslashes_of_mysql() {
        let fields = |line: &str| fields_with(line, Escapes::Everywhere);
        let some = |fields: &[&str]| Some(fields.iter().map(ToString::to_string).collect::<Vec<_>>());
        assert_eq!(fields(r"\\mod_quiz\\event\\x,\N,5"), some(&[r"\mod_quiz\event\x", r"\N", "5"]));
        assert_eq!(fields(r#"a\,b,"say \"hi\"",c\td,\"#), some(&["a,b", r#"say "hi""#, "c\td", ""]));
        assert_eq!(fields(r#"5,"open"#), None);
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
