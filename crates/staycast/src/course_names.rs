//! Courses as people name them, found among those that there are.

use std::collections::BTreeSet;
use std::path::Path;

use staycast_events::formats::course_key;
use staycast_forecast::config::SplitConfig;
use staycast_sequences::read_courses;

use crate::display::pluralise;
use crate::status::usage;

/// Bounds the courses that a message names.
const SHOWN: usize = 3;

/// Returns the ids of the courses that were `asked` for, of those `known`. A key of Open edX may be written as in an address.
pub(crate) fn resolve(asked: &[String], known: &[String]) -> anyhow::Result<Vec<String>> {
    let found = |name: &String| -> anyhow::Result<String> {
        let key = course_key(name);
        let same = known.iter().find(|id| *id == name).or_else(|| known.iter().find(|id| course_key(id) == key));
        same.cloned().ok_or_else(|| usage(describe_unknown(name, known)))
    };
    asked.iter().map(found).collect()
}

/// Makes the courses that a split names those of the sequences folder.
pub(crate) fn resolve_split(split: &mut SplitConfig, sequences: &Path) -> anyhow::Result<()> {
    if split.train_courses.is_empty() && split.test_courses.is_empty() {
        return Ok(());
    }
    let known: Vec<String> = read_courses(sequences)?.into_iter().map(|course| course.id).collect();
    for courses in [&mut split.train_courses, &mut split.test_courses] {
        *courses = resolve(courses, &known)?;
    }
    Ok(())
}

/// Says that there is no course of this name, and which have names like it.
fn describe_unknown(name: &str, known: &[String]) -> String {
    let key = course_key(name);
    let looked_for = if key == name { format!("`{name}`") } else { format!("`{name}`, nor `{key}`") };
    let mut nearest: Vec<&String> = known.iter().collect();
    nearest.sort_by(|a, b| likeness(b, &key).total_cmp(&likeness(a, &key)));
    let shown: Vec<&str> = nearest.into_iter().take(SHOWN).map(String::as_str).collect();
    let more = known.len().saturating_sub(SHOWN) as u64;
    let which = match more {
        0 => format!("there are {}", shown.join(", ")),
        _ => format!("the nearest are {}, and {} more", shown.join(", "), pluralise(more, "course")),
    };
    format!("no course is called {looked_for}; {which}")
}

/// Returns the share of pairs of letters that two names have in common, from 0 to 1 (Dice's coefficient).
fn likeness(one: &str, other: &str) -> f64 {
    let pairs = |name: &str| -> BTreeSet<(char, char)> {
        let letters: Vec<char> = name.to_lowercase().chars().collect();
        letters.windows(2).map(|pair| (pair[0], pair[1])).collect()
    };
    let (one, other) = (pairs(one), pairs(other));
    let all = one.len() + other.len();
    if all == 0 { 0.0 } else { 2.0 * one.intersection(&other).count() as f64 / all as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known() -> Vec<String> {
        ["algebra-1", "algebra-2", "botany-1", "chess-1", "course-v1:edX+DemoX+2014"].map(str::to_owned).to_vec()
    }

    fn asked(name: &str) -> Result<Vec<String>, String> {
        resolve(&[name.to_owned()], &known()).map_err(|error| error.to_string())
    }

    #[test]
    fn keys_are_found_however_they_are_written() {
        let demo = Ok(vec!["course-v1:edX+DemoX+2014".to_owned()]);
        assert_eq!(asked("course-v1:edX+DemoX+2014"), demo);
        assert_eq!(asked("course-v1%3AedX%2BDemoX%2B2014"), demo);
        assert_eq!(asked("https://lms.example/courses/course-v1:edX+DemoX+2014/"), demo);
        assert_eq!(asked("chess-1"), Ok(vec!["chess-1".to_owned()]));
    }

    #[test]
    fn what_was_looked_for_is_said_with_the_nearest() {
        let said = asked("algebra").expect_err("no such course");
        assert!(said.starts_with("no course is called `algebra`; the nearest are algebra-1, algebra-2, "), "{said}");
        assert!(said.ends_with(", and 2 courses more"), "{said}");
        let said = asked("course-v1%3AedX%2BDemo%2B2014").expect_err("no such course");
        let expected = "no course is called `course-v1%3AedX%2BDemo%2B2014`, nor `course-v1:edX+Demo+2014`; the nearest are \
                        course-v1:edX+DemoX+2014, ";
        assert!(said.starts_with(expected), "{said}");
        let none = resolve(&["a".to_owned()], &known()[..1]).expect_err("no such course").to_string();
        assert_eq!(none, "no course is called `a`; there are algebra-1");
    }
}
