//! When nothing is sent, and how much at most.

use serde::{Deserialize, Serialize};

/// Holds the limits of messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Minute of the day from which on nothing is sent.
    pub quiet_from: u16,
    /// Minute of the day from which on messages are sent again; the same as `quiet_from` where no hours are quiet.
    pub quiet_to: u16,
    /// Minutes by which the learners' clocks are ahead of UTC.
    pub utc_offset_minutes: i16,
    /// Most messages to a learner in any 7 days.
    pub most_per_week: u32,
    /// Days after a message in which the learner gets no other one.
    pub pause_days: u32,
}

/// Counts the seconds of a day.
pub(crate) const DAY_SECONDS: i64 = 86_400;

impl Limits {
    /// Tells when the quiet hours end in which an instant is, in seconds since 1970; `None` where it is in none.
    #[must_use]
    pub fn quiet_until(&self, now: i64) -> Option<i64> {
        let local = now + i64::from(self.utc_offset_minutes) * 60;
        let second = local.rem_euclid(DAY_SECONDS);
        let (from, to) = (i64::from(self.quiet_from) * 60, i64::from(self.quiet_to) * 60);
        let is_quiet = if from <= to { (from..to).contains(&second) } else { second >= from || second < to };
        let ahead = (to - second).rem_euclid(DAY_SECONDS);
        is_quiet.then(|| now + if ahead == 0 { DAY_SECONDS } else { ahead })
    }

    /// Tells whether another message at `now` would be too much for somebody who got messages at `before`.
    #[must_use]
    pub fn refuses(&self, now: i64, before: impl IntoIterator<Item = i64>) -> bool {
        let mut in_week = 0;
        let mut is_too_soon = false;
        for at in before {
            let age = now - at;
            in_week += u32::from(age < 7 * DAY_SECONDS);
            is_too_soon |= age < i64::from(self.pause_days) * DAY_SECONDS;
        }
        is_too_soon || in_week >= self.most_per_week
    }

    /// Tells whether the values can be.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.quiet_from <= 1440
            && self.quiet_to <= 1440
            && (-12 * 60..=14 * 60).contains(&self.utc_offset_minutes)
            && (1..=50).contains(&self.most_per_week)
            && self.pause_days <= 365
    }
}

/// Reads `HH:MM`, up to 24:00, as minutes.
pub(super) fn minutes(text: &str) -> Option<u16> {
    let (hours, minutes) = text.split_once(':')?;
    let two_digits = |text: &str| text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
    if !two_digits(hours) || !two_digits(minutes) {
        return None;
    }
    let (hours, minutes): (u16, u16) = (hours.parse().ok()?, minutes.parse().ok()?);
    (minutes < 60 && hours * 60 + minutes <= 1440).then_some(hours * 60 + minutes)
}

/// Reads `Z`, `+HH:MM` or `-HH:MM` as minutes.
pub(super) fn offset_minutes(text: &str) -> Option<i16> {
    if text == "Z" {
        return Some(0);
    }
    let sign = match text.as_bytes().first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let value = sign * i16::try_from(minutes(&text[1..])?).ok()?;
    (-12 * 60..=14 * 60).contains(&value).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits =
        Limits { quiet_from: 1200, quiet_to: 480, utc_offset_minutes: 60, most_per_week: 2, pause_days: 3 };

    #[test]
    fn quiet_hours_pass_midnight_in_the_learners_time() {
        // 1970-01-01, 20:00 to 08:00 at +01:00 is 19:00 to 07:00 UTC.
        let hour = 3600;
        for (now, until) in [
            (18 * hour + 3599, None),
            (19 * hour, Some(31 * hour)),
            (23 * hour, Some(31 * hour)),
            (24 * hour, Some(31 * hour)),
            (31 * hour - 1, Some(31 * hour)),
            (31 * hour, None),
            (-5 * hour, Some(7 * hour)),
        ] {
            assert_eq!(LIMITS.quiet_until(now), until, "{now}");
        }
        let by_day = Limits { quiet_from: 720, quiet_to: 780, utc_offset_minutes: 0, ..LIMITS };
        assert_eq!(by_day.quiet_until(12 * hour), Some(13 * hour));
        assert_eq!(by_day.quiet_until(13 * hour), None);
        let never = Limits { quiet_from: 480, ..LIMITS };
        assert_eq!((0..24).filter(|at| never.quiet_until(at * hour).is_some()).count(), 0);
        let always = Limits { quiet_from: 0, quiet_to: 1440, ..LIMITS };
        assert_eq!((0..24).filter(|at| always.quiet_until(at * hour).is_some()).count(), 24);
    }

    #[test]
    fn a_week_has_a_limit_and_a_message_a_pause() {
        let now = 100 * DAY_SECONDS;
        let ago = |days: &[i64]| days.iter().map(|days| now - days * DAY_SECONDS).collect::<Vec<_>>();
        for (before, refused) in
            [(&[][..], false), (&[2], true), (&[3], false), (&[4, 6], true), (&[4, 7], false), (&[7, 8, 9], false)]
        {
            assert_eq!(LIMITS.refuses(now, ago(before)), refused, "{before:?}");
        }
    }

    #[test]
    fn times_and_offsets_are_read() {
        for (text, expected) in [
            ("00:00", Some(0)),
            ("24:00", Some(1440)),
            ("08:30", Some(510)),
            ("24:01", None),
            ("8:00", None),
            ("", None),
        ] {
            assert_eq!(minutes(text), expected, "{text}");
        }
        for (text, expected) in [
            ("Z", Some(0)),
            ("+01:00", Some(60)),
            ("-03:30", Some(-210)),
            ("+15:00", None),
            ("01:00", None),
            ("+é:00", None),
        ] {
            assert_eq!(offset_minutes(text), expected, "{text}");
        }
    }
}
