//! The files of KDD Cup 2015's layout: how rows look, not what happens.
//!
//! As in the original, `truth.csv` has no header, `navigate` is spelt `nagivate`, and rows are in time order within an
//! enrolment. `dropout_probability.csv` is ours; its name must not begin with `truth`, by which readers know the labels.

use jiff::ToSpan;

use crate::Simulation;
use crate::behaviour::{Event, Kind};
use crate::course::{Category, Course, DAY};
use crate::history::History;

/// One value for each table; `Tables<W>` with writers is where a simulation goes.
#[derive(Debug, Clone, Default)]
pub struct Tables<W> {
    /// `enrollment_id,time,source,event,object`.
    pub log: W,
    /// `enrollment_id,username,course_id`.
    pub enrolment: W,
    /// `course_id,from,to`, both inclusive.
    pub date: W,
    /// `course_id,module_id,category,children,start`.
    pub object: W,
    /// Enrolment and label, 1 for dropout, without a header.
    pub truth: W,
    /// `enrollment_id,week,p_dropout`: week k is the cut-off after k weeks. The probability is that of a learner with these
    /// traits in the state of the last week seen; six decimals.
    pub truth_probability: W,
}

/// The tables' file names.
pub const FILE_NAMES: Tables<&str> = Tables {
    log: "log.csv",
    enrolment: "enrollment.csv",
    date: "date.csv",
    object: "object.csv",
    truth: "truth.csv",
    truth_probability: "dropout_probability.csv",
};

/// The header lines.
pub(crate) const HEADERS: Tables<&str> = Tables {
    log: "enrollment_id,time,source,event,object\n",
    enrolment: "enrollment_id,username,course_id\n",
    date: "course_id,from,to\n",
    object: "course_id,module_id,category,children,start\n",
    truth: "",
    truth_probability: "enrollment_id,week,p_dropout\n",
};

impl<W> Tables<W> {
    /// The values in the order of the fields.
    pub(crate) fn into_array(self) -> [W; 6] {
        [self.log, self.enrolment, self.date, self.object, self.truth, self.truth_probability]
    }

    pub(crate) fn each_ref(&self) -> Tables<&W> {
        Tables {
            log: &self.log,
            enrolment: &self.enrolment,
            date: &self.date,
            object: &self.object,
            truth: &self.truth,
            truth_probability: &self.truth_probability,
        }
    }

    pub(crate) fn each_mut(&mut self) -> Tables<&mut W> {
        Tables {
            log: &mut self.log,
            enrolment: &mut self.enrolment,
            date: &mut self.date,
            object: &mut self.object,
            truth: &mut self.truth,
            truth_probability: &mut self.truth_probability,
        }
    }
}

/// The course tables, whole: they are small beside the log.
pub(crate) fn course_tables(simulation: &Simulation) -> Tables<Vec<u8>> {
    let mut tables = Tables::<Vec<u8>>::default();
    for course in &simulation.courses {
        let last_day = course.start.saturating_add((7 * i64::from(course.chapters) - 1).days());
        tables.date.extend_from_slice(format!("{},{},{last_day}\n", course.id, course.start).as_bytes());
        for object in 0..course.ids.len() as u32 {
            write_object(&mut tables.object, course, object);
        }
    }
    tables
}

fn write_object(out: &mut Vec<u8>, course: &Course, object: u32) {
    let (category, release_week) = Course::describe(object);
    let category = match category {
        Category::Course => "course",
        Category::About => "about",
        Category::CourseInfo => "course_info",
        Category::StaticTab => "static_tab",
        Category::Chapter => "chapter",
        Category::Discussion => "discussion",
        Category::Sequential => "sequential",
        Category::Vertical => "vertical",
        Category::Video => "video",
        Category::Problem => "problem",
    };
    out.extend_from_slice(course.id.as_bytes());
    out.push(b',');
    out.extend_from_slice(&course.ids[object as usize]);
    out.push(b',');
    out.extend_from_slice(category.as_bytes());
    out.push(b',');
    for (n, child) in course.children(object).into_iter().enumerate() {
        if n > 0 {
            out.push(b' ');
        }
        out.extend_from_slice(&course.ids[child as usize]);
    }
    match release_week {
        Some(week) => {
            let day = course.start.saturating_add((7 * i64::from(week)).days());
            out.extend_from_slice(format!(",{day}T00:00:00\n").as_bytes());
        }
        None => out.extend_from_slice(b",null\n"),
    }
}

/// Dates of a course's days as they stand in a row, so that no calendar is reckoned with per row.
pub(crate) struct Days {
    first: i32,
    text: Vec<[u8; 11]>,
}

impl Days {
    /// One for each course.
    pub(crate) fn all(simulation: &Simulation) -> Vec<Self> {
        let first = -(simulation.config.calendar.pre_start_days as i32);
        let last = 7 * simulation.config.weeks as i32;
        let text = |course: &Course, day: i32| {
            let text = format!("{}T", course.start.saturating_add(i64::from(day).days()));
            text.into_bytes().try_into().expect("years of four digits, as checked")
        };
        let days = |course| Self { first, text: (first..last).map(|day| text(course, day)).collect() };
        simulation.courses.iter().map(days).collect()
    }
}

/// Appends one enrolment to its four tables.
pub(crate) fn write_enrolment(
    out: &mut Tables<Vec<u8>>,
    days: &Days,
    course: &Course,
    enrolment: u64,
    learner: u64,
    history: &History,
) {
    let id = enrolment.to_string();
    write_events(&mut out.log, days, course, id.as_bytes(), &history.events);
    out.enrolment.extend_from_slice(format!("{id},learner-{},{}\n", learner + 1, course.id).as_bytes());
    let label = u8::from(history.dropped_out);
    out.truth.extend_from_slice(format!("{id},{label}\n").as_bytes());
    for (week, p) in (1..).zip(&history.p_dropout) {
        let millionths = (p * 1e6).round() as u64;
        let (whole, rest) = (millionths / 1_000_000, millionths % 1_000_000);
        out.truth_probability.extend_from_slice(format!("{id},{week},{whole}.{rest:06}\n").as_bytes());
    }
}

/// Two digits of 0 to 59.
static TWO_DIGITS: [[u8; 2]; 60] = {
    let mut digits = [[0; 2]; 60];
    let mut n = 0;
    while n < 60 {
        digits[n] = [b'0' + (n / 10) as u8, b'0' + (n % 10) as u8];
        n += 1;
    }
    digits
};

fn source_and_event(kind: Kind) -> &'static [u8] {
    match kind {
        Kind::Navigate => b",server,nagivate,",
        Kind::Access => b",server,access,",
        Kind::View => b",browser,access,",
        Kind::Video => b",browser,video,",
        Kind::Try => b",browser,problem,",
        Kind::Check => b",server,problem,",
        Kind::Discussion => b",server,discussion,",
        Kind::Wiki => b",server,wiki,",
        Kind::PageClose => b",browser,page_close,",
    }
}

/// The longest row: an id of 20 digits and 76 bytes besides.
const LONGEST_ROW: usize = 96;

fn write_events(out: &mut Vec<u8>, days: &Days, course: &Course, id: &[u8], events: &[Event]) {
    out.reserve(events.len() * LONGEST_ROW);
    for event in events {
        let day = &days.text[(event.second.div_euclid(DAY) - days.first) as usize];
        let second = event.second.rem_euclid(DAY) as usize;
        out.extend_from_slice(id);
        out.push(b',');
        out.extend_from_slice(day);
        out.extend_from_slice(&TWO_DIGITS[second / 3_600]);
        out.push(b':');
        out.extend_from_slice(&TWO_DIGITS[second / 60 % 60]);
        out.push(b':');
        out.extend_from_slice(&TWO_DIGITS[second % 60]);
        out.extend_from_slice(source_and_event(event.kind));
        out.extend_from_slice(&course.ids[event.object as usize]);
        out.push(b'\n');
    }
}
