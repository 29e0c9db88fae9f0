//! Texts that come out of logs, made fit for pages and drawings. Templates escape them.

/// Replaces the characters that XML 1.0 forbids by U+FFFD, so that one odd name can't make a document unreadable.
///
/// These are the control characters other than tab, line feed and carriage return, and U+FFFE and U+FFFF.
pub(crate) fn without_control_characters(document: String) -> String {
    let forbidden = |letter: char| {
        (letter.is_control() && !matches!(letter, '\t' | '\n' | '\r')) || matches!(letter, '\u{FFFE}' | '\u{FFFF}')
    };
    if document.contains(forbidden) { document.replace(forbidden, "\u{FFFD}") } else { document }
}

/// Cuts a text to at most `letters` characters, the last an ellipsis if some are missing.
pub(crate) fn shorten(text: &str, letters: usize) -> String {
    if text.chars().count() <= letters {
        return text.to_owned();
    }
    let kept: String = text.chars().take(letters.saturating_sub(1)).collect();
    kept + "…"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forbidden_characters_are_replaced_and_others_stay() {
        let odd = "a\u{0}b\u{1b}c\u{7f}d\u{FFFE}".to_owned();
        assert_eq!(without_control_characters(odd), "a\u{FFFD}b\u{FFFD}c\u{FFFD}d\u{FFFD}");
        assert_eq!(without_control_characters("שלום\n\tעולם".to_owned()), "שלום\n\tעולם");
    }
}
