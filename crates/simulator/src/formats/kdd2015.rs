//! The files of KDD Cup 2015's layout.
//!
//! As in the original, `truth.csv` has no header, `navigate` is spelt `nagivate`, and rows are in time order within an
//! enrolment. `dropout_probability.csv` is an addition. Its name must not begin with `truth`, as readers find the labels by
//! that name.

use jiff::ToSpan;

use super::layout::{
    Layout, PROBABILITY_FILE, PROBABILITY_HEADER, SimulatedEnrolment, WrittenRows, push_label, push_probabilities,
};
use crate::checked::Simulation;
use crate::course::{Category, Course, DAY};
use crate::damage::{Damage, DamageDraws};
use crate::digits::{iso_date, push_number, push_time_of_day};
use crate::event::{Event, EventKind};

/// Holds one value for each table of KDD Cup 2015's layout, such as a writer or a file name.
#[derive(Debug, Clone, Default)]
pub struct Kdd2015Tables<W> {
    /// Events: `enrollment_id,time,source,event,object`.
    pub log: W,
    /// Enrolments: `enrollment_id,username,course_id`.
    pub enrolment: W,
    /// Dates of courses: `course_id,from,to`, both days included.
    pub date: W,
    /// Objects: `course_id,module_id,category,children,start`.
    pub object: W,
    /// Labels: enrolment and label, 1 for dropout, without a header.
    pub truth: W,
    /// True probabilities of dropout: `enrollment_id,week,p_dropout`, with six decimals. Week k is the cut-off after k weeks.
    pub truth_probability: W,
}

/// Lists the file names of the tables.
pub const KDD2015_FILES: Kdd2015Tables<&str> = Kdd2015Tables {
    log: "log.csv",
    enrolment: "enrollment.csv",
    date: "date.csv",
    object: "object.csv",
    truth: "truth.csv",
    truth_probability: PROBABILITY_FILE,
};

/// Lists the header lines of the tables.
pub(crate) const HEADERS: Kdd2015Tables<&str> = Kdd2015Tables {
    log: "enrollment_id,time,source,event,object\n",
    enrolment: "enrollment_id,username,course_id\n",
    date: "course_id,from,to\n",
    object: "course_id,module_id,category,children,start\n",
    truth: "",
    truth_probability: PROBABILITY_HEADER,
};

impl<W> Kdd2015Tables<W> {
    /// Returns the values in the order of the fields.
    pub(crate) fn into_array(self) -> [W; 6] {
        [self.log, self.enrolment, self.date, self.object, self.truth, self.truth_probability]
    }

    /// Borrows each value.
    pub(crate) fn each_ref(&self) -> Kdd2015Tables<&W> {
        Kdd2015Tables {
            log: &self.log,
            enrolment: &self.enrolment,
            date: &self.date,
            object: &self.object,
            truth: &self.truth,
            truth_probability: &self.truth_probability,
        }
    }

    /// Borrows each value mutably.
    pub(crate) fn each_mut(&mut self) -> Kdd2015Tables<&mut W> {
        Kdd2015Tables {
            log: &mut self.log,
            enrolment: &mut self.enrolment,
            date: &mut self.date,
            object: &mut self.object,
            truth: &mut self.truth,
            truth_probability: &mut self.truth_probability,
        }
    }
}

/// Makes the content of the tables of courses, which are small beside the log.
pub(crate) fn course_tables(simulation: &Simulation) -> Kdd2015Tables<Vec<u8>> {
    let mut tables = Kdd2015Tables::<Vec<u8>>::default();
    for course in &simulation.courses {
        let dates = format!("{},{},{}\n", course.id, course.start, course.last_day());
        tables.date.extend_from_slice(dates.as_bytes());
        for object in course.objects() {
            write_object(&mut tables.object, course, object);
        }
    }
    tables
}

/// Appends the row of an object.
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

/// Holds the dates of a course's days as text, so that rows need no calendar arithmetic.
pub(crate) struct Days {
    first: i32,
    text: Vec<[u8; 11]>,
}

impl Days {
    /// Makes one for each course.
    pub(crate) fn all(simulation: &Simulation) -> Vec<Self> {
        let first = -(simulation.config.calendar.pre_start_days as i32);
        let last = 7 * simulation.config.weeks as i32;
        let text = |course: &Course, day: i32| {
            let [y1, y2, y3, y4, h1, m1, m2, h2, d1, d2] = iso_date(course.start.saturating_add(i64::from(day).days()));
            [y1, y2, y3, y4, h1, m1, m2, h2, d1, d2, b'T']
        };
        let days = |course| Self { first, text: (first..last).map(|day| text(course, day)).collect() };
        simulation.courses.iter().map(days).collect()
    }
}

/// Writes KDD Cup 2015's tables.
pub(crate) struct Kdd2015 {
    /// Days by course.
    days: Vec<Days>,
}

impl Kdd2015 {
    /// Makes the layout for the courses of a simulation.
    pub(crate) fn new(simulation: &Simulation) -> Self {
        Self { days: Days::all(simulation) }
    }
}

impl Layout<6> for Kdd2015 {
    const TABLE_NAMES: [&'static str; 6] = {
        let Kdd2015Tables { log, enrolment, date, object, truth, truth_probability } = KDD2015_FILES;
        [log, enrolment, date, object, truth, truth_probability]
    };

    fn enrolment_id(&self, _: &Simulation, _: usize, _: u64, number: u64) -> Vec<u8> {
        let mut id = Vec::with_capacity(20);
        push_number(&mut id, number);
        id
    }

    fn push_enrolment(&self, out: &mut [Vec<u8>; 6], one: &SimulatedEnrolment<'_>) -> WrittenRows {
        let [log, enrolments, _, _, truth, probabilities] = out;
        let id = self.enrolment_id(one.simulation, one.course, one.learner.number, one.number);
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

/// Returns the columns `source` and `event` of a kind, with the commas around them.
fn source_and_event(kind: EventKind) -> &'static [u8] {
    match kind {
        EventKind::Navigate => b",server,nagivate,",
        EventKind::SignIn | EventKind::Access => b",server,access,",
        EventKind::View => b",browser,access,",
        EventKind::Video => b",browser,video,",
        EventKind::Try => b",browser,problem,",
        EventKind::Check | EventKind::Quiz | EventKind::Assignment => b",server,problem,",
        EventKind::Discussion | EventKind::Post => b",server,discussion,",
        EventKind::Wiki => b",server,wiki,",
        EventKind::PageClose => b",browser,page_close,",
    }
}

/// Counts the bytes of the longest row: an id of 20 digits and 76 bytes besides.
const LONGEST_ROW: usize = 96;

/// Appends the rows of an enrolment, with damaged copies.
fn write_events(
    out: &mut Vec<u8>,
    days: &Days,
    course: &Course,
    id: &[u8],
    one: &SimulatedEnrolment<'_>,
) -> WrittenRows {
    let events = &one.history.events;
    let share = one.simulation.config.irregularities.broken_share;
    let mut damage_draws = DamageDraws::new(one.simulation.streams.damage(one.course, one.learner.number), share);
    let mut written = WrittenRows { rows: events.len() as u64, ..WrittenRows::default() };
    out.reserve(events.len() * LONGEST_ROW);
    for event in events {
        let begin = out.len();
        let second = one.history.shown_second(event);
        let day = &days.text[(second.div_euclid(DAY) - days.first) as usize];
        out.extend_from_slice(id);
        out.push(b',');
        out.extend_from_slice(day);
        push_time_of_day(out, second.rem_euclid(DAY) as u32);
        push_source_event_object(out, course, event);
        if let Some(damage) = damage_draws.after_row() {
            write_damaged(out, begin, id.len(), damage);
            written.broken.count(damage);
        }
    }
    written
}

#[inline]
fn push_source_event_object(out: &mut Vec<u8>, course: &Course, event: &Event) {
    out.extend_from_slice(source_and_event(event.kind));
    out.extend_from_slice(&course.ids[event.object as usize]);
    out.push(b'\n');
}

/// Appends a damaged copy of the row that begins at `begin` and ends with the table.
fn write_damaged(out: &mut Vec<u8>, begin: usize, id_length: usize, damage: Damage) {
    /// Counts the bytes of a time.
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
