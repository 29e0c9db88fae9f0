//! Simulates into a folder: `cargo run --release -p staycast-simulator --example simulate -- FOLDER [CONFIG.toml]`.

use std::path::Path;
use std::time::Instant;

use staycast_simulator::{SimulatorConfig, simulate_to_folder};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args_os().skip(1);
    let folder = arguments.next().ok_or("usage: simulate FOLDER [CONFIG.toml]")?;
    let config = match arguments.next() {
        Some(path) => SimulatorConfig::from_file(Path::new(&path))?,
        None => SimulatorConfig::default(),
    };
    let begun = Instant::now();
    let simulated = simulate_to_folder(&config, Path::new(&folder), &|_| {})?;
    let seconds = begun.elapsed().as_secs_f64();
    println!(
        "{} learners, {} enrolments, {} events, dropout rate {:.3}; {:.1} MB in {seconds:.2} s, {:.0} MB/s",
        simulated.learners,
        simulated.enrolments,
        simulated.events,
        simulated.dropout_rate,
        simulated.bytes as f64 / 1e6,
        simulated.bytes as f64 / 1e6 / seconds,
    );
    Ok(())
}
