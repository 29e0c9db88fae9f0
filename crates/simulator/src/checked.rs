//! From a configuration as the user wrote it to a checked simulation: every range checked, courses laid out.

use jiff::ToSpan;
use jiff::civil::Date;

use crate::config::SimulatorConfig;
use crate::course::Course;
use crate::error::ConfigError;
use crate::messages::Messages;
use crate::random::{MOST_COURSES, MOST_LEARNERS, Streams};

/// Holds a checked configuration with its courses. Everything else is derived from it, learner by learner.
///
/// Held in memory: the courses with their objects' identifiers, about 1 KB per course and week.
#[derive(Debug)]
pub struct Simulation {
    pub(crate) config: SimulatorConfig,
    pub(crate) streams: Streams,
    /// Messages to learners; none unless [`simulate_with_messages`](crate::simulate_with_messages) sets them.
    pub(crate) messages: Messages,
    pub(crate) courses: Vec<Course>,
    /// Cumulative popularity of the courses.
    pub(crate) popularity: Vec<f64>,
    /// Cumulative shares of the intents.
    pub(crate) intent_shares: Vec<f64>,
    /// Cumulative shares of the preferred hours.
    pub(crate) hour_shares: Vec<f64>,
    /// A row is written twice where 32 random bits are below this.
    pub(crate) duplicate_below: u32,
}

const SHARE: (f64, f64, &str) = (0.0, 1.0, "0 to 1");
const WEIGHT: (f64, f64, &str) = (-5.0, 5.0, "-5 to 5");
const EFFECT: (f64, f64, &str) = (-2.0, 2.0, "-2 to 2");
const LOG_ODDS: (f64, f64, &str) = (-20.0, 20.0, "-20 to 20");
const SPREAD: (f64, f64, &str) = (0.0, 3.0, "0 to 3");
const HALF: (f64, f64, &str) = (0.0, 0.5, "0 to 0.5");
const POINTS: (f64, f64, &str) = (0.0, 100.0, "0 to 100");
const POSITIVE: f64 = f64::MIN_POSITIVE;
const SECONDS: (f64, f64, &str) = (POSITIVE, 1_500.0, "above 0 and at most 1500");

/// Checks that a number lies in a range.
fn within(key: &str, value: f64, (low, high, expected): (f64, f64, &'static str)) -> Result<(), ConfigError> {
    if (low..=high).contains(&value) {
        return Ok(());
    }
    Err(ConfigError::Range { key: key.to_owned(), value: value.to_string(), expected })
}

/// Checks that a whole number lies in a range.
fn whole(key: &str, value: u64, (low, high, expected): (u64, u64, &'static str)) -> Result<(), ConfigError> {
    if (low..=high).contains(&value) {
        return Ok(());
    }
    Err(ConfigError::Range { key: key.to_owned(), value: value.to_string(), expected })
}

fn inconsistent<T>(message: String) -> Result<T, ConfigError> {
    Err(ConfigError::Inconsistent { message })
}

fn adds_up_to_one(what: &str, shares: impl Iterator<Item = f64>) -> Result<(), ConfigError> {
    let sum: f64 = shares.sum();
    if (sum - 1.0).abs() > 1e-6 {
        return inconsistent(format!("{what} add up to {sum}; make them add up to 1"));
    }
    Ok(())
}

/// Sums up weights.
fn cumulative(weights: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut sum = 0.0;
    weights
        .map(|weight| {
            sum += weight;
            sum
        })
        .collect()
}

impl Simulation {
    /// Returns the complete configuration as TOML, from which the same simulation can be made again.
    pub(crate) fn to_toml(&self) -> String {
        toml::to_string(&self.config).expect("checked settings have a TOML form, as the seed is at most 2^63 - 1")
    }
}

impl SimulatorConfig {
    /// Checks every value and lays out the courses.
    ///
    /// # Errors
    /// [`ConfigError::Range`] and [`ConfigError::Inconsistent`], naming the key and its allowed values.
    pub fn validate(self) -> Result<Simulation, ConfigError> {
        self.check_sizes()?;
        let first_start = self.check_calendar()?;
        self.check_people()?;
        self.check_dynamics()?;
        self.check_activity()?;
        self.check_records()?;
        let streams = Streams::new(self.seed);
        self.check_messages()?;
        let courses = Course::all(&self, first_start, &streams);
        Ok(Simulation {
            streams,
            messages: Messages::default(),
            popularity: cumulative(courses.iter().map(|course| course.popularity)),
            courses,
            intent_shares: cumulative(self.intents.iter().map(|intent| intent.share)),
            hour_shares: cumulative(self.activity.day_hour_shares.iter().copied()),
            duplicate_below: (self.activity.duplicate_share * f64::from(u32::MAX)) as u32,
            config: self,
        })
    }

    fn check_sizes(&self) -> Result<(), ConfigError> {
        let courses = u64::from(MOST_COURSES).min(10_000);
        whole("learners", self.learners, (1, MOST_LEARNERS, "1 to 2^40"))?;
        whole("courses", self.courses.into(), (1, courses, "1 to 10000"))?;
        whole("weeks", self.weeks.into(), (2, 104, "2 to 104"))?;
        whole("seed", self.seed, (0, i64::MAX as u64, "0 to 2^63 - 1"))
    }

    /// Checks the calendar; returns the first day of the first course.
    fn check_calendar(&self) -> Result<Date, ConfigError> {
        let calendar = &self.calendar;
        let first_start = calendar.first_start.parse::<Date>().map_err(|_| ConfigError::Range {
            key: "calendar.first_start".to_owned(),
            value: format!("{:?}", calendar.first_start),
            expected: "a date, as in \"2024-01-15\"",
        })?;
        let at_least_one = (1, u32::MAX.into(), "1 or more");
        whole("calendar.waves", calendar.waves.into(), at_least_one)?;
        whole("calendar.wave_gap_weeks", calendar.wave_gap_weeks.into(), (0, 520, "0 to 520"))?;
        whole("calendar.stagger_days", calendar.stagger_days.into(), (0, 28, "0 to 28"))?;
        whole("calendar.stagger_courses", calendar.stagger_courses.into(), at_least_one)?;
        whole("calendar.label_days", calendar.label_days.into(), (1, 28, "1 to 28"))?;
        whole("calendar.pre_start_days", calendar.pre_start_days.into(), (1, 60, "1 to 60"))?;
        let used_waves = i64::from(calendar.waves.min(self.courses) - 1);
        let stagger = i64::from(calendar.stagger_courses.min(self.courses)) * i64::from(calendar.stagger_days);
        let span = (used_waves * i64::from(calendar.wave_gap_weeks) + i64::from(self.weeks) + 5) * 7 + stagger;
        let years = (first_start.year(), first_start.checked_add(span.days()).ok().map(Date::year));
        if !matches!(years, (1970.., Some(..=9998))) {
            return inconsistent(format!(
                "courses from calendar.first_start = {first_start} over {span} days leave the years 1970 to 9998; \
                 start elsewhere, or use fewer waves or shorter gaps"
            ));
        }
        Ok(first_start)
    }

    fn check_people(&self) -> Result<(), ConfigError> {
        let enrolment = &self.enrolment;
        within("enrolment.extra_courses_mean", enrolment.extra_courses_mean, (0.0, 20.0, "0 to 20"))?;
        within("enrolment.popularity_spread", enrolment.popularity_spread, SPREAD)?;
        within("enrolment.late_join_share", enrolment.late_join_share, SHARE)?;
        whole("enrolment.late_join_weeks", enrolment.late_join_weeks.into(), (1, 103, "1 to 103"))?;
        within("enrolment.pre_start_share", enrolment.pre_start_share, SHARE)?;
        within("enrolment.register_days", enrolment.register_days, (0.0, 60.0, "0 to 60"))?;
        if self.disciplines.is_empty() {
            return inconsistent("disciplines is empty; give at least one [[disciplines]]".to_owned());
        }
        for (index, discipline) in self.disciplines.iter().enumerate() {
            let key = |field: &str| format!("disciplines[{index}].{field}");
            check_name(&key("name"), &discipline.name)?;
            if self.disciplines[..index].iter().any(|other| other.name == discipline.name) {
                return inconsistent(format!("two disciplines are called {}; rename one", discipline.name));
            }
            within(&key("difficulty"), discipline.difficulty, WEIGHT)?;
            // Only browsing must have a weight above 0: no intent's factors then leave a learner without items.
            let weight = (0.0, 1e6, "0 to 1000000");
            within(&key("video"), discipline.video, weight)?;
            within(&key("problem"), discipline.problem, weight)?;
            within(&key("discussion"), discipline.discussion, weight)?;
            within(&key("wiki"), discipline.wiki, weight)?;
            within(&key("browse"), discipline.browse, (POSITIVE, 1e6, "above 0 and at most 1000000"))?;
        }
        for (index, intent) in self.intents.iter().enumerate() {
            let key = |field: &str| format!("intents[{index}].{field}");
            check_name(&key("name"), &intent.name)?;
            within(&key("share"), intent.share, SHARE)?;
            within(&key("leaving"), intent.leaving, (-10.0, 10.0, "-10 to 10"))?;
            within(&key("effort"), intent.effort, (-10.0, 10.0, "-10 to 10"))?;
            within(&key("problems"), intent.problems, (0.0, 10.0, "0 to 10"))?;
            within(&key("weekly_return"), intent.weekly_return, SHARE)?;
        }
        adds_up_to_one("the shares of [[intents]]", self.intents.iter().map(|intent| intent.share))
    }

    fn check_dynamics(&self) -> Result<(), ConfigError> {
        let traits = &self.traits;
        within("traits.motivation_shared", traits.motivation_shared, SHARE)?;
        within("traits.pace_spread", traits.pace_spread, (0.0, 2.0, "0 to 2"))?;
        within("traits.course_difficulty_spread", traits.course_difficulty_spread, SPREAD)?;
        within("traits.parallel_commitment", traits.parallel_commitment, (0.0, 5.0, "0 to 5"))?;
        let engagement = &self.engagement;
        for threshold in engagement.thresholds {
            within("engagement.thresholds", threshold, LOG_ODDS)?;
        }
        if !engagement.thresholds.is_sorted() {
            return inconsistent(format!("engagement.thresholds {:?} must increase", engagement.thresholds));
        }
        within("engagement.persistence", engagement.persistence, WEIGHT)?;
        within("engagement.motivation", engagement.motivation, WEIGHT)?;
        within("engagement.prior_knowledge", engagement.prior_knowledge, WEIGHT)?;
        within("engagement.commitments", engagement.commitments, WEIGHT)?;
        within("engagement.backlog", engagement.backlog, WEIGHT)?;
        let backlog = &self.backlog;
        whole("backlog.limit", backlog.limit.into(), (0, 12, "0 to 12"))?;
        within("backlog.light_falls_behind", backlog.light_falls_behind, SHARE)?;
        within("backlog.steady_catches_up", backlog.steady_catches_up, SHARE)?;
        within("backlog.deep_catches_up", backlog.deep_catches_up, SHARE)?;
        let leaving = &self.leaving;
        within("leaving.base", leaving.base, LOG_ODDS)?;
        for added in leaving.by_level {
            within("leaving.by_level", added, LOG_ODDS)?;
        }
        within("leaving.backlog", leaving.backlog, WEIGHT)?;
        within("leaving.difficulty", leaving.difficulty, WEIGHT)?;
        within("leaving.motivation", leaving.motivation, WEIGHT)?;
        within("leaving.prior_knowledge", leaving.prior_knowledge, WEIGHT)?;
        within("leaving.commitments", leaving.commitments, WEIGHT)?;
        within("leaving.early_extra", leaving.early_extra, LOG_ODDS)?;
        within("leaving.early_weeks", leaving.early_weeks, (POSITIVE, 1e6, "above 0"))?;
        within("leaving.unregister_share", leaving.unregister_share, SHARE)?;
        within("leaving.unregister_days", leaving.unregister_days, (0.0, 365.0, "0 to 365"))
    }

    fn check_activity(&self) -> Result<(), ConfigError> {
        let activity = &self.activity;
        within("activity.scale", activity.scale, (POSITIVE, 1_000.0, "above 0 and at most 1000"))?;
        for (sessions, items) in activity.extra_sessions.iter().zip(activity.extra_items) {
            within("activity.extra_sessions", *sessions, (0.0, 100.0, "0 to 100"))?;
            within("activity.extra_items", items, (0.0, 1_000.0, "0 to 1000"))?;
        }
        within("activity.motivation", activity.motivation, EFFECT)?;
        within("activity.forum_motivation", activity.forum_motivation, EFFECT)?;
        within("activity.problem_retries", activity.problem_retries, (0.0, 20.0, "0 to 20"))?;
        within("activity.retries_difficulty", activity.retries_difficulty, EFFECT)?;
        within("activity.problem_success", activity.problem_success, SHARE)?;
        within("activity.success_knowledge", activity.success_knowledge, WEIGHT)?;
        within("activity.post_share", activity.post_share, SHARE)?;
        within("activity.sign_in_share", activity.sign_in_share, SHARE)?;
        within("activity.current_chapter", activity.current_chapter, SHARE)?;
        within("activity.access_seconds", activity.access_seconds, SECONDS)?;
        within("activity.video_seconds", activity.video_seconds, SECONDS)?;
        within("activity.problem_seconds", activity.problem_seconds, SECONDS)?;
        within("activity.discussion_seconds", activity.discussion_seconds, SECONDS)?;
        within("activity.wiki_seconds", activity.wiki_seconds, SECONDS)?;
        within("activity.navigate_seconds", activity.navigate_seconds, SECONDS)?;
        let (hours, shares) = (activity.day_hours.len(), activity.day_hour_shares.len());
        if hours != shares {
            return inconsistent(format!(
                "activity.day_hours has {hours} values and activity.day_hour_shares {shares}; give one share an hour"
            ));
        }
        for (hour, share) in activity.day_hours.iter().zip(&activity.day_hour_shares) {
            within("activity.day_hours", *hour, (0.0, 24.0, "0 to 24"))?;
            within("activity.day_hour_shares", *share, SHARE)?;
        }
        adds_up_to_one("activity.day_hour_shares", activity.day_hour_shares.iter().copied())?;
        within("activity.day_hour_spread", activity.day_hour_spread, (POSITIVE, 12.0, "above 0 and at most 12"))?;
        within("activity.weekend_weight", activity.weekend_weight, (POSITIVE, 100.0, "above 0 and at most 100"))?;
        within("activity.weekend_commitments", activity.weekend_commitments, WEIGHT)?;
        within("activity.duplicate_share", activity.duplicate_share, HALF)
    }

    fn check_messages(&self) -> Result<(), ConfigError> {
        let messages = &self.messages;
        within("messages.odds_ratio", messages.odds_ratio, (0.01, 100.0, "0.01 to 100"))?;
        whole("messages.weeks", messages.weeks.into(), (1, 104, "1 to 104"))?;
        for end in messages.band {
            within("messages.band", end, SHARE)?;
        }
        if messages.band[0] >= messages.band[1] {
            return inconsistent(format!("messages.band {:?} must increase", messages.band));
        }
        within("messages.outside", messages.outside, EFFECT)
    }

    fn check_records(&self) -> Result<(), ConfigError> {
        let assessment = &self.assessment;
        for (quiz, assignment) in assessment.quiz_share.iter().zip(assessment.assignment_share) {
            within("assessment.quiz_share", *quiz, SHARE)?;
            within("assessment.assignment_share", assignment, SHARE)?;
        }
        whole("assessment.assignment_weeks", assessment.assignment_weeks.into(), (1, 104, "1 to 104"))?;
        within("assessment.score_mean", assessment.score_mean, POINTS)?;
        within("assessment.score_spread", assessment.score_spread, POINTS)?;
        within("assessment.score_knowledge", assessment.score_knowledge, POINTS)?;
        let irregular = &self.irregularities;
        let minutes = (POSITIVE, 1_440.0, "above 0 and at most 1440");
        within("irregularities.shared_account_share", irregular.shared_account_share, SHARE)?;
        within("irregularities.clock_skew_share", irregular.clock_skew_share, SHARE)?;
        within("irregularities.clock_skew_minutes", irregular.clock_skew_minutes, minutes)?;
        within("irregularities.broken_share", irregular.broken_share, HALF)
    }
}

/// Checks a name, which becomes a course id in CSV files and must not need quotes.
fn check_name(key: &str, name: &str) -> Result<(), ConfigError> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if !name.is_empty() && name.chars().all(plain) {
        return Ok(());
    }
    Err(ConfigError::Range {
        key: key.to_owned(),
        value: format!("{name:?}"),
        expected: "lower-case letters, digits and hyphens",
    })
}
