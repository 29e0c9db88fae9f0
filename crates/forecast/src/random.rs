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
    /// The keys of the dropout masks of an epoch.
    Dropout,
    /// A member's own seed, from the run's.
    Member,
    /// Shuffled labels.
    Labels,
    /// Noise in place of what must not be looked at.
    Noise,
    /// Settings to try.
    Trials,
    /// Learners whose inputs are dealt out.
    Importance,
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

/// Draws the key of another generator.
pub(crate) fn words(rng: &mut ChaCha8Rng) -> [u32; 2] {
    [rng.next_u32(), rng.next_u32()]
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
    fn unit_numbers_lie_in_their_interval_and_average_a_half() {
        let mut rng = stream(3, Purpose::Dropout, 0);
        let numbers: Vec<f32> = (0..10_000).map(|_| unit(&mut rng)).collect();
        assert!(numbers.iter().all(|number| (0.0..1.0).contains(number)));
        let mean = numbers.iter().sum::<f32>() / 10_000.0;
        assert!((mean - 0.5).abs() < 0.02, "{mean}");
    }
}
