//! Which files a mapping means: names and patterns, relative to the input folder.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::checked_mapping::{CheckedMapping, Star};
use super::csv_lines::Escapes;
use super::pattern::{first_star, name_fits};
use crate::error::ReadError;
use crate::file_head::{FileHead, FileHeads};
use crate::formats::log_format::missing_table;
use crate::input::{file_name, without_packing};
use crate::table::Table;

/// A file of a table.
#[derive(Clone, Debug)]
pub(in crate::formats) struct Found {
    pub(in crate::formats) place: Place,
    /// What the first `*` of the pattern stands for in the file's name, where that has a meaning.
    pub(in crate::formats) first_star: Option<String>,
    /// How the file writes signs that have a meaning, where that is known otherwise than from the mapping.
    pub(in crate::formats) escapes: Option<Escapes>,
}

/// Where rows are.
#[derive(Clone, Debug)]
pub(in crate::formats) enum Place {
    /// In a file.
    File(Arc<FileHead>),
    /// In memory, made by the format out of other tables.
    Held(Arc<Table>),
    /// In a database.
    #[cfg(feature = "sql")]
    Database(Arc<crate::formats::database::log_table::LogTable>),
}

impl Found {
    /// Makes a place whose name tells nothing.
    pub(in crate::formats) fn elsewhere(place: Place) -> Self {
        Self { place, first_star: None, escapes: None }
    }

    /// Makes a file whose name tells nothing.
    pub(in crate::formats) fn file(head: Arc<FileHead>) -> Self {
        Self::elsewhere(Place::File(head))
    }

    /// Returns the file's path, or what stands for one in messages.
    pub(super) fn path(&self) -> &Path {
        match &self.place {
            Place::File(head) => head.path(),
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

/// The files of a table that are to be found.
#[derive(Clone, Copy)]
pub(super) struct Wanted<'a> {
    pub(super) table: &'static str,
    pub(super) patterns: &'a [String],
    pub(super) star: Star,
    pub(super) optional: bool,
}

/// Finds the files that the mapping means by `wanted` among `inputs`, by name: in folders as paths relative to them,
/// among single files by the last part of a pattern. A name without `.gz` or `.zst` stands for the packed file too, and
/// letters match in either case.
pub(super) fn find(
    inputs: &[PathBuf],
    heads: &FileHeads,
    mapping: &CheckedMapping,
    wanted: Wanted<'_>,
) -> Result<Vec<Found>, ReadError> {
    let Wanted { table, patterns, .. } = wanted;
    let mut found: Vec<(PathBuf, Option<String>)> = Vec::new();
    for pattern in patterns {
        let parts: Vec<&str> = pattern.split('/').collect();
        let usable = parts.iter().all(|part| !matches!(*part, "" | "." | ".."));
        let last = parts.last().filter(|_| usable).ok_or_else(|| {
            mapping.error(format!("{table}.files: `{pattern}` is not the name of a file relative to the input folder"))
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
            let what_to_do = format!("the mapping {} says it is `{pattern}`", file_name(&mapping.path));
            return Err(missing_table(mapping.format, table, what_to_do));
        }
        let star = |path: &Path| (wanted.star != Star::AnySigns).then(|| star_in_name(last, path)).flatten();
        found.extend(here.into_iter().map(|path| (star(&path), path)).map(|(star, path)| (path, star)));
    }
    found.sort();
    found.dedup_by(|one, before| one.0 == before.0);
    let with_head =
        |(path, first_star): (PathBuf, Option<String>)| Ok(Found { first_star, ..Found::file(heads.get(&path)?) });
    found.into_iter().map(with_head).collect()
}

/// Returns the part of the file's name that the first `*` of a pattern stands for, with or without `.gz` and the like.
fn star_in_name(pattern: &str, path: &Path) -> Option<String> {
    let name = file_name(path);
    first_star(pattern, without_packing(&name)).or_else(|| first_star(pattern, &name)).map(str::to_owned)
}

fn walk(folder: &Path, parts: &[&str], found: &mut Vec<PathBuf>) -> Result<(), ReadError> {
    for entry in std::fs::read_dir(folder).map_err(ReadError::io(folder))? {
        let path = entry.map_err(ReadError::io(folder))?.path();
        match parts {
            [part] if path.is_file() && matches(part, &path) => found.push(path),
            [part, rest @ ..] if !rest.is_empty() && path.is_dir() && name_fits(part, &file_name(&path)) => {
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
    !hidden && (name_fits(pattern, &name) || name_fits(pattern, without_packing(&name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn courses_in_file_names() {
        let course = |name: &str| star_in_name("*_step-activity.csv", Path::new(name));
        assert_eq!(course("in/algebra-1_step-activity.csv").as_deref(), Some("algebra-1"));
        assert_eq!(course("algebra-1_step-activity.csv.gz").as_deref(), Some("algebra-1"));
        assert_eq!(course("step-activity.csv"), None);
    }

    #[test]
    fn an_ending_in_capitals_is_the_same_ending() {
        for name in ["log.CSV", "LOG.CSV", "Log.csv.GZ", "log.csv.ZST"] {
            assert!(matches("log.csv", Path::new(name)) && matches("*.csv", Path::new(name)), "{name}");
        }
        assert_eq!(
            star_in_name("*_step-activity.csv", Path::new("Algebra-1_Step-Activity.CSV")).as_deref(),
            Some("Algebra-1")
        );
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
        assert!(!goes("*.csv", ".hidden.csv"));
        assert!(!goes("log_*.csv", "log.csv"));
    }
}
