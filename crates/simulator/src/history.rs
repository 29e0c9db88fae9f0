//! One enrolment from joining to the label: its path through the chain, its events, and its chances at every cut-off.

use crate::Simulation;
use crate::behaviour::{Behaviour, Event, Period};
use crate::chain::{Expectation, MarkovChain};
use crate::engagement::{Engagement, Standing};
use crate::learner::Learner;
use crate::random::Draws;

/// What happened in an enrolment, and what was going to. The buffers are kept from one enrolment to the next.
#[derive(Debug, Default)]
pub(crate) struct History {
    /// Events inside the calendar and before it, in time order.
    pub(crate) events: Vec<Event>,
    /// At index k − 1: the probability of dropout for a learner of these traits in the state of week k − 1, the last seen at
    /// the cut-off k. Before joining: for a learner who is going to join in that week.
    pub(crate) p_dropout: Vec<f64>,
    /// No event in the label window.
    pub(crate) dropped_out: bool,
    /// Weekly states from the week of joining to the label window.
    path: Vec<usize>,
    expectation: Expectation,
}

impl History {
    /// Replaces the content by the enrolment of a learner in one of the learner's courses.
    pub(crate) fn simulate(&mut self, simulation: &Simulation, learner: &Learner, course_number: usize) {
        let config = &simulation.config;
        let course = &simulation.courses[course_number];
        let weeks = config.weeks as usize;
        let mut draws = simulation.streams.enrolment(course_number, learner.number);
        let intent = &config.intents[draws.pick(&simulation.intent_shares)];
        let late = draws.chance(config.enrolment.late_join_share);
        let latest = config.enrolment.late_join_weeks.min(config.weeks - 1);
        let late_by = 1 + draws.below(latest) as usize;
        let shared = config.traits.motivation_shared;
        let parallel = learner.parallel(simulation, course_number) as f64;
        let who = Standing {
            motivation: shared.sqrt() * learner.traits.motivation + (1.0 - shared).sqrt() * draws.normal(),
            prior_knowledge: learner.traits.prior_knowledge,
            commitments: learner.traits.commitments + config.traits.parallel_commitment * parallel,
            pace: learner.traits.pace,
            difficulty: course.difficulty,
            join_week: if late { late_by } else { 0 },
        };
        let looks_around = !late && draws.chance(config.enrolment.pre_start_share);
        let engagement = Engagement::new(config, intent, &who);
        // The path comes before the events, so that how much is logged has no say in who leaves.
        self.walk(&engagement, who.join_week, weeks, &mut draws);
        self.truth(&engagement, who.join_week, weeks);
        self.events.clear();
        let mut behaviour = Behaviour::new(simulation, course, intent, &learner.traits, &who);
        if looks_around {
            behaviour.look_around(&mut draws, &mut self.events);
        }
        let mut logged = 0;
        for (week, &state) in (who.join_week..).zip(&self.path) {
            logged = self.events.len();
            let in_label_window = week == weeks;
            let period = Period {
                first_day: 7 * week as i32,
                days: if in_label_window { config.calendar.label_days as i32 } else { 7 },
                chapter: (week as u32).min(course.chapters - 1),
            };
            if let Some((level, behind)) = engagement.describe(state) {
                behaviour.live(&mut draws, &mut self.events, level, behind, period);
            }
        }
        // The last period is the label window: lived through, and then cut off the log.
        self.dropped_out = self.events.len() == logged;
        self.events.truncate(logged);
    }

    fn walk(&mut self, engagement: &Engagement, join_week: usize, weeks: usize, draws: &mut Draws) {
        let u = draws.uniform();
        let mut sum = 0.0;
        let mut state = None;
        engagement.first(|first, p| {
            if state.is_none() || u >= sum {
                state = Some(first);
            }
            sum += p;
        });
        let mut state = state.expect("an enrolment has a first state");
        self.path.clear();
        self.path.push(state);
        for step in join_week..weeks {
            state = engagement.draw(step, state, draws.uniform());
            self.path.push(state);
        }
    }

    fn truth(&mut self, engagement: &Engagement, join_week: usize, weeks: usize) {
        let silent = |state| f64::from(u8::from(engagement.is_silent(state)));
        self.expectation.compute(engagement, join_week, weeks, silent);
        let mut before = 0.0;
        engagement.first(|state, p| before += p * self.expectation.at(join_week, state));
        self.p_dropout.clear();
        self.p_dropout.resize(join_week, before);
        let seen = self.path[..self.path.len() - 1].iter().zip(join_week..);
        let expectation = &self.expectation;
        self.p_dropout.extend(seen.map(|(&state, week)| expectation.at(week, state)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SimulatorConfig;
    use crate::course::{Course, DAY};

    #[test]
    fn the_log_shows_which_weeks_were_silent_and_the_label_what_came_after() {
        let config = SimulatorConfig { learners: 400, ..SimulatorConfig::default() };
        let (limit, weeks) = (config.backlog.limit as usize, config.weeks as usize);
        let silent = |state: usize| state <= limit || state == 4 * (limit + 1);
        let simulation = config.validate().unwrap();
        let mut history = History::default();
        let (mut late, mut early) = (0, 0);
        for number in 0..400 {
            let learner = Learner::new(&simulation, number);
            for &course in &learner.courses {
                history.simulate(&simulation, &learner, course);
                let join_week = weeks + 1 - history.path.len();
                late += usize::from(join_week > 0);
                let mut seen = vec![false; weeks];
                for event in &history.events {
                    let week = event.second.div_euclid(7 * DAY);
                    if week < 0 {
                        early += 1;
                        assert_eq!(join_week, 0, "no look around by those who come late");
                    } else {
                        seen[week as usize] = true;
                    }
                    let release = Course::describe(event.object).1;
                    assert!(release.is_none_or(|released| event.second < 0 || released as i32 <= week));
                }
                for (week, &state) in (join_week..weeks).zip(&history.path) {
                    assert_eq!(seen[week], !silent(state), "week {week} of {learner:?}");
                }
                assert!(!seen[..join_week].iter().any(|&any| any) && seen[join_week]);
                assert_eq!(history.dropped_out, silent(history.path[weeks - join_week]));
                assert!(history.events.is_sorted_by_key(|event| event.second));
                assert_eq!(history.p_dropout.len(), weeks);
                assert!(history.p_dropout.iter().all(|p| (0.0..=1.0).contains(p)));
            }
        }
        assert!(late > 20 && early > 100, "{late} joined late, {early} events before the start");
    }
}
