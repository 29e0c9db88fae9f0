//! Opens files: plain, gzip or zstd by their first bytes, whatever they are called.

use std::fmt;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use flate2::bufread::GzDecoder;
use memchr::memchr_iter;

use crate::content;
use crate::error::ReadError;
use crate::seen_file::{Content, SeenFile};
use crate::unpacking::{UnpackError, Unpacked};

/// Says how a file's bytes are packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Packing {
    /// As they are.
    Plain,
    /// gzip (RFC 1952), of one or several members.
    Gzip,
    /// Zstandard (RFC 8878).
    Zstd,
}

/// Counts the bytes that tell how a file is packed.
const MAGIC_BYTES: usize = 4;

impl Packing {
    /// Tells the packing from a file's first bytes.
    fn from_first_bytes(bytes: &[u8]) -> Self {
        match bytes {
            [0x1f, 0x8b, ..] => Self::Gzip,
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Self::Zstd,
            _ => Self::Plain,
        }
    }
}

/// Streams the unpacked bytes of a file. Those on disk are hashed on the way.
pub(crate) struct UnpackedFile<'a> {
    stream: Box<dyn Read + Send + 'a>,
    disk: Arc<Mutex<DiskBytes>>,
}

impl<'a> UnpackedFile<'a> {
    /// Opens a file. `progress` receives the number of bytes read from disk as they are.
    ///
    /// # Errors
    /// When it can't be opened, or changed since it was first.
    pub(crate) fn open(
        file: &SeenFile,
        packing: Packing,
        progress: &'a (dyn Fn(u64) + Sync),
    ) -> Result<Self, ReadError> {
        let content = file.open()?;
        let room = content.bytes().clamp(1, 1 << 18) as usize;
        let disk = Arc::new(Mutex::new(DiskBytes { content, at: 0, hasher: blake3::Hasher::new() }));
        let metered = Metered { disk: Arc::clone(&disk), progress };
        let stream = unpack(packing, BufReader::with_capacity(room, metered)).map_err(ReadError::io(file.path()))?;
        Ok(Self { stream, disk })
    }

    /// Opens a file as [`UnpackedFile::open`] does, without its first `skip` unpacked bytes.
    ///
    /// # Errors
    /// When it can't be opened, changed since it was first, or these bytes can't be unpacked.
    pub(crate) fn open_from(
        file: &SeenFile,
        packing: Packing,
        skip: u64,
        progress: &'a (dyn Fn(u64) + Sync),
    ) -> Result<Self, ReadError> {
        let mut unpacked = Self::open(file, packing, progress)?;
        io::copy(&mut unpacked.stream.by_ref().take(skip), &mut io::sink())
            .map_err(|source| unreadable(file.path(), packing, source, SoFar::Unknown))?;
        Ok(unpacked)
    }

    /// Returns the stream, and what there is to be done at its end.
    pub(crate) fn into_parts(self) -> (Box<dyn Read + Send + 'a>, StreamEnd) {
        (self.stream, StreamEnd(self.disk))
    }
}

/// Stands for the end of a stream.
pub(crate) struct StreamEnd(Arc<Mutex<DiskBytes>>);

impl StreamEnd {
    /// Fails when the file changed while it was read. Notes its hash, and returns it.
    ///
    /// # Errors
    /// When it changed or can't be read.
    pub(crate) fn finish(&self) -> Result<String, ReadError> {
        let mut disk = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let file = disk.content.seen().clone();
        // What stands behind the end of a packed stream is of the file too.
        let mut rest = vec![0; 1 << 12];
        while disk.read(&mut rest).map_err(ReadError::io(file.path()))? > 0 {}
        disk.content.check()?;
        let hash = disk.hasher.finalize().to_hex().to_string();
        file.note_blake3(hash.clone());
        Ok(hash)
    }
}

/// Holds the bytes of a file on disk, read from the first to the last, and their hash as far as they were read.
struct DiskBytes {
    content: Content,
    at: u64,
    hasher: blake3::Hasher,
}

impl Read for DiskBytes {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.content.read_at(buffer, self.at)?;
        self.hasher.update(&buffer[..count]);
        self.at += count as u64;
        Ok(count)
    }
}

fn unpack<'a>(packing: Packing, disk: impl BufRead + Send + 'a) -> io::Result<Box<dyn Read + Send + 'a>> {
    Ok(match packing {
        Packing::Plain => Box::new(disk),
        Packing::Gzip => Box::new(Unpacked::<GzDecoder<_>>::new(disk)?),
        Packing::Zstd => Box::new(Unpacked::<zstd::Decoder<'static, _>>::new(disk)?),
    })
}

/// Holds the first bytes of a file.
#[derive(Debug)]
pub(crate) struct FileStart {
    pub(crate) packing: Packing,
    /// Zero bytes before them, where there are enough to be a hole (see [`content::hole_bytes`]).
    pub(crate) hole_bytes: u64,
    /// The first unpacked bytes after the hole.
    pub(crate) bytes: Vec<u8>,
}

/// Reads the first `limit` unpacked bytes of a file after a hole at its start, or all if it is shorter.
///
/// # Errors
/// When it can't be read or unpacked.
pub(crate) fn read_start(content: &Content, limit: u64) -> Result<FileStart, ReadError> {
    let path = content.seen().path();
    let mut magic = [0; MAGIC_BYTES];
    let count = content.fill_at(&mut magic, 0).map_err(ReadError::io(path))?;
    let packing = Packing::from_first_bytes(&magic[..count]);
    let room = content.bytes().clamp(1, 1 << 16) as usize;
    let disk = BufReader::with_capacity(room, FromStart { content, at: 0 });
    let (mut hole_bytes, mut bytes) = (0, Vec::new());
    let read = unpack(packing, disk).and_then(|mut stream| {
        loop {
            let read = stream.by_ref().take(limit - bytes.len() as u64).read_to_end(&mut bytes)?;
            let hole = match hole_bytes {
                0 => content::hole_bytes(&bytes),
                _ => content::zero_bytes(&bytes),
            };
            if read == 0 || hole == 0 {
                return Ok(());
            }
            hole_bytes += hole as u64;
            bytes.drain(..hole);
        }
    });
    match read {
        Ok(()) => Ok(FileStart { packing, hole_bytes, bytes }),
        Err(source) => Err(unreadable(path, packing, source, SoFar::lines_of(&bytes))),
    }
}

struct FromStart<'a> {
    content: &'a Content,
    at: u64,
}

impl Read for FromStart<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.content.read_at(buffer, self.at)?;
        self.at += count as u64;
        Ok(count)
    }
}

/// Reads all unpacked bytes of a file.
///
/// # Errors
/// When it can't be read or unpacked, or changed.
pub(crate) fn read_all(file: &SeenFile, packing: Packing) -> Result<Vec<u8>, ReadError> {
    let mut bytes = Vec::new();
    let (mut stream, end) = UnpackedFile::open(file, packing, &|_| ())?.into_parts();
    if let Err(source) = stream.read_to_end(&mut bytes) {
        return Err(unreadable(file.path(), packing, source, SoFar::lines_of(&bytes)));
    }
    end.finish()?;
    Ok(bytes)
}

/// Computes the BLAKE3 of the unpacked bytes of a file.
///
/// # Errors
/// When it can't be read or unpacked, or changed.
pub(crate) fn unpacked_blake3(file: &SeenFile, packing: Packing) -> Result<blake3::Hash, ReadError> {
    let (mut stream, end) = UnpackedFile::open(file, packing, &|_| ())?.into_parts();
    let mut hasher = blake3::Hasher::new();
    let mut piece = vec![0; file.bytes().clamp(1, 1 << 18) as usize];
    loop {
        match stream.read(&mut piece) {
            Ok(0) => break,
            Ok(count) => drop(hasher.update(&piece[..count])),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => (),
            Err(error) => return Err(unreadable(file.path(), packing, error, SoFar::Unknown)),
        }
    }
    end.finish()?;
    Ok(hasher.finalize())
}

struct Metered<'a> {
    disk: Arc<Mutex<DiskBytes>>,
    progress: &'a (dyn Fn(u64) + Sync),
}

impl Read for Metered<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.disk.lock().unwrap_or_else(PoisonError::into_inner).read(buffer)?;
        (self.progress)(count as u64);
        Ok(count)
    }
}

/// Reads text so that its line ends are `\n`, whether they were `\r\n` or not. The csv crate ends a record at the `\r` and
/// counts the line only at the `\n`: its line numbers are wrong without this.
pub(crate) struct UnixLines<R> {
    inner: BufReader<R>,
    after_return: bool,
}

impl<R: Read> UnixLines<R> {
    pub(crate) fn new(inner: R) -> Self {
        Self { inner: BufReader::with_capacity(1 << 16, inner), after_return: false }
    }
}

impl<R: Read> Read for UnixLines<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if out.is_empty() {
            return Ok(0);
        }
        loop {
            let here = self.inner.fill_buf()?;
            if std::mem::take(&mut self.after_return) && here.first() != Some(&b'\n') {
                out[0] = b'\r';
                return Ok(1);
            }
            let count = memchr::memchr(b'\r', here).unwrap_or(here.len()).min(out.len());
            if count > 0 || here.is_empty() {
                out[..count].copy_from_slice(&here[..count]);
                self.inner.consume(count);
                return Ok(count);
            }
            self.inner.consume(1);
            self.after_return = true;
        }
    }
}

/// Says how much of a file was read before something went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SoFar {
    /// So many whole lines.
    Lines(u64),
    /// So many rows.
    Rows(u64),
    /// Nobody counted.
    Unknown,
}

impl SoFar {
    /// Counts the whole lines of what was read.
    pub(crate) fn lines_of(bytes: &[u8]) -> Self {
        Self::Lines(memchr_iter(b'\n', bytes).count() as u64)
    }
}

impl fmt::Display for SoFar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lines(1) => f.write_str(" after 1 line"),
            Self::Rows(1) => f.write_str(" after 1 row"),
            Self::Lines(lines) => write!(f, " after {lines} lines"),
            Self::Rows(rows) => write!(f, " after {rows} rows"),
            Self::Unknown => Ok(()),
        }
    }
}

/// Makes the error for bytes that can't be read to their end: of a packed file, why it can't be unpacked and what to do.
pub(crate) fn unreadable(path: &Path, packing: Packing, source: io::Error, so_far: SoFar) -> ReadError {
    let (name, unpack) = match packing {
        Packing::Gzip => ("gzip", "gunzip -c FILE > NEW_FILE"),
        Packing::Zstd => ("zstd", "zstd -dc FILE > NEW_FILE"),
        Packing::Plain => return ReadError::Io { path: path.to_owned(), source },
    };
    let what = match source.get_ref().and_then(|error| error.downcast_ref()) {
        Some(UnpackError::Cut) => {
            format!(
                "the {name} file is cut short{so_far}; copy it again, or unpack what there is and give that: {unpack}"
            )
        }
        Some(UnpackError::NotPacked) => {
            format!(
                "what follows the {name} part of the file is not {name}{so_far}; unpack that part and give it: {unpack}"
            )
        }
        Some(UnpackError::Damaged(fault)) => {
            format!("the {name} file is damaged{so_far} ({fault}); copy it again")
        }
        None => return ReadError::Io { path: path.to_owned(), source },
    };
    ReadError::Decode { path: path.to_owned(), what }
}

/// Holds the byte-order mark of UTF-8, which some programs put before the header.
pub(crate) const BOM: &[u8] = b"\xef\xbb\xbf";

/// Returns the file's name without its folder.
#[must_use]
pub fn file_name(path: &Path) -> String {
    path.file_name().map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned())
}

/// Returns a file's name without the ending of a packed file, `.gz` or `.zst` in any case of letters.
#[must_use]
pub(crate) fn without_packing(name: &str) -> &str {
    let ends = |ending: &str| {
        let start = name.len().checked_sub(ending.len())?;
        name.is_char_boundary(start).then(|| name.split_at(start)).filter(|(_, end)| end.eq_ignore_ascii_case(ending))
    };
    [".gz", ".zst"].into_iter().find_map(ends).map_or(name, |(bare, _)| bare)
}

/// Returns the file's name without its folder and without `.gz` or `.zst`, in lower case, so that `LOG.CSV.GZ` is
/// `log.csv`.
#[must_use]
pub(crate) fn bare_name(path: &Path) -> String {
    without_packing(&file_name(path)).to_lowercase()
}

/// Computes the BLAKE3 of the bytes on disk of the file at `path`, in hexadecimal, on rayon's threads.
///
/// # Errors
/// When the file can't be read.
pub fn blake3_of(path: &Path) -> Result<String, ReadError> {
    SeenFile::first(path, |_| false)?.seen().blake3()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn endings_of_packed_files_in_any_case() {
        for (name, bare) in
            [("log.csv.gz", "log.csv"), ("LOG.CSV.GZ", "log.csv"), ("a.Zst", "a"), ("é", "é"), ("z", "z")]
        {
            assert_eq!(bare_name(Path::new(name)), bare, "{name}");
        }
    }

    proptest! {
        #[test]
        fn line_ends_become_newlines(text in "[a\r\n]{0,40}", size in 1_usize..5) {
            let mut stream = UnixLines { inner: BufReader::with_capacity(size, text.as_bytes()), after_return: false };
            let mut out = String::new();
            stream.read_to_string(&mut out).unwrap();
            prop_assert_eq!(out, text.replace("\r\n", "\n"));
        }
    }
}
