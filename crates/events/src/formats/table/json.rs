//! JSON lines: one object a line.

use std::ops::Range;

use serde_json::Value;

use super::mapped_row::{Field, Fields, MOST_COLUMNS, RowSink};
use super::row_template::RowMaker;
use crate::formats::fields::each_line;
use crate::intake::Intake;
use crate::tally::Reason;
use crate::text::LineParser;

/// Says where in an object a value stands: a key, or keys from the outermost in, written with dots.
#[derive(Clone, Debug)]
pub(super) struct JsonPath {
    whole: String,
    keys: Vec<String>,
}

impl JsonPath {
    pub(super) fn new(column: &str) -> Self {
        Self { whole: column.to_owned(), keys: column.split('.').map(str::to_owned).collect() }
    }

    /// Returns the value there. A key that itself holds the dots comes first.
    fn find<'v>(&self, object: &'v Value) -> Option<&'v Value> {
        object.get(&self.whole).or_else(|| self.keys.iter().try_fold(object, |value, key| value.get(key)))
    }

    /// Appends the value there as text: strings as they are, numbers as written, nothing for null, for what is absent
    /// and for what is not a single value.
    pub(super) fn text_of(&self, object: &Value, out: &mut Vec<u8>) {
        match self.find(object) {
            Some(Value::String(text)) => out.extend_from_slice(text.trim().as_bytes()),
            Some(Value::Number(number)) => out.extend_from_slice(number.to_string().as_bytes()),
            Some(Value::Bool(value)) => out.extend_from_slice(if *value { b"true" } else { b"false" }),
            None | Some(Value::Null | Value::Array(_) | Value::Object(_)) => {}
        }
    }
}

/// Returns the object on a line.
pub(super) fn object(line: &[u8]) -> Result<Value, String> {
    match serde_json::from_slice(line) {
        Ok(value @ Value::Object(_)) => Ok(value),
        Ok(_) => Err("JSON, but not an object".to_owned()),
        // The parser's message says what and where, and shows nothing of the line.
        Err(error) => Err(format!("not JSON: {error}")),
    }
}

/// Understands lines of JSON.
pub(super) struct JsonLines<S> {
    /// Where the columns that the mapping names stand.
    pub(super) paths: Vec<JsonPath>,
    pub(super) rows: RowMaker<S>,
}

impl<S: RowSink> LineParser for JsonLines<S> {
    fn parse(&self, block: &[u8], intake: &mut Intake<'_>) {
        let number = intake.block;
        let mut state = self.rows.begin();
        let mut scratch = Vec::new();
        let mut ranges: Vec<Range<usize>> = Vec::new();
        each_line(block, intake, |line, at, intake| match object(line) {
            Ok(object) => {
                scratch.clear();
                ranges.clear();
                for path in &self.paths {
                    let start = scratch.len();
                    path.text_of(&object, &mut scratch);
                    ranges.push(start..scratch.len());
                }
                let mut row: Fields<'_> = [Field::EMPTY; MOST_COLUMNS];
                for (field, range) in row.iter_mut().zip(&ranges) {
                    *field = Field::Text(&scratch[range.clone()]);
                }
                self.rows.take(&mut state, &row, at, intake);
            }
            Err(what) => intake.refuse(Reason::Malformed, at, || what),
        });
        self.rows.end(state, number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths() {
        let object = object(br#"{"a": {"b": 7}, "a.c": " x ", "d": null, "e": true, "f": [1], "g": 1.50}"#).unwrap();
        let text = |path: &str| {
            let mut text = Vec::new();
            JsonPath::new(path).text_of(&object, &mut text);
            String::from_utf8(text).unwrap()
        };
        let found = ["a.b", "a.c", "d", "e", "f", "g", "h", "a", "a.b.c"].map(text);
        assert_eq!(found, ["7", "x", "", "true", "", "1.5", "", "", ""]);
    }
}
