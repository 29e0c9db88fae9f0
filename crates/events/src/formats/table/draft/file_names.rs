//! Names that a draft has for files: by their names, or by patterns where the names may be learners'.

use super::roles::{self, ColumnRole};
use super::sample::Sample;
use crate::cells::shape;
use crate::header::is_known_key;

/// Says whether files may be called by their names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum FileNames {
    #[default]
    AreShown,
    /// Nothing but the names of the log's several files may tell the learners.
    MayBeLearners,
}

impl FileNames {
    /// Tells whether the names of the log's files may be learners'.
    pub(super) fn of(log: &[Sample]) -> Self {
        let (guesses, _) = roles::guess(&log[0]);
        match log.len() > 1 && guesses.iter().all(|guess| guess.role != ColumnRole::Learner) {
            true => Self::MayBeLearners,
            false => Self::AreShown,
        }
    }

    /// Returns what the first file of a table is called.
    pub(super) fn of_table(self, table: &[Sample]) -> String {
        let names: Vec<String> = table.iter().map(Sample::file_name).collect();
        match self {
            Self::AreShown => names[0].clone(),
            Self::MayBeLearners if names.len() > 1 => pattern_without_people(&names),
            Self::MayBeLearners => shape(names[0].as_bytes()),
        }
    }
}

/// Returns the pattern that all of the names fit: what they begin and end with.
pub(super) fn common_pattern(names: &[String]) -> String {
    let first = &names[0];
    let shared =
        |a: &str, b: &str| a.chars().zip(b.chars()).take_while(|(a, b)| a == b).map(|(a, _)| a.len_utf8()).sum();
    let back = |text: &str| text.chars().rev().collect::<String>();
    let start: usize = names.iter().map(|name| shared(first, name)).min().unwrap_or(0);
    let end: usize = names.iter().map(|name| shared(&back(first), &back(name))).min().unwrap_or(0);
    // Digits that all names share by chance are not what they have in common.
    let before =
        first[..start.min(first.len() - end.min(first.len()))].trim_end_matches(|sign: char| sign.is_ascii_digit());
    format!("{before}*{}", &first[first.len() - end.min(first.len())..])
}

/// Returns the pattern that all of the names fit, without what may be a person's name: all files may be of one.
pub(super) fn pattern_without_people(names: &[String]) -> String {
    let pattern = common_pattern(names);
    let (before, after) = pattern.split_once('*').unwrap_or((&pattern, ""));
    let (middle, ending) = after.split_at(after.find('.').unwrap_or(after.len()));
    let kept = |part: &str| {
        let word = part.trim_matches(|sign: char| !sign.is_alphanumeric());
        if word.chars().count() <= 2 || is_known_key(word) { part.to_owned() } else { String::new() }
    };
    format!("{}*{}{ending}", kept(before), kept(middle))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_of_files() {
        let pattern = |names: &[&str]| common_pattern(&names.iter().map(ToString::to_string).collect::<Vec<_>>());
        assert_eq!(pattern(&["log_2023-01.csv", "log_2023-02.csv"]), "log_2023-*.csv");
        assert_eq!(pattern(&["a.csv", "b.csv"]), "*.csv");
        assert_eq!(pattern(&["aa.csv", "aaa.csv"]), "*aa.csv");
        let without =
            |names: &[&str]| pattern_without_people(&names.iter().map(ToString::to_string).collect::<Vec<_>>());
        assert_eq!(without(&["carl-1.csv", "carl-2.csv"]), "*.csv");
        assert_eq!(without(&["1_carl.csv.gz", "2_carl.csv.gz"]), "*.csv.gz");
        assert_eq!(without(&["user_log_7.csv", "user_log_8.csv"]), "user_log_*.csv");
        assert_eq!(without(&["u7.csv", "u8.csv"]), "u*.csv");
    }
}
