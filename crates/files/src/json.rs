//! JSON that may be looked at on a terminal: characters that steer it or can't be seen are written as escapes. The values stay
//! the same.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::Serializer;
use serde_json::ser::{CompactFormatter, Formatter, PrettyFormatter};
use staycast_text::escape_json;

/// Writes a value as indented JSON.
pub(crate) fn write_pretty(file: &mut (impl Write + ?Sized), value: &impl Serialize) -> io::Result<()> {
    Ok(value.serialize(&mut Serializer::with_formatter(file, Escaping(PrettyFormatter::new())))?)
}

/// Writes a value as JSON on one line.
pub(crate) fn write_line(file: &mut (impl Write + ?Sized), value: &impl Serialize) -> io::Result<()> {
    Ok(value.serialize(&mut Serializer::with_formatter(file, Escaping(CompactFormatter)))?)
}

/// Lays JSON out as another formatter does, and escapes in strings.
struct Escaping<F>(F);

/// Passes calls on.
macro_rules! forward {
    ($($name:ident($($argument:ident: $kind:ty),*);)*) => {
        $(fn $name<W: Write + ?Sized>(&mut self, writer: &mut W, $($argument: $kind),*) -> io::Result<()> {
            self.0.$name(writer, $($argument),*)
        })*
    };
}

impl<F: Formatter> Formatter for Escaping<F> {
    forward! {
        begin_array();
        end_array();
        begin_array_value(first: bool);
        end_array_value();
        begin_object();
        end_object();
        begin_object_key(first: bool);
        end_object_key();
        begin_object_value();
        end_object_value();
    }

    fn write_string_fragment<W: Write + ?Sized>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        writer.write_all(escape_json(fragment).as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn strings_are_escaped_and_read_back_the_same() {
        let value = json!({ "a\u{202e}": ["\u{9b}31m", "é\n", 1.5, null, {}], "b": { "\u{e0041}": [] } });
        let (mut pretty, mut line) = (Vec::new(), Vec::new());
        write_pretty(&mut pretty, &value).expect("memory takes it");
        write_line(&mut line, &value).expect("memory takes it");
        for written in [&pretty, &line] {
            assert_eq!(serde_json::from_slice::<Value>(written).expect("JSON"), value);
        }
        assert_eq!(
            String::from_utf8(line).expect("UTF-8"),
            "{\"a\\u202e\":[\"\\u009b31m\",\"é\\n\",1.5,null,{}],\"b\":{\"\\udb40\\udc41\":[]}}"
        );
        // Other values look as serde_json writes them.
        let plain = json!({ "a": [1, { "b": "c" }], "d": {} });
        let mut pretty = Vec::new();
        write_pretty(&mut pretty, &plain).expect("memory takes it");
        assert_eq!(String::from_utf8(pretty).expect("UTF-8"), serde_json::to_string_pretty(&plain).expect("JSON"));
    }
}
