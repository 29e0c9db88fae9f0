//! A terminal of a test's own (a pseudo-terminal), for what the program does on terminals alone.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::FromRawFd;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::ptr::null_mut;

/// Runs a command on a terminal, types `typed` once the screen shows `prompt`, and returns the exit status and the screen.
pub(crate) fn run_on_terminal(mut command: Command, prompt: &str, typed: &str) -> (Option<i32>, String) {
    let (mut master, mut slave) = (0, 0);
    // SAFETY: the pointers lead to two numbers that the call fills; the rest may be null.
    let made = unsafe { libc::openpty(&raw mut master, &raw mut slave, null_mut(), null_mut(), null_mut()) };
    assert_eq!(made, 0, "a terminal");
    // SAFETY: both descriptors are new, and owned here alone.
    let (mut screen, slave) = unsafe { (File::from_raw_fd(master), File::from_raw_fd(slave)) };
    let copy = || Stdio::from(slave.try_clone().expect("another descriptor"));
    command.stdin(copy()).stdout(copy()).stderr(copy());
    // SAFETY: between fork and exec, both calls are allowed. The terminal becomes that of the new session.
    unsafe {
        command.pre_exec(|| {
            if libc::setsid() < 0 || libc::ioctl(0, libc::TIOCSCTTY, 0) < 0 {
                return Err(std::io::Error::last_os_error());
            }
            Ok(())
        });
    }
    let mut child = command.spawn().expect("the program starts");
    drop(command);
    drop(slave);
    let mut shown = Vec::new();
    let mut waits = !typed.is_empty();
    let mut part = [0; 4096];
    // When the program has ended, reading fails.
    while let Ok(count @ 1..) = screen.read(&mut part) {
        shown.extend_from_slice(&part[..count]);
        if waits && String::from_utf8_lossy(&shown).contains(prompt) {
            screen.write_all(typed.as_bytes()).expect("it can be typed on");
            waits = false;
        }
    }
    let status = child.wait().expect("it ends").code();
    (status, String::from_utf8_lossy(&shown).into_owned())
}
