//! The folder of a report, which appears whole or not at all, an older report replaced by it included.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;
use serde_json::Value;
use staycast_evaluation::html::is_drawing_name;
use staycast_files::{FolderDraft, OwnFiles, WriteError};
use staycast_forecast::{FileError, TableError};

/// Names of a report's files, other than its drawings.
pub(super) const REPORT_HTML: &str = "report.html";
pub(super) const REPORT_JSON: &str = "report.json";
pub(super) const REPORT_TEXT: &str = "report.txt";
pub(super) const PREDICTIONS: &str = "predictions.parquet";
/// Names the folder of its drawings, and their ending.
pub(super) const FIGURES: &str = "figures";
pub(super) const FIGURE_ENDING: &str = "svg";

/// Holds a report that is being written beside its place.
#[derive(Debug)]
pub(super) struct ReportFolder {
    draft: FolderDraft,
    out: PathBuf,
}

impl ReportFolder {
    /// Begins a report at `out`, where nothing is, an empty folder, or an older report.
    pub(super) fn begin(out: &Path) -> anyhow::Result<Self> {
        if !is_free(out) {
            own_files(out).and_then(|own| Ok(own.check(out)?)).with_context(|| cannot_replace(out))?;
        }
        Ok(Self { draft: FolderDraft::begin(out)?, out: out.to_owned() })
    }

    /// Returns where the report is written meanwhile.
    pub(super) fn path(&self) -> &Path {
        self.draft.path()
    }

    /// Gives the report its name.
    pub(super) fn publish(self) -> anyhow::Result<()> {
        let own = if is_free(&self.out) { OwnFiles::default() } else { own_files(&self.out)? };
        Ok(self.draft.publish_over(&own)?)
    }

    /// Returns an error of writing into the draft as one of the report's own place.
    pub(super) fn named(&self, error: anyhow::Error) -> anyhow::Error {
        match error.downcast::<WriteError>().map_err(anyhow::Error::downcast::<TableError>) {
            Ok(error) => FileError::from(error).named_by(&self.draft).into(),
            Err(Ok(TableError::File(error))) => error.named_by(&self.draft).into(),
            Err(Ok(error)) => error.into(),
            Err(Err(error)) => error,
        }
    }
}

fn cannot_replace(out: &Path) -> String {
    format!("cannot replace {}", out.display())
}

/// Tells whether nothing is there, or an empty folder.
fn is_free(out: &Path) -> bool {
    !out.is_dir() || fs::read_dir(out).is_ok_and(|mut entries| entries.next().is_none())
}

/// Lists the files of an older report.
fn own_files(out: &Path) -> anyhow::Result<OwnFiles> {
    let report: Option<Value> =
        fs::read(out.join(REPORT_JSON)).ok().and_then(|report| serde_json::from_slice(&report).ok());
    anyhow::ensure!(
        report.is_some_and(|report| report["cohorts"].is_object()),
        "it holds other files than a report's; nothing was removed"
    );
    let drawings = fs::read_dir(out.join(FIGURES)).into_iter().flatten().flatten();
    let drawings = drawings.map(|drawing| Path::new(FIGURES).join(drawing.file_name())).filter(|path| {
        let stem = path.file_stem().and_then(|stem| stem.to_str());
        path.extension().is_some_and(|ending| ending == FIGURE_ENDING) && stem.is_some_and(is_drawing_name)
    });
    Ok([REPORT_HTML, REPORT_JSON, REPORT_TEXT, PREDICTIONS].map(PathBuf::from).into_iter().chain(drawings).collect())
}
