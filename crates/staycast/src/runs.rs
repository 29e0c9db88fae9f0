//! `staycast runs`: a list of runs, and runs as files to pass on.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde::Serialize;
use staycast_forecast::{FileRecord, ModelKind, Run, evaluations, export_onnx};
use staycast_text::escape;
use staycast_tracking::archive::{self, ArchiveMember, ExportRequest, IndexedFile, UnpackLimits};
use staycast_tracking::registry::{BetterValue, RegistryError, RunTable, RunTableRequest};

use crate::console::{self, Console};
use crate::display::{LabelledText, format_bytes, path_text, pluralise};
use crate::failure;
use crate::forecast_args::{open_part, open_run};
use crate::output_place;
use crate::run_folders::runs_in;
use crate::status::{Status, usage, usage_from};
use crate::values::Size;

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
  staycast runs onnx run --out model.onnx
  staycast runs verify run")]
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
        /// Bytes that the archive may unpack to; if not given, 4GiB, and a hundred times its size or 64MiB
        #[arg(long, value_name = "SIZE")]
        max_size: Option<Size>,
    },
    /// Check that no file of a run has changed, and that it makes sense
    ///
    /// Compares every file with its checksum in manifest.json, and reads the run as if to forecast with it. Files that are
    /// no part of a run, such as reports, are not looked at. Exits with 1 and names the file if anything is wrong.
    #[command(after_help = "\
Examples:
  staycast runs verify run")]
    Verify {
        /// Folder that `staycast train` wrote
        #[arg(value_name = "RUN")]
        run: PathBuf,
    },
    /// Write a run's checksums anew, after a change on purpose
    ///
    /// Checks that the run makes sense, whatever its checksums say, and writes those of its files to manifest.json. Runs of
    /// earlier versions have none until then.
    #[command(after_help = "\
Examples:
  staycast runs seal run")]
    Seal {
        /// Folder that `staycast train` wrote
        #[arg(value_name = "RUN")]
        run: PathBuf,
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
    #[serde(serialize_with = "path_text")]
    path: PathBuf,
    reason: String,
}

/// Describes a run that makes sense, and whose files are as it was sealed with, as `--json` prints it.
#[derive(Debug, Serialize)]
struct Verified<'a> {
    #[serde(serialize_with = "path_text")]
    path: &'a Path,
    /// The manifest's seal: `holds` or `absent`; where it is broken, that is the error.
    seal: &'static str,
    files: &'a [FileRecord],
}

/// Describes a run that was sealed, as `--json` prints it.
#[derive(Debug, Serialize)]
struct Sealed<'a> {
    #[serde(serialize_with = "path_text")]
    path: &'a Path,
    /// Files that were not as it had been sealed with; all of them if it had no seal.
    edited: &'a [String],
    files: &'a [FileRecord],
}

#[derive(Debug, Serialize)]
struct ArchiveOutcome {
    #[serde(serialize_with = "path_text")]
    archive: PathBuf,
    #[serde(serialize_with = "path_text")]
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
        Some(RunsCommand::Import { archive, out, max_size }) => import(archive, out, *max_size, console),
        Some(RunsCommand::Verify { run }) => verify(run, console),
        Some(RunsCommand::Seal { run }) => seal(run, console),
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
            format!("There is no finished run in {} or below.\n", escape(&args.folder.display().to_string()))
        } else {
            listing.table.to_text(TABLE_WIDTH)
        };
        for one in &listing.damaged {
            let place = one.path.display().to_string();
            text += &format!("\n{} can't be read: {}\n", escape(&place), escape(&one.reason));
        }
        text
    })?;
    Ok(Status::Fine)
}

fn export(run: &Path, out: &Path, console: &Console) -> anyhow::Result<Status> {
    let console = &output_place::prepare_file(out, [run], console)?;
    // What is no finished run, or is damaged, is refused before anything is written.
    let opened = open_run(run, console)?;
    opened.check_stored()?;
    evaluations(&opened)?;
    let files = opened.files();
    let members: Vec<ArchiveMember<'_>> = files.iter().map(|name| ArchiveMember::Required(name)).collect();
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
    // A device or a pipe has no ending; another file by mistake should not be replaced by a model.
    let has_ending = out.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("onnx"));
    if !has_ending && !staycast_files::is_stream(out) {
        return Err(usage(format!("--out {}: end the name in .onnx", out.display())));
    }
    let console = &output_place::prepare_file(out, [run], console)?;
    let opened = open_part(run, model, console)?;
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

fn verify(path: &Path, console: &Console) -> anyhow::Result<Status> {
    // Whether it has a seal is said below.
    let run = Run::open(path)?;
    console::note_input(path, run.is_sealed());
    run.check_stored()?;
    evaluations(&run)?;
    let (files, seal) = (&run.manifest().files, if run.is_sealed() { "holds" } else { "absent" });
    console.print_result(&Verified { path, seal, files }, || {
        let mut sheet = LabelledText::default();
        if run.is_sealed() {
            sheet.row("As sealed", describe_files(files));
        } else {
            sheet.row("Seal", "none, as it was written before manifests had one; `staycast runs seal` adds it");
        }
        sheet.row("Result", "every file and value is as it should be");
        sheet.into_string()
    })?;
    Ok(Status::Fine)
}

fn seal(path: &Path, console: &Console) -> anyhow::Result<Status> {
    let (run, edited) = Run::seal(path)?;
    evaluations(&run)?;
    let files = &run.manifest().files;
    console.print_summary(&Sealed { path, edited: &edited, files }, || {
        let mut sheet = LabelledText::default();
        let place = path.display();
        if edited.is_empty() {
            sheet.row("Kept", format!("{place} is as it was sealed: nothing to do"));
        } else {
            sheet.row("Edited", edited.join(", "));
            sheet.row("Sealed", format!("{place}: {}", describe_files(files)));
        }
        sheet.into_string()
    })?;
    Ok(Status::Fine)
}

/// Counts files and their bytes.
fn describe_files(files: &[FileRecord]) -> String {
    let bytes = files.iter().map(|file| file.bytes).sum();
    format!("{}, {}", pluralise(files.len() as u64, "file"), format_bytes(bytes))
}

fn import(file: &Path, out: &Path, max_size: Option<Size>, console: &Console) -> anyhow::Result<Status> {
    output_place::prepare_whole_folder(out, [file])?;
    let limits = match max_size {
        Some(Size(bytes)) => UnpackLimits { bytes, ratio: None, ..UnpackLimits::default() },
        None => UnpackLimits::default(),
    };
    let unpacked = archive::unpack(file, out, limits)?;
    // Before it has its name: a well-made archive of something else is no run.
    if let Err(error) = check_unpacked(unpacked.path(), &unpacked.contents().files) {
        let (draft, place) = (unpacked.path().display().to_string(), out.display().to_string());
        let why = failure::join_causes(&error).replace(&draft, &place);
        anyhow::bail!("{} holds no sound run, and nothing was unpacked: {why}", file.display());
    }
    let imported = unpacked.publish()?;
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

/// Checks that the folder of an archive's files holds a sound run and nothing else. A run without checksums gets them.
fn check_unpacked(folder: &Path, files: &[IndexedFile]) -> anyhow::Result<()> {
    let run = match Run::open(folder)? {
        run if run.is_sealed() => run,
        _ => Run::seal(folder)?.0,
    };
    run.check_stored()?;
    evaluations(&run)?;
    let parts = run.files();
    match files.iter().find(|file| !parts.contains(&file.name)) {
        Some(file) => anyhow::bail!("{} is no part of a run, or not of this one", file.name),
        None => Ok(()),
    }
}
