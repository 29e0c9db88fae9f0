//! Opens the log in files, or in a database, whatever its format.

use std::path::{Path, PathBuf};

use super::database_url::DatabaseUrl;
use super::detect::{self, Detection};
use super::labels::apply_labels;
use super::log_format::OpenRequest;
use super::open_options::OpenOptions;
use super::registry::Format;
use crate::error::ReadError;
use crate::file_head::FileHeads;
use crate::input::{self, file_name};
use crate::source::{Source, SourceLabels};
use crate::source_inputs::InputFile;
use crate::text::BLOCK_BYTES;

/// Opens the log in `inputs`: files, or folders that hold a format's files.
///
/// # Errors
/// When no format fits, or a table that the format needs is missing or can't be used.
pub fn open(inputs: &[PathBuf], options: &OpenOptions) -> Result<Source, ReadError> {
    open_in_blocks(inputs, options, BLOCK_BYTES)
}

/// Opens as [`open`] does, with event files that are read in blocks of about `block_bytes`. The events do not depend on
/// it.
///
/// # Errors
/// As [`open`].
pub fn open_in_blocks(inputs: &[PathBuf], options: &OpenOptions, block_bytes: usize) -> Result<Source, ReadError> {
    let heads = FileHeads::default();
    let source = match &options.source {
        Some(address) => open_database(address, inputs, options, &heads, block_bytes)?,
        None => open_files(inputs, options, &heads, block_bytes)?,
    };
    finish(source, options, &heads, block_bytes)
}

fn open_files(
    inputs: &[PathBuf],
    options: &OpenOptions,
    heads: &FileHeads,
    block_bytes: usize,
) -> Result<Source, ReadError> {
    let inputs = &input::expand_patterns(inputs)?;
    let paths = input::list_files(inputs)?;
    let Detection { format, evidence, files } = choose(&paths, options, heads)?;
    if let Some(path) = options.mapping.as_ref().filter(|_| !format.needs_mapping()) {
        return Err(ReadError::NeedlessMapping { path: path.clone(), format: format.name() });
    }
    let request = OpenRequest {
        inputs,
        files: &files,
        heads,
        mapping: options.mapping.as_deref(),
        courses: options.courses.as_deref(),
        enrolled_again: options.enrolled_again,
        reason: evidence,
        block_bytes,
    };
    format.implementation().open(&request)
}

/// Chooses the format: the one asked for, the one that a mapping means, or else the one that the files show.
fn choose(paths: &[PathBuf], options: &OpenOptions, heads: &FileHeads) -> Result<Detection, ReadError> {
    let (format, evidence) = match (options.format, &options.mapping) {
        (Some(format), _) => (format, "chosen by the user".to_owned()),
        (None, Some(mapping)) => (Format::mapped_tables(), format!("described by {}", file_name(mapping))),
        (None, None) => return detect::detect(paths, heads),
    };
    let files = match format.implementation().finds_files_by_name() || options.mapping.is_some() {
        true => Vec::new(),
        false => detect::assign(paths, heads, format)?,
    };
    Ok(Detection { format, evidence, files })
}

fn open_database(
    address: &DatabaseUrl,
    inputs: &[PathBuf],
    options: &OpenOptions,
    heads: &FileHeads,
    block_bytes: usize,
) -> Result<Source, ReadError> {
    if !inputs.is_empty() {
        return Err(ReadError::FilesAndDatabase);
    }
    let known = Format::all().find(|format| format.implementation().is_in_databases());
    let format = options.format.or(known).ok_or(ReadError::NoDatabases)?;
    if options.mapping.is_some() && format.implementation().is_in_databases() {
        return Err(ReadError::MappingForDatabase);
    }
    let request = OpenRequest {
        inputs: &[],
        files: &[],
        heads,
        mapping: None,
        courses: options.courses.as_deref(),
        enrolled_again: options.enrolled_again,
        reason: "read from its database".to_owned(),
        block_bytes,
    };
    format.implementation().open_database(address, &request)
}

/// Does what holds for every format: the size of blocks, no file twice, labels from elsewhere.
fn finish(
    mut source: Source,
    options: &OpenOptions,
    heads: &FileHeads,
    block_bytes: usize,
) -> Result<Source, ReadError> {
    for file in &mut source.events {
        file.set_block_bytes(block_bytes);
    }
    refuse_packed_copies(&source)?;
    if source.roster.enrolled_again != options.enrolled_again {
        return Err(ReadError::EnrolledAgain { format: source.format, rule: options.enrolled_again.name() });
    }
    source.capabilities = source.capabilities.with_kinds(&source.kinds);
    // Whichever format: dates that the user gave are not the source's own.
    for file in source.inputs.iter_mut().filter(|file| Some(&file.path) == options.courses.as_ref()) {
        file.role = "courses-file";
    }
    if let Some(path) = &options.labels {
        replace_labels(&mut source, path, heads)?;
    }
    Ok(source)
}

/// Takes the labels of a source's enrolments from the file at `path` alone.
pub(super) fn replace_labels(source: &mut Source, path: &Path, heads: &FileHeads) -> Result<(), ReadError> {
    source.roster.enrolments.iter_mut().for_each(|enrolment| enrolment.dropout = None);
    apply_labels(&*heads.get(path)?, &mut source.roster, &mut source.tables)?;
    source.labels = SourceLabels::Labels;
    source.inputs.push(InputFile { role: "labels", path: path.to_owned() });
    Ok(())
}

/// Fails when a file stands beside its own packed copy, as every row would count twice.
fn refuse_packed_copies(source: &Source) -> Result<(), ReadError> {
    let bare = |path: &Path| path.with_file_name(input::bare_name(path));
    for (place, file) in source.inputs.iter().enumerate() {
        let copy = |other: &&InputFile| other.path != file.path && bare(&other.path) == bare(&file.path);
        if let Some(other) = source.inputs[..place].iter().find(copy) {
            return Err(ReadError::PackedCopy { path: other.path.clone(), copy: file_name(&file.path) });
        }
    }
    Ok(())
}
