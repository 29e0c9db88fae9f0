//! `staycast devices`: the devices that this build can compute on.

use clap::Args;
use serde::Serialize;
use staycast_forecast::device::{
    self, Backend, BackendReport, Check, ChosenDevice, DeviceChoice, DeviceInfo, Hardware, TOLERANCE, Work,
};

use crate::console::Console;
use crate::display::LabelledText;
use crate::status::Status;

/// List every device this build can use
///
/// Each device runs a small forward and backward pass of an LSTM, whose result is compared with the CPU's. A device
/// that computes something else, or can't be opened, is listed with the reason. Other commands refuse it. Where no GPU is
/// found, it says what is missing: the Vulkan loader, a driver, or a device file.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  staycast devices
  staycast devices --json
  staycast train sequences --out run --device wgpu
  staycast train sequences --out run --device vulkan:0,1    train networks on two GPUs side by side")]
pub(crate) struct DevicesArgs {}

/// Holds the help of every `--device`.
pub(crate) const HELP: &str = "\
Where to compute: auto (a GPU where it is faster), cpu, flex, ndarray, wgpu, vulkan, cuda. Of several GPUs: wgpu:0,1 or wgpu:all";

/// Chooses the device for some work, and notes which it is where the user named none.
pub(crate) fn choose(choice: DeviceChoice, work: &Work, console: &Console) -> anyhow::Result<ChosenDevice> {
    let device = device::choose(choice, work)?;
    keep_freed_memory();
    match choice {
        DeviceChoice::Auto => console.note_once(&format!("{:12} {}", "device", device.why)),
        DeviceChoice::Backend(_) | DeviceChoice::Devices(..) => tracing::info!(why = device.why, "device"),
    }
    Ok(device)
}

/// Tells the C library to keep the memory of freed tensors for the next ones, up to 2 GB of it. By default glibc maps
/// tensors above 128 KB anew at each training step, and the system clears every page of them: a fifth of a step's time.
/// Commands that hold a log's worth of memory at most for a moment don't call this.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub(crate) fn keep_freed_memory() {
    // The greatest threshold that glibc takes.
    const LARGEST_FROM_HEAP: libc::c_int = 32 << 20;
    // SAFETY: mallopt takes two numbers, locks what it changes, and refuses numbers that it can't use.
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, LARGEST_FROM_HEAP);
        libc::mallopt(libc::M_TRIM_THRESHOLD, libc::c_int::MAX);
    }
}

/// Does nothing, as other C libraries have no such setting.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub(crate) fn keep_freed_memory() {}

/// Names a device as a sentence does.
pub(crate) fn describe_device(device: &DeviceInfo) -> String {
    match device.hardware {
        Hardware::Cpu => format!("the CPU through {}", device.backend),
        _ => device.to_string(),
    }
}

#[derive(Debug, Serialize)]
struct Listing {
    /// The device that `--device auto` takes, and why.
    auto: Auto,
    /// Greatest error at which a device passes.
    tolerance: f64,
    backends: Vec<BackendEntry>,
}

#[derive(Debug, Serialize)]
struct Auto {
    backend: Backend,
    name: String,
    why: String,
}

#[derive(Debug, Serialize)]
struct BackendEntry {
    backend: Backend,
    built_in: bool,
    /// Why it has no device, when it has none.
    absent: Option<String>,
    /// Lists what the machine lacks, where a GPU was looked for and none was found.
    missing: Vec<String>,
    devices: Vec<DeviceEntry>,
}

#[derive(Debug, Serialize)]
struct DeviceEntry {
    /// Its number among the backend's devices: `wgpu:0`.
    number: usize,
    name: String,
    kind: &'static str,
    passed: bool,
    /// Greatest difference from flex, for devices that pass.
    error: Option<f64>,
    /// How the check failed, for those that do not.
    reason: Option<String>,
}

/// Runs the subcommand.
pub(crate) fn run(_args: &DevicesArgs, console: &Console) -> anyhow::Result<Status> {
    let reports = device::list();
    let auto = device::choose(DeviceChoice::Auto, &Work::Unknown)?;
    let listing = Listing {
        auto: Auto { backend: auto.info.backend, name: auto.info.name, why: auto.why },
        tolerance: TOLERANCE,
        backends: Backend::ALL.into_iter().map(|backend| entry(backend, &reports)).collect(),
    };
    console.print_result(&listing, || describe_listing(&listing))?;
    Ok(Status::Fine)
}

fn entry(backend: Backend, reports: &[BackendReport]) -> BackendEntry {
    let Some(report) = reports.iter().find(|report| report.backend == backend) else {
        let absent = Some(format!("not part of this build; build with --features {backend}"));
        return BackendEntry { backend, built_in: false, absent, missing: Vec::new(), devices: Vec::new() };
    };
    let devices = report.devices.iter().enumerate().map(|(number, device)| {
        let (passed, error, reason) = match &device.check {
            Check::Passed { error } => (true, Some(*error), None),
            Check::Failed { reason } => (false, None, Some(reason.clone())),
        };
        DeviceEntry { number, name: device.info.name.clone(), kind: device.info.hardware.name(), passed, error, reason }
    });
    BackendEntry {
        backend,
        built_in: true,
        absent: report.absent.clone(),
        missing: report.missing.clone(),
        devices: devices.collect(),
    }
}

fn describe_listing(listing: &Listing) -> String {
    let mut sheet = LabelledText::default();
    for backend in &listing.backends {
        let name = backend.backend.name();
        if let Some(absent) = &backend.absent {
            sheet.row(name, format!("none: {absent}"));
        }
        for device in &backend.devices {
            let verdict = match (&device.reason, device.error) {
                (Some(reason), _) => format!("REFUSED: {reason}"),
                (None, Some(error)) if error > 0.0 => format!("computes right (differs from flex by {error:.1e})"),
                _ => "computes right".to_owned(),
            };
            let several = backend.devices.len() > 1;
            let called = if several { format!("{name}:{}", device.number) } else { name.to_owned() };
            sheet.row(&called, format!("{}, {}: {verdict}", device.name, device.kind));
        }
        for missing in &backend.missing {
            sheet.row("", format!("no GPU: {missing}"));
        }
    }
    sheet.gap();
    sheet.paragraph(format!("For large work, --device auto takes {}.", listing.auto.why));
    sheet.into_string()
}
