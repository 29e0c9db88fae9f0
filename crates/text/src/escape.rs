//! Characters that steer a terminal, turn text around or can't be seen, made visible.

use std::borrow::Cow;
use std::fmt::Write;

/// Escapes a name: `\n`, `\t`, `\x1b`, `\u{202e}` stand for what a screen would obey or hide. Other text stays as it is, a
/// backslash too.
#[must_use]
pub fn escape(name: &str) -> Cow<'_, str> {
    escape_text(name, "")
}

/// Escapes as [`escape`] does, but keeps line feeds and tabs, for whole texts.
#[must_use]
pub fn escape_lines(text: &str) -> Cow<'_, str> {
    escape_text(text, "\n\t")
}

/// Escapes what is in the strings of JSON text, as `\u202e`. The value stays the same.
#[must_use]
pub fn escape_json(json: &str) -> Cow<'_, str> {
    // Between strings, JSON has no other control characters than these.
    escape_but(json, "\n\r\t", |character, out| {
        let mut units = [0; 2];
        for unit in character.encode_utf16(&mut units) {
            let _ = write!(out, "\\u{unit:04x}");
        }
    })
}

/// Lets `replace` write what stands for each character that [`escape`] escapes, for other syntaxes.
#[must_use]
pub fn escape_by(text: &str, replace: impl Fn(char, &mut String)) -> Cow<'_, str> {
    escape_but(text, "", replace)
}

fn escape_text<'a>(text: &'a str, kept: &str) -> Cow<'a, str> {
    escape_but(text, kept, |character, out| {
        let _ = match character {
            '\n' => out.write_str("\\n"),
            '\r' => out.write_str("\\r"),
            '\t' => out.write_str("\\t"),
            _ if character.is_ascii() => write!(out, "\\x{:02x}", character as u32),
            _ => write!(out, "\\u{{{:x}}}", character as u32),
        };
    })
}

fn escape_but<'a>(text: &'a str, kept: &str, replace: impl Fn(char, &mut String)) -> Cow<'a, str> {
    // Most text is of printable ASCII.
    if text.bytes().all(|byte| (b' '..0x7f).contains(&byte)) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::new();
    let mut copied = 0;
    let mut before = '\0';
    for (at, character) in text.char_indices() {
        let end = at + character.len_utf8();
        let is_shown = kept.contains(character)
            || !is_unsafe(character)
            || (is_joiner(character) && joins(before, text[end..].chars().next()));
        if !is_shown {
            escaped.push_str(&text[copied..at]);
            replace(character, &mut escaped);
            copied = end;
        }
        before = character;
    }
    if copied == 0 {
        return Cow::Borrowed(text);
    }
    escaped.push_str(&text[copied..]);
    Cow::Owned(escaped)
}

/// Tells whether a screen would obey a character or hide it: control characters, marks and overrides of direction,
/// separators of lines, and characters without width or ink.
const fn is_unsafe(character: char) -> bool {
    matches!(character,
        '\0'..='\x1f' | '\x7f'..='\u{9f}' // C0, DEL, C1
        | '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
        | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' // without width, and marks of direction
        | '\u{2028}'..='\u{202e}' // separators of lines, embeddings and overrides
        | '\u{2060}'..='\u{206f}' // invisible operators, isolates
        | '\u{3164}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
        | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{e0fff}') // tags, and variants that fonts don't have
}

const fn is_joiner(character: char) -> bool {
    matches!(character, '\u{200c}' | '\u{200d}')
}

/// Tells whether a joiner between these two has a use, as in Persian, the languages of India, and emoji.
fn joins(before: char, after: Option<char>) -> bool {
    let is_joined = |character: char| !character.is_ascii() && !is_unsafe(character);
    is_joined(before) && after.is_some_and(is_joined)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_screen_obeys_or_hides_is_written_out() {
        for (name, shown) in [
            ("plain 1-2_3", "plain 1-2_3"),
            ("Économie – 数学 – שלום", "Économie – 数学 – שלום"),
            (r"C:\logs", r"C:\logs"),
            ("a\x1b[31mred", r"a\x1b[31mred"),
            ("bell\x07\x08\x7f", r"bell\x07\x08\x7f"),
            ("csi\u{9b}31m", r"csi\u{9b}31m"),
            ("one\ntwo\r\tthree\0", r"one\ntwo\r\tthree\x00"),
            ("gpj.\u{202e}exe\u{2066}x\u{2069}\u{200f}\u{61c}", r"gpj.\u{202e}exe\u{2066}x\u{2069}\u{200f}\u{61c}"),
            ("a\u{2028}b\u{2029}", r"a\u{2028}b\u{2029}"),
            ("a\u{200b}b\u{feff}\u{2060}\u{ad}", r"a\u{200b}b\u{feff}\u{2060}\u{ad}"),
            ("math\u{200d}s", r"math\u{200d}s"),
            ("\u{e0041}tag", r"\u{e0041}tag"),
        ] {
            assert_eq!(escape(name), shown);
        }
    }

    #[test]
    fn joiners_stay_where_scripts_and_emoji_need_them() {
        for name in ["می\u{200c}خواهم", "क्\u{200d}ष", "👩\u{200d}🔬"] {
            assert_eq!(escape(name), name);
        }
        assert_eq!(escape("\u{200d}é"), r"\u{200d}é");
        assert_eq!(escape("é\u{200d}\u{200d}é"), r"é\u{200d}\u{200d}é");
    }

    #[test]
    fn texts_keep_their_lines() {
        assert_eq!(escape_lines("a\tb\nc\x1b]0;title\x07\r\n"), "a\tb\nc\\x1b]0;title\\x07\\r\n");
    }

    #[test]
    fn json_keeps_its_value() {
        let json = "{\n  \"a\u{202e}\u{9b}\": \"\u{e0041}\u{7f}é\"\n}";
        assert_eq!(escape_json(json), "{\n  \"a\\u202e\\u009b\": \"\\udb40\\udc41\\u007fé\"\n}");
    }
}
