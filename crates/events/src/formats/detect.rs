//! Tells the format of files from their heads.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::log_format::{DetectedFile, FileRole};
use super::registry::Format;
use crate::error::ReadError;
use crate::file_head::{FileHead, FileHeads};
use crate::input::not_text;
use crate::table::looks_like_a_header;
use crate::text_lines::lines;

/// Files that the error names when no format fits.
const SHOWN_FILES: usize = 5;

/// Bytes of a file that are looked at to describe it in that error.
const SHOWN_BYTES: usize = 4_096;

/// A format, the evidence for it, and the roles of all files offered in it.
pub(super) struct Detection {
    pub(super) format: Format,
    pub(super) evidence: String,
    pub(super) files: Vec<DetectedFile>,
}

/// Tells the format of the files at `paths`.
///
/// # Errors
/// When a file can't be read or no format fits; the error describes the files.
pub(super) fn detect(paths: &[PathBuf], heads: &FileHeads) -> Result<Detection, ReadError> {
    let formats: Vec<Format> = Format::all().collect();
    let files = assign_roles(paths, heads, &formats)?;
    for (place, format) in formats.into_iter().enumerate() {
        let own: Vec<DetectedFile> =
            files.iter().map(|(head, roles)| DetectedFile { head: Arc::clone(head), role: roles[place] }).collect();
        if let Some(evidence) = format.implementation().evidence(&own) {
            return Ok(Detection { format, evidence, files: own });
        }
    }
    let seen = match paths.is_empty() {
        true => "there is no file".to_owned(),
        false => describe(files.iter().map(|(head, _)| head.as_ref())),
    };
    let where_ = match paths {
        [] => "an empty folder".to_owned(),
        // The parent of a bare file name is the empty path.
        [first, ..] => match first.parent() {
            Some(folder) if folder != Path::new("") => folder.display().to_string(),
            _ => "the files".to_owned(),
        },
    };
    Err(ReadError::UnknownFormat { where_, seen })
}

/// Assigns roles in `format` to the files at `paths`.
///
/// # Errors
/// When a file can't be read.
pub(super) fn assign(paths: &[PathBuf], heads: &FileHeads, format: Format) -> Result<Vec<DetectedFile>, ReadError> {
    let files = assign_roles(paths, heads, &[format])?;
    Ok(files.into_iter().map(|(head, roles)| DetectedFile { head, role: roles[0] }).collect())
}

type HeadAndRoles = (Arc<FileHead>, Vec<FileRole>);

/// Reads the head of each file and asks each of `formats` for its role, while all of the head is there.
fn assign_roles(paths: &[PathBuf], heads: &FileHeads, formats: &[Format]) -> Result<Vec<HeadAndRoles>, ReadError> {
    let roles = |head: &FileHead| formats.iter().map(|format| format.implementation().detect(head)).collect::<Vec<_>>();
    paths.iter().map(|path| heads.look(path, roles)).collect()
}

/// Describes the first few files, for the error that says no format fits. Only header-like lines are shown, as data may
/// name learners.
fn describe<'h>(heads: impl Iterator<Item = &'h FileHead>) -> String {
    let describe = |head: &FileHead| {
        let start = &head.bytes()[..head.bytes().len().min(SHOWN_BYTES)];
        let first = lines(start).next().unwrap_or_default();
        let columns = |line: &str| line.split([',', ';', '\t', '|']).map(str::to_owned).collect::<Vec<_>>();
        let header = std::str::from_utf8(first).ok().filter(|line| looks_like_a_header(&columns(line)));
        let what = match (start.is_empty(), not_text(start), header) {
            (true, ..) => "is empty".to_owned(),
            (_, Some(why), _) => format!("is not text ({why})"),
            (_, _, Some(header)) => format!("begins with `{}`", header.chars().take(80).collect::<String>()),
            _ => "has no header that is known".to_owned(),
        };
        format!("{} {what}", head.name())
    };
    heads.take(SHOWN_FILES).map(describe).collect::<Vec<_>>().join("; ")
}
