//! An archive of a run from somebody: what its index lists, or an error and nothing on the disk.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| staycast_fuzz::archives::check(input));
