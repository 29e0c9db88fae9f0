//! Builds a sequences folder from an opened log: parse, reduce, write, publish.

use std::path::Path;

use staycast_events::time::format_instant;
use staycast_events::{Course, Source, SourceLabels, Tally};
use staycast_files::FolderDraft;

use crate::checkpoint;
use crate::count::{AssessmentScores, Frame, HandIns, Marks, dated_assessments};
use crate::error::{BuildError, RuleNeeds};
use crate::feature_set::FeatureSet;
use crate::features::features_with_kinds;
use crate::grid::{CourseGrid, WeekGrid, end_of_day};
use crate::labels::DropoutRule;
use crate::layout::{COURSES, ENROLMENTS, SEQUENCES};
use crate::manifest::Manifest;
use crate::options::{BuildMode, BuildOptions, RawKinds};
use crate::outcomes::Outcomes;
use crate::output;
use crate::peers::PeerCounter;
use crate::progress::Progress;
use crate::reading::LogReading;
use crate::reducing;
use crate::seal;
use crate::store::{Store, partitions};
use crate::tables::{self, TableFacts};
use crate::timing::Timing;
use crate::warnings;

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
    if_exists: BuildMode,
    progress: &dyn Progress,
) -> Result<Manifest, BuildError> {
    let mut begun = None;
    let built = build_draft(source, options, folder, if_exists, progress, &mut begun);
    let Some(draft) = begun else { return built };
    let manifest = built.map_err(|error| error.named_by(&draft))?;
    output::publish(draft, folder, if_exists)?;
    Ok(manifest)
}

/// Builds into a draft of `folder`, which is left in `begun`. Without a draft the folder holds what is wanted.
fn build_draft(
    source: &Source,
    options: &BuildOptions,
    folder: &Path,
    if_exists: BuildMode,
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
    let partitions = partitions(courses_by_enrolment(source).map(|course| u32::from(cuts[course].count())));
    let identity = checkpoint::identity(source, options, rule, partitions.len())?;
    let (draft, journal) = checkpoint::begin(folder, if_exists, &identity)?;
    let draft: &FolderDraft = begun.insert(draft);
    let mut store = Store::new(&partitions, options.memory_bytes, draft.path().to_owned());
    let gathering = (options.features == FeatureSet::All).then(|| PeerCounter::new(&source.roster, &cuts));
    let reading = LogReading {
        source,
        options,
        cuts: &cuts,
        rule,
        gathering: gathering.as_ref(),
        identity,
        folder: draft.path(),
    };
    let begun = reading.begin(journal, &mut store)?;
    let intake = reading.read(begun, &store, progress)?;
    timing.lap("parse");
    let inputs = output::inputs(source, &intake.hashes)?;
    timing.lap("hash");
    if intake.tally.used == 0 {
        return Err(nothing_used(&intake.tally));
    }
    let newest = intake.days.newest.as_ref().map_or(i64::from(i32::MIN), |newest| newest.day);
    let as_of = source.as_of.unwrap_or_else(|| end_of_day(newest));
    let grids: Vec<CourseGrid> =
        source.roster.courses.iter().zip(&cuts).map(|(course, &cut)| CourseGrid::new(course, cut, as_of)).collect();
    let outcomes = Outcomes {
        source,
        grids: &grids,
        active_in_window: &intake.active_in_window,
        rule,
        as_of_given: source.as_of.is_some(),
    };
    let peers = gathering.map(|gathering| gathering.finish(&outcomes));
    let raw_kinds = if options.raw_kinds == RawKinds::Keep { source.kinds.as_slice() } else { &[] };
    let features = features_with_kinds(options.features, raw_kinds);
    let frame = Frame {
        roster: &source.roster,
        grids: &grids,
        kinds: &source.kinds,
        marks: Marks::new(&source.kinds, source.capabilities),
        capabilities: source.capabilities,
        score_lag_days: options.score_lag_days,
        peers: peers.as_ref(),
        due: dated_assessments(&source.roster),
        scores: AssessmentScores::new(&source.roster, options.score_lag_days),
        hand_ins: HandIns::new(&source.roster),
    };
    let path = draft.path().join(SEQUENCES);
    let reduced = reducing::reduce_all(&frame, &features, &partitions, &store, &path, progress)?;
    timing.lap("reduce");
    let facts = TableFacts { outcomes: &outcomes, summaries: &reduced.summaries };
    let labels = tables::write_enrolments(&facts, &draft.path().join(ENROLMENTS))?;
    tables::write_courses(&facts, &draft.path().join(COURSES))?;
    let manifest = output::manifest(&output::ManifestParts {
        source,
        options,
        inputs,
        tally: &intake.tally,
        as_of: format_instant(as_of),
        grids: &grids,
        stray_days: warnings::stray_days(&source.roster, &intake.days),
        warnings: warnings::about_courses(&facts, &labels.by_course),
        labels: labels.record,
        features: &features,
        events: reduced.events,
        rows: reduced.rows,
        folder: draft.path(),
    })?;
    timing.lap("write");
    timing.spilled_bytes = store.spilled_bytes();
    let (manifest, text) = seal::sealed(manifest);
    output::write_records(draft, &text, &timing)?;
    Ok(manifest)
}

fn choose_rule(source: &Source, asked: Option<DropoutRule>) -> Result<DropoutRule, BuildError> {
    let rule = asked.unwrap_or(match source.labels {
        SourceLabels::Labels => DropoutRule::LabelsFile,
        SourceLabels::Outcomes => DropoutRule::WithdrawnOrFailed,
        SourceLabels::Nothing => DropoutRule::InactiveLast { weeks: 2 },
    });
    let refuse = |needs| Err(BuildError::Rule { rule: rule.to_string(), needs, format: source.format });
    let all = &source.roster.enrolments;
    let has_outcomes = all.places().any(|place| all.outcome(place).is_some())
        || (source.capabilities.withdrawals && rule != DropoutRule::NotCompleted);
    let has_labels = all.places().any(|place| all.dropout(place).is_some());
    if rule.rests_on_outcomes() && !has_outcomes {
        return refuse(RuleNeeds::Outcomes);
    }
    if rule == DropoutRule::LabelsFile && !has_labels {
        return refuse(RuleNeeds::Labels);
    }
    Ok(rule)
}

/// Cuts each course's days into weeks.
fn cuts(source: &Source, options: &BuildOptions) -> Vec<WeekGrid> {
    let cut = |course: &Course| WeekGrid::for_course(course.start_day, course.days, options.weeks, options.week_ending);
    source.roster.courses.iter().map(cut).collect()
}

/// Lists the course of each enrolment.
fn courses_by_enrolment(source: &Source) -> impl Iterator<Item = usize> {
    source.roster.enrolments.places().map(|place| source.roster.enrolments.course(place).as_usize())
}

fn nothing_used(tally: &Tally) -> BuildError {
    let reasons = if tally.read == 0 { "it has none".to_owned() } else { tally.describe_unused() };
    BuildError::NothingUsed { read: tally.read, reasons }
}
