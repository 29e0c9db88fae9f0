//! The longest line that any reader takes.

/// Bytes of the longest line that is read. A longer one is rejected without being held in memory.
pub const LONGEST_LINE_BYTES: usize = 4 << 20;
