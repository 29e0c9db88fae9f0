//! Splits: the enrolments to train on, to validate on, and to keep for the test.
//!
//! A [`Split`] is what the user asks for, [`assign`] gives every row its [`Part`], and [`Assignment::kind`] says
//! what the test will measure; [`Folds`] does the same for cross-validation.
//!
//! | split | the test is | trained on | measures ([`SplitKind`]) |
//! |---|---|---|---|
//! | [`Split::Course`] | whole courses, named or drawn | all other courses, or those named | transfer; a forecast if all labels were known in time |
//! | [`Split::Time`] | the courses that start last, or those named | courses whose labels were known before the earliest test cut-off | a forecast |
//! | [`Split::LaterRun`] | the latest runs of course families held before | other courses, earlier runs among them, whose labels were known before the earliest test cut-off | a forecast |
//! | [`Split::Learner`] | learners with all their rows | the other learners, same courses | other learners |
//! | [`Split::Institution`] | whole institutions, named or drawn | the other institutions | transfer to another institution |
//! | [`Split::Random`] | enrolments | the other enrolments, but for the test's learners | nothing that lasts: optimistic |
//!
//! | folds ([`Folds`]) | each fold is | measures |
//! |---|---|---|
//! | by [`Grouping::Course`] | a part of the courses; one course with [`Folds::leave_one_out`] | transfer |
//! | by [`Grouping::Learner`] | a part of the learners | other learners |
//! | by [`Grouping::Institution`] | a part of the institutions; one of them with [`Folds::leave_one_out`] | transfer to another institution |
//! | by [`Grouping::Enrolment`] | a part of the enrolments | nothing that lasts: optimistic |
//!
//! Whatever the split, **a learner who has a row on the test side is in training and validation nowhere**, and one with
//! a validation row is not in training: such rows are [`Part::Excluded`] with the reason, and counted. The one
//! exception is folds by enrolment, where a learner's rows in several courses may be on both sides: such folds are how
//! much published work was tested and are there to be compared with, their kind is [`SplitKind::RandomOptimistic`], and
//! their description says that the rule is off.
//!
//! Nothing depends on the order of rows. Where chance decides, groups are ordered by a keyed hash of their
//! identifier, so the same identifiers and seed give the same parts in any order and with
//! any number of threads. A part says on which side a row is, not whether it has a label: rows without one keep
//! their side (so that their learner does), and are left out by training and listed by the report.

mod assign;
mod by_course;
mod by_family;
mod by_group;
mod by_institution;
mod checks;
mod describe;
mod error;
mod family;
mod folds;
mod group;
mod hash;
mod kind;
mod part;
mod request;
mod validation;
mod whole;

pub use assign::assign;
pub use error::SplitError;
pub use family::course_family;
pub use folds::{FoldRequest, Folds};
pub use kind::SplitKind;
pub use part::{Assignment, Part, SplitExclusion};
pub use request::{Grouping, LaterRuns, Split, SplitRequest, SplitRow, TestCourses, TestInstitutions, Validation};
