//! From an opened log to a sequences folder: parse, reduce, write, publish.

use std::collections::BTreeMap;
use std::path::Path;

use staycast_events::time::format_instant;
use staycast_events::{Course, Source, SourceLabels, Tally};
use staycast_files::FolderDraft;

use crate::checkpoint;
use crate::columns::feature_columns;
use crate::error::BuildError;
use crate::features::FeatureSet;
use crate::grid::{CourseGrid, WeekGrid, end_of_day};
use crate::labels::DropoutRule;
use crate::manifest::Manifest;
use crate::output;
use crate::peers::Gathering;
use crate::progress::Progress;
use crate::reading::Reading;
use crate::reduce;
use crate::reducing;
use crate::store::{Store, partitions};
use crate::tables::{self, Facts};
use crate::timing::Timing;

/// How to build sequences.
#[derive(Clone, Debug, PartialEq)]
pub struct BuildOptions {
    /// At most this many weeks of each course.
    pub weeks: Option<u32>,
    /// Last day of some week, in days since 1970-01-01: weeks are then the seven days up to and including it, and those
    /// before and after; a course's first week is short where its start is not in step. Weeks count from each course's
    /// start when `None`.
    pub week_ending: Option<i32>,
    /// What counts as dropout; the source's own outcome, or else `inactive-last 2`, when `None`.
    pub rule: Option<DropoutRule>,
    /// When the log was taken, in seconds since 1970-01-01T00:00:00; the end of the newest event's day when `None`.
    pub as_of: Option<i64>,
    /// Which features to compute.
    pub features: FeatureSet,
    /// Whether to add a column `n_raw_<kind>` for each of the source's own kinds.
    pub raw_kinds: RawKinds,
    /// Days from a submission to its score being known.
    pub score_lag_days: u32,
    /// Bytes of events held in memory before they are spilled to disk; a block a thread and the roster come on top.
    pub memory_bytes: u64,
    /// Bytes of input between checkpoints that a killed build can be resumed from; taken between files.
    pub checkpoint_bytes: u64,
}

/// Whether the source's own kinds become columns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RawKinds {
    /// They do not.
    #[default]
    Drop,
    /// One column each.
    Keep,
}

/// Default of [`BuildOptions::memory_bytes`].
pub const DEFAULT_MEMORY_BYTES: u64 = 512 << 20;

/// Default of [`BuildOptions::checkpoint_bytes`]. Less is read again sooner than it is written down.
pub const DEFAULT_CHECKPOINT_BYTES: u64 = 4 << 30;

impl Default for BuildOptions {
    fn default() -> Self {
        Self {
            weeks: None,
            week_ending: None,
            rule: None,
            as_of: None,
            features: FeatureSet::All,
            raw_kinds: RawKinds::Drop,
            score_lag_days: 0,
            memory_bytes: DEFAULT_MEMORY_BYTES,
            checkpoint_bytes: DEFAULT_CHECKPOINT_BYTES,
        }
    }
}

/// What to do with an output folder that exists.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum IfExists {
    /// Refuse.
    #[default]
    Refuse,
    /// Replace it, when it is a sequences folder.
    Replace,
    /// Keep it when it is finished and of the same input and options, refuse otherwise; go on from the last checkpoint
    /// when a build of the same was killed.
    Resume,
}

/// Builds the sequences of `source` and writes them to `folder`, which appears whole or not at all. Runs on the rayon
/// pool it is called in; the files are the same bytes for any number of threads.
///
/// # Errors
/// When the log can't be read, no row of it can be used, the rule does not fit the source, or the folder exists or
/// can't be written.
pub fn build(
    source: &Source,
    options: &BuildOptions,
    folder: &Path,
    if_exists: IfExists,
    progress: &dyn Progress,
) -> Result<Manifest, BuildError> {
    let mut begun = None;
    let built = build_draft(source, options, folder, if_exists, progress, &mut begun);
    let Some(draft) = begun else { return built };
    let manifest = built.map_err(|error| error.named_by(&draft))?;
    output::publish(draft, if_exists)?;
    Ok(manifest)
}

/// Builds into a draft of `folder`, which is left in `begun`. Without a draft the folder holds what is wanted.
fn build_draft(
    source: &Source,
    options: &BuildOptions,
    folder: &Path,
    if_exists: IfExists,
    progress: &dyn Progress,
    begun: &mut Option<FolderDraft>,
) -> Result<Manifest, BuildError> {
    let rule = choose_rule(source, options.rule)?;
    if source.roster.enrolments.is_empty() {
        return Err(BuildError::NoEnrolments);
    }
    if options.week_ending.is_some() && !source.capabilities.dates {
        return Err(BuildError::NoDates { format: source.format });
    }
    let cuts = cuts(source, options);
    let mut timing = Timing::start();
    if let Some(manifest) = output::settle_existing(folder, if_exists, source, options, rule)? {
        return Ok(manifest);
    }
    timing.lap("look");
    let partitions = partitions(enrolments_of(source).map(|course| u32::from(cuts[course].count())));
    let identity = checkpoint::identity(source, options, rule, partitions.len())?;
    let (draft, journal) = checkpoint::begin(folder, if_exists, &identity)?;
    let draft: &FolderDraft = begun.insert(draft);
    let mut store = Store::new(&partitions, options.memory_bytes, draft.path().to_owned());
    let gathering = (options.features == FeatureSet::All).then(|| Gathering::new(&source.roster, &cuts));
    let reading =
        Reading { source, options, cuts: &cuts, rule, gathering: gathering.as_ref(), identity, folder: draft.path() };
    let begun = reading.begin(journal, &mut store)?;
    let intake = reading.read(begun, &store, progress)?;
    timing.lap("parse");
    let inputs = output::inputs(source, &intake.hashes)?;
    timing.lap("hash");
    if intake.tally.used == 0 {
        return Err(nothing_used(&intake.tally));
    }
    let as_of = options.as_of.unwrap_or_else(|| end_of_day(intake.newest));
    let grids: Vec<CourseGrid> =
        source.roster.courses.iter().zip(&cuts).map(|(course, &cut)| CourseGrid::new(course, cut, as_of)).collect();
    let peers = gathering.map(|gathering| gathering.compare(&source.roster, &source.capabilities, &grids));
    let kinds = (options.raw_kinds == RawKinds::Keep).then_some(source.kinds.as_slice());
    let features = feature_columns(options.features, kinds);
    let frame = reduce::Frame {
        roster: &source.roster,
        grids: &grids,
        kinds: &source.kinds,
        marks: reduce::Marks::of(&source.kinds, source.capabilities),
        capabilities: source.capabilities,
        set: options.features,
        raw_kinds: kinds.is_some(),
        score_lag_days: options.score_lag_days,
        peers: peers.as_ref(),
        due: due_by_course(source),
    };
    let path = draft.path().join(SEQUENCES);
    let reduced = reducing::reduce_all(&frame, &features, &partitions, &store, &path, progress)?;
    timing.lap("reduce");
    let facts = Facts {
        source,
        grids: &grids,
        summaries: &reduced.summaries,
        active_in_window: &intake.active_in_window,
        rule,
        as_of_given: options.as_of.is_some(),
    };
    let labels = tables::write_enrolments(&facts, &draft.path().join(ENROLMENTS))?;
    tables::write_courses(&facts, &draft.path().join(COURSES))?;
    let manifest = output::manifest(&output::Told {
        source,
        options,
        inputs,
        tally: &intake.tally,
        as_of: format_instant(as_of),
        grids: &grids,
        labels,
        features: &features,
        events: reduced.events,
        rows: reduced.rows,
        folder: draft.path(),
    })?;
    timing.lap("write");
    timing.spilled_bytes = store.spilled_bytes();
    output::write_records(draft, &manifest, &timing)?;
    Ok(manifest)
}

/// File of the weekly rows.
pub(crate) const SEQUENCES: &str = "sequences.parquet";
/// File of the enrolments.
pub(crate) const ENROLMENTS: &str = "enrolments.parquet";
/// File of the courses.
pub(crate) const COURSES: &str = "courses.parquet";

fn choose_rule(source: &Source, asked: Option<DropoutRule>) -> Result<DropoutRule, BuildError> {
    let rule = asked.unwrap_or(match source.labels {
        SourceLabels::Labels => DropoutRule::LabelsFile,
        SourceLabels::Outcomes => DropoutRule::WithdrawnOrFailed,
        SourceLabels::Nothing => DropoutRule::InactiveLast { weeks: 2 },
    });
    let refuse =
        |needs, what_to_do| Err(BuildError::Rule { rule: rule.to_string(), needs, format: source.format, what_to_do });
    let has_outcomes = source.roster.enrolments.iter().any(|enrolment| enrolment.outcome.is_some());
    let has_labels = source.roster.enrolments.iter().any(|enrolment| enrolment.dropout.is_some());
    if rule.rests_on_outcomes() && !has_outcomes {
        return refuse("recorded outcomes", "use inactive-last N, or give --labels FILE");
    }
    if rule == DropoutRule::LabelsFile && !has_labels {
        return refuse("labels", "give --labels FILE, or use inactive-last N");
    }
    Ok(rule)
}

/// How each course's days are cut into weeks.
fn cuts(source: &Source, options: &BuildOptions) -> Vec<WeekGrid> {
    let cut = |course: &Course| WeekGrid::for_course(course.start_day, course.days, options.weeks, options.week_ending);
    source.roster.courses.iter().map(cut).collect()
}

/// The course of each enrolment.
fn enrolments_of(source: &Source) -> impl Iterator<Item = usize> {
    source.roster.enrolments.iter().map(|enrolment| enrolment.course.as_usize())
}

fn due_by_course(source: &Source) -> Vec<Vec<(u32, &staycast_events::Assessment)>> {
    let mut due = vec![Vec::new(); source.roster.courses.len()];
    for (assessment, place) in source.roster.assessments.iter().zip(0..) {
        if assessment.due_day.is_some() {
            due[assessment.course.as_usize()].push((place, assessment));
        }
    }
    due
}

fn nothing_used(tally: &Tally) -> BuildError {
    let reasons: Vec<String> = tally
        .reasons
        .iter()
        .map(|(reason, count)| {
            let first = count.samples.first();
            let example = first
                .map_or_else(String::new, |sample| format!(" ({} line {}: {})", sample.file, sample.line, sample.what));
            format!("{} {}{example}", count.rows, reason.name())
        })
        .collect();
    let reasons = if reasons.is_empty() { "the log has no rows".to_owned() } else { reasons.join("; ") };
    BuildError::NothingUsed { read: tally.read, reasons }
}

/// How many rows each reason has, as manifests tell it.
pub(crate) fn reasons(tally: &Tally, rejected: bool) -> BTreeMap<String, crate::manifest::ReasonCount> {
    let chosen = tally.reasons.iter().filter(|(reason, _)| reason.is_rejection() == rejected);
    chosen
        .map(|(reason, count)| {
            let sample = |sample: &staycast_events::RowSample| crate::manifest::SampleRecord {
                file: sample.file.clone(),
                line: sample.line,
                what: sample.what.clone(),
            };
            let record =
                crate::manifest::ReasonCount { rows: count.rows, samples: count.samples.iter().map(sample).collect() };
            (reason.name().to_owned(), record)
        })
        .collect()
}
