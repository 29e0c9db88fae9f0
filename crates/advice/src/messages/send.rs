//! Sending what was approved, each message once.

use serde::Serialize;

use super::attempt::Attempt;
use super::error::MessageError;
use super::instant_text;
use super::outbox::Outbox;
use super::records::{LogEvent, LogLine, Message};
use super::state::State;
use super::target::Target;

/// Counts what became of the messages of an outbox in one sending.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct SendCounts {
    /// Messages that arrived now.
    pub sent: u64,
    /// Messages that had arrived before.
    pub already_sent: u64,
    /// Messages that certainly did not arrive.
    pub failed: u64,
    /// Messages of which nobody knows whether they arrived.
    pub unsure: u64,
    /// Approved messages that wait for the end of the quiet hours.
    pub quiet: u64,
    /// Approved messages to learners who had one too recently, or enough of them this week.
    pub limit_reached: u64,
    /// Messages that began towards another target, which alone may get them again.
    pub begun_elsewhere: u64,
    /// Approved messages that were not tried, because the target takes none.
    pub not_tried: u64,
    /// Messages that are not approved.
    pub not_approved: u64,
    /// When the quiet hours end.
    pub quiet_until: Option<String>,
    /// Errors, by message.
    pub problems: Vec<SendProblem>,
}

/// Says what went wrong with a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SendProblem {
    /// Its id.
    pub id: String,
    /// The error.
    pub what: String,
}

/// Counts the messages in a row without an answer after which no other one is tried.
const MOST_UNSURE_IN_A_ROW: u32 = 3;

/// Sends the approved messages of an outbox. `now` tells the time.
///
/// Before a message leaves, the log says so on the disk. After a kill the message is sent again to the same target under the
/// same key, so that the target can tell that it has it: a folder does by the file, a server by the `Idempotency-Key`.
///
/// # Errors
/// When the log can't be written. A message that can't be delivered is counted.
pub fn send(outbox: &mut Outbox, target: &Target, now: &dyn Fn() -> i64) -> Result<SendCounts, MessageError> {
    let mut counts = SendCounts::default();
    let mut due: Vec<Message> = Vec::new();
    for (message, state) in outbox.messages() {
        match state {
            State::Sent => counts.already_sent += 1,
            State::Drafted | State::Changed | State::Rejected => counts.not_approved += 1,
            State::Approved | State::Failed | State::Unsure => due.push(message.clone()),
        }
    }
    let shown = target.shown();
    let limits = outbox.limits;
    let mut is_hopeless = false;
    let mut unsure_in_a_row = 0;
    for message in due {
        let at = now();
        let before = outbox.sending(&message.id).cloned().unwrap_or_default();
        let may_have_arrived = matches!(before.last, Some(LogEvent::Begun | LogEvent::Unsure));
        if is_hopeless {
            counts.not_tried += 1;
            continue;
        }
        if may_have_arrived && before.target != shown {
            counts.begun_elsewhere += 1;
            let what = format!("it began towards {}, and may have arrived there", before.target);
            counts.problems.push(SendProblem { id: message.id, what });
            continue;
        }
        if let Some(until) = limits.quiet_until(at) {
            counts.quiet += 1;
            counts.quiet_until = Some(instant_text(until));
            continue;
        }
        let to_learner = outbox.messages.iter().filter(|other| other.learner_id == message.learner_id);
        let sent: Vec<i64> = to_learner.filter_map(|other| outbox.sending(&other.id)?.sent_at).collect();
        if !may_have_arrived && limits.refuses(at, sent) {
            counts.limit_reached += 1;
            continue;
        }
        let line = |event, at, problem| LogLine {
            id: message.id.clone(),
            event,
            at: instant_text(at),
            target: shown.clone(),
            problem,
        };
        outbox.log(&line(LogEvent::Begun, at, None))?;
        let begun_at = outbox.sending(&message.id).and_then(|sending| sending.begun_at).unwrap_or(at);
        let attempt = target.deliver(&message, begun_at, limits.utc_offset_minutes);
        // What may have arrived in an earlier attempt may still have.
        let attempt = match attempt {
            Attempt::Hopeless(why) => {
                is_hopeless = true;
                Attempt::Failed(why)
            }
            attempt => attempt,
        };
        let attempt = match attempt {
            Attempt::Failed(why) if may_have_arrived => Attempt::Unsure(why),
            attempt => attempt,
        };
        let (event, problem) = match attempt {
            Attempt::Arrived => (LogEvent::Sent, None),
            Attempt::Failed(why) | Attempt::Hopeless(why) => (LogEvent::Failed, Some(why)),
            Attempt::Unsure(why) => (LogEvent::Unsure, Some(why)),
        };
        match event {
            LogEvent::Sent => counts.sent += 1,
            LogEvent::Failed => counts.failed += 1,
            LogEvent::Begun | LogEvent::Unsure => counts.unsure += 1,
        }
        // A server that never answers would keep everybody waiting for every message.
        unsure_in_a_row = if event == LogEvent::Unsure { unsure_in_a_row + 1 } else { 0 };
        is_hopeless |= unsure_in_a_row == MOST_UNSURE_IN_A_ROW;
        if let Some(what) = &problem {
            counts.problems.push(SendProblem { id: message.id.clone(), what: what.clone() });
        }
        outbox.log(&line(event, now(), problem))?;
    }
    outbox.write_results()?;
    Ok(counts)
}
