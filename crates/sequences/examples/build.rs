//! Builds sequences without the rest of the program around it, for profilers: `perf record` or `valgrind
//! --tool=callgrind` on `target/release/examples/build LOGS OUT [core|all] [THREADS]`. Prints the seconds by stage.

use std::path::PathBuf;

use staycast_events::formats::{self, OpenOptions};
use staycast_sequences::{BuildMode, BuildOptions, FeatureSet, Unwatched, build};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [logs, out, rest @ ..] = arguments.as_slice() else {
        return Err("usage: build LOGS OUT [core|all] [THREADS]".into());
    };
    let features = if rest.first().is_some_and(|set| set == "core") { FeatureSet::Core } else { FeatureSet::All };
    if let Some(threads) = rest.get(1) {
        rayon::ThreadPoolBuilder::new().num_threads(threads.parse()?).build_global()?;
    }
    let source = formats::open(&[PathBuf::from(logs)], &OpenOptions::default())?;
    let options = BuildOptions { features, ..BuildOptions::default() };
    build(&source, &options, &PathBuf::from(out), BuildMode::Replace, &Unwatched)?;
    print!("{}", std::fs::read_to_string(PathBuf::from(out).join("timing.json"))?);
    Ok(())
}
