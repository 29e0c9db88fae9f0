//! Times: what is written is read back, and a parser that remembers the day before says what a fresh one says.
#![no_main]

use libfuzzer_sys::fuzz_target;
use staycast_events::time::{DAY_SECONDS, InstantParser, format_date, format_instant, parse_date, parse_instant};

fuzz_target!(|input: &[u8]| {
    let mut parser = InstantParser::default();
    for text in input.split(|&byte| byte == b'\n') {
        let instant = parse_instant(text);
        assert_eq!(parser.parse(text), instant);
        if let Some(instant) = instant {
            // An offset may reach into a year that has no four digits.
            if (parse_date(b"0000-01-01")..=parse_date(b"9999-12-31"))
                .contains(&Some(instant.div_euclid(DAY_SECONDS) as i32))
            {
                assert_eq!(parse_instant(format_instant(instant).as_bytes()), Some(instant));
            }
        }
        if let Some(day) = parse_date(text) {
            assert_eq!(format_date(day).as_bytes(), text);
            assert_eq!(instant, Some(i64::from(day) * DAY_SECONDS));
        }
    }
});
