//! Behaviours over all learners: how often they are reasons, and how much the run's ranking rests on them.

use serde::Serialize;
use staycast_evaluation::metrics::paired_t;

use super::behaviour::Behaviour;
use super::learner::LearnerRow;
use super::reason::Finding;

/// Counts what was found of one behaviour.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct BehaviourSummary {
    /// The behaviour.
    pub behaviour: Behaviour,
    /// Learners for whom it is a reason for concern.
    pub raises_risk: u64,
    /// Learners for whom it lowers the risk.
    pub lowers_risk: u64,
    /// Learners for whom the two methods differ.
    pub methods_differ: u64,
    /// Mean of the sizes of what it adds, in log odds.
    pub mean_size: f64,
    /// How much the ranking rests on it, where that was asked for and could be measured.
    pub importance: Option<Importance>,
}

/// Holds the mean over courses of the AUC that is lost once a behaviour is dealt out at random among a course's learners.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Importance {
    /// Courses measured.
    pub courses: usize,
    /// Mean AUC lost, the inputs of all weeks dealt out at once.
    pub auc_lost: f64,
    /// Interval of the mean over courses (95 %, Student's t); `None` with fewer than three.
    pub interval: Option<[f64; 2]>,
    /// Mean AUC lost with the inputs of one week, by week.
    pub by_week: Vec<f64>,
}

/// Holds what one course loses without a behaviour.
#[derive(Clone, Debug, PartialEq)]
pub struct CourseLoss {
    /// The behaviour.
    pub behaviour: Behaviour,
    /// AUC lost, the inputs of all weeks dealt out at once.
    pub auc_lost: f64,
    /// The same with the inputs of one week, by week.
    pub by_week: Vec<f64>,
}

/// Counts the courses from which on an interval over courses is told.
const FEWEST_COURSES: usize = 3;

/// Summarises rows by behaviour, those that add most first. `losses` are of all courses, empty where none was measured.
#[must_use]
pub fn summarise(rows: &[LearnerRow], losses: &[CourseLoss]) -> Vec<BehaviourSummary> {
    let mut found: Vec<BehaviourSummary> = Vec::new();
    for behaviour in Behaviour::ALL {
        let readings = rows.iter().filter_map(|row| row.explained.as_ref());
        let readings: Vec<_> =
            readings.filter_map(|one| one.behaviours.iter().find(|one| one.behaviour == behaviour)).collect();
        if readings.is_empty() {
            continue;
        }
        let count = |finding: Finding| readings.iter().filter(|one| one.finding == finding).count() as u64;
        found.push(BehaviourSummary {
            behaviour,
            raises_risk: count(Finding::RaisesRisk),
            lowers_risk: count(Finding::LowersRisk),
            methods_differ: count(Finding::MethodsDiffer),
            mean_size: readings.iter().map(|one| one.contribution.abs()).sum::<f64>() / readings.len() as f64,
            importance: importance(behaviour, losses),
        });
    }
    found.sort_by(|a, b| b.mean_size.total_cmp(&a.mean_size));
    found
}

fn importance(behaviour: Behaviour, losses: &[CourseLoss]) -> Option<Importance> {
    let losses: Vec<&CourseLoss> = losses.iter().filter(|loss| loss.behaviour == behaviour).collect();
    if losses.is_empty() {
        return None;
    }
    let courses = losses.len();
    let mean = |value: &dyn Fn(&CourseLoss) -> f64| losses.iter().map(|loss| value(loss)).sum::<f64>() / courses as f64;
    let all: Vec<f64> = losses.iter().map(|loss| loss.auc_lost).collect();
    let test = paired_t(&all);
    let bounds = (courses >= FEWEST_COURSES).then_some((test.low.value(), test.high.value()));
    let weeks = losses.iter().map(|loss| loss.by_week.len()).min().unwrap_or(0);
    Some(Importance {
        courses,
        auc_lost: mean(&|loss| loss.auc_lost),
        interval: bounds.and_then(|(low, high)| Some([low?, high?])),
        by_week: (0..weeks).map(|week| mean(&|loss| loss.by_week[week])).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_needs_three_courses() {
        let loss = |auc_lost| CourseLoss { behaviour: Behaviour::Videos, auc_lost, by_week: vec![auc_lost / 2.0, 0.0] };
        let two = importance(Behaviour::Videos, &[loss(0.1), loss(0.2)]).unwrap();
        assert_eq!((two.courses, two.interval, two.by_week.len()), (2, None, 2));
        assert!((two.auc_lost - 0.15).abs() < 1e-12);
        let three = importance(Behaviour::Videos, &[loss(0.1), loss(0.2), loss(0.3)]).unwrap();
        // scipy.stats.t.interval(0.95, 2, loc=0.2, scale=0.1/3**0.5)
        let [low, high] = three.interval.unwrap();
        assert!((low + 0.048_413_8).abs() < 1e-6 && (high - 0.448_413_8).abs() < 1e-6, "{low} {high}");
        assert_eq!(importance(Behaviour::Forum, &[loss(0.1)]), None);
    }
}
