//! The draw of arms: permuted blocks within strata, from the seed alone.
//!
//! The arm of a place in a stratum follows from seed, stratum and place. So whoever has a place keeps the arm, newcomers go on
//! where the others ended, and an assignment can be checked against its place.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use staycast_evaluation::metrics::below;

use super::plan::Plan;

/// Returns the place in the plan of the arm that a place in a stratum, from 0, gets.
#[must_use]
pub(super) fn arm_at(plan: &Plan, stratum: &str, position: u64) -> usize {
    let mut block: Vec<usize> =
        plan.arms().enumerate().flat_map(|(place, arm)| std::iter::repeat_n(place, arm.weight as usize)).collect();
    let length = block.len() as u64;
    let mut hasher = blake3::Hasher::new_derive_key("staycast experiment, permuted block, 1");
    hasher.update(&plan.file().seed.to_le_bytes());
    hasher.update(&(position / length).to_le_bytes());
    hasher.update(stratum.as_bytes());
    let mut rng = ChaCha8Rng::from_seed(*hasher.finalize().as_bytes());
    // Fisher & Yates.
    for last in (1..block.len()).rev() {
        block.swap(last, below(&mut rng, last as u64 + 1) as usize);
    }
    block[(position % length) as usize]
}

/// Returns the key by which learners of one stratum are ordered before they get places: no one's id or risk decides.
#[must_use]
pub(super) fn order_key(plan: &Plan, learner: &str) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new_derive_key("staycast experiment, order of learners, 1");
    hasher.update(&plan.file().seed.to_le_bytes());
    hasher.update(learner.as_bytes());
    *hasher.finalize().as_bytes()
}
