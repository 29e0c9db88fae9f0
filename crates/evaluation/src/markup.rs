//! Text made safe for HTML and SVG: names of courses and groups come out of logs and may hold anything.

/// Escapes a text for element content and quoted attributes, in HTML and XML alike.
///
/// Characters that XML 1.0 forbids (control characters other than tab, line feed and carriage return, and U+FFFE and
/// U+FFFF) become U+FFFD, so that one odd name can't make an SVG file unreadable.
pub(crate) fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            '\t' | '\n' | '\r' => safe.push(letter),
            control if control.is_control() => safe.push('\u{FFFD}'),
            '\u{FFFE}' | '\u{FFFF}' => safe.push('\u{FFFD}'),
            other => safe.push(other),
        }
    }
    safe
}

/// At most `letters` characters of a text, the last an ellipsis if some are missing.
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
    fn nothing_hostile_survives() {
        assert_eq!(
            escape("<script>alert(\"a'b\")</script>&"),
            "&lt;script&gt;alert(&quot;a&#39;b&quot;)&lt;/script&gt;&amp;"
        );
        assert_eq!(escape("a\u{0}b\u{1b}c\u{7f}d\u{FFFE}"), "a\u{FFFD}b\u{FFFD}c\u{FFFD}d\u{FFFD}");
        assert_eq!(escape("שלום\nעולם"), "שלום\nעולם");
    }
}
