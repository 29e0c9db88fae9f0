//! Settings as the user writes them. `configs/simulator.toml` explains every key, with ranges and the published findings that
//! defaults follow. [`SimulatorConfig::validate`] turns the values into a checked [`Simulation`](crate::Simulation).

use std::path::Path;

use serde::{Deserialize, Serialize};
use staycast_text::parse_problem;

use crate::error::ConfigError;

/// Holds the content of `configs/simulator.toml`: the defaults with their documentation.
pub const DEFAULT_TOML: &str = include_str!("../../../configs/simulator.toml");

/// Holds every setting of a simulation. Equal settings give equal bytes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SimulatorConfig {
    /// Number of learners, 1 or more. Each has one enrolment and on average `enrolment.extra_courses_mean` more.
    pub learners: u64,
    /// Number of courses; 1 to 10,000.
    pub courses: u32,
    /// Length of every course in weeks; 2 to 104.
    pub weeks: u32,
    /// Seed of every random stream; at most 2^63 − 1, the greatest number of TOML.
    pub seed: u64,
    /// Dates of courses, and periods of observation.
    pub calendar: CalendarConfig,
    /// Choice of courses and time of joining.
    pub enrolment: EnrolmentConfig,
    /// Disciplines, which courses take in turn.
    pub disciplines: Vec<DisciplineConfig>,
    /// Intents of learners.
    pub intents: Vec<IntentConfig>,
    /// Differences between learners and between courses.
    pub traits: TraitsConfig,
    /// Weekly level of engagement.
    pub engagement: EngagementConfig,
    /// Falling behind and catching up.
    pub backlog: BacklogConfig,
    /// Weekly hazard of leaving.
    pub leaving: LeavingConfig,
    /// Events of a week.
    pub activity: ActivityConfig,
    /// Quizzes, assignments and scores.
    pub assessment: AssessmentConfig,
    /// Irregularities of logs.
    pub irregularities: IrregularitiesConfig,
    /// Effects of messages to learners.
    pub messages: MessagesConfig,
}

/// Sets the dates of courses and the periods of observation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CalendarConfig {
    /// First day of the first course, `YYYY-MM-DD`, UTC.
    pub first_start: String,
    /// Number of waves in which courses start; 1 or more.
    pub waves: u32,
    /// Weeks between the starts of two waves; 0 to 520.
    pub wave_gap_weeks: u32,
    /// Days between the starts of two courses of a wave; 0 to 28.
    pub stagger_days: u32,
    /// Courses of a wave after which the stagger begins again; 1 or more.
    pub stagger_courses: u32,
    /// Days after the last day of a course; a learner without an event in them is a dropout; 1 to 28.
    pub label_days: u32,
    /// Days before the start in which first visits may fall; 1 to 60.
    pub pre_start_days: u32,
}

/// Sets how learners choose courses and when they join.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EnrolmentConfig {
    /// Mean number of courses beyond the first; 0 to 20.
    pub extra_courses_mean: f64,
    /// Standard deviation of the logarithm of a course's popularity; 0 to 3.
    pub popularity_spread: f64,
    /// Share of enrolments that begin after the first week; 0 to 1.
    pub late_join_share: f64,
    /// Greatest delay of these in weeks, within the course; 1 to 103.
    pub late_join_weeks: u32,
    /// Share of the other enrolments that visit before the start; 0 to 1.
    pub pre_start_share: f64,
    /// Mean days from registration to the start for the others, cut at 60; 0 to 60. Only some formats log registrations.
    pub register_days: f64,
}

/// Sets the properties of a discipline.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DisciplineConfig {
    /// Name, of lower-case letters, digits and hyphens; the stem of course ids.
    pub name: String,
    /// Difficulty in standard deviations from the average course; −5 to 5.
    pub difficulty: f64,
    /// Weight of videos among the items of a session; 0 or more, as the next four.
    pub video: f64,
    /// Weight of problems.
    pub problem: f64,
    /// Weight of discussions.
    pub discussion: f64,
    /// Weight of wiki pages.
    pub wiki: f64,
    /// Weight of items that are only viewed.
    pub browse: f64,
}

/// Sets the properties of an intent, the reason for which learners enrol.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IntentConfig {
    /// Name, shown in `simulation.json`.
    pub name: String,
    /// Share of enrolments; all shares add up to 1.
    pub share: f64,
    /// Addition to the log-odds of leaving in any week; −10 to 10.
    pub leaving: f64,
    /// Addition to the drive of any week; −10 to 10.
    pub effort: f64,
    /// Factor on the weight of problems; 0 to 10.
    pub problems: f64,
    /// Probability in any week after leaving to come back; 0 to 1.
    pub weekly_return: f64,
}

/// Sets how learners and courses differ.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TraitsConfig {
    /// Share of the variance of motivation that belongs to the learner in all courses; 0 to 1.
    pub motivation_shared: f64,
    /// Standard deviation of the logarithm of speed; 0 to 2.
    pub pace_spread: f64,
    /// Standard deviation of difficulty among courses of a discipline; 0 to 3.
    pub course_difficulty_spread: f64,
    /// Addition to commitments for each other course of the learner that overlaps, in standard deviations; 0 to 5.
    pub parallel_commitment: f64,
}

/// Sets the ordered logit of a week's level.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EngagementConfig {
    /// Thresholds of the levels light, steady and deep; increasing.
    pub thresholds: [f64; 3],
    /// Weight of last week's level, centred; −5 to 5, as the next four.
    pub persistence: f64,
    /// Weight of motivation.
    pub motivation: f64,
    /// Weight of prior knowledge.
    pub prior_knowledge: f64,
    /// Weight of commitments, subtracted.
    pub commitments: f64,
    /// Weight of a week behind, subtracted.
    pub backlog: f64,
}

/// Sets how learners fall behind and catch up.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BacklogConfig {
    /// Greatest number of weeks behind that counts; 0 to 12.
    pub limit: u32,
    /// Probability that a light week adds a week behind; 0 to 1.
    pub light_falls_behind: f64,
    /// Probability that a steady week removes one, at average pace; 0 to 1.
    pub steady_catches_up: f64,
    /// Probability that a deep week removes one, at average pace; 0 to 1.
    pub deep_catches_up: f64,
}

/// Sets the weekly hazard of leaving, in log-odds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LeavingConfig {
    /// Log-odds of an average learner late in an average course; −20 to 20.
    pub base: f64,
    /// Addition by the week's level: away, light, steady, deep; −20 to 20.
    pub by_level: [f64; 4],
    /// Addition for each week behind; −5 to 5, as the next four.
    pub backlog: f64,
    /// Weight of the course's difficulty.
    pub difficulty: f64,
    /// Weight of motivation, subtracted.
    pub motivation: f64,
    /// Weight of prior knowledge, subtracted.
    pub prior_knowledge: f64,
    /// Weight of commitments.
    pub commitments: f64,
    /// Addition after the first week; −20 to 20.
    pub early_extra: f64,
    /// Weeks in which this addition falls to 1/e; above 0.
    pub early_weeks: f64,
    /// Probability that a learner who leaves for good unregisters; 0 to 1. Only some formats log it.
    pub unregister_share: f64,
    /// Mean days from leaving to unregistering; 0 to 365.
    pub unregister_days: f64,
}

/// Sets the events of a week.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ActivityConfig {
    /// Factor on items per session; above 0, at most 1,000.
    pub scale: f64,
    /// Mean sessions beyond the first in seven days, by level light, steady, deep; 0 to 100.
    pub extra_sessions: [f64; 3],
    /// Mean items beyond the first in a session, by level; 0 to 1,000.
    pub extra_items: [f64; 3],
    /// Effect of motivation on the logarithm of both; −2 to 2.
    pub motivation: f64,
    /// Effect of motivation on the logarithm of the weight of discussions; −2 to 2.
    pub forum_motivation: f64,
    /// Mean tries at a problem beyond the first; 0 to 20.
    pub problem_retries: f64,
    /// Effect of difficulty minus prior knowledge on the logarithm of that mean; −2 to 2.
    pub retries_difficulty: f64,
    /// Probability that an average learner's last answer to an average problem is right; 0 to 1.
    pub problem_success: f64,
    /// Effect of prior knowledge minus difficulty on the log-odds of that probability; −5 to 5.
    pub success_knowledge: f64,
    /// Share of discussion items in which the learner writes; 0 to 1.
    pub post_share: f64,
    /// Probability that a session begins with signing in; 0 to 1.
    pub sign_in_share: f64,
    /// Share of items in the chapter that the learner has reached; 0 to 1.
    pub current_chapter: f64,
    /// Mean seconds after an access; above 0, at most 1,500, as the next five.
    pub access_seconds: f64,
    /// Mean seconds after a video event.
    pub video_seconds: f64,
    /// Mean seconds after a try at a problem.
    pub problem_seconds: f64,
    /// Mean seconds after a discussion event.
    pub discussion_seconds: f64,
    /// Mean seconds after a wiki event.
    pub wiki_seconds: f64,
    /// Mean seconds after a navigation.
    pub navigate_seconds: f64,
    /// Preferred hours of day, UTC; 0 to below 24.
    pub day_hours: Vec<f64>,
    /// Share of learners by preferred hour; as many, adding up to 1.
    pub day_hour_shares: Vec<f64>,
    /// Standard deviation of a session's start around the preferred hour, in hours; above 0, at most 12.
    pub day_hour_spread: f64,
    /// Weight of a weekend day against a weekday; 0 to 100.
    pub weekend_weight: f64,
    /// Effect of commitments on the logarithm of that weight; −5 to 5.
    pub weekend_commitments: f64,
    /// Share of rows written twice; 0 to 0.5.
    pub duplicate_share: f64,
}

/// Sets quizzes, assignments and scores.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AssessmentConfig {
    /// Probability of submitting the chapter's quiz in a week at level light, steady, deep; 0 to 1. The intent's `problems`
    /// lowers it.
    pub quiz_share: [f64; 3],
    /// Weeks from one assignment to the next; 1 to 104.
    pub assignment_weeks: u32,
    /// Probability of submitting the assignment, for learners who submit the quiz; by level, 0 to 1.
    pub assignment_share: [f64; 3],
    /// Mean score of an average learner in an average course; 0 to 100, as the next two.
    pub score_mean: f64,
    /// Standard deviation of a score's random part.
    pub score_spread: f64,
    /// Points for each standard deviation of prior knowledge minus difficulty.
    pub score_knowledge: f64,
}

/// Sets the irregularities of logs. None of them affects who leaves.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IrregularitiesConfig {
    /// Share of enrolments whose account a second person also uses, in weeks when the learner is active; 0 to 1.
    pub shared_account_share: f64,
    /// Share of enrolments whose device has a wrong clock; 0 to 1.
    pub clock_skew_share: f64,
    /// Standard deviation of the error of such a clock, in minutes; above 0, at most 1,440. An event stays in its week.
    pub clock_skew_minutes: f64,
    /// Share of rows of the log after which a damaged copy follows; 0 to 0.5.
    pub broken_share: f64,
}

/// Sets what a message to a learner does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MessagesConfig {
    /// Factor on the odds of being active in a week, for learners of middle risk; 0.01 to 100.
    pub odds_ratio: f64,
    /// Weeks that a message changes, from that of its sending on; 1 to 104.
    pub weeks: u32,
    /// Probabilities of dropout of middle risk, from and below; 0 to 1, increasing.
    pub band: [f64; 2],
    /// Share of the effect, in log-odds, for all other learners; -2 to 2.
    pub outside: f64,
}

impl Default for SimulatorConfig {
    fn default() -> Self {
        toml::from_str(DEFAULT_TOML).expect("configs/simulator.toml is complete; a test reads it")
    }
}

impl SimulatorConfig {
    /// Parses settings. Keys that `text` does not name keep their defaults.
    ///
    /// # Errors
    /// [`ConfigError::Parse`]: invalid TOML, an unknown key, or a value of a wrong type.
    pub fn from_toml(text: &str) -> Result<Self, ConfigError> {
        let parse = || {
            let given: toml::Table = toml::from_str(text)?;
            let mut merged: toml::Table = toml::from_str(DEFAULT_TOML)?;
            overlay(&mut merged, given);
            merged.try_into()
        };
        parse().map_err(|error: toml::de::Error| {
            let problem = parse_problem(text, error.span(), error.message());
            ConfigError::Parse { path: None, problem }
        })
    }

    /// Parses settings from a file, as [`from_toml`](Self::from_toml) does.
    ///
    /// # Errors
    /// [`ConfigError::Missing`], [`ConfigError::Read`] and [`ConfigError::Parse`], naming the file.
    pub fn from_file(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path).map_err(|source| match source.kind() {
            std::io::ErrorKind::NotFound => ConfigError::Missing(path.to_owned()),
            _ => ConfigError::Read { path: path.to_owned(), source },
        })?;
        Self::from_toml(&text).map_err(|error| match error {
            ConfigError::Parse { problem, .. } => ConfigError::Parse { path: Some(path.to_owned()), problem },
            other => other,
        })
    }
}

/// Puts `given` over `base`, table by table. A value that is not a table is replaced as a whole.
fn overlay(base: &mut toml::Table, given: toml::Table) {
    for (key, value) in given {
        match (base.get_mut(&key), value) {
            (Some(toml::Value::Table(below)), toml::Value::Table(above)) => overlay(below, above),
            (_, value) => {
                base.insert(key, value);
            }
        }
    }
}
