//! Seeded random damage to the bytes of a file.

use std::env;

/// Returns how many rounds of an attack to run: `few` of them, or those that `STAYCAST_ATTACKS` asks for.
pub(crate) fn rounds(few: u64) -> u64 {
    match env::var("STAYCAST_ATTACKS") {
        Ok(asked) => asked.parse().unwrap_or_else(|_| panic!("STAYCAST_ATTACKS={asked} is not a number of rounds")),
        Err(_) => few,
    }
}

/// Holds a stream of random numbers that a seed alone decides (SplitMix64, Steele et al. 2014).
pub(crate) struct Random(u64);

impl Random {
    /// Starts the stream of `seed`.
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Returns the next number.
    pub(crate) const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Returns a number below `end`, which is over 0.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(end).expect("64 bits")).expect("below end")
    }
}

/// Damages `bytes` in one of the ways that disks, transfers and people do, and says how. The result always differs.
pub(crate) fn damage(bytes: &mut Vec<u8>, random: &mut Random) -> String {
    if bytes.is_empty() {
        bytes.push(0);
        return "one byte added".to_owned();
    }
    let at = random.below(bytes.len());
    match random.below(6) {
        0 => {
            let bit = random.below(8);
            bytes[at] ^= 1 << bit;
            format!("bit {bit} of byte {at} flipped")
        }
        1 => {
            bytes[at] = bytes[at].wrapping_add(u8::try_from(1 + random.below(255)).expect("a byte"));
            format!("byte {at} replaced")
        }
        2 => {
            bytes.truncate(at);
            format!("cut to {at} bytes")
        }
        3 => {
            bytes.insert(at, u8::try_from(random.below(256)).expect("a byte"));
            format!("a byte inserted at {at}")
        }
        4 => {
            let end = (at + 1 + random.below(64)).min(bytes.len());
            bytes.drain(at..end);
            format!("bytes {at} to {end} removed")
        }
        _ => {
            let before = bytes.len();
            bytes.extend((0..=random.below(64)).map(|_| 0));
            format!("{} zero bytes added", bytes.len() - before)
        }
    }
}
