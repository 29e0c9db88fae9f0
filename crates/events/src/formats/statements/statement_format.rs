//! The properties of a format of statements: how its logs are told from other files, and how statements stand in them.

use std::io::Read;
use std::sync::Arc;

use crate::content;
use crate::error::ReadError;
use crate::file_head::FileHead;
use crate::formats::log_format::FileRole;
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
    /// One a line, or else in a text of JSON objects: an array of them, or one after another over several lines.
    LinesOrArray,
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
            Layout::LinesOrArray if is_over_lines(text) => self.is_among_objects(text, NO_LIST),
            Layout::LinesOrArray => lines(text).any(self.is_statement),
            Layout::Objects(list) => self.is_among_objects(text, list),
        }
    }

    fn is_among_objects(&self, text: &[u8], list: &'static [u8]) -> bool {
        let mut objects = Vec::new();
        // Reading from memory does not fail.
        let read = ObjectLines::new(text, list).read_to_end(&mut objects);
        read.is_ok() && lines(&objects).any(self.is_statement)
    }
}

/// A log of a format of statements, and how statements stand in it.
#[derive(Clone, Debug)]
pub(super) struct StatementLog {
    head: Arc<FileHead>,
    layout: Layout,
    /// Whether it is read as lines; otherwise as a text of objects, which is slower and reads every layout.
    in_lines: bool,
}

impl StatementLog {
    /// Takes the file with this head for lines where its head is such.
    pub(super) fn new(head: Arc<FileHead>, layout: Layout) -> Self {
        let in_lines = match layout {
            Layout::LinesOrArray => !is_over_lines(head.text()),
            Layout::Objects(list) => has_object_per_line(head.text(), list),
        };
        Self { head, layout, in_lines }
    }

    /// Returns the name of the list of an envelope, where the log is read as lines of a format that has envelopes: one may
    /// stand in it all the same.
    pub(super) fn unexpected_list(&self) -> Option<&'static [u8]> {
        match self.layout {
            Layout::Objects(list) if self.in_lines => Some(list),
            Layout::Objects(_) | Layout::LinesOrArray => None,
        }
    }

    /// Has the log read as a text of objects from now on.
    pub(super) fn read_as_objects(&mut self) {
        self.in_lines = false;
    }

    /// Makes a file of lines, each a statement, out of it.
    ///
    /// # Errors
    /// When it is not text.
    pub(super) fn text_file<P: LineParser>(&self, parser: P) -> Result<TextFile<P>, ReadError> {
        self.head.require_text()?;
        Ok(match self.layout {
            Layout::Objects(list) if !self.in_lines => TextFile::new_of_objects(&self.head, list, parser),
            Layout::LinesOrArray if !self.in_lines => TextFile::new_of_objects(&self.head, NO_LIST, parser),
            Layout::LinesOrArray | Layout::Objects(_) => TextFile::new(&self.head, self.head.text_start(), parser),
        })
    }
}

/// Stands for the name of an envelope's list where there are no envelopes: no member is called so.
const NO_LIST: &[u8] = b"\0";

/// Tells whether a text begins with an array of objects, or with an object that goes on over lines as programs indent it.
fn is_over_lines(text: &[u8]) -> bool {
    let first = lines(text).map(<[u8]>::trim_ascii).find(|line| !line.is_empty()).unwrap_or_default();
    match first.strip_prefix(b"[") {
        Some(rest) => rest.trim_ascii_start().first().is_none_or(|&sign| sign == b'{') && content::is_json(text),
        None => first == b"{",
    }
}

/// Tells whether the first line that is not blank holds a whole object, and no line an envelope or an array of objects.
fn has_object_per_line(text: &[u8], list: &[u8]) -> bool {
    let mut lines = lines(text).map(<[u8]>::trim_ascii).filter(|line| !line.is_empty());
    lines.next().is_some_and(|first| json::object(first, |_, cursor| cursor.skip()).is_ok() && !is_list(first, list))
        && lines.all(|line| !is_list(line, list))
}

/// Tells whether a line holds an envelope, an object whose member `list` is an array, or begins an array of objects.
pub(super) fn is_list(line: &[u8], list: &[u8]) -> bool {
    let array = line.trim_ascii_start().strip_prefix(b"[").unwrap_or_default().trim_ascii_start();
    let mut is_envelope = false;
    // The members before the place where an object breaks count too: an envelope that is cut short is one.
    let _whole = json::object(line, |key, cursor| {
        is_envelope |= key == list && cursor.is_array();
        cursor.skip()
    });
    is_envelope || array.first() == Some(&b'{')
}
