//! How late a forecast can be: the last week at which one can be learnt from and judged, and what stands in the way of a
//! later one.

use std::collections::BTreeSet;
use std::fmt;

use staycast_sequences::{CourseIndex, CourseRow, CutOff, Dataset, DropoutRule, EnrolmentIndex, Exclusion};

/// Says what stands in the way of a forecast at a cut-off, for a course or for all courses of some data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TooLate {
    /// No course has so many weeks.
    CoursesTooShort {
        /// Weeks of the longest course.
        longest: u32,
    },
    /// The weeks were not over when the log was taken.
    WeeksNotOver {
        /// Weeks that were over in the course that was seen longest.
        over: u32,
    },
    /// Part of the outcome would be seen already.
    InsideLabelWindow {
        /// The rule that the outcome follows.
        rule: DropoutRule,
    },
}

impl TooLate {
    /// Names the reason in files.
    pub(crate) const fn exclusion(self) -> Exclusion {
        match self {
            Self::CoursesTooShort { .. } => Exclusion::CourseTooShort,
            Self::WeeksNotOver { .. } => Exclusion::WeeksNotOver,
            Self::InsideLabelWindow { .. } => Exclusion::InsideLabelWindow,
        }
    }
}

impl fmt::Display for TooLate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CoursesTooShort { longest: 1 } => f.write_str("no course has so many weeks, as the longest has 1"),
            Self::CoursesTooShort { longest } => {
                write!(f, "no course has so many weeks, as the longest has {longest}")
            }
            Self::WeeksNotOver { over: 0 } => f.write_str("no week of any course was over when the log was taken"),
            Self::WeeksNotOver { over } => {
                write!(f, "no course had more than {over} of its weeks over when the log was taken")
            }
            Self::InsideLabelWindow { rule } => {
                write!(f, "part of the outcome is seen by then, as `{rule}` reads it from the course's last weeks")
            }
        }
    }
}

/// Returns what stands in the way of a forecast at `cut_off` in `course`; `None` where nothing does.
pub(crate) fn too_late(course: &CourseRow, rule: DropoutRule, cut_off: CutOff) -> Option<TooLate> {
    let before = |last: Option<CutOff>| last.is_none_or(|last| last < cut_off);
    if u32::from(cut_off.weeks()) > course.weeks {
        Some(TooLate::CoursesTooShort { longest: course.weeks })
    } else if before(rule.last_cut_off(course.week_grid())) {
        Some(TooLate::InsideLabelWindow { rule })
    } else if before(course.last_observed()) {
        Some(TooLate::WeeksNotOver { over: course.last_observed().map_or(0, |last| last.weeks().into()) })
    } else {
        None
    }
}

/// Returns what stands in the way of a forecast at `cut_off` in every one of `courses`; `None` where one can be made. Where
/// the courses differ, it is the obstacle of the course that comes nearest.
pub(crate) fn all_too_late<'a>(
    courses: impl IntoIterator<Item = &'a CourseRow>,
    rule: DropoutRule,
    cut_off: CutOff,
) -> Option<TooLate> {
    let mut found: Option<TooLate> = None;
    for course in courses {
        let one = too_late(course, rule, cut_off)?;
        found = Some(match (found, one) {
            (None, one) => one,
            (Some(TooLate::CoursesTooShort { longest: a }), TooLate::CoursesTooShort { longest: b }) => {
                TooLate::CoursesTooShort { longest: a.max(b) }
            }
            (Some(TooLate::WeeksNotOver { over: a }), TooLate::WeeksNotOver { over: b }) => {
                TooLate::WeeksNotOver { over: a.max(b) }
            }
            // A log that goes on will reach the week; a window is a matter of the rule; a course stays short.
            (Some(not_over @ TooLate::WeeksNotOver { .. }), _) | (_, not_over @ TooLate::WeeksNotOver { .. }) => {
                not_over
            }
            (Some(window @ TooLate::InsideLabelWindow { .. }), _) | (_, window @ TooLate::InsideLabelWindow { .. }) => {
                window
            }
        });
    }
    found
}

/// Says that no outcome is known, and of how many.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoOutcomeKnown {
    /// Enrolments that were looked at.
    pub enrolments: usize,
    /// The rule that outcomes follow.
    pub rule: DropoutRule,
    /// Courses that they are in.
    pub courses: usize,
    /// Courses that were not over when the log was taken.
    pub not_over: usize,
}

impl NoOutcomeKnown {
    /// Describes `enrolments`, of which no outcome is known.
    pub(crate) fn of(data: &Dataset, enrolments: impl IntoIterator<Item = EnrolmentIndex>) -> Self {
        let mut courses = BTreeSet::new();
        let mut count = 0;
        for enrolment in enrolments {
            courses.insert(data.enrolment(enrolment).course);
            count += 1;
        }
        let is_running = |&&index: &&CourseIndex| {
            let course = data.course(index);
            course.as_of_days < f64::from(course.days)
        };
        let not_over = courses.iter().filter(is_running).count();
        Self { enrolments: count, rule: data.manifest.labels.rule, courses: courses.len(), not_over }
    }
}

impl fmt::Display for NoOutcomeKnown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { enrolments, rule, courses, not_over } = self;
        match enrolments {
            1 => write!(f, "no outcome is known yet: the one enrolment has no label under `{rule}`")?,
            _ => write!(f, "no outcome is known yet: none of the {enrolments} enrolments has a label under `{rule}`")?,
        }
        match (not_over, courses) {
            (0, _) => Ok(()),
            (1, 1) => f.write_str("; the course was not over when the log was taken"),
            (some, all) if some == all => write!(f, "; none of the {all} courses was over when the log was taken"),
            (some, all) => write!(f, "; {some} of the {all} courses were not over when the log was taken"),
        }
    }
}

/// Lists the courses that anybody is enrolled in.
pub(crate) fn enrolled_courses(data: &Dataset) -> impl Iterator<Item = &CourseRow> {
    let mut enrolled = vec![false; data.courses.len()];
    data.enrolments.iter().for_each(|row| enrolled[row.course.as_usize()] = true);
    data.courses.iter().zip(enrolled).filter_map(|(course, enrolled)| enrolled.then_some(course))
}

/// Returns the greatest last cut-off of the courses that anybody is enrolled in; `None` where there is none.
pub(crate) fn greatest_cut_off(data: &Dataset) -> Option<CutOff> {
    let rule = data.manifest.labels.rule;
    enrolled_courses(data).filter_map(|course| course.last_cut_off(rule)).max()
}

/// Names the last week that can be forecast, for messages.
pub(crate) fn describe_last(last: Option<CutOff>) -> String {
    match last {
        Some(last) => format!("the last week that can be forecast is {last}"),
        None => "no week can be forecast".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn course(days: u32, observed_weeks: u32) -> CourseRow {
        CourseRow {
            id: "c".to_owned(),
            start_day: 0,
            days,
            first_week_days: 7,
            weeks: days.div_ceil(7),
            observed_weeks,
            as_of_days: f64::from(observed_weeks * 7),
            inferred: false,
            nominal_dates: false,
        }
    }

    #[test]
    fn a_week_can_be_too_late_for_three_reasons() {
        let week = |weeks: u16| CutOff::after_weeks(weeks).expect("a week");
        let rule = DropoutRule::InactiveLast { weeks: 2 };
        let of = |days, observed, at| too_late(&course(days, observed), rule, week(at));
        assert_eq!(of(56, 8, 6), None);
        assert_eq!(of(56, 8, 7), Some(TooLate::InsideLabelWindow { rule }));
        assert_eq!(of(56, 8, 9), Some(TooLate::CoursesTooShort { longest: 8 }));
        assert_eq!(of(56, 3, 4), Some(TooLate::WeeksNotOver { over: 3 }));
        assert_eq!(of(56, 0, 1), Some(TooLate::WeeksNotOver { over: 0 }));
        let all = |courses: &[CourseRow], at| all_too_late(courses, rule, week(at));
        let (short, long) = (course(21, 3), course(56, 8));
        assert_eq!(all(&[short.clone(), long.clone()], 4), None);
        assert_eq!(all(&[short.clone(), course(14, 2)], 4), Some(TooLate::CoursesTooShort { longest: 3 }));
        assert_eq!(all(&[short, long], 7), Some(TooLate::InsideLabelWindow { rule }));
    }
}
