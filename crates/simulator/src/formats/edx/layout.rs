//! Open edX's tracking logs as a layout: packed events and enrolments first, lines later.

use super::entry::{Entry, EntryKind};
use super::line::{Lines, Moment};
use super::packed::{Enrolment, EnrolmentTable, Packed};
use crate::checked::Simulation;
use crate::course::Course;
use crate::damage::{Damage, DamageDraws};
use crate::error::ConfigError;
use crate::event::{AccountUser, EventKind};
use crate::formats::layout::{
    LABELS_FILE, LABELS_HEADER, LOG, Layout, PROBABILITY_FILE, PROBABILITY_HEADER, SimulatedEnrolment, WrittenRows,
    push_label, push_probabilities,
};

/// Names the file of the courses' dates, which a reader needs beside the log.
pub(crate) const COURSES_FILE: &str = "courses.csv";
/// Lists the file names and header lines of the tables beside the log.
pub(crate) const LABEL_TABLES: [(&str, &str); 2] =
    [(LABELS_FILE, LABELS_HEADER), (PROBABILITY_FILE, PROBABILITY_HEADER)];

/// Writes Open edX's logs. The first table holds packed events, the second enrolments (see [`EnrolmentTable`]).
pub(crate) struct Edx {
    lines: Lines,
}

impl Edx {
    /// Makes the layout for the courses of a simulation.
    ///
    /// # Errors
    /// [`ConfigError`], when the courses span more than 136 years or there are too many learners for packed events.
    pub(crate) fn new(simulation: &Simulation) -> Result<Self, ConfigError> {
        Ok(Self { lines: Lines::new(simulation)? })
    }

    /// Makes the content of `courses.csv`.
    pub(crate) fn calendar(&self, simulation: &Simulation) -> Vec<u8> {
        let mut text = "course_id,from,to\n".to_owned();
        for (place, course) in simulation.courses.iter().enumerate() {
            text += &format!("{},{},{}\n", self.lines.course_id(place), course.start, course.last_day());
        }
        text.into_bytes()
    }

    /// Names the log file of a week, counted from the first.
    pub(super) fn file_name(&self, week: u32) -> String {
        let digits = self.lines.date(7 * week).iter().filter(|&&byte| byte != b'-');
        format!("tracking-{}.log", digits.map(|&byte| char::from(byte)).collect::<String>())
    }

    /// Appends the line of a packed event.
    pub(super) fn push_line(
        &self,
        out: &mut Vec<u8>,
        simulation: &Simulation,
        enrolments: &EnrolmentTable,
        packed: u128,
    ) {
        let Packed { second, enrolment, entry, damage, .. } = Packed::from_bits(packed);
        self.lines.push(out, simulation, enrolments.get(enrolment), &Moment { second, entry, damage });
    }

    /// Passes every entry of an enrolment to `take`, damaged copies included, with its second from the log's first day.
    fn each_entry(&self, one: &SimulatedEnrolment<'_>, mut take: impl FnMut(Moment)) -> WrittenRows {
        let share = one.simulation.config.irregularities.broken_share;
        let mut damage_draws = DamageDraws::new(one.simulation.streams.damage(one.course, one.learner.number), share);
        let origin = self.lines.start_second(one.course);
        let mut written = WrittenRows::default();
        let record = |second, kind| (second, Entry { object: Course::COURSE, kind, detail: 0, by: AccountUser::Owner });
        let enrolled = record(one.history.registered, EntryKind::Enrolled);
        let unenrolled = one.history.unregistered.map(|second| record(second, EntryKind::Unenrolled));
        let events = one.history.events.iter().map(|event| (event.second, Entry::from(event)));
        for (second, entry) in [enrolled].into_iter().chain(events).chain(unenrolled) {
            let second = (origin + i64::from(second)) as u32;
            take(Moment { second, entry, damage: None });
            written.rows += 1;
            if let Some(damage) = damage_draws.after_row() {
                let damage = visible(damage, entry.kind);
                take(Moment { second, entry, damage: Some(damage) });
                written.broken.count(damage);
            }
        }
        written
    }
}

/// Replaces a damage that would not make a reader reject the line. An enrolment names its learner a second time, and
/// signing in belongs to no course at any time.
fn visible(damage: Damage, kind: EntryKind) -> Damage {
    match (kind, damage) {
        (EntryKind::Enrolled | EntryKind::Unenrolled, Damage::Id)
        | (EntryKind::Event(EventKind::SignIn), Damage::Time) => Damage::Cut,
        _ => damage,
    }
}

impl Layout<4> for Edx {
    const TABLE_NAMES: [&'static str; 4] = ["tracking logs", "enrolments", LABELS_FILE, PROBABILITY_FILE];

    fn enrolment_id(&self, _: &Simulation, course: usize, learner: u64, _: u64) -> Vec<u8> {
        format!("{}/learner-{}", self.lines.course_id(course), learner + 1).into_bytes()
    }

    fn push_enrolment(&self, out: &mut [Vec<u8>; 4], one: &SimulatedEnrolment<'_>) -> WrittenRows {
        let [events, enrolments, labels, probabilities] = out;
        let id = self.enrolment_id(one.simulation, one.course, one.learner.number, one.number);
        push_label(labels, &id, one.history);
        push_probabilities(probabilities, &id, one.history);
        EnrolmentTable::push(enrolments, one);
        // The place in the table. Lines::new refuses simulations with more enrolments than 32 bits can number.
        let enrolment = (one.number - 1) as u32;
        let mut sequence = 0;
        self.each_entry(one, |Moment { second, entry, damage }| {
            let packed = Packed { second, enrolment, sequence, entry, damage };
            events.extend_from_slice(&packed.to_bits().to_le_bytes());
            sequence += 1;
        })
    }

    fn log_bytes(&self, scratch: &mut [Vec<u8>; 4], one: &SimulatedEnrolment<'_>) -> u64 {
        let out = &mut scratch[LOG];
        out.clear();
        let enrolment = Enrolment::new(one);
        self.each_entry(one, |moment| self.lines.push(out, one.simulation, enrolment, &moment));
        out.len() as u64
    }
}
