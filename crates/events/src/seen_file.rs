//! A file as it was when it was first opened: which file it is, its size, and when it was last written to. All that is read
//! of it later has to be of that state, so that size, hash and rows are of the same bytes.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime};

use crate::error::ReadError;

/// Holds what `fstat` says of an open file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileState {
    /// Device and inode, where there are such.
    id: (u64, u64),
    bytes: u64,
    written: Option<SystemTime>,
}

impl FileState {
    fn of(file: &File) -> io::Result<Self> {
        let metadata = file.metadata()?;
        Ok(Self { id: id_of(&metadata), bytes: metadata.len(), written: metadata.modified().ok() })
    }

    /// Returns the time at which the file was last written to, where it is known.
    #[must_use]
    pub const fn written(&self) -> Option<SystemTime> {
        self.written
    }

    /// Says what became of the file between this state and a `later` one, where its first bytes need not be the same any
    /// more. One that only grew, as a log does, has the same first bytes.
    fn change_to(&self, later: &Self) -> Option<&'static str> {
        match () {
            () if later.id != self.id => Some("was replaced by another file"),
            () if later.bytes < self.bytes => Some("became shorter"),
            () if later.bytes == self.bytes && later.written != self.written => Some("was written to"),
            () => None,
        }
    }
}

#[cfg(unix)]
fn id_of(metadata: &std::fs::Metadata) -> (u64, u64) {
    use std::os::unix::fs::MetadataExt;
    (metadata.dev(), metadata.ino())
}

#[cfg(not(unix))]
fn id_of(_: &std::fs::Metadata) -> (u64, u64) {
    (0, 0)
}

/// Holds a file that was opened once, and the state in which it was. Clones are of the same file.
#[derive(Clone, Debug)]
pub struct SeenFile(Arc<Seen>);

#[derive(Debug)]
struct Seen {
    /// Where it is. Its name may be a learner's.
    location: PathBuf,
    /// How it is called.
    path: PathBuf,
    state: FileState,
    /// All of its bytes, of a small file: it need not be opened again.
    held: Option<Vec<u8>>,
    /// BLAKE3 of its bytes, once they were read.
    blake3: OnceLock<String>,
    grew: AtomicBool,
}

impl SeenFile {
    /// Opens the file at `path` for the first time. All of its bytes are read at once and held where `is_held` says so of
    /// their number, and those of a pipe, which can't be opened again.
    ///
    /// # Errors
    /// When it can't be opened or read.
    pub(crate) fn first(path: &Path, is_held: impl FnOnce(u64) -> bool) -> Result<Content, ReadError> {
        Self::first_called(path, path, is_held)
    }

    /// Opens the file at `location` for the first time, as [`SeenFile::first`] does. It is called `path` from then on, in
    /// errors too.
    ///
    /// # Errors
    /// As [`SeenFile::first`].
    pub(crate) fn first_called(
        path: &Path,
        location: &Path,
        is_held: impl FnOnce(u64) -> bool,
    ) -> Result<Content, ReadError> {
        let mut content = Self::first_at(location, is_held).map_err(|error| error.called(path))?;
        if path != location
            && let Some(seen) = Arc::get_mut(&mut content.seen.0)
        {
            path.clone_into(&mut seen.path);
        }
        Ok(content)
    }

    fn first_at(path: &Path, is_held: impl FnOnce(u64) -> bool) -> Result<Content, ReadError> {
        if is_pipe(path) {
            let (seen, _) = Self::whole(path)?;
            return Ok(Content { seen, on_disk: None });
        }
        let mut file = open(path)?;
        let state = FileState::of(&file).map_err(ReadError::io(path))?;
        if !is_held(state.bytes) {
            return Ok(Content { seen: Self::new(path, state, None), on_disk: Some(file) });
        }
        let mut bytes = Vec::with_capacity(state.bytes as usize);
        file.by_ref().take(state.bytes).read_to_end(&mut bytes).map_err(ReadError::io(path))?;
        Ok(Content { seen: Self::new(path, state, Some(bytes)), on_disk: None })
    }

    /// Reads all bytes of the file at `path`, which may be a pipe: it is opened this once.
    ///
    /// # Errors
    /// When it can't be opened or read.
    pub(crate) fn whole(path: &Path) -> Result<(Self, Vec<u8>), ReadError> {
        let file = if is_pipe(path) { open_pipe(path)? } else { open(path)? };
        let state = FileState::of(&file).map_err(ReadError::io(path))?;
        let mut bytes = Vec::new();
        file.take(MOST_HELD_BYTES + 1).read_to_end(&mut bytes).map_err(ReadError::io(path))?;
        if bytes.len() as u64 > MOST_HELD_BYTES {
            let what = format!("more than {} MiB came out of it; write it into a file first", MOST_HELD_BYTES >> 20);
            return Err(ReadError::Decode { path: path.to_owned(), what });
        }
        let seen = Self::new(path, state, Some(bytes.clone()));
        Ok((seen, bytes))
    }

    fn new(path: &Path, state: FileState, held: Option<Vec<u8>>) -> Self {
        let bytes = held.as_ref().map_or(state.bytes, |held| held.len() as u64);
        let state = FileState { bytes, ..state };
        let (blake3, grew) = (OnceLock::new(), AtomicBool::new(false));
        Self(Arc::new(Seen { location: path.to_owned(), path: path.to_owned(), state, held, blake3, grew }))
    }

    /// Returns how the file is called, in messages and in what is written: where it is, unless the name that it has there may
    /// be a learner's. Never two files of one log are called the same.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0.path
    }

    /// Returns where the file is. Never to be shown.
    pub(crate) fn location(&self) -> &Path {
        &self.0.location
    }

    /// Returns the number of its bytes when it was first opened: as many count, even if it grew since.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.0.state.bytes
    }

    /// Returns the state in which it was.
    #[must_use]
    pub fn state(&self) -> FileState {
        self.0.state
    }

    /// Tells whether it was seen to have more bytes than when it was first opened.
    #[must_use]
    pub fn grew(&self) -> bool {
        self.0.grew.load(Ordering::Relaxed)
    }

    /// Returns the BLAKE3 of the file's bytes, in hexadecimal. Reads it where that was not done yet.
    ///
    /// # Errors
    /// When it can't be read, or changed.
    pub fn blake3(&self) -> Result<String, ReadError> {
        if let Some(hash) = self.0.blake3.get() {
            return Ok(hash.clone());
        }
        let content = self.open()?;
        let hash = content.blake3().map_err(ReadError::io(self.path()))?;
        content.check()?;
        Ok(self.0.blake3.get_or_init(|| hash).clone())
    }

    /// Notes the hash of all of the file's bytes.
    pub(crate) fn note_blake3(&self, hash: String) {
        let _ = self.0.blake3.set(hash);
    }

    /// Opens the file again, or lends what is held of it.
    ///
    /// # Errors
    /// When it can't be opened, or is not in the state any more in which it was.
    pub(crate) fn open(&self) -> Result<Content, ReadError> {
        let on_disk = match self.0.held {
            Some(_) => None,
            None => Some(self.open_on_disk()?),
        };
        Ok(Content { seen: self.clone(), on_disk })
    }

    /// Opens the file again, whether it is held or not.
    ///
    /// # Errors
    /// As [`SeenFile::open`].
    pub(crate) fn open_on_disk(&self) -> Result<File, ReadError> {
        let file = open(self.location()).map_err(|error| error.called(self.path()))?;
        self.check(&file)?;
        Ok(file)
    }

    /// Fails when `file`, which was opened, is not in the state in which the file was.
    ///
    /// # Errors
    /// When it was replaced, or bytes that count may have changed.
    fn check(&self, file: &File) -> Result<(), ReadError> {
        let now = FileState::of(file).map_err(ReadError::io(self.path()))?;
        if let Some(how) = self.0.state.change_to(&now) {
            return Err(ReadError::Changed { path: self.path().to_owned(), how });
        }
        if now.bytes > self.0.state.bytes {
            self.0.grew.store(true, Ordering::Relaxed);
        }
        Ok(())
    }
}

impl PartialEq for SeenFile {
    fn eq(&self, other: &Self) -> bool {
        self.0.path == other.0.path && self.0.state == other.0.state
    }
}

impl Eq for SeenFile {}

/// Bounds the bytes of a pipe, or of a file that is read at once.
const MOST_HELD_BYTES: u64 = 256 << 20;

/// Bounds the time for which somebody is waited for who writes to a pipe.
const PIPE_PATIENCE: Duration = Duration::from_secs(5);

/// Names what is no regular file and no folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Special {
    /// A named pipe, or what a shell makes of `<(…)`.
    Pipe,
    /// A terminal, a disk …
    Device,
    Socket,
    Other,
}

impl Special {
    #[cfg(unix)]
    pub(crate) fn of(kind: std::fs::FileType) -> Self {
        use std::os::unix::fs::FileTypeExt;
        match () {
            () if kind.is_fifo() => Self::Pipe,
            () if kind.is_char_device() || kind.is_block_device() => Self::Device,
            () if kind.is_socket() => Self::Socket,
            () => Self::Other,
        }
    }

    #[cfg(not(unix))]
    pub(crate) fn of(_: std::fs::FileType) -> Self {
        Self::Other
    }

    /// Completes a sentence that begins with its name.
    pub(crate) const fn what(self) -> &'static str {
        match self {
            Self::Pipe => "is a pipe",
            Self::Device => "is a device",
            Self::Socket => "is a socket",
            Self::Other => "is no regular file",
        }
    }
}

/// Tells whether `path` is, or leads to, a pipe.
#[must_use]
pub fn is_pipe(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|of| !of.is_file() && Special::of(of.file_type()) == Special::Pipe)
}

/// Opens a pipe, which waits until somebody opens it to write.
///
/// # Errors
/// When nobody does so for five seconds, or it can't be opened.
pub fn open_pipe(path: &Path) -> Result<File, ReadError> {
    let (sender, receiver) = std::sync::mpsc::channel();
    let its = path.to_owned();
    // It waits in a thread of its own, as there is no end to it.
    let waiting = std::thread::Builder::new().spawn(move || sender.send(open(&its)));
    waiting.map_err(ReadError::io(path))?;
    receiver.recv_timeout(PIPE_PATIENCE).unwrap_or_else(|_| {
        let what = format!("nobody wrote to this pipe for {} seconds", PIPE_PATIENCE.as_secs());
        Err(ReadError::Decode { path: path.to_owned(), what })
    })
}

/// Opens a file.
///
/// # Errors
/// When it does not exist, can't be opened, or is a device.
pub(crate) fn open(path: &Path) -> Result<File, ReadError> {
    let special = std::fs::metadata(path).ok().filter(|of| !of.is_file() && !of.is_dir());
    match special.map(|of| Special::of(of.file_type())) {
        Some(Special::Pipe) | None => {}
        Some(special) => {
            let what = format!("{}, which is not read; copy what comes out of it into a file", special.what());
            return Err(ReadError::Decode { path: path.to_owned(), what });
        }
    }
    #[cfg(test)]
    opens::count(path);
    File::open(path).map_err(|source| match source.kind() {
        io::ErrorKind::NotFound => ReadError::NotFound { path: path.to_owned() },
        _ => ReadError::Io { path: path.to_owned(), source },
    })
}

/// Holds the bytes of a file that can be read, from any thread.
#[derive(Debug)]
pub(crate) struct Content {
    seen: SeenFile,
    /// `None` where the bytes are held.
    on_disk: Option<File>,
}

impl Content {
    /// Returns the number of bytes: those that the file had when it was first opened.
    pub(crate) fn bytes(&self) -> u64 {
        self.seen.bytes()
    }

    /// Reads some bytes from place `at` on into `out`; 0 at the end.
    ///
    /// # Errors
    /// When the file can't be read, or has become shorter.
    pub(crate) fn read_at(&self, out: &mut [u8], at: u64) -> io::Result<usize> {
        let left = usize::try_from(self.bytes().saturating_sub(at)).unwrap_or(usize::MAX);
        let wanted = out.len().min(left);
        if wanted == 0 {
            return Ok(0);
        }
        let out = &mut out[..wanted];
        let Some(file) = &self.on_disk else {
            let held = self.seen.0.held.as_deref().unwrap_or_default();
            out.copy_from_slice(&held[at as usize..at as usize + wanted]);
            return Ok(wanted);
        };
        match read_file_at(file, out, at)? {
            0 => Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the file became shorter while it was read")),
            count => Ok(count),
        }
    }

    /// Fills `out` from place `at` on, as far as there are bytes; returns how many there were.
    ///
    /// # Errors
    /// As [`Content::read_at`].
    pub(crate) fn fill_at(&self, out: &mut [u8], at: u64) -> io::Result<usize> {
        let mut filled = 0;
        while filled < out.len() {
            match self.read_at(&mut out[filled..], at + filled as u64) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => (),
                Err(error) => return Err(error),
            }
        }
        Ok(filled)
    }

    /// Returns the file that they are of.
    pub(crate) fn seen(&self) -> &SeenFile {
        &self.seen
    }

    /// Computes the BLAKE3 of the bytes, in hexadecimal. Reads pieces of 8 MiB and hashes each on rayon's threads: a memory
    /// map would be no quicker and would count the whole file as this program's memory.
    fn blake3(&self) -> io::Result<String> {
        const PIECE_BYTES: u64 = 8 << 20;
        let mut hasher = blake3::Hasher::new();
        let mut piece = vec![0; self.bytes().min(PIECE_BYTES) as usize];
        let mut at = 0;
        loop {
            let count = self.fill_at(&mut piece, at)?;
            if count == 0 {
                return Ok(hasher.finalize().to_hex().to_string());
            }
            hasher.update_rayon(&piece[..count]);
            at += count as u64;
        }
    }

    /// Fails when the file changed while it was read.
    ///
    /// # Errors
    /// When it became shorter or was written to.
    pub(crate) fn check(&self) -> Result<(), ReadError> {
        self.on_disk.as_ref().map_or(Ok(()), |file| self.seen.check(file))
    }
}

#[cfg(unix)]
fn read_file_at(file: &File, out: &mut [u8], at: u64) -> io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, out, at)
}

#[cfg(windows)]
fn read_file_at(file: &File, out: &mut [u8], at: u64) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_read(file, out, at)
}

/// Counts how often files are opened, for tests.
#[cfg(test)]
pub(crate) mod opens {
    use std::collections::BTreeMap;
    use std::path::{Path, PathBuf};
    use std::sync::{Mutex, PoisonError};

    static OPENED: Mutex<BTreeMap<PathBuf, u32>> = Mutex::new(BTreeMap::new());

    pub(super) fn count(path: &Path) {
        *OPENED.lock().unwrap_or_else(PoisonError::into_inner).entry(path.to_owned()).or_default() += 1;
    }

    /// Returns how often files in `folder` were opened since this was last asked.
    pub(crate) fn take(folder: &Path) -> BTreeMap<PathBuf, u32> {
        let mut all = OPENED.lock().unwrap_or_else(PoisonError::into_inner);
        let (inside, others) = std::mem::take(&mut *all).into_iter().partition(|(path, _)| path.starts_with(folder));
        *all = others;
        inside
    }
}

#[cfg(test)]
mod tests;
