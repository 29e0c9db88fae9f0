//! Grows decision trees on binned columns, the best question first.

use std::ops::Range;

use crate::binned::Binned;
use crate::bounds::Bounds;
use crate::histogram::{Layout, Least, Sums};
use crate::random::SplitMix;
use crate::search::{Found, Job, Searched};
use crate::tree_data::TreeData;

/// Bounds the bytes of sums by bin that one tree keeps for later questions.
pub(crate) const MOST_KEPT: usize = 256 << 20;

/// Says how far a tree grows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Growth {
    /// Leaves, at most.
    pub(crate) leaves: usize,
    /// Questions from the root to a leaf, at most.
    pub(crate) depth: usize,
    /// Bounds what a question must leave on both sides.
    pub(crate) least: Least,
    /// Whether the threads share the work on one tree.
    pub(crate) on_all_threads: bool,
    /// Bytes of sums by bin that are kept for later questions, at most. Of other nodes, rows are added up anew.
    pub(crate) kept: usize,
}

/// Draws the columns that each node may ask about.
pub(crate) struct Draws {
    /// Columns of the tree that are drawn for a node.
    pub(crate) wanted: usize,
    pub(crate) stream: SplitMix,
}

/// Holds a tree as it was grown. Children come after their parent.
pub(crate) struct Grown {
    pub(crate) nodes: Vec<GrownNode>,
    /// Rows, each leaf's beside each other.
    rows: Vec<u32>,
}

/// Holds a node.
pub(crate) struct GrownNode {
    /// Question, if it is no leaf.
    pub(crate) question: Option<Question>,
    /// Bounds the values of its leaves.
    pub(crate) bounds: Bounds,
    /// Its rows, as places in [`Grown::rows`].
    rows: Range<usize>,
}

/// Asks whether a column's bin is `bin` or one before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Question {
    pub(crate) column: u32,
    pub(crate) bin: u8,
    /// Number of the node for yes; the node for no comes right after it.
    pub(crate) yes: u32,
}

impl Grown {
    /// Finds the leaf of a row, from the bin that it has in a column.
    pub(crate) fn leaf(&self, bin: impl Fn(u32) -> u8) -> usize {
        let mut node = 0;
        while let Some(question) = self.nodes[node].question {
            node = question.yes as usize + usize::from(bin(question.column) > question.bin);
        }
        node
    }

    /// Tells whether a node is a leaf.
    pub(crate) fn is_leaf(&self, node: usize) -> bool {
        self.nodes[node].question.is_none()
    }

    /// Returns the rows of a node.
    pub(crate) fn rows_of(&self, node: usize) -> &[u32] {
        &self.rows[self.nodes[node].rows.clone()]
    }
}

/// Holds a leaf that may become a question.
struct Open {
    place: Place,
    found: Found,
    /// By how much the question is better than none.
    gain: f64,
    /// Sums by bin, where they are kept.
    bins: Option<Vec<Sums>>,
}

/// Says where a leaf is, and what its rows add up to.
#[derive(Clone, Copy)]
struct Place {
    node: usize,
    depth: usize,
    total: Sums,
}

/// Grows trees, one after the other.
pub(crate) struct Grower<'a> {
    binned: &'a Binned,
    growth: Growth,
    /// Memory to use again.
    spare: Vec<Vec<Sums>>,
    moved: Vec<u32>,
}

impl<'a> Grower<'a> {
    /// Begins without any tree.
    pub(crate) fn new(binned: &'a Binned, growth: Growth) -> Self {
        Self { binned, growth, spare: Vec::new(), moved: Vec::new() }
    }

    /// Grows a tree on `rows`. Without draws, each node may ask about any of the tree's columns.
    pub(crate) fn grow(&mut self, rows: Vec<u32>, data: &TreeData<'_>, mut draws: Option<Draws>) -> Grown {
        let total = rows.iter().fold(Sums::default(), |total, &row| total.plus(data.sums[row as usize]));
        let root = GrownNode { question: None, bounds: Bounds::NONE, rows: 0..rows.len() };
        let mut grown = Grown { nodes: vec![root], rows };
        let layout = Layout::new(self.binned, data.columns.clone());
        let most_kept = self.growth.kept / (layout.bins().max(1) * size_of::<Sums>());
        let mut open: Vec<Open> = Vec::new();
        let mut fresh = vec![Place { node: 0, depth: 0, total }];
        let mut parent = None;
        for _ in 1..self.growth.leaves {
            fresh.retain(|place| self.may_ask(place));
            for mut found in match &mut draws {
                Some(draws) => self.ask_drawn(&grown, data, draws, &fresh),
                None => self.ask_all(&grown, data, &layout, &fresh, parent.take()),
            } {
                if open.iter().filter(|open| open.bins.is_some()).count() >= most_kept {
                    self.spare.extend(found.bins.take());
                }
                open.push(found);
            }
            let Some(best) = (0..open.len()).reduce(|best, at| if open[at].gain > open[best].gain { at } else { best })
            else {
                break;
            };
            let Open { place, found, bins, .. } = open.swap_remove(best);
            parent = bins;
            fresh = self.divide(&mut grown, data, place, found).to_vec();
        }
        self.spare.extend(parent);
        self.spare.extend(open.into_iter().filter_map(|open| open.bins));
        grown
    }

    /// Tells whether both sides of a question about a leaf could be large enough.
    fn may_ask(&self, place: &Place) -> bool {
        place.depth < self.growth.depth && place.total.curvature() / 2 >= self.growth.least.curvature
    }

    /// Lends memory for the sums by bin of some columns.
    fn lend(&mut self, layout: &Layout) -> Vec<Sums> {
        let mut bins = self.spare.pop().unwrap_or_default();
        bins.resize(layout.bins(), Sums::default());
        bins
    }

    /// Finds the best question of each leaf among columns drawn for it.
    fn ask_drawn(&mut self, grown: &Grown, data: &TreeData<'_>, draws: &mut Draws, fresh: &[Place]) -> Vec<Open> {
        let mut asked = Vec::new();
        for &place in fresh {
            let drawn = draws.stream.sample(data.columns.len(), draws.wanted);
            let layout = Layout::new(self.binned, drawn.into_iter().map(|at| data.columns[at]).collect());
            let mut found = self.ask_all(grown, data, &layout, &[place], None);
            self.spare.extend(found.iter_mut().filter_map(|found| found.bins.take()));
            asked.append(&mut found);
        }
        asked
    }

    /// Finds the best question of each leaf among all columns of `layout`. `parent` holds the sums of the node that the leaves
    /// are the children of, where they were kept.
    fn ask_all(
        &mut self,
        grown: &Grown,
        data: &TreeData<'_>,
        layout: &Layout,
        fresh: &[Place],
        parent: Option<Vec<Sums>>,
    ) -> Vec<Open> {
        let (binned, on_all_threads) = (self.binned, self.growth.on_all_threads);
        let search = Searched { binned, layout, data, least: self.growth.least, on_all_threads };
        let searched = |place: &Place| (place.total, grown.nodes[place.node].bounds);
        let mut asked = Vec::new();
        let mut keep = |grower: &mut Self, place: Place, found: Option<Found>, bins: Vec<Sums>| {
            let none = search.gain_of_none(place.total, grown.nodes[place.node].bounds);
            match found {
                // Less than a millionth is rounding.
                Some(found) if f64::from(found.cut.gain) - none > 1e-6 * none => {
                    let gain = f64::from(found.cut.gain) - none;
                    asked.push(Open { place, found, gain, bins: Some(bins) });
                }
                _ => grower.spare.push(bins),
            }
        };
        let (Some(mut parent), Some(&first)) = (parent, fresh.first()) else {
            for &place in fresh {
                let mut bins = self.lend(layout);
                let (rows, one) = (grown.rows_of(place.node), Some(searched(&place)));
                let [found, _] = search.run(Job { rows, bins: &mut bins, one, rest: None });
                keep(self, place, found, bins);
            }
            return asked;
        };
        // Only the rows of the smaller child are added up. The rest of the parent's is the other child's.
        let yes = grown.nodes.len() - 2;
        let smaller = yes + usize::from(grown.rows_of(yes).len() > grown.rows_of(yes + 1).len());
        let of = |wanted: bool| fresh.iter().find(|place| (place.node == smaller) == wanted);
        debug_assert!(first.node >= yes);
        let mut bins = self.lend(layout);
        let job = Job {
            rows: grown.rows_of(smaller),
            bins: &mut bins,
            one: of(true).map(searched),
            rest: Some((&mut parent, of(false).map(searched))),
        };
        let [one, rest] = search.run(job);
        for (place, found, bins) in [(of(true), one, bins), (of(false), rest, parent)] {
            match place {
                Some(&place) => keep(self, place, found, bins),
                None => self.spare.push(bins),
            }
        }
        asked
    }

    /// Makes a leaf a question, and returns its children.
    fn divide(&mut self, grown: &mut Grown, data: &TreeData<'_>, place: Place, found: Found) -> [Place; 2] {
        let Found { column, cut, left } = found;
        let yes = grown.nodes.len();
        let GrownNode { bounds, rows, .. } = &grown.nodes[place.node];
        let (bounds, range) = (*bounds, rows.clone());
        let right = place.total.minus(left);
        let sides = data.bounding.map_or([bounds; 2], |bounding| {
            bounding.sides(bounding.direction(self.binned.position(column)), bounds, left, right)
        });
        let kept = self.part(&mut grown.rows[range.clone()], column, cut.bin);
        let middle = range.start + kept;
        grown.nodes[place.node].question = Some(Question { column, bin: cut.bin, yes: yes as u32 });
        for (rows, bounds) in [range.start..middle, middle..range.end].into_iter().zip(sides) {
            grown.nodes.push(GrownNode { question: None, bounds, rows });
        }
        let child = |node, total| Place { node, depth: place.depth + 1, total };
        [child(yes, left), child(yes + 1, right)]
    }

    /// Moves the rows after a bin behind the others, each in their order; returns how many stay in front.
    fn part(&mut self, rows: &mut [u32], column: u32, bin: u8) -> usize {
        let moved = &mut self.moved;
        moved.resize(moved.len().max(rows.len()), 0);
        let bins = self.binned.column(column);
        let (mut kept, mut gone) = (0, 0);
        // Each row is written to both places and counted at one, which is quicker than to choose.
        for at in 0..rows.len() {
            let row = rows[at];
            rows[kept] = row;
            moved[gone] = row;
            let goes = usize::from(bins(row) > bin);
            gone += goes;
            kept += 1 - goes;
        }
        rows[kept..].copy_from_slice(&moved[..gone]);
        kept
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::weekly::WeeklyInputs;

    #[test]
    fn neither_memory_nor_threads_change_a_tree() {
        let (rows, width) = (3000, 90);
        let mut stream = SplitMix::new(5, &[]);
        let mut draw = move || (stream.next() >> 40) as f32 / (1 << 24) as f32;
        let values: Vec<f32> = (0..rows * width).map(|_| draw()).collect();
        let columns: Vec<String> = (0..width).map(|at| format!("c{at}")).collect();
        let ends = vec![1; rows];
        let inputs = WeeklyInputs { rows, weeks: 1, columns: &columns, values: &values, raw: &[], course_weeks: &ends };
        let all: Vec<usize> = (0..rows).collect();
        let binned = Binned::new(&inputs, &all, rows, (0..width as u32).collect(), 40);
        let sums: Vec<Sums> = (0..rows).map(|row| Sums::new((values[row * width] * 999.0) as i32 - 500, 7)).collect();
        let grow = |kept: usize, on_all_threads: bool| {
            let least = Least { penalty: 3.0, curvature: 70 };
            let growth = Growth { leaves: 20, depth: 6, least, on_all_threads, kept };
            let data = TreeData { sums: &sums, columns: (0..width as u32).collect(), bounding: None };
            let grown = Grower::new(&binned, growth).grow((0..rows as u32).collect(), &data, None);
            let questions: Vec<Option<Question>> = grown.nodes.iter().map(|node| node.question).collect();
            (questions, grown.rows)
        };
        let plain = grow(MOST_KEPT, false);
        assert_eq!(plain.0.len(), 39);
        // Memory for the sums of two nodes, and for none.
        for kept in [2 * 40 * width * size_of::<Sums>(), 0] {
            assert!(plain == grow(kept, false), "{kept} bytes");
        }
        assert!(plain == grow(MOST_KEPT, true), "threads");
    }
}
