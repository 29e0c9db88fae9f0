//! Attacks on everything that Staycast reads back or takes from strangers: damaged sequences, runs and archives, hostile
//! places to write to, names with escape sequences, servers that stall.
//!
//! Each attack is made from seeded random damage. `scripts/test` runs a few rounds of each; `scripts/attacks` runs many.

#[path = "../common/mod.rs"]
mod common;

mod archives;
mod commands;
mod damage;
mod kills;
mod marked_logs;
mod nonsense;
mod outputs;
mod packed_logs;
mod parquet_edits;
mod run_records;
mod runs;
mod sequences;
mod writing;
