//! A table in Parquet. Panics of the parquet crate that the reader makes errors of are let pass: libFuzzer's own hook
//! would end the process before they are caught.
#![no_main]

use libfuzzer_sys::fuzz_target;
use staycast_fuzz::check_single;
use staycast_fuzz::formats::TABLE_PARQUET;

fuzz_target!(init: std::panic::set_hook(Box::new(|panic| eprintln!("{panic}"))), |input: &[u8]| {
    check_single(&TABLE_PARQUET, input);
});
