//! The arguments that `evaluate` and `score` share: which run forecasts, on which sequences, when and where.

use std::path::{Path, PathBuf};

use clap::Args;
use staycast_evaluation::report::ReportError;
use staycast_forecast::config::Adaptation;
use staycast_forecast::device::{ChosenDevice, DeviceChoice};
use staycast_forecast::{ModelKind, PredictionError, Run, forecasting_work, week_for};
use staycast_sequences::{CutOff, FolderError, SequenceFolder, read_courses};

use crate::console::{self, Console};
use crate::display::quote_for_shell;
use crate::status::usage_from;
use crate::{course_names, devices, sequences, values};

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

/// Holds what is needed to forecast: what a [`ForecastSelection`] names, opened.
pub(crate) struct Opened {
    pub(crate) run: Run,
    pub(crate) folder: SequenceFolder,
    /// With the courses by their ids.
    pub(crate) selection: ForecastSelection,
    pub(crate) device: ChosenDevice,
    pub(crate) week: CutOff,
}

impl Opened {
    /// Opens the run and the sequences, and chooses the device and the week.
    pub(crate) fn new(selection: &ForecastSelection, console: &Console) -> anyhow::Result<Self> {
        let run = open_part(&selection.run, selection.model, console)?;
        let folder = sequences::open(&selection.sequences, console)?;
        let selection = match selection.courses {
            Some(_) => selection.in_courses(&folder.course_ids()?)?,
            None => selection.clone(),
        };
        let work = forecasting_work(&run, folder.manifest().totals.enrolments);
        let device = devices::choose(selection.device, &work, console)?;
        let week = match selection.week {
            Some(week) => week,
            None => own_week(&run, &selection, console)?,
        };
        Ok(Self { run, folder, selection, device, week })
    }
}

/// Returns the run's week or, where the courses are too short for it, the last that they allow, and says so.
fn own_week(run: &Run, selection: &ForecastSelection, console: &Console) -> anyhow::Result<CutOff> {
    let courses = read_courses(&selection.sequences)?;
    let asked =
        courses.iter().filter(|course| selection.courses.as_ref().is_none_or(|asked| asked.contains(&course.id)));
    let (own, chosen) = (run.manifest().target_week, week_for(run, run.manifest().label_rule, asked));
    if chosen < own {
        console.note(&format!("{:12} {}", "adapting", Adaptation::ShorterCourses { run: own, chosen }));
    }
    Ok(chosen)
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
