//! Courses that nothing dates yet.

use staycast_events::time::DAY_SECONDS;
use staycast_sequences::DropoutRule;

use super::{check_future, formats};
use crate::world::{Calendar, Course, Enrolment, Event, World};

/// A course of which there are no events and no dated enrolments has no dates, so that it is left out, and all withdrawals from
/// it with it. Those from before its first event must not be known once there is one.
#[test]
fn withdrawals_from_a_course_that_nothing_dates_yet_are_not_known() {
    let at = |day: i64| day * DAY_SECONDS + 3_600;
    let enrolment = |learner, course, enrolled, withdrawn| Enrolment { learner, course, enrolled, withdrawn };
    let event = |enrolment, day| Event { enrolment, at: at(day), kind: 3, object: 0, count: 1 };
    let world = World {
        courses: [(2, 30), (2, 30), (3, 20)].map(|(month, days)| Course { month, days }).into(),
        enrolments: vec![
            enrolment(0, 0, Some(at(0)), None),
            enrolment(0, 1, None, Some(at(10))),
            enrolment(1, 1, None, None),
            enrolment(2, 0, Some(at(0)), None),
            enrolment(2, 1, Some(at(2)), Some(at(5))),
        ],
        events: vec![event(0, 0), event(0, 26), event(3, 1), event(2, 40)],
        submissions: Vec::new(),
        releases: vec![None; 9],
        due: vec![0; 4],
    };
    for format in formats::ALL.iter().filter(|format| format.may_be_inferred()) {
        check_future(format, &world, at(27), None, Calendar::Inferred, DropoutRule::InactiveLast { weeks: 1 });
    }
}
