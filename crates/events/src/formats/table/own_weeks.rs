//! Courses that everybody begins on a day of their own: whoever enrols on one day is in one run of the course, which begins
//! on that day and goes by `COURSE@DATE`.
//!
//! So weeks, labels, cohorts and splits count from each learner's own start, and nothing else has to know of it.

use rustc_hash::FxHashMap;

use super::enrolments::EnrolmentRecord;
use super::pairs::run_id;
use crate::roster::Course;
use crate::shared_texts::SharedTexts;
use crate::time::DAY_SECONDS;

/// Moves each enrolment with a date into the run of its course that begins on that day, and returns the runs, of `days`
/// each. An enrolment without a date keeps its course, which then has no dates.
pub(super) fn runs(written: &mut [EnrolmentRecord], days: u32) -> Vec<Course> {
    let mut runs: FxHashMap<String, Course> = FxHashMap::default();
    let mut texts = SharedTexts::default();
    for one in written {
        let Some(instant) = one.enrolled_instant() else { continue };
        let Ok(start_day) = i32::try_from(instant.div_euclid(DAY_SECONDS)) else { continue };
        let run = run_id(&one.course, start_day);
        one.course = texts.get(&run);
        runs.entry(run.clone()).or_insert_with(|| Course { id: run, start_day, days, inferred: false });
    }
    runs.into_values().collect()
}
