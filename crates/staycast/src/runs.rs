//! `staycast runs`: a list of runs, and runs as files to pass on.

use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::{Args, Subcommand};
use serde::Serialize;
use staycast_forecast::{ModelKind, Run, export_onnx};
use staycast_tracking::archive::{self, ArchiveMember, ExportRequest, UnpackLimits};
use staycast_tracking::registry::{BetterValue, RegistryError, RunTable, RunTableRequest};

use crate::console::Console;
use crate::display::{LabelledText, format_bytes, pluralise};
use crate::output_place;
use crate::run_folders::runs_in;
use crate::status::{Status, usage_from};

/// List runs and their differences, or pack and unpack one
///
/// Looks for finished runs in a folder and below. Prints the settings in which they differ beside their figures: the
/// AUC on held-out rows, and those of the last evaluation.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
#[command(after_help = "\
Examples:
  staycast runs                                    the runs below this folder
  staycast runs experiments --sort auc             the best first
  staycast runs export run --out run.tar.zst       one file, to score with elsewhere
  staycast runs import run.tar.zst --out run
  staycast runs onnx run --out model.onnx")]
pub(crate) struct RunsArgs {
    #[command(subcommand)]
    command: Option<RunsCommand>,
    /// Folder to search
    #[arg(value_name = "DIR", default_value = ".")]
    folder: PathBuf,
    /// Sort by a figure, best first, or by a setting as model.hidden, or by name
    ///
    /// Figures: auc, auc_active, average_precision, brier, log_loss, ece, held_out_auc.
    #[arg(long, value_name = "KEY")]
    sort: Option<String>,
}

#[derive(Debug, Subcommand)]
enum RunsCommand {
    /// Pack all that a run needs to score into one file
    ///
    /// Equal runs give equal files. Timings and checkpoints stay behind.
    #[command(after_help = "\
Examples:
  staycast runs export run --out run.tar.zst")]
    Export {
        /// Folder that `staycast train` wrote
        #[arg(value_name = "RUN")]
        run: PathBuf,
        /// File to write, as run.tar.zst; it must not exist
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// Write a run's networks as one ONNX model
    ///
    /// The input x is [batch, weeks, inputs], scaled as the run's scaler.json says. The output is [batch, weeks, 1], the
    /// mean logit at the end of each week, to which calibration.json belongs. Any ONNX runtime can score with it.
    #[command(after_help = "\
Examples:
  staycast runs onnx run --out model.onnx
  staycast runs onnx blend --model lstm --out model.onnx")]
    Onnx {
        /// Folder that `staycast train` wrote
        #[arg(value_name = "RUN")]
        run: PathBuf,
        /// File to write, as model.onnx; an existing one is replaced
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        /// The part of a run that blends several models: lstm
        #[arg(long, value_name = "MODEL")]
        model: Option<ModelKind>,
    },
    /// Unpack a run that was exported
    ///
    /// Checks every file against the archive's index, and that it is a run. Nothing in it is executed.
    #[command(after_help = "\
Examples:
  staycast runs import run.tar.zst --out run")]
    Import {
        /// File that `staycast runs export` wrote
        #[arg(value_name = "FILE")]
        archive: PathBuf,
        /// Folder to write; it must not exist
        #[arg(long, value_name = "RUN")]
        out: PathBuf,
    },
}

/// Counts the columns of the table of runs.
const TABLE_WIDTH: usize = 100;
/// Lists the figures by which runs are compared, and which of their values are good.
const FIGURES: [(&str, BetterValue); 8] = [
    ("auc", BetterValue::Higher),
    ("auc_active", BetterValue::Higher),
    ("average_precision", BetterValue::Higher),
    ("brier", BetterValue::Lower),
    ("log_loss", BetterValue::Lower),
    ("ece", BetterValue::Lower),
    ("held_out_auc", BetterValue::Higher),
    ("evaluations", BetterValue::Fewer),
];
/// Lists the entries of a manifest that are compared beside settings.
const FACTS: [&str; 5] = ["data.fingerprint", "label_rule", "target_week", "device.backend", "staycast_version"];

#[derive(Debug, Serialize)]
struct Listing {
    #[serde(flatten)]
    table: RunTable,
    /// Folders that look like runs and can't be read.
    damaged: Vec<Damaged>,
}

#[derive(Debug, Serialize)]
struct Damaged {
    path: PathBuf,
    reason: String,
}

#[derive(Debug, Serialize)]
struct ArchiveOutcome {
    archive: PathBuf,
    run: PathBuf,
    files: u64,
    bytes: u64,
}

/// Runs the subcommand.
pub(crate) fn run(args: &RunsArgs, console: &Console) -> anyhow::Result<Status> {
    match &args.command {
        None => list(args, console),
        Some(RunsCommand::Export { run, out }) => export(run, out, console),
        Some(RunsCommand::Onnx { run, out, model }) => onnx(run, out, *model, console),
        Some(RunsCommand::Import { archive, out }) => import(archive, out, console),
    }
}

fn list(args: &RunsArgs, console: &Console) -> anyhow::Result<Status> {
    let (entries, damaged) = runs_in(&args.folder)?;
    let request = RunTableRequest { runs: &entries, facts: &FACTS, figures: &FIGURES, sort: args.sort.as_deref() };
    let table = match RunTable::new(&request) {
        Ok(table) => table,
        // Nothing to sort is no wrong usage.
        Err(RegistryError::UnknownKey { .. }) if entries.is_empty() => {
            RunTable::new(&RunTableRequest { sort: None, ..request }).map_err(usage_from)?
        }
        Err(error) => return Err(usage_from(error)),
    };
    let damaged = damaged.into_iter().map(|(path, reason)| Damaged { path, reason }).collect();
    let listing = Listing { table, damaged };
    console.print_result(&listing, || {
        let mut text = if listing.table.runs.is_empty() {
            format!("There is no finished run in {} or below.\n", args.folder.display())
        } else {
            listing.table.to_text(TABLE_WIDTH)
        };
        for one in &listing.damaged {
            text += &format!("\n{} can't be read: {}\n", one.path.display(), one.reason);
        }
        text
    })?;
    Ok(Status::Fine)
}

fn export(run: &Path, out: &Path, console: &Console) -> anyhow::Result<Status> {
    output_place::prepare_file(out, [run])?;
    // What is no finished run is refused before anything is written.
    let opened = Run::open(run)?;
    let members = [
        ArchiveMember::Required("manifest.json"),
        ArchiveMember::Required("config.toml"),
        ArchiveMember::Required("split.json"),
        ArchiveMember::IfPresent("scaler.json"),
        ArchiveMember::IfPresent("calibration.json"),
        ArchiveMember::IfPresent("model.safetensors"),
        ArchiveMember::IfPresent("baselines.json.zst"),
        ArchiveMember::IfPresent("blend.json"),
        ArchiveMember::IfPresent("out_of_fold.parquet"),
        ArchiveMember::IfPresent("fold_calibration.json"),
        ArchiveMember::IfPresent("metrics.jsonl"),
        ArchiveMember::IfPresent("evaluations.jsonl"),
    ];
    let packed = archive::export(&ExportRequest { folder: opened.path(), members: &members, out })?;
    let packed = ArchiveOutcome {
        archive: out.to_owned(),
        run: run.to_owned(),
        files: packed.files.len() as u64,
        bytes: packed.archive_bytes,
    };
    console.print_summary(&packed, || {
        let mut sheet = LabelledText::default();
        let what = format!("{} of {}, {}", pluralise(packed.files, "file"), run.display(), format_bytes(packed.bytes));
        sheet.row("Written", format!("{} ({what})", out.display()));
        sheet.into_string()
    })?;
    Ok(Status::Fine)
}

fn onnx(run: &Path, out: &Path, model: Option<ModelKind>, console: &Console) -> anyhow::Result<Status> {
    output_place::prepare_file(out, [run])?;
    let opened = crate::forecast_args::open_run(run, model)?;
    let model = export_onnx(&opened)?;
    staycast_files::write(out, &model)?;
    let packed = ArchiveOutcome { archive: out.to_owned(), run: run.to_owned(), files: 1, bytes: model.len() as u64 };
    console.print_summary(&packed, || {
        let mut sheet = LabelledText::default();
        sheet.row("Written", format!("{} ({})", out.display(), format_bytes(packed.bytes)));
        sheet.into_string()
    })?;
    Ok(Status::Fine)
}

fn import(file: &Path, out: &Path, console: &Console) -> anyhow::Result<Status> {
    output_place::prepare_whole_folder(out, [file])?;
    let imported = archive::import(file, out, UnpackLimits::default())?;
    // A well-made archive of something else is no run.
    if let Err(error) = Run::open(out) {
        std::fs::remove_dir_all(out).with_context(|| format!("cannot remove {}", out.display()))?;
        return Err(anyhow::Error::new(error).context(format!("{} holds no run", file.display())));
    }
    let packed = ArchiveOutcome {
        archive: file.to_owned(),
        run: out.to_owned(),
        files: imported.files.len() as u64,
        bytes: imported.bytes,
    };
    console.print_summary(&packed, || {
        let mut sheet = LabelledText::default();
        sheet.row(
            "Written",
            format!("{} ({}, {})", out.display(), pluralise(packed.files, "file"), format_bytes(packed.bytes)),
        );
        sheet.into_string()
    })?;
    Ok(Status::Fine)
}
