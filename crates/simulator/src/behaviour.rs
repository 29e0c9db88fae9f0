//! How an enrolment behaves in every week: its items, gaps, hours and scores, derived from traits and settings.

use crate::checked::Simulation;
use crate::config::{ActivityConfig, IntentConfig};
use crate::course::Course;
use crate::engagement::{LearnerInCourse, Level};
use crate::event::{AccountUser, EventKind};
use crate::learner::Traits;

/// Sets the mean seconds from signing in to the course.
const SIGN_IN_SECONDS: f64 = 4.0;
/// Sets the scale below which sessions are as few and short as possible, and events are left out of them.
const THINNED_SCALE: f64 = 0.1;
/// Sets the hours by which a companion's preferred hour is later.
const COMPANION_HOURS: f64 = 9.0;

/// Holds the behaviour of one enrolment, and the place it has reached in the course.
#[derive(Debug)]
pub(crate) struct Behaviour<'a> {
    pub(crate) simulation: &'a Simulation,
    pub(crate) course: &'a Course,
    pub(crate) by: AccountUser,
    /// Cumulative weights of the kinds of items.
    pub(crate) mix: [f64; 5],
    /// Factor on sessions and items by motivation.
    pub(crate) volume: f64,
    /// Mean tries at a problem beyond the first.
    pub(crate) retries: f64,
    /// Probability that the last of them is right.
    pub(crate) success: f64,
    /// Probability that an event is logged, if it may be left out.
    pub(crate) logged: f64,
    /// By kind: mean gap in seconds after the event.
    pub(crate) gaps: [f32; EventKind::COUNT],
    /// Preferred hour of day, UTC.
    pub(crate) hour: f64,
    /// Weight of a weekend day against a weekday.
    pub(crate) weekend_weight: f64,
    /// Factor of the intent on the probability of a submission.
    pub(crate) diligence: f64,
    /// Expected score, in per cent.
    pub(crate) score: f64,
    /// First chapter without a submission.
    pub(crate) next_submission: u32,
    /// Next unit to visit.
    pub(crate) unit: u32,
    /// Second at which the last session ended.
    pub(crate) last_end: i32,
    /// Events written twice so far.
    pub(crate) doubled: u64,
}

impl<'a> Behaviour<'a> {
    /// Derives the behaviour of a learner in a course.
    pub(crate) fn new(
        simulation: &'a Simulation,
        course: &'a Course,
        intent: &IntentConfig,
        person: &Traits,
        who: &LearnerInCourse,
    ) -> Self {
        let activity = &simulation.config.activity;
        let [video, problem, discussion, wiki, browse] = course.mix;
        let weights = [
            video,
            problem * intent.problems,
            discussion * (activity.forum_motivation * who.motivation).exp(),
            wiki,
            browse,
        ];
        let mut sum = 0.0;
        let mix = weights.map(|weight| {
            sum += weight;
            sum
        });
        let gap = |mean: f64| (mean / who.pace) as f32;
        let seconds_after = |kind: EventKind| match kind {
            EventKind::Navigate | EventKind::PageClose => activity.navigate_seconds,
            EventKind::SignIn => SIGN_IN_SECONDS,
            EventKind::Access | EventKind::View => activity.access_seconds,
            EventKind::Video => activity.video_seconds,
            EventKind::Try | EventKind::Check | EventKind::Quiz | EventKind::Assignment => activity.problem_seconds,
            EventKind::Discussion | EventKind::Post => activity.discussion_seconds,
            EventKind::Wiki => activity.wiki_seconds,
        };
        let assessment = &simulation.config.assessment;
        let advantage = who.prior_knowledge - who.difficulty;
        Self {
            simulation,
            course,
            by: AccountUser::Owner,
            mix,
            volume: (activity.motivation * who.motivation).exp(),
            retries: activity.problem_retries * (-activity.retries_difficulty * advantage).exp(),
            success: shifted(activity.problem_success, activity.success_knowledge * advantage),
            logged: (activity.scale / THINNED_SCALE).min(1.0),
            gaps: EventKind::ALL.map(|kind| gap(seconds_after(kind))),
            hour: person.hour,
            weekend_weight: activity.weekend_weight * (activity.weekend_commitments * who.commitments).exp(),
            diligence: intent.problems.min(1.0),
            score: assessment.score_mean + assessment.score_knowledge * advantage,
            next_submission: 0,
            unit: 0,
            last_end: i32::MIN / 2,
            doubled: 0,
        }
    }

    /// Returns the behaviour of a second person who uses the account at another time of day and submits nothing.
    pub(crate) fn companion(&self) -> Self {
        Self {
            by: AccountUser::Companion,
            hour: (self.hour + COMPANION_HOURS) % 24.0,
            diligence: 0.0,
            unit: 0,
            last_end: i32::MIN / 2,
            doubled: 0,
            ..*self
        }
    }
}

/// Moves a probability by `by` in log-odds.
fn shifted(p: f64, by: f64) -> f64 {
    let odds = p * by.exp();
    odds / (odds + 1.0 - p)
}

/// Returns a level's place in the settings by level; `None` for a week without events.
pub(crate) fn level_index(level: Level) -> Option<usize> {
    match level {
        Level::Away => None,
        Level::Light => Some(0),
        Level::Steady => Some(1),
        Level::Deep => Some(2),
    }
}

/// Estimates the events of a week at a level, in proportion to the true number.
pub(crate) fn estimate_events(activity: &ActivityConfig, level: Level, motivation: f64) -> f64 {
    const EVENTS_A_SESSION: f64 = 1.4;
    const EVENTS_AN_ITEM: f64 = 2.9;
    let Some(at) = level_index(level) else { return 0.0 };
    let volume = (activity.motivation * motivation).exp() * activity.scale.min(1.0);
    let logged = (activity.scale / THINNED_SCALE).min(1.0);
    let items = (1.0 + activity.extra_items[at] * volume) * activity.scale.max(1.0);
    (1.0 + activity.extra_sessions[at] * volume) * (1.0 + logged * (EVENTS_A_SESSION + EVENTS_AN_ITEM * items))
}
