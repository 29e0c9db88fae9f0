//! Numbers and dates as text, without the standard formatter, as rows consist of little else.

use jiff::civil::Date;

/// Lists the two digits of each number from 0 to 99.
static TWO_DIGITS: [[u8; 2]; 100] = {
    let mut digits = [[0; 2]; 100];
    let mut n = 0;
    while n < 100 {
        digits[n] = [b'0' + (n / 10) as u8, b'0' + (n % 10) as u8];
        n += 1;
    }
    digits
};

/// Returns the two digits of a number below 100.
#[inline]
pub(crate) fn two_digits(number: u32) -> &'static [u8; 2] {
    &TWO_DIGITS[number as usize]
}

/// Appends a whole number.
pub(crate) fn push_number(out: &mut Vec<u8>, mut number: u64) {
    let mut digits = [0; 20];
    let mut at = digits.len();
    while number >= 100 {
        at -= 2;
        digits[at..at + 2].copy_from_slice(two_digits((number % 100) as u32));
        number /= 100;
    }
    if number >= 10 {
        at -= 2;
        digits[at..at + 2].copy_from_slice(two_digits(number as u32));
    } else {
        at -= 1;
        digits[at] = b'0' + number as u8;
    }
    out.extend_from_slice(&digits[at..]);
}

/// Appends a whole number with its sign.
pub(crate) fn push_signed(out: &mut Vec<u8>, number: i64) {
    if number < 0 {
        out.push(b'-');
    }
    push_number(out, number.unsigned_abs());
}

/// Appends exactly six digits of a number below a million.
pub(crate) fn push_six_digits(out: &mut Vec<u8>, number: u32) {
    out.extend_from_slice(two_digits(number / 10_000));
    out.extend_from_slice(two_digits(number / 100 % 100));
    out.extend_from_slice(two_digits(number % 100));
}

/// Appends a probability with six decimals.
pub(crate) fn push_probability(out: &mut Vec<u8>, p: f64) {
    let millionths = (p * 1e6).round() as u32;
    push_number(out, (millionths / 1_000_000).into());
    out.push(b'.');
    push_six_digits(out, millionths % 1_000_000);
}

/// Formats a date of the years 0 to 9999 as `YYYY-MM-DD`.
pub(crate) fn iso_date(date: Date) -> [u8; 10] {
    let year = u32::from(date.year().unsigned_abs());
    let [y1, y2] = *two_digits(year / 100);
    let [y3, y4] = *two_digits(year % 100);
    let [m1, m2] = *two_digits(u32::from(date.month().unsigned_abs()));
    let [d1, d2] = *two_digits(u32::from(date.day().unsigned_abs()));
    [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2]
}

/// Appends a second of a day as `HH:MM:SS`.
#[inline]
pub(crate) fn push_time_of_day(out: &mut Vec<u8>, second: u32) {
    let [h1, h2] = *two_digits(second / 3_600);
    let [m1, m2] = *two_digits(second / 60 % 60);
    let [s1, s2] = *two_digits(second % 60);
    out.extend_from_slice(&[h1, h2, b':', m1, m2, b':', s1, s2]);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn written(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).unwrap()
    }

    proptest! {
        #[test]
        fn numbers_are_written_as_the_formatter_does(number in any::<i64>(), small in 0u64..2_000, p in 0.0..=1.0f64) {
            prop_assert_eq!(written(|out| push_signed(out, number)), number.to_string());
            prop_assert_eq!(written(|out| push_number(out, small)), small.to_string());
            let text = written(|out| push_probability(out, p));
            prop_assert!((text.parse::<f64>().unwrap() - p).abs() <= 5.001e-7);
            prop_assert_eq!(text.len(), 8);
        }

        #[test]
        fn dates_are_written_as_the_formatter_does(day in 0i64..3_000_000) {
            let date = Date::constant(1, 1, 1).saturating_add(jiff::Span::new().days(day));
            prop_assert_eq!(iso_date(date).to_vec(), date.to_string().into_bytes());
        }

        #[test]
        fn times_of_day_too(second in 0u32..86_400) {
            let expected = format!("{:02}:{:02}:{:02}", second / 3_600, second / 60 % 60, second % 60);
            prop_assert_eq!(written(|out| push_time_of_day(out, second)), expected);
        }
    }
}
