//! The best reachable AUC: the simulator knows the true probability that each learner drops out.

use std::collections::HashMap;
use std::path::Path;

use anyhow::Context;
use serde::Serialize;
use staycast_evaluation::metrics::Ranking;
use staycast_evaluation::report::Evaluation;
use staycast_forecast::Run;
use staycast_sequences::{Dataset, standing};
use staycast_simulator::KDD2015_FILES;

use crate::display::LabelledText;

/// Holds the AUC of the simulator's own probabilities on the rows that were evaluated.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct BestReachable {
    all: Option<f64>,
    active: Option<f64>,
}

/// Computes the best reachable AUC at the report's week, on the run's test part.
pub(super) fn best_reachable(
    run: &Run,
    data: &Dataset,
    logs: &Path,
    evaluation: &Evaluation,
) -> anyhow::Result<BestReachable> {
    let cut_off = evaluation.week;
    let week = u32::from(cut_off.weeks());
    let truth = probabilities(&logs.join(KDD2015_FILES.truth_probability), week)?;
    let test = &run.split().test;
    let mut all = (Vec::new(), Vec::new());
    let mut active = (Vec::new(), Vec::new());
    for (index, enrolment) in data.enrolment_indices().zip(&data.enrolments) {
        let tested = test.get(&data.course_of(index).id).is_some_and(|ids| ids.binary_search(&enrolment.id).is_ok());
        let standing = standing(data, index, cut_off);
        let (true, true, Some(label)) = (tested, standing.is_known(), enrolment.dropout) else { continue };
        let p = *truth.get(&enrolment.id).context("the simulator's probabilities lack an enrolment")?;
        for (into, is_in) in [(&mut all, true), (&mut active, standing.is_active())] {
            if is_in {
                into.0.push(p);
                into.1.push(label);
            }
        }
    }
    anyhow::ensure!(
        all.0.len() as u64 == evaluation.cohorts.all.n,
        "the best reachable AUC is of {} rows, and the report is of {}",
        all.0.len(),
        evaluation.cohorts.all.n
    );
    let auc =
        |(scores, labels): (Vec<f64>, Vec<bool>)| Ok::<_, anyhow::Error>(Ranking::new(&scores, &labels)?.auc().value());
    Ok(BestReachable { all: auc(all)?, active: auc(active)? })
}

/// Reads, by enrolment, the probability of dropping out as of the end of `week`.
fn probabilities(path: &Path, week: u32) -> anyhow::Result<HashMap<String, f64>> {
    let reading = || format!("cannot read {}", path.display());
    let mut reader = csv::Reader::from_path(path).with_context(reading)?;
    let mut found = HashMap::new();
    for row in reader.deserialize() {
        let (enrolment, of_week, p): (String, u32, f64) = row.with_context(reading)?;
        if of_week == week {
            found.insert(enrolment, p);
        }
    }
    Ok(found)
}

impl BestReachable {
    /// Writes the figures in a sentence.
    pub(super) fn describe(&self) -> String {
        let decimal = |auc: Option<f64>| auc.map_or_else(|| "–".to_owned(), |auc| format!("{auc:.3}"));
        let mut sheet = LabelledText::default();
        sheet.paragraph(format!(
            "The best reachable AUC here: {} for everyone known by then, {} for those still active. It is that of the \
             simulator's own probabilities, which know each learner's traits and mood. No log records all of these, so \
             a model stays below.",
            decimal(self.all),
            decimal(self.active)
        ));
        sheet.into_string()
    }
}
