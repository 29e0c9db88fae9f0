//! Figures of models that other programs trained on the same tasks.

use std::path::Path;

use serde::Deserialize;
use staycast_evaluation::metrics::{Metric, Undefined};
use staycast_evaluation::report::ByCohort;

use super::outcome::{ModelFigures, TaskCohort, TaskFigures};
use super::suite::is_plain;
use crate::status::usage;

/// Holds what is read of a file in the form of transfer.json.
#[derive(Debug, Deserialize)]
pub(super) struct Peers {
    tasks: Vec<PeerTask>,
}

#[derive(Debug, Deserialize)]
struct PeerTask {
    name: String,
    figures: Vec<PeerFigures>,
}

#[derive(Debug, Deserialize)]
struct PeerFigures {
    model: String,
    cohorts: PeerCohorts,
}

#[derive(Debug, Deserialize)]
struct PeerCohorts {
    all: PeerCohort,
    active: PeerCohort,
}

#[derive(Debug, Deserialize)]
struct PeerCohort {
    n: u64,
    auc: Option<f64>,
    #[serde(default)]
    ece: Option<f64>,
}

impl Peers {
    /// Reads a file. No model of it may be called as one of `models`.
    pub(super) fn read(path: &Path, models: &[String]) -> anyhow::Result<Self> {
        let refuse = |problem: String| usage(format!("{}: {problem}", path.display()));
        let text =
            std::fs::read_to_string(path).map_err(|error| refuse(format!("cannot read the figures: {error}")))?;
        let peers: Self = serde_json::from_str(&text)
            .map_err(|error| refuse(format!("not in the form of transfer.json: {error}")))?;
        peers.check(models).map_err(refuse)?;
        Ok(peers)
    }

    fn check(&self, models: &[String]) -> Result<(), String> {
        for model in self.models() {
            if !is_plain(&model) {
                return Err(format!("a model is called {model:?}; use letters, digits, `-`, `_` and `.`"));
            }
            if models.contains(&model) {
                return Err(format!("it has figures of {model}, which --models names too"));
            }
        }
        Ok(())
    }

    /// Names the models, in the order of their first figures.
    pub(super) fn models(&self) -> Vec<String> {
        let mut models: Vec<String> = Vec::new();
        for figures in self.tasks.iter().flat_map(|task| &task.figures) {
            if !models.contains(&figures.model) {
                models.push(figures.model.clone());
            }
        }
        models
    }

    /// Adds the figures of every model to those of a task. They must be about as many learners.
    ///
    /// # Errors
    /// Says which numbers of learners differ.
    pub(super) fn add_to(&self, task: &mut TaskFigures) -> Result<(), String> {
        let known = task.figures.iter().find(|figures| figures.failed.is_none());
        let known = known.map(|figures| [figures.cohorts.all.n, figures.cohorts.active.n]);
        let of_task = self.tasks.iter().find(|peers| peers.name == task.name);
        let mut added = Vec::new();
        for model in self.models() {
            let found = of_task.and_then(|peers| peers.figures.iter().find(|figures| figures.model == model));
            let Some(PeerFigures { cohorts: PeerCohorts { all, active }, .. }) = found else {
                added.push(ModelFigures::none(model, "the file of peers has no figures of it".to_owned()));
                continue;
            };
            if let Some([of_all, of_active]) = known.filter(|known| *known != [all.n, active.n]) {
                return Err(format!(
                    "{model} has figures about {} learners, {} of them active, on {}, where {of_all} and {of_active} are \
                     forecast here",
                    all.n, active.n, task.name
                ));
            }
            let cohorts = ByCohort { all: all.into(), active: active.into() };
            added.push(ModelFigures { model, cohorts, failed: None });
        }
        task.figures.append(&mut added);
        Ok(())
    }
}

impl From<&PeerCohort> for TaskCohort {
    fn from(cohort: &PeerCohort) -> Self {
        let metric = |value: Option<f64>| value.map_or(Metric::Undefined(Undefined::NoPrediction), Metric::Value);
        let none = metric(None);
        Self { n: cohort.n, auc: metric(cohort.auc), auc_low: none, auc_high: none, ece: metric(cohort.ece) }
    }
}

#[cfg(test)]
mod tests {
    use staycast_sequences::CutOff;

    use super::*;

    fn peers(model: &str, n: u64) -> Peers {
        let cohort = |n: u64| serde_json::json!({ "n": n, "auc": 0.75, "more": 1 });
        let figures = serde_json::json!([{ "model": model, "cohorts": { "all": cohort(n), "active": cohort(3) } }]);
        let file = serde_json::json!({ "tasks": [{ "name": "forth", "week": 4, "figures": figures }] });
        serde_json::from_value(file).expect("well-formed")
    }

    fn task(name: &str) -> TaskFigures {
        let cohort = |n: u64| TaskCohort { n, ..(&PeerCohort { n, auc: Some(0.5), ece: None }).into() };
        let own = ModelFigures {
            model: "rules".to_owned(),
            cohorts: ByCohort { all: cohort(5), active: cohort(3) },
            failed: None,
        };
        TaskFigures {
            name: name.to_owned(),
            sequences: "s".to_owned(),
            week: CutOff::after_weeks(4).expect("a cut-off"),
            train: Vec::new(),
            test: Vec::new(),
            left_out: Vec::new(),
            group: None,
            figures: vec![own],
        }
    }

    #[test]
    fn figures_of_peers_stand_beside_the_others() {
        let (mut forth, mut back) = (task("forth"), task("back"));
        let found = peers("lightgbm", 5);
        found.check(&["rules".to_owned()]).expect("another name");
        assert_eq!(found.models(), ["lightgbm"]);
        found.add_to(&mut forth).expect("as many learners");
        found.add_to(&mut back).expect("no figures");
        let peer = &forth.figures[1];
        assert_eq!((peer.model.as_str(), peer.cohorts.active.n), ("lightgbm", 3));
        assert_eq!((peer.cohorts.all.auc.value(), peer.cohorts.all.ece.value()), (Some(0.75), None));
        assert_eq!(back.figures[1].failed.as_deref(), Some("the file of peers has no figures of it"));
    }

    #[test]
    fn other_learners_and_names_are_refused() {
        let problem = peers("lightgbm", 6).add_to(&mut task("forth")).expect_err("one learner more");
        assert_eq!(
            problem,
            "lightgbm has figures about 6 learners, 3 of them active, on forth, where 5 and 3 are forecast here"
        );
        let problem = peers("rules", 5).check(&["rules".to_owned()]).expect_err("twice");
        assert_eq!(problem, "it has figures of rules, which --models names too");
        assert!(peers("a\u{1b}", 5).check(&[]).expect_err("no name").starts_with("a model is called \"a\\u{1b}\""));
    }
}
