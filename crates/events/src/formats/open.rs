//! Opens the log in files, or in a database, whatever its format.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::copies::without_blanks_and_copies;
use super::database_source::DatabaseSource;
use super::detect::{self, Detection};
use super::file_report::Offered;
use super::labels::apply_labels;
use super::log_format::{DetectedFile, OpenRequest};
use super::open_options::OpenOptions;
use super::registry::Format;
use crate::error::ReadError;
use crate::file_head::FileHeads;
use crate::first_lines::FirstLines;
use crate::hidden_later::hide_later;
use crate::input::{self, file_name};
use crate::notice::Notice;
use crate::offered::Offer;
use crate::source::{Source, SourceLabels};
use crate::source_inputs::InputFile;
use crate::text::BLOCK_BYTES;
use crate::{round_ids, withdrawals};

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
        Some(database) => open_database(database, inputs, options, &heads, block_bytes)?,
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
    let offer = Offer::of(inputs)?;
    let Detection { format, evidence, files } = choose(&offer, options, heads)?;
    if let Some(path) = options.mapping.as_ref().filter(|_| !format.needs_mapping()) {
        return Err(ReadError::NeedlessMapping { path: path.clone(), format: format.name() });
    }
    let given: Vec<&Path> =
        [&options.mapping, &options.courses, &options.labels].into_iter().flatten().map(PathBuf::as_path).collect();
    let offered = Offered::new(&offer, heads, &files, &given);
    offered.require_roles()?;
    let needed = without_superfluous(&files, format)?;
    let request = OpenRequest {
        offered: &offer.files,
        files: &needed,
        heads,
        mapping: options.mapping.as_deref(),
        courses: options.courses.as_deref(),
        given: &given,
        enrolled_again: options.enrolled_again,
        as_of: options.as_of,
        objects: options.objects,
        reason: evidence,
        block_bytes,
    };
    let mut source = format.implementation().open(&request).map_err(|error| offered.explain(error))?;
    let read: Vec<&Path> = source.inputs.iter().map(InputFile::path).collect();
    source.files = offered.report(&read)?;
    Ok(source)
}

/// Returns the files that a log is opened from: without empty ones, unless they are all that there is of a role that is
/// needed, and without identical copies. Those without a role stay.
fn without_superfluous(files: &[DetectedFile], format: Format) -> Result<Vec<DetectedFile>, ReadError> {
    let needed = format.implementation().needed_roles();
    let mut kept: Vec<(usize, &DetectedFile)> =
        files.iter().enumerate().filter(|(_, file)| file.role.name.is_none()).collect();
    let mut done: Vec<&str> = Vec::new();
    for role in files.iter().filter_map(|file| file.role.name) {
        if done.contains(&role) {
            continue;
        }
        done.push(role);
        let own: Vec<(usize, &DetectedFile)> =
            files.iter().enumerate().filter(|(_, file)| file.role.name == Some(role)).collect();
        if needed.contains(&role) || own.iter().any(|(_, file)| !file.head.is_blank()) {
            kept.extend(without_blanks_and_copies(own, |(_, file)| (Some(Arc::clone(&file.head)), ()))?);
        }
    }
    kept.sort_by_key(|&(place, _)| place);
    Ok(kept.into_iter().map(|(_, file)| file.clone()).collect())
}

/// Chooses the format: the one asked for, the one that a mapping means, or else the one that the files show.
fn choose(offer: &Offer, options: &OpenOptions, heads: &FileHeads) -> Result<Detection, ReadError> {
    let (format, evidence) = match (options.format, &options.mapping) {
        (Some(format), _) => (format, "chosen by the user".to_owned()),
        (None, Some(mapping)) => (Format::mapped_tables(), format!("described by {}", file_name(mapping))),
        (None, None) => return detect::detect(offer, heads),
    };
    let files = match format.implementation().finds_files_by_name() || options.mapping.is_some() {
        true => Vec::new(),
        false => detect::assign(offer, heads, format)?,
    };
    Ok(Detection { format, evidence, files })
}

fn open_database(
    database: &DatabaseSource,
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
        offered: &[],
        files: &[],
        heads,
        mapping: None,
        courses: options.courses.as_deref(),
        given: &[],
        enrolled_again: options.enrolled_again,
        as_of: options.as_of,
        objects: options.objects,
        reason: "read from its database".to_owned(),
        block_bytes,
    };
    format.implementation().open_database(database, &request)
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
    watch_for_overlaps(&mut source, heads);
    refuse_packed_copies(&source)?;
    if source.roster.enrolled_again != options.enrolled_again {
        return Err(ReadError::EnrolledAgain { format: source.format, rule: options.enrolled_again.name() });
    }
    source.capabilities = source.capabilities.with_kinds(&source.kinds);
    if let Some(as_of) = source.as_of {
        hide_later(&mut source.roster, as_of);
    }
    withdrawals::settle(&mut source);
    source.notices.extend(round_ids::notice(&source.roster));
    // Whichever format: dates that the user gave are not the source's own.
    for file in source.inputs.iter_mut().filter(|file| Some(file.path()) == options.courses.as_deref()) {
        file.role = "courses-file";
    }
    if let Some(path) = &options.labels {
        replace_labels(&mut source, path, heads)?;
    }
    Ok(source)
}

/// Makes the reading of a log find out whether its files overlap, unless opening it did. Equal lines in files of one learner
/// each are of several learners, and say nothing.
fn watch_for_overlaps(source: &mut Source, heads: &FileHeads) {
    if !source.first_lines.is_empty() || heads.have_names_of_learners() {
        return;
    }
    let of_log: Vec<_> = source.events.iter().filter_map(|file| heads.known(file.path()?)).collect();
    let first_lines = Arc::new(FirstLines::new(of_log.iter()));
    source.events.iter_mut().for_each(|file| file.watch(&first_lines));
    source.first_lines.push(first_lines);
}

/// Takes the labels of a source's enrolments from the file at `path` alone.
pub(super) fn replace_labels(source: &mut Source, path: &Path, heads: &FileHeads) -> Result<(), ReadError> {
    let all = &mut source.roster.enrolments;
    (0..all.len()).for_each(|place| all.set_dropout(place, None));
    apply_labels(&*heads.get(path)?, &mut source.roster, &mut source.tables)?;
    source.labels = SourceLabels::Labels;
    source.notices.retain(|notice| !matches!(notice, Notice::MissingLabels { .. }));
    source.inputs.push(InputFile { role: "labels", file: heads.get(path)?.file().clone() });
    Ok(())
}

/// Fails when a file stands beside its own packed copy, as every row would count twice.
fn refuse_packed_copies(source: &Source) -> Result<(), ReadError> {
    let mut met: FxHashMap<PathBuf, &Path> = FxHashMap::default();
    for file in source.inputs.iter().map(|input| &input.file) {
        let (path, location) = (file.path(), file.location());
        let before = *met.entry(location.with_file_name(input::bare_name(location))).or_insert(path);
        if before != path {
            return Err(ReadError::PackedCopy { path: before.to_owned(), copy: file_name(path) });
        }
    }
    Ok(())
}
