//! Courses that everybody begins on a day of their own: whoever enrols on one day is in one run of the course, which begins
//! on that day and goes by `COURSE@DATE`.
//!
//! So weeks, labels, cohorts and splits count from each learner's own start, and nothing else has to know of it.

use rustc_hash::FxHashMap;

use super::pairs::run_id;
use super::written::Written;
use crate::roster::Course;
use crate::time::DAY_SECONDS;

/// Moves each enrolment with a date into the run of its course that begins on that day, and returns the runs, of `days`
/// each. An enrolment without a date keeps its course, which then has no dates.
pub(super) fn runs(written: &mut Written, days: u32) -> Vec<Course> {
    let mut runs: FxHashMap<String, Course> = FxHashMap::default();
    for place in 0..written.len() {
        let Some(instant) = written.enrolled(place).map(|moment| moment.instant(0)) else { continue };
        let Ok(start_day) = i32::try_from(instant.div_euclid(DAY_SECONDS)) else { continue };
        let run = run_id(written.course(place), start_day);
        written.move_to(place, &run);
        runs.entry(run.clone()).or_insert_with(|| Course { id: run, start_day, days, inferred: false });
    }
    runs.into_values().collect()
}
