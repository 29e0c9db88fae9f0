//! Formats of statements alone: who is enrolled is in the log itself.

use std::path::Path;

use serde_json::{Value, json};

use super::{put, time};
use crate::world::{Event, Seen};

/// Names of learners.
pub(super) const NAMES: [&str; 5] = ["ann", "böb", "čas d", "\"дана\"", "員五"];

/// Points from which something submitted completes the course.
const PASS: u32 = 60;

pub(super) fn course_id(course: usize) -> String {
    match course {
        2 => "Ørg/C2/2014".to_owned(),
        _ => format!("course-v1:Org+C{course}+2014"),
    }
}

/// Writes what learners did, by `line` (course, learner, event), and what is said of their enrolments, by the
/// names of its three kinds, by what `change` makes of it (course, learner, name, instant).
fn statements(
    seen: Seen<'_>,
    names: [&'static str; 3],
    line: impl Fn(usize, usize, &Event) -> Value,
    change: impl Fn(usize, usize, &str, i64) -> Value,
) -> String {
    let [enrolled, withdrew, completed] = names;
    let world = seen.world;
    let mut lines: Vec<Value> = Vec::new();
    for one in &world.enrolments {
        let dated = [(one.enrolled, enrolled), (one.withdrawn, withdrew)];
        for (at, name) in dated.into_iter().filter_map(|(at, name)| at.filter(|&at| at < seen.until).zip(Some(name))) {
            lines.push(change(one.course, one.learner, name, at));
        }
    }
    for one in seen.submissions().filter(|one| one.score >= PASS) {
        let who = &world.enrolments[one.enrolment];
        lines.push(change(who.course, who.learner, completed, one.at));
    }
    for event in seen.events() {
        let who = &world.enrolments[event.enrolment];
        lines.push(line(who.course, who.learner, event));
    }
    lines.iter().map(|line| format!("{line}\n")).collect()
}

pub(super) fn edx(seen: Seen<'_>, folder: &Path) {
    let line = |course: usize, learner: usize, event: &Event| {
        let course = course_id(course);
        let object = format!("block@{}", event.object);
        let url = |part: &str| format!("/courses/{course}/{part}");
        // Learners of even numbers enrol themselves, so that the log has their names from the start.
        let target = NAMES[event.object * 2 % 5 / 2 * 2];
        let logged = |name: &'static str, source: &'static str, data: Value| (name.to_owned(), source, data);
        let browser = |name: &'static str, data: Value| logged(name, "browser", Value::String(data.to_string()));
        let server = |name: &'static str, data: Value| logged(name, "server", data);
        let vote = |name, value: &str, undo: bool| {
            server(name, json!({"id": object, "vote_value": value, "undo_vote": undo, "target_username": target}))
        };
        let request = |part: &str| (url(part), "server", json!("{\"GET\": {}, \"POST\": {}}"));
        let (name, source, data) = match event.kind % 20 {
            0 => browser("play_video", json!({"id": object, "currentTime": 0, "code": "c"})),
            1 => browser("pause_video", json!({"id": object, "currentTime": 3.5})),
            2 => server("problem_check", json!({"problem_id": object, "success": "correct", "attempts": 1})),
            3 => server("problem_check", json!({"problem_id": object, "success": "incorrect"})),
            4 => logged("problem_check", "browser", json!("input_1=2&input_2=")),
            5 => browser("seq_next", json!({"old": 1, "new": 2, "id": object})),
            6 => browser("book", json!({"chapter": object, "name": "textbook.pdf.page.loaded"})),
            7 => server("edx.forum.thread.created", json!({"id": object, "title": "t"})),
            8 => server("edx.forum.response.created", json!({"id": object})),
            9 => server("edx.forum.comment.created", json!({"id": object})),
            10 => vote("edx.forum.thread.voted", "up", false),
            11 => vote("edx.forum.thread.voted", "up", true),
            12 => vote("edx.forum.response.voted", "down", false),
            13 => vote("edx.forum.response.voted", "down", true),
            14 => request("courseware/a/b/"),
            15 => request("wiki/c/?x=1"),
            16 => browser("page_close", json!({})),
            17 => logged("play_video", "mobile", json!({"id": object, "code": "mobile"})),
            18 => server("openassessmentblock.create_submission", json!({"submission_uuid": "s"})),
            _ => browser("show_transcript", json!({"id": object})),
        };
        // Now and then only the page names the course.
        let (context, page) = match event.kind % 20 {
            19 => (String::new(), json!(format!("http://lms.example{}", url("courseware/")))),
            _ => (course.clone(), Value::Null),
        };
        json!({"username": NAMES[learner], "event_type": name, "event_source": source, "event": data, "page": page,
            "context": {"course_id": context, "user_id": learner}, "time": format!("{}.250000+00:00", time(event.at))})
    };
    // Of those with odd numbers the administrators enrol and withdraw, by number.
    let change = |course: usize, learner: usize, name: &str, at: i64| {
        let by_number = learner % 2 == 1 && name.starts_with("edx.course.enrollment");
        let (username, user_id) = match by_number {
            true => ("anonymous", Value::Null),
            false => (NAMES[learner], json!(learner)),
        };
        let course = course_id(course);
        json!({"username": username, "event_type": name, "event_source": "server", "page": null,
            "event": {"course_id": course, "user_id": learner, "mode": "honor"},
            "context": {"course_id": course, "user_id": user_id}, "time": format!("{}+00:00", time(at))})
    };
    let names =
        ["edx.course.enrollment.activated", "edx.course.enrollment.deactivated", "edx.course.grade.passed.first_time"];
    put(folder, "tracking.log", &statements(seen, names, line, change));
}

const COURSE: &str = "http://adlnet.gov/expapi/activities/course";

fn course_address(course: usize) -> String {
    format!("http://lms.example/course/{}", course_id(course))
}

pub(super) fn xapi(seen: Seen<'_>, folder: &Path) {
    let actor = |learner: usize| json!({"account": {"name": NAMES[learner], "homePage": "http://lms.example"}});
    let line = |course: usize, learner: usize, event: &Event| {
        let (adl, w3) = ("http://adlnet.gov/expapi/verbs", "https://w3id.org/xapi");
        let [video, problem, talk, page] = [
            "https://w3id.org/xapi/video/activity-type/video",
            "http://adlnet.gov/expapi/activities/cmi.interaction",
            "http://id.tincanapi.com/activitytype/discussion",
            "http://adlnet.gov/expapi/activities/module",
        ];
        let (verb, kind) = match event.kind % 15 {
            0 => (format!("{w3}/video/verbs/played"), video),
            1 => (format!("{w3}/video/verbs/paused"), video),
            2 => (format!("{w3}/video/verbs/seeked"), video),
            3 => (format!("{adl}/terminated"), video),
            4 | 5 => (format!("{w3}/acrossx/verbs/evaluated"), problem),
            6 => (format!("{adl}/answered"), problem),
            7 => (format!("{w3}/dod-isd/verbs/navigated"), page),
            8 | 9 => (format!("{w3}/acrossx/verbs/posted"), talk),
            10 | 11 => ("https://w3id.org/xapi/openedx/verb/voted".to_owned(), talk),
            12 => (format!("{adl}/attempted"), problem),
            13 => (format!("{adl}/completed"), video),
            _ => ("http://id.tincanapi.com/verb/viewed".to_owned(), page),
        };
        let part = if event.kind % 15 == 9 { "comments" } else { "blocks" };
        let mut statement = json!({"actor": actor(learner), "verb": {"id": verb}, "timestamp": format!("{}Z", time(event.at)),
            "object": {"id": format!("http://lms.example/{part}/{}", event.object), "definition": {"type": kind}},
            "context": {"contextActivities": {"parent": [{"id": course_address(course), "definition": {"type": COURSE}}]}}});
        match event.kind % 15 {
            4 => statement["result"] = json!({"success": true, "score": {"scaled": 1}}),
            5 => {
                // A part of a problem. The statement of the whole, which is not in the log, is the same for many days.
                statement["result"] = json!({"success": event.count.is_multiple_of(2)});
                statement["context"]["statement"] =
                    json!({"objectType": "StatementRef", "id": format!("whole-{}", event.object)});
                let whole = json!({"id": format!("http://lms.example/blocks/{}/whole", event.object % 2),
                    "definition": {"type": problem}});
                statement["context"]["contextActivities"]["parent"].as_array_mut().unwrap().push(whole);
            }
            // Another part, which names the problem alone.
            6 => {
                let whole = json!({"id": "http://lms.example/blocks/whole", "definition": {"type": problem}});
                statement["context"]["contextActivities"]["parent"].as_array_mut().unwrap().push(whole);
            }
            10 => statement["context"]["extensions"] = json!({"https://w3id.org/xapi/acrossx/extensions/type": "up"}),
            11 => statement["context"]["extensions"] = json!({"https://w3id.org/xapi/acrossx/extensions/type": "down"}),
            _ => {}
        }
        statement
    };
    let change = |course: usize, learner: usize, verb: &str, at: i64| {
        json!({"actor": actor(learner), "verb": {"id": verb}, "timestamp": format!("{}.5Z", time(at)),
            "object": {"id": course_address(course), "definition": {"type": COURSE}}})
    };
    let names = [
        "http://adlnet.gov/expapi/verbs/registered",
        "http://id.tincanapi.com/verb/unregistered",
        "http://adlnet.gov/expapi/verbs/passed",
    ];
    put(folder, "statements.jsonl", &statements(seen, names, line, change));
}

pub(super) fn caliper(seen: Seen<'_>, folder: &Path) {
    let course_of = |course: usize| json!({"id": course_address(course), "type": "CourseOffering"});
    let by = json!({"transformerVersion": "event-routing-backends@9.0.0"});
    let line = |course: usize, learner: usize, event: &Event| {
        let id = format!("http://lms.example/blocks/{}", event.object);
        let around = json!({"isPartOf": course_of(course)});
        let object = |kind: &str| json!({"id": id, "type": kind, "extensions": around});
        let attempt = json!({"id": format!("{id}/attempts/{}", event.at), "type": "Attempt", "assignable": id,
            "extensions": around});
        let (kind, action, object) = match event.kind % 10 {
            0 => ("MediaEvent", "Resumed", object("VideoObject")),
            1 => ("MediaEvent", "Started", object("VideoObject")),
            2 => ("MediaEvent", "Paused", object("VideoObject")),
            3..=5 => ("GradeEvent", "Graded", attempt),
            6 => ("NavigationEvent", "NavigatedTo", object("DigitalResource")),
            7 | 8 => ("MessageEvent", "Posted", object("Message")),
            _ => ("ViewEvent", "Viewed", object("DigitalResource")),
        };
        // Events that differ have ids that differ, as platforms make them.
        let event_id = format!("urn:uuid:{}-{}-{}-{}", event.at, event.enrolment, event.kind, event.object);
        let mut line = json!({"id": event_id, "type": kind, "action": action, "object": object,
            "actor": {"id": NAMES[learner], "type": "Person"}, "eventTime": format!("{}.000Z", time(event.at)),
            "extensions": by});
        match event.kind % 10 {
            3 => line["generated"] = json!({"type": "Score", "scoreGiven": 2, "maxScore": 2}),
            4 => line["generated"] = json!({"type": "Score", "scoreGiven": 0.5, "maxScore": 2}),
            8 => line["object"]["replyTo"] = json!({"id": "http://lms.example/threads/1", "type": "Message"}),
            _ => {}
        }
        line
    };
    let change = |course: usize, learner: usize, action: &str, at: i64| {
        json!({"type": "Event", "action": action, "object": course_of(course), "eventTime": format!("{}.000Z", time(at)),
            "actor": {"id": NAMES[learner], "type": "Person"}, "extensions": by})
    };
    put(folder, "events.jsonl", &statements(seen, ["Activated", "Deactivated", "Completed"], line, change));
}
