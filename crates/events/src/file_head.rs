//! The head of a file: its path, packing, first bytes and the names in its first line. It is read once and passed on,
//! from the detection of formats to the readers.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use memchr::{memchr, memchr_iter, memrchr};
use rustc_hash::FxHashMap;

use crate::content::{self, NotText, not_text};
use crate::delimiter::{DELIMITERS, delimiter_of};
use crate::error::ReadError;
use crate::input::{self, BOM, FileStart, Packing};
use crate::offered::TextLayout;
use crate::seen_file::{Content, SeenFile};
use crate::text_lines::lines;

/// Marks a place in an unpacked file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Position {
    /// Bytes before it.
    pub(crate) bytes: u64,
    /// Lines before it.
    pub(crate) lines: u64,
}

/// Bounds the bytes of a file that are read to tell what it is. First the least are read, and more as long as nothing is
/// told from them.
const HEAD_BYTES: [u64; 3] = [1 << 16, 8 << 20, 64 << 20];

/// Bounds from below the bytes that are kept of a head once formats were detected.
pub(crate) const KEPT_BYTES: usize = 1 << 12;

/// Holds the head of a file.
#[derive(Debug)]
pub(crate) struct FileHead {
    file: SeenFile,
    packing: Packing,
    /// Zero bytes at the file's start, which are skipped.
    hole_bytes: u64,
    /// The first unpacked bytes after them.
    bytes: Vec<u8>,
    /// Where the text begins among them: after a byte-order mark, blank lines, and a line that only names the separator.
    text_start: usize,
    /// Lines before the text.
    blank_lines: u64,
    /// Names in the first line, in lower case.
    columns: Vec<String>,
    /// The sign between them.
    delimiter: u8,
    not_text: Option<NotText>,
    /// Whether the file goes on after these bytes.
    goes_on: bool,
    unpacked_hash: OnceLock<blake3::Hash>,
}

impl FileHead {
    fn read(content: &Content, limit: u64) -> Result<Self, ReadError> {
        let FileStart { packing, hole_bytes, bytes } = input::read_start(content, limit)?;
        let goes_on = bytes.len() as u64 == limit;
        Ok(Self { goes_on, ..Self::of_bytes(content.seen().clone(), packing, hole_bytes, bytes) })
    }

    fn of_bytes(file: SeenFile, packing: Packing, hole_bytes: u64, bytes: Vec<u8>) -> Self {
        let not_text = not_text(&bytes, &input::file_name(file.location()));
        let mark = if bytes.starts_with(BOM) { BOM.len() } else { 0 };
        let blank = bytes[mark..].iter().take_while(|byte| byte.is_ascii_whitespace()).count();
        // Blanks at the start of the first line that is not blank are of the line.
        let text_start = mark + memrchr(b'\n', &bytes[mark..mark + blank]).map_or(0, |newline| newline + 1);
        let blank_lines = memchr_iter(b'\n', &bytes[..text_start]).count() as u64;
        let (separator_line, told) = match content::separator_line(&bytes[text_start..]) {
            Some((length, sign)) => (length, DELIMITERS.contains(&sign).then_some(sign)),
            None => (0, None),
        };
        let (text_start, blank_lines) = (text_start + separator_line, blank_lines + u64::from(separator_line > 0));
        let first = lines(&bytes[text_start..]).next().unwrap_or_default();
        let name = |name: &str| name.trim().trim_matches('"').trim().to_lowercase();
        let delimiter = told.unwrap_or_else(|| delimiter_of(first));
        // Stray zero bytes hide no format: its reader says best what is wrong.
        let names = match not_text {
            None => String::from_utf8_lossy(first).replace('\0', ""),
            Some(_) => String::from_utf8_lossy(first).into_owned(),
        };
        let columns = names.split(char::from(delimiter)).map(name).collect();
        Self {
            file,
            packing,
            hole_bytes,
            bytes,
            text_start,
            blank_lines,
            columns,
            delimiter,
            not_text,
            goes_on: false,
            unpacked_hash: OnceLock::new(),
        }
    }

    /// Returns the file.
    pub(crate) const fn file(&self) -> &SeenFile {
        &self.file
    }

    /// Returns how the file is called: its path, unless that may name a learner.
    pub(crate) fn path(&self) -> &Path {
        self.file.path()
    }

    /// Returns the hash of the file's unpacked bytes. The file is read for it where not all of it is here, and only once.
    ///
    /// # Errors
    /// When it can't be read.
    pub(crate) fn unpacked_hash(&self) -> Result<blake3::Hash, ReadError> {
        if let Some(hash) = self.unpacked_hash.get() {
            return Ok(*hash);
        }
        let hash = match self.goes_on || self.hole_bytes > 0 {
            true => input::unpacked_blake3(&self.file, self.packing)?,
            false => blake3::hash(&self.bytes),
        };
        Ok(*self.unpacked_hash.get_or_init(|| hash))
    }

    /// Returns how the file is called, without its folder.
    pub(crate) fn name(&self) -> String {
        input::file_name(self.path())
    }

    /// Returns the name that the file has where it is, without its folder and without `.gz` or `.zst`, in lower case. It tells
    /// what the file is, and is not to be shown.
    pub(crate) fn bare_name(&self) -> String {
        input::bare_name(self.file.location())
    }

    /// Returns how the file is packed.
    pub(crate) const fn packing(&self) -> Packing {
        self.packing
    }

    /// Returns the first unpacked bytes, without zero bytes at the start.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Returns the first unpacked bytes without zero bytes at the start, a byte-order mark and blank lines.
    pub(crate) fn text(&self) -> &[u8] {
        &self.bytes[self.text_start..]
    }

    /// Returns where the text begins in the unpacked file.
    pub(crate) fn text_start(&self) -> Position {
        Position { bytes: self.hole_bytes + self.text_start as u64, lines: self.blank_lines }
    }

    /// Returns where the line after the first one of the text begins in the unpacked file.
    pub(crate) fn second_line(&self) -> Position {
        let line = memchr(b'\n', self.text()).map_or(self.text().len(), |newline| newline + 1);
        let Position { bytes, lines } = self.text_start();
        Position { bytes: bytes + line as u64, lines: lines + 1 }
    }

    /// Returns the number of zero bytes at the file's start, where they are so many that they are skipped.
    pub(crate) const fn hole_bytes(&self) -> u64 {
        self.hole_bytes
    }

    /// Describes how the text is written.
    pub(crate) fn layout(&self) -> TextLayout {
        // Comments may stand before the first line of JSON.
        let mut first_lines = self.text().split(|&byte| byte == b'\n').map(<[u8]>::trim_ascii_start).take(20);
        let is_json = first_lines.any(|line| line.starts_with(b"{") || line.starts_with(b"["));
        let separator = match self.delimiter {
            _ if is_json => None,
            b';' => Some("semicolon"),
            b'\t' => Some("tab"),
            b'|' => Some("bar"),
            _ => Some("comma"),
        };
        TextLayout {
            path: self.path().to_owned(),
            compression: match self.packing {
                Packing::Plain => "none",
                Packing::Gzip => "gzip",
                Packing::Zstd => "zstd",
            },
            encoding: match self.bytes.starts_with(BOM) {
                true => "UTF-8 with a byte-order mark",
                false => "UTF-8",
            },
            separator,
        }
    }

    /// Tells whether the head is that of a table whose first line is whole: its first lines have one number of cells, two or
    /// more. More of it would say nothing more about its format.
    fn is_plain_table(&self) -> bool {
        const LINES: usize = 20;
        let whole = memrchr(b'\n', self.text()).map_or(0, |newline| newline + 1);
        let mut cells = lines(&self.text()[..whole]).take(LINES).map(|line| {
            let is_json = line.trim_ascii_start().starts_with(b"{");
            if is_json { 0 } else { memchr_iter(self.delimiter, line).count() }
        });
        cells.next().is_some_and(|first| first > 0 && cells.all(|others| others == first))
    }

    /// Tells whether there is nothing in the file but blanks, a byte-order mark and zero bytes.
    pub(crate) fn is_blank(&self) -> bool {
        !self.goes_on && self.text().trim_ascii().is_empty()
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
    pub(crate) const fn not_text(&self) -> Option<NotText> {
        self.not_text
    }

    /// Fails unless the file is text, as far as its head tells.
    ///
    /// # Errors
    /// When it is not text.
    pub(crate) fn require_text(&self) -> Result<(), ReadError> {
        self.refuse(self.not_text)
    }

    /// Fails unless the file may be a CSV, as far as its head tells.
    ///
    /// # Errors
    /// When it is not text, or is JSON.
    pub(crate) fn require_csv(&self) -> Result<(), ReadError> {
        self.require_text()?;
        self.refuse(content::is_json(self.text()).then_some(content::JSON_FOR_CSV))
    }

    /// Fails where the first line holds zero bytes.
    ///
    /// # Errors
    /// When it does.
    pub(crate) fn require_header(&self) -> Result<(), ReadError> {
        let first = lines(self.text()).next().unwrap_or_default();
        self.refuse(content::has_zeros(first).then_some(content::ZEROS_IN_HEADER))
    }

    /// Fails where the file is a JSON array.
    ///
    /// # Errors
    /// When it is.
    pub(crate) fn require_json_lines(&self) -> Result<(), ReadError> {
        let is_array = content::is_json(self.text()) && self.text().trim_ascii_start().starts_with(b"[");
        self.refuse(is_array.then_some(content::JSON_ARRAY))
    }

    fn refuse(&self, not_text: Option<NotText>) -> Result<(), ReadError> {
        match not_text {
            Some(NotText { what, what_to_do }) => {
                Err(ReadError::NotText { path: self.path().to_owned(), what, what_to_do })
            }
            None => Ok(()),
        }
    }

    /// Tells whether the head is text in another encoding than UTF-8. What is cut at its end may be a sign of several bytes.
    pub(crate) fn is_other_encoding(&self) -> bool {
        let is_cut = |error: std::str::Utf8Error| error.error_len().is_none() && self.goes_on;
        self.not_text.is_none() && std::str::from_utf8(&self.bytes).is_err_and(|error| !is_cut(error))
    }

    /// Fails unless the file is text and holds something. `table` names it in messages.
    ///
    /// # Errors
    /// When it is empty or not text.
    pub(crate) fn require_some_text(&self, table: &str) -> Result<(), ReadError> {
        if self.is_blank() {
            return Err(ReadError::Empty { path: self.path().to_owned(), table: table.to_owned() });
        }
        self.require_text()
    }

    /// Drops what readers do not need once the format is known: all but the first record, and at least 4 KiB. A log may
    /// be of very many files, whose heads are held until all are opened.
    fn trim(&mut self) {
        let blank = self.text_start + self.text().iter().take_while(|byte| byte.is_ascii_whitespace()).count();
        // A newline within quotes does not end a record of a CSV.
        let mut quotes = 0;
        let mut checked = 0;
        let end = memchr_iter(b'\n', &self.bytes).find(|&newline| {
            quotes += memchr_iter(b'"', &self.bytes[checked..newline]).count();
            checked = newline;
            newline >= blank && quotes % 2 == 0
        });
        let kept = end.map_or(self.bytes.len(), |end| (end + 1).max(KEPT_BYTES));
        if kept < self.bytes.len() {
            self.bytes.truncate(kept);
            self.goes_on = true;
        }
        self.bytes.shrink_to_fit();
    }
}

/// Bounds from above the bytes of a file that is held whole, so that it need not be opened a second time.
const HELD_FILE_BYTES: u64 = 1 << 16;

/// Bounds the bytes of all such files together.
const HELD_BYTES: u64 = 64 << 20;

/// Holds heads by path, each read when it is first asked for and never again.
#[derive(Debug, Default)]
pub(crate) struct FileHeads {
    /// Names for files whose own names may be learners', by where they are.
    names: OnceLock<FxHashMap<PathBuf, PathBuf>>,
    by_path: Mutex<FxHashMap<PathBuf, Arc<FileHead>>>,
    /// Counts the bytes of files that are held whole.
    held: AtomicU64,
}

impl FileHeads {
    /// Sets what files are called whose own names may be learners', by where they are. To be called before any of them is
    /// opened.
    pub(crate) fn call(&self, names: FxHashMap<PathBuf, PathBuf>) {
        let _ = self.names.set(names);
    }

    /// Tells whether files have names that may be learners'.
    pub(crate) fn have_names_of_learners(&self) -> bool {
        self.names.get().is_some()
    }

    /// Returns what the file at `location` is called.
    pub(crate) fn name_of<'a>(&'a self, location: &'a Path) -> &'a Path {
        self.names.get().and_then(|names| names.get(location)).map_or(location, PathBuf::as_path)
    }

    /// Returns the head of the file at `path`.
    ///
    /// # Errors
    /// When it can't be read or unpacked.
    pub(crate) fn get(&self, path: &Path) -> Result<Arc<FileHead>, ReadError> {
        match self.known(path) {
            Some(head) => Ok(head),
            None => Ok(self.keep(FileHead::read(&self.open(path)?, HEAD_BYTES[0])?)),
        }
    }

    /// Returns the head of the file at `path` and the value of `look` at it, of which less is kept. While the value tells
    /// nothing and the file is text that goes on, `look` is given more of it.
    ///
    /// # Errors
    /// When it can't be read or unpacked.
    pub(crate) fn look<T>(
        &self,
        path: &Path,
        look: impl Fn(&FileHead) -> T,
        tells_something: impl Fn(&T) -> bool,
    ) -> Result<(Arc<FileHead>, T), ReadError> {
        if let Some(head) = self.known(path) {
            let seen = look(&head);
            return Ok((head, seen));
        }
        let content = self.open(path)?;
        let mut head = FileHead::read(&content, HEAD_BYTES[0])?;
        let mut seen = look(&head);
        for limit in &HEAD_BYTES[1..] {
            if !head.goes_on || head.not_text.is_some() || head.is_plain_table() || tells_something(&seen) {
                break;
            }
            head = FileHead::read(&content, *limit)?;
            seen = look(&head);
        }
        Ok((self.keep(head), seen))
    }

    /// Returns the head of the file at `path`, where it was read.
    pub(crate) fn known(&self, path: &Path) -> Option<Arc<FileHead>> {
        self.by_path.lock().unwrap_or_else(PoisonError::into_inner).get(path).cloned()
    }

    /// Opens a file for the first time. A small one is held whole, as far as there is room.
    fn open(&self, path: &Path) -> Result<Content, ReadError> {
        SeenFile::first_called(self.name_of(path), path, |bytes| {
            let has_room = |held: u64| Some(held + bytes).filter(|&held| held <= HELD_BYTES);
            bytes <= HELD_FILE_BYTES && self.held.fetch_update(Ordering::Relaxed, Ordering::Relaxed, has_room).is_ok()
        })
    }

    fn keep(&self, mut head: FileHead) -> Arc<FileHead> {
        head.trim();
        let head = Arc::new(head);
        self.by_path
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(head.file.location().to_owned(), Arc::clone(&head));
        head
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head_of(text: &str) -> FileHead {
        let file = tempfile::NamedTempFile::new().unwrap();
        let content = SeenFile::first(file.path(), |_| true).unwrap();
        FileHead::of_bytes(content.seen().clone(), Packing::Plain, 0, text.as_bytes().to_vec())
    }

    fn trimmed(text: &str) -> usize {
        let mut head = head_of(text);
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
        let (head, has) = heads.look(&path, |head| head.has_columns(&["time", "user"]), |has| *has).unwrap();
        assert!(has && head.text_start() == Position { bytes: 3, lines: 0 } && head.text().starts_with(b"Time"));
        std::fs::remove_file(&path).unwrap();
        assert!(Arc::ptr_eq(&head, &heads.get(&path).unwrap()));
    }

    #[test]
    fn blank_lines_before_the_header_are_skipped_and_counted() {
        let head = head_of("\u{feff}\r\n  \n time,user\n1,2\n");
        assert_eq!(head.text_start(), Position { bytes: 8, lines: 2 });
        assert_eq!(head.second_line(), Position { bytes: 19, lines: 3 });
        assert!(head.has_columns(&["time", "user"]) && !head.is_blank());
        assert!(head_of("\u{feff} \n\n").is_blank() && head_of("").is_blank());
    }

    #[test]
    fn more_of_a_file_is_read_while_nothing_is_told_from_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let long = "x".repeat(100_000);
        std::fs::write(&path, format!("{long}\nlast\n")).unwrap();
        let ends = |head: &FileHead| head.text().ends_with(b"last\n");
        assert!(FileHeads::default().look(&path, ends, |found| *found).unwrap().1);
        assert!(!FileHeads::default().look(&path, ends, |_| true).unwrap().1);
    }

    #[test]
    fn a_hole_at_the_start_of_a_log_is_skipped() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        for zeros in [8_usize, 4_096, 70_000, 1 << 17] {
            std::fs::write(&path, [vec![0; zeros], b"one\ntwo\n".to_vec()].concat()).unwrap();
            let head = FileHeads::default().get(&path).unwrap();
            assert_eq!((head.hole_bytes(), head.text()), (zeros as u64, &b"one\ntwo\n"[..]));
            assert_eq!(head.second_line(), Position { bytes: zeros as u64 + 4, lines: 1 });
        }
        std::fs::write(&path, [0; 70_000]).unwrap();
        assert!(FileHeads::default().get(&path).unwrap().is_blank());
    }
}
