//! Rows of students: demographics, result and registration.

use super::days::day;
use super::presentations::Presentation;
use crate::digits::{push_number, push_signed};
use crate::formats::layout::SimulatedEnrolment;
use crate::learner::Demographics;

/// Sets the mean score from which a Pass is a Distinction. With the default scores this is about a fifth of all passes,
/// as in OULAD (3,024 of 15,385).
const DISTINCTION_PERCENT: f64 = 78.0;
/// Counts the credits of a course.
const CREDITS: u64 = 60;

const REGIONS: [&str; 5] = ["North Region", "South Region", "East Region", "West Region", "Island Region"];
/// Lists the levels of education, from lowest to highest; prior knowledge rises with them.
const EDUCATION: [&str; 5] = [
    "No Formal quals",
    "Lower Than A Level",
    "A Level or Equivalent",
    "HE Qualification",
    "Post Graduate Qualification",
];
const IMD_BANDS: [&str; 10] =
    ["0-10%", "10-20", "20-30%", "30-40%", "40-50%", "50-60%", "60-70%", "70-80%", "80-90%", "90-100%"];
const AGE_BANDS: [&str; 3] = ["0-35", "35-55", "55<="];

/// Appends a row of `studentInfo.csv`.
pub(super) fn push_info(
    out: &mut Vec<u8>,
    presentation: &Presentation,
    student: &[u8],
    one: &SimulatedEnrolment<'_>,
    mean: f64,
) {
    let Demographics { gender, region, education, deprivation, age, disability } = one.learner.demographics();
    let result = match (one.history.dropped_out, one.history.unregistered) {
        (true, Some(_)) => "Withdrawn",
        (true, None) => "Fail",
        (false, _) if mean >= DISTINCTION_PERCENT => "Distinction",
        (false, _) => "Pass",
    };
    out.extend_from_slice(presentation.codes.as_bytes());
    out.extend_from_slice(student);
    let columns = [
        if gender { "F" } else { "M" },
        REGIONS[region],
        EDUCATION[education],
        deprivation.map_or("?", |band| IMD_BANDS[band]),
        AGE_BANDS[age],
    ];
    for column in columns {
        out.push(b',');
        out.extend_from_slice(column.as_bytes());
    }
    out.extend_from_slice(b",0,");
    push_number(out, CREDITS * one.learner.courses.len() as u64);
    out.extend_from_slice(if disability { b",Y," } else { b",N," });
    out.extend_from_slice(result.as_bytes());
    out.push(b'\n');
}

/// Appends a row of `studentRegistration.csv`.
pub(super) fn push_registration(
    out: &mut Vec<u8>,
    presentation: &Presentation,
    student: &[u8],
    one: &SimulatedEnrolment<'_>,
) {
    out.extend_from_slice(presentation.codes.as_bytes());
    out.extend_from_slice(student);
    out.push(b',');
    push_signed(out, day(one.history.registered).into());
    out.push(b',');
    if let Some(second) = one.history.unregistered {
        push_signed(out, day(second).into());
    }
    out.push(b'\n');
}
