//! Signals that end the program: what is unfinished is removed first, and it says how to go on.
//!
//! No handler runs in the middle of other code. The signals are blocked in every thread, and one thread waits for them.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

type Advice = Box<dyn Fn() -> Option<String> + Send>;

/// Says what a user can do after an interruption. Asked at that time.
static ADVICE: Mutex<Option<Advice>> = Mutex::new(None);
static IS_INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// Sets what is said after an interruption, if anything: asked at that time.
pub(crate) fn advise(advice: impl Fn() -> Option<String> + Send + 'static) {
    if let Ok(mut place) = ADVICE.lock() {
        *place = Some(Box::new(advice));
    }
}

/// Says how the program ends before its command does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SuddenEnd {
    /// A signal ends it.
    Signal,
    /// It fails where no error can be returned, as for want of memory.
    Failure,
}

type Farewell = Box<dyn FnOnce(SuddenEnd) + Send>;

/// Tells others how the program ends. Called at most once.
static FAREWELL: Mutex<Option<Farewell>> = Mutex::new(None);

/// Sets who is told of a sudden end; it must not take long. `None` once there is nobody to tell.
pub(crate) fn set_farewell(farewell: Option<Farewell>) {
    *FAREWELL.lock().unwrap_or_else(PoisonError::into_inner) = farewell;
}

/// Tells of a sudden end.
pub(crate) fn say_farewell(end: SuddenEnd) {
    // Taken out first: the lock is free while somebody is told.
    let farewell = FAREWELL.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(farewell) = farewell {
        farewell(end);
    }
}

/// Sets what is said about a folder of runs, to which the same command adds those that are missing.
pub(crate) fn advise_to_repeat(out: &Path) {
    let out = out.to_owned();
    advise(move || out.is_dir().then(|| "the same command goes on from here".to_owned()));
}

/// Waits for the end of the program if a signal is about to end it. What failed because of that is then not said.
pub(crate) fn wait_if_interrupted() {
    while IS_INTERRUPTED.load(Ordering::SeqCst) {
        thread::park();
    }
}

/// Waits for the signals that end the program, in a thread of its own. To be called before there are others.
pub(crate) fn watch() {
    #[cfg(unix)]
    signals::watch();
}

#[cfg(unix)]
mod signals {
    use std::sync::atomic::Ordering;
    use std::{mem, process, ptr, thread};

    use super::{ADVICE, IS_INTERRUPTED};
    use crate::{console, out_folder};

    /// The signals, with their names.
    const SIGNALS: [(i32, &str); 3] = [(libc::SIGINT, "SIGINT"), (libc::SIGTERM, "SIGTERM"), (libc::SIGHUP, "SIGHUP")];

    pub(super) fn watch() {
        // A file that grows past the limit of `ulimit -f` is an error, as on a full disk, and no sudden end.
        // SAFETY: no handler is set.
        unsafe { libc::signal(libc::SIGXFSZ, libc::SIG_IGN) };
        let watched: Vec<i32> =
            SIGNALS.iter().map(|&(signal, _)| signal).filter(|&signal| !is_ignored(signal)).collect();
        let set = set_of(&watched);
        // SAFETY: the set is initialised; no old mask is asked for.
        let blocked = unsafe { libc::pthread_sigmask(libc::SIG_BLOCK, &raw const set, ptr::null_mut()) } == 0;
        if !blocked || watched.is_empty() {
            return;
        }
        let waiting = thread::Builder::new().name("signals".to_owned()).spawn(move || wait(set));
        if waiting.is_err() {
            // As without any care: a signal ends the program at once, and the next output removes what it left.
            unblock(&set);
        }
    }

    /// Tells whether the program was started with a signal ignored, as `nohup` does with SIGHUP. It stays ignored.
    fn is_ignored(signal: i32) -> bool {
        // SAFETY: a zeroed sigaction is a valid value to be written over, and no new action is given.
        unsafe {
            let mut action: libc::sigaction = mem::zeroed();
            libc::sigaction(signal, ptr::null(), &raw mut action) == 0 && action.sa_sigaction == libc::SIG_IGN
        }
    }

    fn set_of(signals: &[i32]) -> libc::sigset_t {
        // SAFETY: sigemptyset initialises the set before anything is added.
        unsafe {
            let mut set: libc::sigset_t = mem::zeroed();
            libc::sigemptyset(&raw mut set);
            for &signal in signals {
                libc::sigaddset(&raw mut set, signal);
            }
            set
        }
    }

    fn unblock(set: &libc::sigset_t) {
        // SAFETY: the set is initialised; no old mask is asked for.
        unsafe { libc::pthread_sigmask(libc::SIG_UNBLOCK, set, ptr::null_mut()) };
    }

    /// Waits for a first signal, which cleans up in another thread, and for a second, which ends the program at once.
    fn wait(set: libc::sigset_t) {
        let mut is_first = true;
        loop {
            let mut signal = 0;
            // SAFETY: both are valid for the call, and the signals of the set are blocked.
            if unsafe { libc::sigwait(&raw const set, &raw mut signal) } != 0 {
                continue;
            }
            if mem::take(&mut is_first) {
                IS_INTERRUPTED.store(true, Ordering::SeqCst);
                if thread::Builder::new().spawn(move || clean_up_and_end(signal)).is_ok() {
                    continue;
                }
            }
            end(signal);
        }
    }

    fn clean_up_and_end(signal: i32) {
        let kept = staycast_files::abandon();
        out_folder::remove_unfinished();
        let name = SIGNALS.iter().find(|(number, _)| *number == signal).map_or("a signal", |(_, name)| name);
        let advice = ADVICE.lock().ok().and_then(|advice| advice.as_ref().and_then(|advice| advice()));
        let advice = match advice {
            Some(advice) => format!("; {advice}"),
            None if !kept.is_empty() => "; go on with --resume".to_owned(),
            None => String::new(),
        };
        // Over what a progress bar left in its line.
        console::clear_line_of_terminal();
        console::print_line_to_stderr(&format!("error: interrupted by {name}; what was unfinished is removed{advice}"));
        super::say_farewell(super::SuddenEnd::Signal);
        end(signal);
    }

    /// Ends the program by the signal, so that a shell sees what ended it.
    fn end(signal: i32) -> ! {
        unblock(&set_of(&[signal]));
        // SAFETY: no memory is involved.
        unsafe { libc::raise(signal) };
        // The first process of a container is not ended by its own signals.
        process::exit(128 + signal)
    }
}
