//! Random numbers from a seed, equal on every machine.

/// Draws from a SplitMix64 generator (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", OOPSLA
/// 2014).
pub(crate) struct SplitMix(u64);

impl SplitMix {
    /// Makes a generator for one purpose. `parts` (numbers of a week, a tree) give each purpose draws of its own.
    pub(crate) fn new(seed: u64, parts: &[u64]) -> Self {
        let mut stream = Self(seed);
        for part in parts {
            stream.0 = stream.next() ^ part;
        }
        stream
    }

    /// Returns the next 64 random bits.
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Draws `wanted` of the numbers 0 to `all` - 1, without repeats; returns them in increasing order. Returns all numbers
    /// if `wanted` is no fewer.
    pub(crate) fn sample(&mut self, all: usize, wanted: usize) -> Vec<usize> {
        let mut numbers: Vec<usize> = (0..all).collect();
        if wanted >= all {
            return numbers;
        }
        for place in 0..wanted {
            // The bias of a remainder is below all / 2^64.
            let other = place + (self.next() % (all - place) as u64) as usize;
            numbers.swap(place, other);
        }
        numbers.truncate(wanted);
        numbers.sort_unstable();
        numbers
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stream_is_the_published_one() {
        // First outputs for the seed 1234567, as in the generator's reference code (prng.di.unimi.it/splitmix64.c).
        let mut stream = SplitMix::new(1_234_567, &[]);
        assert_eq!(stream.next(), 6_457_827_717_110_365_317);
        assert_eq!(stream.next(), 3_203_168_211_198_807_973);
    }

    #[test]
    fn samples_have_no_repeats_and_take_every_number_at_times() {
        let mut stream = SplitMix::new(7, &[1, 2]);
        let mut taken = [0_u32; 10];
        for _ in 0..1000 {
            let sample = stream.sample(10, 3);
            assert!(sample.windows(2).all(|pair| pair[0] < pair[1]) && sample.len() == 3, "{sample:?}");
            sample.iter().for_each(|&number| taken[number] += 1);
        }
        assert!(taken.iter().all(|&times| (200..400).contains(&times)), "{taken:?}");
        assert_eq!(stream.sample(3, 5), [0, 1, 2]);
    }
}
