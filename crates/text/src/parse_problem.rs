//! Where a text of settings is wrong, without quoting it.

use std::ops::Range;

/// Says where `text` is wrong and what `message`, a parser's, says of it. Values that the message quotes are left out where
/// they may hold a password: a line of settings may have any text in it.
#[must_use]
pub fn parse_problem(text: &str, span: Option<Range<usize>>, message: &str) -> String {
    let message = without_values(message.trim(), text);
    let Some(before) = span.and_then(|span| text.get(..span.start)) else { return message };
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or(before).chars().count() + 1;
    format!("line {line}, column {column}: {message}")
}

/// Leaves out what a message quotes of the text: all between `"`, and what is more than a word between `` ` ``. Examples of
/// the message's own stay.
fn without_values(message: &str, text: &str) -> String {
    let mut kept = String::with_capacity(message.len());
    let mut rest = message;
    while let Some(start) = rest.find(['"', '`']) {
        let (before, from) = rest.split_at(start);
        kept.push_str(before);
        let quote = &from[..1];
        let Some(length) = length_of_quote(&from[1..], quote) else {
            kept.push_str(quote);
            kept.push('…');
            return kept;
        };
        let value = &from[1..=length];
        kept.push_str(quote);
        let is_shown = (quote == "`" && is_word(value)) || is_example(value, text);
        kept.push_str(if is_shown { value } else { "…" });
        kept.push_str(quote);
        rest = &from[length + 2..];
    }
    kept + rest
}

/// Returns the bytes up to the quote that ends the value. A quote inside it stands behind a backslash, before an `@`, or
/// before a letter.
fn length_of_quote(from: &str, quote: &str) -> Option<usize> {
    // What is between two `@` or before one is perhaps an address, with quotes in its password.
    let mut at = from.rfind('@').unwrap_or(0);
    loop {
        let found = at + from[at..].find(quote)?;
        let escaped = from[..found].bytes().rev().take_while(|&byte| byte == b'\\').count() % 2 == 1;
        let goes_on = from[found + 1..].starts_with(|next: char| !(next.is_whitespace() || ",.;:)".contains(next)));
        if !escaped && !goes_on {
            return Some(found);
        }
        at = found + 1;
    }
}

/// Tells whether a quoted value is a name or a choice, and no part of an address.
fn is_word(value: &str) -> bool {
    value.chars().count() <= 60 && !value.contains(['@', '\\']) && !["//", ":/"].iter().any(|part| value.contains(part))
}

/// Tells whether a quoted value is the message's own: it does not stand in the text, and can't be a part of an address.
fn is_example(value: &str, text: &str) -> bool {
    !text.contains(value) && !value.contains(['@', '\\']) && !value.contains(":/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_said_and_addresses_are_not() {
        let text = "a = 1\nb = \"mysql://u:p@h/d\"\n";
        let said = parse_problem(text, Some(10..20), "invalid type: string \"mysql://u:p@h/d\", expected u32");
        assert_eq!(said, "line 2, column 5: invalid type: string \"…\", expected u32");
        let words = "unknown field `colour`, expected `color` or `shape`";
        assert_eq!(parse_problem(text, None, words), words);
        let examples = "`eight` is not hours and minutes such as `+08:00`, or \"%d/%m\"";
        assert_eq!(parse_problem("shift = \"eight\"", None, examples), examples);
        for odd in [
            r#"invalid type: string "mysql://u:p\"s3cret\"@h/d", expected u32"#,
            "unknown variant `mysql://u:p`s3cret`@h/d`, expected one of `a`, `b`",
            "unknown field `mysql://u:s3cret@h",
            "unknown format `http://u:p`: s3cret@h/d`, expected `a`",
        ] {
            let said = parse_problem(text, None, odd);
            assert!(!said.contains("s3cret") && !said.contains("@h"), "{said}");
        }
    }
}
