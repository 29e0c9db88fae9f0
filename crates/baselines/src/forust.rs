//! Reads boosted trees that versions before this crate's own wrote, in the form of forust-ml.

use serde::Deserialize;

use crate::sound_numbers::number;
use crate::trees::Tree;

/// Reads boosted trees in either form.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct StoredBoosted {
    intercept: Option<f64>,
    trees: Option<Vec<Tree>>,
    columns: Option<Vec<u32>>,
    booster: Option<Booster>,
}

/// Holds what a forecast reads of forust-ml's `GradientBooster`.
#[derive(Deserialize)]
struct Booster {
    base_score: f64,
    /// Stands for a missing value; null, as no input is.
    missing: Option<f64>,
    prediction_iteration: Option<usize>,
    trees: Vec<BoosterTree>,
}

#[derive(Deserialize)]
struct BoosterTree {
    nodes: Vec<BoosterNode>,
}

#[derive(Deserialize)]
struct BoosterNode {
    weight_value: f32,
    split_value: f64,
    split_feature: usize,
    left_child: usize,
    right_child: usize,
    is_leaf: bool,
}

impl StoredBoosted {
    /// Returns the log odds to which trees add, and the trees.
    ///
    /// # Errors
    /// Says what is wrong with trees of the earlier form, or with what is of neither.
    pub(crate) fn into_parts(self) -> Result<(f64, Vec<Tree>), String> {
        match self {
            Self { intercept: Some(intercept), trees: Some(trees), columns: None, booster: None } => {
                Ok((intercept, trees))
            }
            Self { intercept: None, trees: None, columns: Some(columns), booster: Some(booster) } => {
                booster.convert(&columns)
            }
            _ => Err("boosted trees have `intercept` and `trees`, or `columns` and `booster`".to_owned()),
        }
    }
}

impl Booster {
    fn convert(self, columns: &[u32]) -> Result<(f64, Vec<Tree>), String> {
        if let Some(missing) = self.missing {
            return Err(format!("{missing} stands for a missing value"));
        }
        let count = self.trees.len();
        let used = self.prediction_iteration.unwrap_or(count);
        if used > count {
            return Err(format!("it has {count} trees, and is to use more"));
        }
        let trees = self.trees.iter().take(used).map(|tree| tree.convert(columns)).collect::<Result<_, _>>()?;
        Ok((self.base_score, trees))
    }
}

impl BoosterTree {
    /// Numbers the nodes anew, as children stand side by side here.
    fn convert(&self, columns: &[u32]) -> Result<Tree, String> {
        let count = self.nodes.len();
        let mut tree = Tree { columns: Vec::with_capacity(count), values: Vec::new(), yes: Vec::new() };
        // Nodes in their new order, by their old numbers.
        let mut order = vec![0];
        let mut at = 0;
        while at < order.len() {
            let number_before = order[at];
            let node = self.nodes.get(number_before).ok_or("a tree has no nodes")?;
            if node.is_leaf {
                tree.columns.push(0);
                tree.values.push(node.weight_value);
                tree.yes.push(0);
            } else {
                number("a threshold", node.split_value)?;
                let children = [node.left_child, node.right_child];
                if let Some(child) = children.into_iter().find(|&child| child <= number_before || child >= count) {
                    return Err(format!("node {number_before} leads to node {child}, in a tree of {count}"));
                }
                if order.len() + 2 > count {
                    return Err(format!("a tree of {count} nodes leads to one of them twice"));
                }
                let feature = node.split_feature;
                let column = columns.get(feature).ok_or_else(|| {
                    format!("node {number_before} of a tree reads feature {feature} of {}", columns.len())
                })?;
                tree.columns.push(*column);
                tree.values.push(greatest_below(node.split_value));
                tree.yes.push(order.len() as u32);
                order.extend(children);
            }
            at += 1;
        }
        Ok(tree)
    }
}

/// Returns the greatest 32-bit number below a threshold: the question was whether a value is below it.
fn greatest_below(threshold: f64) -> f32 {
    let near = threshold as f32;
    if f64::from(near) < threshold { near } else { near.next_down() }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Writes a booster as forust-ml does, as far as it is read, and a field that is not.
    fn stored(nodes: &str) -> String {
        format!(
            r#"{{"columns":[1,4],"booster":{{"iterations":4,"base_score":0.25,"missing":null,"prediction_iteration":1,
                "trees":[{{"nodes":[{nodes}]}},{{"nodes":[{leaf}]}}]}}}}"#,
            leaf = node(0, 9.0, None)
        )
    }

    /// Writes a node: a weight, or a feature, a threshold and the children.
    fn node(number: usize, weight: f32, question: Option<(usize, f64, usize, usize)>) -> String {
        let (feature, threshold, left, right) = question.unwrap_or((0, 0.0, 0, 0));
        format!(
            r#"{{"num":{number},"weight_value":{weight},"hessian_sum":3.0,"depth":1,"split_value":{threshold:?},
                "split_feature":{feature},"split_gain":0.5,"missing_node":{right},"left_child":{left},
                "right_child":{right},"is_leaf":{}}}"#,
            question.is_none()
        )
    }

    fn read(text: &str) -> Result<(f64, Vec<Tree>), String> {
        serde_json::from_str::<StoredBoosted>(text).map_err(|error| error.to_string())?.into_parts()
    }

    #[test]
    fn trees_of_forust_forecast_as_before() {
        // The children of the root are not side by side, and a value at a threshold goes to the right.
        let nodes = [
            node(0, 0.0, Some((1, 0.5, 2, 1))),
            node(1, 0.125, None),
            node(2, 0.0, Some((0, -1.0, 4, 3))),
            node(3, 0.75, None),
            node(4, -0.5, None),
        ];
        let (intercept, trees) = read(&stored(&nodes.join(","))).expect("sound");
        assert_eq!((intercept, trees.len()), (0.25, 1), "the second tree was not used");
        let value = |first: f32, second: f32| trees[0].value(&[9.0, first, 9.0, 9.0, second]);
        assert_eq!(value(0.0, 0.5), 0.125);
        assert_eq!(value(-1.0, 0.5_f32.next_down()), 0.75);
        assert_eq!(value((-1.0_f32).next_down(), 0.0), -0.5);
    }

    #[test]
    fn damaged_trees_are_refused() {
        let leaf = |number| node(number, 1.0, None);
        for (nodes, problem) in [
            (String::new(), "has no nodes"),
            (node(0, 0.0, Some((0, 0.5, 1, 2))), "node 0 leads to node 1, in a tree of 1"),
            ([node(0, 0.0, Some((2, 0.5, 1, 2))), leaf(1), leaf(2)].join(","), "reads feature 2 of 2"),
            ([node(0, 0.0, Some((0, 1e300, 1, 2))), leaf(1), leaf(2)].join(","), "a threshold is 1000"),
            ([node(0, 0.0, Some((0, 0.5, 1, 0))), leaf(1), leaf(2)].join(","), "leads to node 0"),
            (
                [node(0, 0.0, Some((0, 0.5, 1, 1))), node(1, 0.0, Some((0, 0.5, 2, 2))), leaf(2)].join(","),
                "leads to one of them twice",
            ),
        ] {
            let fault = read(&stored(&nodes)).expect_err(problem);
            assert!(fault.contains(problem), "{fault}");
        }
        for (text, problem) in [
            (r#"{"intercept":0.5}"#, "boosted trees have `intercept` and `trees`, or `columns` and `booster`"),
            (r#"{"intercept":0.5,"trees":[],"columns":[]}"#, "boosted trees have `intercept`"),
            (r#"{"intercept":0.5,"trees":[],"more":1}"#, "unknown field `more`"),
            (r#"{"columns":[],"booster":{"base_score":0,"missing":7,"trees":[]}}"#, "7 stands for a missing value"),
            (
                r#"{"columns":[],"booster":{"base_score":0,"missing":null,"prediction_iteration":1,"trees":[]}}"#,
                "it has 0 trees, and is to use more",
            ),
        ] {
            let fault = read(text).expect_err(problem);
            assert!(fault.contains(problem), "{fault}");
        }
    }
}
