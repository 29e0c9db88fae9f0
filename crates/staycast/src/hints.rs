//! Hints about flags. Libraries state facts and know no flags; here is what to type about the facts.

use std::error::Error;

use crate::status::UsageError;

/// Returns what to type to get past `error`, where a flag or a command helps; appended to the message after `; `.
pub(crate) fn for_error(error: &anyhow::Error) -> Option<String> {
    match error.downcast_ref::<UsageError>() {
        Some(usage) => for_error(usage.cause()),
        None => error.chain().find_map(for_cause),
    }
}

/// Returns the hint for one error of a library. A crate adds its own match here, by `cause.downcast_ref::<ItsError>()`;
/// variants that are `#[error(transparent)]` do not appear in the chain, so match through them.
fn for_cause(_cause: &(dyn Error + 'static)) -> Option<String> {
    None
}
