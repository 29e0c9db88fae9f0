//! Whole numbers of 40 bits, for what there may be millions of: seconds of 17,000 years either way.

/// Holds a whole number of 40 bits.
pub(crate) type Packed = [u8; 5];

/// Is the greatest number that has room.
pub(crate) const GREATEST: i64 = (1 << 39) - 1;

/// Packs a number: the nearest that has room.
pub(crate) fn pack(number: i64) -> Packed {
    let [a, b, c, d, e, ..] = number.clamp(-GREATEST - 1, GREATEST).to_le_bytes();
    [a, b, c, d, e]
}

/// Returns the number.
pub(crate) fn unpack([a, b, c, d, e]: Packed) -> i64 {
    let sign = if e >> 7 == 1 { u8::MAX } else { 0 };
    i64::from_le_bytes([a, b, c, d, e, sign, sign, sign])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back() {
        for number in [0, 1, -1, 255, -256, 1_700_000_000, -1_700_000_000, GREATEST, -GREATEST - 1] {
            assert_eq!(unpack(pack(number)), number);
        }
        assert_eq!([i64::MAX, i64::MIN].map(|number| unpack(pack(number))), [GREATEST, -GREATEST - 1]);
    }
}
