//! Tells the format of files from their heads.

use std::path::Path;
use std::sync::Arc;

use super::log_format::{DetectedFile, FileRole};
use super::registry::Format;
use crate::content::NotText;
use crate::error::ReadError;
use crate::file_head::{FileHead, FileHeads};
use crate::header::{ROWS_BELOW, names_shown};
use crate::json;
use crate::offered::{Offer, OfferedFile, Origin};
use crate::text_lines::lines;

/// Bounds the files that the error names when no format fits.
const SHOWN_FILES: usize = 5;

/// Bounds the bytes of a file that are looked at to describe it in that error.
const SHOWN_BYTES: usize = 4_096;

/// Holds a format, the evidence for it, and the roles of all files offered in it.
pub(super) struct Detection {
    pub(super) format: Format,
    pub(super) evidence: String,
    pub(super) files: Vec<DetectedFile>,
}

/// Tells the format of the files offered.
///
/// # Errors
/// When a file can't be read or no format fits; the error describes the files.
pub(super) fn detect(offer: &Offer, heads: &FileHeads) -> Result<Detection, ReadError> {
    let formats: Vec<Format> = Format::all().collect();
    let files = assign_roles(&offer.files, heads, &formats)?;
    for (place, format) in formats.into_iter().enumerate() {
        let own: Vec<DetectedFile> = files.iter().map(|(head, roles)| in_format(head, roles, place)).collect();
        if let Some(evidence) = format.implementation().evidence(&own) {
            return Ok(Detection { format, evidence, files: own });
        }
    }
    refuse_no_text(files.iter().map(|(head, _)| head.as_ref()), &offer.files)?;
    let seen = match offer.files.is_empty() {
        true => "there is no file".to_owned(),
        false => describe(offer.files.iter().zip(files.iter().map(|(head, _)| head.as_ref()))),
    };
    let paths: Vec<&Path> = offer.files.iter().map(|file| file.path.as_path()).collect();
    let where_ = match paths.as_slice() {
        [] => "an empty folder".to_owned(),
        // The parent of a bare file name is the empty path.
        [first, ..] => match first.parent() {
            Some(folder) if folder != Path::new("") => folder.display().to_string(),
            _ => "the files".to_owned(),
        },
    };
    let by_name = offer.files.iter().any(|file| file.origin == Origin::Named);
    Err(ReadError::UnknownFormat { where_, seen, by_name })
}

/// Fails where files that were given by name are no text, a spreadsheet for one.
fn refuse_no_text<'h>(heads: impl Iterator<Item = &'h FileHead>, files: &[OfferedFile]) -> Result<(), ReadError> {
    let named = files.iter().zip(heads).filter(|(file, _)| file.origin == Origin::Named);
    let mut refused = named.filter_map(|(file, head)| head.not_text().map(|not_text| (file, not_text)));
    match refused.next() {
        None => Ok(()),
        Some((first, NotText { what, what_to_do })) => Err(ReadError::NotRead {
            path: first.path.clone(),
            why: what.to_owned(),
            what_to_do: Some(what_to_do),
            others: refused.map(|(file, _)| file.name.clone()).collect(),
        }),
    }
}

/// Assigns roles in `format` to the files offered. Where the format takes any text and none is like its logs, all are
/// taken for logs: reading them tells best what is wrong with them.
///
/// # Errors
/// When a file can't be read.
pub(super) fn assign(offer: &Offer, heads: &FileHeads, format: Format) -> Result<Vec<DetectedFile>, ReadError> {
    let files = assign_roles(&offer.files, heads, &[format])?;
    let mut files: Vec<DetectedFile> = files.iter().map(|(head, roles)| in_format(head, roles, 0)).collect();
    if format.implementation().takes_any_text() && files.iter().all(|file| file.role.name.is_none()) {
        let is_text = |file: &DetectedFile| file.head.not_text().is_none() && !file.head.is_blank();
        let any_text = files.iter().any(is_text);
        let may_be = |file: &&mut DetectedFile| !any_text || is_text(file);
        files.iter_mut().filter(may_be).for_each(|file| file.role = FileRole::named_only("log"));
    }
    Ok(files)
}

type HeadAndRoles = (Arc<FileHead>, Vec<FileRole>);

/// Returns the role of a file in the format at `place` of those asked.
fn in_format(head: &Arc<FileHead>, roles: &[FileRole], place: usize) -> DetectedFile {
    DetectedFile { head: Arc::clone(head), role: roles[place] }
}

/// Reads the head of each file and asks each of `formats` for its role, while all of the head is there.
fn assign_roles(files: &[OfferedFile], heads: &FileHeads, formats: &[Format]) -> Result<Vec<HeadAndRoles>, ReadError> {
    let roles = |head: &FileHead| formats.iter().map(|format| format.implementation().detect(head)).collect::<Vec<_>>();
    files
        .iter()
        .map(|file| heads.look(&file.path, roles, |roles| roles.iter().any(|role| role.name.is_some())))
        .collect()
}

/// Describes the first few files, for the error that says no format fits. Of their contents only names of columns and
/// members are shown, as data may name learners.
fn describe<'h>(files: impl ExactSizeIterator<Item = (&'h OfferedFile, &'h FileHead)>) -> String {
    let more = files.len().saturating_sub(SHOWN_FILES);
    let mut shown: Vec<String> =
        files.take(SHOWN_FILES).map(|(file, head)| format!("{} {}", file.name, describe_contents(head))).collect();
    if more > 0 {
        shown.push(format!("and {more} more"));
    }
    shown.join("; ")
}

fn describe_contents(head: &FileHead) -> String {
    if head.is_blank() {
        return "is empty".to_owned();
    }
    if let Some(NotText { what, what_to_do }) = head.not_text() {
        return format!("{what} ({what_to_do})");
    }
    let text = &head.text()[..head.text().len().min(SHOWN_BYTES)];
    let mut first_lines = lines(text).map(String::from_utf8_lossy);
    let first = first_lines.next().unwrap_or_default();
    if let Some(members) = members_of(first.as_bytes()) {
        return match names_shown(&members, &[]) {
            (names, true) => format!("is JSON with the members {names}"),
            (_, false) => "is JSON whose members are not known".to_owned(),
        };
    }
    let separator = [',', ';', '\t', '|'].into_iter().max_by_key(|&sign| first.matches(sign).count()).unwrap_or(',');
    let split =
        |line: &str| -> Vec<String> { line.split(separator).map(|cell| cell.trim_matches('"').to_owned()).collect() };
    let below: Vec<Vec<String>> = first_lines.take(ROWS_BELOW).map(|line| split(&line)).collect();
    match (names_shown(&split(&first), &below), separator) {
        ((_, false), _) => "has no header that is known".to_owned(),
        ((names, true), ',') => format!("has the columns {names}"),
        ((names, true), '\t') => format!("has the columns {names}, separated by tabs"),
        ((names, true), sign) => format!("has the columns {names}, separated by `{sign}`"),
    }
}

/// Returns the names of the members of a JSON object, as far as it is one.
fn members_of(text: &[u8]) -> Option<Vec<String>> {
    let brace =
        text.iter().position(|&byte| byte == b'{').filter(|&brace| text[..brace].iter().all(|b| b" [".contains(b)))?;
    let mut members = Vec::new();
    // A long object is cut here: what comes before is enough.
    let _ = json::object(&text[brace..], |key, cursor| {
        members.push(String::from_utf8_lossy(key).into_owned());
        cursor.skip()
    });
    (!members.is_empty()).then_some(members)
}
