//! Seals a folder again that somebody edited on purpose: checks it, then makes its manifest say what is there.

use std::path::Path;

use rayon::prelude::*;
use rustc_hash::FxHashSet;
use staycast_events::time::format_instant;

use crate::checked_file::CheckedFile;
use crate::enrolment_table::Enrolments;
use crate::error::FolderError;
use crate::folder::{FolderFiles, SequenceFolder, read_courses_of};
use crate::layout::{COURSES, ENROLMENTS, MANIFEST, SEQUENCES};
use crate::manifest::{EditedFile, Manifest, OutputRecord, ResealRecord};
use crate::seal::{Seal, read_manifest, sealed};
use crate::verify::check_meaning;

/// Names why enrolments have no label, where an edit took it.
const EDITED: &str = "the sequences were edited";

/// Says what came of sealing a folder again.
#[derive(Clone, Debug)]
pub struct Resealed {
    /// The folder's manifest.
    pub manifest: Manifest,
    /// What the manifest says of this seal; `None` where the folder was as it had been sealed, and stays so.
    pub record: Option<ResealRecord>,
}

/// Seals the folder at `path` again, at `now` (seconds since 1970-01-01T00:00:00 in UTC). Checks every row and value
/// first; then the manifest gets new hashes, sizes and counts, and a record of which files were edited.
///
/// # Errors
/// When it is not a sequences folder, what its tables say makes no sense, or the manifest can't be written.
pub fn reseal(path: &Path, now: i64) -> Result<Resealed, FolderError> {
    let (before, seal) = read_manifest(path)?;
    let names = [SEQUENCES, ENROLMENTS, COURSES];
    let found: Vec<(CheckedFile, OutputRecord)> =
        names.par_iter().map(|name| CheckedFile::record(path.join(name), name)).collect::<Result<_, FolderError>>()?;
    let (files, outputs): (Vec<CheckedFile>, Vec<OutputRecord>) = found.into_iter().unzip();
    let edited = edited_files(&before, seal, &outputs);
    if edited.is_empty() && seal == Seal::Holds {
        return Ok(Resealed { manifest: before, record: None });
    }
    let [sequences, enrolments, courses] = <[CheckedFile; 3]>::try_from(files).expect("three files");
    let files = FolderFiles { sequences, enrolments, courses };
    let record =
        ResealRecord { at: format_instant(now), staycast_version: env!("CARGO_PKG_VERSION").to_owned(), edited };
    let mut manifest = Manifest { outputs, seal: None, ..before };
    manifest.resealed.push(record.clone());
    count(path, &mut manifest, &files)?;
    let folder = SequenceFolder::of_files(path, manifest, Seal::Holds, files);
    check_meaning(&folder)?;
    let (manifest, text) = sealed(folder.manifest().clone());
    staycast_files::write(&path.join(MANIFEST), text)?;
    Ok(Resealed { manifest, record: Some(record) })
}

/// Lists the files that are not as `before` says.
fn edited_files(before: &Manifest, seal: Seal, outputs: &[OutputRecord]) -> Vec<EditedFile> {
    let said = |name: &str| before.outputs.iter().find(|output| output.file == name).map(|one| one.blake3.clone());
    let differs = |output: &&OutputRecord| said(&output.file).as_ref() != Some(&output.blake3);
    let mut edited: Vec<EditedFile> = outputs
        .iter()
        .filter(differs)
        .map(|output| EditedFile { file: output.file.clone(), blake3_before: said(&output.file) })
        .collect();
    if matches!(seal, Seal::Broken | Seal::Missing) {
        edited.push(EditedFile { file: MANIFEST.to_owned(), blake3_before: before.seal.clone() });
    }
    edited
}

/// Makes the manifest's counts those of the tables.
fn count(path: &Path, manifest: &mut Manifest, files: &FolderFiles) -> Result<(), FolderError> {
    let courses = read_courses_of(path, manifest, &files.courses)?;
    let enrolments = Enrolments::read(&files.enrolments, &courses, manifest)?;
    let learners: FxHashSet<&str> = enrolments.rows.iter().map(|row| row.learner.as_str()).collect();
    manifest.calendar.weeks = courses.rows.iter().map(|course| course.weeks).max().unwrap_or(0);
    let totals = &mut manifest.totals;
    totals.courses = courses.rows.len() as u64;
    totals.enrolments = enrolments.rows.len() as u64;
    totals.learners = learners.len() as u64;
    totals.enrolment_weeks = files.sequences.rows();
    let labels = &mut manifest.labels;
    (labels.known, labels.dropouts) = (enrolments.known, enrolments.dropouts);
    let unknown = totals.enrolments - labels.known;
    if labels.unknown.values().sum::<u64>() != unknown {
        labels.unknown.clear();
        labels.unknown.extend((unknown > 0).then(|| (EDITED.to_owned(), unknown)));
    }
    Ok(())
}
