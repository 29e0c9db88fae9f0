//! Randomised experiments: whether what was done for learners worked.
//!
//! A folder holds one experiment: its plan, who was assigned to which arm, what was delivered, and the looks that were taken.

mod amounts;
mod assignment;
mod bounds;
mod data;
mod deliveries;
mod draw;
mod drawing;
mod effect;
mod error;
mod figures;
mod folder;
mod groups;
mod looks;
mod new;
mod outcomes;
mod page;
mod plan;
mod power;
mod qini;
mod report;
mod report_table;
mod ridge;
mod scores;
mod table;
mod too_few;
#[cfg(test)]
mod trials;
mod uplift;
mod words;

pub use assignment::{Assignment, AssignmentCounts};
pub use bounds::Spending;
pub use deliveries::{Delivery, DeliveryCounts};
pub use error::{ExperimentError, PlanError};
pub use figures::{ArmEffect, ArmReport, ComplierReport, OutcomeReport, Verdict};
pub use folder::{ASSIGNMENTS_CSV, ASSIGNMENTS_FILE, DELIVERIES_FILE, Experiment, LOOKS_FILE, learners_by_arm};
pub use groups::GroupEffect;
pub use looks::{LastLook, Look};
pub use new::{PlanRequest, Population, plan};
pub use page::render_page;
pub use plan::{HOLDOUT, Outcome, PLAN_FILE, Plan, PlanFile, StratifyBy};
pub use qini::Qini;
pub use report::{LookReport, Report, Reported, report};
pub use report_table::{effects_parquet, uplift_parquet};
pub use scores::{ScoredEnrolment, read_scores};
pub use too_few::TooFewLearners;
pub use uplift::{HalfEffect, UpliftReport, UpliftRow};
