//! How much worse a run ranks learners once a group of inputs is dealt out at random among them (Breiman 2001, "Random
//! forests", section 10).

use staycast_baselines::WeeklyInputs;
use staycast_evaluation::metrics::Ranking;
use staycast_sequences::{CourseIndex, CutOff, Dataset, EnrolmentIndex, WeekIndex};

use super::super::error::PredictionError;
use super::super::score::{Verdict, verdict};
use super::models::{Mixture, Models};
use crate::artifact::Run;
use crate::device::ChosenDevice;
use crate::models::enrolment_inputs::{EnrolmentInputs, RawFeatures};
use crate::random::{Purpose, shuffle, stream};

/// Asks for the importance of groups of inputs.
#[derive(Clone, Copy, Debug)]
pub struct ImportanceRequest<'a> {
    /// The cut-off of the forecasts. Courses with fewer weeks are left out.
    pub week: CutOff,
    /// By column of the run's inputs: the group that it is in, from 0.
    pub groups: &'a [usize],
    /// Bounds the learners of a course who are looked at; drawn at random where there are more.
    pub most_learners: usize,
    /// Seed of what is drawn.
    pub seed: u64,
    /// Where to compute.
    pub device: &'a ChosenDevice,
}

/// Holds how well a run ranks the learners of one course, and how much worse without a group of inputs.
#[derive(Clone, Debug, PartialEq)]
pub struct CourseImportance {
    /// The course.
    pub course: CourseIndex,
    /// Learners of known outcome who were looked at.
    pub learners: usize,
    /// AUC with all inputs.
    pub auc: f64,
    /// Losses, group by group: over all weeks, then week by week.
    pub losses: Vec<Importance>,
}

/// Holds the AUC that is lost once the inputs of a group are those of other learners of the course.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Importance {
    /// The group.
    pub group: usize,
    /// The week whose inputs are dealt out; `None` for all weeks at once.
    pub week: Option<WeekIndex>,
    /// AUC with all inputs less AUC without.
    pub auc_lost: f64,
}

/// Measures the importance in every course of `data` that has both outcomes among the learners who are forecast at that week.
///
/// # Errors
/// When the run can't forecast at that week, or the data lacks what it reads.
///
/// # Panics
/// When the request has not a group for every column of the run's inputs.
pub fn importance(
    run: &Run,
    data: &Dataset,
    request: &ImportanceRequest<'_>,
) -> Result<Vec<CourseImportance>, PredictionError> {
    let model = run.model()?;
    assert_eq!(request.groups.len(), model.inputs.width(), "one group a column");
    let models = Models::new(run, model, request.device)?;
    let mixture = models.mixture(request.week)?;
    let mut by_course: Vec<Vec<(EnrolmentIndex, bool)>> = vec![Vec::new(); data.courses.len()];
    for enrolment in data.enrolment_indices() {
        let row = data.enrolment(enrolment);
        let is_forecast = matches!(
            verdict(run, model, data, enrolment, request.week),
            Verdict::Scored { seen, .. } if seen == request.week
        );
        if let Some(label) = row.dropout.filter(|_| is_forecast) {
            by_course[row.course.as_usize()].push((enrolment, label));
        }
    }
    let mut found = Vec::new();
    for (place, mut rows) in by_course.into_iter().enumerate() {
        // Whatever other courses are there.
        let number =
            data.courses[place].id.bytes().fold(0_u64, |hash, byte| hash.wrapping_mul(31).wrapping_add(byte.into()));
        let mut rng = stream(request.seed, Purpose::Importance, number);
        if rows.len() > request.most_learners {
            shuffle(&mut rows, &mut rng);
            rows.truncate(request.most_learners);
        }
        let (enrolments, labels): (Vec<EnrolmentIndex>, Vec<bool>) = rows.into_iter().unzip();
        if !labels.contains(&true) || !labels.contains(&false) {
            continue;
        }
        let mut order: Vec<usize> = (0..labels.len()).collect();
        shuffle(&mut order, &mut rng);
        let inputs =
            EnrolmentInputs::new(data, &model.inputs, &enrolments, request.week.count(), RawFeatures::LeftOut)?;
        let course = CourseIndex(place as u32);
        let one = inputs.lend(|inputs| of_course(&models, &mixture, inputs, &labels, &order, request))?;
        let (auc, losses) = one;
        found.push(CourseImportance { course, learners: labels.len(), auc, losses });
    }
    Ok(found)
}

/// Returns the AUC of one course with all inputs, and what is lost without each group.
fn of_course(
    models: &Models<'_>,
    mixture: &Mixture,
    inputs: &WeeklyInputs<'_>,
    labels: &[bool],
    order: &[usize],
    request: &ImportanceRequest<'_>,
) -> Result<(f64, Vec<Importance>), PredictionError> {
    let auc = |inputs: &WeeklyInputs<'_>| -> Result<f64, PredictionError> {
        let logits = models.logits(mixture, inputs)?;
        let ranking = Ranking::new(&logits, labels).expect("finite logits, one a label");
        Ok(ranking.auc().value().expect("both outcomes are there"))
    };
    let (columns, weeks) = (inputs.columns.len(), inputs.weeks);
    let whole = auc(inputs)?;
    let groups = request.groups.iter().max().map_or(0, |last| last + 1);
    let mut losses = Vec::new();
    for group in 0..groups {
        let picked: Vec<usize> = (0..columns).filter(|&column| request.groups[column] == group).collect();
        let each_week = (0..weeks).map(|week| Some(WeekIndex::from_position(week)));
        for week in std::iter::once(None).chain(each_week) {
            let mut dealt = inputs.values.to_vec();
            for (row, &other) in order.iter().enumerate() {
                let in_weeks = (0..weeks).filter(|&at| week.is_none_or(|week| week.position() == at));
                for at in in_weeks.flat_map(|week| picked.iter().map(move |column| week * columns + column)) {
                    dealt[row * weeks * columns + at] = inputs.values[other * weeks * columns + at];
                }
            }
            let without = auc(&WeeklyInputs { values: &dealt, ..*inputs })?;
            losses.push(Importance { group, week, auc_lost: whole - without });
        }
    }
    Ok((whole, losses))
}
