//! Attacks on everything that Staycast reads back or takes from strangers: damaged sequences, runs and archives, hostile
//! places to write to, names with escape sequences, servers that stall.
//!
//! Each attack is made from seeded random damage. `scripts/test` runs a few rounds of each; `scripts/attacks` runs many.

#[path = "../common/mod.rs"]
mod common;

mod damage;
mod kills;
mod outputs;
mod parquet_edits;
mod sequences;
mod writing;
