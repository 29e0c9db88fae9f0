//! History of one enrolment from joining to the label: its path through the chain, its events, and its probability of
//! dropout at every cut-off.

use crate::behaviour::{self, Behaviour};
use crate::chain::{Expectation, MarkovChain};
use crate::checked::Simulation;
use crate::course::DAY;
use crate::engagement::{Engagement, LearnerInCourse, Level};
use crate::event::{AccountUser, Event};
use crate::learner::Learner;
use crate::messages::{Boost, Message, MessageTruth};
use crate::period::Period;
use crate::random::Draws;

/// Sets the earliest registration, in days before the start.
const EARLIEST_REGISTRATION_DAYS: f64 = 60.0;

/// Holds the history of one enrolment. Its buffers are kept from one enrolment to the next.
#[derive(Debug, Default)]
pub(crate) struct History {
    /// Events before the end of the course, in order of time.
    pub(crate) events: Vec<Event>,
    /// By cut-off (at index k − 1, weeks 0 to k − 1 are seen): probability of dropout for a learner with these traits, in the
    /// state of the last week seen. Before joining, it is that of a learner who is going to join in the same week.
    pub(crate) p_dropout: Vec<f64>,
    /// Whether there is no event in the label window.
    pub(crate) dropped_out: bool,
    /// Place of the intent among the configured intents.
    pub(crate) intent: usize,
    /// First week with events, 0-based.
    pub(crate) join_week: usize,
    /// Whether the learner came back after leaving.
    pub(crate) returned: bool,
    /// Second of registration, not after the first event.
    pub(crate) registered: i32,
    /// Second of unregistering inside the course, for some learners who left for good.
    pub(crate) unregistered: Option<i32>,
    /// Whether a second person uses the account.
    pub(crate) shared: bool,
    /// Error of the device's clock.
    pub(crate) skew_seconds: i32,
    /// Events that are written twice.
    pub(crate) doubled: u64,
    /// Effect of a message, sent or not, where there is one.
    pub(crate) message: Option<MessageTruth>,
    /// First second that the log can show.
    earliest: i32,
    /// States from the week of joining to the label window.
    path: Vec<usize>,
    expectation: Expectation,
}

/// Holds an enrolment before it has events.
struct EnrolmentStart {
    who: LearnerInCourse,
    engagement: Engagement,
    looks_around: bool,
    /// Draws as before those of the path.
    before_path: Draws,
    draws: Draws,
}

/// Holds draws about an enrolment that do not affect who leaves.
struct EnrolmentRecords {
    draws: Draws,
    /// Days from registering to the start.
    registered_days: f64,
    /// Days from leaving to unregistering, for learners who would unregister.
    unregistered_days: Option<f64>,
}

impl History {
    /// Simulates the enrolment of a learner in one of the learner's courses, in place of the history before.
    pub(crate) fn simulate(
        &mut self,
        simulation: &Simulation,
        learner: &Learner,
        course_number: usize,
        message: Option<Message>,
    ) {
        let config = &simulation.config;
        let course = &simulation.courses[course_number];
        let weeks = config.weeks as usize;
        // The path is drawn before the events, so that the length of the log does not affect who leaves.
        let EnrolmentStart { who, mut engagement, looks_around, before_path, mut draws } =
            self.enter(simulation, learner, course_number);
        self.compute_truth(&engagement, who.join_week, weeks);
        self.message = None;
        if let Some(message) = message {
            engagement = self.send(simulation, engagement, who.join_week, message, before_path);
        }
        let intent = &config.intents[self.intent];
        let mut records = self.draw_records(simulation, learner, course_number, intent.weekly_return > 0.0);
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
                behaviour.push_period(&mut draws, &mut self.events, level, behind, period);
                if let Some(companion) = companion.as_mut().filter(|_| level != Level::Away && !in_label_window) {
                    companion.push_period(&mut records.draws, &mut self.events, Level::Light, behind, period);
                    self.events[logged..].sort_by_key(|event| event.second);
                }
            }
        }
        // The last period is the label window. It is simulated for the label, then removed from the log.
        self.dropped_out = self.events.len() == logged;
        self.events.truncate(logged);
        self.register(engagement.gone(), weeks, &records);
    }

    /// Draws intent, time of joining and path.
    fn enter(&mut self, simulation: &Simulation, learner: &Learner, course_number: usize) -> EnrolmentStart {
        let config = &simulation.config;
        let mut draws = simulation.streams.enrolment(course_number, learner.number);
        self.intent = draws.pick(&simulation.intent_shares);
        let late = draws.chance(config.enrolment.late_join_share);
        let latest = config.enrolment.late_join_weeks.min(config.weeks - 1);
        let late_by = 1 + draws.below(latest) as usize;
        let shared = config.traits.motivation_shared;
        let parallel = learner.parallel_courses(simulation, course_number) as f64;
        let who = LearnerInCourse {
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
        let before_path = draws.clone();
        self.draw_path(&engagement, who.join_week, config.weeks as usize, &mut draws);
        EnrolmentStart { who, engagement, looks_around, before_path, draws }
    }

    /// Finds what a message does, and draws the path with it if it is sent: from the same numbers, so that weeks before it
    /// stay as they are.
    fn send(
        &mut self,
        simulation: &Simulation,
        engagement: Engagement,
        join_week: usize,
        message: Message,
        mut draws: Draws,
    ) -> Engagement {
        let Message { week, is_sent } = message;
        let weeks = simulation.config.weeks as usize;
        if week >= weeks {
            // There is no week after it, and the caller finds a message without a truth.
            return engagement;
        }
        let before = self.p_dropout[week - 1];
        // Who joins later than the message has nothing that it could change.
        if week <= join_week {
            let active = f64::from(u8::from(week == join_week));
            let (p_active, p_dropout) = ([active; 2], [before; 2]);
            self.message = Some(MessageTruth { week, is_sent, p_active, p_dropout });
            return engagement;
        }
        let state = self.path[week - 1 - join_week];
        let without = engagement.p_active(week - 1, state);
        let boosted = engagement.boosted(Boost::new(&simulation.config.messages, week, before));
        let inactive = |state| f64::from(u8::from(boosted.is_inactive(state)));
        self.expectation.compute(&boosted, join_week, weeks, inactive);
        self.message = Some(MessageTruth {
            week,
            is_sent,
            p_active: [without, boosted.p_active(week - 1, state)],
            p_dropout: [before, self.expectation.at(week - 1, state)],
        });
        if is_sent {
            self.draw_path(&boosted, join_week, weeks, &mut draws);
            // A forecast before the message does not know of it.
            let seen = self.path[..self.path.len() - 1].iter().zip(join_week..).skip(week - join_week);
            for (&state, week) in seen {
                self.p_dropout[week] = self.expectation.at(week, state);
            }
        }
        boosted
    }

    /// Estimates quickly the events that [`simulate`](Self::simulate) will make, in proportion to the true number.
    pub(crate) fn estimate_events(&mut self, simulation: &Simulation, learner: &Learner, course_number: usize) -> f64 {
        let EnrolmentStart { who, engagement, .. } = self.enter(simulation, learner, course_number);
        let levels = self.path[..self.path.len() - 1].iter().filter_map(|&state| engagement.describe(state));
        levels.map(|(level, _)| behaviour::estimate_events(&simulation.config.activity, level, who.motivation)).sum()
    }

    /// Draws the irregularities of an enrolment and the days of its registration.
    fn draw_records(
        &mut self,
        simulation: &Simulation,
        learner: &Learner,
        course: usize,
        may_return: bool,
    ) -> EnrolmentRecords {
        let config = &simulation.config;
        let mut draws = simulation.streams.records(course, learner.number);
        self.shared = draws.chance(config.irregularities.shared_account_share);
        let skewed = draws.chance(config.irregularities.clock_skew_share);
        let skew = (60.0 * config.irregularities.clock_skew_minutes * draws.normal()) as i32;
        self.skew_seconds = if skewed { skew } else { 0 };
        let registered_days = (config.enrolment.register_days * draws.exponential()).min(EARLIEST_REGISTRATION_DAYS);
        let unregisters = draws.chance(config.leaving.unregister_share);
        let days = config.leaving.unregister_days * draws.exponential();
        EnrolmentRecords { draws, registered_days, unregistered_days: (unregisters && !may_return).then_some(days) }
    }

    /// Sets the seconds of registering and unregistering, which depend on path and events.
    fn register(&mut self, gone: usize, weeks: usize, records: &EnrolmentRecords) {
        let first = self.events.first().map_or(0, |event| event.second);
        let join = 7 * self.join_week as i32 * DAY;
        self.registered = match self.join_week {
            0 => first.min(-(records.registered_days * f64::from(DAY)) as i32),
            // Late joiners do not register before their week of joining, as nobody knew of them until then.
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

    /// Returns the second that the log shows for an event: the device's, for events that the owner's device reports.
    pub(crate) fn shown_second(&self, event: &Event) -> i32 {
        if event.by == AccountUser::Companion || !event.kind.is_reported_by_device() {
            return event.second;
        }
        DeviceClock { skew_seconds: self.skew_seconds, earliest: self.earliest }.shown(event.second)
    }

    /// Draws the path through the chain.
    fn draw_path(&mut self, engagement: &Engagement, join_week: usize, weeks: usize, draws: &mut Draws) {
        let u = draws.uniform();
        let mut sum = 0.0;
        let first_states = engagement.first();
        let [(mut state, _), ..] = first_states;
        for (first, p) in first_states {
            if u >= sum {
                state = first;
            }
            sum += p;
        }
        self.path.clear();
        self.path.push(state);
        for step in join_week..weeks {
            state = engagement.draw(step, state, draws.uniform());
            self.path.push(state);
        }
    }

    /// Computes the true probability of dropout at every cut-off.
    fn compute_truth(&mut self, engagement: &Engagement, join_week: usize, weeks: usize) {
        let inactive = |state| f64::from(u8::from(engagement.is_inactive(state)));
        self.expectation.compute(engagement, join_week, weeks, inactive);
        let mut before = 0.0;
        for (state, p) in engagement.first() {
            before += p * self.expectation.at(join_week, state);
        }
        self.p_dropout.clear();
        self.p_dropout.resize(join_week, before);
        let seen = self.path[..self.path.len() - 1].iter().zip(join_week..);
        let expectation = &self.expectation;
        self.p_dropout.extend(seen.map(|(&state, week)| expectation.at(week, state)));
    }
}

/// Holds the clock of a learner's device. The log shows its time for events that the device reports.
#[derive(Debug, Clone, Copy)]
pub(crate) struct DeviceClock {
    /// Error of the clock; 0 for a correct one.
    pub(crate) skew_seconds: i32,
    /// First second that the log can show.
    pub(crate) earliest: i32,
}

impl DeviceClock {
    /// Returns the second that the clock shows. It stays in the same week, so that the log still shows inactive weeks.
    pub(crate) fn shown(self, second: i32) -> i32 {
        if self.skew_seconds == 0 {
            return second;
        }
        let week = second.div_euclid(7 * DAY) * 7 * DAY;
        (second + self.skew_seconds).clamp(week.max(self.earliest), week + 7 * DAY - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::SimulatorConfig;
    use crate::course::Course;

    #[test]
    fn the_log_shows_inactive_weeks_and_the_label_the_days_after() {
        let config = SimulatorConfig { learners: 400, ..SimulatorConfig::default() };
        let (limit, weeks) = (config.backlog.limit as usize, config.weeks as usize);
        let inactive = |state: usize| state <= limit || state == 4 * (limit + 1);
        let simulation = config.validate().unwrap();
        let mut history = History::default();
        let (mut late, mut early) = (0, 0);
        for number in 0..400 {
            let learner = Learner::new(&simulation, number);
            for &course in &learner.courses {
                history.simulate(&simulation, &learner, course, None);
                let join_week = weeks + 1 - history.path.len();
                late += usize::from(join_week > 0);
                let mut seen = vec![false; weeks];
                for event in &history.events {
                    let week = event.second.div_euclid(7 * DAY);
                    if week < 0 {
                        early += 1;
                        assert_eq!(join_week, 0, "late joiners do not visit before the start");
                    } else {
                        seen[week as usize] = true;
                    }
                    let release = Course::describe(event.object).1;
                    assert!(release.is_none_or(|released| event.second < 0 || released as i32 <= week));
                }
                for (week, &state) in (join_week..weeks).zip(&history.path) {
                    assert_eq!(seen[week], !inactive(state), "week {week} of {learner:?}");
                }
                assert!(!seen[..join_week].iter().any(|&any| any) && seen[join_week]);
                assert_eq!(history.dropped_out, inactive(history.path[weeks - join_week]));
                assert!(history.events.is_sorted_by_key(|event| event.second));
                assert_eq!(history.p_dropout.len(), weeks);
                assert!(history.p_dropout.iter().all(|p| (0.0..=1.0).contains(p)));
            }
        }
        assert!(late > 20 && early > 100, "{late} joined late, {early} events before the start");
    }
}
