//! Finds what a manifest and the tables of courses and enrolments say that cannot all be true.
//!
//! Those who read a table check each row by itself. What is here holds for folders of the newest layout, of which all that
//! is written follows these rules (docs/definitions.md); of earlier ones weeks are bounded.

use std::collections::BTreeSet;

use staycast_events::time::{DAY_SECONDS, format_instant};
use staycast_weeks::CutOff;

use crate::course_table::Courses;
use crate::dataset::{CourseRow, EnrolmentRow};
use crate::features::KnownFeatures;
use crate::grid::WeekGrid;
use crate::labels::DropoutRule;
use crate::manifest::{Manifest, ReasonCount};
use crate::tables::{BEFORE_FIRST_WEEK, ENROLMENT_COLUMNS};

/// Lists the words for where dates of courses come from.
const CALENDAR_SOURCES: [&str; 3] = ["source", "courses-file", "inferred"];
/// Lists the words for where the time of a log comes from.
const AS_OF_SOURCES: [&str; 2] = [GIVEN, "newest event"];
const GIVEN: &str = "given";

/// Says what of a manifest contradicts itself.
pub(crate) fn of_manifest(manifest: &Manifest) -> Result<(), String> {
    let Manifest { features, static_columns, calendar, build, labels, rows, .. } = manifest;
    let mut columns = BTreeSet::new();
    let known = KnownFeatures::new();
    for feature in features {
        let name = &feature.name;
        if !columns.insert(name.as_str()) {
            return Err(format!("it names the feature `{name}` twice"));
        }
        let Some(definition) = known.get(name) else { continue };
        if feature.unit != definition.unit {
            return Err(format!("the unit of `{name}` is not `{}`", definition.unit));
        }
        if feature.lacking.is_none() != definition.needs.met_by(&manifest.capabilities) {
            return Err(format!("the feature `{name}` is lacking, or is not, against what the source `knows`"));
        }
    }
    let mut statics: BTreeSet<&str> = ENROLMENT_COLUMNS.into_iter().collect();
    if let Some(twice) = static_columns.iter().find(|name| !statics.insert(name)) {
        return Err(format!("it names the column `{twice}` of enrolments twice"));
    }
    if !CALENDAR_SOURCES.contains(&calendar.source.as_str()) || !AS_OF_SOURCES.contains(&calendar.as_of_source.as_str())
    {
        return Err("its calendar is from a source that there is not".to_owned());
    }
    if build.weeks != calendar.weeks_limit {
        return Err("it was built with another limit of weeks than its calendar has".to_owned());
    }
    if build.rule.as_ref().is_some_and(|rule| *rule != labels.rule.to_string()) {
        return Err("it was built with another dropout rule than its labels follow".to_owned());
    }
    let counted = |counts: &std::collections::BTreeMap<String, ReasonCount>| {
        counts.values().fold(0_u64, |sum, count| sum.saturating_add(count.rows))
    };
    let read = rows.used.saturating_add(counted(&rows.rejected)).saturating_add(counted(&rows.set_aside));
    if rows.read != read {
        return Err(format!(
            "its number of rows read is {}, and those used, rejected and set aside are {read}",
            rows.read
        ));
    }
    if !(0.0..=1.0).contains(&rows.rejected_share) {
        return Err("its rejected_share is not from 0 to 1".to_owned());
    }
    Ok(())
}

/// Finds the first course whose calendar contradicts the manifest: its place, and what does.
pub(crate) fn of_courses(manifest: &Manifest, courses: &Courses) -> Result<(), (usize, String)> {
    let calendar = &manifest.calendar;
    for (at, (course, &calendar_days)) in courses.rows.iter().zip(&courses.calendar_days).enumerate() {
        let CourseRow { id, days, .. } = course;
        let contradicts = |what: String| Err((at, format!("course `{id}` {what}")));
        let due = days_in_weeks(course.first_week_days, calendar_days, calendar.weeks_limit);
        if u64::from(*days) != due {
            return contradicts(format!(
                "is cut into weeks of {days} days, and its dates and the limit of weeks are {due}"
            ));
        }
        let start = i64::from(course.start_day) * DAY_SECONDS;
        let as_of = (course.as_of_days * DAY_SECONDS as f64).round() as i64;
        if format_instant(start.saturating_add(as_of)) != calendar.as_of {
            return contradicts("has another `as_of_days` than the manifest's `as_of`".to_owned());
        }
        if course.nominal_dates == manifest.capabilities.dates {
            return contradicts("has `nominal_dates`, or has not, against what the source `knows`".to_owned());
        }
        if course.inferred && calendar.source != "inferred" {
            return contradicts("has inferred dates, and the manifest says that none are".to_owned());
        }
    }
    Ok(())
}

/// Counts the days that a course's weeks have, of `calendar_days` days and at most `limit` weeks.
fn days_in_weeks(first_week_days: u32, calendar_days: u64, limit: Option<u32>) -> u64 {
    let Some(limit) = limit else { return calendar_days };
    let whole = calendar_days.min(WeekGrid::GREATEST_DAYS.into()) as u32;
    let last = CutOff::after_weeks(limit.min(u16::MAX.into()));
    last.map_or(0, |last| WeekGrid::new(first_week_days, whole).end_day(last).into())
}

/// Says what of an enrolment's row cannot be true of its course, whose dates have `calendar_days` days, by the manifest's
/// label rule.
pub(crate) struct EnrolmentRules<'a> {
    manifest: &'a Manifest,
    courses: &'a Courses,
}

impl<'a> EnrolmentRules<'a> {
    pub(crate) const fn new(manifest: &'a Manifest, courses: &'a Courses) -> Self {
        Self { manifest, courses }
    }

    /// Says what of a row cannot be; `last_event_day` is that of its last event.
    pub(crate) fn check(&self, row: &EnrolmentRow, last_event_day: Option<f64>) -> Result<(), String> {
        let course = &self.courses.rows[row.course.as_usize()];
        self.check_bounds(row, last_event_day)?;
        if self.manifest.is_older() {
            return Ok(());
        }
        let end = self.courses.calendar_days[row.course.as_usize()] as f64;
        let contradicts = |what: &str| Err(what.to_owned());
        if last_event_day.is_some_and(|day| day >= f64::from(course.days)) {
            return contradicts("column `last_event_day` is not before the end of the course's weeks");
        }
        let came_before = row.first_event_day.is_some_and(|day| day < 0.0);
        if came_before != (row.pre_start_active_days > 0) || !came_before && row.pre_start_events > 0 {
            return contradicts("column `pre_start_active_days` or `pre_start_events` contradicts `first_event_day`");
        }
        if row.withdrawal_day.is_some_and(|day| day >= end) {
            return contradicts("column `withdrawal_day` is not before the end of the course");
        }
        if row.dropout.is_some() && course.as_of_days < self.known_after(end) {
            return contradicts("column `dropout` is not null, and the log was taken before that was known");
        }
        self.check_left_week(row, last_event_day)
    }

    /// Bounds `left_week`: by the course's end, and by week -1, unless something is dated before that.
    fn check_bounds(&self, row: &EnrolmentRow, last_event_day: Option<f64>) -> Result<(), String> {
        let Some(left) = row.left_week.map(i64::from) else { return Ok(()) };
        let place = row.course.as_usize();
        let grid = self.courses.rows[place].week_grid();
        let week = |day: f64| grid.week_of((day * DAY_SECONDS as f64).round() as i64);
        let dated = [row.withdrawal_day, last_event_day].into_iter().flatten().map(week);
        let least = dated.fold(BEFORE_FIRST_WEEK.into(), i64::min);
        let most = week(self.courses.calendar_days[place] as f64);
        if (least..=most).contains(&left) {
            return Ok(());
        }
        Err(format!("column `left_week` is not a week from {least} to {most}"))
    }

    /// Returns the day, from the course's start, before which a log can't know any label of a course that ends with `end`.
    fn known_after(&self, end: f64) -> f64 {
        match self.manifest.labels.rule {
            DropoutRule::InactiveLast { .. } => end,
            DropoutRule::NoActivityAfter { days } => end + f64::from(days),
            _ if self.manifest.calendar.as_of_source == GIVEN => end,
            _ => f64::NEG_INFINITY,
        }
    }

    /// Compares `left_week` with what the days and the label make it.
    fn check_left_week(&self, row: &EnrolmentRow, last_event_day: Option<f64>) -> Result<(), String> {
        let grid = self.courses.rows[row.course.as_usize()].week_grid();
        let week = |day: f64| grid.week_of((day * DAY_SECONDS as f64).round() as i64);
        let is_inactive =
            matches!(self.manifest.labels.rule, DropoutRule::InactiveLast { .. }) && row.dropout == Some(true);
        let before_first = i64::from(BEFORE_FIRST_WEEK);
        let (due, why) = match (row.withdrawal_day, last_event_day) {
            (Some(day), _) => (Some(week(day)), "that of `withdrawal_day`"),
            (None, _) if !is_inactive => (None, "null, as the learner is not known to have left"),
            (None, Some(day)) => (Some(week(day)), "that of `last_event_day`"),
            (None, None) => {
                let enrolled = row.enrolled_day.map_or(before_first, |day| week(day).max(before_first));
                (Some(enrolled), "that of `enrolled_day`, or -1, as the learner never was active")
            }
        };
        if row.left_week.map(i64::from) == due { Ok(()) } else { Err(format!("column `left_week` is not {why}")) }
    }
}
