//! One enrolment from joining to the label: its path through the chain, its events, and its chances at every cut-off.

use crate::Simulation;
use crate::behaviour::{self, Behaviour, Period};
use crate::chain::{Expectation, MarkovChain};
use crate::course::DAY;
use crate::engagement::{Engagement, Level, Standing};
use crate::event::{By, Event};
use crate::learner::Learner;
use crate::random::Draws;

/// Longest time before the start that people register, in days.
const EARLIEST_REGISTRATION_DAYS: f64 = 60.0;

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
    /// Place of the intent among the intents.
    pub(crate) intent: usize,
    /// First week with events, 0-based.
    pub(crate) join_week: usize,
    /// Came back after having left.
    pub(crate) returned: bool,
    /// Second of registration; before the first event.
    pub(crate) registered: i32,
    /// Second of unregistering, inside the course, of some who left for good.
    pub(crate) unregistered: Option<i32>,
    /// Whether a second person uses the account.
    pub(crate) shared: bool,
    /// What the device's clock is off.
    pub(crate) skew_seconds: i32,
    /// Events that are there twice.
    pub(crate) doubled: u64,
    /// First second whose day can be written.
    earliest: i32,
    /// Weekly states from the week of joining to the label window.
    path: Vec<usize>,
    expectation: Expectation,
}

/// Who enters a course, before anything is in the log.
struct Entered {
    who: Standing,
    engagement: Engagement,
    looks_around: bool,
    draws: Draws,
}

/// Decisions about an enrolment that have nothing to do with who leaves.
struct Records {
    draws: Draws,
    /// Days from registering to the start.
    registered_days: f64,
    /// Days from leaving to unregistering, of those who would.
    unregistered_days: Option<f64>,
}

impl History {
    /// Replaces the content by the enrolment of a learner in one of the learner's courses.
    pub(crate) fn simulate(&mut self, simulation: &Simulation, learner: &Learner, course_number: usize) {
        let config = &simulation.config;
        let course = &simulation.courses[course_number];
        let weeks = config.weeks as usize;
        // The path comes before the events, so that how much is logged has no say in who leaves.
        let Entered { who, engagement, looks_around, mut draws } = self.enter(simulation, learner, course_number);
        self.truth(&engagement, who.join_week, weeks);
        let intent = &config.intents[self.intent];
        let mut records = self.records(simulation, learner, course_number, intent.weekly_return > 0.0);
        self.events.clear();
        let mut behaviour = Behaviour::new(simulation, course, intent, &learner.traits, &who);
        if looks_around {
            behaviour.look_around(&mut draws, &mut self.events);
        }
        let mut companion = self.shared.then(|| behaviour.companion());
        let mut logged = 0;
        for (week, &state) in (who.join_week..).zip(&self.path) {
            logged = self.events.len();
            self.doubled = behaviour.doubled + companion.as_ref().map_or(0, |companion| companion.doubled);
            let in_label_window = week == weeks;
            let period = Period {
                first_day: 7 * week as i32,
                days: if in_label_window { config.calendar.label_days as i32 } else { 7 },
                chapter: (week as u32).min(course.chapters - 1),
            };
            if let Some((level, behind)) = engagement.describe(state) {
                behaviour.live(&mut draws, &mut self.events, level, behind, period);
                if let Some(companion) = companion.as_mut().filter(|_| level != Level::Away && !in_label_window) {
                    companion.live(&mut records.draws, &mut self.events, Level::Light, behind, period);
                    self.events[logged..].sort_by_key(|event| event.second);
                }
            }
        }
        // The last period is the label window: lived through, and then cut off the log.
        self.dropped_out = self.events.len() == logged;
        self.events.truncate(logged);
        self.register(engagement.gone(), weeks, &records);
    }

    /// Decides what sort of enrolment it is, and its path.
    fn enter(&mut self, simulation: &Simulation, learner: &Learner, course_number: usize) -> Entered {
        let config = &simulation.config;
        let mut draws = simulation.streams.enrolment(course_number, learner.number);
        self.intent = draws.pick(&simulation.intent_shares);
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
            difficulty: simulation.courses[course_number].difficulty,
            join_week: if late { late_by } else { 0 },
        };
        self.join_week = who.join_week;
        self.earliest = -(config.calendar.pre_start_days as i32) * DAY;
        let looks_around = !late && draws.chance(config.enrolment.pre_start_share);
        let engagement = Engagement::new(config, &config.intents[self.intent], &who);
        self.walk(&engagement, who.join_week, config.weeks as usize, &mut draws);
        Entered { who, engagement, looks_around, draws }
    }

    /// A quick guess, right in proportion, of how many events [`simulate`](Self::simulate) will make.
    pub(crate) fn guess_events(&mut self, simulation: &Simulation, learner: &Learner, course_number: usize) -> f64 {
        let Entered { who, engagement, .. } = self.enter(simulation, learner, course_number);
        let levels = self.path[..self.path.len() - 1].iter().filter_map(|&state| engagement.describe(state));
        levels.map(|(level, _)| behaviour::guess_events(&simulation.config.activity, level, who.motivation)).sum()
    }

    fn records(&mut self, simulation: &Simulation, learner: &Learner, course: usize, may_return: bool) -> Records {
        let config = &simulation.config;
        let mut draws = simulation.streams.records(course, learner.number);
        self.shared = draws.chance(config.irregularities.shared_account_share);
        let skewed = draws.chance(config.irregularities.clock_skew_share);
        let skew = (60.0 * config.irregularities.clock_skew_minutes * draws.normal()) as i32;
        self.skew_seconds = if skewed { skew } else { 0 };
        let registered_days = (config.enrolment.register_days * draws.exponential()).min(EARLIEST_REGISTRATION_DAYS);
        let unregisters = draws.chance(config.leaving.unregister_share);
        let days = config.leaving.unregister_days * draws.exponential();
        Records { draws, registered_days, unregistered_days: (unregisters && !may_return).then_some(days) }
    }

    /// Finds when the learner registered and unregistered, after path and events are known.
    fn register(&mut self, gone: usize, weeks: usize, records: &Records) {
        let first = self.events.first().map_or(0, |event| event.second);
        let join = 7 * self.join_week as i32 * DAY;
        self.registered = match self.join_week {
            0 => first.min(-(records.registered_days * f64::from(DAY)) as i32),
            // Late, but not before the week of joining: that they would come was not known until then.
            _ => first.min(join.max(first - (records.registered_days * f64::from(DAY)) as i32)),
        };
        let left = self.path.iter().position(|&state| state == gone);
        self.returned = left.is_some_and(|left| self.path[left..].iter().any(|&state| state != gone));
        let unregistered = left.zip(records.unregistered_days).map(|(left, days)| {
            let left = 7.0 * (self.join_week + left) as f64;
            (left + days) * f64::from(DAY)
        });
        let end = (7 * weeks) as f64 * f64::from(DAY);
        self.unregistered = unregistered.filter(|&second| second < end).map(|second| second as i32);
    }

    /// The second that the log gives an event: the device's, where that reports it. It stays in its week, so that the log
    /// still says which weeks were silent.
    pub(crate) fn shown_second(&self, event: &Event) -> i32 {
        shown_second(event, self.skew_seconds, self.earliest)
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

/// See [`History::shown_second`].
pub(crate) fn shown_second(event: &Event, skew_seconds: i32, earliest: i32) -> i32 {
    // Somebody else has another device.
    if skew_seconds == 0 || !event.kind.is_of_device() || event.by == By::Companion {
        return event.second;
    }
    let week = event.second.div_euclid(7 * DAY) * 7 * DAY;
    (event.second + skew_seconds).clamp(week.max(earliest), week + 7 * DAY - 1)
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
