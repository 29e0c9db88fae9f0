//! Lines of a tracking log, each made of one entry.

use jiff::ToSpan;

use super::entry::{Entry, EntryKind};
use super::event_text::{self, EntryText};
use super::names::{CourseNames, hex, mixed, push_all};
use super::packed::Enrolment;
use crate::checked::Simulation;
use crate::course::{Course, DAY};
use crate::damage::Damage;
use crate::digits::{iso_date, push_number, push_six_digits, push_time_of_day};
use crate::error::ConfigError;
use crate::event::{AccountUser, EventKind};
use crate::history::DeviceClock;

/// Counts the days of the log before the first course, for registrations and first visits.
const LEAD_DAYS: i64 = 70;
/// Counts the days of the log after the last course.
const TAIL_DAYS: i64 = 35;
/// Bounds the learners, so that 32 bits number their enrolments.
const MOST_LEARNERS: u64 = 1 << 26;
const HOST: &str = "learn.example.org";
const ORG: &str = "SimX";

/// Lists the user agents of browsers.
const AGENTS: [&str; 6] = [
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.2 Safari/605.1.15",
    "Mozilla/5.0 (X11; Linux x86_64; rv:121.0) Gecko/20100101 Firefox/121.0",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:121.0) Gecko/20100101 Firefox/121.0",
    "Mozilla/5.0 (Linux; Android 13; SM-A536B) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Mobile Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_2 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.2 Mobile/15E148 Safari/604.1",
];
/// Names the user agent of the app.
const APP: &str = "Dalvik/2.1.0 (Linux; U; Android 13; SM-A536B Build/TP1A.220624.014) org.example.mobile/5.1.1";

/// Holds an entry with its time.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moment {
    /// Seconds from the first instant of the log, by the server's clock.
    pub(super) second: u32,
    pub(super) entry: Entry,
    pub(super) damage: Option<Damage>,
}

/// Makes the lines of a simulation's courses.
#[derive(Debug)]
pub(super) struct Lines {
    courses: Vec<CourseNames>,
    /// Dates of the log's days.
    dates: Vec<[u8; 10]>,
    /// First second of an enrolment that a line can show, from the course's start.
    earliest: i32,
}

impl Lines {
    /// Prepares names and dates for the courses of a simulation.
    ///
    /// # Errors
    /// [`ConfigError::Inconsistent`], when there are too many learners or the courses span more than 136 years.
    pub(super) fn new(simulation: &Simulation) -> Result<Self, ConfigError> {
        if simulation.config.learners > MOST_LEARNERS {
            let message =
                format!("the format edx allows at most {MOST_LEARNERS} learners; use fewer or another format");
            return Err(ConfigError::Inconsistent { message });
        }
        let first = &simulation.courses[0];
        let lead = LEAD_DAYS + i64::from(first.start_weekday);
        let origin = first.start.saturating_sub(lead.days());
        let last_start = simulation.courses.iter().map(|course| course.start_day).max().unwrap_or(0);
        let days = lead + last_start + 7 * i64::from(simulation.config.weeks) + TAIL_DAYS;
        if days * i64::from(DAY) > i64::from(u32::MAX) {
            let message =
                format!("courses span {days} days, and the format edx allows 49,000; use fewer waves or shorter gaps");
            return Err(ConfigError::Inconsistent { message });
        }
        let date = |day: i64| iso_date(origin.saturating_add(day.days()));
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

    /// Returns the id of a course, as in `course-v1:SimX+computing-1+2024_01`.
    pub(super) fn course_id(&self, course: usize) -> &str {
        &self.courses[course].id
    }

    /// Returns the seconds from the first instant of the log to that of a course.
    pub(super) fn start_second(&self, course: usize) -> i64 {
        self.courses[course].start_second
    }

    /// Returns the date of a day of the log, as `YYYY-MM-DD`.
    pub(super) fn date(&self, day: u32) -> &[u8; 10] {
        &self.dates[day as usize]
    }

    /// Appends the line of an entry.
    pub(super) fn push(&self, out: &mut Vec<u8>, simulation: &Simulation, who: Enrolment, moment: &Moment) {
        let &Moment { second, entry, damage } = moment;
        let names = &self.courses[who.course as usize];
        let shown = self.shown(who, names, second, entry);
        let begin = out.len();
        let sender = Sender::of_entry(who, entry);
        let text = EntryText {
            names,
            course: &simulation.courses[who.course as usize],
            entry: &entry,
            user: who.learner + 1,
            hash: mixed(
                mixed(shown.into(), who.learner),
                u64::from(entry.object) << 16 | u64::from(entry.detail) << 8 | entry.kind.number() as u64,
            ),
        };
        out.reserve(2_048);
        push_all(out, &[b"{\"username\": \""]);
        if damage != Some(Damage::Id) {
            out.extend_from_slice(b"learner-");
            push_number(out, text.user);
        }
        push_all(out, &[b"\", \"event_type\": \""]);
        event_text::push_type(out, &text);
        push_client(out, names, mixed(who.learner, entry.by as u64), second, sender);
        push_all(out, &[b", \"event\": "]);
        event_text::push_event(out, &text);
        push_all(out, &[b", \"event_source\": \"", sender.name().as_bytes(), b"\", \"context\": "]);
        self.push_context(out, &text, second, sender, damage);
        push_all(out, &[b", \"time\": \""]);
        match damage {
            Some(Damage::Time) => out.extend_from_slice(b"0000-00-00T00:00:00+00:00"),
            _ => self.push_time(out, shown, text.hash),
        }
        push_all(out, &[b"\", \"page\": "]);
        event_text::push_page(out, &text);
        event_text::push_name(out, &text);
        out.extend_from_slice(b"}\n");
        if damage == Some(Damage::Cut) {
            let length = out.len() - begin;
            out.truncate(begin + length * 2 / 3);
            out.push(b'\n');
        }
    }

    /// Appends the value of `context`. The app adds the second at which the server received the entry.
    fn push_context(
        &self,
        out: &mut Vec<u8>,
        text: &EntryText<'_>,
        second: u32,
        sender: Sender,
        damage: Option<Damage>,
    ) {
        push_all(out, &[b"{\"user_id\": "]);
        match damage {
            // A number would say as well as the name who it was.
            Some(Damage::Id) => out.extend_from_slice(b"null"),
            _ => push_number(out, text.user),
        }
        if text.entry.kind == EntryKind::Event(EventKind::SignIn) {
            push_all(out, &[b", \"org_id\": \"\", \"course_id\": \"\""]);
        } else {
            let course = text.names.id.as_bytes();
            push_all(out, &[b", \"org_id\": \"", ORG.as_bytes(), b"\", \"course_id\": \"", course, b"\""]);
        }
        push_all(out, &[b", \"course_user_tags\": {}, \"path\": \""]);
        event_text::push_path(out, text);
        out.push(b'"');
        if sender == Sender::App {
            push_all(out, &[b", \"application\": {\"name\": \"edx.mobileapp.android\"}, \"received_at\": \""]);
            self.push_time(out, second, text.hash);
            out.push(b'"');
        }
        out.push(b'}');
    }

    /// Returns the second that the line shows: the device's for entries that it reports.
    fn shown(&self, who: Enrolment, names: &CourseNames, second: u32, entry: Entry) -> u32 {
        if entry.by == AccountUser::Companion || !entry.kind.is_reported_by_device() {
            return second;
        }
        let clock = DeviceClock { skew_seconds: who.skew_seconds, earliest: self.earliest };
        let shown = clock.shown((i64::from(second) - names.start_second) as i32);
        (names.start_second + i64::from(shown)) as u32
    }

    /// Appends a time as in `2024-01-15T10:00:00.123456+00:00`, with a fraction made of `hash`.
    fn push_time(&self, out: &mut Vec<u8>, second: u32, hash: u64) {
        out.extend_from_slice(&self.dates[(second / DAY as u32) as usize]);
        out.push(b'T');
        push_time_of_day(out, second % DAY as u32);
        out.push(b'.');
        push_six_digits(out, (hash % 1_000_000) as u32);
        out.extend_from_slice(b"+00:00");
    }
}

/// Names the program that reports an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sender {
    Server,
    Browser,
    App,
}

impl Sender {
    /// Returns the sender of an entry. A device with a wrong clock reports through the app.
    fn of_entry(who: Enrolment, entry: Entry) -> Self {
        match entry.by {
            _ if !entry.kind.is_reported_by_device() => Self::Server,
            AccountUser::Owner if who.skew_seconds != 0 => Self::App,
            AccountUser::Owner | AccountUser::Companion => Self::Browser,
        }
    }

    /// Returns the value of `event_source`.
    fn name(self) -> &'static str {
        match self {
            Self::Server => "server",
            Self::Browser => "browser",
            Self::App => "mobile",
        }
    }
}

/// Appends the members that describe the client, from the end of `event_type` to `session`. `device` is a hash of the person.
fn push_client(out: &mut Vec<u8>, names: &CourseNames, device: u64, second: u32, sender: Sender) {
    push_all(out, &[b"\", \"ip\": \"10"]);
    for shift in [0, 8, 16] {
        out.push(b'.');
        push_number(out, device >> shift & 255);
    }
    let agent = if sender == Sender::App { APP } else { AGENTS[(device >> 32) as usize % AGENTS.len()] };
    push_all(out, &[b"\", \"agent\": \"", agent.as_bytes(), b"\", \"host\": \"", HOST.as_bytes()]);
    push_all(out, &[b"\", \"referer\": \"https://", HOST.as_bytes(), b"/courses/", names.id.as_bytes()]);
    let visit = mixed(device, u64::from(second) / DAY as u64);
    push_all(out, &[b"/course/\", \"accept_language\": \"en-US,en;q=0.9\", \"session\": \""]);
    push_all(out, &[&hex(visit), &hex(mixed(visit, 1)), b"\""]);
}
