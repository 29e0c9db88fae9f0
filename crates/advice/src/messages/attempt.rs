//! The result of one attempt to send a message.

/// Says what became of one attempt.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Attempt {
    /// It has arrived, now or before.
    Arrived,
    /// It has certainly not arrived, and why. Others may.
    Failed(String),
    /// Nobody knows, and why.
    Unsure(String),
    /// It has not arrived, and no other one will.
    Hopeless(String),
}
