//! Arguments that must not be echoed: addresses with a user or password in them, in a place that takes none.
//!
//! Whatever an argument is taken for, a message about it would show it: a file that is not there, a folder that was
//! written, a course of no such name. So they are looked through before anything else sees them.

use std::ffi::OsString;
use std::path::Path;

use staycast_text::is_address_with_user;

/// Lists flags whose value may be an address.
const TAKE_ADDRESSES: [&str; 2] = ["--source", "--track"];
/// Lists how the address of a database begins.
const DATABASES: [&str; 4] = ["mysql:/", "mariadb:/", "postgres:/", "postgresql:/"];

/// Returns why the arguments, the program's name first, can't be taken: one is an address where none belongs.
pub(crate) fn misplaced_address(arguments: &[OsString]) -> Option<String> {
    let texts: Vec<_> = arguments.iter().map(|argument| argument.to_string_lossy()).collect();
    let place = (1..texts.len()).find(|&place| is_misplaced(&texts[place], &texts[place - 1]))?;
    let flag = match texts[place].split_once('=') {
        Some((flag, _)) if is_flag(flag) => Some(flag),
        _ => Some(texts[place - 1].as_ref()).filter(|before| is_flag(before)),
    };
    let of_flag = flag.map_or_else(String::new, |flag| format!(", the value of {flag},"));
    Some(format!(
        "argument {place}{of_flag} looks like the address of a database or server, and has no place there; --source takes \
         that of a database, and --track mlflow=URL that of an MLflow server"
    ))
}

fn is_misplaced(argument: &str, before: &str) -> bool {
    let value = match argument.split_once('=') {
        Some((flag, value)) if is_flag(flag) => {
            if TAKE_ADDRESSES.contains(&flag) {
                return false;
            }
            value
        }
        _ if TAKE_ADDRESSES.contains(&before) => return false,
        _ => argument,
    };
    let lower = value.to_ascii_lowercase();
    let is_address = is_address_with_user(value) || DATABASES.iter().any(|scheme| lower.contains(scheme));
    is_address && !Path::new(value).exists()
}

/// Tells whether the text is the name of a flag, and nothing that could be a secret.
fn is_flag(text: &str) -> bool {
    text.strip_prefix("--")
        .is_some_and(|name| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(line: &[&str]) -> Option<String> {
        let arguments: Vec<OsString> =
            std::iter::once("staycast").chain(line.iter().copied()).map(Into::into).collect();
        misplaced_address(&arguments)
    }

    #[test]
    fn addresses_are_taken_where_they_belong() {
        for line in [
            &["preprocess", "--source", "mysql://u:p@h/d", "--out", "x"][..],
            &["preprocess", "--source=nonsense u:p@h/d"],
            &["train", "s", "--track", "mlflow=http://u:p@h"],
            &["train", "s", "--train-courses", "https://lms.example/c/1@2024-01-01,course-v1:a+b+c"],
            &["score", "run", "sequences", "--out", "scores.csv"],
        ] {
            assert_eq!(problem(line), None, "{line:?}");
        }
    }

    #[test]
    fn addresses_elsewhere_are_refused_and_not_shown() {
        for (line, start) in [
            (&["preprocess", "mysql://u:p@h/d"][..], "argument 2 looks"),
            (&["preprocess", "MySQL:/u:p a@h/d"], "argument 2 looks"),
            (&["preprocess", "x", "--out", "postgress://u:p/a@h/d"], "argument 4, the value of --out, looks"),
            (&["preprocess", "x", "--out=mysql://h/d"], "argument 3, the value of --out, looks"),
            (&["preprocess", "--sourse=mysql://u:p@h/d"], "argument 2, the value of --sourse, looks"),
            (&["preprocess", "--source", "mysql://u:p@h/d", "mysql://u:p@h/d"], "argument 4 looks"),
            (&["train", "s", "--set", "u:p w@h/d"], "argument 4, the value of --set, looks"),
            (&["train", "s", "--set", "split.by=u:p@h/d"], "argument 4, the value of --set, looks"),
            (&["postgres://u:p@h/d"], "argument 1 looks"),
            (&["-mysql://u:p@h/d"], "argument 1 looks"),
            (&["preprocess", "host=h user=u:p password=u:p"], "argument 2 looks"),
            (&["train", "s", "--out", "host = h password = 'u:p x'"], "argument 4, the value of --out, looks"),
            (&["train", "s", "--set=model.password=u:p"], "argument 3, the value of --set, looks"),
        ] {
            let problem = problem(line).unwrap_or_else(|| panic!("{line:?}"));
            assert!(problem.starts_with(start) && !problem.contains("u:p"), "{problem}");
        }
    }
}
