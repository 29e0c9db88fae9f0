//! How fast a log is read: opens it and reads its events, nothing more.
//!
//! usage: cargo run --release -p staycast-events --example throughput -- INPUT… (threads: `RAYON_NUM_THREADS`)

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use staycast_events::formats::{OpenOptions, open};
use staycast_events::{ReadPurpose, RowLimits};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let inputs: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let begun = Instant::now();
    let source = open(&inputs, &OpenOptions::default())?;
    let opened = begun.elapsed().as_secs_f64();
    let days: Vec<u32> = source.roster.courses.iter().map(|course| course.days).collect();
    let frame = RowLimits::new(&source.roster, &days, None);
    let [bytes, events, rows] = [const { AtomicU64::new(0) }; 3];
    let sink = |_, parsed: staycast_events::ParsedBlock| {
        events.fetch_add(parsed.events.len() as u64, Ordering::Relaxed);
        rows.fetch_add(parsed.tally.lines, Ordering::Relaxed);
        Ok(())
    };
    let begun = Instant::now();
    for file in &source.events {
        file.read(ReadPurpose::Events, &frame, &sink, &|count| {
            bytes.fetch_add(count, Ordering::Relaxed);
        })?;
    }
    let read = begun.elapsed().as_secs_f64();
    let megabytes = bytes.into_inner() as f64 / 1e6;
    println!(
        "{}: {} courses, {} enrolments, {} lines, {} events; opened in {opened:.2} s; {megabytes:.0} MB read in {read:.2} s, \
         {:.0} MB/s on {} threads",
        source.format,
        source.roster.courses.len(),
        source.roster.enrolments.len(),
        rows.into_inner(),
        events.into_inner(),
        megabytes / read,
        rayon::current_num_threads(),
    );
    Ok(())
}
