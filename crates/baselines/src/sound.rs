//! Checks of a model that was read from a file: whatever the file holds, a model that passes forecasts finite numbers, and
//! reads no column that its inputs do not have.

use staycast_weeks::CutOff;

use crate::blend::Blend;
use crate::cut_off_model::CutOffModel;
use crate::error::ModelFault;
use crate::hazard::Hazards;
use crate::kind::BaselineKind;
use crate::linear::Weights;
use crate::model::BaselineModel;
use crate::simple::{Inactivity, PlattLine, WarningPoints, WarningSign};
use crate::sound_numbers::{number, positions};
use crate::trees::{self, Tree};

impl BaselineModel {
    /// Checks that the model can forecast from any inputs of its columns: every number is finite, every column exists, and
    /// every tree leads to a leaf. Whoever reads a model from a file calls it before the first forecast.
    ///
    /// # Errors
    /// Names the first fault.
    pub fn check(&self) -> Result<(), ModelFault> {
        let fault = |problem: String| ModelFault { kind: self.kind(), cut_off: None, problem };
        let columns = self.columns();
        if self.weeks() == 0 {
            return Err(fault("it has no weeks".to_owned()));
        }
        let mut names: Vec<&String> = columns.iter().collect();
        names.sort_unstable();
        if let Some(pair) = names.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(fault(format!("the column `{}` is there twice", pair[0])));
        }
        if self.cut_offs().is_empty() {
            return Err(fault("it was fitted at no cut-off".to_owned()));
        }
        for (&cut_off, fitted) in self.cut_offs() {
            let at = |problem: String| ModelFault { kind: self.kind(), cut_off: Some(cut_off), problem };
            if cut_off.count() > self.weeks() {
                return Err(at(format!("the model has {} weeks", self.weeks())));
            }
            if self.absent().contains_key(&cut_off) {
                return Err(at("it is fitted and absent".to_owned()));
            }
            fitted.check(self.kind(), columns.len(), cut_off).map_err(at)?;
        }
        match self.absent().keys().find(|cut_off| cut_off.count() > self.weeks()) {
            Some(cut_off) => {
                Err(fault(format!("it says why week {cut_off} is absent, and has {} weeks", self.weeks())))
            }
            None => Ok(()),
        }
    }
}

impl CutOffModel {
    fn check(&self, kind: BaselineKind, width: usize, cut_off: CutOff) -> Result<(), String> {
        let seen = cut_off.count() * width;
        let own = match self {
            Self::DaysSinceLast(inactivity) => (BaselineKind::DaysSinceLast, inactivity.check()),
            Self::Rules(points) => (BaselineKind::Rules, points.check()),
            Self::Linear(weights) => (BaselineKind::Linear, weights.check(seen)),
            Self::Logistic(weights) => (BaselineKind::Logistic, weights.check(seen)),
            Self::Tree(tree) => (BaselineKind::Tree, tree.check_probabilities(seen)),
            Self::Forest(trees) => (BaselineKind::Forest, trees::check_forest(trees, seen)),
            Self::Boosting(boosted) => (BaselineKind::Boosting, boosted.check(seen)),
            Self::Hazard(hazards) => (BaselineKind::Hazard, hazards.check(seen)),
        };
        match own {
            (own, sound) if own == kind => sound,
            (own, _) => Err(format!("it is fitted as {own}")),
        }
    }
}

impl PlattLine {
    fn check(&self) -> Result<(), String> {
        number("its slope", self.slope)?;
        number("its intercept", self.intercept)
    }
}

impl Inactivity {
    fn check(&self) -> Result<(), String> {
        self.line.check()?;
        number("the days of who was never active", self.never_days)?;
        if self.never_days > 0.0 { Ok(()) } else { Err(format!("who was never active has {} days", self.never_days)) }
    }
}

impl WarningPoints {
    fn check(&self) -> Result<(), String> {
        self.line.check()?;
        self.signs.iter().try_for_each(|sign| match sign {
            WarningSign::Inactive { days: at } | WarningSign::FewActiveDays { days: at } => {
                number("the days of a sign", f64::from(*at))
            }
            WarningSign::Fallen { share } | WarningSign::Lowest { share } => {
                number("the share of a sign", f64::from(*share))
            }
            WarningSign::WorkMissing | WarningSign::Withdrawn => Ok(()),
        })
    }
}

impl Weights {
    fn check(&self, seen: usize) -> Result<(), String> {
        positions(&self.columns, seen)?;
        if self.columns.len() != self.weights.len() {
            return Err(format!("it has {} columns and {} weights", self.columns.len(), self.weights.len()));
        }
        if !(self.penalty > 0.0 && self.penalty.is_finite()) {
            return Err(format!("its penalty is {}", self.penalty));
        }
        number("its intercept", self.intercept)?;
        self.weights.iter().try_for_each(|&weight| number("a weight", weight))
    }
}

impl Hazards {
    fn check(&self, seen: usize) -> Result<(), String> {
        self.weights.check(seen)?;
        if self.weeks.is_empty() {
            return Err("it has no week effects".to_owned());
        }
        self.weeks.iter().try_for_each(|&week| number("a week effect", week))
    }
}

impl Tree {
    /// Checks the nodes of a tree whose leaves hold probabilities.
    pub(crate) fn check_probabilities(&self, seen: usize) -> Result<(), String> {
        self.check(seen, |value| {
            if value > 0.0 && value < 1.0 { Ok(()) } else { Err(format!("a leaf has the probability {value}")) }
        })
    }

    /// Checks the nodes. Children come after their parent, so that every way down ends.
    pub(crate) fn check(&self, seen: usize, leaf: impl Fn(f32) -> Result<(), String>) -> Result<(), String> {
        let nodes = self.values.len();
        if nodes == 0 || self.columns.len() != nodes || self.yes.len() != nodes {
            let (columns, yes) = (self.columns.len(), self.yes.len());
            return Err(format!("a tree has {nodes} values, {columns} columns and {yes} children"));
        }
        for node in 0..nodes {
            let (column, value, yes) = (self.columns[node] as usize, self.values[node], self.yes[node] as usize);
            if yes == 0 {
                leaf(value)?;
            } else if yes <= node || yes + 1 >= nodes {
                return Err(format!("node {node} of a tree of {nodes} leads to node {yes}"));
            } else if column >= seen {
                return Err(format!("node {node} of a tree reads column {column}, and the weeks seen have {seen}"));
            } else {
                number("a threshold", f64::from(value))?;
            }
        }
        Ok(())
    }
}

impl Blend {
    /// Checks that the blend mixes the forecasters `names`, in this order, with finite weights of 0 or more.
    ///
    /// # Errors
    /// Names the first fault.
    pub fn check<'a>(&self, names: impl Iterator<Item = &'a str>) -> Result<(), String> {
        if !names.eq(self.weights().iter().map(|part| part.name.as_str())) {
            return Err("it weighs other models than the blend has".to_owned());
        }
        number("its intercept", self.intercept())?;
        self.weights().iter().try_for_each(|part| {
            number("a weight", part.weight)?;
            if part.weight >= 0.0 { Ok(()) } else { Err(format!("the weight of {} is {}", part.name, part.weight)) }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(columns: &[u32], values: &[f32], yes: &[u32]) -> Tree {
        let text = serde_json::json!({ "columns": columns, "values": values, "yes": yes }).to_string();
        serde_json::from_str(&text).expect("a tree")
    }

    #[test]
    fn trees_lead_forward_to_leaves() {
        tree(&[1, 0, 0], &[0.5, 0.1, 0.9], &[1, 0, 0]).check_probabilities(2).expect("a sound tree");
        for (columns, values, yes, problem) in [
            (&[][..], &[][..], &[][..], "0 values"),
            (&[0], &[0.5], &[0, 0], "1 values, 1 columns and 2 children"),
            (&[0], &[1.0], &[0], "probability 1"),
            (&[0], &[-0.1], &[0], "probability -0.1"),
            (&[2, 0, 0], &[0.5, 0.1, 0.9], &[1, 0, 0], "reads column 2"),
            (&[0, 0, 0], &[0.5, 0.1, 0.9], &[2, 0, 0], "leads to node 2"),
            (&[0, 0, 0], &[0.5, 0.1, 0.9], &[u32::MAX, 0, 0], "leads to node 4294967295"),
            // A circle: the third node leads back to the first pair.
            (&[0, 0, 0], &[0.5, 0.1, 0.9], &[1, 0, 1], "node 2 of a tree of 3 leads to node 1"),
            (&[0, 0, 0], &[0.5, 0.1, 0.9], &[1, 1, 0], "leads to node 1"),
            (&[0, 0, 0], &[f32::MAX, 0.1, 0.9], &[1, 0, 0], "a threshold is"),
        ] {
            let fault = tree(columns, values, yes).check_probabilities(2).expect_err(problem);
            assert!(fault.contains(problem), "{fault}");
        }
    }

    #[test]
    fn columns_and_numbers_out_of_range_are_named() {
        positions(&[0, 3], 4).expect("below 4");
        assert!(positions(&[0, 4], 4).expect_err("4 of 4").contains("column 4"));
        assert!(positions(&[3, 0], 4).expect_err("reversed").contains("order"));
        assert!(positions(&[1, 1], 4).expect_err("twice").contains("order"));
        for value in [f64::NAN, f64::INFINITY, -1e300] {
            assert!(number("a weight", value).is_err(), "{value}");
        }
    }

    #[test]
    fn blends_have_their_parts_in_order_and_weights_of_zero_or_more() {
        let blend = |first: f64, second: f64| -> Blend {
            let weights =
                [("a", first), ("b", second)].map(|(name, weight)| serde_json::json!({"name": name, "weight": weight}));
            serde_json::from_value(serde_json::json!({ "intercept": 0.5, "weights": weights })).expect("a blend")
        };
        blend(0.0, 2.0).check(["a", "b"].into_iter()).expect("sound");
        assert!(blend(1.0, 2.0).check(["b", "a"].into_iter()).is_err());
        assert!(blend(1.0, 2.0).check(["a"].into_iter()).is_err());
        assert!(blend(-1.0, 2.0).check(["a", "b"].into_iter()).expect_err("negative").contains("weight of a is -1"));
        assert!(blend(1.0, 1e300).check(["a", "b"].into_iter()).is_err());
    }
}
