//! All randomness of a run: ChaCha streams derived from the run's seed and what they are for, so that nothing depends
//! on the order in which members, epochs or batches are worked on, nor on a device's own generator.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// Names the purposes of streams of random numbers.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Purpose {
    /// A member's first parameters.
    Parameters,
    /// The order of the rows in an epoch.
    Order,
    /// The dropout masks of an epoch.
    Dropout,
    /// A member's own seed, from the run's.
    Member,
    /// Shuffled labels.
    Labels,
    /// Noise in place of what must not be looked at.
    Noise,
    /// Settings to try.
    Trials,
}

/// Makes the stream for one purpose; `index` separates epochs, or members.
pub(crate) fn stream(seed: u64, purpose: Purpose, index: u64) -> ChaCha8Rng {
    let mut key = [0; 32];
    key[..8].copy_from_slice(&seed.to_le_bytes());
    key[8] = purpose as u8;
    key[16..24].copy_from_slice(&index.to_le_bytes());
    ChaCha8Rng::from_seed(key)
}

/// Returns the seed of member `index` of a run, below 2⁶³.
pub(crate) fn member_seed(seed: u64, index: u64) -> u64 {
    stream(seed, Purpose::Member, index).next_u64() >> 1
}

/// Draws a number uniform on `[0, 1)`, in steps of 2⁻²⁴.
pub(crate) fn unit(rng: &mut ChaCha8Rng) -> f32 {
    (rng.next_u32() >> 8) as f32 / (1 << 24) as f32
}

/// Draws the numbers of `count` calls of [`unit`] at once.
pub(crate) fn units(count: usize, rng: &mut ChaCha8Rng) -> impl Iterator<Item = f32> {
    let mut bytes = vec![0_u8; 4 * count];
    rng.fill_bytes(&mut bytes);
    let word = move |at: usize| u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
    (0..count).map(move |at| (word(4 * at) >> 8) as f32 / (1 << 24) as f32)
}

/// Shuffles by Fisher and Yates's method.
pub(crate) fn shuffle<T>(items: &mut [T], rng: &mut ChaCha8Rng) {
    for last in (1..items.len()).rev() {
        // The bias of the high-multiply method is below 2⁻³² × the number of items.
        let chosen = ((u64::from(rng.next_u32()) * (last as u64 + 1)) >> 32) as usize;
        items.swap(last, chosen);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shuffle_is_a_permutation_and_depends_on_seed_and_epoch_only() {
        let shuffled = |seed, epoch| {
            let mut items: Vec<usize> = (0..100).collect();
            shuffle(&mut items, &mut stream(seed, Purpose::Order, epoch));
            items
        };
        let mut sorted = shuffled(1, 0);
        sorted.sort_unstable();
        assert_eq!(sorted, (0..100).collect::<Vec<_>>());
        assert_eq!(shuffled(1, 0), shuffled(1, 0));
        assert_ne!(shuffled(1, 0), shuffled(1, 1));
        assert_ne!(shuffled(1, 0), shuffled(2, 0));
    }

    #[test]
    fn numbers_drawn_at_once_are_those_drawn_one_by_one() {
        let (mut one, mut all) = (stream(4, Purpose::Dropout, 1), stream(4, Purpose::Dropout, 1));
        for count in [1, 63, 64, 1_000, 1] {
            let singly: Vec<f32> = (0..count).map(|_| unit(&mut one)).collect();
            assert_eq!(units(count, &mut all).collect::<Vec<f32>>(), singly);
        }
    }

    #[test]
    fn unit_numbers_lie_in_their_interval_and_average_a_half() {
        let mut rng = stream(3, Purpose::Dropout, 0);
        let numbers: Vec<f32> = (0..10_000).map(|_| unit(&mut rng)).collect();
        assert!(numbers.iter().all(|number| (0.0..1.0).contains(number)));
        let mean = numbers.iter().sum::<f32>() / 10_000.0;
        assert!((mean - 0.5).abs() < 0.02, "{mean}");
    }
}
