//! The stored form of a baseline: refused, or a model that forecasts finite numbers from any inputs.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| staycast_fuzz::models::check(input));
