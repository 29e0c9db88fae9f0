//! The weekly engagement of an enrolment as a Markov chain.
//!
//! A state is a level of engagement with a number of weeks behind, or that the learner has left. Time t is week t of the
//! course; the time after the last week is the label window, however long it is. Traits are constants. The future of an
//! enrolment therefore depends on its state alone, and [`Expectation`](crate::chain::Expectation) gives the probability of
//! dropout exactly.

use crate::chain::MarkovChain;
use crate::config::{IntentConfig, SimulatorConfig};
use crate::messages::Boost;

/// Names how much a learner does in a week.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Level {
    /// No event.
    Away,
    Light,
    Steady,
    Deep,
}

const LEVELS: [Level; 4] = [Level::Away, Level::Light, Level::Steady, Level::Deep];

/// Holds the traits of a learner in one course, in standard deviations.
#[derive(Debug, Clone)]
pub(crate) struct LearnerInCourse {
    pub(crate) motivation: f64,
    pub(crate) prior_knowledge: f64,
    pub(crate) commitments: f64,
    /// Speed; 1 is average.
    pub(crate) pace: f64,
    /// Difficulty of the course.
    pub(crate) difficulty: f64,
    /// Week in which the learner joins, 0-based.
    pub(crate) join_week: usize,
}

/// Holds the Markov chain of one enrolment.
#[derive(Debug)]
pub(crate) struct Engagement {
    /// Greatest number of weeks behind.
    limit: usize,
    join_week: usize,
    /// By state before leaving: probabilities of the next level, away to deep.
    next_level: Vec<[f64; 4]>,
    /// By state before leaving: odds of leaving, without the addition of the early weeks.
    leave_odds: Vec<f64>,
    /// By weeks since joining: factor on these odds.
    early_factor: Vec<f64>,
    /// By level: probabilities that the backlog grows and shrinks by one.
    grow_shrink: [(f64, f64); 4],
    weekly_return: f64,
    /// Effect of a message.
    boost: Option<Boost>,
}

/// Computes the logistic function.
fn logistic(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

impl Engagement {
    /// Makes the chain of an enrolment with an intent.
    pub(crate) fn new(config: &SimulatorConfig, intent: &IntentConfig, who: &LearnerInCourse) -> Self {
        let (engagement, backlog, leaving) = (&config.engagement, &config.backlog, &config.leaving);
        let limit = backlog.limit as usize;
        let drive =
            intent.effort + engagement.motivation * who.motivation + engagement.prior_knowledge * who.prior_knowledge
                - engagement.commitments * who.commitments;
        let leave = leaving.base + intent.leaving + leaving.difficulty * who.difficulty
            - leaving.motivation * who.motivation
            - leaving.prior_knowledge * who.prior_knowledge
            + leaving.commitments * who.commitments;
        let mut next_level = Vec::with_capacity(4 * (limit + 1));
        let mut leave_odds = Vec::with_capacity(4 * (limit + 1));
        for level in LEVELS {
            for behind in 0..=limit {
                let behind = behind as f64;
                let drive =
                    drive - engagement.backlog * behind + engagement.persistence * (f64::from(level as u8) - 1.5);
                next_level.push(level_chances(&engagement.thresholds, drive));
                leave_odds.push((leave + leaving.by_level[level as usize] + leaving.backlog * behind).exp());
            }
        }
        let early = |week: usize| (leaving.early_extra * (-(week as f64) / leaving.early_weeks).exp()).exp();
        let catches_up = |chance: f64| (chance * who.pace).min(1.0);
        Self {
            limit,
            join_week: who.join_week,
            next_level,
            leave_odds,
            early_factor: (0..config.weeks as usize).map(early).collect(),
            grow_shrink: [
                (1.0, 0.0),
                (backlog.light_falls_behind, 0.0),
                (0.0, catches_up(backlog.steady_catches_up)),
                (0.0, catches_up(backlog.deep_catches_up)),
            ],
            weekly_return: intent.weekly_return,
            boost: None,
        }
    }

    /// Returns the chain with a boost.
    pub(crate) fn boosted(mut self, boost: Boost) -> Self {
        self.boost = Some(boost);
        self
    }

    /// Computes the probability that the week after `step` has an event.
    pub(crate) fn p_active(&self, step: usize, state: usize) -> f64 {
        let mut sum = 0.0;
        self.outcomes(step, state, |next, p| sum += if self.is_inactive(next) { 0.0 } else { p });
        sum
    }

    /// Calls `visit` for every outcome of a step without a boost.
    #[inline]
    fn plain_outcomes(&self, step: usize, state: usize, mut visit: impl FnMut(usize, f64)) {
        let Some((_, behind)) = self.describe(state) else {
            if self.weekly_return > 0.0 {
                visit(self.state(Level::Light, self.limit), self.weekly_return);
            }
            visit(self.gone(), 1.0 - self.weekly_return);
            return;
        };
        let odds = self.leave_odds[state] * self.early_factor[step - self.join_week];
        let leave = if odds.is_finite() { odds / (1.0 + odds) } else { 1.0 };
        visit(self.gone(), leave);
        for level in LEVELS {
            let p = (1.0 - leave) * self.next_level[state][level as usize];
            let (grow, shrink) = self.grow_shrink[level as usize];
            if behind < self.limit && grow > 0.0 {
                visit(self.state(level, behind + 1), p * grow);
            }
            if behind > 0 && shrink > 0.0 {
                visit(self.state(level, behind - 1), p * shrink);
            }
            let grow = if behind < self.limit { grow } else { 0.0 };
            let shrink = if behind > 0 { shrink } else { 0.0 };
            visit(self.state(level, behind), p * (1.0 - grow - shrink));
        }
    }

    /// Returns level and weeks behind of a state; `None` after leaving.
    pub(crate) fn describe(&self, state: usize) -> Option<(Level, usize)> {
        let level = LEVELS.get(state / (self.limit + 1))?;
        Some((*level, state % (self.limit + 1)))
    }

    /// Tells whether a week in this state has no event.
    pub(crate) fn is_inactive(&self, state: usize) -> bool {
        matches!(self.describe(state), None | Some((Level::Away, _)))
    }

    /// Returns the number of a state.
    fn state(&self, level: Level, behind: usize) -> usize {
        level as usize * (self.limit + 1) + behind
    }

    /// Returns the state after leaving.
    pub(crate) fn gone(&self) -> usize {
        4 * (self.limit + 1)
    }

    /// Returns the possible states of the week of joining, with their probabilities. They are never away, since joining is an
    /// event, and as far behind as the weeks missed.
    pub(crate) fn first(&self) -> [(usize, f64); 3] {
        let behind = self.join_week.min(self.limit);
        // A newcomer has no habit yet and is taken as after a light week.
        let chances = &self.next_level[self.state(Level::Light, behind)];
        let present: f64 = chances[1..].iter().sum();
        [Level::Light, Level::Steady, Level::Deep]
            .map(|level| (self.state(level, behind), chances[level as usize] / present))
    }
}

/// Computes the probabilities of the four levels by an ordered logit.
fn level_chances(thresholds: &[f64; 3], drive: f64) -> [f64; 4] {
    let [light, steady, deep] = thresholds.map(|threshold| logistic(drive - threshold));
    [1.0 - light, light - steady, steady - deep, deep]
}

impl MarkovChain for Engagement {
    fn states(&self) -> usize {
        self.gone() + 1
    }

    #[inline]
    fn outcomes(&self, step: usize, state: usize, mut visit: impl FnMut(usize, f64)) {
        match &self.boost {
            Some(boost) if boost.steps.contains(&step) => {
                let mut active = 0.0;
                self.plain_outcomes(step, state, |next, p| active += if self.is_inactive(next) { 0.0 } else { p });
                let raised = boost.raised(active);
                // Who can't be active, or can't be inactive, stays so.
                let [to_active, to_inactive] = if active <= 0.0 || active >= 1.0 {
                    [1.0; 2]
                } else {
                    [raised / active, (1.0 - raised) / (1.0 - active)]
                };
                self.plain_outcomes(step, state, |next, p| {
                    visit(next, p * if self.is_inactive(next) { to_inactive } else { to_active });
                });
            }
            _ => self.plain_outcomes(step, state, visit),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chain::Expectation;

    fn engagement(join_week: usize, intent: usize) -> (Engagement, SimulatorConfig) {
        let config = SimulatorConfig { weeks: 3 + join_week as u32, ..SimulatorConfig::default() };
        let who = LearnerInCourse {
            motivation: -0.4,
            prior_knowledge: 0.3,
            commitments: 0.8,
            pace: 1.3,
            difficulty: 0.2,
            join_week,
        };
        (Engagement::new(&config, &config.intents[intent], &who), config)
    }

    /// Adds up every path of the enrolment's own chain.
    fn by_enumeration(chain: &Engagement, step: usize, steps: usize, state: usize) -> f64 {
        if step == steps {
            return f64::from(u8::from(chain.is_inactive(state)));
        }
        let mut next = Vec::new();
        chain.outcomes(step, state, |to, p| next.push((to, p)));
        next.iter().map(|&(to, p)| p * by_enumeration(chain, step + 1, steps, to)).sum()
    }

    #[test]
    fn outcomes_of_every_state_add_up_to_one() {
        for intent in 0..4 {
            let (chain, config) = engagement(1, intent);
            for step in 1..config.weeks as usize {
                for state in 0..chain.states() {
                    let mut sum = 0.0;
                    chain.outcomes(step, state, |to, p| {
                        assert!(to < chain.states() && (0.0..=1.0).contains(&p));
                        sum += p;
                    });
                    assert!((sum - 1.0).abs() < 1e-12, "state {state}: {sum}");
                }
            }
            let mut sum = 0.0;
            for (state, p) in chain.first() {
                assert!(!chain.is_inactive(state));
                sum += p;
            }
            assert!((sum - 1.0).abs() < 1e-12);
        }
    }

    #[test]
    fn truth_equals_enumeration_of_all_paths() {
        // Intent 3 returns after leaving, so gone is not the end for it.
        for intent in [0, 3] {
            let (chain, config) = engagement(0, intent);
            let steps = config.weeks as usize;
            let mut expectation = Expectation::default();
            expectation.compute(&chain, 0, steps, |state| f64::from(u8::from(chain.is_inactive(state))));
            for step in 0..=steps {
                for state in 0..chain.states() {
                    let expected = by_enumeration(&chain, step, steps, state);
                    assert!((expectation.at(step, state) - expected).abs() < 1e-12);
                }
            }
        }
    }

    #[test]
    fn a_message_raises_the_odds_of_a_week_with_events_and_nothing_else() {
        let (plain, config) = engagement(0, 0);
        let (boosted, _) = engagement(0, 0);
        let boosted = boosted.boosted(Boost { steps: 1..2, odds_ratio: 2.0 });
        for state in 0..plain.states() {
            let (without, with) = (plain.p_active(1, state), boosted.p_active(1, state));
            let odds = |p: f64| p / (1.0 - p);
            if without == 0.0 {
                assert_eq!(with, 0.0, "who has left for good stays away");
            } else {
                assert!((odds(with) / odds(without) - 2.0).abs() < 1e-9, "{without} becomes {with}");
            }
            for step in [0, 2] {
                assert_eq!(plain.p_active(step, state), boosted.p_active(step, state));
            }
        }
        let steps = config.weeks as usize;
        let mut expectation = Expectation::default();
        expectation.compute(&boosted, 0, steps, |state| f64::from(u8::from(boosted.is_inactive(state))));
        let expected = by_enumeration(&boosted, 0, steps, 0);
        assert!((expectation.at(0, 0) - expected).abs() < 1e-12);
    }

    #[test]
    fn the_unmotivated_and_the_absent_are_likelier_to_leave() {
        let (chain, _) = engagement(0, 0);
        let leave = |level, behind| {
            let mut p_gone = 0.0;
            chain.outcomes(1, chain.state(level, behind), |to, p| {
                if to == chain.gone() {
                    p_gone += p;
                }
            });
            p_gone
        };
        assert!(leave(Level::Away, 2) > leave(Level::Light, 2));
        assert!(leave(Level::Light, 2) > leave(Level::Deep, 2));
        assert!(leave(Level::Steady, 3) > leave(Level::Steady, 0));
    }
}
