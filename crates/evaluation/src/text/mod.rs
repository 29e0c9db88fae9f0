//! The report for a terminal: at most [`WIDTH`] columns, no colour, and a line under each block that says what it
//! means in learners.

mod groups;
mod lines;
mod plots;
mod render;
mod sections;
mod tables;

pub use lines::WIDTH;
pub use render::{render, transfer_lines};
pub use tables::{course_table, week_curve, week_table};
