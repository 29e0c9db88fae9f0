//! OULAD's tables as a layout.

use super::clicks::push_clicks;
use super::days::day;
use super::people;
use super::presentations::{self, Presentation};
use crate::checked::Simulation;
use crate::digits::{push_number, push_signed};
use crate::event::EventKind;
use crate::formats::layout::{
    LABELS_FILE, LABELS_HEADER, Layout, PROBABILITY_FILE, PROBABILITY_HEADER, SimulatedEnrolment, WrittenRows,
    push_label, push_probabilities,
};

/// Sets the number of the first student, with as many digits as in the original.
const FIRST_STUDENT: u64 = 100_001;

/// Names the tables of presentations, which hold nothing of enrolments.
pub(crate) const COURSE_TABLES: [&str; 3] = ["courses.csv", "assessments.csv", "vle.csv"];

/// Lists the header lines of the tables of enrolments, in their order.
pub(crate) const HEADERS: [&str; 6] = [
    "code_module,code_presentation,id_student,id_site,date,sum_click\n",
    "id_assessment,id_student,date_submitted,is_banked,score\n",
    "code_module,code_presentation,id_student,gender,region,highest_education,imd_band,age_band,\
     num_of_prev_attempts,studied_credits,disability,final_result\n",
    "code_module,code_presentation,id_student,date_registration,date_unregistration\n",
    LABELS_HEADER,
    PROBABILITY_HEADER,
];

/// Writes OULAD's tables.
pub(crate) struct Oulad {
    presentations: Vec<Presentation>,
}

impl Oulad {
    /// Makes the layout for the courses of a simulation.
    pub(crate) fn new(simulation: &Simulation) -> Self {
        Self { presentations: Presentation::all(simulation) }
    }

    /// Makes the content of the tables named in [`COURSE_TABLES`].
    pub(crate) fn course_tables(&self, simulation: &Simulation) -> [Vec<u8>; 3] {
        presentations::tables(&self.presentations, simulation)
    }
}

impl Layout<6> for Oulad {
    const TABLE_NAMES: [&'static str; 6] = [
        "studentVle.csv",
        "studentAssessment.csv",
        "studentInfo.csv",
        "studentRegistration.csv",
        LABELS_FILE,
        PROBABILITY_FILE,
    ];

    fn enrolment_id(&self, _: &Simulation, course: usize, learner: u64, _: u64) -> Vec<u8> {
        [self.presentations[course].id.as_bytes(), b"/", &student(learner)].concat()
    }

    fn push_enrolment(&self, out: &mut [Vec<u8>; 6], one: &SimulatedEnrolment<'_>) -> WrittenRows {
        let [clicks, submissions, info, registration, labels, probabilities] = out;
        let presentation = &self.presentations[one.course];
        let student = student(one.learner.number);
        let id = self.enrolment_id(one.simulation, one.course, one.learner.number, one.number);
        push_label(labels, &id, one.history);
        push_probabilities(probabilities, &id, one.history);
        let submitted = push_submissions(submissions, presentation, &student, one);
        people::push_info(info, presentation, &student, one, submitted.mean());
        people::push_registration(registration, presentation, &student, one);
        let mut written = push_clicks(clicks, presentation, &student, one);
        written.rows += submitted.rows;
        written
    }
}

/// Returns the number of a student as text.
fn student(learner: u64) -> Vec<u8> {
    let mut text = Vec::with_capacity(20);
    push_number(&mut text, FIRST_STUDENT + learner);
    text
}

/// Counts the submissions of an enrolment.
#[derive(Default)]
struct Submitted {
    rows: u64,
    points: u64,
}

impl Submitted {
    /// Returns the mean score in per cent; 0 without submissions.
    fn mean(&self) -> f64 {
        self.points as f64 / self.rows.max(1) as f64
    }
}

/// Appends the rows of `studentAssessment.csv`.
fn push_submissions(
    out: &mut Vec<u8>,
    presentation: &Presentation,
    student: &[u8],
    one: &SimulatedEnrolment<'_>,
) -> Submitted {
    let mut submitted = Submitted::default();
    for event in &one.history.events {
        if !matches!(event.kind, EventKind::Quiz | EventKind::Assignment) {
            continue;
        }
        push_number(out, presentation.assessment(event.object));
        out.push(b',');
        out.extend_from_slice(student);
        out.push(b',');
        push_signed(out, day(event.second).into());
        out.extend_from_slice(b",0,");
        push_number(out, event.detail.into());
        out.push(b'\n');
        submitted.rows += 1;
        submitted.points += u64::from(event.detail);
    }
    submitted
}
