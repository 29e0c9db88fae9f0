//! Rows of the log to events.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::cells::{Cells, Role, RowSink};
use super::mapping::TimeFormat;
use super::plan::{Naming, Plan};
use super::repeats::Repeats;
use super::times::{Fraction, Moment, rounded, whole};
use crate::event::ObjectKey;
use crate::formats::pairs::PairIndex;
use crate::intake::{Intake, Row};
use crate::roster::{EnrolmentIndex, Roster};
use crate::source::Granularity;
use crate::tally::{Reason, shape};

/// Finds the enrolment of a row.
#[derive(Debug)]
pub(super) enum Who {
    /// Rows name the enrolment.
    ByEnrolment { known: EnrolmentIndex, without_course: EnrolmentIndex },
    /// Rows name the learner, and the course unless there is only one.
    ByPair { pairs: PairIndex, single_course: Option<Vec<u8>> },
}

/// Why a row has no enrolment.
type Stranger = (Reason, &'static str);

impl Who {
    /// Finds enrolments of `roster`; `without_course` are ids of enrolments whose course has no dates.
    pub(super) fn of(plan: &Plan, roster: &Roster, without_course: &[String]) -> Self {
        match plan.log.naming {
            Naming::Enrolment => Self::ByEnrolment {
                known: EnrolmentIndex::new(roster),
                without_course: EnrolmentIndex::of(without_course.iter().map(String::as_bytes)),
            },
            Naming::LearnerAndCourse => Self::ByPair {
                pairs: PairIndex::new(roster),
                single_course: plan.single_course.as_ref().map(|id| id.as_bytes().to_vec()),
            },
        }
    }

    fn key<'c>(&'c self, cells: &Cells<'c>) -> (&'c [u8], &'c [u8]) {
        match self {
            Self::ByEnrolment { .. } => (cells.get(Role::Enrolment), b""),
            Self::ByPair { single_course: Some(course), .. } => (cells.get(Role::Learner), course),
            Self::ByPair { single_course: None, .. } => (cells.get(Role::Learner), cells.get(Role::Course)),
        }
    }

    fn find(&self, (id, course): (&[u8], &[u8])) -> Result<u32, Stranger> {
        if id.is_empty() {
            return Err((Reason::MissingId, "no id where the enrolment or learner must stand"));
        }
        match self {
            Self::ByEnrolment { known, without_course } => match known.get(id) {
                Some(place) => Ok(place),
                None if without_course.get(id).is_some() => {
                    Err((Reason::UnknownCourse, "its enrolment has no course with dates"))
                }
                None => Err((Reason::UnknownEnrolment, "its enrolment is not in the enrolments table")),
            },
            Self::ByPair { .. } if course.is_empty() => Err((Reason::MissingId, "no id where the course must stand")),
            Self::ByPair { pairs, .. } => {
                let course = pairs.course(course).ok_or((Reason::UnknownCourse, "its course has no dates"))?;
                let unknown = (Reason::UnknownEnrolment, "its learner is not in the enrolments table for its course");
                pairs.enrolment(course, id).ok_or(unknown)
            }
        }
    }
}

/// Turns rows into events.
pub(super) struct EventRows {
    who: Arc<Who>,
    time: TimeFormat,
    granularity: Granularity,
    kinds: FxHashMap<Box<[u8]>, u8>,
    undeclared: u8,
    counts: bool,
    /// Rows whose event id came before, and the number of this file among those of the log.
    repeats: Option<(Arc<Repeats>, u32)>,
}

impl EventRows {
    pub(super) fn new(plan: &Plan, who: &Arc<Who>, repeats: Option<(Arc<Repeats>, u32)>) -> Self {
        let declared = plan.kinds.len() - 1;
        let number = |(place, kind): (usize, &crate::Kind)| (kind.raw.as_bytes().into(), place as u8);
        Self {
            who: Arc::clone(who),
            time: plan.log.time,
            granularity: plan.granularity,
            kinds: plan.kinds[..declared].iter().enumerate().map(number).collect(),
            undeclared: declared as u8,
            counts: plan.log.columns[Role::Count as usize].is_some(),
            repeats,
        }
    }

    fn count(&self, cells: &Cells<'_>) -> Option<u64> {
        match self.counts {
            true => u64::try_from(whole(cells.get(Role::Count), Fraction::Zero)?).ok(),
            false => Some(1),
        }
    }
}

/// What the row before named: logs mostly stand in runs of one enrolment, and of one kind.
pub(super) struct Before {
    id: Vec<u8>,
    course: Vec<u8>,
    found: Result<u32, Stranger>,
}

impl RowSink for EventRows {
    type Block = Before;

    fn begin(&self) -> Before {
        Before { id: Vec::new(), course: Vec::new(), found: self.who.find((b"", b"")) }
    }

    fn take(&self, before: &mut Before, cells: &Cells<'_>, line: u64, intake: &mut Intake<'_>) {
        let (id, course) = self.who.key(cells);
        if before.id != id || before.course != course {
            before.id.clear();
            before.id.extend_from_slice(id);
            before.course.clear();
            before.course.extend_from_slice(course);
            before.found = self.who.find((id, course));
        }
        let enrolment = match before.found {
            Ok(enrolment) => enrolment,
            Err((reason, what)) => return intake.refuse(reason, line, || what.to_owned()),
        };
        let moment = cells.instant.map(Moment::Instant).or_else(|| self.time.parse(cells.get(Role::Time)));
        let Some(moment) = moment else {
            let text = shape(cells.get(Role::Time));
            let what = || format!("time of shape `{text}` is not {}", self.time.looks_like());
            return intake.refuse(Reason::BadTime, line, what);
        };
        let Some(count) = self.count(cells) else {
            let text = shape(cells.get(Role::Count));
            return intake
                .refuse(Reason::BadCount, line, || format!("count of shape `{text}` is not a whole number from 0 up"));
        };
        if let Some((repeats, file)) = &self.repeats
            && repeats.has(*file, intake.block, line)
        {
            return intake.refuse(Reason::RepeatedId, line, || "an event id that came before".to_owned());
        }
        let instant = rounded(moment.instant(intake.course_start(enrolment)), self.granularity);
        let kind = self.kinds.get(cells.get(Role::Activity)).copied().unwrap_or(self.undeclared);
        let object = ObjectKey::of(cells.get(Role::Object));
        intake.row(Row { line, enrolment, instant, kind, object, count });
    }

    fn end(&self, _: Before, _: usize) {}
}
