//! Statements of the Experience API (xAPI 1.0.3, and IEEE 9274.1.1, which says the same of what is read here), as Open
//! edX's event-routing-backends and other learning platforms send them to a learning record store.
//!
//! Statements stand one a line, in an array, one after another, or in the `statements` of what a store answers when it
//! is asked for them.
//!
//! - **Who:** `actor.account`, by its name (text or a number) and its home page, as `statements/learner_ids.rs` says; else
//!   `actor.mbox`, `mbox_sha1sum` or `openid`, as it is written. What a group does, each of its `member`s with an id did;
//!   the group itself is nobody, whether or not it has an id.
//! - **Course:** the object, where its type is a course's; else the first activity of `context.contextActivities.parent`
//!   and `.grouping` whose type is a course's (the last word of the type is `course`), or whose id leads to a course of
//!   Open edX. An id that does so becomes that course's id, as in tracking logs; others stay IRIs. Set aside as `no_course`
//!   where there is none.
//! - **When:** `timestamp`, else `stored`.
//! - **What:** the verb, as the table below and `kinds.rs` say.
//! - **Object:** `object.id`.
//! - **Enrolment:** `registered` and `unregistered` of a course; `passed` and `completed` of one say that it was completed.
//! - **Facts** (`Detail::Fact`), no acts of the actor's: the above, `failed` of a course, and the verbs of grades and
//!   certificates (`kinds.rs`). `attempted` a `question` of Open edX is the score that it computes of an answer; the
//!   answer has a statement of its own, `evaluated`.
//! - **Parts:** an answer is to a part of a problem where it names another statement (`context.statement`), or its parent is a
//!   `GroupActivity`, a `question` or a `cmi.interaction`, which then is the object. Which statement counts for an attempt, of the
//!   whole and its parts, says `statements/parts.rs`; the others are set aside as `part_of_another`.
//! - **Voided:** a statement that another voids never held (part two, 2.3.2), so neither counts, whichever came first:
//!   both are set aside as `voided`. The log is read twice when there are any.
//!
//! - **Id:** `id`. Of statements that bear the same, in any case of letters, the first counts and the others are set aside
//!   as `repeated_id`: an id is of one statement alone (xAPI 1.0.3, part two, 2.4.1), and a store that has it takes no
//!   second (part three, 2.1).
//!
//! Not read: `context.registration`, as an enrolment is a learner in a course.
//!
//! | detail | verb | object |
//! |---|---|---|
//! | `AttemptRight`, `AttemptWrong`, `Attempt` | `evaluated` or `answered`, after `result.success`; `Attempt` where that is not said | the problem |
//! | `VideoPlayed` | `played` | the video |
//! | `Post`, `Response` | `posted`, `created`, `replied` or `commented` in a discussion; a response where the verb says so or the object is one of the `comments` of Open edX, which tells answers and comments on them not apart | what was written |
//! | `UpvoteGiven`, `DownvoteGiven` | `voted`, after the extension `…/acrossx/extensions/type`; `liked` | what was voted on |

mod kinds;
mod statement;

use std::sync::Arc;

use self::kinds::Kinds;
use self::statement::XapiStatements;
use super::log_format::{FileRole, LogFormat, OpenRequest};
use super::statements::{self, Layout, StatementFormat};
use crate::error::ReadError;
use crate::file_head::FileHead;
use crate::json;
use crate::source::Source;

const FORMAT: StatementFormat = StatementFormat {
    name: "xapi",
    layout: Layout::Objects(b"statements"),
    is_statement,
    description: "it is JSON statements with actor, verb and object",
    evidence: "has statements with actor, verb and object",
    no_evidence: "has no statements with actor, verb and object near its beginning",
};

/// Reads statements of the Experience API.
pub(super) struct Xapi;

impl LogFormat for Xapi {
    fn name(&self) -> &'static str {
        FORMAT.name
    }

    fn summary(&self) -> &'static str {
        "xAPI statements, as JSON lines or arrays"
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
        statements::open(request, &FORMAT, &XapiStatements { kinds }, all)
    }
}

fn is_statement(object: &[u8]) -> bool {
    let mut has = [false; 3];
    let whole = json::object(object, |key, cursor| {
        has[0] |= key == b"actor";
        has[1] |= key == b"verb";
        has[2] |= key == b"object";
        cursor.skip()
    });
    whole.is_ok() && has == [true; 3]
}
