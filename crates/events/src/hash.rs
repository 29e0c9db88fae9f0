//! BLAKE3 of a file that is read in blocks, in any order, by any thread.
//!
//! BLAKE3 is a tree over chunks of 1,024 bytes in which a left subtree always holds a power of two of them (its
//! specification, section 2.1): blocks of one power of two are whole subtrees, can be hashed apart, and are put
//! together at the end.

use std::sync::{Mutex, OnceLock, PoisonError};

use blake3::hazmat::{ChainingValue, HasherExt, Mode, merge_subtrees_non_root, merge_subtrees_root};

/// Computes the hash of a file.
pub(crate) struct TreeHash {
    block_bytes: u64,
    is_one_block: bool,
    /// The hash of a file that is one block.
    whole: OnceLock<blake3::Hash>,
    blocks: Mutex<Vec<Option<ChainingValue>>>,
}

impl TreeHash {
    /// Returns the hash of a file of `length` bytes that comes in blocks of `block_bytes`, the last one shorter. `None`
    /// when there are several such blocks, and they are not subtrees.
    pub(crate) fn new(length: u64, block_bytes: u64) -> Option<Self> {
        let are_subtrees = block_bytes.is_power_of_two() && block_bytes >= blake3::CHUNK_LEN as u64;
        let blocks = if length > block_bytes { length.div_ceil(block_bytes) } else { 1 } as usize;
        (blocks == 1 || are_subtrees).then(|| Self {
            block_bytes,
            is_one_block: blocks == 1,
            whole: OnceLock::new(),
            blocks: Mutex::new(vec![None; blocks]),
        })
    }

    /// Adds block `number`, counted from 0.
    pub(crate) fn add(&self, number: u64, block: &[u8]) {
        if self.is_one_block {
            let _ = self.whole.set(blake3::hash(block));
            return;
        }
        let value = blake3::Hasher::new().set_input_offset(number * self.block_bytes).update(block).finalize_non_root();
        self.blocks.lock().unwrap_or_else(PoisonError::into_inner)[number as usize] = Some(value);
    }

    /// Returns the hash, in hexadecimal, when every block was added.
    pub(crate) fn finish(self) -> Option<String> {
        if self.is_one_block {
            return self.whole.get().map(|hash| hash.to_hex().to_string());
        }
        let blocks = self.blocks.into_inner().unwrap_or_else(PoisonError::into_inner);
        let values: Vec<ChainingValue> = blocks.into_iter().collect::<Option<_>>()?;
        let (left, right) = values.split_at(left_of(values.len()));
        Some(merge_subtrees_root(&subtree(left), &subtree(right), Mode::Hash).to_hex().to_string())
    }
}

/// Tells how many of `count` leaves, at least 2, are in the left subtree: the greatest power of two below it.
const fn left_of(count: usize) -> usize {
    1 << (count - 1).ilog2()
}

fn subtree(values: &[ChainingValue]) -> ChainingValue {
    match values {
        [one] => *one,
        _ => {
            let (left, right) = values.split_at(left_of(values.len()));
            merge_subtrees_non_root(&subtree(left), &subtree(right), Mode::Hash)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn blocks_in_any_order_give_the_hash_of_the_whole(
            bytes in prop::collection::vec(any::<u8>(), 0..40_000),
            power in 10_u32..14,
            backwards: bool,
        ) {
            let block_bytes = 1_usize << power;
            let hashing = TreeHash::new(bytes.len() as u64, block_bytes as u64).unwrap();
            let mut blocks: Vec<_> = bytes.chunks(block_bytes).zip(0..).collect();
            if backwards {
                blocks.reverse();
            }
            blocks.into_iter().for_each(|(block, number)| hashing.add(number, block));
            prop_assert_eq!(hashing.finish(), Some(blake3::hash(&bytes).to_hex().to_string()));
        }
    }

    #[test]
    fn a_block_that_is_missing_is_noticed() {
        let hashing = TreeHash::new(5_000, 1_024).unwrap();
        hashing.add(0, &[0; 1_024]);
        assert_eq!(hashing.finish(), None);
        assert!(TreeHash::new(5_000, 1_000).is_none());
        let whole = TreeHash::new(1_000, 1_000).unwrap();
        whole.add(0, &[7; 1_000]);
        assert_eq!(whole.finish(), Some(blake3::hash(&[7; 1_000]).to_hex().to_string()));
        assert_eq!(TreeHash::new(1_000, 1_000).unwrap().finish(), None);
    }
}
