//! The output folder: drafted under a temporary name beside its place, then renamed, so that it appears whole or not
//! at all (invariant 5).

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use staycast_events::{Source, Tally, input};
use tempfile::TempDir;

use crate::build::{BuildOptions, COURSES, ENROLMENTS, IfExists, RawKinds, SEQUENCES, reasons};
use crate::error::BuildError;
use crate::features::Feature;
use crate::grid::Grid;
use crate::labels::DropoutRule;
use crate::manifest::{
    BuildRecord, CalendarRecord, FeatureRecord, InputRecord, LAYOUT_VERSION, LabelRecord, Manifest, OutputRecord,
    RowCounts, TableRecord, Totals,
};
use crate::timing::Timing;

/// Name of the manifest in the folder.
pub(crate) const MANIFEST: &str = "manifest.json";
const TIMING: &str = "timing.json";

/// A folder that is being written.
pub(crate) struct Draft {
    folder: TempDir,
    place: PathBuf,
}

impl Draft {
    /// Begins a draft beside `place`, on the same file system so that it can be renamed.
    pub(crate) fn begin(place: &Path) -> Result<Self, BuildError> {
        let parent = match place.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        fs::create_dir_all(parent).map_err(BuildError::write(parent))?;
        let name = input::file_name(place);
        let prefix = format!(".{name}.draft-");
        remove_stale(parent, &prefix);
        let folder = tempfile::Builder::new().prefix(&prefix).tempdir_in(parent).map_err(BuildError::write(place))?;
        let lock = folder.path().join(OWNER);
        fs::write(&lock, std::process::id().to_string()).map_err(BuildError::write(&lock))?;
        Ok(Self { folder, place: place.to_owned() })
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Gives the draft its name.
    pub(crate) fn publish(self, manifest: &Manifest, timing: &Timing, if_exists: IfExists) -> Result<(), BuildError> {
        write_json(&self.path().join(TIMING), timing)?;
        write_json(&self.path().join(MANIFEST), manifest)?;
        let owner = self.path().join(OWNER);
        fs::remove_file(&owner).map_err(BuildError::write(&owner))?;
        // Folders made for one process's eyes; this one is for everyone whom the parent folder lets in.
        share(self.path()).map_err(BuildError::write(&self.place))?;
        sync_folder(self.path());
        let place = self.place;
        if place.exists() && if_exists == IfExists::Replace {
            let parent = place.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
            let aside =
                tempfile::Builder::new().prefix(".replaced-").tempdir_in(parent).map_err(BuildError::write(&place))?;
            fs::rename(&place, aside.path().join("old")).map_err(BuildError::write(&place))?;
        }
        let drafted = self.folder.keep();
        fs::rename(&drafted, &place).map_err(BuildError::write(&place))?;
        if let Some(parent) = place.parent() {
            sync_folder(parent);
        }
        Ok(())
    }
}

/// File in a draft that names the process writing it.
const OWNER: &str = ".owner";

/// Removes drafts of this output whose process is gone: a killed run can't clean up after itself. Best effort: what
/// can't be removed is left, and is in nobody's way.
fn remove_stale(parent: &Path, prefix: &str) {
    let Ok(entries) = fs::read_dir(parent) else { return };
    for entry in entries.flatten() {
        if !entry.file_name().to_string_lossy().starts_with(prefix) {
            continue;
        }
        let owner = fs::read_to_string(entry.path().join(OWNER)).ok().and_then(|text| text.trim().parse::<u32>().ok());
        let alive = owner.is_some_and(|id| id != std::process::id() && Path::new(&format!("/proc/{id}")).exists());
        if !alive && owner.is_some() {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

#[cfg(unix)]
fn share(folder: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(folder, fs::Permissions::from_mode(0o755))
}

#[cfg(not(unix))]
fn share(_folder: &Path) -> std::io::Result<()> {
    Ok(())
}

/// Makes a folder's entries durable where the system can; elsewhere the rename is durable when it says so.
fn sync_folder(folder: &Path) {
    if let Ok(handle) = File::open(if folder.as_os_str().is_empty() { Path::new(".") } else { folder }) {
        let _ = handle.sync_all();
    }
}

fn write_json(path: &Path, value: &impl serde::Serialize) -> Result<(), BuildError> {
    let mut text = serde_json::to_string_pretty(value).expect("plain data turns into JSON");
    text.push('\n');
    let mut file = File::create(path).map_err(BuildError::write(path))?;
    file.write_all(text.as_bytes()).map_err(BuildError::write(path))?;
    file.sync_all().map_err(BuildError::write(path))
}

/// Size and hash of every input file.
pub(crate) fn hash_inputs(source: &Source) -> Result<Vec<InputRecord>, BuildError> {
    let record = |file: &staycast_events::InputFile| {
        let bytes = fs::metadata(&file.path).map_err(staycast_events::ReadError::io(&file.path))?.len();
        Ok(InputRecord {
            role: file.role.to_owned(),
            file: input::file_name(&file.path),
            bytes,
            blake3: input::blake3_of(&file.path)?,
            table: None,
        })
    };
    let mut records: Vec<InputRecord> = source.inputs.par_iter().map(record).collect::<Result<_, BuildError>>()?;
    records.extend(source.events.iter().flat_map(|file| file.database()).map(table_record));
    Ok(records)
}

/// A table of a database as the manifest records it.
fn table_record(table: staycast_events::DatabaseTable) -> InputRecord {
    let staycast_events::DatabaseTable { role, place, table, rows, ids, blake3 } = table;
    let (first, last) = ids.unwrap_or_default();
    let counted = || blake3::hash(format!("{rows} {first} {last}").as_bytes()).to_hex().to_string();
    InputRecord {
        role: role.to_owned(),
        file: format!("{place} {table}"),
        bytes: 0,
        blake3: blake3.unwrap_or_else(counted),
        table: Some(TableRecord { rows, ids }),
    }
}

fn build_record(options: &BuildOptions) -> BuildRecord {
    BuildRecord {
        weeks: options.weeks,
        rule: options.rule.map(|rule| rule.to_string()),
        as_of: options.as_of.map(staycast_events::time::format_instant),
        raw_kinds: options.raw_kinds == RawKinds::Keep,
        score_lag_days: options.score_lag_days,
    }
}

/// What to do about a folder that is in the place: `Some(manifest)` when it is kept.
pub(crate) fn settle_existing(
    folder: &Path,
    if_exists: IfExists,
    inputs: &[InputRecord],
    source: &Source,
    options: &BuildOptions,
    rule: DropoutRule,
) -> Result<Option<Manifest>, BuildError> {
    let path = folder.to_owned();
    if !folder.exists() || is_empty_folder(folder) {
        return Ok(None);
    }
    let found: Option<Manifest> =
        fs::read_to_string(folder.join(MANIFEST)).ok().and_then(|text| serde_json::from_str(&text).ok());
    let ours = folder.join(SEQUENCES).is_file() && folder.join(MANIFEST).is_file();
    match (if_exists, found) {
        (IfExists::Refuse, _) => Err(BuildError::Exists { path }),
        (_, None) if !ours => Err(BuildError::NotOurs { path }),
        (IfExists::Replace, _) => Ok(None),
        (IfExists::Keep, None) => Err(BuildError::OtherInput { path, what: "another version".to_owned() }),
        (IfExists::Keep, Some(manifest)) => {
            let same_options = manifest.build == build_record(options)
                && manifest.feature_set == options.features
                && manifest.labels.rule == rule
                && manifest.format == source.format;
            match (manifest.inputs == inputs, same_options) {
                (true, true) => Ok(Some(manifest)),
                (false, _) => Err(BuildError::OtherInput { path, what: "another input".to_owned() }),
                (_, false) => {
                    Err(BuildError::OtherInput { path, what: "the same input, with other options".to_owned() })
                }
            }
        }
    }
}

fn is_empty_folder(folder: &Path) -> bool {
    fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_none())
}

/// What a manifest is made of.
pub(crate) struct Told<'a> {
    pub(crate) source: &'a Source,
    pub(crate) options: &'a BuildOptions,
    pub(crate) inputs: Vec<InputRecord>,
    pub(crate) tally: &'a Tally,
    pub(crate) as_of: String,
    pub(crate) grids: &'a [Grid],
    pub(crate) labels: LabelRecord,
    pub(crate) features: &'a [Feature],
    pub(crate) events: u64,
    pub(crate) rows: u64,
    pub(crate) folder: &'a Path,
}

/// The manifest of a finished draft.
pub(crate) fn manifest(told: &Told<'_>) -> Result<Manifest, BuildError> {
    let Told { source, options, tally, .. } = told;
    let roster = &source.roster;
    let read = tally.read + source.tables.read;
    let rejected = tally.rejected() + source.tables.rejected();
    let learners: BTreeSet<&str> = roster.enrolments.iter().map(|enrolment| enrolment.learner.as_str()).collect();
    let mut left_out = BTreeMap::new();
    if source.enrolments_without_course > 0 {
        left_out.insert("unknown_course".to_owned(), source.enrolments_without_course);
    }
    let output = |name: &str, rows: u64| -> Result<OutputRecord, BuildError> {
        let path = told.folder.join(name);
        let bytes = fs::metadata(&path).map_err(BuildError::write(&path))?.len();
        Ok(OutputRecord { file: name.to_owned(), rows, bytes, blake3: input::blake3_of(&path)? })
    };
    Ok(Manifest {
        kind: "staycast-sequences".to_owned(),
        layout_version: LAYOUT_VERSION,
        staycast_version: env!("CARGO_PKG_VERSION").to_owned(),
        format: source.format.to_owned(),
        format_reason: source.reason.clone(),
        knows: source.knows,
        inputs: told.inputs.clone(),
        rows: RowCounts {
            read: tally.read,
            used: tally.used,
            rejected: reasons(tally, true),
            set_aside: reasons(tally, false),
            rejected_roster: reasons(&source.tables, true),
            rejected_share: if read == 0 { 0.0 } else { rejected as f64 / read as f64 },
        },
        calendar: CalendarRecord {
            source: calendar_source(source).to_owned(),
            as_of: told.as_of.clone(),
            as_of_source: if options.as_of.is_some() { "given" } else { "newest event" }.to_owned(),
            weeks: told.grids.iter().map(|grid| grid.weeks).max().unwrap_or(0),
            weeks_limit: options.weeks,
        },
        labels: told.labels.clone(),
        build: build_record(options),
        feature_set: options.features,
        features: told.features.iter().map(|feature| feature_record(feature, source)).collect(),
        static_columns: roster.static_columns.clone(),
        totals: Totals {
            courses: roster.courses.len() as u64,
            enrolments: roster.enrolments.len() as u64,
            learners: learners.len() as u64,
            events: told.events,
            enrolment_weeks: told.rows,
            enrolments_left_out: left_out,
        },
        outputs: vec![
            output(SEQUENCES, told.rows)?,
            output(ENROLMENTS, roster.enrolments.len() as u64)?,
            output(COURSES, roster.courses.len() as u64)?,
        ],
    })
}

fn calendar_source(source: &Source) -> &'static str {
    if source.roster.courses.iter().any(|course| course.inferred) {
        "inferred"
    } else if source.inputs.iter().any(|file| file.role == "courses-file") {
        "courses-file"
    } else {
        "source"
    }
}

fn feature_record(feature: &Feature, source: &Source) -> FeatureRecord {
    let lacking = (!feature.needs.met_by(&source.knows)).then(|| feature.needs.lack().to_owned());
    FeatureRecord {
        name: feature.name.clone(),
        unit: feature.unit.to_owned(),
        meaning: feature.meaning.clone(),
        lacking,
    }
}
