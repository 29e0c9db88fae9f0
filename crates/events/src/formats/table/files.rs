//! Which files a mapping means: names and patterns, relative to the input folder.

use std::path::Path;
use std::sync::Arc;

use super::checked_mapping::{CheckedMapping, Star};
use super::csv_cells::Escapes;
use super::pattern::{first_star, name_fits};
use crate::error::ReadError;
use crate::file_head::{FileHead, FileHeads};
use crate::formats::copies::without_blanks_and_copies;
use crate::formats::log_format::missing_table;
use crate::input::{file_name, without_packing};
use crate::offered::{OfferedFile, Origin, original_name};
use crate::table::Table;

/// Holds a file of a table.
#[derive(Clone, Debug)]
pub(in crate::formats) struct Found {
    pub(in crate::formats) place: Place,
    /// What the first `*` of the pattern stands for in the file's name, where that has a meaning.
    pub(in crate::formats) first_star: Option<String>,
    /// How the file writes signs that have a meaning, where that is known otherwise than from the mapping.
    pub(in crate::formats) escapes: Option<Escapes>,
}

/// Says where rows are.
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

    /// Returns the file's head, where it is a file.
    pub(super) const fn head(&self) -> Option<&Arc<FileHead>> {
        match &self.place {
            Place::File(head) => Some(head),
            _ => None,
        }
    }

    fn is_blank(&self) -> bool {
        self.head().is_some_and(|head| head.is_blank())
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

/// Holds a file of the log.
#[derive(Clone, Debug)]
pub(in crate::formats) struct LogFile {
    /// Which of the log's tables it is of.
    pub(in crate::formats) log: usize,
    pub(in crate::formats) found: Found,
}

/// Describes the files of a table that are to be found.
#[derive(Clone, Copy)]
pub(super) struct Wanted<'a> {
    pub(super) table: &'static str,
    pub(super) patterns: &'a [String],
    pub(super) star: Star,
    pub(super) optional: bool,
}

/// Finds the files that the mapping means by `wanted` among those offered, by name. A pattern without a slash fits files in
/// any subfolder, one with slashes those at that place in the folder offered; of files given by themselves only the last
/// part counts. A name without `.gz` or `.zst` stands for the packed file too, and so does one for another download of the
/// file that is not there itself (`log (1).csv`). Letters match in either case.
///
/// Empty files and identical copies are left out, unless that leaves nothing.
pub(super) fn find(
    offered: &[OfferedFile],
    heads: &FileHeads,
    mapping: &CheckedMapping,
    wanted: Wanted<'_>,
) -> Result<Vec<Found>, ReadError> {
    let Wanted { table, patterns, .. } = wanted;
    let mut found: Vec<(&Path, Option<String>)> = Vec::new();
    for pattern in patterns {
        let parts: Vec<&str> = pattern.split('/').collect();
        let usable = parts.iter().all(|part| !matches!(*part, "" | "." | ".."));
        let last = parts.last().filter(|_| usable).ok_or_else(|| {
            mapping.error(format!("{table}.files: `{pattern}` is not the name of a file relative to the input folder"))
        })?;
        let here: Vec<&Path> =
            offered.iter().filter(|file| fits(&parts, file)).map(|file| file.path.as_path()).collect();
        if here.is_empty() && !wanted.optional {
            let what_to_do = match mapping.is_built_in() {
                true => format!("its name fits `{pattern}`"),
                false => format!("the mapping {} says it is `{pattern}`", file_name(&mapping.path)),
            };
            return Err(missing_table(mapping.format, table, what_to_do));
        }
        let star = |path: &Path| (wanted.star != Star::AnySigns).then(|| star_in_name(last, path)).flatten();
        found.extend(here.into_iter().map(|path| (path, star(path))));
    }
    found.sort();
    found.dedup_by(|one, before| one.0 == before.0);
    let with_head =
        |(path, first_star): (&Path, Option<String>)| Ok(Found { first_star, ..Found::file(heads.get(path)?) });
    let found = found.into_iter().map(with_head).collect::<Result<Vec<_>, _>>()?;
    let all_are_blank = found.iter().all(Found::is_blank);
    if wanted.optional && all_are_blank {
        return Ok(Vec::new());
    }
    // A learner without a row is none; of a course, that is said.
    let found = match wanted.star {
        Star::Learner if !all_are_blank => found.into_iter().filter(|found| !found.is_blank()).collect(),
        _ => found,
    };
    // What a file's name tells makes its rows others.
    let file = |found: &Found| (found.head().cloned(), found.first_star.clone());
    without_blanks_and_copies(found, file)
}

/// Tells whether a file offered is one that `pattern` means.
pub(super) fn is_meant(pattern: &str, file: &OfferedFile) -> bool {
    fits(&pattern.split('/').collect::<Vec<_>>(), file)
}

/// Tells whether a file offered is one that the pattern of these parts means.
fn fits(parts: &[&str], file: &OfferedFile) -> bool {
    let folders: Vec<String> = Path::new(&file.name)
        .parent()
        .map(|folder| folder.iter().map(|part| part.to_string_lossy().into_owned()).collect())
        .unwrap_or_default();
    let Some((last, before)) = parts.split_last() else { return false };
    let in_place = before.is_empty()
        || file.origin == Origin::Named
        || (before.len() == folders.len() && before.iter().zip(&folders).all(|(part, folder)| name_fits(part, folder)));
    in_place && matches(last, &file.path)
}

/// Returns the part of the file's name that the first `*` of a pattern stands for, with or without `.gz` and the like.
fn star_in_name(pattern: &str, path: &Path) -> Option<String> {
    let name = original_name(path).unwrap_or_else(|| file_name(path));
    first_star(pattern, without_packing(&name)).or_else(|| first_star(pattern, &name)).map(str::to_owned)
}

fn matches(pattern: &str, path: &Path) -> bool {
    let name = file_name(path);
    let fits = |name: &str| name_fits(pattern, name) || name_fits(pattern, without_packing(name));
    fits(&name) || original_name(path).is_some_and(|original| fits(&original))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn courses_in_file_names() {
        let course = |name: &str| star_in_name("*_step-activity.csv", Path::new(name));
        assert_eq!(course("in/algebra-1_step-activity.csv").as_deref(), Some("algebra-1"));
        assert_eq!(course("algebra-1_step-activity.csv.gz").as_deref(), Some("algebra-1"));
        assert_eq!(course("algebra-1_step-activity (2).csv").as_deref(), Some("algebra-1"));
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
        assert!(!goes("log_*.csv", "log.csv"));
    }
}
