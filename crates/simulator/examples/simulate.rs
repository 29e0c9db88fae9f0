//! Simulates into a folder and measures the speed. Usage:
//! `cargo run --release -p staycast-simulator --example simulate -- FOLDER [CONFIG.toml] [KEY=VALUE…]` with the keys format,
//! bytes, threads, learners and courses.

use std::path::Path;
use std::time::Instant;

use staycast_simulator::{SimulationOptions, SimulatorConfig, simulate};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().ok_or("usage: simulate FOLDER [CONFIG.toml] [KEY=VALUE...]")?;
    let mut config = SimulatorConfig::default();
    let mut request = SimulationOptions::default();
    let mut threads = 0;
    for argument in arguments {
        match argument.split_once('=') {
            Some(("format", value)) => request.format = value.parse()?,
            Some(("bytes", value)) => request.log_bytes = Some(value.parse()?),
            Some(("threads", value)) => threads = value.parse()?,
            Some(("learners", value)) => config.learners = value.parse()?,
            Some(("courses", value)) => config.courses = value.parse()?,
            Some((key, _)) => return Err(format!("unknown key {key}").into()),
            None => config = SimulatorConfig::from_file(Path::new(&argument))?,
        }
    }
    rayon::ThreadPoolBuilder::new().num_threads(threads).build_global()?;
    let begun = Instant::now();
    let simulated = simulate(&config, &request, Path::new(&folder), &|_| {})?;
    let seconds = begun.elapsed().as_secs_f64();
    println!(
        "{} learners, {} enrolments, {} events in {} rows, dropout rate {:.3}, scale {:.4}; log {:.1} MB, all {:.1} MB in \
         {seconds:.2} s, {:.0} MB/s",
        simulated.learners,
        simulated.enrolments,
        simulated.events,
        simulated.record.log.rows,
        simulated.dropout_rate,
        simulated.record.log.activity_scale,
        simulated.record.log.bytes as f64 / 1e6,
        simulated.bytes as f64 / 1e6,
        simulated.bytes as f64 / 1e6 / seconds,
    );
    Ok(())
}
