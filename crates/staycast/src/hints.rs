//! Hints about flags. Libraries state facts and know no flags; here is what to type about the facts.

use std::error::Error;
use std::io;

use staycast_advice::experiments::{ExperimentError, PlanError};
use staycast_advice::messages::MessageError;
use staycast_advice::recommend::RecommendError;
use staycast_evaluation::splits::SplitError;
use staycast_events::{Notice, ReadError};
use staycast_files::ForeignFile;
use staycast_forecast::config::ConfigError;
use staycast_forecast::device::DeviceError;
use staycast_forecast::{FileError, InputsError, NoOutcomeKnown, PredictionError, RunError, TrainError};
use staycast_sequences::manifest::Manifest;
use staycast_sequences::{BuildError, FolderError, RuleNeeds};
use staycast_tracking::archive::ArchiveError;

use crate::status::UsageError;

/// Says that memory ran out.
pub(crate) const NO_MORE_MEMORY: &str =
    "there is not enough memory; free some, raise its limit, or give a smaller --memory or fewer --threads";

/// Says that no more threads can be started.
pub(crate) const NO_MORE_THREADS: &str =
    "no more threads can be started; raise the limit of processes or memory, or give fewer --threads";

/// Returns what to type to get past `error`, where a flag or a command helps; appended to the message after `; `.
pub(crate) fn for_error(error: &anyhow::Error) -> Option<String> {
    match error.downcast_ref::<UsageError>() {
        Some(usage) => for_error(usage.cause()),
        None => error.chain().find_map(for_cause),
    }
}

/// Returns the hint for one error of a library. A crate adds its own match here, by `cause.downcast_ref::<ItsError>()`;
/// variants that are `#[error(transparent)]` do not appear in the chain, so match through them.
fn for_cause(cause: &(dyn Error + 'static)) -> Option<String> {
    cause
        .downcast_ref()
        .and_then(for_prediction)
        .or_else(|| cause.downcast_ref().and_then(for_training))
        .or_else(|| cause.downcast_ref().and_then(for_run))
        .or_else(|| cause.downcast_ref().and_then(for_archive))
        .or_else(|| cause.downcast_ref().and_then(for_config))
        .or_else(|| cause.downcast_ref().and_then(for_device))
        .or_else(|| cause.downcast_ref().and_then(for_inputs))
        .or_else(|| cause.downcast_ref().and_then(for_build))
        .or_else(|| cause.downcast_ref().and_then(for_reading))
        .or_else(|| cause.downcast_ref().and_then(for_sequences))
        .or_else(|| cause.downcast_ref().and_then(for_experiment))
        .or_else(|| cause.downcast_ref().and_then(for_writing))
        .or_else(|| cause.downcast_ref().and_then(for_messages))
        .or_else(|| cause.downcast_ref().and_then(for_recommending))
}

/// Says what to do when dates of courses are in doubt.
pub(crate) const FOR_DATES_OF_COURSES: &str = "Where dates are wrong, give them with --courses FILE.";

/// Returns what to type when outcomes are unknown because the newest event is from before the end of a course.
pub(crate) fn for_outcomes_not_known_yet(manifest: &Manifest) -> Option<String> {
    let known_from = manifest.labels.known_from.as_ref()?;
    let inferred = manifest.calendar.as_of_source == "newest event" && manifest.capabilities.dates;
    inferred
        .then(|| format!("If the log is complete until then, add --as-of {known_from}: the outcomes are then known."))
}

fn for_prediction(error: &PredictionError) -> Option<String> {
    match error {
        PredictionError::TrainingRows { .. } => {
            Some("name other courses, or add --in-sample, which marks every figure".to_owned())
        }
        PredictionError::SealedSince { .. } => Some(
            "train again on them, or evaluate them as data of other courses: name some that it was not trained on with \
             --courses, or add --in-sample, which marks every figure"
                .to_owned(),
        ),
        PredictionError::NoOutcomeKnown(unknown) => Some(for_unknown_outcomes(unknown)),
        PredictionError::WeekTooLate { last: Some(_), .. } => Some("choose it with --week N".to_owned()),
        PredictionError::OtherRule { run, .. } => Some(format!("preprocess it with --dropout \"{run}\"")),
        PredictionError::Run(error) => for_run(error),
        PredictionError::Inputs(error) => for_inputs(error),
        PredictionError::Folder(error) => for_sequences(error),
        _ => None,
    }
}

fn for_training(error: &TrainError) -> Option<String> {
    match error {
        TrainError::RunInterrupted(_) => Some("resume it with --resume, or remove it".to_owned()),
        TrainError::Interrupted => Some("go on with --resume".to_owned()),
        TrainError::TargetTooLate { last: Some(_), .. } => {
            Some("choose it with --set training.target_week=N".to_owned())
        }
        TrainError::NoOutcomeKnown(unknown) => Some(for_unknown_outcomes(unknown)),
        TrainError::Split(SplitError::TooFewCourses { .. } | SplitError::NoLaterCourse) => {
            Some("as with --split learner".to_owned())
        }
        TrainError::Split(SplitError::MissingDays { .. }) => Some(
            "preprocess with --courses FILE, which has the dates of each course, or name the runs to hold out with --test-courses"
                .to_owned(),
        ),
        TrainError::OneOutcome { .. } => {
            Some("train on more courses, or another week with --set training.target_week=N".to_owned())
        }
        TrainError::OneOutcomeInPart { .. } | TrainError::TooFewToHoldOut { .. } => {
            Some("train on more courses, or with fewer parts: --set ensemble.validation_folds=N".to_owned())
        }
        TrainError::Run(error) => for_run(error),
        TrainError::Inputs(error) => for_inputs(error),
        _ => None,
    }
}

fn for_unknown_outcomes(unknown: &NoOutcomeKnown) -> String {
    if unknown.not_over > 0 {
        "use courses that are over or, if the log is complete to their end, preprocess it with --as-of DATE".to_owned()
    } else {
        "preprocess with another --dropout rule, or with --labels FILE that has these learners".to_owned()
    }
}

fn for_run(error: &RunError) -> Option<String> {
    match error {
        RunError::Unfinished(_) => Some("go on with `staycast train … --resume`".to_owned()),
        RunError::NoModel(_) => Some("train one without --folds".to_owned()),
        RunError::File(FileError::Changed { .. }) => Some(
            "get the run again or, if it was changed on purpose, check it and write its checksums with `staycast runs seal RUN`"
                .to_owned(),
        ),
        RunError::File(FileError::NoChecksums { .. }) => {
            Some("get the run again, or check it and write new ones with `staycast runs seal RUN`".to_owned())
        }
        RunError::NotARun { .. } => Some("name a folder that `staycast train` wrote".to_owned()),
        _ => None,
    }
}

/// Returns what to type about an archive.
fn for_archive(error: &ArchiveError) -> Option<String> {
    match error {
        ArchiveError::TooLarge { .. } => Some("if you trust it, raise the limit with --max-size SIZE".to_owned()),
        _ => None,
    }
}

fn for_config(error: &ConfigError) -> Option<String> {
    match error {
        ConfigError::Missing(_) => {
            Some("name a file of settings in TOML; without --config the defaults hold".to_owned())
        }
        _ => None,
    }
}

fn for_device(error: &DeviceError) -> Option<String> {
    match error {
        DeviceError::NotBuiltIn { backend } => {
            Some(format!("build Staycast with `--features {backend}`, or use --device auto"))
        }
        DeviceError::NoAdapter { .. } | DeviceError::Refused { .. } => Some("use --device cpu".to_owned()),
        DeviceError::NoSuchNumber { .. } => Some("`staycast devices` lists them".to_owned()),
        DeviceError::Unknown(_) | DeviceError::OneCpu(_) | DeviceError::Numbers { .. } => None,
    }
}

fn for_inputs(error: &InputsError) -> Option<String> {
    match error {
        InputsError::MissingFeatures { .. } => {
            Some("preprocess the same kind of log with the same --features".to_owned())
        }
        _ => None,
    }
}

fn for_build(error: &BuildError) -> Option<String> {
    let hint = match error {
        BuildError::Exists { .. } => "choose another --out, or give --force to replace it",
        BuildError::NotOurs { .. } => "choose another --out",
        BuildError::OtherInput { .. } => "choose another --out, or give --force to replace them",
        BuildError::Rule { needs: RuleNeeds::Outcomes, .. } => "use inactive-last N, or give --labels FILE",
        BuildError::Rule { needs: RuleNeeds::Labels, .. } => "give --labels FILE, or use inactive-last N",
        BuildError::Read(error) => return for_reading(error),
        BuildError::Folder(error) => return for_sequences(error),
        BuildError::NoDates { .. } => "give --courses FILE with them",
        _ => return None,
    };
    Some(hint.to_owned())
}

fn for_reading(error: &ReadError) -> Option<String> {
    let hint = match error {
        ReadError::UnknownFormat { .. } => {
            "name the format with --format, or describe the files in a --mapping for --format table"
        }
        ReadError::NotRead { what_to_do: None, .. } => "leave it out, or name the format with --format",
        ReadError::NoMapping => "give it with --mapping FILE",
        ReadError::NeedlessMapping { .. } => "leave --mapping out, or use --format table",
        ReadError::FilesAndDatabase | ReadError::MappingForDatabase => "--source is the address of the database",
        ReadError::DatabaseStalled { .. } => "wait longer with --source-timeout SECONDS",
        ReadError::TooLongToInfer { .. } => "--courses FILE takes dates of courses",
        ReadError::MissingTable { table: "calendar" | "courses", .. } => "or give the dates with --courses FILE",
        ReadError::EnrolledAgain { .. } => "leave --enrolment out",
        ReadError::Institutions { .. } => "each is named by --institution NAME=PATH",
        _ => return None,
    };
    Some(hint.to_owned())
}

/// Returns what to type about a notice of a log.
pub(crate) fn for_notice(notice: &Notice) -> Option<&'static str> {
    match notice {
        Notice::SeveralSites { .. } => Some("name each site's own log with --institution NAME=PATH if you can"),
        Notice::SharedUserIds { .. } | Notice::ClashingIds { .. } => {
            Some("name each site's log with --institution NAME=PATH")
        }
        Notice::OverlappingFiles { .. } => Some("leave one of them out, or cut off the lines that both have"),
        Notice::WithdrawnBeforeEnrolled { .. }
        | Notice::WithdrawnAfterCourse { .. }
        | Notice::MissingLabels { .. }
        | Notice::RoundNumbers { .. } => None,
        Notice::Grew { .. } => Some("preprocess again when nothing writes to it, if the rest matters"),
    }
}

fn for_sequences(error: &FolderError) -> Option<String> {
    let hint = match error {
        FolderError::NotAFolder { .. } => "name a folder that `staycast preprocess` wrote",
        FolderError::Version { .. } | FolderError::Damaged { .. } => "run `staycast preprocess` again",
        FolderError::Altered { .. } => {
            "run `staycast preprocess` again or, if it was edited on purpose, `staycast sequences seal`"
        }
        FolderError::NoChecksums { .. } => {
            "run `staycast preprocess` again, or check the folder and write new ones with `staycast sequences seal`"
        }
        FolderError::Changed { .. } => "run the command again when nobody writes to it",
        FolderError::TooLarge { .. } => "use fewer courses or weeks",
        FolderError::UnknownFeature { .. } => "run `staycast preprocess` with the features that the run was trained on",
        _ => return None,
    };
    Some(hint.to_owned())
}

fn for_experiment(error: &ExperimentError) -> Option<String> {
    match error {
        ExperimentError::TooFew(few) => {
            let seen =
                few.detectable.map(|effect| format!(", or plan for --effect {:.2}", (effect * 100.0).ceil() / 100.0));
            Some(format!(
                "give scores of more courses to --population, or --expected N where more learners will come{}",
                seen.unwrap_or_default()
            ))
        }
        ExperimentError::Request(PlanError::Value { key, .. }) => {
            let flag = match *key {
                "shares" | "weight" | "arms" => "--arms and --holdout",
                "least_effect" => "--effect",
                "risk_bands" => "--bands",
                "risk_from" => "--risk-from and --risk-below",
                "planned_learners" => "--expected",
                "base_rate" => "--base-rate",
                "alpha" => "--alpha",
                "power" => "--power",
                _ => return None,
            };
            Some(format!("give it with {flag}"))
        }
        ExperimentError::LastLookTooEarly { .. } => {
            Some("wait for a later log, or look all the same with --last-look-now".to_owned())
        }
        ExperimentError::NotAnExperiment(_) => Some("name a folder that `staycast experiment new` wrote".to_owned()),
        ExperimentError::Sequences(error) => for_sequences(error),
        _ => None,
    }
}

fn for_writing(error: &io::Error) -> Option<String> {
    let foreign: Option<&ForeignFile> = error.get_ref()?.downcast_ref();
    foreign.map(|_| "choose another --out, or move that file away".to_owned())
}

fn for_messages(error: &MessageError) -> Option<String> {
    match error {
        MessageError::NotAnOutbox(_) => Some("name a folder that `staycast messages draft` wrote".to_owned()),
        MessageError::NoSender(_) => Some("give it with --sender \"Course team <team@example.org>\"".to_owned()),
        MessageError::NoMessage { .. } => Some("`staycast messages list` has the ids".to_owned()),
        _ => None,
    }
}

fn for_recommending(error: &RecommendError) -> Option<String> {
    match error {
        RecommendError::NoObjects { .. } => Some(
            "where the log has a column that names them, say so with columns.object in the file of --mapping"
                .to_owned(),
        ),
        RecommendError::Read(error) => for_reading(error),
        RecommendError::Write(error) => error.source().and_then(for_cause),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::status::usage_from;

    #[test]
    fn errors_of_libraries_get_the_flag_that_helps() {
        let no_model = PredictionError::Run(RunError::NoModel(PathBuf::from("run")));
        assert_eq!(for_error(&no_model.into()), Some("train one without --folds".to_owned()));
        let other_rule = PredictionError::OtherRule { run: "inactive-last 2".to_owned(), data: "withdrawn".to_owned() };
        let hint = for_error(&usage_from(other_rule)).expect("a hint");
        assert!(hint.contains("--dropout \"inactive-last 2\""), "{hint}");
        let missing = TrainError::Inputs(InputsError::MissingFeatures { missing: vec!["n_events".to_owned()] });
        assert!(for_error(&missing.into()).expect("a hint").contains("--features"));
        let interrupted = TrainError::RunInterrupted(PathBuf::from("run"));
        assert!(for_error(&interrupted.into()).expect("a hint").contains("--resume"));
        assert_eq!(for_error(&anyhow::anyhow!("something else")), None);
    }

    #[test]
    fn a_file_that_is_not_ours_comes_with_what_to_do_about_it() {
        let foreign = io::Error::other(ForeignFile { path: PathBuf::from("notes.txt") });
        let error = BuildError::Write { path: PathBuf::from("out"), source: foreign };
        assert!(for_error(&error.into()).expect("a hint").contains("another --out"));
        assert_eq!(for_error(&io::Error::other("full").into()), None);
    }

    #[test]
    fn errors_of_reading_come_with_the_flags_that_help() {
        let too_long = || ReadError::TooLongToInfer {
            course: "c".to_owned(),
            first: "1970-01-01".to_owned(),
            last: "2026-01-01".to_owned(),
            where_: String::new(),
        };
        let hint = Some("--courses FILE takes dates of courses".to_owned());
        assert_eq!(for_error(&too_long().into()), hint);
        assert_eq!(for_error(&BuildError::Read(too_long()).into()), hint);
        assert_eq!(for_error(&ReadError::NoDatabases.into()), None);
    }
}
