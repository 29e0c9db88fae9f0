//! A source that is in no file.

use staycast_events::time::{DAY_SECONDS, format_date};
use staycast_events::{Activity, Detail, Enrolment, EventKind, Names, Source};

use super::time;
use crate::common::made::Parts;
use crate::world::{Dates, Seen};

/// Every activity, and everything that a kind can tell.
fn kinds() -> Vec<EventKind> {
    const DETAILS: [Detail; 16] = [
        Detail::Nothing,
        Detail::AttemptWrong,
        Detail::AttemptRight,
        Detail::Attempt,
        Detail::VideoPlayed,
        Detail::Post,
        Detail::Response,
        Detail::Comment,
        Detail::UpvoteGiven,
        Detail::UpvoteReceived,
        Detail::DownvoteGiven,
        Detail::DownvoteReceived,
        Detail::UpvoteGivenUndone,
        Detail::UpvoteReceivedUndone,
        Detail::DownvoteReceivedUndone,
        Detail::TextbookPage,
    ];
    let detailed = DETAILS.into_iter().enumerate().map(|(number, detail)| {
        EventKind::new(format!("detailed {number}"), Activity::ALL[number % Activity::ALL.len()]).with_detail(detail)
    });
    let plain = Activity::ALL.into_iter().map(|activity| EventKind::new(activity.name(), activity));
    plain.chain(detailed).chain([EventKind::new("passed over", Activity::Problem).not_engaging()]).collect()
}

/// A source with every capability.
pub(super) fn made(seen: Seen<'_>) -> Source {
    let kinds = kinds();
    let numbered = |letter: char, number: usize| format!("{letter}{number}");
    let courses = seen.world.courses.iter().enumerate();
    let seconds = |at: i64, course: usize| {
        (Seen::instant(at) - i64::from(seen.world.courses[course].start_day()) * DAY_SECONDS) as i32
    };
    let mut parts = Parts {
        courses: courses
            .map(|(number, course)| (numbered('c', number), format_date(course.start_day()), course.days))
            .collect(),
        register: true,
        ..Parts::default()
    };
    for (number, one) in seen.enrolments(Dates::Given) {
        let enrolment = Enrolment {
            names: Names::new(&numbered('e', number), &numbered('u', one.learner)),
            enrolled_seconds: one.enrolled.map(|at| seconds(at, one.course)),
            withdrawn_seconds: seen.withdrawn(one).map(|at| seconds(at, one.course)),
            ..Enrolment::default()
        };
        parts.enrolments.push((numbered('c', one.course), enrolment));
    }
    let is_listed = |number: usize| seen.enrolments(Dates::Given).any(|(listed, _)| listed == number);
    for event in seen.events().filter(|event| is_listed(event.enrolment)) {
        let kind = kinds[event.kind % kinds.len()].raw.clone();
        let object = numbered('o', event.object);
        parts.events.push((numbered('e', event.enrolment), time(event.at), kind, object, u64::from(event.count)));
    }
    for (object, release) in seen.objects() {
        for (course, _) in seen.world.courses.iter().enumerate() {
            let release = release.map(|at| (numbered('c', course), numbered('o', object), time(at)));
            parts.releases.extend(release);
        }
    }
    for (course, _) in seen.world.courses.iter().enumerate() {
        for (assessment, &due) in seen.world.due.iter().enumerate() {
            parts.assessments.push((numbered('c', course), format!("{course}{assessment}"), due));
        }
    }
    for one in seen.submissions().filter(|one| is_listed(one.enrolment)) {
        let course = seen.world.enrolments[one.enrolment].course;
        let assessment = format!("{course}{}", one.assessment);
        let day = seen.day(one.at, course) as i32;
        parts.submissions.push((numbered('e', one.enrolment), assessment, day, one.score as f32));
    }
    parts.kinds = kinds;
    parts.source()
}
