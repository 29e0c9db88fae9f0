//! OULAD's seven tables (Kuzilek, Hlosta, Zdrahal: Scientific Data 4, 170171, 2017), with labels and true probabilities
//! beside them.
//!
//! As in the original, days count from a presentation's start. Clicks on a site are summed by session here, so that
//! student, site and day together are not a key. `final_result` agrees with the labels: a dropout is Withdrawn if
//! unregistered and Fail if not, others Pass or get a Distinction. The true probability is therefore also that of the
//! label rule `withdrawn-or-failed`.

mod clicks;
mod days;
mod layout;
mod people;
mod presentations;

pub(crate) use layout::{COURSE_TABLES, HEADERS, Oulad};
