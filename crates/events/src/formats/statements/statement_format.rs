//! The properties of a format of statements: how its logs are told from other files, and how statements stand in them.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};

use crate::error::ReadError;
use crate::file_head::FileHead;
use crate::formats::log_format::FileRole;
use crate::input::Packing;
use crate::json;
use crate::objects::ObjectLines;
use crate::text::{LineParser, TextFile};
use crate::text_lines::lines;

/// Describes a format of logs that consist of statements.
pub(in crate::formats) struct StatementFormat {
    /// Its name.
    pub(in crate::formats) name: &'static str,
    /// How statements may stand in a file.
    pub(in crate::formats) layout: Layout,
    /// Tells whether a line (or an object, by the layout) is a statement of the format.
    pub(in crate::formats) is_statement: fn(&[u8]) -> bool,
    /// Describes its logs: "it is …".
    pub(in crate::formats) description: &'static str,
    /// Says of a log that it is one: "has …".
    pub(in crate::formats) evidence: &'static str,
    /// Says of another file that it is none: "has no …".
    pub(in crate::formats) no_evidence: &'static str,
}

/// Says how a format's statements may stand in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::formats) enum Layout {
    /// One a line.
    Lines,
    /// One a line, or else in a text of JSON objects: an array, one after another, or in the list of this name of an
    /// envelope.
    Objects(&'static [u8]),
}

impl StatementFormat {
    /// Decides the role of a file: a log, if there is a statement of the format near its beginning.
    pub(in crate::formats) fn detect(&self, file: &FileHead) -> FileRole {
        match file.not_text().is_none() && self.has_statement(file.text()) {
            true => FileRole::decisive("log", self.evidence),
            false => FileRole::none(self.no_evidence),
        }
    }

    fn has_statement(&self, text: &[u8]) -> bool {
        match self.layout {
            Layout::Lines => lines(text).any(self.is_statement),
            Layout::Objects(list) => {
                let mut objects = Vec::new();
                // Reading from memory does not fail.
                let read = ObjectLines::new(text, list).read_to_end(&mut objects);
                read.is_ok() && lines(&objects).any(self.is_statement)
            }
        }
    }
}

/// Makes a file of lines, each a statement, out of the file with this head.
///
/// # Errors
/// When it is not text.
pub(super) fn text_file<P: LineParser>(head: &FileHead, layout: Layout, parser: P) -> Result<TextFile<P>, ReadError> {
    head.require_text()?;
    Ok(match layout {
        Layout::Objects(list) if !has_object_per_line(head.text(), list) || has_list(&last_lines(head), list) => {
            TextFile::new_of_objects(head, list, parser)
        }
        Layout::Lines | Layout::Objects(_) => TextFile::new(head, head.text_start(), parser),
    })
}

/// Tells whether the first line that is not blank holds a whole object, and no line an envelope or an array of objects.
fn has_object_per_line(text: &[u8], list: &[u8]) -> bool {
    let mut lines = lines(text).map(<[u8]>::trim_ascii).filter(|line| !line.is_empty());
    lines.next().is_some_and(|first| json::object(first, |_, cursor| cursor.skip()).is_ok()) && !has_list(text, list)
}

/// Tells whether a line of `text` holds an envelope or an array of objects.
fn has_list(text: &[u8], list: &[u8]) -> bool {
    lines(text).map(<[u8]>::trim_ascii).any(|line| is_list(line, list))
}

/// Tells whether a line holds an envelope, an object whose member `list` is an array, or begins an array of objects.
pub(in crate::formats) fn is_list(line: &[u8], list: &[u8]) -> bool {
    let rest = line.strip_prefix(b"[").unwrap_or_default().trim_ascii_start();
    let mut is_envelope = false;
    // What is no whole object is none, up to where it breaks.
    let _ = json::object(line, |key, cursor| {
        is_envelope |= key == list && cursor.is_array();
        cursor.skip()
    });
    is_envelope || rest.first() == Some(&b'{')
}

/// Reads the last whole lines of a file that is not packed, beyond its head: stores append lists to logs of single
/// statements. Empty where there are none, or they can't be read, which the reading itself will say.
fn last_lines(head: &FileHead) -> Vec<u8> {
    const BYTES: u64 = 64 << 10;
    let read = || -> std::io::Result<Vec<u8>> {
        let mut file = File::open(head.path())?;
        let length = file.metadata()?.len();
        let from = length.saturating_sub(BYTES).max(head.text().len() as u64);
        file.seek(SeekFrom::Start(from.min(length)))?;
        let mut bytes = Vec::new();
        file.take(BYTES).read_to_end(&mut bytes)?;
        // The first line may have begun before.
        let whole = bytes.iter().position(|&byte| byte == b'\n').map_or(bytes.len(), |newline| newline + 1);
        Ok(bytes.split_off(whole))
    };
    match head.packing() {
        Packing::Plain => read().unwrap_or_default(),
        Packing::Gzip | Packing::Zstd => Vec::new(),
    }
}
