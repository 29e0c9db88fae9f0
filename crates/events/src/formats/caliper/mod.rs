//! Events of Caliper Analytics (1EdTech Caliper 1.2, 1.1 and 1.0), as Open edX's event-routing-backends, Canvas, Blackboard
//! and others send them. Version 1.0 has `@type` and `@id`, and writes types and actions as IRIs, of which the last word
//! counts.
//!
//! Events stand one a line, in an array, one after another, or in the `data` of the envelopes that sensors send them in
//! (`sensor`, `sendTime`, `data`). Entities may be objects or, where nothing but the id is said, an IRI.
//!
//! - **Who:** `actor.id`. Events of actors of another type than `Person` are nobody's. A grading is by whoever grades: one
//!   with another `assignee` concerns that one alone. What an actor does whose `membership.roles` are the course team's alone
//!   makes nobody a learner (`roles.rs`).
//! - **Course:** the nearest `CourseSection`, `CourseOffering` or `Course` among `group` and the organisations it is part
//!   of, else among `object`, what it is part of and `object.extensions.isPartOf`, else `membership.organization`; else an
//!   organisation that the group is part of, or a `group`, of which only the id is given. An `Organization` or a
//!   `Department` is no course. An id that leads to a course of Open edX becomes that course's id, as in tracking logs;
//!   others stay IRIs. Set aside as `no_course` where there is none.
//! - **When:** `eventTime`.
//! - **What:** `type` and `action`, as the table below and `kinds.rs` say.
//! - **Object:** of an attempt what was attempted (`assignable`), else `object.id`.
//! - **Enrolment:** a plain `Event` on a course, as Open edX sends it: `Activated`, `Deactivated`, and `Completed`, which
//!   says that the course was completed.
//! - **Facts** (`Detail::Fact`), no acts of the learner's: these, a grading by another, and `AssessmentEvent` `Submitted`
//!   of Open edX, which sends it for a score that it computed too. The answer itself has a `GradeEvent`.
//!
//! - **Id:** `id`, a UUID of each event's own (Caliper 1.2, 3.1). Of events that bear the same, in any case of letters, the
//!   first counts and the others are set aside as `repeated_id`.
//!
//! Descriptions of entities in an envelope, which no actor did, are set aside as `filtered_out`.
//!
//! | detail | event | object |
//! |---|---|---|
//! | `AttemptRight`, `AttemptWrong`, `Attempt` | `GradeEvent`, `Graded`: right where all points were given, after the score in `generated` | what was attempted (`assignable`), else the attempt |
//! | `VideoPlayed` | `MediaEvent`: `Started`, `Restarted` or `Resumed`; not the `Started` of Open edX, which sends it when a video is loaded | the video |
//! | `Post`, `Response` | `MessageEvent`, `Posted`: a response where the message has a `replyTo` | the message |

mod entity;
mod event;
mod kinds;
mod roles;

use std::sync::Arc;

use self::event::CaliperEvents;
use self::kinds::Kinds;
use super::log_format::{FileRole, LogFormat, OpenRequest};
use super::statements::{self, Layout, StatementFormat};
use crate::error::ReadError;
use crate::file_head::FileHead;
use crate::json;
use crate::source::Source;

const FORMAT: StatementFormat = StatementFormat {
    name: "caliper",
    layout: Layout::Objects(b"data"),
    is_statement: is_event,
    description: "it is JSON events with type, action, actor and eventTime",
    evidence: "has events with action, actor and eventTime",
    no_evidence: "has no events with action, actor and eventTime near its beginning",
};

/// Reads events of Caliper Analytics.
pub(super) struct Caliper;

impl LogFormat for Caliper {
    fn name(&self) -> &'static str {
        FORMAT.name
    }

    fn summary(&self) -> &'static str {
        "Caliper 1.0 to 1.2 events, as JSON lines, arrays or envelopes"
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
        statements::open(request, &FORMAT, &CaliperEvents { kinds }, all)
    }
}

fn is_event(object: &[u8]) -> bool {
    let mut has = [false; 3];
    let whole = json::object(object, |key, cursor| {
        has[0] |= key == b"action";
        has[1] |= key == b"actor";
        has[2] |= key == b"eventTime";
        cursor.skip()
    });
    whole.is_ok() && has == [true; 3]
}
