//! Errors in arguments, in plain words: long values are cut, and what the standard library says of numbers is put
//! otherwise.

use clap::error::ContextValue;

/// Counts the characters of a value that are shown in full.
const MOST_CHARACTERS: usize = 60;
/// Counts the characters that are shown of a longer one.
const SHOWN_CHARACTERS: usize = 40;

/// Maps what the standard library says of numbers to what is said here.
const PLAIN_WORDS: [(&str, &str); 7] = [
    ("number would be zero for non-zero type", "give a whole number from 1 on"),
    ("invalid digit found in string", "this is no whole number"),
    ("number too large to fit in target type", "the number is too large"),
    ("number too small to fit in target type", "the number is too small"),
    ("cannot parse integer from empty string", "a whole number is missing"),
    ("invalid float literal", "this is no number"),
    ("cannot parse float from empty string", "a number is missing"),
];

/// Returns the message about arguments that can't be understood.
pub(crate) fn message(error: &clap::Error) -> String {
    let mut text = error.render().to_string();
    let mut values: Vec<&String> = Vec::new();
    for (_, value) in error.context() {
        match value {
            ContextValue::String(value) => values.push(value),
            ContextValue::Strings(several) => values.extend(several),
            _ => {}
        }
    }
    for value in values {
        if value.chars().nth(MOST_CHARACTERS).is_some() && !value.contains('<') {
            let shown: String = value.chars().take(SHOWN_CHARACTERS).collect();
            text = text.replace(value.as_str(), &format!("{shown}… ({} characters)", value.chars().count()));
        }
    }
    PLAIN_WORDS.iter().fold(text, |text, (words, plain)| text.replace(words, plain))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::Cli;

    fn of(line: &[&str]) -> String {
        let arguments = ["staycast"].iter().chain(line);
        message(&Cli::try_parse_from(arguments).expect_err("wrong arguments"))
    }

    #[test]
    fn numbers_are_refused_in_plain_words() {
        let long = "9".repeat(300);
        for (value, words) in [
            ("0", "invalid value '0' for '--threads <N>': give a whole number from 1 on"),
            ("x", "invalid value 'x' for '--threads <N>': this is no whole number"),
            (&long, "for '--threads <N>': the number is too large"),
        ] {
            let text = of(&["devices", "--threads", value]);
            assert!(text.contains(words) && text.len() < 200, "{text}");
        }
        let text = of(&["evaluate", "run", "sequences", "--week", &long]);
        assert!(text.contains("(300 characters)") && !text.contains(&long), "{text}");
        assert!(!of(&["train", &format!("--{long}")]).contains(&long));
    }
}
