//! What happens when the machine gives no more memory or no more threads: an error with a message, and status 1.
//!
//! Rust aborts where memory that it needs can't be had, and panics where a library starts a thread and can't. Both are
//! caught here, and end the program as any error does. What it was writing is left under its temporary name.

use std::alloc::{GlobalAlloc, Layout, System};
use std::io::IsTerminal;
use std::panic::{self, PanicHookInfo};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::console::{self, print_to_stderr};
use crate::hints;
use crate::interruption::{SuddenEnd, say_farewell};

/// Counts the bytes of the stack that commands run on. The system gives it whole, or says that it can't; the stack that the
/// program begins on grows as it is used, and where there is no memory to grow, it is killed.
const STACK_BYTES: usize = 8 << 20;

/// Tells whether memory was asked for and not had. A library may ask for less then, or do without.
static MEMORY_WAS_REFUSED: AtomicBool = AtomicBool::new(false);

/// Tells whether stderr is a terminal, on which a progress bar may stand.
static IS_TERMINAL: AtomicBool = AtomicBool::new(false);

/// Clears the line that a progress bar stands in, so that what is printed next begins a line: where memory ran out, the
/// standard library prints a word of its own.
fn clear_line() {
    #[cfg(unix)]
    if IS_TERMINAL.load(Ordering::Relaxed) {
        let text = "\r\x1b[2K";
        // SAFETY: it may be called anywhere, and the text is as long as it says.
        unsafe { libc::write(2, text.as_ptr().cast(), text.len()) };
    }
}

/// Takes memory from the system, and notes when there is none.
struct NotingAllocator;

#[global_allocator]
static ALLOCATOR: NotingAllocator = NotingAllocator;

fn noted(memory: *mut u8) -> *mut u8 {
    if memory.is_null() {
        MEMORY_WAS_REFUSED.store(true, Ordering::Relaxed);
        clear_line();
    }
    memory
}

// SAFETY: the system's allocator does all that there is to do, with what the caller gave.
unsafe impl GlobalAlloc for NotingAllocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as the caller promises.
        noted(unsafe { System.alloc(layout) })
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as the caller promises.
        noted(unsafe { System.alloc_zeroed(layout) })
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, bytes: usize) -> *mut u8 {
        // SAFETY: as the caller promises.
        noted(unsafe { System.realloc(memory, layout, bytes) })
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: as the caller promises.
        unsafe { System.dealloc(memory, layout) };
    }
}

/// Runs a command. Where memory or threads run out, the program ends with a message and status 1.
pub(crate) fn run(command: fn() -> ExitCode) -> ExitCode {
    IS_TERMINAL.store(std::io::stderr().is_terminal(), Ordering::Relaxed);
    end_aborts_for_want_of_memory();
    let usual = panic::take_hook();
    panic::set_hook(Box::new(move |panic| match want(panic) {
        Some(what) => {
            console::clear_line_of_terminal();
            print_to_stderr(&format!("error: {what}"));
            say_farewell(SuddenEnd::Failure);
            std::process::exit(1);
        }
        None => usual(panic),
    }));
    let running = std::thread::Builder::new().name("main".to_owned()).stack_size(STACK_BYTES).spawn(command);
    match running.map(std::thread::JoinHandle::join) {
        Ok(Ok(status)) => status,
        // The message was printed when it happened.
        Ok(Err(_)) => ExitCode::from(101),
        Err(_) => {
            print_to_stderr(&format!("error: {}", hints::NO_MORE_THREADS));
            ExitCode::FAILURE
        }
    }
}

/// Says what ran out, where a panic is for want of it.
fn want(panic: &PanicHookInfo<'_>) -> Option<&'static str> {
    const THREADS: [&str; 3] =
        ["failed to spawn thread", "failed to allocate an alternative stack", "Resource temporarily unavailable"];
    // zstd takes its memory from the system itself.
    const MEMORY: [&str; 3] = ["returned null pointer", "Cannot allocate memory", "out of memory"];
    let text = panic.payload_as_str()?;
    let says = |signs: [&str; 3]| signs.into_iter().any(|sign| text.contains(sign));
    match () {
        () if says(THREADS) => Some(hints::NO_MORE_THREADS),
        () if says(MEMORY) => Some(hints::NO_MORE_MEMORY),
        () => None,
    }
}

/// Has an abort after memory was refused end the program with a message and status 1.
#[cfg(target_os = "linux")]
fn end_aborts_for_want_of_memory() {
    extern "C" fn on_abort(_: libc::c_int) {
        if MEMORY_WAS_REFUSED.load(Ordering::Relaxed) {
            clear_line();
            for text in ["error: ", hints::NO_MORE_MEMORY, "\n"] {
                // SAFETY: it may be called in a handler, and the text is as long as it says.
                unsafe { libc::write(2, text.as_ptr().cast(), text.len()) };
            }
            // SAFETY: it may be called in a handler.
            unsafe { libc::_exit(1) };
        }
        // SAFETY: it may be called in a handler. The abort goes on with what the system does about it.
        unsafe { libc::signal(libc::SIGABRT, libc::SIG_DFL) };
    }
    // SAFETY: the handler calls nothing that is forbidden in one.
    unsafe { libc::signal(libc::SIGABRT, on_abort as *const () as libc::sighandler_t) };
}

#[cfg(not(target_os = "linux"))]
fn end_aborts_for_want_of_memory() {}
