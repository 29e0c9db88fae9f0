//! Features of what was acted on: how soon after its release, and problems.

use super::feature::{Feature, Storage, Value};
use super::needs::Needs;

pub(super) fn features() -> Vec<Feature> {
    use Storage::{Float, Int};
    vec![
        Feature::new(
            "release_delay_mean",
            "days",
            Float,
            Needs::Releases,
            "from an object's release to the learner's first access, mean over the objects first accessed in the week and \
             released by then; null without one",
            Value::Sometimes(|week, _| {
                let delays = &week.counts.release_delays;
                (!delays.is_empty()).then(|| delays.iter().sum::<f64>() / delays.len() as f64)
            }),
        ),
        Feature::new(
            "release_delay_min",
            "days",
            Float,
            Needs::Releases,
            "the same, the least",
            Value::Sometimes(|week, _| week.counts.release_delays.iter().copied().reduce(f64::min)),
        ),
        Feature::new(
            "release_delay_max",
            "days",
            Float,
            Needs::Releases,
            "the same, the greatest",
            Value::Sometimes(|week, _| week.counts.release_delays.iter().copied().reduce(f64::max)),
        ),
        Feature::new(
            "problems_attempted",
            "problems",
            Int,
            Needs::Objects,
            "distinct objects with a checked answer in the week or, where the source does not tell those, with any problem \
             event",
            Value::Always(|week, _| week.counts.details.problems.into()),
        ),
        Feature::new(
            "problem_attempts",
            "events",
            Int,
            Needs::Attempts,
            "answers to problems that were checked in the week",
            Value::Always(|week, _| week.counts.details.attempts.into()),
        ),
        Feature::new(
            "problems_correct",
            "problems",
            Int,
            Needs::Correctness,
            "distinct problems with an answer in the week that was right",
            Value::Always(|week, _| week.counts.details.correct.into()),
        ),
    ]
}
