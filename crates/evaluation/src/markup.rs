//! Texts that come out of logs, made fit for pages and drawings. Templates escape what is markup in them.

use staycast_text::{escape, escape_lines};

/// Escapes what would steer, turn or hide text, and replaces what is no character (U+FFFE, U+FFFF) by U+FFFD: XML 1.0 forbids
/// both, so that one odd name would make a document unreadable.
#[must_use]
pub fn without_control_characters(document: &str) -> String {
    escape_lines(document).replace(['\u{FFFE}', '\u{FFFF}'], "\u{FFFD}")
}

/// Escapes a name, and cuts it to at most `letters` characters, the last an ellipsis if some are missing.
pub(crate) fn shorten(name: &str, letters: usize) -> String {
    let text = escape(name);
    if text.chars().count() <= letters {
        return text.into_owned();
    }
    let kept: String = text.chars().take(letters.saturating_sub(1)).collect();
    kept + "…"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forbidden_characters_are_replaced_and_others_stay() {
        let odd = "a\u{0}b\u{1b}c\u{7f}d\u{FFFE}e\u{202e}";
        assert_eq!(without_control_characters(odd), "a\\x00b\\x1bc\\x7fd\u{FFFD}e\\u{202e}");
        assert_eq!(without_control_characters("שלום\n\tעולם"), "שלום\n\tעולם");
    }
}
