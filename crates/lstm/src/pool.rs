//! Marks a thread pool as one caller's own.

use std::cell::Cell;

thread_local! {
    static OWN: Cell<bool> = const { Cell::new(false) };
}

/// Runs `f` in the rayon pool `pool`, telling backward passes on a CPU that they may share their work out in it.
///
/// A backward pass that is called on a thread of a pool otherwise stays on that thread: while it waits for others, a pool's
/// thread takes up any task there is, and one that wants a graph joined to the one at hand would wait for ever. Nothing but
/// `f` may put tasks into `pool` that run backward passes, and not side by side.
///
/// ```
/// let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build()?;
/// let answer = staycast_lstm::in_own_pool(&pool, || 6 * 7);
/// assert_eq!(answer, 42);
/// # Ok::<(), rayon::ThreadPoolBuildError>(())
/// ```
pub fn in_own_pool<R: Send>(pool: &rayon::ThreadPool, f: impl FnOnce() -> R + Send) -> R {
    /// Puts back what was, also when `f` panics.
    struct Before(bool);
    impl Drop for Before {
        fn drop(&mut self) {
            OWN.set(self.0);
        }
    }
    pool.install(|| {
        let _before = Before(OWN.replace(true));
        f()
    })
}

/// Returns whether this thread is inside [`in_own_pool`].
pub(crate) fn is_own() -> bool {
    OWN.get()
}
