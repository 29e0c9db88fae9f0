//! Members of a line that depend on the kind of entry: type, data, path, page and name.

use super::entry::{Entry, EntryKind};
use super::names::{CourseNames, hex, mixed, push_all};
use crate::course::{Category, Course, Object};
use crate::digits::push_number;
use crate::event::{EventKind, RIGHT};

/// Counts the points of a quiz.
const QUIZ_POINTS: u64 = 10;
/// Lists the texts of forum posts and assignments. One is chosen by hash, as no feature reads them.
const POST_TEXTS: [&str; 4] = [
    "Could somebody explain the last step? I keep getting another result than the lecture.",
    "Thank you, that helped. I had overlooked the second condition.",
    "Here is how I understand it, please correct me if it is wrong.",
    "I had the same difficulty. Going back to the earlier example made it clear to me.",
];

/// Borrows an entry with everything that its line shows.
pub(super) struct EntryText<'a> {
    pub(super) names: &'a CourseNames,
    pub(super) course: &'a Course,
    pub(super) entry: &'a Entry,
    /// The learner's number, from 1.
    pub(super) user: u64,
    /// Hash of time, learner, object, kind and detail.
    pub(super) hash: u64,
}

impl EntryText<'_> {
    /// Returns the identifier of an object of the course.
    fn id(&self, object: Object) -> &[u8] {
        &self.course.ids[object as usize]
    }

    /// Appends `block-v1:…+type@TYPE+block@…`.
    fn push_block(&self, out: &mut Vec<u8>, block_type: &str, object: Object) {
        push_all(out, &[self.names.block.as_bytes(), b"+type@", block_type.as_bytes(), b"+block@", self.id(object)]);
    }

    /// Appends `/courses/ID/`.
    fn push_course_path(&self, out: &mut Vec<u8>) {
        push_all(out, &[b"/courses/", self.names.id.as_bytes(), b"/"]);
    }

    /// Appends the path of the page that the object is on.
    fn push_courseware(&self, out: &mut Vec<u8>) {
        self.push_course_path(out);
        match Course::page_of(self.entry.object) {
            Some((chapter, sequential)) => {
                push_all(out, &[b"courseware/", self.id(chapter), b"/", self.id(sequential), b"/"]);
            }
            None => out.extend_from_slice(b"course/"),
        }
    }

    /// Appends the path of a request to the server.
    fn push_request(&self, out: &mut Vec<u8>) {
        let (category, _) = Course::describe(self.entry.object);
        match (self.entry.kind, category) {
            (EntryKind::Event(EventKind::SignIn), _) => out.extend_from_slice(b"/login_ajax"),
            (EntryKind::Event(EventKind::Discussion), _) => {
                self.push_course_path(out);
                push_all(out, &[b"discussion/forum/", self.id(self.entry.object), b"/threads/"]);
                // One of a few threads of the topic.
                push_all(out, &[&hex(mixed(u64::from(self.entry.object), self.hash % 16)), b"00000000"]);
            }
            (_, Category::About) => {
                self.push_course_path(out);
                out.extend_from_slice(b"about");
            }
            (_, Category::CourseInfo) => {
                self.push_course_path(out);
                out.extend_from_slice(b"info");
            }
            (_, Category::StaticTab) => {
                self.push_course_path(out);
                out.extend_from_slice(b"wiki/");
                push_all(out, &[self.course.id.as_bytes(), b"/"]);
            }
            (_, Category::Vertical) => {
                self.push_courseware(out);
                push_number(out, Course::position(self.entry.object).into());
            }
            _ => self.push_courseware(out),
        }
    }
}

/// Names the entry; `None` for requests, which are named by their path.
fn name(entry: &Entry) -> Option<&'static str> {
    let kind = match entry.kind {
        EntryKind::Event(kind) => kind,
        EntryKind::Enrolled => return Some("edx.course.enrollment.activated"),
        EntryKind::Unenrolled => return Some("edx.course.enrollment.deactivated"),
    };
    Some(match kind {
        EventKind::Navigate | EventKind::SignIn | EventKind::Access | EventKind::Discussion | EventKind::Wiki => {
            return None;
        }
        EventKind::View => "seq_next",
        EventKind::Video => ["play_video", "pause_video", "seek_video"][usize::from(entry.detail.min(2))],
        EventKind::Try | EventKind::Check | EventKind::Quiz => "problem_check",
        EventKind::Post => match entry.detail {
            0 => "edx.forum.thread.created",
            1 => "edx.forum.response.created",
            _ => "edx.forum.comment.created",
        },
        EventKind::PageClose => "page_close",
        EventKind::Assignment => "openassessmentblock.create_submission",
    })
}

/// Appends `event_type`.
pub(super) fn push_type(out: &mut Vec<u8>, about: &EntryText<'_>) {
    match name(about.entry) {
        Some(name) => out.extend_from_slice(name.as_bytes()),
        None => about.push_request(out),
    }
}

/// Appends the member `name` with the comma before it, for entries that have one.
pub(super) fn push_name(out: &mut Vec<u8>, about: &EntryText<'_>) {
    if let Some(name) = name(about.entry) {
        push_all(out, &[b", \"name\": \"", name.as_bytes(), b"\""]);
    }
}

/// Appends `context.path`.
pub(super) fn push_path(out: &mut Vec<u8>, about: &EntryText<'_>) {
    match about.entry.kind {
        kind if kind.is_reported_by_device() => out.extend_from_slice(b"/event"),
        EntryKind::Event(EventKind::Try | EventKind::Check | EventKind::Quiz) => {
            about.push_course_path(out);
            out.extend_from_slice(b"xblock/");
            about.push_block(out, "problem", about.entry.object);
            out.extend_from_slice(b"/handler/xmodule_handler/problem_check");
        }
        EntryKind::Event(EventKind::Assignment) => {
            about.push_course_path(out);
            out.extend_from_slice(b"xblock/");
            about.push_block(out, "openassessment", about.entry.object);
            out.extend_from_slice(b"/handler/submit");
        }
        EntryKind::Event(EventKind::Post) => {
            about.push_course_path(out);
            push_all(out, &[b"discussion/", about.id(about.entry.object), b"/threads/create"]);
        }
        EntryKind::Enrolled | EntryKind::Unenrolled => out.extend_from_slice(b"/change_enrollment"),
        _ => about.push_request(out),
    }
}

/// Appends the value of `page`.
pub(super) fn push_page(out: &mut Vec<u8>, about: &EntryText<'_>) {
    match about.entry.kind {
        kind if kind.is_reported_by_device() => {
            out.extend_from_slice(b"\"https://learn.example.org");
            about.push_courseware(out);
            out.push(b'"');
        }
        EntryKind::Event(EventKind::Try | EventKind::Check | EventKind::Quiz | EventKind::Assignment) => {
            out.extend_from_slice(b"\"x_module\"");
        }
        _ => out.extend_from_slice(b"null"),
    }
}

/// Appends the value of `event`: a string that holds JSON for browsers and requests, an object for the server's events.
pub(super) fn push_event(out: &mut Vec<u8>, about: &EntryText<'_>) {
    let entry = about.entry;
    let kind = match entry.kind {
        EntryKind::Event(kind) => kind,
        EntryKind::Enrolled | EntryKind::Unenrolled => {
            push_all(out, &[b"{\"course_id\": \"", about.names.id.as_bytes(), b"\", \"user_id\": "]);
            push_number(out, about.user);
            out.extend_from_slice(b", \"mode\": \"audit\"}");
            return;
        }
    };
    match kind {
        EventKind::Navigate | EventKind::Access | EventKind::Discussion | EventKind::Wiki => {
            out.extend_from_slice(br#""{\"POST\": {}, \"GET\": {}}""#);
        }
        EventKind::SignIn => out.extend_from_slice(br#""{\"POST\": {\"password\": \"********\"}, \"GET\": {}}""#),
        EventKind::PageClose => out.extend_from_slice(b"\"{}\""),
        EventKind::View => {
            out.extend_from_slice(br#""{\"id\": \""#);
            let sequential = Course::page_of(entry.object).map_or(entry.object, |(_, sequential)| sequential);
            about.push_block(out, "sequential", sequential);
            let position = u64::from(Course::position(entry.object));
            out.extend_from_slice(br#"\", \"old\": "#);
            push_number(out, position);
            out.extend_from_slice(br#", \"new\": "#);
            push_number(out, position + 1);
            out.extend_from_slice(br#"}""#);
        }
        EventKind::Video => push_video(out, about),
        EventKind::Try => push_problem(out, about, 0, 1, entry.detail.into()),
        EventKind::Check => {
            let grade = u64::from(entry.detail & RIGHT != 0);
            push_problem(out, about, grade, 1, (entry.detail & !RIGHT).into());
        }
        EventKind::Quiz => push_problem(out, about, (u64::from(entry.detail) + 5) / QUIZ_POINTS, QUIZ_POINTS, 1),
        EventKind::Assignment => {
            push_all(out, &[br#"{"answer": {"parts": [{"text": ""#, post_text(about).as_bytes()]);
            push_all(out, &[br#""}]}, "attempt_number": 1, "submission_uuid": ""#, &hex(about.hash)]);
            push_all(out, &[&hex(mixed(about.hash, 1)), b"\"}"]);
        }
        EventKind::Post => push_post(out, about),
    }
}

/// Chooses the text that a learner writes.
fn post_text(about: &EntryText<'_>) -> &'static str {
    POST_TEXTS[about.hash as usize % POST_TEXTS.len()]
}

fn push_video(out: &mut Vec<u8>, about: &EntryText<'_>) {
    out.extend_from_slice(br#""{\"id\": \""#);
    push_all(out, &[about.id(about.entry.object), br#"\", \"code\": \"html5\", \"duration\": 412.3, "#]);
    let seconds = |out: &mut Vec<u8>, hash: u64| {
        push_number(out, hash % 400);
        out.push(b'.');
        push_number(out, hash / 400 % 10);
    };
    if about.entry.detail < 2 {
        out.extend_from_slice(br#"\"currentTime\": "#);
        seconds(out, about.hash);
    } else {
        out.extend_from_slice(br#"\"old_time\": "#);
        seconds(out, about.hash);
        out.extend_from_slice(br#", \"new_time\": "#);
        seconds(out, about.hash >> 20);
        out.extend_from_slice(br#", \"type\": \"onSlideSeek\""#);
    }
    out.extend_from_slice(br#"}""#);
}

/// Appends a checked answer: the problem's state, the answer and the grade.
fn push_problem(out: &mut Vec<u8>, about: &EntryText<'_>, grade: u64, most: u64, attempts: u64) {
    let right = grade == most;
    let id = about.id(about.entry.object);
    let correctness: &[u8] = if right { b"correct" } else { b"incorrect" };
    let choice = [b"choice_", &b"0123"[about.hash as usize % 4..][..1]].concat();
    push_all(
        out,
        &[br#"{"state": {"seed": 1, "student_answers": {}, "done": null, "correct_map": {}, "input_state": {""#],
    );
    push_all(out, &[id, br#"_2_1": {}}}, "problem_id": ""#]);
    about.push_block(out, "problem", about.entry.object);
    push_all(out, &[br#"", "answers": {""#, id, br#"_2_1": ""#, &choice, br#""}, "grade": "#]);
    push_number(out, grade);
    out.extend_from_slice(br#", "max_grade": "#);
    push_number(out, most);
    push_all(out, &[br#", "correct_map": {""#, id, br#"_2_1": {"hint": "", "hintmode": null, "correctness": ""#]);
    push_all(out, &[correctness, br#"", "npoints": null, "msg": "", "queuestate": null}}, "success": ""#, correctness]);
    out.extend_from_slice(br#"", "attempts": "#);
    push_number(out, attempts);
    push_all(out, &[br#", "submission": {""#, id, br#"_2_1": {"question": "", "answer": ""#, &choice]);
    out.extend_from_slice(br#"", "response_type": "multiplechoiceresponse", "input_type": "choicegroup", "correct": "#);
    push_all(out, &[if right { b"true" } else { b"false" }, br#", "variant": ""}}}"#]);
}

fn push_post(out: &mut Vec<u8>, about: &EntryText<'_>) {
    let commentable = about.id(about.entry.object);
    let thread = hex(mixed(u64::from(about.entry.object), about.hash % 16));
    push_all(out, &[br#"{"body": ""#, post_text(about).as_bytes(), br#"", "commentable_id": ""#, commentable]);
    push_all(out, &[br#"", "truncated": false, "options": {"followed": true}, "user_course_roles": [], "#]);
    push_all(out, &[br#""user_forums_roles": ["Student"], "id": ""#, &hex(about.hash), b"00000000\""]);
    match about.entry.detail {
        0 => push_all(out, &[br#", "title": "A question", "thread_type": "question", "anonymous": false}"#]),
        1 => push_all(out, &[br#", "discussion": {"id": ""#, &thread, br#"00000000"}}"#]),
        _ => {
            let response = hex(mixed(about.hash, 2));
            push_all(out, &[br#", "discussion": {"id": ""#, &thread, br#"00000000"}, "response": {"id": ""#]);
            push_all(out, &[&response, br#"00000000"}}"#]);
        }
    }
}
