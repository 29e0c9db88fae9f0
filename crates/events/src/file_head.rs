//! The head of a file: its path, packing, first bytes and the names in its first line. It is read once and passed on,
//! from the detection of formats to the readers.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use memchr::memchr_iter;
use rustc_hash::FxHashMap;

use crate::delimiter::delimiter_of;
use crate::error::ReadError;
use crate::input::{self, BOM, Packing};
use crate::text_lines::lines;

/// Bytes of a file that are read to tell what it is.
const HEAD_BYTES: u64 = 1 << 16;

/// Bytes that are kept of a head once formats were detected, at least.
const KEPT_BYTES: usize = 1 << 12;

/// The head of a file.
#[derive(Debug)]
pub(crate) struct FileHead {
    path: PathBuf,
    packing: Packing,
    /// The first unpacked bytes.
    bytes: Vec<u8>,
    /// Names in the first line, in lower case.
    columns: Vec<String>,
    /// What separates them.
    delimiter: u8,
    not_text: Option<&'static str>,
}

impl FileHead {
    /// Reads the head of the file at `path`.
    ///
    /// # Errors
    /// When it can't be read or unpacked.
    pub(crate) fn read(path: &Path) -> Result<Self, ReadError> {
        let (packing, bytes) = input::read_start(path, HEAD_BYTES)?;
        let not_text = input::not_text(&bytes);
        let mut head = Self { path: path.to_owned(), packing, bytes, columns: Vec::new(), delimiter: b',', not_text };
        let first = lines(head.text()).next().unwrap_or_default();
        let name = |name: &str| name.trim().trim_matches('"').trim().to_lowercase();
        let delimiter = delimiter_of(first);
        head.columns = String::from_utf8_lossy(first).split(char::from(delimiter)).map(name).collect();
        head.delimiter = delimiter;
        Ok(head)
    }

    /// Returns the file's path.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the file's name without its folder.
    pub(crate) fn name(&self) -> String {
        input::file_name(&self.path)
    }

    /// Returns the file's name without its folder and without `.gz` or `.zst`, in lower case.
    pub(crate) fn bare_name(&self) -> String {
        input::bare_name(&self.path)
    }

    /// Returns how the file is packed.
    pub(crate) const fn packing(&self) -> Packing {
        self.packing
    }

    /// Returns the first unpacked bytes.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Returns the first unpacked bytes without a byte-order mark.
    pub(crate) fn text(&self) -> &[u8] {
        self.bytes.strip_prefix(BOM).unwrap_or(&self.bytes)
    }

    /// Returns the number of bytes of a byte-order mark.
    pub(crate) fn bom_bytes(&self) -> usize {
        self.bytes.len() - self.text().len()
    }

    /// Returns the sign that separates the cells of the first line, if it is one of a CSV.
    pub(crate) const fn delimiter(&self) -> u8 {
        self.delimiter
    }

    /// Tells whether the first line has a column of this name (in lower case).
    pub(crate) fn has_column(&self, name: &str) -> bool {
        self.columns.iter().any(|column| column == name)
    }

    /// Tells whether the first line has columns of all of these names (in lower case).
    pub(crate) fn has_columns(&self, names: &[&str]) -> bool {
        names.iter().all(|name| self.has_column(name))
    }

    /// Tells why the file can't be text in UTF-8, if so.
    pub(crate) const fn not_text(&self) -> Option<&'static str> {
        self.not_text
    }

    /// Fails unless the file is text, as far as its head tells.
    ///
    /// # Errors
    /// When it is not text.
    pub(crate) fn require_text(&self) -> Result<(), ReadError> {
        match self.not_text {
            Some(why) => Err(ReadError::NotText { path: self.path.clone(), why: why.to_owned() }),
            None => Ok(()),
        }
    }

    /// Fails unless the file is text and holds something. `table` names it in messages.
    ///
    /// # Errors
    /// When it is empty or not text.
    pub(crate) fn require_some_text(&self, table: &str) -> Result<(), ReadError> {
        if self.bytes.is_empty() {
            return Err(ReadError::Empty { path: self.path.clone(), table: table.to_owned() });
        }
        self.require_text()
    }

    /// Drops what readers do not need once the format is known: all but the first record, and at least 4 KiB. A log may
    /// be of very many files, whose heads are held until all are opened.
    fn trim(&mut self) {
        let blank = self.bytes.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
        // A newline within quotes does not end a record of a CSV.
        let mut quotes = 0;
        let mut checked = 0;
        let end = memchr_iter(b'\n', &self.bytes).find(|&newline| {
            quotes += memchr_iter(b'"', &self.bytes[checked..newline]).count();
            checked = newline;
            newline >= blank && quotes % 2 == 0
        });
        if let Some(end) = end {
            self.bytes.truncate((end + 1).max(KEPT_BYTES));
            self.bytes.shrink_to_fit();
        }
    }
}

/// Heads by path, each read when it is first asked for and never again.
#[derive(Debug, Default)]
pub(crate) struct FileHeads {
    by_path: Mutex<FxHashMap<PathBuf, Arc<FileHead>>>,
}

impl FileHeads {
    /// Returns the head of the file at `path`.
    ///
    /// # Errors
    /// When it can't be read or unpacked.
    pub(crate) fn get(&self, path: &Path) -> Result<Arc<FileHead>, ReadError> {
        match self.known(path) {
            Some(head) => Ok(head),
            None => Ok(self.keep(FileHead::read(path)?)),
        }
    }

    /// Returns the head of the file at `path` and the value of `look` at all of it, of which less is kept.
    ///
    /// # Errors
    /// When it can't be read or unpacked.
    pub(crate) fn look<T>(
        &self,
        path: &Path,
        look: impl FnOnce(&FileHead) -> T,
    ) -> Result<(Arc<FileHead>, T), ReadError> {
        if let Some(head) = self.known(path) {
            let seen = look(&head);
            return Ok((head, seen));
        }
        let head = FileHead::read(path)?;
        let seen = look(&head);
        Ok((self.keep(head), seen))
    }

    fn known(&self, path: &Path) -> Option<Arc<FileHead>> {
        self.by_path.lock().unwrap_or_else(PoisonError::into_inner).get(path).cloned()
    }

    fn keep(&self, mut head: FileHead) -> Arc<FileHead> {
        head.trim();
        let head = Arc::new(head);
        self.by_path.lock().unwrap_or_else(PoisonError::into_inner).insert(head.path.clone(), Arc::clone(&head));
        head
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trimmed(text: &str) -> usize {
        let mut head = FileHead {
            path: PathBuf::new(),
            packing: Packing::Plain,
            bytes: text.as_bytes().to_vec(),
            columns: Vec::new(),
            delimiter: b',',
            not_text: None,
        };
        head.trim();
        head.bytes.len()
    }

    #[test]
    fn the_first_record_is_kept() {
        let row = "x".repeat(5_000);
        assert_eq!(trimmed("a,b\n1,2\n"), 8);
        assert_eq!(trimmed(&format!("a,b\n{row}")), KEPT_BYTES);
        assert_eq!(trimmed(&format!("{row}\n{row}\n")), 5_001);
        assert_eq!(trimmed(&format!("\"{row}\n{row}\",b\n{row}\n")), 10_006);
        assert_eq!(trimmed(&format!("\n \n{row}\n{row}\n")), 5_004);
    }

    #[test]
    fn a_head_is_read_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log.csv");
        std::fs::write(&path, "\u{feff}Time,\"User\"\n1,2\n").unwrap();
        let heads = FileHeads::default();
        let (head, has) = heads.look(&path, |head| head.has_columns(&["time", "user"])).unwrap();
        assert!(has && head.bom_bytes() == 3 && head.text().starts_with(b"Time"));
        std::fs::remove_file(&path).unwrap();
        assert!(Arc::ptr_eq(&head, &heads.get(&path).unwrap()));
    }
}
