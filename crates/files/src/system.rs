//! Folders above a path, permissions, and making names last.

use std::fs::{self, File, Permissions};
use std::io;
use std::path::Path;

use crate::WriteError;
use crate::live;

/// Returns the folder that holds `path`.
pub(crate) fn parent_of(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Creates the folders above `path` that are missing.
pub(crate) fn make_parent(path: &Path) -> Result<&Path, WriteError> {
    let parent = parent_of(path);
    make_folders(parent).map_err(WriteError::at("make", parent))?;
    Ok(parent)
}

/// Creates a folder with those above it that are missing; but not in a process that a signal ends, whose draft it would make
/// anew.
pub(crate) fn make_folders(folder: &Path) -> io::Result<()> {
    live::with_drafts(|_| fs::create_dir_all(folder))
}

/// Returns the permissions of the plain file in the place.
pub(crate) fn permissions_of_file(path: &Path) -> Option<Permissions> {
    fs::symlink_metadata(path).ok().filter(fs::Metadata::is_file).map(|metadata| metadata.permissions())
}

/// Returns the permissions of the folder in the place.
pub(crate) fn permissions_of_folder(path: &Path) -> Option<Permissions> {
    fs::symlink_metadata(path).ok().filter(fs::Metadata::is_dir).map(|metadata| metadata.permissions())
}

/// Creates a file that must not exist: with the given permissions from the first instant on, or private to its owner. Then
/// the permissions come too that the umask gives, for when it is finished.
#[cfg(unix)]
pub(crate) fn create_file(path: &Path, given: Option<&Permissions>) -> io::Result<(File, Option<Permissions>)> {
    use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
    let mode = given.map_or(0o666, |permissions| permissions.mode() & 0o777);
    let file = File::options().read(true).write(true).create_new(true).mode(mode).open(path)?;
    let Some(given) = given else {
        let umask = file.metadata()?.permissions();
        file.set_permissions(Permissions::from_mode(umask.mode() & 0o700))?;
        return Ok((file, Some(umask)));
    };
    // The umask took its part of those too.
    file.set_permissions(given.clone())?;
    Ok((file, None))
}

#[cfg(not(unix))]
pub(crate) fn create_file(path: &Path, _given: Option<&Permissions>) -> io::Result<(File, Option<Permissions>)> {
    Ok((File::options().read(true).write(true).create_new(true).open(path)?, None))
}

/// Creates a folder that nobody but its owner can look into.
#[cfg(unix)]
pub(crate) fn create_private_folder(path: &Path) -> io::Result<()> {
    std::os::unix::fs::DirBuilderExt::mode(&mut fs::DirBuilder::new(), 0o700).create(path)
}

#[cfg(not(unix))]
pub(crate) fn create_private_folder(path: &Path) -> io::Result<()> {
    fs::create_dir(path)
}

/// Returns the permissions that the umask gives to a new folder, where `folder` is a private draft of it.
#[cfg(unix)]
pub(crate) fn permissions_by_umask(folder: &Path) -> io::Result<Permissions> {
    use std::os::unix::fs::PermissionsExt;
    // Asking the system for the umask changes it for an instant. A folder in the private draft does not.
    let probe = folder.join(".umask");
    // A killed process may have left it in a draft that is resumed.
    let _ = fs::remove_dir(&probe);
    fs::create_dir(&probe)?;
    let permissions = fs::symlink_metadata(&probe).map(|metadata| metadata.permissions());
    fs::remove_dir(&probe)?;
    // What is inherited from a group's folder is the draft's own.
    let inherited = fs::symlink_metadata(folder)?.permissions().mode() & 0o7000;
    permissions.map(|permissions| Permissions::from_mode(permissions.mode() & 0o777 | inherited))
}

#[cfg(not(unix))]
pub(crate) fn permissions_by_umask(folder: &Path) -> io::Result<Permissions> {
    Ok(fs::symlink_metadata(folder)?.permissions())
}

/// Lets two folders change places in one step. Returns whether the system can do so.
#[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
pub(crate) fn exchange(one: &Path, other: &Path) -> io::Result<bool> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    use rustix::io::Errno;
    match renameat_with(CWD, one, CWD, other, RenameFlags::EXCHANGE) {
        Ok(()) => Ok(true),
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

#[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
pub(crate) fn exchange(_one: &Path, _other: &Path) -> io::Result<bool> {
    Ok(false)
}

/// Makes the names in a folder last. Elsewhere than on Unix a folder can't be opened to be synced.
#[cfg(unix)]
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(not(unix))]
pub(crate) fn sync_folder(_folder: &Path) -> io::Result<()> {
    Ok(())
}
