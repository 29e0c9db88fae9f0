//! The file that lists the tasks of a transfer benchmark.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use staycast_sequences::CutOff;
use staycast_text::parse_problem;

use crate::status::usage;

/// Lists the tasks of a benchmark.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Suite {
    pub(super) tasks: Vec<Task>,
}

/// Describes a task: a model learns from some courses and forecasts others.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Task {
    /// Name in the table and of the folder of its runs: letters, digits, `-`, `_` and `.`.
    pub(super) name: String,
    /// Name of the sequences that it uses, as `--sequences NAME=DIR` gives it.
    pub(super) sequences: String,
    /// Cut-off of the forecast; models read no later week.
    pub(super) week: CutOff,
    /// Courses to learn from.
    #[serde(default)]
    pub(super) train: Vec<String>,
    /// Courses to forecast.
    #[serde(default)]
    pub(super) test: Vec<String>,
    /// In place of both: courses of which each is forecast from all others. The task's figures are the means over them.
    #[serde(default)]
    pub(super) leave_one_out: Vec<String>,
    /// Tasks of a group are summed up apart from all others.
    #[serde(default)]
    pub(super) group: Option<String>,
    /// Settings of this task's runs alone, as `--set` takes them.
    #[serde(default)]
    pub(super) settings: Vec<String>,
}

impl Suite {
    /// Reads and checks the file.
    pub(super) fn read(path: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| usage(format!("{}: cannot read the tasks: {error}", path.display())))?;
        let suite: Self = toml::from_str(&text).map_err(|error| {
            usage(format!("{}: {}", path.display(), parse_problem(&text, error.span(), error.message())))
        })?;
        suite.check().map_err(|problem| usage(format!("{}: {problem}", path.display())))?;
        Ok(suite)
    }

    fn check(&self) -> Result<(), String> {
        let mut names = BTreeSet::new();
        if self.tasks.is_empty() {
            return Err("there is no task; a task begins with the line [[tasks]]".to_owned());
        }
        for task in &self.tasks {
            let name = &task.name;
            if !is_plain(name) {
                return Err(format!(
                    "a task is called {name:?}; use letters, digits, `-`, `_` and `.`, as a folder gets the name"
                ));
            }
            if let Some(group) = task.group.as_ref().filter(|group| !is_plain(group)) {
                return Err(format!("task {name} has the group {group:?}; use letters, digits, `-`, `_` and `.`"));
            }
            if !names.insert(name) {
                return Err(format!("two tasks are called {name}"));
            }
            task.check_courses()?;
        }
        Ok(())
    }
}

impl Task {
    fn check_courses(&self) -> Result<(), String> {
        let Self { name, train, test, leave_one_out, .. } = self;
        if !leave_one_out.is_empty() {
            if !train.is_empty() || !test.is_empty() {
                return Err(format!("task {name} has leave_one_out beside train or test; give one or the other"));
            }
            let courses: BTreeSet<&String> = leave_one_out.iter().collect();
            if courses.len() < 3 || courses.len() < leave_one_out.len() {
                return Err(format!("leave_one_out of task {name} must name three courses or more, each once"));
            }
            return Ok(());
        }
        for (what, courses) in [("train", train), ("test", test)] {
            if courses.is_empty() {
                return Err(format!("task {name} names no course to {what}"));
            }
        }
        match train.iter().find(|course| test.contains(course)) {
            Some(both) => Err(format!("task {name} learns from the course {both} and forecasts it too")),
            None => Ok(()),
        }
    }
}

/// Tells whether a name has nothing but letters, digits, `-`, `_` and `.`, and can be that of a folder.
pub(super) fn is_plain(name: &str) -> bool {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.');
    !name.is_empty() && !name.starts_with('.') && name.chars().all(is_plain)
}

/// Names a sequences folder for the tasks: `NAME=DIR`.
#[derive(Clone, Debug)]
pub(super) struct NamedSequences {
    pub(super) name: String,
    pub(super) path: PathBuf,
}

/// Parses `NAME=DIR`.
pub(super) fn named_sequences(text: &str) -> Result<NamedSequences, String> {
    match text.split_once('=') {
        Some((name, path)) if !name.is_empty() && !path.is_empty() => {
            Ok(NamedSequences { name: name.to_owned(), path: path.into() })
        }
        _ => Err("write NAME=DIR, with the name that the tasks use".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(text: &str) -> String {
        let suite: Suite = toml::from_str(text).expect("well-formed");
        suite.check().expect_err("refused")
    }

    #[test]
    fn tasks_that_make_no_sense_are_refused_by_name() {
        let task = |name: &str, train: &str, test: &str| {
            format!("[[tasks]]\nname = \"{name}\"\nsequences = \"s\"\nweek = 4\ntrain = {train}\ntest = {test}\n")
        };
        let sound = task("a-b", "[\"A\"]", "[\"B\"]");
        toml::from_str::<Suite>(&sound).expect("well-formed").check().expect("sound");
        assert_eq!(problem("tasks = []"), "there is no task; a task begins with the line [[tasks]]");
        assert_eq!(problem(&format!("{sound}{sound}")), "two tasks are called a-b");
        assert!(problem(&task("../a", "[\"A\"]", "[\"B\"]")).starts_with("a task is called \"../a\""));
        assert_eq!(problem(&task("a", "[]", "[\"B\"]")), "task a names no course to train");
        assert_eq!(problem(&task("a", "[\"A\"]", "[\"A\"]")), "task a learns from the course A and forecasts it too");
        let left_out =
            |more: &str| format!("[[tasks]]\nname = \"a\"\nsequences = \"s\"\nweek = 4\nleave_one_out = {more}");
        toml::from_str::<Suite>(&left_out("[\"A\", \"B\", \"C\"]")).expect("well-formed").check().expect("sound");
        for few in ["[\"A\", \"B\"]", "[\"A\", \"B\", \"C\", \"A\"]"] {
            assert_eq!(problem(&left_out(few)), "leave_one_out of task a must name three courses or more, each once");
        }
        assert_eq!(
            problem(&left_out("[\"A\", \"B\", \"C\"]\ntest = [\"D\"]")),
            "task a has leave_one_out beside train or test; give one or the other"
        );
    }

    #[test]
    fn a_group_has_a_plain_name() {
        let task = |group: &str| {
            format!(
                "[[tasks]]\nname = \"a\"\nsequences = \"s\"\nweek = 4\ntrain = [\"A\"]\ntest = [\"B\"]\ngroup = {group:?}\n"
            )
        };
        toml::from_str::<Suite>(&task("earlier-runs")).expect("well-formed").check().expect("sound");
        assert_eq!(
            problem(&task("earlier runs")),
            "task a has the group \"earlier runs\"; use letters, digits, `-`, `_` and `.`"
        );
    }

    #[test]
    fn tasks_of_the_benchmark_against_the_order_of_time_are_a_group() {
        let suite =
            Suite::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../configs/transfer.toml")).expect("sound");
        // Names of OULAD's runs are a module and when it began: `AAA-2013J`. B is February and J October.
        let oulad = suite.tasks.iter().filter(|task| task.sequences.starts_with("oulad"));
        let mut backwards = 0;
        for task in oulad {
            let pairs = task.train.iter().flat_map(|train| task.test.iter().map(move |test| (train, test)));
            let mut same_module = pairs.filter(|(train, test)| train[..3] == test[..3]).peekable();
            if task.group.as_deref() == Some("earlier-runs") {
                backwards += 1;
                assert!(same_module.peek().is_some() && same_module.all(|(train, test)| train > test), "{}", task.name);
            } else {
                assert!(same_module.all(|(train, test)| train < test), "{}", task.name);
            }
        }
        assert_eq!(backwards, 10);
    }

    #[test]
    fn sequences_have_a_name_and_a_folder() {
        let found = named_sequences("oulad=/data/a=b").expect("both");
        assert_eq!((found.name.as_str(), found.path.as_path()), ("oulad", Path::new("/data/a=b")));
        for text in ["oulad", "=x", "x="] {
            assert!(named_sequences(text).is_err(), "{text}");
        }
    }
}
