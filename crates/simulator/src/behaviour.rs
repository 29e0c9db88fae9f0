//! What a week leaves in the log: sessions at the person's hours, more or fewer, longer or shorter.
//!
//! Knows nothing of file formats. A week's events lie inside that week, in time order, and a week that is not away has at
//! least one: the label and the weekly states can be read off the log itself.

use crate::Simulation;
use crate::config::{ActivityConfig, IntentConfig};
use crate::course::{Course, DAY};
use crate::engagement::{Level, Standing};
use crate::event::{By, Event, Kind};
use crate::learner::Traits;
use crate::random::Draws;
use crate::session::{HandIn, Session};

/// Shortest gap between two sessions.
const SESSION_GAP_SECONDS: i32 = 1_860;
/// Mean seconds from signing in to the course.
const SIGN_IN_SECONDS: f64 = 4.0;
/// Below this scale sessions are as few and short as can be, and events go missing from them.
const THINNED_SCALE: f64 = 0.1;
/// How many hours later in the day a companion prefers to come.
const COMPANION_HOURS: f64 = 9.0;
/// Longest label window or week, in days.
const MOST_DAYS: usize = 28;

/// How one enrolment behaves; constant over its weeks.
#[derive(Debug)]
pub(crate) struct Behaviour<'a> {
    pub(crate) simulation: &'a Simulation,
    course: &'a Course,
    by: By,
    /// Cumulative weights of the items.
    pub(crate) mix: [f64; 5],
    /// Factor on sessions and items by motivation.
    volume: f64,
    /// Mean tries at a problem beyond the first.
    pub(crate) retries: f64,
    /// Chance that the last of them is right.
    pub(crate) success: f64,
    /// Chance of an event that may go to be in the log.
    pub(crate) logged: f64,
    /// Mean gap in seconds after each kind.
    pub(crate) gaps: [f32; Kind::COUNT],
    hour: f64,
    weekend_weight: f64,
    /// Factor of the intent on handing in.
    diligence: f64,
    /// Expected score, in per cent.
    score: f64,
    /// First chapter of which nothing has been handed in.
    next_hand_in: u32,
    /// Next unit to be looked at.
    pub(crate) unit: u32,
    /// Second at which the last session ended.
    last_end: i32,
    /// Events written twice so far.
    pub(crate) doubled: u64,
}

/// Seven days or the label window.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Period {
    /// First day, counted from the course's start.
    pub(crate) first_day: i32,
    /// Number of days; 1 to 28.
    pub(crate) days: i32,
    /// Chapter the learner has got to, if nothing is behind.
    pub(crate) chapter: u32,
}

impl<'a> Behaviour<'a> {
    pub(crate) fn new(
        simulation: &'a Simulation,
        course: &'a Course,
        intent: &IntentConfig,
        person: &Traits,
        who: &Standing,
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
        let seconds_after = |kind: Kind| match kind {
            Kind::Navigate | Kind::PageClose => activity.navigate_seconds,
            Kind::SignIn | Kind::Enrol | Kind::Unenrol => SIGN_IN_SECONDS,
            Kind::Access | Kind::View => activity.access_seconds,
            Kind::Video => activity.video_seconds,
            Kind::Try | Kind::Check | Kind::Quiz | Kind::Assignment => activity.problem_seconds,
            Kind::Discussion | Kind::Post => activity.discussion_seconds,
            Kind::Wiki => activity.wiki_seconds,
        };
        let assessment = &simulation.config.assessment;
        let advantage = who.prior_knowledge - who.difficulty;
        Self {
            simulation,
            course,
            by: By::Owner,
            mix,
            volume: (activity.motivation * who.motivation).exp(),
            retries: activity.problem_retries * (-activity.retries_difficulty * advantage).exp(),
            success: shifted(activity.problem_success, activity.success_knowledge * advantage),
            logged: (activity.scale / THINNED_SCALE).min(1.0),
            gaps: Kind::ALL.map(|kind| gap(seconds_after(kind))),
            hour: person.hour,
            weekend_weight: activity.weekend_weight * (activity.weekend_commitments * who.commitments).exp(),
            diligence: intent.problems.min(1.0),
            score: assessment.score_mean + assessment.score_knowledge * advantage,
            next_hand_in: 0,
            unit: 0,
            last_end: i32::MIN / 2,
            doubled: 0,
        }
    }

    /// The behaviour of somebody who uses the same account at another time of day, and hands nothing in.
    pub(crate) fn companion(&self) -> Self {
        Self {
            by: By::Companion,
            hour: (self.hour + COMPANION_HOURS) % 24.0,
            diligence: 0.0,
            unit: 0,
            last_end: i32::MIN / 2,
            doubled: 0,
            ..*self
        }
    }

    /// Appends the events of a period at a level with `behind` weeks behind.
    pub(crate) fn live(
        &mut self,
        draws: &mut Draws,
        events: &mut Vec<Event>,
        level: Level,
        behind: usize,
        period: Period,
    ) {
        let activity = &self.simulation.config.activity;
        let Some(at) = place(level) else { return };
        let weeks = f64::from(period.days) / 7.0;
        // A shorter log has fewer and shorter sessions, a longer one longer sessions of the same number.
        let (fewer, longer) = (activity.scale.min(1.0), activity.scale.max(1.0));
        let sessions = 1 + draws.poisson(activity.extra_sessions[at] * self.volume * weeks * fewer);
        let chapter = period.chapter.saturating_sub(behind as u32);
        let handed_in = self.hand_in(draws, at, chapter);
        let hand_in_at = draws.below(sessions) as usize;
        let end = (period.first_day + period.days) * DAY;
        let mut starts: Vec<i32> = (0..sessions).map(|_| self.start_of_session(draws, period)).collect();
        starts.sort_unstable();
        for (n, start) in starts.into_iter().enumerate() {
            // Only a later session of the same period can be pushed off the end, so the first always happens.
            let earliest = if n == 0 { start } else { self.last_end + SESSION_GAP_SECONDS };
            let start = start.max(earliest);
            if start >= end {
                break;
            }
            let items = 1 + draws.poisson(activity.extra_items[at] * self.volume * fewer);
            let items = draws.round(f64::from(items) * longer).max(1);
            let (by, hand_in) = (self.by, if n == hand_in_at { handed_in } else { HandIn::default() });
            let mut session = Session { behaviour: self, draws, events, now: start, end, by };
            if session.run(items, chapter, hand_in) {
                self.next_hand_in = chapter + 1;
            }
            self.last_end = events.last().map_or(start, |event| event.second);
        }
    }

    /// What is handed in of `chapter` in a week at level `at`, if it is ever begun.
    fn hand_in(&self, draws: &mut Draws, at: usize, chapter: u32) -> HandIn {
        let assessment = &self.simulation.config.assessment;
        let mut work = |share: f64| {
            let done = draws.chance(share * self.diligence);
            let score = (self.score + assessment.score_spread * draws.normal()).clamp(0.0, 100.0).round() as u8;
            done.then_some(score)
        };
        let (quiz, assignment) = (work(assessment.quiz_share[at]), work(assessment.assignment_share[at]));
        if chapter < self.next_hand_in {
            return HandIn::default();
        }
        // The quiz leads up to the assignment.
        let set = quiz.is_some() && self.course.has_assignment(chapter);
        HandIn { quiz, assignment: assignment.filter(|_| set) }
    }

    /// Appends one or two looks at the course before it starts.
    pub(crate) fn look_around(&mut self, draws: &mut Draws, events: &mut Vec<Event>) {
        let days = self.simulation.config.calendar.pre_start_days;
        let late_days = days / 2;
        self.look(draws, events, days, days - late_days);
        // The second look is in the later half, so that time order holds.
        if late_days > 0 && draws.chance(0.5) {
            self.look(draws, events, late_days, late_days);
        }
    }

    /// A look on one of `choice` days, the first of them `before` days before the start.
    fn look(&mut self, draws: &mut Draws, events: &mut Vec<Event>, before: u32, choice: u32) {
        let first_day = draws.below(choice) as i32 - before as i32;
        let day = Period { first_day, days: 1, chapter: 0 };
        let (now, end, by) = (self.start_of_session(draws, day), (first_day + 1) * DAY, self.by);
        Session { behaviour: self, draws, events, now, end, by }.look_around();
    }

    /// A day by its weight and a time of that day around the preferred hour.
    fn start_of_session(&self, draws: &mut Draws, period: Period) -> i32 {
        let days = (period.days as usize).min(MOST_DAYS);
        let mut cumulative = [0.0; MOST_DAYS];
        let mut sum = 0.0;
        for (day, weight) in cumulative[..days].iter_mut().enumerate() {
            let weekend = self.course.is_weekend(period.first_day + day as i32);
            sum += if weekend { self.weekend_weight } else { 1.0 };
            *weight = sum;
        }
        let day = period.first_day + draws.pick(&cumulative[..days]) as i32;
        let hour = self.hour + self.simulation.config.activity.day_hour_spread * draws.normal();
        let second = (hour.rem_euclid(24.0) * 3_600.0) as i32;
        day * DAY + second.min(DAY - 1)
    }
}

/// A probability moved by `by` in log-odds.
fn shifted(p: f64, by: f64) -> f64 {
    let odds = p * by.exp();
    odds / (odds + 1.0 - p)
}

/// A level's place in the settings by level; none when nothing is done.
fn place(level: Level) -> Option<usize> {
    match level {
        Level::Away => None,
        Level::Light => Some(0),
        Level::Steady => Some(1),
        Level::Deep => Some(2),
    }
}

/// About how many events a week at a level leaves, right in proportion only.
pub(crate) fn guess_events(activity: &ActivityConfig, level: Level, motivation: f64) -> f64 {
    const EVENTS_A_SESSION: f64 = 1.4;
    const EVENTS_AN_ITEM: f64 = 2.9;
    let Some(at) = place(level) else { return 0.0 };
    let volume = (activity.motivation * motivation).exp() * activity.scale.min(1.0);
    let logged = (activity.scale / THINNED_SCALE).min(1.0);
    let items = (1.0 + activity.extra_items[at] * volume) * activity.scale.max(1.0);
    (1.0 + activity.extra_sessions[at] * volume) * (1.0 + logged * (EVENTS_A_SESSION + EVENTS_AN_ITEM * items))
}
