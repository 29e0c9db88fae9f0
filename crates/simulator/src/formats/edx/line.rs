//! One event to one line of a tracking log.

use jiff::ToSpan;

use super::event_text::{self, About};
use super::packed::Enrolment;
use crate::Simulation;
use crate::course::{Course, DAY};
use crate::damage::Damage;
use crate::digits::{push_number, push_six_digits, push_time_of_day};
use crate::error::ConfigError;
use crate::event::{By, Event, Kind};
use crate::history::shown_second;

/// Days before the first course that are left for registrations and looks around.
const LEAD_DAYS: i64 = 70;
/// Days after the last start of a course, besides its weeks, that nothing goes beyond.
const TAIL_DAYS: i64 = 35;
/// So that 32 bits number their enrolments.
const MOST_LEARNERS: u64 = 1 << 26;
const HOST: &str = "learn.example.org";
const ORG: &str = "SimX";

/// What browsers call themselves.
const AGENTS: [&str; 6] = [
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.2 Safari/605.1.15",
    "Mozilla/5.0 (X11; Linux x86_64; rv:121.0) Gecko/20100101 Firefox/121.0",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:121.0) Gecko/20100101 Firefox/121.0",
    "Mozilla/5.0 (Linux; Android 13; SM-A536B) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Mobile Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_2 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.2 Mobile/15E148 Safari/604.1",
];
/// What the app calls itself.
const APP: &str = "Dalvik/2.1.0 (Linux; U; Android 13; SM-A536B Build/TP1A.220624.014) org.example.mobile/5.1.1";

/// A course's names.
#[derive(Debug)]
pub(super) struct CourseNames {
    /// `course-v1:SimX+computing-1+2024_01`.
    pub(super) id: String,
    /// `block-v1:SimX+computing-1+2024_01`, as the ids of its blocks begin.
    pub(super) block: String,
    /// Seconds from the first instant of the log to the course's.
    start_second: i64,
}

/// When and what: an event without its enrolment.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moment {
    /// Seconds from the first instant of the log, by the server's clock.
    pub(super) second: u32,
    /// Its own second is not looked at.
    pub(super) event: Event,
    pub(super) damage: Option<Damage>,
}

/// Makes lines.
#[derive(Debug)]
pub(super) struct Lines {
    courses: Vec<CourseNames>,
    /// Each day's date, from the log's first.
    dates: Vec<[u8; 10]>,
    /// First second of an enrolment that can be shown, from the course's start.
    earliest: i32,
}

/// A hash by which equal events get equal details and different ones mostly do not (Steele, Lea & Flood 2014,
/// SplitMix64's finaliser).
pub(super) fn mixed(a: u64, b: u64) -> u64 {
    let mut z = a.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(b).wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Sixteen hexadecimal digits.
pub(super) fn hex(value: u64) -> [u8; 16] {
    std::array::from_fn(|place| b"0123456789abcdef"[(value >> (60 - 4 * place) & 15) as usize])
}

impl Lines {
    pub(super) fn new(simulation: &Simulation) -> Result<Self, ConfigError> {
        if simulation.config.learners > MOST_LEARNERS {
            let message = format!("for edx learners must be at most {MOST_LEARNERS}; use fewer, or another format");
            return Err(ConfigError::Inconsistent { message });
        }
        let first = &simulation.courses[0];
        let lead = LEAD_DAYS + i64::from(first.start_weekday);
        let origin = first.start.saturating_sub(lead.days());
        let last_start = simulation.courses.iter().map(|course| course.start_day).max().unwrap_or(0);
        let days = lead + last_start + 7 * i64::from(simulation.config.weeks) + TAIL_DAYS;
        if days * i64::from(DAY) > i64::from(u32::MAX) {
            let message = format!("courses span {days} days; for edx at most 49,000; use fewer waves or shorter gaps");
            return Err(ConfigError::Inconsistent { message });
        }
        let date = |day: i64| {
            let text = origin.saturating_add(day.days()).to_string();
            text.into_bytes().try_into().expect("years of four digits, as checked")
        };
        let names = |course: &Course| {
            let run = format!("{ORG}+{}+{:04}_{:02}", course.id, course.start.year(), course.start.month());
            CourseNames {
                id: format!("course-v1:{run}"),
                block: format!("block-v1:{run}"),
                start_second: (lead + course.start_day) * i64::from(DAY),
            }
        };
        Ok(Self {
            courses: simulation.courses.iter().map(names).collect(),
            dates: (0..days).map(date).collect(),
            earliest: -(simulation.config.calendar.pre_start_days as i32) * DAY,
        })
    }

    pub(super) fn course_id(&self, course: usize) -> &str {
        &self.courses[course].id
    }

    /// Seconds from the first instant of the log to a course's.
    pub(super) fn start_second(&self, course: usize) -> i64 {
        self.courses[course].start_second
    }

    /// Date of a day of the log.
    pub(super) fn date(&self, day: u32) -> &str {
        std::str::from_utf8(&self.dates[day as usize]).expect("digits and hyphens")
    }

    /// Appends the line.
    pub(super) fn push(&self, out: &mut Vec<u8>, simulation: &Simulation, who: &Enrolment, moment: &Moment) {
        let &Moment { second, event, damage } = moment;
        let names = &self.courses[who.course as usize];
        let shown = self.shown(who, names, second, event);
        let begin = out.len();
        let device = mixed(who.learner, event.by as u64);
        let mobile = who.skew_seconds != 0 && event.by == By::Owner && event.kind.is_of_device();
        let about = About {
            names,
            course: &simulation.courses[who.course as usize],
            event: &event,
            user: who.learner + 1,
            hash: mixed(
                mixed(shown.into(), who.learner),
                u64::from(event.object) << 16 | u64::from(event.detail) << 8 | event.kind as u64,
            ),
        };
        out.reserve(2_048);
        push_all(out, &[b"{\"username\": \""]);
        if damage != Some(Damage::Id) {
            out.extend_from_slice(b"learner-");
            push_number(out, about.user);
        }
        push_all(out, &[b"\", \"event_type\": \""]);
        event_text::push_type(out, &about);
        push_all(out, &[b"\", \"ip\": \"10"]);
        for shift in [0, 8, 16] {
            out.push(b'.');
            push_number(out, device >> shift & 255);
        }
        let agent = if mobile { APP } else { AGENTS[(device >> 32) as usize % AGENTS.len()] };
        push_all(out, &[b"\", \"agent\": \"", agent.as_bytes(), b"\", \"host\": \"", HOST.as_bytes()]);
        push_all(out, &[b"\", \"referer\": \"https://", HOST.as_bytes(), b"/courses/", names.id.as_bytes()]);
        let visit = mixed(device, u64::from(second) / DAY as u64);
        push_all(out, &[b"/course/\", \"accept_language\": \"en-US,en;q=0.9\", \"session\": \""]);
        push_all(out, &[&hex(visit), &hex(mixed(visit, 1)), b"\", \"event\": "]);
        event_text::push_event(out, &about);
        let source: &[u8] = match () {
            () if mobile => b"mobile",
            () if event.kind.is_of_device() => b"browser",
            () => b"server",
        };
        push_all(out, &[b", \"event_source\": \"", source, b"\", \"context\": {\"user_id\": "]);
        push_number(out, about.user);
        if event.kind == Kind::SignIn {
            push_all(out, &[b", \"org_id\": \"\", \"course_id\": \"\""]);
        } else {
            push_all(out, &[b", \"org_id\": \"", ORG.as_bytes(), b"\", \"course_id\": \"", names.id.as_bytes(), b"\""]);
        }
        push_all(out, &[b", \"course_user_tags\": {}, \"path\": \""]);
        event_text::push_path(out, &about);
        out.push(b'"');
        if mobile {
            push_all(out, &[b", \"application\": {\"name\": \"edx.mobileapp.android\"}, \"received_at\": \""]);
            self.push_time(out, second, about.hash);
            out.push(b'"');
        }
        push_all(out, &[b"}, \"time\": \""]);
        match damage {
            Some(Damage::Time) => out.extend_from_slice(b"0000-00-00T00:00:00+00:00"),
            _ => self.push_time(out, shown, about.hash),
        }
        push_all(out, &[b"\", \"page\": "]);
        event_text::push_page(out, &about);
        event_text::push_name(out, &about);
        out.extend_from_slice(b"}\n");
        if damage == Some(Damage::Cut) {
            let length = out.len() - begin;
            out.truncate(begin + length * 2 / 3);
            out.push(b'\n');
        }
    }

    /// The second by the clock that the line tells.
    fn shown(&self, who: &Enrolment, names: &CourseNames, second: u32, event: Event) -> u32 {
        let within = Event { second: (i64::from(second) - names.start_second) as i32, ..event };
        let shown = shown_second(&within, who.skew_seconds, self.earliest);
        (names.start_second + i64::from(shown)) as u32
    }

    /// `2024-01-15T10:00:00.123456+00:00`, where the fraction comes from `hash`.
    fn push_time(&self, out: &mut Vec<u8>, second: u32, hash: u64) {
        out.extend_from_slice(&self.dates[(second / DAY as u32) as usize]);
        out.push(b'T');
        push_time_of_day(out, second % DAY as u32);
        out.push(b'.');
        push_six_digits(out, (hash % 1_000_000) as u32);
        out.extend_from_slice(b"+00:00");
    }
}

/// Appends one after the other.
#[inline]
pub(super) fn push_all(out: &mut Vec<u8>, parts: &[&[u8]]) {
    for part in parts {
        out.extend_from_slice(part);
    }
}
