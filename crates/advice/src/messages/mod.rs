//! Messages from templates: drafts for approval, and an outbox that sends each message once.
//!
//! [`Draft`] turns a worklist into messages in an [`Outbox`]; nothing is sent. People approve or reject them. [`send`] delivers
//! what was approved. Before anything leaves, the intent is on disk; so a message that was delivered is never delivered
//! again under another key, however the process ends.

mod attempt;
mod contacts;
mod csv_table;
mod draft;
mod eml;
mod error;
mod items;
mod outbox;
mod page;
mod records;
mod row_counts;
mod send;
mod state;
mod target;
mod templates;
mod variables;
mod webhook;
mod worklist_rows;

pub use contacts::Contacts;
pub use draft::{Draft, DraftCounts, NotDrafted, Reason};
pub use error::MessageError;
pub use items::Items;
pub use outbox::{Decision, DecisionCounts, OUTBOX_FILES, Outbox, Which};
pub use records::Message;
pub use row_counts::RowCounts;
pub use send::{SendCounts, SendProblem, send};
pub use state::State;
pub use target::Target;
pub use templates::{Templates, built_in_templates};
pub use variables::VARIABLES;
pub use worklist_rows::{Row, read_worklist};

/// Returns a text of somebody else's on one line: what can't be seen or turns text around becomes a space. Longer texts are
/// cut.
fn one_line(text: &str, most_letters: usize) -> String {
    let visible = staycast_text::escape_by(text, |_, out| out.push(' '));
    let line = visible.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= most_letters {
        return line;
    }
    line.chars().take(most_letters.saturating_sub(1)).chain(['…']).collect()
}

/// Writes an instant, in seconds since 1970, as `2026-03-02T08:00:00Z`.
fn instant_text(seconds: i64) -> String {
    jiff::Timestamp::from_second(seconds).map_or_else(|_| seconds.to_string(), |instant| instant.to_string())
}

/// Reads what [`instant_text`] writes.
fn instant(text: &str) -> Option<i64> {
    text.parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_second)
}

#[cfg(test)]
mod tests;
