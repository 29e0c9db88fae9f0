//! Splits by run: the latest run of a course family is the test.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use staycast_weeks::CutOff;

use super::by_course::{Course, courses_of, dated_courses, known_in_time};
use super::checks::check_share;
use super::error::SplitError;
use super::hash::{Purpose, keyed_hash};
use super::part::Part;
use super::request::{LaterRuns, SplitRow};
use super::whole::take_whole;

/// Groups the courses of a family by the day they start on.
type Runs<'a> = BTreeMap<i64, Vec<&'a str>>;

pub(super) fn later_runs(
    rows: &[SplitRow<'_>],
    test: &LaterRuns,
    cut_off: CutOff,
    seed: u64,
) -> Result<Vec<Part>, SplitError> {
    let courses = dated_courses(rows)?;
    let families = families_of(rows, &courses)?;
    let repeated: BTreeMap<&str, &Runs<'_>> =
        families.iter().filter(|(_, runs)| runs.len() > 1).map(|(&family, runs)| (family, runs)).collect();
    if repeated.is_empty() {
        return Err(SplitError::NoSecondRun { courses: courses.len(), families: families.len() });
    }
    let tested: BTreeSet<&str> = match test {
        LaterRuns::All => repeated.keys().copied().collect(),
        LaterRuns::Named(named) => {
            check_named(named, &families)?;
            named.iter().map(String::as_str).collect()
        }
        LaterRuns::Share(share) => {
            check_share("test", *share)?;
            latest_share(&repeated, &courses, *share, rows.len(), seed)
        }
    };
    let latest = tested.iter().filter_map(|family| repeated[family].last_key_value());
    let test = latest.flat_map(|(_, courses)| courses.iter().copied()).collect();
    known_in_time(rows, &courses, &test, cut_off)
}

fn families_of<'a>(
    rows: &[SplitRow<'a>],
    courses: &BTreeMap<&'a str, Course>,
) -> Result<BTreeMap<&'a str, Runs<'a>>, SplitError> {
    let mut family_of: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for row in rows {
        family_of.entry(row.course).or_default().insert(row.family);
    }
    let mut families: BTreeMap<&str, Runs<'_>> = BTreeMap::new();
    for (course, of_course) in family_of {
        let start_day = courses[course].start_day.unwrap_or(i64::MIN);
        match of_course.iter().copied().collect::<Vec<_>>()[..] {
            [family] => families.entry(family).or_default().entry(start_day).or_default().push(course),
            _ => {
                let families = of_course.into_iter().map(str::to_owned).collect();
                return Err(SplitError::SeveralFamilies { course: course.to_owned(), families });
            }
        }
    }
    Ok(families)
}

/// Selects families whose latest runs together hold about the share of rows, those that start last first.
fn latest_share<'a>(
    repeated: &BTreeMap<&'a str, &Runs<'a>>,
    courses: &BTreeMap<&'a str, Course>,
    share: f64,
    total_rows: usize,
    seed: u64,
) -> BTreeSet<&'a str> {
    let key = Purpose::Test.key(seed);
    let latest = repeated.iter().filter_map(|(&family, runs)| Some((family, runs.last_key_value()?)));
    let mut queue: Vec<_> = latest
        .map(|(family, (&day, run))| {
            let rows = run.iter().map(|course| courses[course].rows).sum::<usize>();
            ((Reverse(day), keyed_hash(key, family.as_bytes()), family), rows)
        })
        .collect();
    queue.sort_unstable();
    take_whole(queue.into_iter().map(|((_, _, family), rows)| (family, rows)), share, total_rows, repeated.len())
}

fn check_named(named: &BTreeSet<String>, families: &BTreeMap<&str, Runs<'_>>) -> Result<(), SplitError> {
    let unknown: Vec<String> = named.iter().filter(|family| !families.contains_key(family.as_str())).cloned().collect();
    if !unknown.is_empty() || named.is_empty() {
        let present = families.keys().map(|&family| family.to_owned()).collect();
        return Err(SplitError::UnknownFamilies { named: unknown, present });
    }
    let single: Vec<String> = named.iter().filter(|family| families[family.as_str()].len() == 1).cloned().collect();
    if single.is_empty() { Ok(()) } else { Err(SplitError::SingleRun { families: single }) }
}

/// Describes the families of a split by run: those tested and those with a single run, and how many of each are trained
/// on.
pub(super) fn describe_families(rows: &[SplitRow<'_>], part: &[Part]) -> Vec<String> {
    let families = |wanted: &[Part]| -> BTreeSet<&str> {
        rows.iter().zip(part).filter(|(_, of_row)| wanted.contains(of_row)).map(|(row, _)| row.family).collect()
    };
    let trained = families(&[Part::Train, Part::Validation]);
    let tested = families(&[Part::Test]);
    let courses = courses_of(rows, 0..rows.len());
    let mut starts: BTreeMap<&str, BTreeSet<Option<i64>>> = BTreeMap::new();
    for row in rows {
        starts.entry(row.family).or_default().insert(courses[row.course].start_day);
    }
    let single: BTreeSet<&str> = starts.iter().filter(|(_, days)| days.len() == 1).map(|(&family, _)| family).collect();
    let both = |of: &BTreeSet<&str>| of.intersection(&trained).count();
    vec![
        format!(
            "the latest runs of {}, {} of them with an earlier run trained on",
            count_families(tested.len()),
            both(&tested)
        ),
        format!("{} with a single run, {} of them trained on", count_families(single.len()), both(&single)),
    ]
}

/// Writes a number of families.
fn count_families(number: usize) -> String {
    if number == 1 { "1 family".to_owned() } else { format!("{number} families") }
}
