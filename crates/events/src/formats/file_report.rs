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
use crate::offered::{FileReport, LeftOutFile, Offer, OfferedFile, Origin, original_name};

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
            roles: roles.iter().map(|file| (file.head.path(), file.role)).collect(),
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
        not_read(refused)
    }

    /// Adds to the error for a missing table which files are there that are empty or can't be read: it may be one of them.
    pub(super) fn explain_missing(&self, error: ReadError) -> ReadError {
        let ReadError::MissingTable { format, table, where_, what_to_do } = error else { return error };
        let no_table = self.offer.files.iter().filter_map(|file| {
            let head = self.heads.known(&file.path)?;
            let why = if head.is_blank() { blank(&head).to_owned() } else { not_text(&head)? };
            Some(format!("{} {why}", file.name))
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
        let is_other = |file: &&OfferedFile| !known.contains(file.path.as_path()) && !self.is_given(&file.path);
        let others = self.offer.files.iter().filter(is_other).filter_map(|file| self.heads.get(&file.path).ok());
        let heads = read.iter().filter_map(|path| self.heads.known(path));
        let files = ReadFiles::new(&heads.collect::<Vec<_>>(), &others.collect::<Vec<_>>());
        let mut report = FileReport { left_out: self.offer.left_out.clone(), ..FileReport::default() };
        let mut refused = Vec::new();
        for file in &self.offer.files {
            if known.contains(file.path.as_path()) {
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
                report.left_out.push(LeftOutFile { file: file.name.clone(), why });
            }
        }
        not_read(refused)?;
        Ok(report)
    }

    /// Says of a file that is read that it is another download of one that is not there.
    fn second_download(&self, file: &OfferedFile, read: &FxHashSet<&Path>) -> Option<String> {
        let (original, _) = original_name(&file.path)?;
        let is_there = read.contains(file.path.with_file_name(&original).as_path());
        (!is_there).then(|| format!("{} is read in place of {original}, which is not there", file.name))
    }

    /// Says of a file that is read that it begins with a hole.
    fn hole(&self, file: &OfferedFile) -> Option<String> {
        let head = self.heads.known(&file.path)?;
        let hole = Some(head.hole_bytes()).filter(|&bytes| bytes > 0)?;
        Some(format!(
            "{} begins with {hole} zero bytes, which are skipped: a log begins so that is cut while it is written",
            file.name
        ))
    }

    /// Says of a file that is read that it is not in UTF-8.
    fn other_encoding(&self, file: &OfferedFile) -> Option<String> {
        let head = self.heads.known(&file.path).filter(|head| head.is_other_encoding())?;
        let name = input::without_packing(&file.name);
        let unpacked = if head.packing() == input::Packing::Plain { "" } else { ", unpacked," };
        Some(format!(
            "{} is not in UTF-8, and rows with such signs are rejected: convert it{unpacked} by iconv -f WINDOWS-1252 -t UTF-8 \
             {name} > NEW_FILE",
            file.name
        ))
    }

    /// Tells why a file is not read, and whether nothing is lost by it.
    fn why_left_out(&self, file: &OfferedFile, read: &ReadFiles) -> (String, bool) {
        let head = match self.heads.get(&file.path) {
            Ok(head) => head,
            Err(error) => {
                let why = error.to_string().replace(&format!("{}: ", file.path.display()), "");
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
        let offered = self.offer.files.iter().find(|file| file.path == path);
        Some(offered.map_or_else(|| input::file_name(path), |file| file.name.clone()))
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

/// Fails when a file that was named is not read.
fn not_read(mut refused: Vec<(&OfferedFile, String)>) -> Result<(), ReadError> {
    if refused.is_empty() {
        return Ok(());
    }
    let (file, why) = refused.remove(0);
    let others = refused.into_iter().map(|(file, _)| file.name.clone()).collect();
    Err(ReadError::NotRead { path: file.path.clone(), why, others })
}
