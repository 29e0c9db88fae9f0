//! Reads a sequences folder back, and checks it on the way.
//!
//! To open a folder is to check its manifest and files: their sizes, hashes, rows, row groups and columns. To load from it
//! is to check what they mean: that every enrolment is in a course and has a row for each week of it, once and in order,
//! and that values are such as can be. So a folder that was sealed again after an edit is checked as well.

use std::path::{Path, PathBuf};

use rayon::prelude::*;
use rustc_hash::FxHashSet;
use staycast_events::CourseIndex;

use crate::checked_file::CheckedFile;
use crate::contradictions;
use crate::course_table::Courses;
use crate::dataset::{CourseRow, Dataset, EnrolmentRow, Selection};
use crate::enrolment_table::Enrolments;
use crate::error::FolderError;
use crate::features::KnownFeatures;
use crate::hash_cache::HashCache;
use crate::layout::{COURSES, ENROLMENTS, MANIFEST, SEQUENCES};
use crate::manifest::{Manifest, OutputRecord};
use crate::seal::{Seal, read_manifest};
use crate::values::{RowChecks, ValuesFile, WantedValues};
use crate::wanted_feature::WantedFeature;

/// Holds a sequences folder, of which the files have been checked.
#[derive(Clone, Debug)]
pub struct SequenceFolder {
    path: PathBuf,
    manifest: Manifest,
    seal: Seal,
    files: FolderFiles,
}

/// Holds the Parquet files of a folder.
#[derive(Clone, Debug)]
pub(crate) struct FolderFiles {
    pub(crate) sequences: CheckedFile,
    pub(crate) enrolments: CheckedFile,
    pub(crate) courses: CheckedFile,
}

impl SequenceFolder {
    /// Opens the folder at `path`, and checks its files against its manifest. A file is hashed once: as long as it is in the
    /// same state, later calls know its hash from the user's cache (`$XDG_CACHE_HOME/staycast/hashes`).
    ///
    /// # Errors
    /// When it is not a sequences folder, one of another layout version, or a file is not as the manifest says.
    pub fn open(path: &Path) -> Result<Self, FolderError> {
        let (manifest, seal) = read_manifest(path)?;
        let cache = HashCache::of_user();
        let check = |record: &OutputRecord| CheckedFile::check(path.join(&record.file), record, &cache);
        let records = output_records(path, &manifest, seal)?;
        let mut files = records.par_iter().map(|record| check(record)).collect::<Vec<_>>().into_iter();
        let mut next = || files.next().expect("three files");
        let (sequences, enrolments, courses) = (next()?, next()?, next()?);
        Ok(Self::of_files(path, manifest, seal, FolderFiles { sequences, enrolments, courses }))
    }

    /// Puts together what was opened and checked.
    pub(crate) fn of_files(path: &Path, manifest: Manifest, seal: Seal, files: FolderFiles) -> Self {
        Self { path: path.to_owned(), manifest, seal, files }
    }

    /// Returns the manifest, which says what the folder holds.
    #[must_use]
    pub const fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Says whether the manifest has a seal: one that holds, as a folder of which it is broken is not opened.
    #[must_use]
    pub const fn seal(&self) -> Seal {
        self.seal
    }

    /// Returns the checked files.
    pub(crate) const fn files(&self) -> &FolderFiles {
        &self.files
    }

    /// Returns where the folder is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads what `selection` names.
    ///
    /// # Errors
    /// When a file can't be read, what it says makes no sense, or a course or feature is not there.
    pub fn load(&self, selection: &Selection) -> Result<Dataset, FolderError> {
        let (values, mut parts) = self.parts(selection, usize::MAX)?;
        let part = parts.pop().unwrap_or_default();
        self.dataset(&values, part, &self.features(selection)?, selection.weeks, RowChecks::OfWhatIsRead)
    }

    /// Reads what `selection` names in parts of whole courses, of at most `most_enrolments` enrolments if no course has
    /// more. Holds the values of one part at a time, and the enrolments of all.
    ///
    /// # Errors
    /// As [`SequenceFolder::load`]; the part that has wrong rows in the file of values reports them.
    pub fn load_parts(
        &self,
        selection: &Selection,
        most_enrolments: usize,
    ) -> Result<impl Iterator<Item = Result<Dataset, FolderError>>, FolderError> {
        self.load_checked(selection, most_enrolments, RowChecks::OfWhatIsRead)
    }

    /// Reads as [`SequenceFolder::load_parts`], with these checks of each row.
    pub(crate) fn load_checked(
        &self,
        selection: &Selection,
        most_enrolments: usize,
        checks: RowChecks,
    ) -> Result<impl Iterator<Item = Result<Dataset, FolderError>>, FolderError> {
        let features = self.features(selection)?;
        let (values, parts) = self.parts(selection, most_enrolments)?;
        let weeks = selection.weeks;
        Ok(parts.into_iter().map(move |part| self.dataset(&values, part, &features, weeks, checks)))
    }

    fn dataset(
        &self,
        values: &ValuesFile,
        part: Part,
        features: &[WantedFeature],
        most_weeks: Option<usize>,
        checks: RowChecks,
    ) -> Result<Dataset, FolderError> {
        let Part { courses, first_rows, enrolments } = part;
        let longest = courses.iter().map(|course| course.weeks as usize).max().unwrap_or(0);
        let weeks = most_weeks.map_or(longest, |weeks| weeks.min(longest));
        let values = values.read(&WantedValues::new(&courses, &first_rows, &enrolments, features, weeks), checks)?;
        let names = features.iter().map(|feature| feature.name.clone()).collect();
        Ok(Dataset::from_parts(self.manifest.clone(), courses, enrolments, names, weeks, values))
    }

    /// Lists the ids of the courses, in order.
    ///
    /// # Errors
    /// When the table of courses can't be read, or what it says makes no sense.
    pub fn course_ids(&self) -> Result<Vec<String>, FolderError> {
        Ok(self.courses()?.rows.into_iter().map(|course| course.id).collect())
    }

    fn courses(&self) -> Result<Courses, FolderError> {
        read_courses_of(&self.path, &self.manifest, &self.files.courses)
    }

    fn features(&self, selection: &Selection) -> Result<Vec<WantedFeature>, FolderError> {
        let known = &self.manifest.features;
        let definitions = KnownFeatures::new();
        let is_older = self.manifest.is_older();
        let wanted = |name: &String| {
            let feature = known.iter().find(|feature| feature.name == *name);
            let feature = feature.ok_or_else(|| FolderError::UnknownFeature {
                path: self.path.clone(),
                feature: name.clone(),
                known: known.iter().map(|feature| feature.name.as_str()).collect::<Vec<_>>().join(", "),
            })?;
            let rules = definitions.rules(feature);
            let rules = if is_older { rules.of_older_versions() } else { rules };
            Ok(WantedFeature { name: name.clone(), rules, is_known: feature.lacking.is_none() })
        };
        match &selection.features {
            Some(asked) => asked.iter().map(wanted).collect(),
            None => known.iter().map(|feature| wanted(&feature.name)).collect(),
        }
    }

    /// Reads the tables, and cuts the courses that `selection` names into parts.
    fn parts(&self, selection: &Selection, most_enrolments: usize) -> Result<(ValuesFile, Vec<Part>), FolderError> {
        let courses = self.courses()?;
        let enrolments = Enrolments::read(&self.files.enrolments, &courses, &self.manifest)?;
        self.check_counts(&courses, &enrolments)?;
        let weeks = courses.rows.iter().map(|course| u64::from(course.weeks));
        let rows = |(weeks, &enrolments): (u64, &u64)| weeks * enrolments;
        let due: Vec<u64> = weeks.zip(&courses.enrolments).map(rows).collect();
        let values = ValuesFile::new(self.files.sequences.clone(), due.iter().sum())?;
        let asked = self.asked_courses(selection, &courses.rows)?;
        let mut parts: Vec<Part> = Vec::new();
        let mut enrolments = enrolments.rows.into_iter();
        let mut first_row = 0;
        for (at, course) in courses.rows.into_iter().enumerate() {
            let size = courses.enrolments[at] as usize;
            let of_course = enrolments.by_ref().take(size);
            if asked.as_ref().is_none_or(|asked| asked.contains(&course.id)) {
                let fits = |part: &&mut Part| part.enrolments.len() + size <= most_enrolments;
                if parts.last_mut().filter(fits).is_none() {
                    parts.push(Part::default());
                }
                let part = parts.last_mut().expect("one at least");
                let index = CourseIndex(part.courses.len() as u32);
                part.enrolments.extend(of_course.map(|row| EnrolmentRow { course: index, ..row }));
                part.courses.push(course);
                part.first_rows.push(first_row);
            } else {
                of_course.for_each(drop);
            }
            first_row += due[at];
        }
        Ok((values, parts))
    }

    /// Returns the courses that are asked for; all when `None`.
    fn asked_courses(
        &self,
        selection: &Selection,
        courses: &[CourseRow],
    ) -> Result<Option<FxHashSet<String>>, FolderError> {
        let Some(asked) = &selection.courses else { return Ok(None) };
        match asked.iter().find(|asked| !courses.iter().any(|course| course.id == **asked)) {
            None => Ok(Some(asked.iter().cloned().collect())),
            Some(course) => Err(FolderError::UnknownCourse {
                path: self.path.clone(),
                course: course.clone(),
                known: courses.iter().map(|course| course.id.as_str()).collect::<Vec<_>>().join(", "),
            }),
        }
    }

    /// Refuses tables of which the manifest tells other counts.
    fn check_counts(&self, courses: &Courses, enrolments: &Enrolments) -> Result<(), FolderError> {
        let Manifest { totals, labels, calendar, .. } = &self.manifest;
        let weeks = courses.rows.iter().map(|course| course.weeks).max().unwrap_or(0);
        let counts = [
            (COURSES, "courses", totals.courses, courses.rows.len() as u64),
            (COURSES, "weeks of the longest course", calendar.weeks.into(), weeks.into()),
            (ENROLMENTS, "enrolments", totals.enrolments, enrolments.rows.len() as u64),
            (ENROLMENTS, "labels", labels.known, enrolments.known),
            (ENROLMENTS, "dropouts", labels.dropouts, enrolments.dropouts),
        ];
        match counts.into_iter().find(|(_, _, said, found)| said != found) {
            None => Ok(()),
            Some((file, what, said, found)) => {
                let what = format!("its number of {what} is {found}, and the manifest says {said}");
                Err(FolderError::altered(&self.path.join(file), what))
            }
        }
    }
}

/// Reads the courses of the folder at `path`. Of its files only the manifest and the table of courses are checked.
///
/// # Errors
/// As [`SequenceFolder::open`].
pub fn read_courses(path: &Path) -> Result<Vec<CourseRow>, FolderError> {
    let (manifest, seal) = read_manifest(path)?;
    let [_, _, record] = output_records(path, &manifest, seal)?;
    let file = CheckedFile::check(path.join(&record.file), record, &HashCache::of_user())?;
    Ok(Courses::read(&file)?.rows)
}

/// Reads the courses of the folder at `path`, and checks that they and `manifest` fit each other.
pub(crate) fn read_courses_of(path: &Path, manifest: &Manifest, file: &CheckedFile) -> Result<Courses, FolderError> {
    let courses = Courses::read(file)?;
    if !manifest.is_older() {
        contradictions::of_manifest(manifest).map_err(|what| FolderError::damaged(&path.join(MANIFEST), what))?;
        contradictions::of_courses(manifest, &courses)
            .map_err(|(at, what)| FolderError::damaged(file.path(), format!("row {}: {what}", at + 1)))?;
    }
    Ok(courses)
}

/// Holds some courses of a folder.
#[derive(Debug, Default)]
struct Part {
    courses: Vec<CourseRow>,
    /// By course: its first row in the file of values.
    first_rows: Vec<u64>,
    enrolments: Vec<EnrolmentRow>,
}

/// Returns what the manifest says of the files of values, enrolments and courses.
pub(crate) fn output_records<'a>(
    path: &Path,
    manifest: &'a Manifest,
    seal: Seal,
) -> Result<[&'a OutputRecord; 3], FolderError> {
    let file = path.join(MANIFEST);
    match seal {
        Seal::Holds | Seal::Absent => {}
        Seal::Broken => return Err(FolderError::altered(&file, "is not as it was sealed")),
        Seal::Missing => return Err(FolderError::NoChecksums { path: file }),
    }
    let names = [SEQUENCES, ENROLMENTS, COURSES];
    let named = |name: &str| manifest.outputs.iter().find(|output| output.file == name);
    match names.map(named) {
        [Some(sequences), Some(enrolments), Some(courses)] if manifest.outputs.len() == names.len() => {
            Ok([sequences, enrolments, courses])
        }
        _ => Err(FolderError::damaged(&file, format!("does not list the files {} once each", names.join(", ")))),
    }
}
