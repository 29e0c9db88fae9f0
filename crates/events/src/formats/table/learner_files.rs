//! Names for files whose own names tell learners: by the pattern that they fit and their place, and so that nobody
//! is named.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use rustc_hash::FxHashMap;

use super::checked_mapping::{CheckedMapping, Star, TablePattern};
use super::files::is_meant;
use crate::cells::shape;
use crate::input::file_name;
use crate::offered::{OfferedFile, Origin};

/// Returns what the files `offered` are called, by where they are, when the log's files are named after learners: `u*.csv (file
/// 3 of 40)`, counted in the order of their paths. `None` when no name tells a learner.
///
/// A file that no table is may be named after a learner too, and goes by the shape of its name. Those of other tables, and
/// those `given` by options, keep their names.
pub(super) fn names(
    mapping: &CheckedMapping,
    offered: &[OfferedFile],
    given: &[&Path],
) -> Option<FxHashMap<PathBuf, PathBuf>> {
    let tells_learners = |files: &&TablePattern| files.star == Star::Learner;
    let of_logs = || mapping.logs.iter().map(|log| &log.files);
    of_logs().find(tells_learners)?;
    let small = [
        mapping.enrolments.as_ref().map(|table| &table.files),
        mapping.courses.as_ref().map(|table| &table.files),
        mapping.labels.as_ref().map(|table| &table.files),
    ];
    let others: Vec<&TablePattern> =
        of_logs().filter(|files| !tells_learners(files)).chain(small.into_iter().flatten()).collect();
    // Links are followed where names are equal alone: files may be very many.
    let is_same = |one: &Path, other: &Path| {
        one == other || one.file_name() == other.file_name() && without_links(one) == without_links(other)
    };
    let is_given = |file: &&OfferedFile| given.iter().any(|path| is_same(path, &file.path));
    let mut renamed: BTreeMap<&Path, (PathBuf, String)> = BTreeMap::new();
    for file in offered.iter().filter(|file| !is_given(file)) {
        let is_one_of = |files: &TablePattern| files.patterns.iter().find(|pattern| is_meant(pattern, file)).cloned();
        let name = match of_logs().filter(tells_learners).find_map(is_one_of) {
            Some(pattern) if file.origin == Origin::Named => pattern.rsplit('/').next().unwrap_or_default().to_owned(),
            Some(pattern) => pattern,
            None if others.iter().any(|files| is_one_of(files).is_some()) => continue,
            None => shape(file_name(&file.path).as_bytes()),
        };
        renamed.insert(&file.path, (folder_given(file), name));
    }
    let all = renamed.len();
    let numbered = |((location, (folder, name)), place): ((&Path, (PathBuf, String)), usize)| {
        (location.to_owned(), folder.join(format!("{name} (file {place} of {all})")))
    };
    Some(renamed.into_iter().zip(1..).map(numbered).collect())
}

fn without_links(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}

/// Returns the folder that was given, and in which, or below which, the file is.
fn folder_given(file: &OfferedFile) -> PathBuf {
    let below = Path::new(&file.name).iter().count();
    file.path.ancestors().nth(below).unwrap_or_else(|| Path::new("")).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::offered::Offer;

    const MAPPING: &str = "single_course = \"C\"\n[courses]\nfiles = [\"courses.csv\"]\n\
        columns = { course = \"c\", start = { column = \"s\", format = \"date\" }, days = \"d\" }\n\
        [log]\nfiles = [\"logs/u*.csv\"]\nlearner_in_file_name = true\n\
        columns.time = { column = \"at\", format = \"iso\" }\n";

    #[test]
    fn a_learner_s_file_goes_by_its_pattern_and_place() {
        let folder = tempfile::tempdir().unwrap();
        let top = folder.path();
        std::fs::create_dir(top.join("logs")).unwrap();
        for name in ["logs/ubob.csv.gz", "logs/uann.csv", "logs/ann.txt", "courses.csv", "labels.csv"] {
            std::fs::write(top.join(name), name).unwrap();
        }
        std::fs::write(top.join("mapping.toml"), MAPPING).unwrap();
        let mapping = CheckedMapping::read(&top.join("mapping.toml"), 1).unwrap();
        let offer = Offer::of(&[top.to_owned()]).unwrap();
        let given = [top.join("mapping.toml"), top.join("labels.csv")];
        let given: Vec<&Path> = given.iter().map(PathBuf::as_path).collect();
        let names = names(&mapping, &offer.files, &given).unwrap();
        let name =
            |location: &str| names.get(&top.join(location)).map(|name| name.strip_prefix(top).unwrap().to_owned());
        assert_eq!(name("logs/ann.txt"), Some("aaa.aaa (file 1 of 3)".into()));
        assert_eq!(name("logs/uann.csv"), Some("logs/u*.csv (file 2 of 3)".into()));
        assert_eq!(name("logs/ubob.csv.gz"), Some("logs/u*.csv (file 3 of 3)".into()));
        assert_eq!(names.len(), 3);
    }

    #[test]
    fn names_stay_where_they_tell_no_learner() {
        let text = MAPPING.replace("learner_in_file_name = true", "columns.learner = \"who\"");
        let mapping = CheckedMapping::built_in("x", &text, 1).unwrap();
        let file = OfferedFile { path: "in/uann.csv".into(), name: "uann.csv".into(), origin: Origin::Named };
        assert_eq!(names(&mapping, &[file], &[]), None);
    }
}
