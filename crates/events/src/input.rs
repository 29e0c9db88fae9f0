//! Opens files: plain, gzip or zstd by their first bytes, whatever they are called.

use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use flate2::bufread::GzDecoder;
use memchr::memchr_iter;

use crate::content;
use crate::error::ReadError;
use crate::unpacking::{UnpackError, Unpacked};

/// Says how a file's bytes are packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Packing {
    /// As they are.
    Plain,
    /// gzip (RFC 1952), of one or several members.
    Gzip,
    /// Zstandard (RFC 8878).
    Zstd,
}

/// Counts the bytes that tell how a file is packed.
const MAGIC_BYTES: u64 = 4;

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

/// Opens a file.
///
/// # Errors
/// When it does not exist or can't be opened.
pub(crate) fn open(path: &Path) -> Result<File, ReadError> {
    File::open(path).map_err(|source| match source.kind() {
        io::ErrorKind::NotFound => ReadError::NotFound { path: path.to_owned() },
        _ => ReadError::Io { path: path.to_owned(), source },
    })
}

/// Opens a file as a stream of unpacked bytes. `progress` receives the number of bytes read from disk as they are.
///
/// # Errors
/// When it can't be opened.
pub(crate) fn unpacked<'a>(
    path: &Path,
    packing: Packing,
    progress: &'a (dyn Fn(u64) + Sync),
) -> Result<Box<dyn Read + Send + 'a>, ReadError> {
    let disk = BufReader::with_capacity(1 << 18, Metered { inner: open(path)?, progress });
    unpack(packing, disk).map_err(ReadError::io(path))
}

/// Opens a file as [`unpacked`] does, without its first `skip` unpacked bytes.
///
/// # Errors
/// When it can't be opened, or these can't be unpacked.
pub(crate) fn unpacked_from<'a>(
    path: &Path,
    packing: Packing,
    skip: u64,
    progress: &'a (dyn Fn(u64) + Sync),
) -> Result<Box<dyn Read + Send + 'a>, ReadError> {
    let mut stream = unpacked(path, packing, progress)?;
    io::copy(&mut stream.by_ref().take(skip), &mut io::sink())
        .map_err(|source| unreadable(path, packing, source, SoFar::Unknown))?;
    Ok(stream)
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
pub(crate) fn read_start(path: &Path, limit: u64) -> Result<FileStart, ReadError> {
    let mut file = open(path)?;
    let mut magic = Vec::new();
    file.by_ref().take(MAGIC_BYTES).read_to_end(&mut magic).map_err(ReadError::io(path))?;
    let packing = Packing::from_first_bytes(&magic);
    let disk = BufReader::new(io::Cursor::new(magic).chain(file));
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

/// Reads all unpacked bytes of a file.
///
/// # Errors
/// When it can't be read or unpacked.
pub(crate) fn read_all(path: &Path, packing: Packing) -> Result<Vec<u8>, ReadError> {
    let mut bytes = Vec::new();
    let read = unpacked(path, packing, &|_| ())?.read_to_end(&mut bytes);
    match read {
        Ok(_) => Ok(bytes),
        Err(source) => Err(unreadable(path, packing, source, SoFar::lines_of(&bytes))),
    }
}

struct Metered<'a> {
    inner: File,
    progress: &'a (dyn Fn(u64) + Sync),
}

impl Read for Metered<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
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

/// Returns the file's size on disk; 0 when it is not known.
#[must_use]
pub(crate) fn size_bytes(path: &Path) -> u64 {
    std::fs::metadata(path).map_or(0, |metadata| metadata.len())
}

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

/// Computes the BLAKE3 of the bytes on disk, in hexadecimal. Reads pieces of 8 MiB and hashes each on rayon's threads:
/// a memory map would be no quicker and would count the whole file as this program's memory.
///
/// # Errors
/// When the file can't be read.
pub fn blake3_of(path: &Path) -> Result<String, ReadError> {
    const PIECE_BYTES: u64 = 8 << 20;
    let mut file = open(path)?;
    let mut hasher = blake3::Hasher::new();
    let mut piece = Vec::new();
    loop {
        piece.clear();
        let read = file.by_ref().take(PIECE_BYTES).read_to_end(&mut piece).map_err(ReadError::io(path))?;
        if read == 0 {
            return Ok(hasher.finalize().to_hex().to_string());
        }
        hasher.update_rayon(&piece);
    }
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
