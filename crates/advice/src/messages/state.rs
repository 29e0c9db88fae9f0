//! Where a message stands.

use serde::Serialize;

/// Names where a message stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Nobody has decided.
    Drafted,
    /// It may be sent.
    Approved,
    /// It was approved and changed afterwards, so it needs another approval.
    Changed,
    /// It is not to be sent.
    Rejected,
    /// It was begun, and nobody knows whether it has arrived.
    Unsure,
    /// The last attempt failed; the next one may not.
    Failed,
    /// It has arrived.
    Sent,
}
