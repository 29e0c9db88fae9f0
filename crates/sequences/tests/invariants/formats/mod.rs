//! A world as each format writes it down. A new format is a function here and a line in [`ALL`].

mod exports;
mod made;
mod statements;
mod tables;

use std::fmt::Write;
use std::path::Path;

use staycast_events::formats::{OpenOptions, open};
use staycast_events::time::{format_date, format_instant};
use staycast_events::{ReadError, Source};

use self::statements::NAMES;
use super::world::{Calendar, Seen};

/// A format.
#[derive(Clone, Copy)]
pub(crate) struct Format {
    /// Its name.
    pub(crate) name: &'static str,
    /// Files of events, of one line a row.
    pub(crate) logs: &'static [&'static str],
    /// Further files of events, of which a row may be several lines.
    pub(crate) long_logs: &'static [&'static str],
    /// The first line of the files of events is a header.
    pub(crate) header: bool,
    /// A quoted cell of these files may hold line breaks. None does until it is damaged.
    pub(crate) quoted_rows: bool,
    /// Writes its files into a folder, as of an instant.
    write: fn(Seen<'_>, &Path),
    /// Way in which the folder is opened.
    open: Opening,
}

#[derive(Clone, Copy)]
enum Opening {
    /// Opened as the format that it is named.
    Detected,
    /// With the mapping in it.
    Mapped,
    /// As this, which calls its courses so, with their dates in a file where they are given at all.
    Dated(&'static str, fn(usize) -> String),
    /// Nothing is in it.
    Made,
}

impl Format {
    const fn new(name: &'static str, logs: &'static [&'static str], write: fn(Seen<'_>, &Path), open: Opening) -> Self {
        Self { name, logs, long_logs: &[], header: true, quoted_rows: false, write, open }
    }

    const fn without_header(self) -> Self {
        Self { header: false, ..self }
    }

    const fn with_quoted_rows(self) -> Self {
        Self { quoted_rows: true, ..self }
    }

    pub(crate) fn write(&self, seen: Seen<'_>, folder: &Path) {
        (self.write)(seen, folder);
        if let (Opening::Dated(..), Calendar::Given) = (self.open, seen.calendar) {
            put_calendar(seen, folder, |course| self.course_id(course));
        }
    }

    /// Tells whether it has statements that say who is enrolled.
    pub(crate) fn is_of_statements(&self) -> bool {
        ["edx", "xapi", "caliper"].contains(&self.name)
    }

    /// Tells whether its courses have no dates of their own, so that they are inferred where none are given.
    pub(crate) fn may_be_inferred(&self) -> bool {
        matches!(self.open, Opening::Dated(..))
    }

    /// Returns its name of a course, in formats that have no dates of their own.
    pub(crate) fn course_id(&self, course: usize) -> String {
        match self.open {
            Opening::Dated(_, id) => id(course),
            Opening::Detected | Opening::Mapped | Opening::Made => panic!("{} has dates of its own", self.name),
        }
    }

    pub(crate) fn open(&self, seen: Seen<'_>, folder: &Path, as_of: Option<i64>) -> Result<Source, ReadError> {
        let plain = OpenOptions { as_of, ..OpenOptions::default() };
        let options = match self.open {
            Opening::Detected => plain,
            Opening::Mapped => OpenOptions { mapping: Some(folder.join("mapping.toml")), ..plain },
            Opening::Dated(format, _) => OpenOptions {
                format: Some(format.parse().unwrap()),
                courses: (seen.calendar == Calendar::Given).then(|| folder.join(CALENDAR)),
                ..plain
            },
            Opening::Made => return Ok(Source { as_of, ..made::made(seen) }),
        };
        open(&[folder.to_owned()], &options)
    }
}

/// Every format.
pub(crate) const ALL: &[Format] = &[
    Format::new("kdd2015", &["log.csv"], tables::kdd2015, Opening::Detected),
    Format::new("oulad", &["studentVle.csv", "studentAssessment.csv"], tables::oulad, Opening::Detected),
    Format::new("table", &["log.csv"], tables::table, Opening::Mapped),
    Format::new("table of the log alone", &["log.csv"], tables::log_alone, Opening::Mapped),
    Format::new("made", &[], |_, _| (), Opening::Made),
    Format::new("edx", &["tracking.log"], statements::edx, Opening::Dated("edx", statements::course_id))
        .without_header(),
    Format::new("xapi", &["statements.jsonl"], statements::xapi, Opening::Dated("xapi", statements::course_id))
        .without_header(),
    Format::new("caliper", &["events.jsonl"], statements::caliper, Opening::Dated("caliper", statements::course_id))
        .without_header(),
    Format::new(
        "moodle",
        &["mdl_logstore_standard_log.csv"],
        exports::moodle,
        Opening::Dated("moodle", |course| (2 + course).to_string()),
    )
    .with_quoted_rows(),
    Format::new(
        "moodle of the log alone",
        &["mdl_logstore_standard_log.csv"],
        exports::moodle_log,
        Opening::Dated("moodle", |course| (2 + course).to_string()),
    )
    .with_quoted_rows(),
    Format::new(
        "coursera",
        &["clickstream.csv"],
        exports::coursera,
        Opening::Dated("coursera", |course| format!("c{course}AB")),
    )
    .without_header()
    .with_quoted_rows(),
    Format {
        long_logs: &[
            "c0_comments.csv",
            "c1_comments.csv",
            "c2_comments.csv",
            "c0_question-response.csv",
            "c1_question-response.csv",
            "c2_question-response.csv",
            "c0_peer-review-assignments.csv",
            "c1_peer-review-assignments.csv",
            "c2_peer-review-assignments.csv",
        ],
        ..Format::new(
            "futurelearn",
            &["c0_step-activity.csv", "c1_step-activity.csv", "c2_step-activity.csv"],
            exports::futurelearn,
            Opening::Dated("futurelearn", |course| format!("c{course}")),
        )
    },
    Format::new(
        "xuetangx2019",
        &["prediction_log.csv"],
        exports::xuetangx2019,
        Opening::Dated("xuetangx2019", |course| format!("course-v1:X+C{course}+2014")),
    ),
];

/// The file of courses' dates.
const CALENDAR: &str = "calendar.csv";

/// Writes it, of courses by their ids.
fn put_calendar(seen: Seen<'_>, folder: &Path, id: impl Fn(usize) -> String) {
    let mut text = String::from("course_id,from,to\n");
    for (number, course) in seen.world.courses.iter().enumerate() {
        let last = course.start_day() + course.days as i32 - 1;
        writeln!(text, "{},{},{}", id(number), format_date(course.start_day()), format_date(last)).unwrap();
    }
    put(folder, CALENDAR, &text);
}

fn put(folder: &Path, name: &str, text: &str) {
    std::fs::write(folder.join(name), text).unwrap();
}

fn time(at: i64) -> String {
    format_instant(Seen::instant(at))
}

/// The id of an enrolment, by which it is found again when more is known: a learner of tracking logs goes by a number
/// until an event gives the name.
pub(crate) fn lasting(id: &str) -> String {
    match id.rsplit_once("/#") {
        Some((course, number)) => format!("{course}/{}", NAMES[number.parse::<usize>().unwrap()]),
        None => id.to_owned(),
    }
}
