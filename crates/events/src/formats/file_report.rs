//! The report of the files offered: those that are not read, with the reason, and oddities of those that are.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};

use super::copies::Likeness;
use super::log_format::{DetectedFile, FileRole};
use crate::content::NotText;
use crate::error::ReadError;
use crate::file_head::{FileHead, FileHeads};
use crate::input;
use crate::offered::{FileReport, LeftOutFile, NotOffered, Offer, OfferedFile, Origin, original_name};

/// Bounds the files that can't be read which an error names.
const MOST_NAMED: usize = 4;

/// Holds the files offered, and what is known of them.
pub(super) struct Offered<'a> {
    offer: &'a Offer,
    heads: &'a FileHeads,
    /// Their roles, where the format tells them from heads.
    roles: FxHashMap<&'a Path, FileRole>,
    /// Files given by options, by path as given and without links: they are used, whatever the format makes of them.
    given: Vec<PathBuf>,
}

/// Holds the files that are read of which others may be copies.
struct ReadFiles {
    likeness: Likeness,
    by_hash: FxHashMap<blake3::Hash, Arc<FileHead>>,
}

impl ReadFiles {
    /// Takes the files that are `read`, and the `others`.
    fn new(read: &[Arc<FileHead>], others: &[Arc<FileHead>]) -> Self {
        let mut likeness = Likeness::default();
        read.iter().chain(others).for_each(|head| likeness.add(head));
        let mut by_hash = FxHashMap::default();
        for head in read.iter().filter(|head| likeness.may_be_copy(head)) {
            if let Ok(hash) = head.unpacked_hash() {
                by_hash.entry(hash).or_insert_with(|| Arc::clone(head));
            }
        }
        Self { likeness, by_hash }
    }

    /// Returns the file that one of the others is a copy of.
    fn original(&self, head: &FileHead) -> Option<&FileHead> {
        let hash = Some(head).filter(|head| self.likeness.may_be_copy(head))?.unpacked_hash().ok()?;
        self.by_hash.get(&hash).map(Arc::as_ref)
    }
}

impl<'a> Offered<'a> {
    /// Takes the files of `offer`, with the roles that the format tells from heads, and those `given` by options.
    pub(super) fn new(offer: &'a Offer, heads: &'a FileHeads, roles: &'a [DetectedFile], given: &[&Path]) -> Self {
        Self {
            offer,
            heads,
            roles: roles.iter().map(|file| (file.head.file().location(), file.role)).collect(),
            given: given.iter().flat_map(|path| [path.to_path_buf(), without_links(path)]).collect(),
        }
    }

    /// Fails when a file that was named can't be read in the format, as far as its head tells.
    ///
    /// # Errors
    /// When there is such a file.
    pub(super) fn require_roles(&self) -> Result<(), ReadError> {
        let mut refused = Vec::new();
        for file in self.offer.files.iter().filter(|file| file.origin == Origin::Named && !self.is_given(&file.path)) {
            let role = self.role(&file.path).filter(|role| role.name.is_none());
            if let Some(role) = role
                && let Ok(head) = self.heads.get(&file.path)
                && !head.is_blank()
            {
                refused.push((file, not_text(&head).unwrap_or_else(|| role.because.to_owned())));
            }
        }
        self.not_read(refused)
    }

    /// Adds to the error for a missing table which files are there that are empty or can't be read: it may be one of them. That
    /// a file is no text which was given by its own name is an error of who gave it.
    pub(super) fn explain(&self, error: ReadError) -> ReadError {
        let (format, table, where_, what_to_do) = match error {
            ReadError::MissingTable { format, table, where_, what_to_do } => (format, table, where_, what_to_do),
            ReadError::NotText { ref path, .. } if self.is_named(path) => return error.of_named_file(),
            other => return other,
        };
        let no_table = self.offer.files.iter().filter_map(|file| {
            let head = self.heads.known(&file.path)?;
            let why = if head.is_blank() { blank(&head).to_owned() } else { not_text(&head)? };
            Some(format!("{} {why}", self.name(file)))
        });
        let no_table: Vec<String> = no_table.take(MOST_NAMED).collect();
        let where_ = if no_table.is_empty() { where_ } else { format!("{where_} (of which {})", no_table.join(", ")) };
        ReadError::MissingTable { format, table, where_, what_to_do }
    }

    /// Reports which of the files are not among those `read`.
    ///
    /// # Errors
    /// When one of them was named, and is neither empty nor a copy.
    pub(super) fn report(&self, read: &[&Path]) -> Result<FileReport, ReadError> {
        let known: FxHashSet<&Path> = read.iter().copied().collect();
        let is_read = |file: &OfferedFile| known.contains(self.heads.name_of(&file.path));
        let is_other = |file: &&OfferedFile| !is_read(file) && !self.is_given(&file.path);
        let others = self.offer.files.iter().filter(is_other).filter_map(|file| self.heads.get(&file.path).ok());
        let own = self.offer.files.iter().filter(|file| is_read(file));
        let heads = own.filter_map(|file| self.heads.known(&file.path));
        let files = ReadFiles::new(&heads.collect::<Vec<_>>(), &others.collect::<Vec<_>>());
        let mut report = FileReport { left_out: self.not_offered(), ..FileReport::default() };
        let mut refused = Vec::new();
        for file in &self.offer.files {
            if is_read(file) {
                report.notes.extend(self.hole(file));
                report.notes.extend(self.other_encoding(file));
                let head = self.heads.known(&file.path).filter(|head| head.not_text().is_none());
                report.layouts.extend(head.map(|head| head.layout()));
                report.notes.extend(self.second_download(file, &known));
            } else if !self.is_given(&file.path) {
                let (why, is_harmless) = self.why_left_out(file, &files);
                if file.origin == Origin::Named && !is_harmless {
                    refused.push((file, why.clone()));
                }
                report.left_out.push(LeftOutFile { file: self.name(file), why });
            }
        }
        self.not_read(refused)?;
        Ok(report)
    }

    /// Describes the files that were not even offered.
    fn not_offered(&self) -> Vec<LeftOutFile> {
        let describe = match self.heads.have_names_of_learners() {
            true => NotOffered::by_shape,
            false => NotOffered::by_name,
        };
        self.offer.left_out.iter().map(describe).collect()
    }

    /// Returns what a file is called in messages.
    fn name(&self, file: &OfferedFile) -> String {
        match self.heads.name_of(&file.path) {
            name if name == file.path => file.name.clone(),
            name => input::file_name(name),
        }
    }

    /// Says of a file that is read that it is another download of one that is not there.
    fn second_download(&self, file: &OfferedFile, read: &FxHashSet<&Path>) -> Option<String> {
        let original = original_name(&file.path)?;
        let is_there = read.contains(self.heads.name_of(&file.path.with_file_name(&original)));
        let original = if self.heads.have_names_of_learners() { "the first of its name" } else { &original };
        (!is_there).then(|| format!("{} is read in place of {original}, which is not there", self.name(file)))
    }

    /// Says of a file that is read that it begins with a hole.
    fn hole(&self, file: &OfferedFile) -> Option<String> {
        let head = self.heads.known(&file.path)?;
        let hole = Some(head.hole_bytes()).filter(|&bytes| bytes > 0)?;
        Some(format!(
            "{} begins with {hole} zero bytes, which are skipped: a log begins so that is cut while it is written",
            self.name(file)
        ))
    }

    /// Says of a file that is read that it is not in UTF-8.
    fn other_encoding(&self, file: &OfferedFile) -> Option<String> {
        let head = self.heads.known(&file.path).filter(|head| head.is_other_encoding())?;
        let own = self.name(file);
        let name = if self.heads.have_names_of_learners() { "FILE" } else { input::without_packing(&own) };
        let unpacked = if head.packing() == input::Packing::Plain { "" } else { ", unpacked," };
        Some(format!(
            "{own} is not in UTF-8, and rows with such signs are rejected: convert it{unpacked} by iconv -f WINDOWS-1252 -t UTF-8 \
             {name} > NEW_FILE"
        ))
    }

    /// Tells why a file is not read, and whether nothing is lost by it.
    fn why_left_out(&self, file: &OfferedFile, read: &ReadFiles) -> (String, bool) {
        let head = match self.heads.get(&file.path) {
            Ok(head) => head,
            Err(error) => {
                let name = self.heads.name_of(&file.path).display();
                let why = error.to_string().replace(&format!("{name}: "), "");
                return (format!("can't be read: {why}"), false);
            }
        };
        if head.is_blank() {
            return (blank(&head).to_owned(), true);
        }
        if let Some(copy) = self.copied(&head, read) {
            return (format!("is an identical copy of {copy}, which is read"), true);
        }
        let why = match (not_text(&head), self.role(&file.path)) {
            (Some(why), _) if self.role(&file.path).is_none_or(|role| role.name.is_none()) => why,
            (_, Some(FileRole { name: None, because, .. })) => because.to_owned(),
            (_, Some(FileRole { name: Some(role), .. })) => {
                format!("is not needed: another file is the table of {role}")
            }
            (_, None) => "has not the name of a table that is looked for".to_owned(),
        };
        (why, false)
    }

    /// Returns the name of the file read that this one is a copy of.
    fn copied(&self, head: &FileHead, read: &ReadFiles) -> Option<String> {
        let path = read.original(head)?.path();
        let offered = self.offer.files.iter().find(|file| self.heads.name_of(&file.path) == path);
        Some(offered.map_or_else(|| input::file_name(path), |file| self.name(file)))
    }

    /// Fails when a file that was named is not read.
    fn not_read(&self, mut refused: Vec<(&OfferedFile, String)>) -> Result<(), ReadError> {
        if refused.is_empty() {
            return Ok(());
        }
        let (file, why) = refused.remove(0);
        let (why, what_to_do) = match self.heads.known(&file.path).and_then(|head| head.not_text()) {
            Some(NotText { what, what_to_do }) => (what.to_owned(), Some(what_to_do)),
            None => (why, None),
        };
        let others = refused.into_iter().map(|(file, _)| self.name(file)).collect();
        Err(ReadError::NotRead { path: self.heads.name_of(&file.path).to_owned(), why, what_to_do, others })
    }

    /// Tells whether a file that is called so was given by its own name.
    fn is_named(&self, path: &Path) -> bool {
        self.offer.files.iter().any(|file| file.origin == Origin::Named && self.heads.name_of(&file.path) == path)
    }

    fn role(&self, path: &Path) -> Option<FileRole> {
        self.roles.get(path).copied()
    }

    fn is_given(&self, path: &Path) -> bool {
        !self.given.is_empty()
            && (self.given.iter().any(|given| given == path) || self.given.contains(&without_links(path)))
    }
}

fn without_links(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}

/// Says of a file without text what is in it.
fn blank(head: &FileHead) -> &'static str {
    match (head.bytes().is_empty(), head.hole_bytes()) {
        (true, 0) => "is empty",
        (true, _) => "holds nothing but zero bytes",
        (false, _) => "holds nothing but blank lines",
    }
}

/// Tells why a file is no text that can be read, if so.
fn not_text(head: &FileHead) -> Option<String> {
    head.not_text().map(|NotText { what, what_to_do }| format!("{what}; {what_to_do}"))
}
