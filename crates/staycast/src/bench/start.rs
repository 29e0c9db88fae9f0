//! How long a GPU takes from the start of the program to the end of the first training step: with the driver's cache of
//! compiled kernels empty, and with it full.
//!
//! A driver compiles kernels once in the life of a process, and keeps them on disk for the next. So each measurement is a
//! process of its own: this program, with a hidden flag.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::Context;
use serde::{Deserialize, Serialize};
use staycast_files::ScratchFolder;
use staycast_forecast::bench::{Shape, first_step};
use staycast_forecast::device::{Backend, ChosenDevice, DeviceChoice, Hardware, Work};

use crate::console::Console;
use crate::devices;

/// Lists the variables that name the folders of drivers' caches: Mesa's, its old name, and NVIDIA's.
const FOLDERS: [&str; 3] = ["MESA_SHADER_CACHE_DIR", "MESA_GLSL_CACHE_DIR", "__GL_SHADER_DISK_CACHE_PATH"];

/// Holds the two times of a backend.
#[derive(Debug, Serialize)]
pub(super) struct StartUp {
    /// The backend.
    pub(super) device: String,
    /// The shape of the network.
    #[serde(flatten)]
    pub(super) shape: Shape,
    /// Seconds to the end of the first step where the driver's cache is empty.
    pub(super) cold_seconds: f64,
    /// Seconds where it is full.
    pub(super) warm_seconds: f64,
}

/// Holds what the process that is measured prints.
#[derive(Debug, Serialize, Deserialize)]
struct FirstStep {
    seconds: f64,
}

/// Measures every backend of GPUs among `found`; where it is not known where drivers keep their caches, none.
pub(super) fn measure(found: &[ChosenDevice], shape: Shape) -> Vec<(Backend, anyhow::Result<StartUp>)> {
    if !cfg!(target_os = "linux") {
        return Vec::new();
    }
    let mut backends: Vec<Backend> = Vec::new();
    for device in found.iter().filter(|device| device.info.hardware != Hardware::Cpu) {
        if !backends.contains(&device.info.backend) {
            backends.push(device.info.backend);
        }
    }
    backends.into_iter().map(|backend| (backend, measure_backend(backend, shape))).collect()
}

fn measure_backend(backend: Backend, shape: Shape) -> anyhow::Result<StartUp> {
    let caches = ScratchFolder::beside(&std::env::temp_dir().join("staycast-bench-kernels"))?;
    let cold_seconds = in_new_process(backend, shape, caches.path())?;
    let warm_seconds = in_new_process(backend, shape, caches.path())?;
    Ok(StartUp { device: backend.name().to_owned(), shape, cold_seconds, warm_seconds })
}

fn in_new_process(backend: Backend, shape: Shape, caches: &Path) -> anyhow::Result<f64> {
    let program = std::env::current_exe().context("it is not known where this program lies")?;
    let mut command = Command::new(program);
    command.args(["bench", "--first-step", "--quiet", "--json", "--device", backend.name(), "--shapes"]);
    command.arg(shape.to_string()).stdin(Stdio::null());
    for name in FOLDERS {
        command.env(name, caches);
    }
    let ran = command.output().context("the program can't be started anew")?;
    let said = String::from_utf8_lossy(&ran.stderr);
    anyhow::ensure!(ran.status.success(), "{}", said.lines().next_back().unwrap_or("it ended without a word"));
    let printed: FirstStep = serde_json::from_slice(&ran.stdout).context("what it printed can't be read")?;
    Ok(printed.seconds)
}

/// Takes one training step on a device, and prints the seconds since `begun`.
pub(super) fn take_first_step(
    choice: DeviceChoice,
    shape: Shape,
    begun: Instant,
    console: &Console,
) -> anyhow::Result<()> {
    let device = devices::choose(choice, &Work::Unknown, console)?;
    first_step(shape, &device).map_err(anyhow::Error::msg)?;
    let taken = FirstStep { seconds: begun.elapsed().as_secs_f64() };
    console.print_result(&taken, || format!("{:.3}", taken.seconds))
}
