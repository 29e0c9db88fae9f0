//! Folders above a path, permissions, and making names last.

use std::fs::{self, File, Permissions};
use std::io;
use std::path::Path;

use crate::WriteError;

/// Returns the folder that holds `path`.
pub(crate) fn parent_of(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Creates the folders above `path` that are missing.
pub(crate) fn make_parent(path: &Path) -> Result<&Path, WriteError> {
    let parent = parent_of(path);
    fs::create_dir_all(parent).map_err(WriteError::at("make", parent))?;
    Ok(parent)
}

/// Returns the permissions of the plain file in the place.
pub(crate) fn permissions_of_file(path: &Path) -> Option<Permissions> {
    fs::symlink_metadata(path).ok().filter(fs::Metadata::is_file).map(|metadata| metadata.permissions())
}

/// Returns the permissions of the folder in the place.
pub(crate) fn permissions_of_folder(path: &Path) -> Option<Permissions> {
    fs::symlink_metadata(path).ok().filter(fs::Metadata::is_dir).map(|metadata| metadata.permissions())
}

/// Creates a file that must not exist: as the umask says, or with the given permissions from the first instant on.
#[cfg(unix)]
pub(crate) fn create_file(path: &Path, permissions: Option<&Permissions>) -> io::Result<File> {
    use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
    let mode = permissions.map_or(0o666, |permissions| permissions.mode() & 0o777);
    let file = File::options().read(true).write(true).create_new(true).mode(mode).open(path)?;
    // The umask took its part of those too.
    if let Some(permissions) = permissions {
        file.set_permissions(permissions.clone())?;
    }
    Ok(file)
}

#[cfg(not(unix))]
pub(crate) fn create_file(path: &Path, _permissions: Option<&Permissions>) -> io::Result<File> {
    File::options().read(true).write(true).create_new(true).open(path)
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

/// Creates a folder that is no more open than `permissions`, as the umask says where there are none. Its owner can
/// write to it in any case.
#[cfg(unix)]
pub(crate) fn create_folder(path: &Path, permissions: Option<&Permissions>) -> io::Result<()> {
    use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
    let mode = permissions.map_or(0o777, |permissions| permissions.mode() & 0o777 | 0o700);
    fs::DirBuilder::new().mode(mode).create(path)
}

#[cfg(not(unix))]
pub(crate) fn create_folder(path: &Path, _permissions: Option<&Permissions>) -> io::Result<()> {
    fs::create_dir(path)
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
