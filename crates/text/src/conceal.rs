//! Users and passwords of addresses, struck out of a text.

use std::borrow::Cow;

use crate::keywords;

/// Stands where a user and a password were.
const CONCEALED: &str = "***";
/// Lists the schemes of databases. What is nearly one of them counts as one.
const DATABASES: [&str; 4] = ["mysql", "mariadb", "postgres", "postgresql"];
/// Lists what stands for a user in our own examples, which stay as they are.
const PLACEHOLDERS: [&str; 3] = ["USER", "USER:PASSWORD", "reader"];

/// Replaces user and password of everything in `text` that looks like an address by `***`:
///
/// - of a database, also with a typing error in the scheme, whatever its password has in it;
/// - of a server, as `https://user:password@host`;
/// - without a scheme, as `user:password@host/name`;
/// - of keywords and values, as `host=h user=u password=p`.
///
/// Host and name stay. What can't be told apart is struck out.
#[must_use]
pub fn conceal(text: &str) -> Cow<'_, str> {
    if !text.contains(['@', '/', '=']) {
        return Cow::Borrowed(text);
    }
    let mut concealed = String::new();
    let mut changed = false;
    for line in text.split_inclusive('\n') {
        let shown = conceal_line(line);
        changed |= matches!(shown, Cow::Owned(_));
        concealed.push_str(&shown);
    }
    if changed { Cow::Owned(concealed) } else { Cow::Borrowed(text) }
}

/// Tells whether a text as a whole looks like an address with a user or password in it.
#[must_use]
pub fn is_address_with_user(text: &str) -> bool {
    matches!(conceal(text), Cow::Owned(_)) || of_user(text, Some('\n')).is_some() || keywords::is_keyword_address(text)
}

fn conceal_line(line: &str) -> Cow<'_, str> {
    let mut cuts: Vec<(usize, usize)> = Vec::new();
    let mut from = 0;
    while let Some((start, end)) = next_cut(line, from) {
        cuts.push((start, end));
        from = end;
    }
    let is_apart = |cut: &(usize, usize)| !cuts.iter().any(|other| cut.0 < other.1 && other.0 < cut.1);
    let mut more: Vec<(usize, usize)> = keywords::secrets(line).into_iter().filter(is_apart).collect();
    cuts.append(&mut more);
    cuts.sort_unstable();
    if cuts.is_empty() {
        return Cow::Borrowed(line);
    }
    let mut shown = String::with_capacity(line.len());
    let mut copied = 0;
    for (start, end) in cuts {
        shown.push_str(&line[copied..start]);
        shown.push_str(CONCEALED);
        copied = end;
    }
    shown.push_str(&line[copied..]);
    Cow::Owned(shown)
}

/// Returns the next part of the line, from a byte on, that must not be shown.
fn next_cut(line: &str, from: usize) -> Option<(usize, usize)> {
    let mut at = from;
    while at < line.len() {
        let rest = &line[at..];
        let word = word_length(rest);
        if word > 0 {
            let after = &rest[word..];
            let separator = after.bytes().take_while(|byte| b":;/\\".contains(byte)).count();
            let start = at + word + separator;
            let has_slashes = after[..separator].contains(['/', '\\']);
            let found = match &line[start..] {
                _ if separator == 0 => None,
                rest if is_like_a_database(&line[at..at + word].to_ascii_lowercase()) => {
                    of_database(rest, has_slashes).map(|end| (start, start + end))
                }
                rest if after.starts_with(":/") || after.starts_with("//") => {
                    of_server(rest).map(|end| (start, start + end))
                }
                _ => None,
            };
            let quote = line[..at].chars().next_back().filter(|quote| "'\"`".contains(*quote));
            let found = found.or_else(|| of_user(rest, quote).map(|end| (at, at + end)));
            match found {
                Some((start, end)) if !PLACEHOLDERS.contains(&&line[start..end]) => return Some((start, end)),
                Some((_, end)) => at = end,
                None => at += word,
            }
        } else {
            at += rest.chars().next().map_or(1, char::len_utf8);
        }
    }
    None
}

/// Returns the bytes of the word, as a scheme or a user is one, that `text` begins with.
fn word_length(text: &str) -> usize {
    text.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || b"+-_.".contains(byte)).count()
}

/// Tells whether a scheme is that of a database, but for two letters.
fn is_like_a_database(scheme: &str) -> bool {
    scheme.len() >= 4
        && DATABASES.iter().any(|database| scheme.starts_with(database) || distance(scheme, database) <= 2)
}

/// Counts the letters to insert, remove or replace until one word is the other (Levenshtein).
fn distance(one: &str, other: &str) -> usize {
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (line, letter) in one.bytes().enumerate() {
        let mut diagonal = row[0];
        row[0] = line + 1;
        for (column, other_letter) in other.bytes().enumerate() {
            let replaced = diagonal + usize::from(letter != other_letter);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[other.len()]
}

/// Returns the bytes to conceal of what follows the scheme of a database. A password may have anything in it, blanks and
/// `/` too: unless the text begins with a host and a name, all up to the last `@` is concealed.
fn of_database(text: &str, has_slashes: bool) -> Option<usize> {
    let token = text.find(|c: char| c.is_whitespace() || "'\"`),;".contains(c)).unwrap_or(text.len());
    if has_slashes && is_host_and_name(text[..token].trim_end_matches([':', '.'])) {
        return None;
    }
    // Without `@` it is perhaps a cut address: a host has no `:` but before its port.
    let is_cut = has_slashes && text[..token].contains(':') && !is_host(text[..token].trim_end_matches([':', '.']));
    text.rfind('@').or(is_cut.then_some(token))
}

/// Returns the bytes to conceal of what follows `scheme://`, if it has a user.
fn of_server(text: &str) -> Option<usize> {
    let token = text.find(|c: char| c.is_whitespace() || "'\"`<>".contains(c)).unwrap_or(text.len());
    let authority = text[..token].find(['/', '?', '#']).unwrap_or(token);
    let has_user = text[..authority].contains('@');
    // A password with a `/` or a blank in it, or a cut address.
    let is_odd = text[..authority].contains(':') && !is_host(text[..authority].trim_end_matches([':', '.', ',']));
    // A password may have `@` and any other sign in it: all up to the last `@` may be one.
    (has_user || is_odd).then(|| text.rfind('@').unwrap_or(token))
}

/// Returns the bytes to conceal where the text begins with `user:password@host/name`. The password may have blanks in it, but
/// does not begin with one.
fn of_user(text: &str, quote: Option<char>) -> Option<usize> {
    let (name, password) = text.split_once(':')?;
    if name.is_empty() || name.contains(['/', '@']) || name.contains(char::is_whitespace) {
        return None;
    }
    if password.starts_with(char::is_whitespace) {
        return None;
    }
    let is_end = |end: &usize| {
        let after = &text[end + 1..];
        let stops = |c: char| c.is_whitespace() || quote.map_or("'\"`<>".contains(c), |quote| c == quote);
        let after = after.split(stops).next().unwrap_or(after);
        is_host_and_name(after.trim_end_matches([':', '.', ',', ';', ')']))
    };
    text.rmatch_indices('@').map(|(at, _)| at).find(is_end)
}

/// Tells whether the text is `host/name` or `host:port/name`, with options perhaps.
fn is_host_and_name(text: &str) -> bool {
    let Some((host, name)) = text.split_once('/') else { return false };
    let name = name.split('?').next().unwrap_or(name);
    is_host(host) && !name.is_empty() && !name.contains(char::is_whitespace) && !text.contains('@')
}

/// Tells whether the text is a host, with a port perhaps.
fn is_host(text: &str) -> bool {
    let (host, port) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, after)) => {
            return address.bytes().all(|byte| byte.is_ascii_hexdigit() || b":.%".contains(&byte))
                && (after.is_empty() || after.strip_prefix(':').is_some_and(is_port));
        }
        None => text.split_once(':').map_or((text, None), |(host, port)| (host, Some(port))),
    };
    host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_%".contains(&byte)) && port.is_none_or(is_port)
}

fn is_port(text: &str) -> bool {
    !text.is_empty() && text.len() <= 5 && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_and_passwords_are_struck_out() {
        for (text, shown) in [
            ("mysql://u:p@h/d: no", "mysql://***@h/d: no"),
            ("MySQL://u:p/q@r#s?t%2F u'v\"w@h:3306/d", "MySQL://***@h:3306/d"),
            ("postgress://u:p@h/d and more", "postgress://***@h/d and more"),
            ("mysql:/u:p@h/d", "mysql:/***@h/d"),
            ("mysql//u:p@h/d", "mysql//***@h/d"),
            ("mysq:u:p@h/d", "mysq:***@h/d"),
            ("`postgres:\\\\u:p@h/d` is no course", "`postgres:\\\\***@h/d` is no course"),
            ("mysql://u:secret: no such file", "mysql://*** no such file"),
            ("https://u:p@host:1/x?y", "https://***@host:1/x?y"),
            ("http://u:pa/ss@host/x", "http://***@host/x"),
            ("http:/u:p@?s s@host/x", "http:/***@host/x"),
            ("s3://key:secret@bucket/x", "s3://***@bucket/x"),
            ("'u:p@h/d' is not a rule", "'***@h/d' is not a rule"),
            ("`u:p w'x@h/d` is not a rule", "`***@h/d` is not a rule"),
            ("`split.by` = u:p w@h:9/d: use course", "`split.by` = ***@h:9/d: use course"),
            ("jdbc:postgresql://u:p@h/d", "***@h/d"),
            ("mysql+pymysql://u:p@h/d", "mysql+pymysql://***@h/d"),
            ("pg://u:p w/x@h/d", "pg://***@h/d"),
            ("host=h user=u password=p dbname=d: no", "host=h user=*** password=*** dbname=d: no"),
            ("`host = h password = 'a b\\'c'` is none", "`host = h password = ***` is none"),
            ("Server=h;Uid=u;Pwd=p/q@r;x", "Server=h;Uid=***;Pwd=***;x"),
            ("jdbc:postgresql://h/d?user=u&password=p", "jdbc:postgresql://h/d?user=***&password=***"),
            ("PGPASSWORD=p psql", "PGPASSWORD=*** psql"),
            ("a\nmariadb://u:p@h/d\nb", "a\nmariadb://***@h/d\nb"),
        ] {
            assert_eq!(conceal(text), shown);
        }
    }

    #[test]
    fn other_texts_stay() {
        for text in [
            "mysql://h:3306/d: can't be reached: Access denied for user '***'@'localhost'",
            "give mysql://USER:PASSWORD@HOST/DATABASE, mariadb://… or postgres://…",
            "postgres://db.example/moodle/mdl_logstore_standard_log",
            "https://lms.example/course/1@2024-01-01",
            "course-v1:edX+DemoX+2014, block-v1:a+b+c+type@video+block@v1",
            "write to anna@example.org/x",
            "logs/2024-01-01T10:00:00/x@y.csv",
            "http://localhost:5000/#/experiments/1",
            "`training.epochs` = 3, north=logs/north, user=anna",
        ] {
            assert_eq!(conceal(text), text);
        }
    }

    #[test]
    fn distances_are_levenshteins() {
        for (one, other, expected) in [("kitten", "sitting", 3), ("mysql", "mysql", 0), ("", "abc", 3), ("abc", "", 3)]
        {
            assert_eq!(distance(one, other), expected);
        }
    }
}
