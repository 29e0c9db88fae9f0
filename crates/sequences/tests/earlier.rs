//! The courses that a learner has behind them, as they were known at the end of each week.

mod common;

use common::check;
use common::made::Parts;
use staycast_events::{Activity, Enrolment, EventKind, Names};
use staycast_sequences::{BuildOptions, Dataset, DropoutRule};

const DAY: i32 = 86_400;

/// Ann is in maths, whose four weeks end on the 9th, 16th, 23rd and 30th of June at midnight. Chemistry is over by the 9th.
/// Bob has been in chemistry too.
fn parts() -> Parts {
    let enrolment = |course: &str, id: &str, learner: &str, enrolled, withdrawn: Option<i32>| {
        let one = Enrolment {
            names: Names::new(id, learner),
            enrolled_seconds: enrolled,
            withdrawn_seconds: withdrawn,
            ..Enrolment::default()
        };
        (course.to_owned(), one)
    };
    let event = |id: &str, at: &str| (id.to_owned(), at.to_owned(), "access".to_owned(), "x".to_owned(), 1);
    Parts {
        courses: vec![
            ("maths".into(), "2014-06-02".into(), 28),
            ("chemistry".into(), "2014-05-12".into(), 28),
            ("physics".into(), "2014-06-09".into(), 28),
        ],
        enrolments: vec![
            enrolment("maths", "ann", "ann", Some(-DAY), None),
            enrolment("maths", "bob", "bob", Some(-DAY), None),
            enrolment("maths", "cem", "cem", Some(-DAY), None),
            enrolment("chemistry", "ann in chemistry", "ann", Some(-DAY), None),
            enrolment("chemistry", "bob in chemistry", "bob", Some(-DAY), None),
            // One second before the second week of maths was over; and enrolled in the third, where chemistry was long over.
            enrolment("physics", "ann in physics", "ann", Some(-DAY), Some(7 * DAY - 1)),
            enrolment("chemistry", "cem in chemistry", "cem", Some(35 * DAY), None),
            // Seen by an event alone, on day 2 of the third week.
            enrolment("physics", "bob in physics", "bob", None, Some(7 * DAY)),
        ],
        kinds: vec![EventKind::new("access", Activity::Access)],
        events: vec![
            event("ann", "2014-06-03T08:00:00"),
            event("bob", "2014-06-03T08:00:00"),
            event("cem", "2014-06-03T08:00:00"),
            event("bob in chemistry", "2014-06-08T23:59:59"),
            event("bob in physics", "2014-06-18T08:00:00"),
            // The log is taken when all is over.
            event("bob in physics", "2014-07-06T08:00:00"),
            event("ann in chemistry", "2014-05-12T08:00:00"),
        ],
        ..Parts::default()
    }
}

fn data(parts: &Parts, rule: DropoutRule) -> Dataset {
    parts.sequences(&BuildOptions { rule: Some(rule), ..BuildOptions::default() })
}

/// Checks how many courses a learner of maths has behind them, week by week, and how many of these are dropouts.
fn check_weeks(data: &Dataset, learner: &str, weeks: [(f32, f32); 4]) {
    for (week, (courses, dropouts)) in weeks.into_iter().enumerate() {
        let wanted = [("earlier_courses", Some(courses)), ("earlier_dropouts", Some(dropouts))];
        check(data, learner, week, &wanted);
    }
}

#[test]
fn courses_are_behind_when_they_are_over_or_left() {
    let data = data(&parts(), DropoutRule::InactiveLast { weeks: 2 });
    // Of physics it is known when that is over, long after maths.
    check_weeks(&data, "ann", [(1.0, 1.0), (2.0, 1.0), (2.0, 1.0), (2.0, 1.0)]);
    // Bob left physics in the third week of maths, and was seen there later in that week.
    check_weeks(&data, "bob", [(1.0, 0.0), (1.0, 0.0), (2.0, 0.0), (2.0, 0.0)]);
    // Who enrolled after the end has no label.
    check_weeks(&data, "cem", [(0.0, 0.0), (0.0, 0.0), (1.0, 0.0), (1.0, 0.0)]);
}

#[test]
fn who_withdrew_is_a_dropout_at_once_where_that_is_the_rule() {
    let data = data(&parts(), DropoutRule::Withdrawn);
    check_weeks(&data, "ann", [(1.0, 0.0), (2.0, 1.0), (2.0, 1.0), (2.0, 1.0)]);
    check_weeks(&data, "bob", [(1.0, 0.0), (1.0, 0.0), (2.0, 1.0), (2.0, 1.0)]);
}

#[test]
fn a_label_counts_once_its_own_days_are_over() {
    let data = data(&parts(), DropoutRule::NoActivityAfter { days: 8 });
    // Eight days after chemistry are over on the 17th.
    check_weeks(&data, "ann", [(1.0, 0.0), (2.0, 0.0), (2.0, 1.0), (2.0, 1.0)]);
}

#[test]
fn ends_that_the_log_alone_tells_are_not_known() {
    let data = data(&Parts { inferred: true, ..parts() }, DropoutRule::Withdrawn);
    // Before its first event, in the third week, physics has no dates, and nothing is known of it.
    check_weeks(&data, "ann", [(0.0, 0.0), (0.0, 0.0), (1.0, 1.0), (1.0, 1.0)]);
    check_weeks(&data, "cem", [(0.0, 0.0); 4]);
}
