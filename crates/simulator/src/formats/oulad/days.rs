//! Days of a presentation.

use crate::course::DAY;

/// Returns the day of a second, both counted from the start.
pub(super) fn day(second: i32) -> i32 {
    second.div_euclid(DAY)
}
