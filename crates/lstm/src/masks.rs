//! Dropout masks from a generator that counts: what is drawn for a row and column depends on nothing else, so a GPU draws in
//! its kernels what the host draws, in any order.
//!
//! The generator is Threefry-2x32 with 13 rounds, the fewest that its authors found to pass all tests of randomness
//! (Salmon, Moraes, Dror & Shaw, "Parallel random numbers: as easy as 1, 2, 3", 2011, table 2). One call gives the numbers of
//! two neighbouring columns.

use std::ops::Range;

/// Lists the distances by which a word is rotated, round by round (Salmon et al. 2011).
pub(crate) const ROTATIONS: [u32; 8] = [13, 15, 26, 6, 17, 29, 16, 24];

/// Counts the rounds.
pub(crate) const ROUNDS: usize = 13;

/// Is added, with the key's words, to the third word of the key schedule (Skein's constant for words of 32 bits).
pub(crate) const PARITY: u32 = 0x1BD1_1BDA;

/// Counts the counters that are encrypted side by side, so that the compiler does several with one instruction.
const LANES: usize = 16;

/// Encrypts the counters `[first, second]`, lane by lane.
#[inline(always)]
fn threefry<const ROUNDS: usize>(key: [u32; 2], first: u32, second: [u32; LANES]) -> [[u32; LANES]; 2] {
    let schedule = [key[0], key[1], PARITY ^ key[0] ^ key[1]];
    let mut a = [first.wrapping_add(schedule[0]); LANES];
    let mut b = second.map(|second| second.wrapping_add(schedule[1]));
    for round in 0..ROUNDS {
        for (a, b) in a.iter_mut().zip(&mut b) {
            *a = a.wrapping_add(*b);
            *b = b.rotate_left(ROTATIONS[round % 8]) ^ *a;
        }
        if round % 4 == 3 {
            let turn = round / 4 + 1;
            let (to_a, to_b) = (schedule[turn % 3], schedule[(turn + 1) % 3].wrapping_add(turn as u32));
            for (a, b) in a.iter_mut().zip(&mut b) {
                *a = a.wrapping_add(to_a);
                *b = b.wrapping_add(to_b);
            }
        }
    }
    [a, b]
}

/// Draws the masks of one kind, such as those of the inputs, for one epoch: 0 for a share of all places, and elsewhere what
/// keeps the mean at 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MaskSource {
    key: [u32; 2],
    share: f64,
}

impl MaskSource {
    /// Makes the source that `key` selects; `share` of the places are 0.
    ///
    /// # Panics
    ///
    /// When `share` is outside `[0, 1)`.
    #[must_use]
    pub fn new(key: [u32; 2], share: f64) -> Self {
        assert!((0.0..1.0).contains(&share), "the share of a mask must be in [0, 1), got {share}");
        Self { key, share }
    }

    /// Makes the source of masks that switch nothing off.
    #[must_use]
    pub fn none() -> Self {
        Self { key: [0, 0], share: 0.0 }
    }

    /// Tells whether the masks switch nothing off.
    #[must_use]
    pub fn is_none(self) -> bool {
        self.share == 0.0
    }

    /// Draws the factors of `rows`, counted from the epoch's first: `[rows, columns]`.
    ///
    /// # Panics
    ///
    /// When rows or columns are counted beyond 2³².
    #[must_use]
    pub fn factors(self, rows: Range<usize>, columns: usize) -> Vec<f32> {
        let (threshold, kept) = (self.threshold(), self.kept());
        let factor = |word: u32| if word >> 8 < threshold { 0.0 } else { kept };
        let mut factors = vec![0.0; rows.len() * columns];
        for (row, factors) in rows.zip(factors.chunks_exact_mut(columns.max(1))) {
            let row = u32::try_from(row).expect("an epoch has fewer than 2^32 rows");
            for (block, factors) in factors.chunks_mut(2 * LANES).enumerate() {
                let first = u32::try_from(block * LANES).expect("fewer than 2^32 columns");
                let pairs = std::array::from_fn(|lane| first + lane as u32);
                let [even, odd] = threefry::<ROUNDS>(self.key, row, pairs);
                for ((pair, even), odd) in factors.chunks_mut(2).zip(even).zip(odd) {
                    pair[0] = factor(even);
                    // The second number of the last pair has no column where their number is odd.
                    if let Some(second) = pair.get_mut(1) {
                        *second = factor(odd);
                    }
                }
            }
        }
        factors
    }

    /// Returns the key's words.
    #[cfg(any(feature = "wgpu", feature = "cuda"))]
    pub(crate) fn key(self) -> [u32; 2] {
        self.key
    }

    /// Returns the number below which the upper 24 bits of a word switch their place off.
    pub(crate) fn threshold(self) -> u32 {
        (self.share * f64::from(1 << 24)).ceil() as u32
    }

    /// Returns the factor of the places that are not switched off.
    pub(crate) fn kept(self) -> f32 {
        (1.0 / (1.0 - self.share)) as f32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Test vectors of the authors' library Random123 (kat_vectors).
    #[test]
    fn the_generator_gives_its_authors_numbers() {
        fn first<const ROUNDS: usize>(key: [u32; 2], counter: [u32; 2]) -> [u32; 2] {
            threefry::<ROUNDS>(key, counter[0], [counter[1]; LANES]).map(|lanes| lanes[LANES - 1])
        }
        let pi = ([0x1319_8a2e, 0x0370_7344], [0x243f_6a88, 0x85a3_08d3]);
        let ones = ([u32::MAX; 2], [u32::MAX; 2]);
        assert_eq!(first::<13>([0; 2], [0; 2]), [0x9d1c_5ec6, 0x8bd5_0731]);
        assert_eq!(first::<13>(ones.0, ones.1), [0xfd36_d048, 0x2d17_272c]);
        assert_eq!(first::<13>(pi.0, pi.1), [0xba3e_4725, 0xf27d_669e]);
        assert_eq!(first::<20>([0; 2], [0; 2]), [0x6b20_0159, 0x99ba_4efe]);
        assert_eq!(first::<20>(ones.0, ones.1), [0x1cb9_96fc, 0xbb00_2be7]);
        assert_eq!(first::<20>(pi.0, pi.1), [0xc492_3a9c, 0x483d_f7a0]);
    }

    #[test]
    fn a_mask_depends_on_row_and_column_alone() {
        let source = MaskSource::new([3, 5], 0.3);
        for columns in [1, 4, 7] {
            let all = source.factors(0..50, columns);
            assert_eq!(source.factors(20..31, columns), all[20 * columns..31 * columns]);
            let wider = source.factors(0..50, columns + 3);
            for (row, narrow) in wider.chunks_exact(columns + 3).zip(all.chunks_exact(columns)) {
                assert_eq!(&row[..columns], narrow);
            }
        }
    }

    #[test]
    fn the_share_is_switched_off_and_the_mean_stays() {
        for share in [0.0, 0.1, 0.5, 0.9] {
            let factors = MaskSource::new([1, 2], share).factors(0..1000, 101);
            let off = factors.iter().filter(|&&factor| factor == 0.0).count() as f64 / factors.len() as f64;
            assert!((off - share).abs() < 0.005, "{off} instead of {share}");
            let mean = factors.iter().map(|&factor| f64::from(factor)).sum::<f64>() / factors.len() as f64;
            assert!((mean - 1.0).abs() < 0.05, "{mean}");
        }
        assert_ne!(MaskSource::new([1, 2], 0.5).factors(0..9, 9), MaskSource::new([1, 3], 0.5).factors(0..9, 9));
    }
}
