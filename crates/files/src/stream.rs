//! Outputs that are no files: pipes, terminals, `/dev/null`, and files that are open already, as `/dev/stdout`.

use std::fs::File;
use std::io::{self, Seek};
use std::path::{Path, PathBuf};

use crate::system::parent_of;

/// Names something that is written to from first to last, and can't be replaced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Stream {
    /// A named pipe or a device.
    Path(PathBuf),
    /// The output of this process.
    Stdout,
    /// Its output for messages.
    Stderr,
}

impl Stream {
    /// Returns what a path stands for that names an open file, as `/proc/self/fd/1` does.
    pub(crate) fn of_descriptor(path: &Path) -> Option<Self> {
        let folder = parent_of(path);
        if !folder.ends_with("fd") {
            return None;
        }
        let folder = folder.canonicalize().ok()?;
        let process = folder.strip_prefix("/proc").ok()?.components().next()?;
        let number = path.file_name()?.to_str()?;
        let is_ours = process.as_os_str().to_str() == Some(&std::process::id().to_string());
        match (is_ours, number) {
            (true, "1") => Some(Self::Stdout),
            (true, "2") => Some(Self::Stderr),
            // A number that is not open has no link.
            _ => std::fs::read_link(path).is_ok().then(|| Self::Path(path.to_owned())),
        }
    }

    /// Writes all of `content`, from its beginning on.
    pub(crate) fn write_all_of(&self, content: &mut File) -> io::Result<()> {
        content.rewind()?;
        let mut out = self.open()?;
        io::copy(content, &mut out)?;
        Ok(())
    }

    #[cfg(unix)]
    fn open(&self) -> io::Result<File> {
        use std::os::fd::AsFd;
        match self {
            Self::Path(path) => open_path(path),
            Self::Stdout => Ok(io::stdout().as_fd().try_clone_to_owned()?.into()),
            Self::Stderr => Ok(io::stderr().as_fd().try_clone_to_owned()?.into()),
        }
    }

    #[cfg(not(unix))]
    fn open(&self) -> io::Result<File> {
        match self {
            Self::Path(path) => File::options().append(true).open(path),
            Self::Stdout | Self::Stderr => Err(io::ErrorKind::Unsupported.into()),
        }
    }
}

/// Opens a pipe or a device. A pipe that nobody reads is waited for, but not for ever.
#[cfg(unix)]
fn open_path(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;
    use std::time::{Duration, Instant};

    use rustix::fs::OFlags;

    const PATIENCE: Duration = Duration::from_secs(10);
    let begun = Instant::now();
    let flags = (OFlags::NONBLOCK | OFlags::NOCTTY).bits().cast_signed();
    loop {
        match File::options().append(true).custom_flags(flags).open(path) {
            // Opened again, as what was opened without waiting would be written without waiting. The first handle keeps
            // the reader there meanwhile.
            Ok(_keeps_the_reader) => return File::options().append(true).open(path),
            Err(error) if rustix::io::Errno::from_io_error(&error) == Some(rustix::io::Errno::NXIO) => {
                if begun.elapsed() > PATIENCE {
                    return Err(io::Error::new(io::ErrorKind::TimedOut, "nobody reads from it"));
                }
                std::thread::sleep(Duration::from_millis(20));
            }
            Err(error) => return Err(error),
        }
    }
}
