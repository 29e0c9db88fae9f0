//! The longest line that any reader takes.

/// Bounds the bytes of a line that is read. A longer one is rejected without being held in memory.
pub const LONGEST_LINE_BYTES: usize = 4 << 20;
