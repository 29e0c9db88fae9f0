//! The order in which a layer walks through a batch of sequences: its direction, and where each of them ends.

use std::sync::Arc;

/// Names the direction in which a layer walks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    /// From the first step to the last.
    Forward,
    /// From the last step to the first.
    Reverse,
}

/// Holds a direction, and the sequences' lengths where they differ.
#[derive(Debug, Clone)]
pub(crate) struct Walk {
    pub(crate) direction: Direction,
    /// Real steps of each sequence of the batch, at most those of the tensor; `None`: all steps of all sequences are.
    pub(crate) lengths: Option<Arc<[usize]>>,
}

/// Holds the [`Walk`] for some of the batch's sequences.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Part<'a> {
    direction: Direction,
    lengths: Option<&'a [usize]>,
    /// Steps up to the end of the longest of the sequences.
    steps: usize,
}

impl Walk {
    /// Makes a walk from the first step on.
    pub(crate) fn forward(lengths: Option<Arc<[usize]>>) -> Self {
        Self { direction: Direction::Forward, lengths }
    }

    /// Makes a walk from the last real step back.
    pub(crate) fn reverse(lengths: Option<Arc<[usize]>>) -> Self {
        Self { direction: Direction::Reverse, lengths }
    }

    /// Returns the walk of the sequences `first..first + count` of a batch of `steps` steps.
    pub(crate) fn part(&self, first: usize, count: usize, steps: usize) -> Part<'_> {
        let lengths = self.lengths.as_ref().map(|lengths| &lengths[first..first + count]);
        let longest = lengths.map_or(steps, |lengths| lengths.iter().copied().max().unwrap_or(0));
        Part { direction: self.direction, lengths, steps: longest }
    }
}

impl Part<'_> {
    /// Returns the number of steps that have a live sequence: `0..steps()`.
    #[inline(always)]
    pub(crate) fn steps(self) -> usize {
        self.steps
    }

    /// Returns the step that is walked as number `index`.
    #[inline(always)]
    pub(crate) fn step(self, index: usize) -> usize {
        match self.direction {
            Direction::Forward => index,
            Direction::Reverse => self.steps - 1 - index,
        }
    }

    /// Returns whether step `step` is one of the real steps of sequence `row` of this part.
    #[inline(always)]
    pub(crate) fn is_live(self, row: usize, step: usize) -> bool {
        self.lengths.is_none_or(|lengths| step < lengths[row])
    }

    /// Returns the sequences of this part, of `count`, that have ended before step `step`.
    #[inline(always)]
    pub(crate) fn ended(self, count: usize, step: usize) -> impl Iterator<Item = usize> {
        let lengths = self.lengths.unwrap_or(&[]);
        (0..count.min(lengths.len())).filter(move |&row| step >= lengths[row])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_ends_with_its_longest_sequence() {
        let walk = Walk { direction: Direction::Reverse, lengths: Some([9, 2, 0, 4, 7].into()) };
        let part = walk.part(1, 3, 9);
        assert_eq!((0..part.steps()).map(|index| part.step(index)).collect::<Vec<_>>(), [3, 2, 1, 0]);
        assert_eq!(part.ended(3, 2).collect::<Vec<_>>(), [0, 1]);
        assert!(part.is_live(2, 3) && !part.is_live(0, 2) && part.is_live(0, 1));
        let all = Walk { direction: Direction::Forward, lengths: None };
        assert_eq!(all.part(1, 3, 9).steps(), 9);
        assert_eq!(all.part(1, 3, 9).ended(3, 8).count(), 0);
    }
}
