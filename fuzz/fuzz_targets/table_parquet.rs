#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| staycast_fuzz::check_single(&staycast_fuzz::TABLE_PARQUET, input));
