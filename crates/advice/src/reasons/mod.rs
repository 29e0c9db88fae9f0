//! Why a forecast is what it is, in behaviours that people know and can act on.
//!
//! Two methods say how a behaviour bears on a forecast: what its inputs *add* to the forecast of a reference, and how far the
//! forecast moves when they are *replaced* by the reference's. Explainers of one network differ more among themselves than over
//! courses (Swamy et al. 2022, "Evaluating the explainers"), so that a behaviour is a reason only where both agree, and where the
//! learner's own figures show it. Reasons describe what the forecast rests on. They are no causes of dropout.

mod behaviour;
mod figures;
mod learner;
mod page;
mod reason;
mod summary;
mod table;
mod wording;

pub use behaviour::Behaviour;
pub use figures::{CourseNorms, FIGURE_FEATURES, Figure};
pub(crate) use learner::TOLD_CHANGE;
pub use learner::{Compared, ExplainedLearner, LearnerRow};
pub use page::{PageFacts, reasons_page};
pub use reason::{BehaviourEffect, BehaviourReading, Finding, LEAST_EFFECT, read_behaviours};
pub use summary::{BehaviourSummary, CourseLoss, Importance, summarise};
pub use table::{REASON_COLUMNS, inputs_batch, reasons_batch};
