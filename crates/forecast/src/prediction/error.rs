//! Why a run can't predict what is asked.

use staycast_baselines::ForecastError;
use staycast_evaluation::report::ReportError;
use staycast_files::WriteError;
use staycast_sequences::{CutOff, CutOffList, FolderError};

use crate::artifact::RunError;
use crate::files::FileError;
use crate::inputs::InputsError;
use crate::model_kind::SingleModel;
use crate::reach::{NoOutcomeKnown, TooLate, describe_last};
use crate::tables::TableError;

/// Describes why a run can't predict what is asked.
#[derive(Debug, thiserror::Error)]
pub enum PredictionError {
    /// A model gives no number.
    #[error("the model {model} forecasts what is no finite number; its weights are out of range, train it again")]
    NotFinite {
        /// The model.
        model: SingleModel,
    },
    /// The data of a cross-validation is not the one it was made of.
    #[error(
        "the cross-validation was made of data {run}, and this is {data}; name the sequences that it was trained on"
    )]
    OtherData {
        /// The run's data fingerprint.
        run: String,
        /// This data's.
        data: String,
    },
    /// The data was edited and sealed after the run was trained on it.
    #[error(
        "the sequences were edited and sealed again at {at} UTC, after the run was trained on them: {} changed, so nothing \
         says which of their rows test the run",
        .files.join(", ")
    )]
    SealedSince {
        /// When the first of the edits was sealed.
        at: String,
        /// The files that were edited.
        files: Vec<String>,
    },
    /// The run can't forecast that week.
    #[error("the run can't forecast at week {week}: {reason}; it can at week {}", CutOffList(.weeks))]
    WeekNotForecast {
        /// The week asked for.
        week: CutOff,
        /// Why not.
        reason: String,
        /// Weeks that it can.
        weeks: Vec<CutOff>,
    },
    /// No outcome is known, so that nothing can be judged.
    #[error("{0}")]
    NoOutcomeKnown(NoOutcomeKnown),
    /// No course can be judged at that week.
    #[error("there is nothing to judge at week {week}: {why}; {}", describe_last(*.last))]
    WeekTooLate {
        /// The week asked for.
        week: CutOff,
        /// The obstacle.
        why: TooLate,
        /// The last week possible; `None` where there is none.
        last: Option<CutOff>,
    },
    /// A course is not in the data.
    #[error("the data has no course {}; it has {}", .unknown.join(", "), .known.join(", "))]
    UnknownCourses {
        /// Courses asked for.
        unknown: Vec<String>,
        /// Courses there are.
        known: Vec<String>,
    },
    /// There is no such column to group by.
    #[error("the data has no static column `{column}` to group by; it has {}", if .known.is_empty() { "none".to_owned() } else { .known.join(", ") })]
    UnknownGroup {
        /// The column asked for.
        column: String,
        /// Static columns there are.
        known: Vec<String>,
    },
    /// The rows were trained on.
    #[error("{count} of {rows} enrolments were trained on (the first is in {first})")]
    TrainingRows {
        /// Enrolments that were trained on.
        count: usize,
        /// Enrolments asked for.
        rows: usize,
        /// The course of the first of those trained on.
        first: String,
    },
    /// Nothing to evaluate.
    #[error("there is nothing to evaluate: {0}")]
    NoRows(String),
    /// The data's labels follow another rule.
    #[error("the run forecasts `{run}`, and the labels of this data are `{data}`")]
    OtherRule {
        /// The run's label rule.
        run: String,
        /// The data's.
        data: String,
    },
    /// The run can't be carried to other courses.
    #[error("the run can't be recalibrated: {0}")]
    CantRecalibrate(String),
    /// The run has no such model, or can't be read back.
    #[error(transparent)]
    Run(#[from] RunError),
    /// A model can't read the data.
    #[error(transparent)]
    Forecast(#[from] ForecastError),
    /// The inputs don't fit.
    #[error(transparent)]
    Inputs(#[from] InputsError),
    /// The report can't be made.
    #[error(transparent)]
    Report(#[from] ReportError),
    /// A file can't be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// A table can't be read or written.
    #[error(transparent)]
    Table(#[from] TableError),
    /// The sequences can't be read.
    #[error(transparent)]
    Folder(#[from] FolderError),
}

impl From<WriteError> for PredictionError {
    fn from(error: WriteError) -> Self {
        Self::File(error.into())
    }
}
