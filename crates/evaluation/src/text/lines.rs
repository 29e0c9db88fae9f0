//! Lines that fit a terminal.

/// Counts the columns that no line exceeds (as long as identifiers keep to one column a character).
pub const WIDTH: usize = 100;

/// Breaks a text into lines of at most [`WIDTH`] columns, at spaces where there are any.
pub(super) fn wrap(text: &str) -> String {
    let mut lines = String::new();
    let mut used = 0;
    for word in text.split_whitespace() {
        let mut letters: Vec<char> = word.chars().collect();
        if used > 0 && used + 1 + letters.len() <= WIDTH {
            lines.push(' ');
            used += 1;
        } else if used > 0 {
            lines.push('\n');
            used = 0;
        }
        while letters.len() > WIDTH {
            lines.extend(letters.drain(..WIDTH));
            lines.push('\n');
        }
        used += letters.len();
        lines.extend(letters);
    }
    lines.push('\n');
    lines
}
