#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| staycast_fuzz::check(&staycast_fuzz::formats::OULAD, input));
