//! Tracking logs of Open edX: one JSON object per line, in order of time, one file per week, with calendar, labels and
//! true probabilities beside them (names and members: Open edX documentation, "Events in the Tracking Logs").
//!
//! These logs hold details that the other formats do not: enrolment and unenrolment, signing in (outside any course, as in
//! real logs), which answers were right, and the sort of each forum post. Events of devices with a wrong clock come from
//! the mobile app, where `time` is the device's and `context.received_at` the server's.
//!
//! Enrolments come learner by learner, but lines must be in order of time. Events are therefore packed and sorted
//! (`packed`, `order`) before lines are made of them (`log_files`).

mod entry;
mod event_text;
mod layout;
mod line;
mod log_files;
mod names;
mod order;
mod packed;

pub(crate) use self::layout::{COURSES_FILE, Edx, LABEL_TABLES};
pub(crate) use self::log_files::write_logs;
pub(crate) use self::order::EventOrder;
pub(crate) use self::packed::EnrolmentTable;
