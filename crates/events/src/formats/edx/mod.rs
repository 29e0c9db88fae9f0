//! Tracking logs of Open edX and edX: one JSON object a line (Open edX documentation, "Events in the Tracking Logs"), or an
//! array of them, as tools export it.
//!
//! Of a line these members are read: `username`, `time`, `event_type`, `name`, `event_source`, `page`,
//! `host`, `context.course_id`, `context.user_id`, and of `event`, an object or a string that holds one, `problem_id`,
//! `problem`, `id`, `chapter`, `success`, `vote_value`, `undo_vote`, `target_username`, `course_id`, `user_id`,
//! `username`. Events in the form that event-tracking gives them, before the platform writes them into its log, are read
//! too: `name`, `timestamp`, `data` and `context`, with `username`, `event_source`, `event_type` and `page` in the context.
//! The whole line must be JSON or it is malformed: brackets, commas, colons, strings with their escapes, numbers and words
//! are all checked, only control characters inside strings and Python's `NaN` are let pass. What is inside a string need
//! not be JSON.
//!
//! - **Who:** `username`, without spaces around it, as text or number; else `context.user_id`; else `event.username` or
//!   `event.user_id`. A number is that of the learner whose events have it beside a name; one that no event has goes by
//!   `#<number>`. Events of nobody, or by `anonymous`, are set aside as `no_learner`.
//! - **Course:** `context.course_id`; where that is blank, the course in the path of the request (`event_type`) or of the
//!   browser's `page`; else `event.course_id`. Set aside as `no_course` where none of them names one; rejected where
//!   `context.course_id` is no course's id.
//! - **When:** `time`, with its offset or, where there is none, in UTC.
//! - **What:** `name`, which supersedes `event_type`, by name or, of a request, by the part of the course that its path leads
//!   to; what the server logs of a request by a page's own script counts as `other`.
//! - **Object:** the first of `problem_id`, `problem`, `id` and `chapter` that `event` has; of a request its path.
//! - **Enrolment:** `edx.course.enrollment.activated` and `.deactivated` for `event.user_id`, who may be another than who
//!   caused it. `edx.certificate.created`, `edx.course.grade.passed.first_time` and `.now_passed` say that the course was
//!   completed.
//! - **Facts:** changes of enrolments, grades, certificates and cohorts are recorded about a learner, and no act of theirs
//!   (`Detail::Fact`). Whoever caused one about somebody else is no learner by that.
//! - **Course team:** nobody is a learner by what a course team does: on the instructors' pages and in Studio (by path or by
//!   host), by the dashboard's commands, which are words with hyphens between them, by tasks (`event_source` is `task`), and
//!   in events that the documentation lists as those of course teams.
//! - **Sites:** `host` and the names of user ids tell whether ids of several sites stand together (`statements/user_ids.rs`).
//!
//! A vote is an event of the voter and one of the author, who did nothing (see [`crate::Detail::is_received`]) and is no
//! learner by it.
//! Lines may have words before the JSON, as syslog puts there; lines that begin with `#` are set aside as comments.
//!
//! # Engagement
//!
//! Some kinds tell more ([`Detail`](crate::Detail)), the way edX's own pipeline counts weekly engagement
//! (edx-analytics-pipeline, `data_api/student_engagement.py`):
//!
//! | detail | event | object |
//! |---|---|---|
//! | `AttemptRight`, `AttemptWrong` | `problem_check` of the server with a `problem_id`; right when `success` is `correct` in any case of letters, else wrong | `problem_id` |
//! | `VideoPlayed` | `play_video` with an `id`, of browser or phone | `id` |
//! | `Post`, `Response`, `Comment` | `edx.forum.thread.created`, `….response.created`, `….comment.created` | `id` |
//! | `UpvoteGiven`, `DownvoteGiven` | `edx.forum.thread.voted` and `….response.voted` with a `vote_value` of `up` or `down` | `id` |
//! | `UpvoteGivenUndone`, `DownvoteGivenUndone` | the same with `undo_vote`: one less given | `id` |
//! | `UpvoteReceived`, … `ReceivedUndone` | the same four, for `target_username`, whoever that is | `id` |
//! | `TextbookPage` | `book` | its `chapter`, if any |
//!
//! That pipeline goes by `event_type`, takes the course from `context.course_id` alone, and leaves out events whose
//! `event` is not an object (or a string that holds one, or nothing). Events that it leaves out have no detail, and are
//! of a kind for their activity alone that does not engage ([`EventKind::engages`](crate::Kind::engages)). So are those
//! that name nobody but a number. The day of a fact counts for whoever caused it, if they are a learner.
//!
//! Everyone whom a log names in a course has a row for every week of it, whether or not a statement enrols them, and
//! one of zeros for a week without engagement, except those who only received votes and those who only did what a course team
//! does. A report that is to hold enrolled learners alone joins with a table of enrolments. `anonymous`, under which scripts of the platform log, is
//! nobody here.

mod kinds;
mod line;
mod members;

use std::sync::Arc;

use self::kinds::Kinds;
use self::line::TrackingLog;
use super::log_format::{FileRole, LogFormat, OpenRequest};
use super::statements::{self, Layout, StatementFormat};
use crate::error::ReadError;
use crate::file_head::FileHead;
use crate::json;
use crate::source::Source;

const FORMAT: StatementFormat = StatementFormat {
    name: "edx",
    layout: Layout::LinesOrArray,
    is_statement: is_event,
    description: "it is tracking events as JSON, one a line or in an array, with event_source, event_type and time",
    evidence: "has events with event_source, event_type and time",
    no_evidence: "has no events with event_source, event_type and time near its beginning",
};

/// Reads tracking logs of Open edX.
pub(super) struct Edx;

impl LogFormat for Edx {
    fn name(&self) -> &'static str {
        FORMAT.name
    }

    fn summary(&self) -> &'static str {
        "Tracking logs of Open edX: JSON lines or an array; dates of courses are given, or inferred"
    }

    fn detect(&self, file: &FileHead) -> FileRole {
        FORMAT.detect(file)
    }

    fn takes_any_text(&self) -> bool {
        true
    }

    fn open(&self, request: &OpenRequest<'_>) -> Result<Source, ReadError> {
        let kinds = Arc::new(Kinds::new());
        let all = kinds.all().to_vec();
        statements::open(request, &FORMAT, &TrackingLog::new(kinds), all)
    }
}

/// Tells whether a line is an event of a tracking log: it has a time, and the members that no other format has. Events in
/// the form that event-tracking gives them have other names for some of these.
fn is_event(line: &[u8]) -> bool {
    let Some(brace) = memchr::memchr(b'{', line) else { return false };
    let (mut has, mut has_in_own_form, mut is_named) = ([false; 2], [false; 3], false);
    let whole = json::object(&line[brace..], |key, cursor| {
        is_named |= key == b"name" || key == b"event_type";
        has[0] |= key == b"event_source";
        has[1] |= key == b"time";
        has_in_own_form[0] |= key == b"timestamp";
        has_in_own_form[1] |= key == b"data";
        has_in_own_form[2] |= key == b"context";
        cursor.skip()
    });
    whole.is_ok() && is_named && (has == [true; 2] || has_in_own_form == [true; 3])
}
