//! Splits by whole courses: named, drawn, or the later ones.

use std::collections::{BTreeMap, BTreeSet};

use staycast_weeks::CutOff;

use super::checks::check_share;
use super::error::SplitError;
use super::hash::{Purpose, keyed_hash};
use super::kind::SplitKind;
use super::part::{Part, SplitExclusion};
use super::request::{SplitRow, TestCourses};
use super::whole::take_whole;

/// Names the order in which whole courses are taken until a share is filled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    /// By keyed hash of the course identifier.
    Hashed(u64),
    /// The latest to start first.
    LatestFirst,
}

/// Holds a course as the rows describe it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Course {
    pub(super) rows: usize,
    /// The earliest start any row gives; `None` if a row gives none.
    pub(super) start_day: Option<i64>,
    /// The latest day any row gives; `None` if a row gives none, since then it can't be relied on.
    labels_known_day: Option<i64>,
}

/// Lists courses with a row among `members`.
pub(super) fn courses_of<'a>(rows: &[SplitRow<'a>], members: impl Iterator<Item = usize>) -> BTreeMap<&'a str, Course> {
    let mut courses: BTreeMap<&str, Course> = BTreeMap::new();
    for row in members.map(|row| &rows[row]) {
        let first = Course { rows: 0, start_day: row.course_start_day, labels_known_day: row.labels_known_day };
        let course = courses.entry(row.course).or_insert(first);
        course.rows += 1;
        course.start_day = course.start_day.zip(row.course_start_day).map(|(a, b)| a.min(b));
        course.labels_known_day = course.labels_known_day.zip(row.labels_known_day).map(|(a, b)| a.max(b));
    }
    courses
}

pub(super) fn courses(
    rows: &[SplitRow<'_>],
    test: &TestCourses,
    train: Option<&BTreeSet<String>>,
    seed: u64,
) -> Result<Vec<Part>, SplitError> {
    let present = courses_of(rows, 0..rows.len());
    if let Some(train) = train {
        check_named("train", train, &present)?;
    }
    let test: BTreeSet<&str> = match test {
        TestCourses::Named(named) => {
            check_named("test", named, &present)?;
            named.iter().map(String::as_str).collect()
        }
        TestCourses::Share(share) => {
            check_share("test", *share)?;
            let open: BTreeMap<&str, Course> = present
                .iter()
                .filter(|(course, _)| train.is_none_or(|train| !train.contains(**course)))
                .map(|(&course, &about)| (course, about))
                .collect();
            // With the training courses named, all the others may be tested on, so none has to stay behind.
            let most = if train.is_some() { open.len() } else { open.len().saturating_sub(1) };
            if most == 0 {
                return Err(SplitError::TooFewCourses { part: "test", courses: open.len() });
            }
            take_courses(&open, *share, rows.len(), most, Order::Hashed(Purpose::Test.key(seed)))
        }
    };
    if let Some(train) = train {
        let both: Vec<String> = train.iter().filter(|course| test.contains(course.as_str())).cloned().collect();
        if !both.is_empty() {
            return Err(SplitError::CourseOnBothSides { courses: both });
        }
    }
    let side = |row: &SplitRow<'_>| {
        if test.contains(row.course) {
            Part::Test
        } else if train.is_none_or(|train| train.contains(row.course)) {
            Part::Train
        } else {
            Part::Excluded(SplitExclusion::CourseNotNamed)
        }
    };
    Ok(rows.iter().map(side).collect())
}

pub(super) fn later_courses(
    rows: &[SplitRow<'_>],
    test: &TestCourses,
    cut_off: CutOff,
) -> Result<Vec<Part>, SplitError> {
    let present = dated_courses(rows)?;
    let test: BTreeSet<&str> = match test {
        TestCourses::Named(named) => {
            check_named("test", named, &present)?;
            named.iter().map(String::as_str).collect()
        }
        TestCourses::Share(share) => {
            check_share("test", *share)?;
            latest_share(&present, *share, rows.len())?
        }
    };
    known_in_time(rows, &present, &test, cut_off)
}

/// Lists all courses, each with its start and the day its labels are known.
pub(super) fn dated_courses<'a>(rows: &[SplitRow<'a>]) -> Result<BTreeMap<&'a str, Course>, SplitError> {
    let present = courses_of(rows, 0..rows.len());
    let undated = |about: &Course| about.start_day.is_none() || about.labels_known_day.is_none();
    let missing: Vec<String> =
        present.iter().filter(|(_, about)| undated(about)).map(|(&course, _)| course.to_owned()).collect();
    if missing.is_empty() { Ok(present) } else { Err(SplitError::MissingDays { courses: missing }) }
}

/// Makes the test courses the test, and trains on those of the others whose labels were known before the earliest test
/// course's cut-off.
pub(super) fn known_in_time(
    rows: &[SplitRow<'_>],
    present: &BTreeMap<&str, Course>,
    test: &BTreeSet<&str>,
    cut_off: CutOff,
) -> Result<Vec<Part>, SplitError> {
    let starts = test.iter().filter_map(|course| present[course].start_day);
    let cutoff_day = starts.min().unwrap_or(i64::MAX).saturating_add(7 * i64::from(cut_off.weeks()));
    let known_day = |course: &str| present[course].labels_known_day.unwrap_or(i64::MAX);
    let first_known_day =
        present.keys().filter(|course| !test.contains(**course)).map(|course| known_day(course)).min();
    match first_known_day {
        None => return Err(SplitError::EmptyPart { part: Part::Train }),
        Some(first_known_day) if first_known_day > cutoff_day => {
            return Err(SplitError::NothingKnownInTime { cutoff_day, first_known_day });
        }
        Some(_) => {}
    }
    let side = |row: &SplitRow<'_>| {
        if test.contains(row.course) {
            Part::Test
        } else if known_day(row.course) <= cutoff_day {
            Part::Train
        } else {
            Part::Excluded(SplitExclusion::LabelsNotKnownInTime)
        }
    };
    Ok(rows.iter().map(side).collect())
}

/// Selects the courses that start latest, whole start days at a time, until they hold the share of rows nearest to that asked.
fn latest_share<'a>(
    present: &BTreeMap<&'a str, Course>,
    share: f64,
    total_rows: usize,
) -> Result<BTreeSet<&'a str>, SplitError> {
    let days: BTreeSet<i64> = present.values().filter_map(|about| about.start_day).collect();
    if days.len() < 2 {
        return Err(SplitError::NoLaterCourse);
    }
    let goal = share * total_rows as f64;
    let from_day =
        |day: i64| present.iter().filter(move |(_, about)| about.start_day.is_some_and(|start| start >= day));
    let miss = |day: i64| (from_day(day).map(|(_, about)| about.rows).sum::<usize>() as f64 - goal).abs();
    // The first start day always stays on the training side.
    let nearest = days.iter().skip(1).copied().min_by(|&a, &b| miss(a).total_cmp(&miss(b)));
    let day = nearest.ok_or(SplitError::NoLaterCourse)?;
    Ok(from_day(day).map(|(&course, _)| course).collect())
}

fn take_courses<'a>(
    from: &BTreeMap<&'a str, Course>,
    share: f64,
    total_rows: usize,
    most: usize,
    order: Order,
) -> BTreeSet<&'a str> {
    let mut queue: Vec<(&str, Course)> = from.iter().map(|(&course, &about)| (course, about)).collect();
    match order {
        Order::Hashed(key) => queue.sort_by_key(|(course, _)| (keyed_hash(key, course.as_bytes()), *course)),
        Order::LatestFirst => queue.sort_by_key(|(course, about)| (std::cmp::Reverse(about.start_day), *course)),
    }
    take_whole(queue.into_iter().map(|(course, about)| (course, about.rows)), share, total_rows, most)
}

pub(super) fn validation_courses(
    rows: &[SplitRow<'_>],
    part: &mut [Part],
    share: f64,
    order: Order,
) -> Result<(), SplitError> {
    check_share("validation", share)?;
    let training: Vec<usize> = (0..rows.len()).filter(|&row| part[row] == Part::Train).collect();
    let present = courses_of(rows, training.iter().copied());
    if present.len() < 2 {
        return Err(SplitError::TooFewCourses { part: "validation", courses: present.len() });
    }
    let order = match order {
        Order::Hashed(seed) => Order::Hashed(Purpose::Validation.key(seed)),
        Order::LatestFirst => Order::LatestFirst,
    };
    let taken = take_courses(&present, share, training.len(), present.len() - 1, order);
    for row in training {
        if taken.contains(rows[row].course) {
            part[row] = Part::Validation;
        }
    }
    Ok(())
}

/// Tells the kind of test: a forecast if every label fitted or validated on was known by the earliest test course's cut-off, else transfer.
pub(super) fn kind(rows: &[SplitRow<'_>], part: &[Part], cut_off: CutOff) -> SplitKind {
    let members = |wanted: &'static [Part]| (0..rows.len()).filter(move |&row| wanted.contains(&part[row]));
    let known = courses_of(rows, members(&[Part::Train, Part::Validation]));
    let last_known = known.values().map(|about| about.labels_known_day).collect::<Option<Vec<i64>>>();
    let starts = courses_of(rows, members(&[Part::Test]));
    let starts = starts.values().map(|about| about.start_day).collect::<Option<Vec<i64>>>();
    let last_known = last_known.and_then(|days| days.into_iter().max());
    let first_start = starts.and_then(|days| days.into_iter().min());
    match (last_known, first_start) {
        (Some(known), Some(start)) if known <= start.saturating_add(7 * i64::from(cut_off.weeks())) => {
            SplitKind::Forecast
        }
        _ => SplitKind::Transfer,
    }
}

fn check_named(
    side: &'static str,
    named: &BTreeSet<String>,
    present: &BTreeMap<&str, Course>,
) -> Result<(), SplitError> {
    let unknown: Vec<String> = named.iter().filter(|course| !present.contains_key(course.as_str())).cloned().collect();
    if unknown.is_empty() && !named.is_empty() {
        return Ok(());
    }
    let present = present.keys().map(|&course| course.to_owned()).collect();
    Err(SplitError::UnknownCourses { side, named: unknown, present })
}
