//! Passwords from a file or a terminal.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use anyhow::Context;
use staycast_text::Secret;

use crate::status::usage;

/// Bounds the bytes of a password.
const MOST_BYTES: u64 = 4096;

/// Reads a password from the first line of a file that only its owner may read.
pub(crate) fn read(path: &Path) -> anyhow::Result<Secret> {
    let place = path.display();
    let file = File::open(path).with_context(|| format!("cannot read the password file {place}"))?;
    refuse_readable_by_others(&file, path)?;
    let mut line = String::new();
    BufReader::new(file.take(MOST_BYTES + 1))
        .read_line(&mut line)
        .with_context(|| format!("cannot read the password file {place}"))?;
    let length = line.trim_end_matches(['\n', '\r']).len();
    if length as u64 > MOST_BYTES {
        return Err(usage(format!("the first line of the password file {place} is too long for a password")));
    }
    line.truncate(length);
    if line.is_empty() {
        return Err(usage(format!("the first line of the password file {place} is empty; it must be the password")));
    }
    Ok(Secret::from(line))
}

/// Refuses a file that others may read, as PostgreSQL's clients do.
#[cfg(unix)]
fn refuse_readable_by_others(file: &File, path: &Path) -> anyhow::Result<()> {
    use std::os::unix::fs::MetadataExt;

    let place = path.display();
    let metadata = file.metadata().with_context(|| format!("cannot read the password file {place}"))?;
    if metadata.is_dir() {
        return Err(usage(format!("{place} is a folder; a password file is wanted")));
    }
    // A pipe, as of `<(pass show db)`, belongs to the two at its ends.
    if metadata.is_file() && metadata.mode() & 0o077 != 0 {
        return Err(usage(format!(
            "others may read the password file {place} (its mode is {:04o}); make it yours alone: chmod 600",
            metadata.mode() & 0o7777
        )));
    }
    Ok(())
}

#[cfg(not(unix))]
fn refuse_readable_by_others(_: &File, _: &Path) -> anyhow::Result<()> {
    Ok(())
}

/// Asks for a password on the terminal, which does not show what is typed.
#[cfg(unix)]
pub(crate) fn ask(prompt: &str) -> anyhow::Result<Secret> {
    use std::io::Write;

    let open = || File::options().read(true).write(true).open("/dev/tty");
    let terminal = open().context("there is no terminal to ask for the password on; give --password-file")?;
    let shown = staycast_text::escape(prompt);
    let typed = {
        let _quiet = QuietTerminal::begin(&terminal)?;
        (&terminal).write_all(shown.as_bytes()).context("cannot write to the terminal")?;
        type_password(&mut &terminal)
    };
    let _ = (&terminal).write_all(b"\n");
    typed
}

#[cfg(not(unix))]
pub(crate) fn ask(_: &str) -> anyhow::Result<Secret> {
    Err(usage("a password can't be asked for on this system; give --password-file"))
}

/// Keeps a terminal from showing what is typed, and from sending signals, until it is dropped.
#[cfg(unix)]
struct QuietTerminal<'a> {
    terminal: &'a File,
    before: libc::termios,
}

#[cfg(unix)]
impl<'a> QuietTerminal<'a> {
    fn begin(terminal: &'a File) -> anyhow::Result<Self> {
        use std::os::fd::AsRawFd;

        let failed = || std::io::Error::last_os_error();
        let mut before = std::mem::MaybeUninit::<libc::termios>::uninit();
        // SAFETY: the descriptor is open, and the call fills what the pointer leads to.
        let before = unsafe {
            if libc::tcgetattr(terminal.as_raw_fd(), before.as_mut_ptr()) != 0 {
                return Err(failed()).context("cannot ask the terminal how it is set");
            }
            before.assume_init()
        };
        let mut quiet = before;
        // Ctrl-C is read as a byte: a signal would leave the terminal mute.
        quiet.c_lflag &= !(libc::ECHO | libc::ICANON | libc::ISIG);
        (quiet.c_cc[libc::VMIN], quiet.c_cc[libc::VTIME]) = (1, 0);
        // SAFETY: the descriptor is open, and the settings are whole.
        if unsafe { libc::tcsetattr(terminal.as_raw_fd(), libc::TCSAFLUSH, &raw const quiet) } != 0 {
            return Err(failed()).context("cannot keep the terminal from showing what is typed");
        }
        Ok(Self { terminal, before })
    }
}

#[cfg(unix)]
impl Drop for QuietTerminal<'_> {
    fn drop(&mut self) {
        use std::os::fd::AsRawFd;

        // SAFETY: the descriptor is open, and the settings are those that it had.
        unsafe { libc::tcsetattr(self.terminal.as_raw_fd(), libc::TCSAFLUSH, &raw const self.before) };
    }
}

/// Reads what is typed up to Return. Backspace takes back a letter, Ctrl-U all, Ctrl-C ends the program.
#[cfg(unix)]
fn type_password(terminal: &mut impl Read) -> anyhow::Result<Secret> {
    let mut typed = String::new();
    let mut letter = Vec::new();
    loop {
        let mut byte = [0];
        let count = terminal.read(&mut byte).context("cannot read from the terminal")?;
        match byte[0] {
            _ if count == 0 => break,
            b'\n' | b'\r' | 4 => break,
            3 => anyhow::bail!("no password was given"),
            0x15 => typed.clear(),
            8 | 0x7f => drop(typed.pop()),
            byte => {
                letter.push(byte);
                if let Ok(text) = std::str::from_utf8(&letter) {
                    typed.push_str(text);
                    letter.clear();
                } else if letter.len() == 4 {
                    letter.clear();
                }
            }
        }
    }
    if typed.is_empty() {
        return Err(usage("no password was given"));
    }
    Ok(Secret::from(typed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn what_is_typed_can_be_taken_back() {
        for (typed, password) in
            [("s3cret\n", "s3cret"), ("ab\x08c\x7fü\r", "aü"), ("wrong\x15right\x04", "right"), ("end", "end")]
        {
            assert_eq!(type_password(&mut typed.as_bytes()).expect(typed).reveal(), password);
        }
        for typed in ["", "\n", "ab\x03c\n"] {
            assert!(type_password(&mut typed.as_bytes()).is_err(), "{typed:?}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_password_file_is_its_owners_alone() {
        use std::os::unix::fs::PermissionsExt;

        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("password");
        for (text, mode, password) in [
            ("s3 cret\nrest\n", 0o600, Ok("s3 cret")),
            ("s3cret\r\n", 0o400, Ok("s3cret")),
            ("s3cret", 0o640, Err("others may read")),
            ("s3cret", 0o604, Err("its mode is 0604")),
            ("\ns3cret", 0o600, Err("is empty")),
        ] {
            let _ = std::fs::remove_file(&path);
            std::fs::write(&path, text).expect("writable");
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).expect("its mode can be set");
            match (read(&path), password) {
                (Ok(secret), Ok(password)) => assert_eq!(secret.reveal(), password),
                (Err(error), Err(part)) => {
                    let error = format!("{error:#}");
                    assert!(error.contains(part) && !error.contains("s3cret"), "{error}");
                }
                (found, _) => panic!("{text:?}, {mode:o}: {found:?}"),
            }
        }
    }
}
