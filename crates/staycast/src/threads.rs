//! The threads that a command computes on.

use std::num::NonZeroUsize;

use anyhow::Context;

use crate::display::pluralise;

/// Bounds the threads for each core: more of them only wait for each other.
const MOST_A_CORE: usize = 4;

/// Bounds from below the threads that may be asked for, on however few cores.
const ALWAYS_ALLOWED: usize = 64;

/// Starts the threads that all of the program computes on: `asked`, or as many as `RAYON_NUM_THREADS` says, or one for each
/// core. Says so to `warn` when they are fewer than asked for.
///
/// # Errors
/// When they can't be started.
pub(crate) fn start(asked: Option<NonZeroUsize>, warn: impl FnOnce(&str)) -> anyhow::Result<()> {
    let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let asked = asked.or_else(from_environment).map_or(cores, NonZeroUsize::get);
    let threads = asked.min(most(cores));
    if threads < asked {
        let of = pluralise(cores as u64, "core");
        warn(&format!("{threads} threads are used in place of {asked}: more are of no use on {of}"));
    }
    let started = rayon::ThreadPoolBuilder::new().num_threads(threads).build_global();
    started.with_context(|| {
        format!(
            "cannot start {}; ask for fewer, or raise the limit of processes or memory",
            pluralise(threads as u64, "thread")
        )
    })
}

/// Returns the number of threads that may be asked for.
fn most(cores: usize) -> usize {
    (MOST_A_CORE * cores).max(ALWAYS_ALLOWED)
}

/// Returns the number that rayon would take by itself.
fn from_environment() -> Option<NonZeroUsize> {
    std::env::var("RAYON_NUM_THREADS").ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_threads_a_core_are_of_use() {
        assert_eq!([1, 2, 16, 17, 128].map(most), [64, 64, 64, 68, 512]);
    }
}
