//! The files of KDD Cup 2015's layout: how rows look, not what happens.
//!
//! As in the original, `truth.csv` has no header, `navigate` is spelt `nagivate`, and rows are in time order within an
//! enrolment. `dropout_probability.csv` is ours; its name must not begin with `truth`, by which readers know the labels.

use jiff::ToSpan;

use super::{Layout, One, PROBABILITY_FILE, PROBABILITY_HEADER, Written, push_label, push_probabilities};
use crate::Simulation;
use crate::course::{Category, Course, DAY};
use crate::damage::{Damage, Damages};
use crate::digits::{push_number, push_time_of_day};
use crate::event::{Event, Kind};

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
    truth_probability: PROBABILITY_FILE,
};

/// The header lines.
pub(crate) const HEADERS: Tables<&str> = Tables {
    log: "enrollment_id,time,source,event,object\n",
    enrolment: "enrollment_id,username,course_id\n",
    date: "course_id,from,to\n",
    object: "course_id,module_id,category,children,start\n",
    truth: "",
    truth_probability: PROBABILITY_HEADER,
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
        let dates = format!("{},{},{}\n", course.id, course.start, course.last_day());
        tables.date.extend_from_slice(dates.as_bytes());
        for object in course.objects() {
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
        Category::Problem | Category::Quiz => "problem",
        Category::Assignment => "combinedopenended",
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

/// KDD Cup 2015's tables.
pub(crate) struct Kdd2015 {
    /// By course.
    days: Vec<Days>,
}

impl Kdd2015 {
    pub(crate) fn new(simulation: &Simulation) -> Self {
        Self { days: Days::all(simulation) }
    }
}

impl Layout for Kdd2015 {
    fn tables(&self) -> &[&'static str] {
        const NAMES: [&str; 6] = [
            FILE_NAMES.log,
            FILE_NAMES.enrolment,
            FILE_NAMES.date,
            FILE_NAMES.object,
            FILE_NAMES.truth,
            FILE_NAMES.truth_probability,
        ];
        &NAMES
    }

    fn log(&self) -> usize {
        0
    }

    fn enrolment(&self, out: &mut [Vec<u8>], one: &One<'_>) -> Written {
        let [log, enrolments, _, _, truth, probabilities] = out else {
            unreachable!("as many tables as names");
        };
        let mut id = Vec::with_capacity(20);
        push_number(&mut id, one.number);
        let course = &one.simulation.courses[one.course];
        enrolments.extend_from_slice(&id);
        enrolments.extend_from_slice(b",learner-");
        push_number(enrolments, one.learner.number + 1);
        enrolments.push(b',');
        enrolments.extend_from_slice(course.id.as_bytes());
        enrolments.push(b'\n');
        push_label(truth, &id, one.history);
        push_probabilities(probabilities, &id, one.history);
        write_events(log, &self.days[one.course], course, &id, one)
    }
}

fn source_and_event(kind: Kind) -> &'static [u8] {
    match kind {
        Kind::Navigate => b",server,nagivate,",
        Kind::SignIn | Kind::Access => b",server,access,",
        Kind::View => b",browser,access,",
        Kind::Video => b",browser,video,",
        Kind::Try => b",browser,problem,",
        Kind::Check | Kind::Quiz | Kind::Assignment => b",server,problem,",
        Kind::Discussion | Kind::Post => b",server,discussion,",
        Kind::Wiki => b",server,wiki,",
        Kind::PageClose => b",browser,page_close,",
        Kind::Enrol | Kind::Unenrol => unreachable!("this format logs no registrations"),
    }
}

/// The longest row: an id of 20 digits and 76 bytes besides.
const LONGEST_ROW: usize = 96;

fn write_events(out: &mut Vec<u8>, days: &Days, course: &Course, id: &[u8], one: &One<'_>) -> Written {
    let events = &one.history.events;
    let share = one.simulation.config.irregularities.broken_share;
    let mut damages = Damages::new(one.simulation.streams.damage(one.course, one.learner.number), share);
    let mut written = Written { rows: events.len() as u64, ..Written::default() };
    out.reserve(events.len() * LONGEST_ROW);
    for event in events {
        let begin = out.len();
        let second = one.history.shown_second(event);
        let day = &days.text[(second.div_euclid(DAY) - days.first) as usize];
        out.extend_from_slice(id);
        out.push(b',');
        out.extend_from_slice(day);
        push_time_of_day(out, second.rem_euclid(DAY) as u32);
        push_what(out, course, event);
        if let Some(damage) = damages.after_row() {
            write_damaged(out, begin, id.len(), damage);
            written.broken.count(damage);
        }
    }
    written
}

#[inline]
fn push_what(out: &mut Vec<u8>, course: &Course, event: &Event) {
    out.extend_from_slice(source_and_event(event.kind));
    out.extend_from_slice(&course.ids[event.object as usize]);
    out.push(b'\n');
}

/// Appends a damaged copy of the row that begins at `begin` and ends with the table.
fn write_damaged(out: &mut Vec<u8>, begin: usize, id_length: usize, damage: Damage) {
    /// Length of a time.
    const TIME: usize = 19;
    let row = out[begin..].to_vec();
    let after_id = id_length + 1;
    match damage {
        Damage::Cut => {
            out.extend_from_slice(&row[..after_id + 7]);
            out.push(b'\n');
        }
        Damage::Time => {
            out.extend_from_slice(&row[..after_id]);
            out.extend_from_slice(b"0000-00-00T00:00:00");
            out.extend_from_slice(&row[after_id + TIME..]);
        }
        Damage::Id => out.extend_from_slice(&row[id_length..]),
    }
}
