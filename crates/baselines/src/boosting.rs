//! Gradient boosting of trees on binned columns, stopped early on held-out rows.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use staycast_weeks::CutOff;

use crate::bounds::Bounding;
use crate::config::{BoostingConfig, Direction};
use crate::forust::StoredBoosted;
use crate::grow::{Grower, Grown, Growth, MOST_KEPT};
use crate::histogram::{Least, Sums};
use crate::newton::{log_loss, logit, sigmoid};
use crate::random::SplitMix;
use crate::sound_numbers::number;
use crate::tree_data::TreeData;
use crate::trees::{BinnedRows, Tree};
use crate::weekly::WeeklyInputs;

/// Counts the rows whose inputs are read by all trees before the next ones.
const ROWS_AT_ONCE: usize = 128;

/// Holds the boosted trees of one cut-off.
#[derive(Debug, Serialize, Deserialize)]
#[serde(try_from = "StoredBoosted")]
pub(crate) struct Boosted {
    /// Log odds to which the leaves' values are added.
    pub(crate) intercept: f64,
    /// Trees; a leaf's value is an addition to the log odds.
    pub(crate) trees: Vec<Tree>,
}

impl TryFrom<StoredBoosted> for Boosted {
    type Error = String;

    fn try_from(stored: StoredBoosted) -> Result<Self, String> {
        let (intercept, trees) = stored.into_parts()?;
        Ok(Self { intercept, trees })
    }
}

/// Says in which units slopes and curvatures are counted: whole numbers, small enough that the sums over all rows fit.
struct Units {
    slope: f64,
    curvature: f64,
}

impl Units {
    fn new(rows: usize) -> Self {
        // A row's slope is at most 1, and its curvature p (1 - p) at most 1/4. Sums stay below 2^31.
        let bits = 30_u32.saturating_sub(usize::BITS - rows.leading_zeros());
        let slope = f64::from(1_u32 << bits);
        Self { slope, curvature: 4.0 * slope }
    }

    fn sums(&self, chance: f64, label: bool) -> Sums {
        let slope = (chance - f64::from(u8::from(label))) * self.slope;
        let curvature = chance * (1.0 - chance) * self.curvature;
        Sums::new(slope.round() as i32, curvature.round() as i32)
    }
}

/// Fits the trees, with early stopping on held-out rows. `directions` holds a constraint by column of the inputs.
pub(crate) fn fit(
    config: &BoostingConfig,
    data: &BinnedRows<'_>,
    directions: &[Option<Direction>],
    seed: u64,
) -> Boosted {
    let columns = &data.columns;
    let units = Units::new(data.rows.len());
    let least = Least {
        penalty: (f64::from(config.penalty) * units.curvature) as f32,
        curvature: ((f64::from(config.leaf_weight) * units.curvature).ceil() as i32).max(1),
    };
    let bounding = Bounding { directions, slope: units.slope, curvature: units.curvature, least };
    let bounding = directions.iter().any(Option::is_some).then_some(&bounding);
    let growth = Growth {
        leaves: config.leaves,
        depth: config.depth,
        least,
        on_all_threads: data.on_all_threads,
        kept: MOST_KEPT,
    };
    let mut grower = Grower::new(data.binned, growth);
    let wanted = ((columns.len() as f64 * config.columns_in_tree) as usize).max(1);

    let dropouts = data.labels.iter().filter(|&&label| label).count() as f64;
    let intercept = logit(dropouts / data.labels.len() as f64);
    let mut rows = Rows::new(data, intercept);
    let mut trees = Vec::new();
    let (mut best, mut least_loss) = (0, log_loss(&rows.held_out, data.held_out_labels));
    for number in 0..config.trees {
        rows.take_slopes(data, &units);
        let drawn = SplitMix::new(seed, &[number as u64]).sample(columns.len(), wanted);
        let drawn = drawn.into_iter().map(|at| columns[at]).collect();
        let tree_data = TreeData { sums: &rows.sums, columns: drawn, bounding };
        let grown = grower.grow(data.rows.clone(), &tree_data, None);
        let values = rows.values(config, &grown);
        rows.add(data, &grown, &values);
        trees.push(Tree::new(data.binned, &grown, values));
        let loss = log_loss(&rows.held_out, data.held_out_labels);
        if loss < least_loss {
            (best, least_loss) = (trees.len(), loss);
        } else if trees.len() - best >= config.patience {
            break;
        }
    }
    trees.truncate(best);
    Boosted { intercept, trees }
}

/// Holds where the rows are after some trees. By row of the binned inputs, of which those of other cut-offs are not read.
struct Rows {
    labels: Vec<bool>,
    /// Log odds of dropout.
    logits: Vec<f64>,
    /// Probability of dropout.
    chances: Vec<f64>,
    sums: Vec<Sums>,
    /// Log odds of the held-out rows, in their own order.
    held_out: Vec<f64>,
}

impl Rows {
    fn new(data: &BinnedRows<'_>, intercept: f64) -> Self {
        let count = data.binned.rows();
        Self {
            labels: data.labels_by_row(),
            logits: vec![intercept; count],
            chances: vec![0.0; count],
            sums: vec![Sums::default(); count],
            held_out: vec![intercept; data.held_out.len()],
        }
    }

    /// Computes slopes and curvatures of the loss where the rows are.
    fn take_slopes(&mut self, data: &BinnedRows<'_>, units: &Units) {
        for &row in &data.rows {
            let row = row as usize;
            self.chances[row] = sigmoid(self.logits[row]);
            self.sums[row] = units.sums(self.chances[row], self.labels[row]);
        }
    }

    /// Computes the value of each leaf of a tree by one Newton step, without rounding.
    fn values(&self, config: &BoostingConfig, grown: &Grown) -> Vec<f32> {
        let value = |node: usize| {
            let (mut slope, mut curvature) = (0.0, f64::from(config.penalty));
            for &row in grown.rows_of(node) {
                let chance = self.chances[row as usize];
                slope += chance - f64::from(u8::from(self.labels[row as usize]));
                curvature += chance * (1.0 - chance);
            }
            let value = grown.nodes[node].bounds.nearest(-slope / curvature.max(f64::MIN_POSITIVE));
            (value * f64::from(config.learning_rate)) as f32
        };
        (0..grown.nodes.len()).map(|node| if grown.is_leaf(node) { value(node) } else { 0.0 }).collect()
    }

    /// Adds a tree's values.
    fn add(&mut self, data: &BinnedRows<'_>, grown: &Grown, values: &[f32]) {
        for (node, &value) in values.iter().enumerate().filter(|&(node, _)| grown.is_leaf(node)) {
            grown.rows_of(node).iter().for_each(|&row| self.logits[row as usize] += f64::from(value));
        }
        for (logit, &row) in self.held_out.iter_mut().zip(&data.held_out) {
            *logit += f64::from(values[grown.leaf(|column| data.binned.bin(column, row))]);
        }
    }
}

impl Boosted {
    /// Checks what was read from a file: columns that exist, and trees whose nodes lead forward to leaves.
    pub(crate) fn check(&self, seen: usize) -> Result<(), String> {
        number("its intercept", self.intercept)?;
        self.trees.iter().try_for_each(|tree| tree.check(seen, |value| number("a leaf", f64::from(value))))
    }

    /// Computes the log odds of dropout of every row.
    pub(crate) fn logits(&self, inputs: &WeeklyInputs<'_>, cut_off: CutOff) -> Vec<f64> {
        let mut logits = vec![self.intercept; inputs.rows];
        logits.par_chunks_mut(ROWS_AT_ONCE).enumerate().for_each(|(chunk, logits)| {
            for tree in &self.trees {
                for (at, logit) in logits.iter_mut().enumerate() {
                    *logit += f64::from(tree.value(inputs.seen(chunk * ROWS_AT_ONCE + at, cut_off)));
                }
            }
        });
        logits
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trees_are_written_in_a_form_of_their_own_and_read_back() {
        let text = r#"{"intercept":0.25,"trees":[{"columns":[4,0,0],"values":[0.5,-0.25,1.0],"yes":[1,0,0]}]}"#;
        let read: Boosted = serde_json::from_str(text).expect("its own form");
        read.check(5).expect("sound");
        assert_eq!(serde_json::to_string(&read).expect("JSON"), text);
    }
}
