//! A keyed hash that orders identifiers as if by chance, the same everywhere.

/// Names the purpose of a draw. Draws for different purposes are independent though the seed is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    Test,
    Validation,
    Fold { repeat: u32 },
}

impl Purpose {
    pub(super) fn key(self, seed: u64) -> u64 {
        let tag = match self {
            Self::Test => 1,
            Self::Validation => 2,
            Self::Fold { repeat } => 3 + u64::from(repeat),
        };
        mix(mix(seed).wrapping_add(tag))
    }
}

/// Returns 64 bits that depend on every byte of `bytes` and on the key, and on nothing else.
///
/// FNV-1a over the bytes, started from the key, then SplitMix64's finaliser (Steele, Lea & Flood 2014), which
/// spreads FNV's weak high bits. Not cryptographic: it orders, it hides nothing. Equal hashes of different
/// identifiers are put in bytewise order of the identifiers by every caller that sorts by it.
pub(super) fn keyed_hash(key: u64, bytes: &[u8]) -> u64 {
    const FNV_OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
    const FNV_PRIME: u64 = 0x0000_0100_0000_01b3;
    let started = FNV_OFFSET ^ mix(key);
    let hashed = bytes.iter().fold(started, |hash, &byte| (hash ^ u64::from(byte)).wrapping_mul(FNV_PRIME));
    mix(hashed ^ bytes.len() as u64)
}

/// Runs SplitMix64's step and finaliser.
fn mix(value: u64) -> u64 {
    let mut z = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mixes_as_splitmix64_does() {
        // The first output of SplitMix64 seeded with 0, as its authors publish it.
        assert_eq!(mix(0), 0xe220_a839_7b1d_cdaf);
    }

    #[test]
    fn spreads_neighbouring_identifiers_evenly() {
        let mut buckets = [0_u32; 8];
        for learner in 0..8000 {
            let hash = keyed_hash(Purpose::Test.key(7), format!("learner-{learner}").as_bytes());
            buckets[(hash >> 61) as usize] += 1;
        }
        // 1000 expected, standard deviation 30.
        assert!(buckets.iter().all(|count| (880..=1120).contains(count)), "{buckets:?}");
    }
}
