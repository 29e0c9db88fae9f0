//! Well-formed HTML and SVG, as far as tags and quotes go.

/// Checks that every tag that opens also closes, in order, and every attribute is quoted. Returns the fault and its
/// place.
pub(crate) fn check_balance(markup: &str) -> Result<(), String> {
    const VOID: [&str; 6] = ["meta", "input", "br", "hr", "link", "col"];
    let mut open: Vec<String> = Vec::new();
    let mut rest = markup;
    while let Some(at) = rest.find('<') {
        rest = &rest[at..];
        if let Some(after) = rest.strip_prefix("<!--") {
            rest = &after[after.find("-->").ok_or("a comment without an end")? + 3..];
            continue;
        }
        if rest.starts_with("<!") || rest.starts_with("<?") {
            rest = &rest[rest.find('>').ok_or("a declaration without an end")? + 1..];
            continue;
        }
        let end = tag_end(rest).ok_or_else(|| format!("a tag without an end: {}", start(rest)))?;
        let tag = &rest[1..end];
        rest = &rest[end + 1..];
        if let Some(name) = tag.strip_prefix('/') {
            let last = open.pop().ok_or_else(|| format!("</{name}> closes nothing"))?;
            if last != name.trim() {
                return Err(format!("</{name}> where </{last}> was due, before {}", start(rest)));
            }
            continue;
        }
        let name: String = tag.chars().take_while(char::is_ascii_alphanumeric).collect();
        if name.is_empty() {
            return Err(format!("a bare < before {}", start(rest)));
        }
        if matches!(name.as_str(), "script" | "style") && !tag.ends_with('/') {
            let close = format!("</{name}>");
            rest = &rest[rest.find(&close).ok_or_else(|| format!("{name} is never closed"))? + close.len()..];
        } else if !tag.ends_with('/') && !VOID.contains(&name.as_str()) {
            open.push(name);
        }
    }
    if open.is_empty() { Ok(()) } else { Err(format!("never closed: {}", open.join(", "))) }
}

fn start(markup: &str) -> String {
    markup.chars().take(60).collect()
}

/// Finds the end of a tag: the first `>` outside quotes.
fn tag_end(tag: &str) -> Option<usize> {
    let mut quote = None;
    for (at, letter) in tag.char_indices() {
        match (quote, letter) {
            (None, '>') => return Some(at),
            (None, '"' | '\'') => quote = Some(letter),
            (Some(opened), letter) if opened == letter => quote = None,
            _ => {}
        }
    }
    None
}

#[test]
fn the_balance_check_can_fail() {
    assert_eq!(check_balance("<p title=\"a>b\">x<br></p><script>if (a<b) {}</script>"), Ok(()));
    for broken in ["<p>", "</p>", "<p><b></p></b>", "a < b", "<p title=\">", "<!-- x"] {
        assert!(check_balance(broken).is_err(), "{broken}");
    }
}
