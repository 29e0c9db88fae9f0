//! Attacks on everything that Staycast reads back or takes from strangers: damaged sequences, runs and archives, hostile
//! places to write to, names with escape sequences, servers that stall.
//!
//! Each attack is made from seeded random damage. `scripts/test` runs a few rounds of each; `scripts/attacks` runs many.

#[path = "../common/mod.rs"]
mod common;

#[cfg(unix)]
#[allow(dead_code, reason = "the tracker's own tests use the rest")]
#[path = "../../crates/tracking/tests/support/mod.rs"]
mod fake_mlflow;

mod archives;
mod at_once;
mod commands;
mod damage;
mod experiments;
#[cfg(unix)]
mod fake_postgres;
mod kills;
mod left_over;
mod marked_logs;
mod nonsense;
mod outputs;
mod packed_logs;
mod parquet_edits;
#[cfg(target_os = "linux")]
mod read_only;
mod run_records;
mod runs;
mod scale;
mod sealed_by_hand;
mod secrets;
mod sequences;
#[cfg(unix)]
mod stalls;
#[cfg(unix)]
mod sudden_ends;
#[cfg(unix)]
mod terminal;
mod terminals;
mod unclear;
mod writing;
