//! Which models a run trains: those that it names, or those that the size of its training set allows.

use staycast_baselines::BaselineKind;
use staycast_sequences::EnrolmentIndex;

use super::error::Outcomes;
use super::plan::{MemberSplit, OuterSplit, SplitPlan};
use crate::artifact::NotTried;
use crate::config::CheckedConfig;
use crate::examples::Examples;
use crate::model_kind::SingleModel;

/// Sets the least rows with a known outcome for boosted trees. Below, they were behind logistic regression on courses held
/// out (docs/experiments.md, "The right model by default").
const LEAST_ROWS_OF_TREES: u64 = 500;
/// Sets the least rows of either outcome for boosted trees.
const LEAST_OF_AN_OUTCOME_FOR_TREES: u64 = 50;

/// Sets the least rows of either outcome that each member of a regression learns from; baselines refuse fewer.
const LEAST_OF_AN_OUTCOME_FOR_REGRESSION: u64 = 10;

/// Counts what there is to learn from at the target week.
struct Size {
    /// Rows with a known outcome.
    rows: u64,
    /// Those with the rarer outcome.
    of_rarer: u64,
    /// The fewest with the rarer outcome that any member learns from.
    of_rarer_in_a_member: u64,
}

/// Holds the models that a run trains.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Candidates {
    /// In the order in which they are trained; never empty.
    pub(crate) models: Vec<SingleModel>,
    /// Those left out because the training set is too small for them.
    pub(super) not_tried: Vec<NotTried>,
}

impl Candidates {
    /// Lists the models that the configuration names, or else those that the smallest training set of `plan` allows.
    pub(super) fn new(config: &CheckedConfig, plan: &SplitPlan, examples: &Examples) -> Self {
        if let Some(named) = config.model.named() {
            return Self { models: named.to_vec(), not_tried: Vec::new() };
        }
        let week = config.training.target.min(examples.last_cut_off()).last_week();
        let outcomes = |enrolments: &mut dyn Iterator<Item = EnrolmentIndex>| {
            let trainable = enrolments.filter(|&enrolment| examples.is_trainable(enrolment, week));
            Outcomes::count(trainable.filter_map(|enrolment| examples.training_label(enrolment)))
        };
        let of_split = |split: &OuterSplit| {
            let all = outcomes(&mut split.training.iter().copied());
            let of_member = |member: &MemberSplit| {
                outcomes(&mut member.training.iter().map(|&position| split.training[position])).rarer()
            };
            let of_rarer_in_a_member = split.members.iter().map(of_member).min().unwrap_or_default();
            Size { rows: all.total(), of_rarer: all.rarer(), of_rarer_in_a_member }
        };
        let sizes: Vec<Size> = plan.splits.iter().map(of_split).collect();
        let least = |of: fn(&Size) -> u64| sizes.iter().map(of).min().unwrap_or_default();
        Self::for_size(&Size {
            rows: least(|size| size.rows),
            of_rarer: least(|size| size.of_rarer),
            of_rarer_in_a_member: least(|size| size.of_rarer_in_a_member),
        })
    }

    fn for_size(size: &Size) -> Self {
        let Size { rows, of_rarer, of_rarer_in_a_member } = *size;
        let [logistic, boosting] = [BaselineKind::Logistic, BaselineKind::Boosting].map(SingleModel::Baseline);
        let (mut models, mut not_tried) = (vec![SingleModel::Lstm], Vec::new());
        let mut consider = |model, enough: bool, it_takes: String| {
            if enough {
                models.push(model);
                return;
            }
            let reason = format!(
                "{} with a known outcome, {of_rarer} of the rarer one; it takes {it_takes}",
                if rows == 1 { "1 enrolment".to_owned() } else { format!("{rows} enrolments") },
            );
            not_tried.push(NotTried { model, reason });
        };
        let enough = of_rarer_in_a_member >= LEAST_OF_AN_OUTCOME_FOR_REGRESSION;
        consider(logistic, enough, format!("{LEAST_OF_AN_OUTCOME_FOR_REGRESSION} in each part that is learnt from"));
        let enough = enough && rows >= LEAST_ROWS_OF_TREES && of_rarer >= LEAST_OF_AN_OUTCOME_FOR_TREES;
        consider(boosting, enough, format!("{LEAST_ROWS_OF_TREES} and {LEAST_OF_AN_OUTCOME_FOR_TREES}"));
        Self { models, not_tried }
    }

    /// Tells whether there are models other than networks, which read raw features too.
    pub(super) fn have_baselines(&self) -> bool {
        self.models.iter().any(|model| matches!(model, SingleModel::Baseline(_)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_rows_or_few_of_an_outcome_leave_out_models() {
        let [logistic, boosting] = [BaselineKind::Logistic, BaselineKind::Boosting].map(SingleModel::Baseline);
        for (rows, of_rarer, of_rarer_in_a_member, with_logistic, with_boosting) in [
            (500, 50, 40, true, true),
            (499, 200, 160, true, false),
            (9000, 49, 39, true, false),
            (120, 12, 10, true, false),
            (120, 12, 9, false, false),
        ] {
            let found = Candidates::for_size(&Size { rows, of_rarer, of_rarer_in_a_member });
            assert_eq!(found.models[0], SingleModel::Lstm);
            assert_eq!(found.models.contains(&logistic), with_logistic, "{rows} {of_rarer} {of_rarer_in_a_member}");
            assert_eq!(found.models.contains(&boosting), with_boosting, "{rows} {of_rarer} {of_rarer_in_a_member}");
            assert_eq!(found.models.len() + found.not_tried.len(), 3);
        }
        let few = Candidates::for_size(&Size { rows: 120, of_rarer: 30, of_rarer_in_a_member: 24 });
        assert_eq!(
            few.not_tried[0].reason,
            "120 enrolments with a known outcome, 30 of the rarer one; it takes 500 and 50"
        );
    }
}
