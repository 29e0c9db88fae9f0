//! Looks at the outcomes: each is recorded, so that all of them together keep the level.

use serde::{Deserialize, Serialize};

use super::bounds::{Progress, two_sided_bounds};
use super::error::ExperimentError;
use super::plan::Plan;

/// Holds a look that was taken.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Look {
    /// Number, from 1.
    pub number: u32,
    /// Learners whose primary outcome was known.
    pub outcomes: u64,
    /// Share of the planned information, by which the level is spent: 1 at the last look.
    pub information: f64,
    /// BLAKE3 of the outcomes: the same outcomes are the same look.
    pub fingerprint: String,
    /// The week at whose end the outcomes were read, where one was asked for.
    pub week: Option<u16>,
    /// Each arm's effect in standard errors.
    pub z: Vec<f64>,
    /// How far from zero that had to be; `None` where the look had too little information.
    pub bound: Option<f64>,
}

impl Look {
    /// Tells whether the look is one that this program writes as line `place`, from 0.
    pub(super) fn is_sound(&self, place: usize) -> bool {
        self.number as usize == place + 1
            && self.information > 0.0
            && self.information <= 1.0
            && self.outcomes > 0
            && self.z.iter().all(|z| z.is_finite())
            && self.bound.is_none_or(|bound| bound.is_finite() && bound > 0.0)
    }

    /// Tells whether an arm crossed the bound at this look.
    #[must_use]
    pub fn crossed(&self, arm: usize) -> bool {
        self.bound.is_some_and(|bound| self.z.get(arm).is_some_and(|z| z.abs() >= bound))
    }
}

/// Says when the last planned look may be taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LastLook {
    /// When nearly all planned outcomes are known: nobody spends it by looking too soon.
    #[default]
    WhenComplete,
    /// With the outcomes that there are.
    Now,
}

/// Sets the share of the planned outcomes that are nearly all.
const NEARLY_ALL: f64 = 0.95;

/// Says which look a set of outcomes is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct DueLook {
    /// Number, from 1.
    pub(super) number: u32,
    /// Share of the planned information.
    pub(super) information: f64,
    /// The bound; `None` where there is too little information.
    pub(super) bound: Option<f64>,
    /// Whether it is to be recorded, and not the last look once more.
    pub(super) is_new: bool,
}

/// Finds which look `outcomes` known outcomes are after the looks `before`.
pub(super) fn due_look(
    plan: &Plan,
    before: &[Look],
    outcomes: u64,
    fingerprint: &str,
    last_look: LastLook,
) -> Result<DueLook, ExperimentError> {
    let planned = plan.file().looks;
    if let Some(last) = before.last() {
        if last.fingerprint == fingerprint {
            let Look { number, information, bound, .. } = *last;
            return Ok(DueLook { number, information, bound, is_new: false });
        }
        if before.len() >= planned as usize || last.information >= 1.0 {
            return Err(ExperimentError::NoLookLeft { planned });
        }
        if outcomes <= last.outcomes {
            return Err(ExperimentError::OlderThanLastLook { found: outcomes, before: last.outcomes });
        }
    }
    let number = before.len() as u32 + 1;
    let planned_learners = plan.file().planned_learners;
    let is_early = (outcomes as f64) < NEARLY_ALL * planned_learners as f64;
    if number >= planned && is_early && last_look == LastLook::WhenComplete {
        return Err(ExperimentError::LastLookTooEarly { outcomes, planned: planned_learners });
    }
    // At the last planned look all that is left is spent, however many outcomes there are.
    let information = match number {
        _ if number >= planned => 1.0,
        _ => (outcomes as f64 / planned_learners as f64).min(1.0),
    };
    let progress = |outcomes: u64, time: f64| Progress { information: outcomes as f64, time };
    let mut looks: Vec<Progress> = before.iter().map(|look| progress(look.outcomes, look.information)).collect();
    looks.push(progress(outcomes, information));
    let bounds = two_sided_bounds(plan.file().spending, plan.alpha_of_arm(), &looks);
    Ok(DueLook { number, information, bound: bounds.last().copied().flatten(), is_new: true })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiments::plan::tests::plan;

    fn taken(due: DueLook, outcomes: u64, fingerprint: &str) -> Look {
        let DueLook { number, information, bound, .. } = due;
        Look { number, outcomes, information, fingerprint: fingerprint.to_owned(), week: None, z: vec![0.1], bound }
    }

    #[test]
    fn looks_are_counted_once_and_no_more_than_planned() {
        let plan = plan(|file| (file.looks, file.planned_learners) = (3, 1_000));
        let first = due_look(&plan, &[], 250, "a", LastLook::WhenComplete).expect("a look");
        assert_eq!((first.number, first.information, first.is_new), (1, 0.25, true));
        let mut looks = vec![taken(first, 250, "a")];
        let again = due_look(&plan, &looks, 250, "a", LastLook::WhenComplete).expect("the same look");
        assert_eq!((again.number, again.bound, again.is_new), (1, first.bound, false));
        let older = due_look(&plan, &looks, 200, "b", LastLook::WhenComplete).expect_err("fewer outcomes");
        assert!(matches!(older, ExperimentError::OlderThanLastLook { found: 200, before: 250 }));
        let second = due_look(&plan, &looks, 500, "b", LastLook::WhenComplete).expect("a look");
        // gsdesign's bounds at a quarter and a half (tests/fixtures/sequential_bounds.json).
        assert!((first.bound.expect("a bound") - 4.332_633_7).abs() < 1e-5);
        assert!((second.bound.expect("a bound") - 2.963_131_6).abs() < 1e-5);
        looks.push(taken(second, 500, "b"));
        let early = due_look(&plan, &looks, 600, "c", LastLook::WhenComplete).expect_err("400 are not known");
        assert!(matches!(early, ExperimentError::LastLookTooEarly { outcomes: 600, planned: 1_000 }));
        let last = due_look(&plan, &looks, 600, "c", LastLook::Now).expect("the last look");
        assert_eq!(last.information, 1.0, "all that is left is spent");
        // gsdesign's, with the information of 600 outcomes and the level of all.
        assert!((last.bound.expect("a bound") - 1.960_315_3).abs() < 1e-5, "{:?}", last.bound);
        looks.push(taken(last, 600, "c"));
        let further = due_look(&plan, &looks, 700, "d", LastLook::Now).expect_err("none left");
        assert!(matches!(further, ExperimentError::NoLookLeft { planned: 3 }));
        assert!(!due_look(&plan, &looks, 600, "c", LastLook::WhenComplete).expect("the last once more").is_new);
    }

    #[test]
    fn once_all_planned_outcomes_are_known_no_level_is_left() {
        let plan = plan(|file| (file.looks, file.planned_learners) = (5, 1_000));
        let all = due_look(&plan, &[], 1_200, "a", LastLook::WhenComplete).expect("a look");
        assert_eq!(all.information, 1.0);
        assert!((all.bound.expect("a bound") - 1.959_963_985).abs() < 1e-6);
        let further = due_look(&plan, &[taken(all, 1_200, "a")], 1_300, "b", LastLook::WhenComplete);
        assert!(matches!(further, Err(ExperimentError::NoLookLeft { .. })));
    }
}
