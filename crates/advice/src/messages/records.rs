//! The lines of an outbox's files.

use serde::{Deserialize, Serialize};

use super::{instant, one_line};
use crate::policy::file::is_language;
use crate::policy::{ActionKind, Channel, Mailbox, is_address};
use crate::reasons::Behaviour;
use crate::worklist::WhichList;

/// Holds a message as it was drafted. Whoever approves it may change its texts before.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Message {
    /// Follows from course, enrolment, week and action: the same draft twice is one message.
    pub id: String,
    /// When it was drafted, as `2026-03-02T08:00:00Z`.
    pub drafted_at: String,
    /// The course.
    pub course_id: String,
    /// The enrolment.
    pub enrolment_id: String,
    /// The learner.
    pub learner_id: String,
    /// Weeks that the worklist had seen.
    pub week: u16,
    /// The list.
    pub list: WhichList,
    /// Name of the action.
    pub action: String,
    /// Kind of the action.
    pub kind: ActionKind,
    /// How it reaches the learner.
    pub channel: Channel,
    /// The first reason.
    pub behaviour: Option<Behaviour>,
    /// Language of the text.
    pub language: String,
    /// Who a mail is from.
    pub from: Mailbox,
    /// Name of who gets it; may be empty.
    pub to_name: String,
    /// Address or telephone number.
    pub to: String,
    /// The subject.
    pub subject: String,
    /// The text.
    pub body: String,
}

/// Bounds the letters of texts in an outbox.
const LONGEST_LINE: usize = 300;
const LONGEST_BODY: usize = 100_000;

/// Returns the id of a message.
pub(super) fn message_id(course: &str, enrolment: &str, week: u16, action: &str) -> String {
    let mut hash = blake3::Hasher::new();
    for part in [course, enrolment, &week.to_string(), action] {
        hash.update(&(part.len() as u64).to_le_bytes()).update(part.as_bytes());
    }
    hash.finalize().to_hex()[..32].to_owned()
}

impl Message {
    /// Returns a fingerprint of all that it says, by which an approval is of this text.
    pub(super) fn content(&self) -> String {
        let text = serde_json::to_vec(self).expect("texts and numbers have a JSON form");
        blake3::hash(&text).to_hex()[..32].to_owned()
    }

    /// Says what is wrong with a message of an outbox that may have been edited.
    pub(super) fn problem(&self) -> Option<&'static str> {
        let is_line = |text: &str| one_line(text, LONGEST_LINE) == text;
        if self.id != message_id(&self.course_id, &self.enrolment_id, self.week, &self.action) {
            Some("`id` is not the one of course, enrolment, week and action")
        } else if instant(&self.drafted_at).is_none() {
            Some("`drafted_at` is no time")
        } else if !self.from.is_sound() {
            Some("`from` is no address of mail")
        } else if self.channel == Channel::Mail && !is_address(&self.to) {
            Some("`to` is no address of mail")
        } else if self.to.is_empty() || !is_line(&self.to) || !is_line(&self.to_name) {
            Some("`to` and `to_name` are one line of visible text")
        } else if !is_language(&self.language) {
            Some("`language` is no language")
        } else if self.subject.is_empty() || !is_line(&self.subject) {
            Some("`subject` is one line of visible text")
        } else if self.body.trim().is_empty() || self.body.len() > LONGEST_BODY {
            Some("`body` is empty or too long")
        } else if staycast_text::escape_lines(&self.body) != self.body {
            Some("`body` has letters that can't be seen")
        } else {
            None
        }
    }
}

/// Names what was decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Verdict {
    Approved,
    Rejected,
}

/// Holds a decision about a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DecisionLine {
    pub(super) id: String,
    pub(super) decision: Verdict,
    pub(super) decided_at: String,
    /// Fingerprint of the message as it was then.
    pub(super) content: String,
}

/// Names what happened to a message on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum LogEvent {
    /// It is about to leave. Written before anything leaves.
    Begun,
    /// It has arrived at the target.
    Sent,
    /// It certainly has not.
    Failed,
    /// Nobody knows: no answer came.
    Unsure,
}

/// Holds one line of the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LogLine {
    pub(super) id: String,
    pub(super) event: LogEvent,
    pub(super) at: String,
    /// Where to, without anything secret.
    pub(super) target: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) problem: Option<String>,
}
