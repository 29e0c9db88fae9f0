//! The arguments that `evaluate` and `score` share: which run forecasts, on which sequences, when and where.

use std::path::{Path, PathBuf};

use clap::Args;
use staycast_evaluation::report::ReportError;
use staycast_forecast::device::DeviceChoice;
use staycast_forecast::{ModelKind, PredictionError, Run};
use staycast_sequences::{CutOff, FolderError};

use crate::console::{self, Console};
use crate::display::quote_for_shell;
use crate::status::usage_from;
use crate::{course_names, devices, values};

/// Holds the arguments that say which run forecasts, on which sequences, when and where.
#[derive(Debug, Args)]
pub(crate) struct ForecastArgs {
    /// Folder that `staycast train` wrote
    #[arg(value_name = "RUN")]
    run: PathBuf,
    /// Folder that `staycast preprocess` wrote; any that has the features the run reads
    #[arg(value_name = "SEQUENCES")]
    sequences: PathBuf,
    /// Forecast at the end of this week; if not given, of the run's own, or the last that the courses allow
    #[arg(long, value_name = "WEEK", value_parser = values::cut_off)]
    week: Option<CutOff>,
    /// Only these courses
    #[arg(long, value_name = "A,B", value_delimiter = ',')]
    courses: Vec<String>,
    /// Forecast with one part of a run that blends several models; if not given, with all of them
    #[arg(long, value_name = "MODEL")]
    model: Option<ModelKind>,
    /// Where to compute
    #[arg(long, value_name = "DEVICE", default_value = "auto", help = devices::HELP)]
    device: DeviceChoice,
}

/// Holds which run forecasts, on which sequences, when and where.
#[derive(Clone, Debug)]
pub(crate) struct ForecastSelection {
    pub(crate) run: PathBuf,
    pub(crate) sequences: PathBuf,
    /// `None` for the run's own, or the last that the courses allow.
    pub(crate) week: Option<CutOff>,
    /// `None` for all.
    pub(crate) courses: Option<Vec<String>>,
    /// The part of a blend; `None` for all of it.
    pub(crate) model: Option<ModelKind>,
    pub(crate) device: DeviceChoice,
}

impl ForecastArgs {
    pub(crate) fn resolve(&self) -> ForecastSelection {
        ForecastSelection {
            run: self.run.clone(),
            sequences: self.sequences.clone(),
            week: self.week,
            courses: (!self.courses.is_empty()).then(|| self.courses.clone()),
            model: self.model,
            device: self.device,
        }
    }
}

impl ForecastSelection {
    /// Selects everything that `run` forecasts about `sequences`, at the run's own week.
    pub(crate) fn new(run: PathBuf, sequences: PathBuf, device: DeviceChoice) -> Self {
        Self { run, sequences, week: None, courses: None, model: None, device }
    }

    /// Returns the same with the courses by their ids, of those `known`.
    pub(crate) fn in_courses(&self, known: &[String]) -> anyhow::Result<Self> {
        let courses = self.courses.as_deref().map(|asked| course_names::resolve(asked, known)).transpose()?;
        Ok(Self { courses, ..self.clone() })
    }
}

/// Opens the run, and warns if it has no checksums.
pub(crate) fn open_run(path: &Path, console: &Console) -> anyhow::Result<Run> {
    let run = Run::open(path)?;
    console::note_input(path, run.is_sealed());
    if !run.is_sealed() {
        let place = quote_for_shell(&path.display().to_string());
        console.warn(&format!(
            "{} was written by an earlier version of Staycast, without checksums, so it can't be told whether its files have \
             changed; `staycast runs seal {place}` checks the run and writes them",
            path.display()
        ));
    }
    Ok(run)
}

/// Returns the name of a run's folder.
pub(crate) fn run_name(run: &Run) -> String {
    run.path().file_name().map_or_else(|| "run".to_owned(), |name| name.to_string_lossy().into_owned())
}

/// Opens the run, or the part of its blend that was asked for, as [`open_run`] does.
pub(crate) fn open_part(path: &Path, model: Option<ModelKind>, console: &Console) -> anyhow::Result<Run> {
    let run = open_run(path, console)?;
    match model {
        Some(model) => run.only(model).map_err(usage_from),
        None => Ok(run),
    }
}

/// Takes weeks, courses and rows that can't be asked for as wrong usage, and all else as a failure.
pub(crate) fn as_usage(error: PredictionError) -> anyhow::Error {
    match &error {
        PredictionError::WeekNotForecast { .. }
        | PredictionError::WeekTooLate { .. }
        | PredictionError::UnknownCourses { .. }
        | PredictionError::UnknownGroup { .. }
        | PredictionError::TrainingRows { .. }
        | PredictionError::SealedSince { .. }
        | PredictionError::Folder(FolderError::UnknownCourse { .. })
        | PredictionError::Report(
            ReportError::WeekInsideLabelWindow { .. }
            | ReportError::NoRowsAtWeek { .. }
            | ReportError::NoReference { .. },
        ) => usage_from(error),
        _ => error.into(),
    }
}
