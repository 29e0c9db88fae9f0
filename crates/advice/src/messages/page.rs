//! The messages of an outbox as people read them before they approve.

use std::fmt::Write;

use super::one_line;
use super::records::Message;
use super::state::State;
use crate::policy::Channel;

/// Writes the messages, one under the other, those first that wait for a decision.
pub(super) fn page<'a>(messages: impl Iterator<Item = (&'a Message, State)>) -> String {
    let mut messages: Vec<(&Message, State)> = messages.collect();
    messages.sort_by_key(|(_, state)| order(*state));
    let waiting = messages.iter().filter(|(_, state)| order(*state) == 0).count();
    let mut text = format!(
        "Messages: {}. Waiting for a decision: {waiting}.\nNothing is sent before it is approved.\n",
        messages.len()
    );
    for (message, state) in messages {
        let Message { id, course_id, week, action, channel, to, to_name, subject, body, .. } = message;
        // An id with a line break in it would write lines of its own.
        let (course, action) = (one_line(course_id, 200), one_line(action, 60));
        let by = match channel {
            Channel::Mail => "mail to",
            Channel::Text => "text to",
            Channel::Call => "call to",
        };
        let who = if to_name.is_empty() { to.clone() } else { format!("{to_name} <{to}>") };
        let _ = write!(
            text,
            "\n{}\n{id}  {}\n{action}, {by} {who}\nCourse {course}, week {week}\n\n    {subject}\n\n",
            "-".repeat(72),
            state.words(),
        );
        for line in body.trim_end().lines() {
            let _ = if line.is_empty() { writeln!(text) } else { writeln!(text, "    {line}") };
        }
    }
    staycast_text::escape_lines(&text).into_owned()
}

const fn order(state: State) -> u8 {
    match state {
        State::Drafted | State::Changed => 0,
        State::Approved | State::Failed | State::Unsure => 1,
        State::Sent => 2,
        State::Rejected => 3,
    }
}

impl State {
    /// Returns what people read.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Drafted => "waiting for approval",
            Self::Approved => "approved",
            Self::Changed => "changed since it was approved; approve it again",
            Self::Rejected => "rejected",
            Self::Unsure => "begun, perhaps arrived",
            Self::Failed => "failed, will be tried again",
            Self::Sent => "sent",
        }
    }
}
