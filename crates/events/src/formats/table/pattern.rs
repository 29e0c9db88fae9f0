//! Patterns in which `*` stands for any signs: names of files, kinds of event, words of a column.

/// Tells whether `text` fits `pattern`, in which `*` stands for any signs and `?` for one byte.
pub(super) fn fits(pattern: &[u8], text: &[u8]) -> bool {
    fits_with(pattern, text, |sign, byte| sign == byte)
}

/// Tells whether the name of a file or folder fits `pattern`. Letters (of ASCII) fit in either case.
pub(super) fn name_fits(pattern: &str, name: &str) -> bool {
    bytes_fit_name(pattern.as_bytes(), name.as_bytes())
}

fn bytes_fit_name(pattern: &[u8], name: &[u8]) -> bool {
    fits_with(pattern, name, |sign, byte| sign.eq_ignore_ascii_case(&byte))
}

/// Tells whether `text` fits `pattern`, whose signs stand for those bytes that are the `same`. Takes at most
/// `pattern.len() * text.len()` steps.
fn fits_with(pattern: &[u8], text: &[u8], same: impl Fn(u8, u8) -> bool) -> bool {
    let (mut at, mut sign) = (0, 0);
    // Where the last `*` stands, and how far it reaches.
    let mut star: Option<(usize, usize)> = None;
    while at < text.len() {
        match pattern.get(sign) {
            Some(b'*') => {
                star = Some((sign, at));
                sign += 1;
            }
            Some(&expected) if expected == b'?' || same(expected, text[at]) => {
                at += 1;
                sign += 1;
            }
            _ => {
                let Some((place, reach)) = star else { return false };
                star = Some((place, reach + 1));
                (sign, at) = (place + 1, reach + 1);
            }
        }
    }
    pattern[sign..].iter().all(|&sign| sign == b'*')
}

/// Returns the part of a file's name that the first `*` of `pattern` stands for, as few signs as fit; `None` when they
/// don't fit. Letters (of ASCII) fit in either case.
pub(super) fn first_star<'t>(pattern: &str, name: &'t str) -> Option<&'t str> {
    let (before, after) = pattern.split_once('*')?;
    let start = name.get(..before.len())?;
    let rest = &name[before.len()..];
    if !start.eq_ignore_ascii_case(before) {
        return None;
    }
    let mut ends = rest.char_indices().map(|(end, _)| end).chain([rest.len()]);
    ends.find(|&end| bytes_fit_name(after.as_bytes(), &rest.as_bytes()[end..])).map(|end| &rest[..end])
}

/// Tells whether a word is a pattern rather than itself.
pub(super) fn is_pattern(word: &str) -> bool {
    word.contains(['*', '?'])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn patterns() {
        for (pattern, text, expected) in [
            ("", "", true),
            ("*", "", true),
            ("a*c", "abcbc", true),
            ("a*c", "abcb", false),
            ("*a*b*", "xxaxxbxx", true),
            ("?b", "ab", true),
            ("?", "", false),
            ("ab", "abc", false),
            (r"\mod_quiz\event\*", r"\mod_quiz\event\attempt_started", true),
        ] {
            assert_eq!(fits(pattern.as_bytes(), text.as_bytes()), expected, "{pattern} {text}");
        }
        assert!(!fits(b"*a*a*a*a*a*a*a*a*b", &[b'a'; 4_000]));
    }

    #[test]
    fn what_a_star_stands_for() {
        assert_eq!(first_star("*_enrolments.csv", "algebra-2_enrolments.csv"), Some("algebra-2"));
        assert_eq!(first_star("run-*-*.csv", "run-a-b-c.csv"), Some("a"));
        assert_eq!(first_star("*.csv", "a.tsv"), None);
        assert_eq!(first_star("log.csv", "log.csv"), None);
    }

    proptest! {
        #[test]
        fn as_defined(pattern in "[ab*?]{0,7}", text in "[ab]{0,8}") {
            fn slow(pattern: &[u8], text: &[u8]) -> bool {
                match (pattern, text) {
                    ([], []) => true,
                    ([b'*', rest @ ..], _) => (0..=text.len()).any(|skipped| slow(rest, &text[skipped..])),
                    ([b'?', pattern @ ..], [_, text @ ..]) => slow(pattern, text),
                    ([sign, pattern @ ..], [first, text @ ..]) => sign == first && slow(pattern, text),
                    _ => false,
                }
            }
            prop_assert_eq!(fits(pattern.as_bytes(), text.as_bytes()), slow(pattern.as_bytes(), text.as_bytes()));
        }
    }
}
