//! `staycast bench`: how fast this machine trains, forecasts and loads, on every device it has.

mod machine;
mod plot;
mod report;
mod start;
mod table;

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::Context;
use clap::Args;
use staycast_files::ScratchFolder;
use staycast_forecast::bench::{Effort, SHAPES, Shape, measure, measure_loading};
use staycast_forecast::device::{self, ChosenDevice, DeviceChoice, Hardware, Work};
use staycast_sequences::{BuildMode, BuildOptions, Dataset};
use staycast_simulator::{SimulatorConfig, simulate_to_folder};

use self::machine::Machine;
use self::report::{BenchReport, Failed, Reading};
use crate::console::Console;
use crate::log_input::LogInput;
use crate::sequences::load;
use crate::status::{Status, usage};
use crate::{devices, output_place, preprocess, values};

/// Measure how fast this machine trains, forecasts and loads
///
/// Runs training steps, forecasts and the loading of sequences on every device, by the same code as the other commands.
/// Compares each device's results with plain tensor operations on the CPU, and prints one table.
///
/// Rates are medians. Expect them to differ by a tenth from run to run, and leave the machine idle otherwise. Adapters
/// that are software are measured only when --device names them.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  staycast bench
  staycast bench --device cpu --device wgpu --shapes '12,24,64,256;84,24,64,256'
  staycast bench --out bench.json --out bench.svg --out bench.txt
  staycast bench --json | jq '.results[] | [.device, .train_sequences_per_second]'

Columns: T weeks a sequence, F inputs a week, H units of the LSTM, batch sequences a training step; GFLOP/s of the matrix
products, over the whole training step; of peak: the same, of what matrix products alone reach on the device in this run;
rest: the share of a training step that is not the LSTM layer; first: from nothing to the end of the first training step,
kernels compiled; again: the same for a second network, whose kernels are there. Start-up is measured in a new process: with
the driver's cache of compiled kernels empty, and with it full.")]
pub(crate) struct BenchArgs {
    /// Measure only this device: cpu, flex, ndarray, wgpu, vulkan, cuda, wgpu:1 or auto; may be repeated
    #[arg(long = "device", value_name = "DEVICE")]
    devices: Vec<DeviceChoice>,
    /// Sizes to measure, T,F,H,BATCH, separated by semicolons
    #[arg(long, value_name = "T,F,H,B;...", value_delimiter = ';')]
    shapes: Vec<Shape>,
    /// File to write, .json, .svg or .txt; may be repeated; an existing one is replaced
    #[arg(long, value_name = "FILE")]
    out: Vec<PathBuf>,
    /// Rounds of each measurement, whose median is taken
    #[arg(long, value_name = "N", default_value_t = 7, value_parser = clap::value_parser!(u16).range(1..=1000))]
    rounds: u16,
    /// Sequences to measure loading with; if not given, simulated ones
    #[arg(long, value_name = "SEQUENCES")]
    sequences: Option<PathBuf>,
    /// Take one training step, and print the seconds since the program began
    #[arg(long, hide = true)]
    first_step: bool,
}

/// Counts the learners that are simulated for loading.
const LEARNERS: u64 = 4_000;
/// Counts the weeks of their courses: as many as of the usual shape.
const WEEKS: u32 = 14;

/// Runs the subcommand.
pub(crate) fn run(args: &BenchArgs, console: &Console) -> anyhow::Result<Status> {
    let begun = Instant::now();
    let mut console = *console;
    if args.first_step {
        let choice = args.devices.first().copied().unwrap_or_default();
        start::take_first_step(choice, *args.shapes.first().unwrap_or(&SHAPES[0]), begun, &console)?;
        return Ok(Status::Fine);
    }
    for file in &args.out {
        format_of(file)?;
        console = output_place::prepare_file(file, args.sequences.as_deref(), &console)?;
    }
    let console = &console;
    let shapes = if args.shapes.is_empty() { SHAPES.to_vec() } else { args.shapes.clone() };
    let (found, left_out) = if args.devices.is_empty() { every_device()? } else { named(&args.devices, console)? };
    let effort = Effort { rounds: usize::from(args.rounds), ..Effort::default() };
    let (reading, data) = read(args.sequences.as_deref(), console)?;
    let mut report = BenchReport {
        staycast_version: env!("CARGO_PKG_VERSION"),
        machine: Machine::describe(),
        threads: rayon::current_num_threads(),
        rounds: args.rounds,
        results: Vec::new(),
        reading,
        loading: Vec::new(),
        start_up: Vec::new(),
        failed: Vec::new(),
        left_out,
    };
    for device in &found {
        for &shape in &shapes {
            console.note(&format!("{:12} {shape} on {}", "measuring", device.info));
            match measure(shape, device, effort) {
                Ok(measured) => report.results.push(measured),
                Err(reason) => report.failed(device, Some(shape), reason),
            }
        }
        match measure_loading(&data, device) {
            Ok(loading) => report.loading.push(loading),
            Err(reason) => report.failed(device, None, reason),
        }
    }
    for (backend, measured) in start::measure(&found, shapes[0]) {
        match measured {
            Ok(measured) => report.start_up.push(measured),
            Err(error) => report.failed.push(Failed::start_up(backend, &error)),
        }
    }
    let text = table::to_text(&report);
    let mut files = Vec::new();
    for file in &args.out {
        let text = match format_of(file)? {
            ReportFormat::Json => serde_json::to_string_pretty(&report).context("the report has no JSON form")? + "\n",
            ReportFormat::Svg => plot::svg(&report)?,
            ReportFormat::Text => text.clone(),
        };
        files.push((file, text));
    }
    staycast_files::write_together(files)?;
    console.print_result(&report, || text)?;
    let wrong = report.results.iter().filter(|measured| !measured.agreement.agrees).count();
    anyhow::ensure!(
        wrong == 0 && report.failed.is_empty(),
        "measurements that do not agree with the CPU: {wrong}; that could not be made: {}; the table says which",
        report.failed.len()
    );
    Ok(Status::Fine)
}

/// Names a format in which the report is written.
#[derive(Clone, Copy, Debug)]
enum ReportFormat {
    Json,
    Svg,
    Text,
}

/// Returns the format that the ending of a file's name asks for.
fn format_of(file: &Path) -> anyhow::Result<ReportFormat> {
    match values::extension(file).as_str() {
        "json" => Ok(ReportFormat::Json),
        "svg" => Ok(ReportFormat::Svg),
        "txt" => Ok(ReportFormat::Text),
        // Devices have no endings.
        _ if staycast_files::is_stream(file) => Ok(ReportFormat::Text),
        _ => Err(usage(format!("--out {}: end the name in .json, .svg or .txt", file.display()))),
    }
}

type FoundDevices = (Vec<ChosenDevice>, Vec<String>);

/// Lists every device that computes right and is not software, and the others with the reason.
fn every_device() -> anyhow::Result<FoundDevices> {
    let (mut found, mut left_out) = (Vec::new(), Vec::new());
    for backend in device::list() {
        left_out.extend(backend.absent.map(|reason| format!("{}: {reason}", backend.backend)));
        for report in &backend.devices {
            match ChosenDevice::from_report(report) {
                Some(_) if report.info.hardware == Hardware::Software => {
                    let name = backend.backend.name();
                    left_out.push(format!("{}: software; --device {name} measures it", report.info));
                }
                Some(device) => found.push(device),
                None => left_out.push(format!("{}: it does not compute right", report.info)),
            }
        }
    }
    devices::keep_freed_memory();
    Ok((found, left_out))
}

fn named(choices: &[DeviceChoice], console: &Console) -> anyhow::Result<FoundDevices> {
    let found: anyhow::Result<Vec<ChosenDevice>> =
        choices.iter().map(|&choice| devices::choose(choice, &Work::Unknown, console)).collect();
    // Each is measured by itself.
    let each = found?.iter().flat_map(|chosen| chosen.deal(usize::MAX)).collect();
    Ok((each, Vec::new()))
}

/// Returns sequences to load, and how long it took to read them from Parquet.
fn read(sequences: Option<&Path>, console: &Console) -> anyhow::Result<(Reading, Dataset)> {
    let folder = ScratchFolder::beside(&std::env::temp_dir().join("staycast-bench"))?;
    let made = folder.path().join("sequences");
    if sequences.is_none() {
        simulate(folder.path(), &made, console)?;
    }
    let path = sequences.unwrap_or(&made);
    // Once before, so that what is measured is not the disk.
    drop(load(path, console)?);
    let begun = Instant::now();
    let data = load(path, console)?;
    let seconds = begun.elapsed().as_secs_f64();
    let enrolments = data.enrolments.len() as u64;
    let reading = Reading {
        enrolments,
        weeks: data.weeks as u64,
        features: data.features.len() as u64,
        seconds,
        enrolments_per_second: enrolments as f64 / seconds,
    };
    Ok((reading, data))
}

fn simulate(folder: &Path, out: &Path, console: &Console) -> anyhow::Result<()> {
    let config = SimulatorConfig { learners: LEARNERS, weeks: WEEKS, ..SimulatorConfig::default() };
    let logs = folder.join("logs");
    simulate_to_folder(&config, &logs, &|_| {})?;
    let job = preprocess::PreprocessJob {
        log: LogInput::of_folder(logs),
        build: BuildOptions::default(),
        out: out.to_owned(),
        if_exists: BuildMode::Refuse,
        max_rejected: 0.01,
    };
    preprocess::execute(&job, &Console { verbosity: crate::console::Verbosity::Quiet, ..*console })?;
    Ok(())
}
