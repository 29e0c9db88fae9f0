//! What this process is writing right now, so that a signal can remove it.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use crate::checkpoint::has_checkpoint;

static LIVE: Mutex<Live> = Mutex::new(Live { is_abandoned: false, drafts: BTreeSet::new() });

struct Live {
    /// The process ends: nothing is begun or published any more.
    is_abandoned: bool,
    /// Drafts and scratch folders.
    drafts: BTreeSet<PathBuf>,
}

/// Runs `change` on the list of drafts. What makes, names or removes a draft goes through here, so that [`abandon`] finds
/// either a draft or a finished output. Once everything is abandoned, it never returns: the process is about to end.
pub(crate) fn with_drafts<T>(change: impl FnOnce(&mut BTreeSet<PathBuf>) -> T) -> T {
    {
        let mut live = LIVE.lock().unwrap_or_else(PoisonError::into_inner);
        if !live.is_abandoned {
            return change(&mut live.drafts);
        }
    }
    loop {
        thread::park();
    }
}

/// Takes a draft from the list after `remove`, which removes it.
pub(crate) fn drop_draft(path: &Path, remove: impl FnOnce()) {
    with_drafts(|drafts| {
        remove();
        drafts.remove(path);
    });
}

/// Removes everything unfinished that this process is writing; for a process that a signal ends. Nothing is begun or
/// published after: a thread that tries waits for ever.
///
/// Returns the drafts that were kept, because they have a checkpoint to go on from.
#[must_use]
pub fn abandon() -> Vec<PathBuf> {
    let drafts = {
        let mut live = LIVE.lock().unwrap_or_else(PoisonError::into_inner);
        live.is_abandoned = true;
        std::mem::take(&mut live.drafts)
    };
    let (kept, removed): (Vec<_>, Vec<_>) = drafts.into_iter().partition(|draft| has_checkpoint(draft));
    for draft in removed {
        remove(&draft);
    }
    kept
}

/// Removes a draft that other threads may still be writing into: a file made meanwhile is in the way at first.
fn remove(draft: &Path) {
    const TRIES: u32 = 50;
    for _ in 0..TRIES {
        let _ = if draft.is_dir() { fs::remove_dir_all(draft) } else { fs::remove_file(draft) };
        if fs::symlink_metadata(draft).is_err() {
            return;
        }
        thread::sleep(Duration::from_millis(10));
    }
}
