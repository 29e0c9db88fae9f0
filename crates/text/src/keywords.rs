//! Passwords in addresses that are written as keywords and values: `host=h user=u password=p`, `Server=h;Pwd=p`,
//! `?user=u&password=p`.

/// Lists how the keywords of passwords end.
const PASSWORDS: [&str; 4] = ["password", "passwd", "pwd", "_pass"];
/// Lists the keywords of users.
const USERS: [&str; 4] = ["user", "username", "uid", "user_id"];
/// Lists keywords that an address has beside those.
const OTHERS: [&str; 6] = ["host", "hostaddr", "dbname", "server", "port", "database"];

/// Holds a keyword of a line and its value.
struct Entry<'a> {
    keyword: &'a str,
    /// Where the value stands.
    start: usize,
    end: usize,
}

/// Returns where the values stand that must not be shown: passwords, and users of what looks like an address.
pub(crate) fn secrets(line: &str) -> Vec<(usize, usize)> {
    let entries = entries(line);
    let of_address = is_address(&entries);
    let is_secret = |entry: &&Entry<'_>| is_password(entry.keyword) || of_address && is_one_of(&USERS, entry.keyword);
    entries.iter().filter(is_secret).map(|entry| (entry.start, entry.end)).filter(|(start, end)| start < end).collect()
}

/// Tells whether a text as a whole looks like an address of keywords and values.
pub(crate) fn is_keyword_address(text: &str) -> bool {
    text.lines().any(|line| {
        let entries = entries(line);
        is_address(&entries) || entries.iter().any(|entry| is_password(entry.keyword))
    })
}

/// Two of the keywords make an address.
fn is_address(entries: &[Entry<'_>]) -> bool {
    let is_keyword = |keyword| is_password(keyword) || is_one_of(&USERS, keyword) || is_one_of(&OTHERS, keyword);
    let is_more = |keyword| !is_one_of(&USERS, keyword);
    entries.iter().filter(|entry| is_keyword(entry.keyword)).count() >= 2
        && entries.iter().any(|entry| is_keyword(entry.keyword) && is_more(entry.keyword))
}

fn is_password(keyword: &str) -> bool {
    let keyword = keyword.to_ascii_lowercase();
    keyword == "pass" || PASSWORDS.iter().any(|ending| keyword.ends_with(ending))
}

fn is_one_of(list: &[&str], keyword: &str) -> bool {
    list.iter().any(|one| one.eq_ignore_ascii_case(keyword))
}

/// Lists the words of a line that `=` follows, with what comes after it: in quotes, or up to a blank, `;`, `&` or a quote.
fn entries(line: &str) -> Vec<Entry<'_>> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(equals) = line[from..].find('=').map(|at| from + at) {
        let before = line[..equals].trim_end();
        let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let keyword = &before[before.rfind(|c: char| !is_part(c)).map_or(0, |at| at + last_length(before, at))..];
        let after = &line[equals + 1..];
        let start = equals + 1 + (after.len() - after.trim_start().len());
        let end = start + value_length(&line[start..]);
        // What stands in the value of another, as in `--source=host=h`, counts too.
        from = if is_password(keyword) { end.max(equals + 1) } else { equals + 1 };
        if !keyword.is_empty() {
            found.push(Entry { keyword, start, end });
        }
    }
    found
}

/// Returns the bytes of the character at `at`.
fn last_length(text: &str, at: usize) -> usize {
    text[at..].chars().next().map_or(1, char::len_utf8)
}

/// Returns the bytes of a value that the text begins with.
fn value_length(text: &str) -> usize {
    let Some(quote) = text.chars().next().filter(|c| "'\"".contains(*c)) else {
        return text.find(|c: char| c.is_whitespace() || ";&'\"`".contains(c)).unwrap_or(text.len());
    };
    let mut is_escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            _ if c == quote => return at + 1,
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_keywords_are_told_from_other_texts() {
        for text in [
            "host=h user=u password=p dbname=d",
            "password=p",
            "host = h password = 'a b'",
            "Server=h;Uid=u;Pwd=p",
            "PGPASSWORD=p",
            "user=u dbname=d",
        ] {
            assert!(is_keyword_address(text), "{text}");
        }
        for text in
            ["north=logs/north", "host=h", "user=u", "training.epochs=3", "a = b", "=", "é=1", "--password-file=x"]
        {
            assert!(!is_keyword_address(text), "{text}");
        }
    }
}
