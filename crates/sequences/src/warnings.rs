//! Finds what is odd about single courses, so that somebody should look at them before they trust the sequences.

use staycast_events::time::{DAY_SECONDS, format_date};
use staycast_events::{Course, DayRun, FarEvents, Roster};

use crate::manifest::{CourseWarning, StrayDaysRecord};
use crate::newest::LogDays;
use crate::tables::{CourseLabels, TableFacts};

/// Bounds the weeks of an inferred calendar; one of more is odd. Runs of courses are over within a year. What goes on for
/// longer is a course that never ends, or events of several runs under one id. It needs dates to have labels that mean
/// something.
const MOST_INFERRED_WEEKS: u32 = 52;

/// Bounds the share of dropouts; above it the rule or the dates may be to blame. Of those who enrol in open courses
/// 85 to 95 % leave.
const MOST_DROPOUTS: f64 = 0.95;

/// Bounds from below the enrolments of which a share says something.
const FEWEST_ENROLMENTS: u64 = 10;

/// Lists the days with events that are far from their course.
pub(crate) fn stray_days(roster: &Roster, days: &LogDays) -> Vec<StrayDaysRecord> {
    let date = |day: i64| format_date(day.clamp(i32::MIN.into(), i32::MAX.into()) as i32);
    let record = |course: u32, run: DayRun, set_aside| StrayDaysRecord {
        course: roster.courses[course as usize].id.clone(),
        first: date(run.first),
        last: date(run.last),
        events: run.events,
        set_aside,
    };
    let far = days.far.iter().map(|(&(course, _), FarEvents { span, events })| {
        let [first, last] = [span.first, span.last].map(|instant| instant.div_euclid(DAY_SECONDS));
        record(course, DayRun { first, last, events: *events }, true)
    });
    let after_newest = days.newest.iter().flat_map(|newest| &newest.stray);
    far.chain(after_newest.map(|&(course, run)| record(course, run, false))).collect()
}

/// Lists what is odd, by course. `labels` are the courses' own.
pub(crate) fn about_courses(facts: &TableFacts<'_>, labels: &[CourseLabels]) -> Vec<CourseWarning> {
    let courses = &facts.outcomes.source.roster.courses;
    let (mut enrolments, mut seen) = (vec![0_u64; courses.len()], vec![false; courses.len()]);
    for (place, summary) in facts.summaries.iter().enumerate() {
        let course = facts.outcomes.source.roster.enrolments.course(place).as_usize();
        enrolments[course] += 1;
        seen[course] |= summary.first_and_last.is_some();
    }
    let mut warnings = Vec::new();
    for (place, Course { id, start_day, days, inferred }) in courses.iter().enumerate() {
        let course = || id.clone();
        if enrolments[place] > 0 && !seen[place] && facts.outcomes.grids[place].as_of_seconds > 0 {
            warnings.push(CourseWarning::NoEvents { course: course(), enrolments: enrolments[place] });
        }
        let weeks = days.div_ceil(7);
        if *inferred && weeks > MOST_INFERRED_WEEKS {
            let last = format_date(start_day + *days as i32 - 1);
            warnings.push(CourseWarning::LongCalendar {
                course: course(),
                first: format_date(*start_day),
                last,
                weeks,
            });
        }
        let CourseLabels { known, dropouts } = labels[place];
        if seen[place] && known >= FEWEST_ENROLMENTS && dropouts as f64 > MOST_DROPOUTS * known as f64 {
            warnings.push(CourseWarning::NearlyAllDropouts { course: course(), known, dropouts });
        }
    }
    let left_out = &facts.outcomes.source.left_out;
    warnings.extend(left_out.by_course.iter().map(|(course, &enrolments)| CourseWarning::NoDates {
        course: course.clone(),
        enrolments,
        dates_from: left_out.dates_from,
    }));
    // A list of a platform's courses may have many in which nobody is: they come last.
    let empty = courses.iter().zip(&enrolments).filter(|(_, enrolments)| **enrolments == 0);
    warnings.extend(empty.map(|(course, _)| CourseWarning::NoEnrolments { course: course.id.clone() }));
    warnings
}
