//! The files that are offered to be read: those named, those that patterns match, and those in folders and their
//! subfolders. Each is read, or left out with a reason.

use std::io;
use std::path::{Path, PathBuf};

use rustc_hash::FxHashSet;

use crate::cells::shape;
use crate::error::ReadError;
use crate::input::{file_name, without_packing};
use crate::seen_file::Special;

/// Says how a file came to be offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// By its own name: that it is not read is an error.
    Named,
    /// By a pattern, or in a folder.
    Found,
}

/// Holds a file that is offered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OfferedFile {
    /// Where it is.
    pub(crate) path: PathBuf,
    /// How it is called in messages: its path from the folder that was given on, or its name.
    pub(crate) name: String,
    pub(crate) origin: Origin,
}

/// Describes a file that is offered and not read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftOutFile {
    /// How it is called: its path from the folder that was given on, or its name.
    pub file: String,
    /// Completes a sentence that begins with its name: "is empty".
    pub why: String,
}

/// Says how the text of a file that is read is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextLayout {
    /// Where the file is.
    pub path: std::path::PathBuf,
    /// `none`, `gzip` or `zstd`.
    pub compression: &'static str,
    /// `UTF-8`, with or without a byte-order mark.
    pub encoding: &'static str,
    /// What separates the cells of a CSV: `comma`, `semicolon`, `tab`, `bar`; `None` in JSON.
    pub separator: Option<&'static str>,
}

/// Says what there is to be said of the files that were offered, besides those read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileReport {
    /// Those not read, in the order in which they were offered.
    pub left_out: Vec<LeftOutFile>,
    /// Sentences about files that are read.
    pub notes: Vec<String>,
    /// How the files that are read are written, those of text.
    pub layouts: Vec<TextLayout>,
}

impl FileReport {
    /// Adds what is to be said of other files.
    pub(crate) fn append(&mut self, other: Self) {
        self.left_out.extend(other.left_out);
        self.notes.extend(other.notes);
        self.layouts.extend(other.layouts);
    }
}

/// Holds a file that is not even offered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NotOffered {
    /// Its path from the folder that was given on, or its name.
    name: String,
    why: WhyNotOffered,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum WhyNotOffered {
    /// It looks like another download or copy of the file of this name.
    CopyOf(String),
    /// Completes a sentence that begins with its name.
    Other(String),
}

impl NotOffered {
    /// Describes the file by its name.
    pub(crate) fn by_name(&self) -> LeftOutFile {
        self.described(self.name.clone(), |original| original)
    }

    /// Describes the file where its name may be a learner's: by its shape.
    pub(crate) fn by_shape(&self) -> LeftOutFile {
        let name = self.name.rsplit('/').next().unwrap_or_default();
        self.described(shape(name.as_bytes()), |_| "another file")
    }

    fn described(&self, file: String, original: impl Fn(&str) -> &str) -> LeftOutFile {
        let why = match &self.why {
            WhyNotOffered::CopyOf(name) => format!(
                "looks like another download or copy of {}; if it holds other rows, give it another name",
                original(name)
            ),
            WhyNotOffered::Other(why) => why.clone(),
        };
        LeftOutFile { file, why }
    }
}

/// Holds the files offered.
#[derive(Clone, Debug, Default)]
pub(crate) struct Offer {
    pub(crate) files: Vec<OfferedFile>,
    pub(crate) left_out: Vec<NotOffered>,
}

impl Offer {
    /// Lists the files among `inputs`: files, those that match patterns, and those in folders and their subfolders by name.
    ///
    /// # Errors
    /// When an input does not exist, nothing matches a pattern, or a folder can't be listed.
    pub(crate) fn of(inputs: &[PathBuf]) -> Result<Self, ReadError> {
        let mut walk = Walk::default();
        for input in inputs {
            match matches_of(input)? {
                None if input.is_dir() => walk.folder(input, input)?,
                None if input.exists() => walk.file(input.clone(), file_name(input), Origin::Named),
                None => return Err(ReadError::NotFound { path: input.clone() }),
                Some(found) => {
                    for path in found {
                        let name = file_name(&path);
                        match path.is_dir() {
                            true => walk.folder(&path, &path)?,
                            false => walk.found(path, name),
                        }
                    }
                }
            }
        }
        let mut offer = walk.offer;
        offer.leave_out_second_downloads();
        Ok(offer)
    }

    /// Leaves out files that a browser or a file manager wrote beside one of the same name, as `log (1).csv`. Where there
    /// is none of that name, `log (2).csv` is no copy of `log (1).csv` unless both hold the same.
    fn leave_out_second_downloads(&mut self) {
        let key = |path: &Path, name: &str| path.with_file_name(without_packing(name));
        let found = self.files.iter().filter(|file| file.origin == Origin::Found);
        let firsts: FxHashSet<PathBuf> = found
            .filter(|file| original_name(&file.path).is_none())
            .map(|file| key(&file.path, &file_name(&file.path)))
            .collect();
        let left_out = &mut self.left_out;
        self.files.retain(|file| {
            let original = original_name(&file.path).filter(|_| file.origin == Origin::Found);
            let first = original.filter(|first| firsts.contains(&key(&file.path, first)));
            let kept = first.is_none();
            if let Some(first) = first {
                left_out.push(NotOffered { name: file.name.clone(), why: WhyNotOffered::CopyOf(first) });
            }
            kept
        });
    }
}

/// Returns the name of the file of which one with this name is another download or copy: `log.csv` of `log (1).csv`.
pub(crate) fn original_name(path: &Path) -> Option<String> {
    let name = file_name(path);
    let ends = name.match_indices('.').map(|(dot, _)| dot).chain([name.len()]);
    ends.filter_map(|end| {
        let (stem, ending) = name.split_at(end);
        let original = without_copy_mark(stem)?;
        (!original.is_empty()).then(|| format!("{original}{ending}"))
    })
    .next()
}

/// Returns a name without the mark that a browser or a file manager puts behind that of a second file.
fn without_copy_mark(stem: &str) -> Option<&str> {
    if let Some(original) = stem.strip_suffix(" - Copy").or_else(|| stem.strip_suffix(" copy")) {
        return Some(original);
    }
    if let Some((original, number)) = stem.rsplit_once(" copy ") {
        return number.parse::<u32>().ok().map(|_| original);
    }
    let (original, number) = stem.strip_suffix(')')?.rsplit_once('(')?;
    number.parse().ok().filter(|number: &u32| (1..1000).contains(number))?;
    let original = original.strip_suffix(' ').unwrap_or(original);
    Some(original.strip_suffix(" - Copy").unwrap_or(original))
}

/// Returns the files that match a pattern (`*`, `?`, `[…]`), by name; `None` for what is no pattern. Letters match in either
/// case. An input that exists by its very name is no pattern.
fn matches_of(input: &Path) -> Result<Option<Vec<PathBuf>>, ReadError> {
    let matching = glob::MatchOptions { case_sensitive: false, ..glob::MatchOptions::default() };
    let Some(pattern) = input.to_str().filter(|text| text.contains(['*', '?', '[']) && !input.exists()) else {
        return Ok(None);
    };
    let bad = |error: glob::PatternError| ReadError::Pattern { path: input.to_owned(), what: error.to_string() };
    let found: Vec<PathBuf> = glob::glob_with(pattern, matching)
        .map_err(bad)?
        .map(|path| path.map_err(|error| ReadError::io(error.path().to_owned())(error.into())))
        .collect::<Result<_, _>>()?;
    match found.is_empty() {
        true => Err(ReadError::NotFound { path: input.to_owned() }),
        false => Ok(Some(found)),
    }
}

/// Returns the files and folders that `input` names: itself, or what it matches where it is a pattern.
#[must_use]
pub fn paths_of(input: &Path) -> Vec<PathBuf> {
    matches_of(input).ok().flatten().unwrap_or_else(|| vec![input.to_owned()])
}

#[derive(Default)]
struct Walk {
    offer: Offer,
    /// Files and folders that were met, by their path without links.
    met: FxHashSet<PathBuf>,
}

impl Walk {
    /// Adds the files in `folder` and its subfolders; `top` is the one that was given. What has a name that begins with a
    /// dot is not offered, as a shell's `*` does not, and neither are folders that Staycast wrote.
    fn folder(&mut self, top: &Path, folder: &Path) -> Result<(), ReadError> {
        if !self.is_new(folder) {
            return Ok(());
        }
        let entries = std::fs::read_dir(folder).map_err(ReadError::io(folder))?;
        let paths = entries.map(|entry| entry.map(|entry| entry.path())).collect::<io::Result<Vec<_>>>();
        let mut paths = paths.map_err(ReadError::io(folder))?;
        paths.sort();
        for path in paths {
            if file_name(&path).starts_with('.') {
                continue;
            }
            let name = path.strip_prefix(top).unwrap_or(&path).display().to_string();
            match path.is_dir() {
                true if is_of_staycast(&path) => {}
                true => self.folder(top, &path)?,
                false => self.found(path, name),
            }
        }
        Ok(())
    }

    /// Adds what a pattern or a folder gave, if it is a file. A pipe may keep whoever opens it waiting for ever.
    fn found(&mut self, path: PathBuf, name: String) {
        match std::fs::metadata(&path) {
            Ok(of) if of.is_file() => self.file(path, name, Origin::Found),
            Ok(of) => match Special::of(of.file_type()) {
                Special::Pipe => self.leave_out(name, "is a pipe; it is read where it is given by its own name"),
                special => self.leave_out(name, special.what()),
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                self.leave_out(name, "is a link to a file that is not there");
            }
            Err(error) => self.leave_out(name, &format!("can't be looked at: {error}")),
        }
    }

    fn file(&mut self, path: PathBuf, name: String, origin: Origin) {
        match self.is_new(&path) {
            true => self.offer.files.push(OfferedFile { path, name, origin }),
            false => self.leave_out(name, "is given twice; read once"),
        }
    }

    fn leave_out(&mut self, name: String, why: &str) {
        self.offer.left_out.push(NotOffered { name, why: WhyNotOffered::Other(why.to_owned()) });
    }

    fn is_new(&mut self, path: &Path) -> bool {
        self.met.insert(path.canonicalize().unwrap_or_else(|_| path.to_owned()))
    }
}

/// Tells whether a folder is one of sequences or of a run, which are no logs.
fn is_of_staycast(folder: &Path) -> bool {
    let manifest = Some(folder.join("manifest.json")).filter(|manifest| manifest.is_file());
    let manifest = manifest.and_then(|manifest| std::fs::read(manifest).ok()).unwrap_or_default();
    memchr::memmem::find(&manifest, b"\"staycast-sequences\"").is_some()
        || memchr::memmem::find(&manifest, b"\"staycast-run\"").is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(offer: &Offer) -> Vec<&str> {
        offer.files.iter().map(|file| file.name.as_str()).collect()
    }

    fn left_out(offer: &Offer) -> Vec<String> {
        let described = offer.left_out.iter().map(NotOffered::by_name);
        described.map(|LeftOutFile { file, why }| format!("{file} {why}")).collect()
    }

    fn folder_of(names: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for name in names {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, name).unwrap();
        }
        folder
    }

    #[test]
    fn files_in_subfolders_are_offered_and_hidden_ones_are_not() {
        let folder = folder_of(&["b/2.log", "a.log", "b/c/1.log", ".hidden", "b/.git/config", "run/model.json"]);
        std::fs::write(folder.path().join("run/manifest.json"), "{\"kind\": \"staycast-run\"}").unwrap();
        let offer = Offer::of(&[folder.path().to_owned()]).unwrap();
        assert_eq!(names(&offer), ["a.log", "b/2.log", "b/c/1.log"]);
        assert!(left_out(&offer).is_empty());
    }

    #[test]
    fn a_file_given_twice_is_offered_once() {
        let folder = folder_of(&["a.log"]);
        let offer = Offer::of(&[folder.path().to_owned(), folder.path().join("a.log")]).unwrap();
        assert_eq!(
            (names(&offer), left_out(&offer)),
            (vec!["a.log"], vec!["a.log is given twice; read once".to_owned()])
        );
    }

    #[cfg(unix)]
    #[test]
    fn pipes_in_a_folder_are_left_out_and_not_opened() {
        let folder = folder_of(&["a.log", "run/1.log"]);
        for pipe in ["pipe.log", "run/manifest.json"] {
            assert!(std::process::Command::new("mkfifo").arg(folder.path().join(pipe)).status().unwrap().success());
        }
        let pattern = folder.path().join("*.log");
        for input in [folder.path().to_owned(), pattern] {
            let offer = Offer::of(&[input]).unwrap();
            assert_eq!(offer.files[0].name, "a.log");
            assert_eq!(left_out(&offer)[0], "pipe.log is a pipe; it is read where it is given by its own name");
        }
    }

    #[cfg(unix)]
    #[test]
    fn links_in_a_circle_end() {
        let folder = folder_of(&["a/1.log"]);
        std::os::unix::fs::symlink(folder.path(), folder.path().join("a/up")).unwrap();
        std::os::unix::fs::symlink("nowhere", folder.path().join("lost")).unwrap();
        let offer = Offer::of(&[folder.path().to_owned()]).unwrap();
        assert_eq!(names(&offer), ["a/1.log"]);
        assert_eq!(left_out(&offer), ["lost is a link to a file that is not there"]);
    }

    #[test]
    fn second_downloads_are_left_out_beside_the_first_alone() {
        let folder = folder_of(&["log.csv", "log (1).csv", "x (1).csv", "x (2).csv", "only (3).csv.gz", "y copy.csv"]);
        let offer = Offer::of(&[folder.path().to_owned()]).unwrap();
        assert_eq!(names(&offer), ["log.csv", "only (3).csv.gz", "x (1).csv", "x (2).csv", "y copy.csv"]);
        let out: Vec<String> = left_out(&offer).iter().map(|line| line[..10].to_owned()).collect();
        assert_eq!(out, ["log (1).cs"]);
        let named = [folder.path().join("log.csv"), folder.path().join("log (1).csv")];
        assert_eq!(Offer::of(&named).unwrap().files.len(), 2, "the user knows which files are meant");
    }

    #[test]
    fn names_of_copies() {
        let original = |name: &str| original_name(Path::new(name));
        let some = |name: &str| Some(name.to_owned());
        assert_eq!(original("a-1_steps (1).csv"), some("a-1_steps.csv"));
        assert_eq!(original("log(2).csv.gz"), some("log.csv.gz"));
        assert_eq!(original("v1.2 (1).csv"), some("v1.2.csv"));
        assert_eq!(original("log - Copy (2).csv"), some("log.csv"));
        assert_eq!(original("log copy 2.csv"), some("log.csv"));
        assert_eq!(original("log - Copy"), some("log"));
        for name in ["log.csv", "log (2023).csv", "(1).csv", "copy.csv", "log (1) b.csv", "history.csv"] {
            assert_eq!(original(name), None, "{name}");
        }
    }
}
