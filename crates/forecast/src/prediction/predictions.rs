//! The rows that an evaluation is made of, as data.

use std::collections::BTreeMap;

use staycast_evaluation::report::{EvaluationRequest, PredictionRow, Resampling, WeekReference};
use staycast_evaluation::splits::SplitKind;
use staycast_sequences::{CutOff, EnrolmentIndex, Exclusion};

use super::report_context::ReportContext;
use crate::config::Adaptation;

/// Holds the predictions of a run for rows that can be judged: of its test part, of other data, or of one repeat of a
/// cross-validation.
#[derive(Clone, Debug)]
pub struct Predictions {
    /// Repeat of the cross-validation, from 0; 0 without one.
    pub repeat: u32,
    /// The enrolment of each row.
    pub enrolments: Vec<EnrolmentIndex>,
    /// The fold of each row, from 0, in a cross-validation; empty without one.
    pub folds: Vec<u32>,
    /// One row an enrolment and cut-off week.
    pub rows: Vec<PredictionRow>,
    /// The week asked for.
    pub week: CutOff,
    /// The last week whose cut-off comes before the label window of some course opens.
    pub last_allowed_week: u16,
    /// The rule by which a learner counts as a dropout.
    pub label_rule: String,
    /// The kind of generalisation that is measured.
    pub kind: SplitKind,
    /// Thresholds and trivial baselines of the training set, by week.
    pub references: BTreeMap<CutOff, WeekReference>,
    /// Course identifiers, by the rows' course numbers.
    pub course_names: Vec<String>,
    /// How often this part has been evaluated, this time included.
    pub evaluations_of_this_part: u32,
    /// Settings of the run that the data decided: of the target week, where that is the week asked for.
    pub adaptations: Vec<Adaptation>,
    /// Enrolments left out before the report's own exclusions, by reason.
    pub left_out: BTreeMap<Exclusion, u64>,
    pub(super) context: ReportContext,
}

impl Predictions {
    /// Asks for a report on them.
    #[must_use]
    pub fn request(&self, resampling: Resampling) -> EvaluationRequest<'_> {
        EvaluationRequest {
            rows: &self.rows,
            week: self.week,
            last_allowed_week: Some(self.last_allowed_week),
            label_rule: &self.label_rule,
            kind: self.kind,
            references: &self.references,
            course_names: &self.course_names,
            resampling,
            evaluations_of_this_part: Some(self.evaluations_of_this_part),
            extras: self.context.extras(),
        }
    }

    /// Tells whether the row's probability reaches the threshold of its week; `None` where the week has none.
    #[must_use]
    pub fn at_risk(&self, row: &PredictionRow) -> Option<bool> {
        self.references.get(&row.week).map(|reference| row.p >= reference.threshold)
    }
}
