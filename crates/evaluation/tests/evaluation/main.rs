//! The crate's tests, in one binary so that it links once.

use staycast_weeks::CutOff;

mod calibration;
mod comparison;
mod fairness;
mod figures;
mod html;
mod markup;
mod metrics;
mod next_course;
mod probabilities;
mod reference;
mod report;
mod report_reference;
mod report_sections;
mod splits;
mod splits_by_run;
mod splits_in_folds;
mod stability;
mod survival;
mod text;
mod threshold;

/// Makes the cut-off after so many weeks.
fn cut_off(weeks: u16) -> CutOff {
    CutOff::after_weeks(weeks).expect("a week or more")
}
