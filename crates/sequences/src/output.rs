//! The output folder's records, and what may be replaced by it. The folder appears whole or not at all (invariant 5).

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use rustc_hash::FxHashMap;
use staycast_events::{EnrolledAgain, Notice, Source, TableCount, Tally, input};
use staycast_files::{FolderDraft, OwnFiles, write_json};

use crate::checked_file::CheckedFile;
use crate::error::{BuildError, FolderError};
use crate::features::Feature;
use crate::folder::SequenceFolder;
use crate::grid::CourseGrid;
use crate::labels::DropoutRule;
use crate::layout::{COURSES, ENROLMENTS, MANIFEST, SEQUENCES, SEQUENCES_FILES, SEQUENCES_KIND, TIMING};
use crate::manifest::{
    BuildRecord, CalendarRecord, CourseWarning, FeatureRecord, InputRecord, LAYOUT_VERSION, LabelRecord, LeftOutRecord,
    Manifest, ReasonCount, RowCounts, SampleRecord, StrayDaysRecord, TableRecord, TableRows, Totals, UnknownKindRecord,
    UnknownKindsRecord,
};
use crate::options::{BuildMode, BuildOptions, RawKinds};
use crate::seal::read_manifest;
use crate::timing::Timing;

/// Writes the manifest, sealed as `text`, and the times of a finished build into its draft.
pub(crate) fn write_records(draft: &FolderDraft, text: &str, timing: &Timing) -> Result<(), BuildError> {
    write_json(&draft.path().join(TIMING), timing)?;
    Ok(staycast_files::write(&draft.path().join(MANIFEST), text)?)
}

/// Bounds the kinds that the manifest lists.
const LISTED_KINDS: usize = 20;

/// Records the kinds of event that the format does not know, if there are any.
#[must_use]
pub fn unknown_kinds(source: &Source, tally: &Tally) -> Option<UnknownKindsRecord> {
    let unknown = &tally.unknown_kinds;
    if unknown.rows == 0 {
        return None;
    }
    let all = &source.roster.enrolments;
    let people = all.places().flat_map(|place| [all.id(place), all.learner(place)]);
    let kinds = unknown.most_frequent(people).into_iter().take(LISTED_KINDS);
    Some(UnknownKindsRecord {
        rows: unknown.rows,
        share: unknown.rows as f64 / tally.used.max(unknown.rows) as f64,
        most_frequent: kinds.map(|kind| UnknownKindRecord { kind: kind.shown, rows: kind.rows }).collect(),
    })
}

/// Gives a finished draft its name.
pub(crate) fn publish(draft: FolderDraft, folder: &Path, if_exists: BuildMode) -> Result<(), BuildError> {
    match if_exists {
        BuildMode::Replace => draft.publish_over(&own_files(folder))?,
        BuildMode::Refuse | BuildMode::Resume => draft.publish(staycast_files::IfExists::Refuse)?,
    }
    Ok(())
}

/// Lists the files of a sequences folder that may be replaced: those of every folder, and those that its manifest names.
fn own_files(folder: &Path) -> OwnFiles {
    let named = read_manifest(folder).map(|(manifest, _)| manifest.outputs).unwrap_or_default();
    let named = named.into_iter().map(|output| output.file);
    SEQUENCES_FILES.map(str::to_owned).into_iter().chain(named).collect()
}

/// Lists the size and hash of every input file; `known` has the hashes that reading the files gave.
pub(crate) fn inputs(source: &Source, known: &FxHashMap<PathBuf, String>) -> Result<Vec<InputRecord>, BuildError> {
    let record = |file: &staycast_events::InputFile| {
        Ok(InputRecord {
            role: file.role.to_owned(),
            file: input::file_name(file.path()),
            lossy: file.path().file_name().is_some_and(|name| name.to_str().is_none()),
            bytes: file.file.bytes(),
            blake3: known.get(file.path()).cloned().map_or_else(|| file.file.blake3(), Ok)?,
            table: None,
        })
    };
    let mut records: Vec<InputRecord> = source.inputs.par_iter().map(record).collect::<Result<_, BuildError>>()?;
    records.extend(source.events.iter().flat_map(|file| file.database()).map(table_record));
    Ok(records)
}

/// Names the files that became longer while they were read.
fn grown(source: &Source) -> impl Iterator<Item = Notice> {
    let grown = source.inputs.iter().filter(|input| input.file.grew());
    grown.map(|input| Notice::Grew { file: input::file_name(input.path()), bytes: input.file.bytes() })
}

/// Returns a table of a database as the manifest records it.
fn table_record(table: staycast_events::DatabaseTable) -> InputRecord {
    let staycast_events::DatabaseTable { role, place, table, rows, ids, blake3 } = table;
    let (first, last) = ids.unwrap_or_default();
    let counted = || blake3::hash(format!("{rows} {first} {last}").as_bytes()).to_hex().to_string();
    InputRecord {
        role: role.to_owned(),
        file: format!("{place} {table}"),
        lossy: false,
        bytes: 0,
        blake3: blake3.unwrap_or_else(counted),
        table: Some(TableRecord { rows, ids }),
    }
}

pub(crate) fn build_record(source: &Source, options: &BuildOptions) -> BuildRecord {
    BuildRecord {
        weeks: options.weeks,
        week_ending: options.week_ending.map(staycast_events::time::format_date),
        rule: options.rule.map(|rule| rule.to_string()),
        as_of: source.as_of.map(staycast_events::time::format_instant),
        raw_kinds: options.raw_kinds == RawKinds::Keep,
        score_lag_days: options.score_lag_days,
        enrolment: match source.roster.enrolled_again {
            EnrolledAgain::First => None,
            other => Some(other.name().to_owned()),
        },
    }
}

/// Decides what to do about a folder that is in the place: `Some(manifest)` when it is kept.
pub(crate) fn settle_existing(
    folder: &Path,
    if_exists: BuildMode,
    source: &Source,
    options: &BuildOptions,
    rule: DropoutRule,
) -> Result<Option<Manifest>, BuildError> {
    let path = folder.to_owned();
    if !folder.exists() || is_empty_folder(folder) {
        return Ok(None);
    }
    let ours = folder.join(SEQUENCES).is_file() && folder.join(MANIFEST).is_file();
    match if_exists {
        BuildMode::Refuse => Err(BuildError::Exists { path }),
        _ if !is_of_sequences(folder) && !ours => Err(BuildError::NotOurs { path }),
        BuildMode::Replace => match own_files(folder).check(folder) {
            Ok(()) => Ok(None),
            Err(source) => Err(BuildError::Write { path, source }),
        },
        BuildMode::Resume => {
            // What is kept is checked: it is what the next command reads.
            let manifest = SequenceFolder::open(folder)?.manifest().clone();
            if manifest.last_edit().is_some() {
                return Err(BuildError::OtherInput { path, what: "the same input, edited since".to_owned() });
            }
            let same_options = manifest.build == build_record(source, options)
                && manifest.feature_set == options.features
                && manifest.labels.rule == rule
                && manifest.format == source.format;
            let same_inputs = manifest.inputs == inputs(source, &FxHashMap::default())?;
            match (same_inputs, same_options) {
                (true, true) => Ok(Some(manifest)),
                (false, _) => Err(BuildError::OtherInput { path, what: "another input".to_owned() }),
                (_, false) => {
                    Err(BuildError::OtherInput { path, what: "the same input, with other options".to_owned() })
                }
            }
        }
    }
}

/// Tells whether the folder's manifest is one of sequences, of whatever version.
fn is_of_sequences(folder: &Path) -> bool {
    fs::read(folder.join(MANIFEST)).is_ok_and(|text| {
        serde_json::from_slice::<serde_json::Value>(&text).is_ok_and(|value| value["kind"] == SEQUENCES_KIND)
    })
}

fn is_empty_folder(folder: &Path) -> bool {
    fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_none())
}

/// Holds the parts that a manifest is made of.
pub(crate) struct ManifestParts<'a> {
    pub(crate) source: &'a Source,
    pub(crate) options: &'a BuildOptions,
    pub(crate) inputs: Vec<InputRecord>,
    pub(crate) tally: &'a Tally,
    pub(crate) as_of: String,
    pub(crate) grids: &'a [CourseGrid],
    pub(crate) stray_days: Vec<StrayDaysRecord>,
    pub(crate) warnings: Vec<CourseWarning>,
    pub(crate) labels: LabelRecord,
    pub(crate) features: &'a [Feature],
    pub(crate) events: u64,
    pub(crate) rows: u64,
    pub(crate) folder: &'a Path,
}

/// Makes the manifest of a draft whose tables are written.
pub(crate) fn manifest(parts: &ManifestParts<'_>) -> Result<Manifest, BuildError> {
    let ManifestParts { source, options, tally, .. } = parts;
    let roster = &source.roster;
    let read = tally.read + source.tables.read;
    let rejected = tally.rejected() + source.tables.rejected();
    let mut left_out = BTreeMap::new();
    let without_dates = source.left_out.by_course.values().sum();
    for (reason, count) in [("unknown_course", without_dates), ("no_course", source.left_out.of_no_course)] {
        if count > 0 {
            left_out.insert(reason.to_owned(), count);
        }
    }
    if source.learners_set_aside > 0 {
        left_out.insert("no_event_used".to_owned(), source.learners_set_aside);
    }
    if source.only_about_others > 0 {
        left_out.insert("only_about_others".to_owned(), source.only_about_others);
    }
    if !roster.not_yet_known.is_empty() {
        left_out.insert("not_yet_known".to_owned(), roster.not_yet_known.len() as u64);
    }
    let outputs = [SEQUENCES, ENROLMENTS, COURSES];
    let record = |name: &&str| CheckedFile::record(parts.folder.join(name), name).map(|(_, record)| record);
    let outputs = outputs.par_iter().map(record).collect::<Result<_, FolderError>>()?;
    Ok(Manifest {
        kind: SEQUENCES_KIND.to_owned(),
        layout_version: LAYOUT_VERSION,
        staycast_version: env!("CARGO_PKG_VERSION").to_owned(),
        format: source.format.to_owned(),
        format_reason: source.reason.clone(),
        capabilities: source.capabilities,
        inputs: parts.inputs.clone(),
        notices: source.notices.iter().cloned().chain(source.overlaps(tally)).chain(grown(source)).collect(),
        left_out: left_out_files(source),
        file_notes: source.files.notes.clone(),
        rows: RowCounts {
            read: tally.read,
            used: tally.used,
            rejected: reasons(tally, true),
            set_aside: reasons(tally, false),
            rejected_roster: reasons(&source.tables, true),
            set_aside_roster: reasons(&source.tables, false),
            rejected_share: if read == 0 { 0.0 } else { rejected as f64 / read as f64 },
            tables: table_rows(&source.tables),
            unknown_kinds: unknown_kinds(source, tally),
        },
        calendar: CalendarRecord {
            source: calendar_source(source).to_owned(),
            as_of: parts.as_of.clone(),
            as_of_source: if source.as_of.is_some() { "given" } else { "newest event" }.to_owned(),
            weeks: parts.grids.iter().map(|grid| u32::from(grid.weeks.count())).max().unwrap_or(0),
            weeks_limit: options.weeks,
            stray_days: parts.stray_days.clone(),
        },
        labels: parts.labels.clone(),
        warnings: parts.warnings.clone(),
        build: build_record(source, options),
        feature_set: options.features,
        features: parts.features.iter().map(|feature| feature_record(feature, source)).collect(),
        static_columns: roster.static_columns.clone(),
        totals: Totals {
            courses: roster.courses.len() as u64,
            enrolments: roster.enrolments.len() as u64,
            learners: roster.count_learners() as u64,
            events: parts.events,
            enrolment_weeks: parts.rows,
            enrolments_left_out: left_out,
        },
        outputs,
        resealed: Vec::new(),
        seal: None,
    })
}

/// Counts the rows of each table that is not the log.
#[must_use]
pub fn table_rows(tally: &Tally) -> BTreeMap<String, TableRows> {
    let rows =
        |&TableCount { read, rejected, contradictions }: &TableCount| TableRows { read, rejected, contradictions };
    tally.tables.iter().map(|(name, count)| (name.clone(), rows(count))).collect()
}

/// Lists the files offered that were not read.
#[must_use]
pub fn left_out_files(source: &Source) -> Vec<LeftOutRecord> {
    let record = |file: &staycast_events::LeftOutFile| LeftOutRecord { file: file.file.clone(), why: file.why.clone() };
    source.files.left_out.iter().map(record).collect()
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
    let lacking = (!feature.needs.met_by(&source.capabilities)).then(|| feature.needs.lack().to_owned());
    FeatureRecord {
        name: feature.name.clone(),
        unit: feature.unit.to_owned(),
        meaning: feature.meaning.clone(),
        lacking,
    }
}

/// Counts the rows of each reason.
fn reasons(tally: &Tally, rejected: bool) -> BTreeMap<String, ReasonCount> {
    let chosen = tally.reasons.iter().filter(|(reason, _)| reason.is_rejection() == rejected);
    chosen
        .map(|(reason, count)| {
            let sample = |sample: &staycast_events::RowSample| SampleRecord {
                file: sample.file.clone(),
                line: sample.line,
                what: sample.what.clone(),
            };
            let record = ReasonCount { rows: count.rows, samples: count.samples.iter().map(sample).collect() };
            (reason.name().to_owned(), record)
        })
        .collect()
}
