//! From an opened log to a sequences folder: parse, reduce, write, publish.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use rayon::prelude::*;
use staycast_events::time::{DAY_SECONDS, format_instant};
use staycast_events::{
    BlockTally, EventFile, Frame as ReadFrame, LabelOffer, Parsed, Purpose, ReadError, Source, Tally,
};

use crate::columns::{Columns, Key, feature_columns, schema};
use crate::error::BuildError;
use crate::features::{Feature, FeatureSet};
use crate::grid::{Grid, end_of_day, grid_days};
use crate::labels::DropoutRule;
use crate::manifest::Manifest;
use crate::output::{self, Draft};
use crate::parquet_out::GroupedFile;
use crate::peers::Gathering;
use crate::progress::{Progress, Unit};
use crate::reduce::{self, Summary};
use crate::store::{Store, partitions};
use crate::tables::{self, Facts};
use crate::timing::Timing;

/// How to build sequences.
#[derive(Clone, Debug, PartialEq)]
pub struct BuildOptions {
    /// At most this many weeks of each course.
    pub weeks: Option<u32>,
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

impl Default for BuildOptions {
    fn default() -> Self {
        Self {
            weeks: None,
            rule: None,
            as_of: None,
            features: FeatureSet::All,
            raw_kinds: RawKinds::Drop,
            score_lag_days: 0,
            memory_bytes: DEFAULT_MEMORY_BYTES,
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
    /// Keep it when it is finished and of the same input and options; refuse otherwise.
    Keep,
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
    let rule = choose_rule(source, options.rule)?;
    if source.roster.enrolments.is_empty() {
        return Err(BuildError::NoEnrolments);
    }
    let mut timing = Timing::start();
    let inputs = output::hash_inputs(source)?;
    timing.lap("hash");
    if let Some(manifest) = output::settle_existing(folder, if_exists, &inputs, source, options, rule)? {
        return Ok(manifest);
    }
    let draft = Draft::begin(folder)?;
    let partitions = partition(source, options);
    let store = Store::new(&partitions, options.memory_bytes, draft.path().to_owned());
    let gathering =
        (options.features == FeatureSet::All).then(|| Gathering::new(&source.roster, &sizes(source, options)));
    let intake = parse(source, options, rule, &store, gathering.as_ref(), progress)?;
    timing.lap("parse");
    if intake.tally.used == 0 {
        return Err(nothing_used(&intake.tally));
    }
    let as_of = options.as_of.unwrap_or_else(|| end_of_day(intake.newest));
    let grids: Vec<Grid> = source.roster.courses.iter().map(|course| Grid::new(course, options.weeks, as_of)).collect();
    let peers = gathering.map(|gathering| gathering.compare(&source.roster, &grids));
    let kinds = (options.raw_kinds == RawKinds::Keep).then_some(source.kinds.as_slice());
    let features = feature_columns(options.features, kinds);
    let frame = reduce::Frame {
        roster: &source.roster,
        grids: &grids,
        kinds: &source.kinds,
        knows: source.knows,
        set: options.features,
        raw_kinds: kinds.is_some(),
        score_lag_days: options.score_lag_days,
        peers: peers.as_ref(),
        due: due_by_course(source),
    };
    let path = draft.path().join(SEQUENCES);
    let reduced = reduce_all(&frame, &features, &partitions, &store, &path, progress)?;
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
    draft.publish(&manifest, &timing, if_exists)?;
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
        LabelOffer::Labels => DropoutRule::LabelsFile,
        LabelOffer::Outcomes => DropoutRule::WithdrawnOrFailed,
        LabelOffer::Nothing => DropoutRule::InactiveLast { weeks: 2 },
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

/// Days and weeks of each course's grid.
fn sizes(source: &Source, options: &BuildOptions) -> Vec<(u32, u32)> {
    let size = |course| {
        let days = grid_days(course, options.weeks);
        (days, days.div_ceil(crate::grid::WEEK_DAYS))
    };
    source.roster.courses.iter().map(size).collect()
}

fn partition(source: &Source, options: &BuildOptions) -> Vec<std::ops::Range<u32>> {
    let sizes = sizes(source, options);
    partitions(source.roster.enrolments.iter().map(|enrolment| sizes[enrolment.course as usize].1))
}

fn due_by_course(source: &Source) -> Vec<Vec<(u32, &staycast_events::Assessment)>> {
    let mut due = vec![Vec::new(); source.roster.courses.len()];
    for (assessment, place) in source.roster.assessments.iter().zip(0..) {
        if assessment.due_day.is_some() {
            due[assessment.course as usize].push((place, assessment));
        }
    }
    due
}

/// What parsing leaves besides the stored events.
struct Intake {
    tally: Tally,
    newest: i64,
    /// By enrolment: an event in the window that the label rule looks at.
    active_in_window: Vec<bool>,
}

/// The window, in seconds from the course's start, in which an event means that the learner stayed.
fn label_window(rule: DropoutRule, calendar_days: u32) -> Option<(i64, i64)> {
    let end = i64::from(calendar_days) * DAY_SECONDS;
    match rule {
        DropoutRule::InactiveLast { weeks } => Some((end - i64::from(7 * weeks) * DAY_SECONDS, end)),
        DropoutRule::NoActivityAfter { days } => Some((end, end + i64::from(days) * DAY_SECONDS)),
        _ => None,
    }
}

fn parse(
    source: &Source,
    options: &BuildOptions,
    rule: DropoutRule,
    store: &Store,
    gathering: Option<&Gathering>,
    progress: &dyn Progress,
) -> Result<Intake, BuildError> {
    let roster = &source.roster;
    let days: Vec<u32> = roster.courses.iter().map(|course| grid_days(course, options.weeks)).collect();
    let frame = ReadFrame::new(roster, &days, options.as_of);
    let windows: Vec<Option<(i64, i64)>> =
        roster.courses.iter().map(|course| label_window(rule, course.days)).collect();
    let active: Vec<AtomicBool> = roster.enrolments.iter().map(|_| AtomicBool::new(false)).collect();
    let mark = |enrolment: u32, seconds: i32| {
        let window = windows[roster.enrolments[enrolment as usize].course as usize];
        if window.is_some_and(|(from, to)| (from..to).contains(&i64::from(seconds))) {
            active[enrolment as usize].store(true, Ordering::Relaxed);
        }
    };
    let newest = AtomicI64::new(i64::MIN);
    let total = source.events.iter().map(|file| file.size_bytes()).sum();
    progress.begin("reading", Some(total), Unit::Bytes);
    let mut tally = Tally::default();
    for file in &source.events {
        let blocks: Mutex<Vec<(usize, BlockTally)>> = Mutex::default();
        let sink = |number: usize, parsed: Parsed| -> Result<(), ReadError> {
            if let Some(span) = parsed.span {
                newest.fetch_max(span.last, Ordering::Relaxed);
            }
            if let Some(gathering) = gathering {
                gathering.add(&parsed.events);
            }
            if rule_looks_at_activity(rule) {
                parsed.events.iter().for_each(|event| mark(event.enrolment(), event.seconds()));
                parsed.after_calendar.iter().for_each(|&(enrolment, seconds)| mark(enrolment, seconds));
            }
            store.add(&parsed.events).map_err(|error| ReadError::Sink(Box::new(error)))?;
            blocks.lock().expect("no thread panics while it counts").push((number, parsed.tally));
            Ok(())
        };
        file.read(Purpose::Events, &frame, &sink, &|bytes| progress.advance(bytes))?;
        let blocks = blocks.into_inner().expect("no thread panicked while it counted");
        tally.append(place_blocks(file.as_ref(), blocks));
    }
    progress.end(&format!("{} rows, {} used, {} rejected", tally.read, tally.used, tally.rejected()));
    let active_in_window = active.into_iter().map(AtomicBool::into_inner).collect();
    Ok(Intake { tally, newest: newest.into_inner(), active_in_window })
}

const fn rule_looks_at_activity(rule: DropoutRule) -> bool {
    matches!(rule, DropoutRule::InactiveLast { .. } | DropoutRule::NoActivityAfter { .. })
}

/// Puts the tallies of a file's blocks in order and gives their rows line numbers.
fn place_blocks(file: &dyn EventFile, mut blocks: Vec<(usize, BlockTally)>) -> Tally {
    blocks.sort_by_key(|&(number, _)| number);
    let name = file.name();
    let mut line = file.first_line();
    let mut tally = Tally::default();
    for (_, block) in blocks {
        let lines = block.lines;
        tally.append(block.place(&name, line));
        line += lines;
    }
    tally
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

struct Reduced {
    summaries: Vec<Summary>,
    events: u64,
    rows: u64,
}

/// Partitions reduced and encoded side by side before they are appended, in order.
fn wave() -> usize {
    2 * rayon::current_num_threads()
}

fn reduce_all(
    frame: &reduce::Frame<'_>,
    features: &[Feature],
    partitions: &[std::ops::Range<u32>],
    store: &Store,
    path: &PathBuf,
    progress: &dyn Progress,
) -> Result<Reduced, BuildError> {
    let schema = schema(features);
    let mut file = GroupedFile::create(path, &schema).map_err(BuildError::parquet(path))?;
    let mut reduced = Reduced { summaries: Vec::with_capacity(frame.roster.enrolments.len()), events: 0, rows: 0 };
    progress.begin("weeks", Some(frame.roster.enrolments.len() as u64), Unit::Enrolments);
    let numbered: Vec<usize> = (0..partitions.len()).collect();
    for numbers in numbered.chunks(wave()) {
        let encoder = file.encoder();
        let done: Vec<_> = numbers
            .par_iter()
            .enumerate()
            .map(|(ahead, &number)| {
                let events = store.take(number).map_err(BuildError::write(path))?;
                let count: u64 = events.iter().map(|event| u64::from(event.weight())).sum();
                let (columns, summaries) = reduce_partition(frame, features, partitions[number].clone(), &events);
                drop(events);
                let batch = columns.finish(&schema);
                let encoded = encoder.encode(ahead, &batch).map_err(BuildError::parquet(path))?;
                progress.advance(summaries.len() as u64);
                Ok::<_, BuildError>((encoded, summaries, count, batch.num_rows() as u64))
            })
            .collect::<Result<_, _>>()?;
        for (encoded, summaries, events, rows) in done {
            file.append(encoded).map_err(BuildError::parquet(path))?;
            reduced.summaries.extend(summaries);
            reduced.events += events;
            reduced.rows += rows;
        }
    }
    file.finish().map_err(BuildError::parquet(path))?;
    progress.end(&format!("{} enrolment-weeks of {} enrolments", reduced.rows, reduced.summaries.len()));
    Ok(reduced)
}

fn reduce_partition<'a>(
    frame: &reduce::Frame<'_>,
    features: &'a [Feature],
    enrolments: std::ops::Range<u32>,
    events: &[staycast_events::Event],
) -> (Columns<'a>, Vec<Summary>) {
    let mut columns = Columns::new(features);
    let mut summaries = Vec::with_capacity(enrolments.len());
    let mut rest = events;
    for place in enrolments {
        let (mine, later) = rest.split_at(rest.partition_point(|event| event.enrolment() <= place));
        rest = later;
        let enrolment = &frame.roster.enrolments[place as usize];
        let grid = &frame.grids[enrolment.course as usize];
        let course = &frame.roster.courses[enrolment.course as usize];
        let key = |week| Key {
            course: &course.id,
            enrolment: &enrolment.id,
            learner: &enrolment.learner,
            week,
            week_days: grid.week_days(week),
        };
        summaries.push(reduce::reduce(frame, place, mine, |week, values| columns.push(key(week), Some(values))));
        for week in grid.observed_weeks..grid.weeks {
            columns.push(key(week), None);
        }
    }
    (columns, summaries)
}

/// How many rows each reason has, as manifests tell it.
pub(crate) fn reasons(tally: &Tally, rejected: bool) -> BTreeMap<String, crate::manifest::ReasonCount> {
    let chosen = tally.reasons.iter().filter(|(reason, _)| reason.is_rejection() == rejected);
    chosen
        .map(|(reason, count)| {
            let sample = |sample: &staycast_events::Sample| crate::manifest::SampleRecord {
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
