//! Files.

use std::collections::BTreeSet;
use std::fs::{self, File, Permissions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;
use tempfile::NamedTempFile;

use crate::json::{write_line, write_pretty};
use crate::leftovers::{BEGINNING, DraftNames, Kind, remove_all_dead};
use crate::live;
use crate::place::{FilePlace, file_place};
use crate::stream::Stream;
use crate::system::{create_file, make_parent, parent_of, permissions_of_file, sync_folder};
use crate::{IfExists, WriteError};

const BUFFER_BYTES: usize = 64 * 1024;

/// Holds a file that is being written. Dropped before it is published, it is removed.
///
/// A link at its place is followed. Where a pipe or a device is, the file is kept without a name until it is finished, and
/// then written there.
#[derive(Debug)]
pub struct FileDraft {
    /// As the user named it.
    place: PathBuf,
    content: Content,
}

#[derive(Debug)]
enum Content {
    File(Box<NamedDraft>),
    /// A file without a name, and where its content goes.
    Stream(File, Stream),
}

/// Holds a file under a temporary name.
#[derive(Debug)]
struct NamedDraft {
    /// Taken when it is published.
    file: Option<NamedTempFile>,
    /// Those that it gets when it is finished, where it has none yet.
    permissions: Option<Permissions>,
    /// The name that it gets, without links at its end.
    target: PathBuf,
}

impl Drop for NamedDraft {
    fn drop(&mut self) {
        if let Some(file) = self.file.take() {
            let path = file.path().to_owned();
            live::drop_draft(&path, || drop(file));
        }
    }
}

impl NamedDraft {
    fn begin(target: PathBuf) -> io::Result<Self> {
        let _beginning = BEGINNING.lock();
        remove_all_dead(parent_of(&target));
        let names = DraftNames::new(&target, Kind::File).map_err(|error| error.source)?;
        let given = permissions_of_file(&target);
        let mut permissions = None;
        let file = live::with_drafts(|drafts| {
            let file = names.make(|path| {
                let (file, by_umask) = create_file(path, given.as_ref())?;
                permissions = by_umask;
                Ok(file)
            })?;
            drafts.insert(file.path().to_owned());
            io::Result::Ok(file)
        })?;
        // Where the file system knows no locks, the name says whose it is.
        let _ = file.as_file().try_lock();
        Ok(Self { file: Some(file), permissions, target })
    }

    /// Syncs the file and gives it its permissions.
    fn finish(&self) -> io::Result<()> {
        let Some(file) = &self.file else { return Ok(()) };
        file.as_file().sync_all()?;
        // Last, as a process that is killed meanwhile leaves a file that others can read from then on.
        self.permissions.clone().map_or(Ok(()), |permissions| file.as_file().set_permissions(permissions))
    }

    /// Gives the file its name and takes it from the list of drafts.
    fn name(&mut self, drafts: &mut BTreeSet<PathBuf>, if_exists: IfExists) -> io::Result<()> {
        let Some(file) = self.file.take() else { return Ok(()) };
        // Where it fails, the draft goes too.
        drafts.remove(file.path());
        let named = match if_exists {
            IfExists::Refuse => file.persist_noclobber(&self.target),
            IfExists::Replace => file.persist(&self.target),
        };
        named.map(drop).map_err(|error| error.error)
    }
}

impl FileDraft {
    /// Begins a draft of the file at `place`, in its own folder, which is created where it is missing. What killed processes
    /// left in that folder is removed.
    ///
    /// # Errors
    /// When a folder or a socket is in the place, or the folder or the draft can't be created.
    pub fn begin(place: &Path) -> Result<Self, WriteError> {
        let failed = || WriteError::at("write", place);
        let content = match file_place(place)? {
            FilePlace::Stream(stream) => Content::Stream(tempfile::tempfile().map_err(failed())?, stream),
            FilePlace::File(target) => {
                DraftNames::new(place, Kind::File)?;
                make_parent(&target)?;
                Content::File(Box::new(NamedDraft::begin(target).map_err(failed())?))
            }
        };
        Ok(Self { place: place.to_owned(), content })
    }

    /// Returns the file to write to.
    pub fn file_mut(&mut self) -> &mut File {
        match &mut self.content {
            Content::File(draft) => draft.file.as_mut().expect("it is not published yet").as_file_mut(),
            Content::Stream(file, _) => file,
        }
    }

    /// Syncs the file and gives it its name, or writes it to the pipe or device in the place.
    ///
    /// # Errors
    /// When something else is in the place and is to be kept, or the system refuses. Then the place is as it was.
    pub fn publish(self, if_exists: IfExists) -> Result<(), WriteError> {
        publish_together(vec![self], if_exists)
    }

    /// Writes a whole content.
    fn with(place: &Path, fill: impl FnOnce(&mut (dyn Write + Send)) -> io::Result<()>) -> Result<Self, WriteError> {
        let mut draft = Self::begin(place)?;
        let mut buffer = BufWriter::with_capacity(BUFFER_BYTES, draft.file_mut());
        fill(&mut buffer).and_then(|()| buffer.flush()).map_err(WriteError::at("write", place))?;
        drop(buffer);
        Ok(draft)
    }
}

/// Publishes drafts of files that belong together, once all of them are on the disk.
///
/// No system names several files in one step. So the old ones go before the new ones come, but for the first, which is
/// replaced: a process that is killed meanwhile leaves some of one kind, and never two that contradict each other.
fn publish_together(drafts: Vec<FileDraft>, if_exists: IfExists) -> Result<(), WriteError> {
    let (mut files, mut streams) = (Vec::new(), Vec::new());
    for draft in drafts {
        match draft.content {
            Content::File(named) => {
                named.finish().map_err(WriteError::at("write", &draft.place))?;
                files.push((draft.place, named));
            }
            Content::Stream(content, stream) => streams.push((draft.place, content, stream)),
        }
    }
    // A signal that can be caught waits until all have their names.
    live::with_drafts(|drafts| {
        if if_exists == IfExists::Replace {
            for (place, named) in files.iter().skip(1) {
                match fs::remove_file(&named.target) {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => {
                        return Err(WriteError::at("replace", place)(error));
                    }
                    _ => {}
                }
            }
        }
        for (place, named) in &mut files {
            named.name(drafts, if_exists).map_err(WriteError::at("write", place))?;
        }
        Ok(())
    })?;
    // The names last only once their folders are on the disk.
    let mut folders = BTreeSet::new();
    for (place, named) in &files {
        if folders.insert(parent_of(&named.target)) {
            sync_folder(parent_of(&named.target)).map_err(WriteError::at("write", place))?;
        }
    }
    for (place, mut content, stream) in streams {
        stream.write_all_of(&mut content).map_err(WriteError::at("write", &place))?;
    }
    Ok(())
}

/// Writes a file through `fill`, in place of an existing one. When anything fails, the place is as it was.
///
/// # Errors
/// When `fill` fails or the system refuses.
pub fn write_with(path: &Path, fill: impl FnOnce(&mut (dyn Write + Send)) -> io::Result<()>) -> Result<(), WriteError> {
    FileDraft::with(path, fill)?.publish(IfExists::Replace)
}

/// Writes a file of these bytes, or this text, in place of an existing one.
///
/// # Errors
/// When the system refuses.
pub fn write(path: &Path, contents: impl AsRef<[u8]>) -> Result<(), WriteError> {
    write_with(path, |file| file.write_all(contents.as_ref()))
}

/// Writes files that say the same in several forms, in place of existing ones. None is replaced before all are on the disk,
/// and an old one never stands beside a new one.
///
/// # Errors
/// When the system refuses. Up to the moment at which all are on the disk, the places are as they were.
pub fn write_together<P: AsRef<Path>, C: AsRef<[u8]>>(
    files: impl IntoIterator<Item = (P, C)>,
) -> Result<(), WriteError> {
    let draft = |(path, contents): (P, C)| FileDraft::with(path.as_ref(), |file| file.write_all(contents.as_ref()));
    publish_together(files.into_iter().map(draft).collect::<Result<_, _>>()?, IfExists::Replace)
}

/// Writes a value as indented JSON with a line break at its end, in place of an existing file.
///
/// # Errors
/// When the system refuses, or the value has no JSON form.
pub fn write_json(path: &Path, value: &impl Serialize) -> Result<(), WriteError> {
    write_with(path, |file| {
        write_pretty(file, value)?;
        file.write_all(b"\n")
    })
}

/// Writes values as JSON, one a line, in place of an existing file.
///
/// # Errors
/// When the system refuses, or a value has no JSON form.
pub fn write_json_lines(path: &Path, values: impl IntoIterator<Item = impl Serialize>) -> Result<(), WriteError> {
    write_with(path, |file| {
        for value in values {
            write_line(file, &value)?;
            file.write_all(b"\n")?;
        }
        Ok(())
    })
}
