//! Counts a learner's events in one course, week by week: what features are computed from. Pure: no IO, no clock, no
//! randomness.

mod distinct;
mod frame;
mod hand_ins;
mod marks;
mod standings;
mod submissions;
mod totals;
mod view;
mod week;

pub(crate) use self::frame::{Frame, dated_assessments};
pub(crate) use self::hand_ins::HandIns;
pub(crate) use self::marks::Marks;
pub(crate) use self::standings::AssessmentScores;
pub(crate) use self::submissions::Submissions;
pub(crate) use self::totals::RunningTotals;
pub(crate) use self::view::WeekView;
pub(crate) use self::week::{Span, WeekCounts};
