//! Names of what is being written, and what killed processes leave under such names.

use std::ffi::OsString;
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use crate::WriteError;
use crate::checkpoint::has_checkpoint;
use crate::live;
use crate::place::open_plain;
use crate::system::parent_of;

/// Is held from looking for leftovers until the new draft is locked, so that no thread of this process takes another's
/// draft for a leftover in between.
pub(crate) static BEGINNING: Mutex<()> = Mutex::new(());

/// Sets the longest part of a name that goes into the name of its draft, in bytes; file systems allow 255 for both.
const MOST_NAME_BYTES: usize = 180;

/// Names the kind of thing that is written under a temporary name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A file.
    File,
    /// A folder.
    Folder,
    /// A folder that another takes the place of.
    Replaced,
    /// A private folder for one process.
    Scratch,
}

impl Kind {
    const ALL: [Self; 4] = [Self::File, Self::Folder, Self::Replaced, Self::Scratch];

    const fn word(self) -> &'static str {
        match self {
            Self::File => "tmp",
            Self::Folder => "draft",
            Self::Replaced => "replaced",
            Self::Scratch => "scratch",
        }
    }
}

/// Holds the names `.NAME.KIND-PROCESS-RANDOM` of one place and kind.
pub(crate) struct DraftNames<'a> {
    parent: &'a Path,
    prefix: String,
}

impl<'a> DraftNames<'a> {
    /// Names drafts of `place`.
    ///
    /// # Errors
    /// When `place` ends in no name, as `/` or `..`.
    pub(crate) fn new(place: &'a Path, kind: Kind) -> Result<Self, WriteError> {
        let Some(name) = place.file_name() else {
            let source = io::Error::new(io::ErrorKind::InvalidInput, "the path does not end in a name");
            return Err(WriteError { action: "write", path: place.to_owned(), source });
        };
        let name = name.to_string_lossy();
        let prefix = format!(".{}.{}-", &name[..name.floor_char_boundary(MOST_NAME_BYTES)], kind.word());
        Ok(Self { parent: parent_of(place), prefix })
    }

    /// Makes a new entry by `make`, which gets its path, and returns that path.
    pub(crate) fn make<T>(
        &self,
        mut make: impl FnMut(&Path) -> io::Result<T>,
    ) -> io::Result<tempfile::NamedTempFile<T>> {
        let prefix = OsString::from(format!("{}{}-", self.prefix, std::process::id()));
        tempfile::Builder::new().prefix(&prefix).make_in(self.parent, |path| make(path))
    }

    /// Makes a new folder by `make`, and returns its path.
    pub(crate) fn make_folder(&self, make: impl FnMut(&Path) -> io::Result<()>) -> io::Result<PathBuf> {
        self.make(make)?.into_temp_path().keep().map_err(|error| error.error)
    }

    /// Finds what killed processes left, in the order of names.
    pub(crate) fn leftovers(&self) -> Vec<Leftover> {
        let Ok(entries) = fs::read_dir(self.parent) else { return Vec::new() };
        let left = |name: &str| Leftover::claim(self.parent.join(name), name.strip_prefix(&self.prefix)?);
        let mut found: Vec<_> =
            entries.flatten().filter_map(|entry| left(&entry.file_name().to_string_lossy())).collect();
        found.sort_by(|one, other| one.path.cmp(&other.path));
        found
    }
}

/// Holds a draft that a killed process left. It belongs to this process until the value is dropped.
pub(crate) struct Leftover {
    pub(crate) path: PathBuf,
    /// Part of the name that follows the process.
    random: String,
    lock: Option<File>,
}

impl Leftover {
    /// Claims the draft at `path`, if no live process owns it. `rest` is what follows the kind in its name.
    fn claim(path: PathBuf, rest: &str) -> Option<Self> {
        let (process, random) = process_and_random(rest)?;
        if !is_gone(process) {
            return None;
        }
        let file = open_plain(&path)?;
        let random = random.to_owned();
        match file.try_lock() {
            Ok(()) => Some(Self { path, random, lock: Some(file) }),
            Err(TryLockError::WouldBlock) => None,
            // The file system knows no locks: the process in the name is all there is to go by.
            Err(TryLockError::Error(_)) => Some(Self { path, random, lock: None }),
        }
    }

    /// Gives the draft the name of one of this process, and returns its path and its lock.
    pub(crate) fn adopt(self, names: &DraftNames<'_>) -> io::Result<(PathBuf, Option<File>)> {
        let name = format!("{}{}-{}", names.prefix, std::process::id(), self.random);
        let own = names.parent.join(name);
        live::with_drafts(|drafts| {
            fs::rename(&self.path, &own)?;
            drafts.insert(own.clone());
            Ok((own, self.lock))
        })
    }

    pub(crate) fn remove(self) {
        let _ = if self.path.is_dir() { fs::remove_dir_all(&self.path) } else { fs::remove_file(&self.path) };
    }
}

fn process_and_random(rest: &str) -> Option<(u32, &str)> {
    let (process, random) = rest.split_once('-')?;
    let random_is_ours = !random.is_empty() && random.bytes().all(|byte| byte.is_ascii_alphanumeric());
    random_is_ours.then_some((process.parse().ok()?, random))
}

/// Returns whether a process has ended, as far as its number tells. Our own number counts as ended, as containers use
/// numbers again: what this process holds is locked.
fn is_gone(process: u32) -> bool {
    process == std::process::id() || !cfg!(target_os = "linux") || !Path::new(&format!("/proc/{process}")).exists()
}

/// Locks a draft until the handle is dropped. Without locks in the file system, the name alone says whose it is.
pub(crate) fn lock(path: &Path) -> Option<File> {
    File::open(path).ok().filter(|file| file.try_lock().is_ok())
}

/// Holds the parts of a draft's name.
struct Parsed<'a> {
    /// The file or folder that was being written; cut where it was long.
    place: &'a str,
    kind: Kind,
    /// What follows the kind.
    rest: &'a str,
}

/// Splits the name of a draft into its parts.
fn parse(name: &str) -> Option<Parsed<'_>> {
    let name = name.strip_prefix('.')?;
    Kind::ALL.into_iter().find_map(|kind| {
        let (place, rest) = name.rsplit_once(&format!(".{}-", kind.word()))?;
        process_and_random(rest).map(|_| Parsed { place, kind, rest })
    })
}

/// Returns whether a file or folder has the name of something that is being written, or that a killed process left.
#[must_use]
pub fn is_leftover(name: &str) -> bool {
    parse(name).is_some()
}

/// Removes the half-written files that killed processes left in `folder`. Folders in it are left alone: a draft may be
/// resumed. Best effort: what can't be removed does no harm.
pub fn remove_leftovers(folder: &Path) {
    let _beginning = BEGINNING.lock();
    remove_dead(folder, |_, kind| kind == Kind::File);
}

/// Removes everything that killed processes left in `folder`, whatever they were writing there, and puts back folders that
/// they were replacing. Drafts with a [`CHECKPOINT`](crate::CHECKPOINT) stay: they may be resumed. Best effort, as [`remove_leftovers`].
pub fn clean_up(folder: &Path) {
    let _beginning = BEGINNING.lock();
    remove_all_dead(folder);
}

/// Does so for a caller that holds [`BEGINNING`].
pub(crate) fn remove_all_dead(folder: &Path) {
    remove_dead(folder, |path, kind| kind != Kind::Folder || !has_checkpoint(path));
}

fn remove_dead(folder: &Path, goes: impl Fn(&Path, Kind) -> bool) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let (name, path) = (entry.file_name(), entry.path());
        let name = name.to_string_lossy();
        let Some(Parsed { place, kind, rest }) = parse(&name) else { continue };
        if !goes(&path, kind) {
            continue;
        }
        let Some(leftover) = Leftover::claim(path, rest) else { continue };
        match kind {
            // Of a name that was cut or changed, only the next output at that place knows which it was.
            Kind::Replaced if place.len() + 4 > MOST_NAME_BYTES || place.contains('\u{fffd}') => {}
            Kind::Replaced if fs::symlink_metadata(folder.join(place)).is_err() => {
                drop(fs::rename(&leftover.path, folder.join(place)));
            }
            _ => leftover.remove(),
        }
    }
}
