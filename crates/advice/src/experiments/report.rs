//! The report of an experiment: what the arms did to the outcomes, how sure that is, and what it does not say.

use std::collections::BTreeSet;

use serde::Serialize;
use staycast_sequences::{CutOff, SequenceFolder};

use super::assignment::Assignment;
use super::data::Data;
use super::error::ExperimentError;
use super::figures::{ArmReport, ComplierReport, OutcomeReport};
use super::folder::Experiment;
use super::groups::{GroupEffect, group_effects};
use super::looks::{LastLook, Look, due_look};
use super::outcomes::{AfterWeek, read_before, read_outcomes};
use super::plan::PlanFile;
use super::scores::ScoredEnrolment;
use super::uplift::{Others, UpliftReport, UpliftRow, uplift};

/// Holds a report.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// The plan.
    pub plan: PlanFile,
    /// The week at whose end the outcomes were read, where one was asked for.
    pub week: Option<u16>,
    /// The look.
    pub look: LookReport,
    /// Outcomes known of each arm, the holdout first.
    pub arms: Vec<ArmReport>,
    /// The outcome that decides, then the other one.
    pub outcomes: Vec<OutcomeReport>,
    /// Effects on the primary outcome of those who were reached; empty where nothing was recorded.
    pub compliers: Vec<ComplierReport>,
    /// Effects on the primary outcome by course and by band of risk: exploration.
    pub groups: Vec<GroupEffect>,
    /// Whether effects can be told apart by learner, for the primary outcome of the first arm.
    pub uplift: UpliftReport,
    /// Warnings for the reader.
    pub warnings: Vec<String>,
    /// Assumptions of the report.
    pub assumptions: Vec<String>,
}

/// Holds a report with what stands beside it.
#[derive(Clone, Debug, PartialEq)]
pub struct Reported {
    /// The report: the same for the same outcomes, however often it is asked for.
    pub report: Report,
    /// Uplift by enrolment; none where learners can't be ordered.
    pub uplift: Vec<UpliftRow>,
    /// Whether the look was taken before.
    pub is_repeated: bool,
}

/// Describes the look.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LookReport {
    /// Number, from 1.
    pub number: u32,
    /// Planned looks.
    pub planned: u32,
    /// Learners whose primary outcome is known.
    pub outcomes: u64,
    /// Share of the planned information.
    pub information: f64,
    /// How many standard errors an effect must be from zero at this look; `None` where it is too early for any.
    pub bound: Option<f64>,
    /// Whether no level is left for further looks.
    pub is_last: bool,
    /// Earlier looks.
    pub earlier: Vec<Look>,
}

/// Reports on an experiment, and records the look. The same outcomes again are the same look. Uplift is estimated for those in it,
/// and for the `others` of these sequences.
///
/// # Errors
/// When files can't be read or written, no look is left, or too few outcomes are known: then no look is taken.
pub fn report(
    experiment: &Experiment,
    sequences: &SequenceFolder,
    week: Option<CutOff>,
    last_look: LastLook,
    others: &[ScoredEnrolment],
) -> Result<Reported, ExperimentError> {
    let _turn = experiment.turn()?;
    let plan = experiment.plan();
    let assignments = experiment.assignments()?;
    if assignments.is_empty() {
        return Err(ExperimentError::TooFewOutcomes("nobody was assigned yet".to_owned()));
    }
    let deliveries = experiment.deliveries()?;
    let enrolments: Vec<AfterWeek<'_>> = assignments.iter().map(AfterWeek::from).collect();
    let observed = read_outcomes(&enrolments, sequences, week)?;
    let data = Data::new(plan, &assignments, &observed, &deliveries);
    let primary = plan.file().primary_outcome;
    data.require_outcomes(primary)?;
    let mut looks = experiment.looks()?;
    let (outcomes, fingerprint) = data.fingerprint(primary);
    let due = due_look(plan, &looks, outcomes, &fingerprint, last_look)?;
    let reports = primary.both().map(|outcome| data.outcome_report(outcome, outcome == primary, due.bound));
    if due.is_new {
        looks.push(Look {
            number: due.number,
            outcomes,
            information: due.information,
            fingerprint,
            week: week.map(CutOff::weeks),
            z: reports[0].effects.iter().map(|effect| effect.z).collect(),
            bound: due.bound,
        });
        experiment.write_looks(&looks)?;
    }
    looks.truncate(due.number as usize - 1);
    let others = not_assigned(others, &assignments);
    let before = read_before(&others, sequences)?;
    let (uplift, rows) = uplift(&data, Others { scores: &others, before: &before });
    let report = Report {
        plan: plan.file().clone(),
        week: week.map(CutOff::weeks),
        look: LookReport {
            number: due.number,
            planned: plan.file().looks,
            outcomes,
            information: due.information,
            bound: due.bound,
            is_last: due.information >= 1.0,
            earlier: looks,
        },
        arms: data.arms(),
        outcomes: reports.into(),
        compliers: data.compliers(primary),
        groups: group_effects(&data, primary),
        uplift,
        warnings: data.warnings(primary),
        assumptions: assumptions(),
    };
    Ok(Reported { report, uplift: rows, is_repeated: !due.is_new })
}

/// Lists those with a score who are not in the experiment.
fn not_assigned(scores: &[ScoredEnrolment], assignments: &[Assignment]) -> Vec<ScoredEnrolment> {
    let assigned: BTreeSet<(&str, &str)> =
        assignments.iter().map(|row| (row.course_id.as_str(), row.enrolment_id.as_str())).collect();
    let is_other = |row: &&ScoredEnrolment| {
        row.p_dropout.is_some() && !assigned.contains(&(row.course_id.as_str(), row.enrolment_id.as_str()))
    };
    scores.iter().filter(is_other).cloned().collect()
}

fn assumptions() -> Vec<String> {
    [
        "No spill-over: what one learner got changed nothing for learners of another arm. Where they talk in one forum, it may.",
        "Learners count in the arm that they were assigned to, whether or not anything reached them (intention to treat).",
        "An effect holds for learners like these, in courses like these, and for what was done here.",
    ]
    .map(str::to_owned)
    .into()
}
