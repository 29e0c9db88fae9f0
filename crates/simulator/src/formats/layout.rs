//! The interface of a format, and the tables that all formats share.

use crate::checked::Simulation;
use crate::damage::BrokenRows;
use crate::digits::{push_number, push_probability};
use crate::history::History;
use crate::learner::Learner;

/// Names the file of the true probabilities, in every format.
pub(crate) const PROBABILITY_FILE: &str = "dropout_probability.csv";
pub(crate) const PROBABILITY_HEADER: &str = "enrollment_id,week,p_dropout\n";
/// Names the file of the labels where the format has none of its own.
pub(crate) const LABELS_FILE: &str = "labels.csv";
pub(crate) const LABELS_HEADER: &str = "enrolment_id,label\n";

/// Borrows one simulated enrolment, ready to be written.
#[derive(Clone, Copy)]
pub(crate) struct SimulatedEnrolment<'a> {
    pub(crate) simulation: &'a Simulation,
    pub(crate) learner: &'a Learner,
    /// Place of the course among the courses.
    pub(crate) course: usize,
    /// Number of the enrolment, from 1.
    pub(crate) number: u64,
    pub(crate) history: &'a History,
}

/// Counts the rows that one enrolment left in the log.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct WrittenRows {
    /// Whole rows.
    pub(crate) rows: u64,
    /// Broken rows, which come in addition.
    pub(crate) broken: BrokenRows,
}

/// Writes enrolments to the tables of a format, of which the first is the log.
pub(crate) trait Layout<const TABLES: usize>: Sync {
    /// Names the files of the tables that hold something of every enrolment. The first is the log.
    const TABLE_NAMES: [&'static str; TABLES];

    /// Returns the id that readers give an enrolment: of a course, by the learner's number and its own, from 1.
    fn enrolment_id(&self, simulation: &Simulation, course: usize, learner: u64, number: u64) -> Vec<u8>;

    /// Appends an enrolment to each of its tables.
    fn push_enrolment(&self, out: &mut [Vec<u8>; TABLES], enrolment: &SimulatedEnrolment<'_>) -> WrittenRows;

    /// Counts the bytes of log that the enrolment leaves. `scratch` may hold anything.
    fn log_bytes(&self, scratch: &mut [Vec<u8>; TABLES], enrolment: &SimulatedEnrolment<'_>) -> u64 {
        for table in &mut *scratch {
            table.clear();
        }
        self.push_enrolment(scratch, enrolment);
        scratch[LOG].len() as u64
    }
}

/// Numbers the log among the tables of a [`Layout`].
pub(crate) const LOG: usize = 0;

/// Appends the label of the enrolment `id`.
pub(crate) fn push_label(out: &mut Vec<u8>, id: &[u8], history: &History) {
    out.extend_from_slice(id);
    out.extend_from_slice(if history.dropped_out { b",1\n" } else { b",0\n" });
}

/// Appends the true probability of the enrolment `id` at every cut-off.
pub(crate) fn push_probabilities(out: &mut Vec<u8>, id: &[u8], history: &History) {
    for (week, &p) in (1..).zip(&history.p_dropout) {
        out.extend_from_slice(id);
        out.push(b',');
        push_number(out, week);
        out.push(b',');
        push_probability(out, p);
        out.push(b'\n');
    }
}
