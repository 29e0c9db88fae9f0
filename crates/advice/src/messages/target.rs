//! Where messages go.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use staycast_files::{FileDraft, IfExists};

use super::attempt::Attempt;
use super::eml::{eml, text};
use super::error::MessageError;
use super::records::Message;
use super::webhook::Webhook;
use crate::policy::Channel;

/// Holds where messages go.
#[derive(Debug)]
pub enum Target {
    /// A folder: a file for each message.
    Folder(PathBuf),
    /// A server that takes each message as JSON.
    Webhook(Webhook),
}

impl Target {
    /// Takes a folder, which is made where it is missing.
    ///
    /// # Errors
    /// When it can't be made.
    pub fn folder(path: &Path) -> Result<Self, MessageError> {
        staycast_files::make_folder(path)?;
        let path = fs::canonicalize(path).map_err(|source| MessageError::read(path, source))?;
        Ok(Self::Folder(path))
    }

    /// Takes a server: `address` as `https://example.org/messages`, and a token where it wants one.
    ///
    /// # Errors
    /// When it is no address that names and addresses may be sent to.
    pub fn webhook(address: &str, token: Option<staycast_text::Secret>) -> Result<Self, MessageError> {
        Ok(Self::Webhook(Webhook::new(address, token)?))
    }

    /// Returns the name in the log and in messages, without anything secret.
    #[must_use]
    pub fn shown(&self) -> String {
        match self {
            Self::Folder(path) => format!("file:{}", path.display()),
            Self::Webhook(webhook) => webhook.shown(),
        }
    }

    /// Delivers a message. A second attempt delivers nothing that has arrived.
    pub(super) fn deliver(&self, message: &Message, begun_at: i64, utc_offset_minutes: i16) -> Attempt {
        match self {
            Self::Folder(folder) => write(folder, message, begun_at, utc_offset_minutes),
            Self::Webhook(webhook) => webhook.deliver(message),
        }
    }
}

/// Writes a message into a file of its name. Where it is there already, an earlier attempt has written it.
fn write(folder: &Path, message: &Message, begun_at: i64, utc_offset_minutes: i16) -> Attempt {
    let (ending, content) = match message.channel {
        Channel::Mail => ("eml", eml(message, begun_at, utc_offset_minutes)),
        Channel::Text | Channel::Call => ("txt", text(message)),
    };
    let path = folder.join(format!("{}.{ending}", message.id));
    let is_there = || match fs::read(&path) {
        Ok(there) if there == content.as_bytes() => Some(Attempt::Arrived),
        Ok(_) => Some(Attempt::Failed(format!("{}: another message is there", path.display()))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => Some(Attempt::Hopeless(format!("{}: {error}", path.display()))),
    };
    if let Some(found) = is_there() {
        return found;
    }
    let written =
        FileDraft::begin(&path).and_then(|mut draft| {
            io::Write::write_all(draft.file_mut(), content.as_bytes())
                .map_err(|source| staycast_files::WriteError { action: "write", path: path.clone(), source })?;
            draft.publish(IfExists::Refuse)
        });
    match written {
        Ok(()) => Attempt::Arrived,
        Err(error) if error.is_taken() => {
            is_there().unwrap_or_else(|| Attempt::Failed(format!("{}: it was there and is gone", path.display())))
        }
        Err(error) => Attempt::Hopeless(error.to_string()),
    }
}
