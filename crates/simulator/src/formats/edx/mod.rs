//! Tracking logs of Open edX: one JSON object a line, in order of time, a file a week, with calendar, labels and true
//! probabilities beside them (Open edX documentation, "Events in the Tracking Logs", for names and members).
//!
//! What has no place elsewhere is told here: enrolment and unenrolment, signing in (outside any course, as in the
//! original), which answers were right, contributions to the forum by sort. Events of devices whose clock is wrong come
//! from the mobile app, where `time` is the device's and `context.received_at` the server's.
//!
//! Enrolments come learner by learner and lines in order of time, so events are first packed and put in order
//! ([`order`]), and lines are made of them in the end.

mod event_text;
mod line;
mod order;
mod packed;
mod write;

use std::io::Write;

pub(crate) use self::order::Order;
pub(crate) use self::packed::Roll;

use self::line::Lines;
use self::packed::Packed;
use super::{LABELS_FILE, Layout, One, PROBABILITY_FILE, Written, push_label, push_probabilities};
use crate::Simulation;
use crate::course::Course;
use crate::damage::{Damage, Damages};
use crate::error::ConfigError;
use crate::event::{By, Event, Kind};

/// The courses' dates, for `--courses`.
pub(crate) const COURSES_FILE: &str = "courses.csv";
const TABLES: [&str; 4] = ["tracking logs", "enrolments", LABELS_FILE, PROBABILITY_FILE];

/// Open edX's logs. The first table is of packed events, the second of enrolments (see [`Roll`]).
pub(crate) struct Edx {
    lines: Lines,
}

impl Edx {
    /// # Errors
    /// When the courses span more than the 136 years that packed events can tell apart, or there are too many learners.
    pub(crate) fn new(simulation: &Simulation) -> Result<Self, ConfigError> {
        Ok(Self { lines: Lines::new(simulation)? })
    }

    /// `courses.csv`, whole.
    pub(crate) fn calendar(&self, simulation: &Simulation) -> Vec<u8> {
        let mut text = "course_id,from,to\n".to_owned();
        for (place, course) in simulation.courses.iter().enumerate() {
            text += &format!("{},{},{}\n", self.lines.course_id(place), course.start, course.last_day());
        }
        text.into_bytes()
    }

    /// Name of the file of a week, counted from the first.
    pub(crate) fn file_name(&self, week: u32) -> String {
        format!("tracking-{}.log", self.lines.date(7 * week).replace('-', ""))
    }

    /// Appends the line of a packed event.
    pub(crate) fn push_line(&self, out: &mut Vec<u8>, simulation: &Simulation, roll: &Roll, packed: u128) {
        let Packed { second, enrolment, event, damage, .. } = Packed::from_bits(packed);
        self.lines.push(out, simulation, &roll.get(enrolment), &line::Moment { second, event, damage });
    }

    /// Hands every event of an enrolment to `take`, damaged copies included, with its second from the first day of all.
    fn each_event(&self, one: &One<'_>, mut take: impl FnMut(i64, Event, Option<Damage>)) -> Written {
        let share = one.simulation.config.irregularities.broken_share;
        let mut damages = Damages::new(one.simulation.streams.damage(one.course, one.learner.number), share);
        let origin = self.lines.start_second(one.course);
        let mut written = Written::default();
        let record = |second, kind| Event { second, object: Course::COURSE, kind, detail: 0, by: By::Owner };
        let enrol = record(one.history.registered, Kind::Enrol);
        let unenrol = one.history.unregistered.map(|second| record(second, Kind::Unenrol));
        for event in [enrol].into_iter().chain(one.history.events.iter().copied()).chain(unenrol) {
            let second = origin + i64::from(event.second);
            take(second, event, None);
            written.rows += 1;
            if let Some(damage) = damages.after_row() {
                let damage = visible(damage, event.kind);
                take(second, event, Some(damage));
                written.broken.count(damage);
            }
        }
        written
    }
}

/// The damage that a reader must see, where another would not make it reject the line: an enrolment names its learner a
/// second time, and signing in belongs to no course at whatever time.
fn visible(damage: Damage, kind: Kind) -> Damage {
    match (kind, damage) {
        (Kind::Enrol | Kind::Unenrol, Damage::Id) | (Kind::SignIn, Damage::Time) => Damage::Cut,
        _ => damage,
    }
}

impl Layout for Edx {
    fn tables(&self) -> &[&'static str] {
        &TABLES
    }

    fn log(&self) -> usize {
        0
    }

    fn enrolment(&self, out: &mut [Vec<u8>], one: &One<'_>) -> Written {
        let [events, roll, labels, probabilities] = out else {
            unreachable!("as many tables as names");
        };
        let id = format!("{}/learner-{}", self.lines.course_id(one.course), one.learner.number + 1);
        push_label(labels, id.as_bytes(), one.history);
        push_probabilities(probabilities, id.as_bytes(), one.history);
        Roll::push(roll, one);
        // Places in the roll; a simulation of more enrolments than that is refused.
        let enrolment = (one.number - 1) as u32;
        let mut sequence = 0;
        self.each_event(one, |second, event, damage| {
            let packed = Packed { second: second as u32, enrolment, sequence, event, damage };
            events.extend_from_slice(&packed.to_bits().to_le_bytes());
            sequence += 1;
        })
    }

    fn log_bytes(&self, scratch: &mut [Vec<u8>], one: &One<'_>) -> u64 {
        let out = &mut scratch[0];
        out.clear();
        let who = packed::Enrolment::of(one);
        self.each_event(one, |second, event, damage| {
            self.lines.push(out, one.simulation, &who, &line::Moment { second: second as u32, event, damage });
        });
        out.len() as u64
    }
}

/// Header lines of the tables that are files.
pub(crate) fn heads() -> [&'static [u8]; TABLES.len()] {
    [b"", b"", super::LABELS_HEADER.as_bytes(), super::PROBABILITY_HEADER.as_bytes()]
}

/// What becomes of each of the tables: events are put in order, the roll is kept, the others are files.
pub(crate) fn writers<'w>(
    order: &'w mut Order,
    roll: &'w mut Vec<u8>,
    [labels, probabilities]: [&'w mut (dyn Write + Send); 2],
) -> [&'w mut (dyn Write + Send); TABLES.len()] {
    [order, roll, labels, probabilities]
}
