//! What marks a folder's draft as one to go on from.

use std::path::Path;

/// Names the file that marks a folder's draft as one to go on from. Such a draft outlives its process, until the next
/// output at its place.
pub const CHECKPOINT: &str = "journal.json";

/// Returns whether a draft is one to go on from.
pub(crate) fn has_checkpoint(draft: &Path) -> bool {
    draft.join(CHECKPOINT).is_file()
}
