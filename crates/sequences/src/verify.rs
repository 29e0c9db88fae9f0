//! Checks a whole sequences folder: every hash, every row, every value.

use std::collections::BTreeSet;
use std::path::Path;

use rayon::prelude::*;
use rustc_hash::FxHashSet;

use crate::checked_file::CheckedFile;
use crate::columns::KEYS;
use crate::dataset::Selection;
use crate::error::FolderError;
use crate::folder::{FolderFiles, SequenceFolder};
use crate::hash_cache::HashCache;
use crate::layout::{COURSES, ENROLMENTS, MANIFEST, SEQUENCES};
use crate::manifest::{Manifest, OutputRecord};
use crate::seal::{Seal, read_manifest};
use crate::tables::{COURSE_COLUMNS, ENROLMENT_COLUMNS};
use crate::values::RowChecks;

/// Counts the enrolments whose values are checked at a time: with 100 features and 8 weeks, 80 MB.
const ENROLMENTS_AT_A_TIME: usize = 25_000;

/// Says what the check of a folder found.
#[derive(Clone, Debug)]
pub struct Verification {
    /// The folder's manifest.
    pub manifest: Manifest,
    /// Whether the manifest is as it was sealed.
    pub seal: Seal,
    /// The files that the manifest lists.
    pub files: Vec<VerifiedFile>,
    /// What is wrong with the folder, the manifest and what the tables mean; empty where nothing is. Meaning is looked at
    /// where the files are as they should be.
    pub problems: Vec<String>,
}

/// Says whether one file is as the manifest says.
#[derive(Clone, Debug)]
pub struct VerifiedFile {
    /// What the manifest says.
    pub record: OutputRecord,
    /// What is wrong with it.
    pub problem: Option<String>,
}

/// Checks the folder at `path`: hashes every file whatever was hashed before, then reads every row and value.
///
/// # Errors
/// When it is not a sequences folder, or one of another layout version. What else is wrong is in the result.
pub fn verify(path: &Path) -> Result<Verification, FolderError> {
    let (manifest, seal) = read_manifest(path)?;
    let mut problems = Vec::new();
    if let Err(error) = crate::folder::output_records(path, &manifest, seal) {
        problems.push(error.to_string());
    }
    let check = |record: &OutputRecord| CheckedFile::check(path.join(&record.file), record, &HashCache::none());
    let names = [SEQUENCES, ENROLMENTS, COURSES];
    let records: Vec<&OutputRecord> =
        names.iter().filter_map(|name| manifest.outputs.iter().find(|output| output.file == **name)).collect();
    let checked: Vec<Result<CheckedFile, FolderError>> = records.par_iter().map(|record| check(record)).collect();
    let mut files = Vec::new();
    let mut sound = Vec::new();
    for (record, checked) in records.into_iter().zip(checked) {
        let problem = checked.as_ref().err().map(ToString::to_string);
        problems.extend(problem.clone());
        files.push(VerifiedFile { record: record.clone(), problem });
        sound.extend(checked.ok());
    }
    if problems.is_empty()
        && let Ok([sequences, enrolments, courses]) = <[CheckedFile; 3]>::try_from(sound)
    {
        let files = FolderFiles { sequences, enrolments, courses };
        let folder = SequenceFolder::of_files(path, manifest.clone(), seal, files);
        problems.extend(check_meaning(&folder).err().map(|error| error.to_string()));
    }
    Ok(Verification { manifest, seal, files, problems })
}

/// Checks every column, row and value of an opened folder.
pub(crate) fn check_meaning(folder: &SequenceFolder) -> Result<(), FolderError> {
    check_columns(folder)?;
    let Manifest { totals, labels, .. } = folder.manifest();
    let mut learners: FxHashSet<String> = FxHashSet::default();
    for part in folder.load_checked(&Selection::default(), ENROLMENTS_AT_A_TIME, RowChecks::All)? {
        learners.extend(part?.enrolments.into_iter().map(|enrolment| enrolment.learner));
    }
    let unknown = labels.unknown.values().sum();
    let counts = [
        ("learners", totals.learners, learners.len() as u64),
        ("enrolments without a label", unknown, totals.enrolments.saturating_sub(labels.known)),
        ("rows of enrolments and weeks", totals.enrolment_weeks, folder.files().sequences.rows()),
    ];
    match counts.into_iter().find(|(_, said, found)| said != found) {
        None => Ok(()),
        Some((what, said, found)) => {
            let file = folder.path().join(MANIFEST);
            Err(FolderError::damaged(&file, format!("its number of {what} is {said}, and the folder has {found}")))
        }
    }
}

/// Refuses columns that the manifest does not name.
fn check_columns(folder: &SequenceFolder) -> Result<(), FolderError> {
    let Manifest { features, static_columns, .. } = folder.manifest();
    let features = features.iter().map(|feature| feature.name.as_str());
    let named: [BTreeSet<&str>; 3] = [
        KEYS.into_iter().chain(features).collect(),
        ENROLMENT_COLUMNS.into_iter().chain(static_columns.iter().map(String::as_str)).collect(),
        COURSE_COLUMNS.into_iter().collect(),
    ];
    let FolderFiles { sequences, enrolments, courses } = folder.files();
    for (file, named) in [sequences, enrolments, courses].into_iter().zip(named) {
        let columns = file.columns()?;
        if let Some(name) = columns.keys().find(|name| !named.contains(name.as_str())) {
            return Err(FolderError::damaged(file.path(), format!("the manifest does not name its column `{name}`")));
        }
        if let Some(name) = named.iter().find(|name| !columns.contains_key(**name)) {
            return Err(FolderError::damaged(file.path(), format!("no column `{name}`")));
        }
    }
    Ok(())
}
