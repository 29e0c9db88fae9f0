//! Names of courses in a tracking log, and the small functions that make text.

/// Holds a course's names.
#[derive(Debug)]
pub(super) struct CourseNames {
    /// Id, as in `course-v1:SimX+computing-1+2024_01`.
    pub(super) id: String,
    /// Beginning of its blocks' ids, as in `block-v1:SimX+computing-1+2024_01`.
    pub(super) block: String,
    /// Seconds from the first instant of the log to that of the course.
    pub(super) start_second: i64,
}

/// Mixes two numbers into a hash (Steele, Lea & Flood 2014, SplitMix64's finaliser), so that equal entries get equal details.
pub(super) fn mixed(a: u64, b: u64) -> u64 {
    let mut z = a.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(b).wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Formats a value as sixteen hexadecimal digits.
pub(super) fn hex(value: u64) -> [u8; 16] {
    std::array::from_fn(|place| b"0123456789abcdef"[(value >> (60 - 4 * place) & 15) as usize])
}

/// Appends the parts one after the other.
#[inline]
pub(super) fn push_all(out: &mut Vec<u8>, parts: &[&[u8]]) {
    for part in parts {
        out.extend_from_slice(part);
    }
}
