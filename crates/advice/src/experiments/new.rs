//! Planning: from the learners at hand to a plan that says what it can see.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::assignment::set_aside_because;
use super::bounds::{Spending, inflation};
use super::error::{ExperimentError, PlanError};
use super::plan::{Arm, BaseRateFrom, Outcome, Plan, PlanFile, StratifyBy};
use super::power::Comparison;
use super::scores::ScoredEnrolment;
use super::too_few::TooFewLearners;

/// Asks for a plan.
#[derive(Clone, Debug, PartialEq)]
pub struct PlanRequest {
    /// Name of the experiment.
    pub name: String,
    /// Arms beside the holdout, each with a share where one is given.
    pub arms: Vec<(String, Option<f64>)>,
    /// Name of the arm to which nothing is done.
    pub holdout_name: String,
    /// Its share, where one is given.
    pub holdout: Option<f64>,
    /// Properties that make up strata.
    pub strata: Vec<StratifyBy>,
    /// Where bands of risk begin.
    pub risk_bands: Vec<f64>,
    /// Probabilities of those who take part, from and below.
    pub risk: (f64, f64),
    /// Seed of the randomisation.
    pub seed: u64,
    /// Outcome that decides.
    pub primary_outcome: Outcome,
    /// Share with it in the holdout, where it is known.
    pub base_rate: Option<f64>,
    /// Smallest effect worth finding.
    pub least_effect: f64,
    /// Level over all looks and arms.
    pub alpha: f64,
    /// Probability to find the least effect.
    pub power: f64,
    /// Learners in the end, where more will come than are at hand.
    pub expected_learners: Option<u64>,
    /// Planned looks.
    pub looks: u32,
    /// How the level is spent over them.
    pub spending: Spending,
}

/// Describes who could take part.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Population {
    /// Learners.
    pub learners: u64,
    /// Their enrolments.
    pub enrolments: u64,
    /// Courses that these are in.
    pub courses: u64,
    /// Strata with a learner.
    pub strata: u64,
    /// Enrolments that take no part, by reason.
    pub set_aside: BTreeMap<String, u64>,
}

/// Makes a plan for these learners.
///
/// # Errors
/// When a value makes no sense, nobody takes part, or the least effect can't be seen ([`ExperimentError::TooFew`]).
pub fn plan(request: &PlanRequest, scores: &[ScoredEnrolment]) -> Result<(Plan, Population), ExperimentError> {
    let weights = weights(request)?;
    let (mut arms, mut names) = (Vec::new(), request.arms.iter());
    let holdout = Arm { name: request.holdout_name.clone(), weight: weights[0] };
    for &weight in &weights[1..] {
        arms.extend(names.next().map(|(name, _)| Arm { name: name.clone(), weight }));
    }
    let (base_rate, base_rate_from) = base_rate(request, scores);
    let file = PlanFile {
        plan_version: PlanFile::version(),
        name: request.name.clone(),
        seed: request.seed,
        primary_outcome: request.primary_outcome,
        alpha: request.alpha,
        power: request.power,
        least_effect: request.least_effect,
        base_rate,
        base_rate_from,
        planned_learners: request.expected_learners.unwrap_or(1).max(1),
        looks: request.looks,
        spending: request.spending,
        strata: request.strata.clone(),
        risk_bands: request.risk_bands.clone(),
        risk_from: request.risk.0,
        risk_below: request.risk.1,
        detectable_effect: None,
        learners_needed: None,
        holdout,
        arms,
    };
    let as_plan_error = |source| ExperimentError::Request(source);
    let draft = file.clone().check().map_err(as_plan_error)?;
    let population = population(&draft, scores);
    if population.learners == 0 {
        return Err(ExperimentError::NobodyTakesPart);
    }
    let planned = request.expected_learners.unwrap_or(population.learners).max(population.learners);
    let comparison = weakest_comparison(&draft);
    let (needed, detectable) = (comparison.learners_for(request.least_effect), comparison.detectable(planned));
    if needed.is_none_or(|needed| needed > planned) {
        return Err(ExperimentError::TooFew(Box::new(TooFewLearners {
            learners: planned,
            courses: population.courses,
            least_effect: request.least_effect,
            needed,
            detectable,
            power: request.power,
        })));
    }
    let file = PlanFile { planned_learners: planned, detectable_effect: detectable, learners_needed: needed, ..file };
    Ok((file.check().map_err(as_plan_error)?, population))
}

/// Returns the weights of a block, the holdout's first: shares in whole per cents, without a common divisor, at least four.
fn weights(request: &PlanRequest) -> Result<Vec<u32>, ExperimentError> {
    let shares: Vec<Option<f64>> =
        std::iter::once(request.holdout).chain(request.arms.iter().map(|(_, share)| *share)).collect();
    let wrong = |expected: &str| {
        Err(ExperimentError::Request(PlanError::Value { key: "shares", expected: expected.to_owned() }))
    };
    let mut weights: Vec<u32> = if shares.iter().all(Option::is_none) {
        vec![1; shares.len()]
    } else {
        let given: Vec<f64> = shares.iter().flatten().map(|share| share * 100.0).collect();
        if given.iter().any(|percent| !(1.0..=99.0).contains(percent) || (percent - percent.round()).abs() > 1e-6) {
            return wrong("whole per cents, as 0.25, of which each arm has one or more");
        }
        let rest = 100 - given.iter().map(|percent| percent.round() as i64).sum::<i64>();
        let open = (shares.len() - given.len()) as i64;
        if open == 0 && rest != 0 || open > 0 && (rest < open || rest % open != 0) {
            return wrong("such that all arms and the holdout add up to 1");
        }
        let percent = |share: &Option<f64>| share.map_or(rest / open.max(1), |share| (share * 100.0).round() as i64);
        shares.iter().map(|share| percent(share) as u32).collect()
    };
    let divisor = weights.iter().copied().fold(0, greatest_common_divisor);
    weights.iter_mut().for_each(|weight| *weight /= divisor);
    // In blocks of two or three, who knows the others' arms knows the last one's.
    if weights.iter().sum::<u32>() < 4 {
        weights.iter_mut().for_each(|weight| *weight *= 2);
    }
    Ok(weights)
}

fn greatest_common_divisor(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
}

fn base_rate(request: &PlanRequest, scores: &[ScoredEnrolment]) -> (f64, BaseRateFrom) {
    if let Some(given) = request.base_rate {
        return (given, BaseRateFrom::Given);
    }
    let probabilities: Vec<f64> = scores
        .iter()
        .filter_map(|row| row.p_dropout)
        .filter(|p| (request.risk.0..=request.risk.1).contains(p))
        .collect();
    let mean = probabilities.iter().sum::<f64>() / probabilities.len() as f64;
    match request.primary_outcome {
        Outcome::Dropout if mean > 0.0 && mean < 1.0 => (mean, BaseRateFrom::Forecast),
        _ => (0.5, BaseRateFrom::MostCautious),
    }
}

fn population(plan: &Plan, scores: &[ScoredEnrolment]) -> Population {
    let mut population = Population::default();
    let (mut learners, mut courses, mut strata) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for row in scores {
        if let Some(reason) = set_aside_because(plan, row) {
            *population.set_aside.entry(reason).or_default() += 1;
            continue;
        }
        population.enrolments += 1;
        learners.insert(&row.learner_id);
        courses.insert(&row.course_id);
        strata.extend(row.p_dropout.map(|p| plan.stratum(&row.course_id, p)));
    }
    population.learners = learners.len() as u64;
    population.courses = courses.len() as u64;
    population.strata = strata.len() as u64;
    population
}

/// Returns the comparison of the smallest arm with the holdout.
fn weakest_comparison(plan: &Plan) -> Comparison {
    let file = plan.file();
    let arm_share = (1..plan.arms().len()).map(|place| plan.share(place)).fold(1.0, f64::min);
    let fractions: Vec<f64> = (1..=file.looks).map(|look| f64::from(look) / f64::from(file.looks)).collect();
    Comparison {
        alpha: plan.alpha_of_arm(),
        power: file.power,
        base_rate: file.base_rate,
        arm_share,
        holdout_share: plan.share(0),
        inflation: inflation(file.spending, plan.alpha_of_arm(), file.power, &fractions),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request() -> PlanRequest {
        PlanRequest {
            name: "test".to_owned(),
            arms: vec![("message".to_owned(), None)],
            holdout_name: "holdout".to_owned(),
            holdout: None,
            strata: vec![StratifyBy::Course, StratifyBy::Risk],
            risk_bands: vec![0.25, 0.5, 0.75],
            risk: (0.0, 1.0),
            seed: 1,
            primary_outcome: Outcome::ActiveNextWeek,
            base_rate: Some(0.42),
            least_effect: 0.05,
            alpha: 0.05,
            power: 0.8,
            expected_learners: None,
            looks: 1,
            spending: Spending::ObrienFleming,
        }
    }

    fn scores(count: usize) -> Vec<ScoredEnrolment> {
        (0..count)
            .map(|number| ScoredEnrolment {
                course_id: format!("c{}", number % 2),
                enrolment_id: format!("e{number}"),
                learner_id: format!("l{number}"),
                week: 4,
                p_dropout: Some(0.4),
                status: "scored".to_owned(),
            })
            .collect()
    }

    #[test]
    fn what_cannot_be_seen_is_refused_with_the_learners_it_needs() {
        let error = plan(&request(), &scores(500)).expect_err("too few").to_string();
        assert_eq!(
            error,
            "500 learners of 2 courses show 12.4 points or more with a power of 80%, and 5.0 points need 3094 learners; \
             pool more courses or later runs"
        );
        let (planned, population) = plan(&request(), &scores(3_100)).expect("enough");
        assert_eq!((population.learners, population.courses, population.strata), (3_100, 2, 2));
        assert_eq!(planned.file().learners_needed, Some(3_094));
        assert!(planned.file().detectable_effect.expect("an effect") < 0.05);
        let later = PlanRequest { expected_learners: Some(3_100), ..request() };
        assert!(plan(&later, &scores(500)).is_ok(), "later runs are pooled");
    }

    #[test]
    fn looks_and_arms_need_more_learners() {
        let needed = |change: &dyn Fn(&mut PlanRequest)| {
            let mut request = request();
            change(&mut request);
            let error = plan(&request, &scores(10)).expect_err("too few");
            let ExperimentError::TooFew(few) = error else { panic!("{error}") };
            few.needed.expect("a number")
        };
        let one = needed(&|_| {});
        let looks = needed(&|request| request.looks = 3);
        assert!(looks > one && looks < one * 103 / 100, "{looks}: O'Brien and Fleming cost little");
        assert!(needed(&|request| (request.looks, request.spending) = (3, Spending::Pocock)) > one * 112 / 100);
        assert!(needed(&|request| request.arms.push(("call".to_owned(), None))) > one * 17 / 10);
        assert!(needed(&|request| request.holdout = Some(0.1)) > 2 * one);
    }

    #[test]
    fn shares_become_blocks() {
        let blocks = |arms: &[Option<f64>], holdout: Option<f64>| {
            let arms = arms.iter().enumerate().map(|(number, share)| (format!("a{number}"), *share)).collect();
            weights(&PlanRequest { arms, holdout, ..request() }).ok()
        };
        assert_eq!(blocks(&[None], None), Some(vec![2, 2]));
        assert_eq!(blocks(&[None, None], None), Some(vec![2, 2, 2]));
        assert_eq!(blocks(&[None], Some(0.1)), Some(vec![1, 9]));
        assert_eq!(blocks(&[Some(0.25), Some(0.25)], None), Some(vec![2, 1, 1]));
        assert_eq!(blocks(&[Some(0.25), None], Some(0.5)), Some(vec![2, 1, 1]));
        assert_eq!(blocks(&[Some(0.5)], Some(0.6)), None);
        assert_eq!(blocks(&[Some(0.125)], None), None);
        assert_eq!(blocks(&[Some(1.0)], None), None);
    }

    #[test]
    fn the_base_rate_is_given_or_from_the_forecast_or_the_most_cautious() {
        let rate = |base_rate, primary_outcome| base_rate_of(&PlanRequest { base_rate, primary_outcome, ..request() });
        fn base_rate_of(request: &PlanRequest) -> (f64, BaseRateFrom) {
            let (rate, from) = super::base_rate(request, &scores(10));
            ((rate * 1e9).round() / 1e9, from)
        }
        assert_eq!(rate(Some(0.3), Outcome::Dropout), (0.3, BaseRateFrom::Given));
        assert_eq!(rate(None, Outcome::Dropout), (0.4, BaseRateFrom::Forecast));
        assert_eq!(rate(None, Outcome::ActiveNextWeek), (0.5, BaseRateFrom::MostCautious));
    }
}
