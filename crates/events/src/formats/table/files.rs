//! Which files a mapping means: names and patterns, relative to the input folder.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::pattern::{first_star, fits};
use super::plan::Plan;
use crate::error::ReadError;
use crate::input::file_name;
use crate::table::Table;

/// A file of a table.
#[derive(Clone, Debug)]
pub(in crate::formats) struct Found {
    pub(in crate::formats) place: Place,
    /// The course that the file's name tells, where the mapping says that it does.
    pub(in crate::formats) course: Option<String>,
}

/// Where rows are.
#[derive(Clone, Debug)]
pub(in crate::formats) enum Place {
    /// In a file.
    File(PathBuf),
    /// In memory, made by the format out of other tables.
    Held(Arc<Table>),
    /// In a database.
    #[cfg(feature = "sql")]
    Database(Arc<crate::formats::database::LogTable>),
}

impl Found {
    /// The file at `path`, whose name tells nothing.
    pub(in crate::formats) fn file(path: &Path) -> Self {
        Self { place: Place::File(path.to_owned()), course: None }
    }

    /// The file's path, or what stands for one in messages.
    pub(super) fn path(&self) -> &Path {
        match &self.place {
            Place::File(path) => path,
            Place::Held(table) => table.path(),
            #[cfg(feature = "sql")]
            Place::Database(table) => table.path(),
        }
    }
}

/// A file of the log.
#[derive(Clone, Debug)]
pub(in crate::formats) struct LogFile {
    /// Which of the log's tables it is of.
    pub(in crate::formats) log: usize,
    pub(in crate::formats) found: Found,
}

/// What is asked for.
#[derive(Clone, Copy)]
pub(super) struct Wanted<'a> {
    pub(super) table: &'static str,
    pub(super) patterns: &'a [String],
    pub(super) course_in_file_name: bool,
    pub(super) optional: bool,
}

/// The files that the mapping means by `wanted` among `inputs`, by name: in folders as paths relative to them, among
/// single files by the last part of a pattern. A name without `.gz` or `.zst` stands for the packed file too.
pub(super) fn resolve(inputs: &[PathBuf], plan: &Plan, wanted: Wanted<'_>) -> Result<Vec<Found>, ReadError> {
    let Wanted { table, patterns, .. } = wanted;
    let mut found: Vec<(PathBuf, Option<String>)> = Vec::new();
    for pattern in patterns {
        let parts: Vec<&str> = pattern.split('/').collect();
        let usable = parts.iter().all(|part| !matches!(*part, "" | "." | ".."));
        let last = parts.last().filter(|_| usable).ok_or_else(|| {
            plan.error(format!("{table}.files: `{pattern}` is not the name of a file relative to the input folder"))
        })?;
        let mut here: Vec<PathBuf> = Vec::new();
        for input in inputs {
            if input.is_dir() {
                walk(input, &parts, &mut here)?;
            } else if matches(last, input) {
                here.push(input.clone());
            }
        }
        if here.is_empty() && !wanted.optional {
            return Err(ReadError::MissingTable {
                format: plan.format,
                table,
                where_: "the files given".to_owned(),
                what_to_do: format!("the mapping {} says it is `{pattern}`", file_name(&plan.path)),
            });
        }
        let course = |path: &Path| wanted.course_in_file_name.then(|| star_of(last, path)).flatten();
        found.extend(here.into_iter().map(|path| (course(&path), path)).map(|(course, path)| (path, course)));
    }
    found.sort();
    found.dedup_by(|one, before| one.0 == before.0);
    Ok(found.into_iter().map(|(path, course)| Found { place: Place::File(path), course }).collect())
}

/// What the first `*` of a pattern stands for in the file's name, with or without `.gz` and the like.
fn star_of(pattern: &str, path: &Path) -> Option<String> {
    let name = file_name(path);
    first_star(pattern, bare(&name)).or_else(|| first_star(pattern, &name)).map(str::to_owned)
}

fn bare(name: &str) -> &str {
    name.strip_suffix(".gz").or_else(|| name.strip_suffix(".zst")).unwrap_or(name)
}

fn walk(folder: &Path, parts: &[&str], found: &mut Vec<PathBuf>) -> Result<(), ReadError> {
    for entry in std::fs::read_dir(folder).map_err(ReadError::io(folder))? {
        let path = entry.map_err(ReadError::io(folder))?.path();
        match parts {
            [part] if path.is_file() && matches(part, &path) => found.push(path),
            [part, rest @ ..]
                if !rest.is_empty() && path.is_dir() && fits(part.as_bytes(), file_name(&path).as_bytes()) =>
            {
                walk(&path, rest, found)?;
            }
            _ => {}
        }
    }
    Ok(())
}

fn matches(pattern: &str, path: &Path) -> bool {
    let name = file_name(path);
    let hidden = name.starts_with('.') && !pattern.starts_with('.');
    !hidden && (fits(pattern.as_bytes(), name.as_bytes()) || fits(pattern.as_bytes(), bare(&name).as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn courses_in_file_names() {
        let course = |name: &str| star_of("*_step-activity.csv", Path::new(name));
        assert_eq!(course("in/algebra-1_step-activity.csv").as_deref(), Some("algebra-1"));
        assert_eq!(course("algebra-1_step-activity.csv.gz").as_deref(), Some("algebra-1"));
        assert_eq!(course("step-activity.csv"), None);
    }

    #[test]
    fn patterns() {
        let goes = |pattern: &str, name: &str| matches(pattern, Path::new(name));
        assert!(goes("log.csv", "data/log.csv"));
        assert!(goes("log.csv", "log.csv.zst"));
        assert!(goes("log_*.csv", "log_2014.csv.gz"));
        assert!(goes("log.csv.gz", "log.csv.gz"));
        assert!(goes("part-??.parquet", "part-07.parquet"));
        assert!(!goes("log.csv", "log.csv.bak"));
        assert!(!goes("log.csv", "Log.csv"));
        assert!(!goes("*.csv", ".hidden.csv"));
        assert!(!goes("log_*.csv", "log.csv"));
    }
}
