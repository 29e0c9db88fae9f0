//! A log packed as gzip or zstd, whole or cut short: the same rows as unpacked, or an error.
#![no_main]

use libfuzzer_sys::fuzz_target;
use staycast_fuzz::formats::KDD2015;
use staycast_fuzz::{Format, Rows, check_single};

/// The log alone is packed; what the pack holds can't be seen from outside.
const PACKED: Format = Format { rows: Rows::Otherwise, ..KDD2015 };

fuzz_target!(|input: &[u8]| check_single(&PACKED, input));
