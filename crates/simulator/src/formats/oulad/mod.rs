//! OULAD's seven tables (Kuzilek, Hlosta, Zdrahal: Scientific Data 4, 170171, 2017), with labels and true probabilities
//! beside them.
//!
//! As in the original, days count from a presentation's start and clicks on a site are summed, here by session, so that
//! student, site and day together are no key. `final_result` tells what the labels tell: who dropped out is Withdrawn if
//! unregistered and Fail if not, who stayed is Pass or Distinction. So the true probability is that of the rule
//! `withdrawn-or-failed` too.

mod courses;
mod people;

pub(crate) use courses::heads;

use std::ops::Range;

use super::{LABELS_FILE, Layout, One, PROBABILITY_FILE, Written, push_label, push_probabilities};
use crate::Simulation;
use crate::course::{Course, DAY, Object};
use crate::damage::{Damage, Damages};
use crate::digits::{push_number, push_signed};
use crate::event::{Event, Kind};
use courses::Presentation;

/// Gap after which clicks are another row's.
const SESSION_GAP_SECONDS: i32 = 1_800;
/// Number of the first student: as many digits as the original's.
const FIRST_STUDENT: u64 = 100_001;
/// Number of the first site.
const FIRST_SITE: u64 = 500_001;

/// The tables of every presentation, which hold nothing of enrolments.
pub(crate) const COURSE_TABLES: [&str; 3] = ["courses.csv", "assessments.csv", "vle.csv"];
const TABLES: [&str; 6] = [
    "studentVle.csv",
    "studentAssessment.csv",
    "studentInfo.csv",
    "studentRegistration.csv",
    LABELS_FILE,
    PROBABILITY_FILE,
];

/// OULAD's tables.
pub(crate) struct Oulad {
    presentations: Vec<Presentation>,
}

impl Oulad {
    pub(crate) fn new(simulation: &Simulation) -> Self {
        Self { presentations: Presentation::all(simulation) }
    }

    /// The tables named in [`COURSE_TABLES`], whole.
    pub(crate) fn course_tables(&self, simulation: &Simulation) -> [Vec<u8>; 3] {
        courses::tables(&self.presentations, simulation)
    }
}

impl Layout for Oulad {
    fn tables(&self) -> &[&'static str] {
        &TABLES
    }

    fn log(&self) -> usize {
        0
    }

    fn enrolment(&self, out: &mut [Vec<u8>], one: &One<'_>) -> Written {
        let [clicks, submissions, info, registration, labels, probabilities] = out else {
            unreachable!("as many tables as names");
        };
        let presentation = &self.presentations[one.course];
        let mut student = Vec::with_capacity(20);
        push_number(&mut student, FIRST_STUDENT + one.learner.number);
        let id = [presentation.id.as_bytes(), b"/", &student].concat();
        push_label(labels, &id, one.history);
        push_probabilities(probabilities, &id, one.history);
        let handed_in = push_submissions(submissions, presentation, &student, one);
        people::push_info(info, presentation, &student, one, handed_in.mean());
        people::push_registration(registration, presentation, &student, one);
        let mut written = push_clicks(clicks, presentation, &student, one);
        written.rows += handed_in.rows;
        written
    }
}

/// Day of a second, counted from the start.
fn day(second: i32) -> i32 {
    second.div_euclid(DAY)
}

/// The site that an event is a click on; none for what is no click.
fn site(event: &Event) -> Option<Object> {
    match event.kind {
        Kind::PageClose => None,
        // Handed in on a page that is no site of its own.
        Kind::Assignment => Some(Course::COURSE),
        Kind::Enrol | Kind::Unenrol => unreachable!("this format logs no registrations"),
        _ => Some(event.object),
    }
}

/// Appends a row for each site clicked on in a session of a day, in the order of the first clicks.
fn push_clicks(out: &mut Vec<u8>, presentation: &Presentation, student: &[u8], one: &One<'_>) -> Written {
    let share = one.simulation.config.irregularities.broken_share;
    let mut damages = Damages::new(one.simulation.streams.damage(one.course, one.learner.number), share);
    let mut written = Written::default();
    let mut clicked = Clicked::default();
    // The event before, and the seconds of its day.
    let mut before: Option<(i32, Range<i32>)> = None;
    let mut push = |clicked: &mut Clicked, day: i32| {
        clicked.drain(|object, count| {
            let row = ClickRow { presentation, student, object, day, count };
            row.push(out, None);
            written.rows += 1;
            if let Some(damage) = damages.after_row() {
                row.push(out, Some(damage));
                written.broken.count(damage);
            }
        });
    };
    let shown = |event: &Event| one.history.shown_second(event);
    for event in &one.history.events {
        let second = shown(event);
        let seconds_of_day = match before.take() {
            Some((last, today)) if today.contains(&second) && second - last <= SESSION_GAP_SECONDS => today,
            visit_over => {
                if let Some((last, _)) = visit_over {
                    push(&mut clicked, day(last));
                }
                day(second) * DAY..(day(second) + 1) * DAY
            }
        };
        before = Some((second, seconds_of_day));
        let Some(object) = site(event) else { continue };
        clicked.count(object);
    }
    if let Some((last, _)) = before {
        push(&mut clicked, day(last));
    }
    written
}

/// Sites clicked on in a session, in the order of the first clicks.
#[derive(Default)]
struct Clicked {
    sites: Vec<(Object, u32)>,
    /// By object: one more than its place in `sites`, 0 when it is not there.
    places: Vec<u32>,
}

impl Clicked {
    fn count(&mut self, object: Object) {
        if self.places.len() <= object as usize {
            self.places.resize(object as usize + 1, 0);
        }
        match &mut self.places[object as usize] {
            place @ 0 => {
                self.sites.push((object, 1));
                *place = self.sites.len() as u32;
            }
            place => self.sites[*place as usize - 1].1 += 1,
        }
    }

    /// Hands over the sites with their clicks, and forgets them.
    fn drain(&mut self, mut take: impl FnMut(Object, u32)) {
        for (object, count) in self.sites.drain(..) {
            self.places[object as usize] = 0;
            take(object, count);
        }
    }
}

struct ClickRow<'a> {
    presentation: &'a Presentation,
    student: &'a [u8],
    object: Object,
    day: i32,
    count: u32,
}

impl ClickRow<'_> {
    fn push(&self, out: &mut Vec<u8>, damage: Option<Damage>) {
        out.extend_from_slice(&self.presentation.codes);
        if damage != Some(Damage::Id) {
            out.extend_from_slice(self.student);
        }
        if damage == Some(Damage::Cut) {
            out.push(b'\n');
            return;
        }
        out.push(b',');
        push_number(out, self.presentation.site(self.object));
        out.push(b',');
        match damage {
            Some(Damage::Time) => out.push(b'?'),
            _ => push_signed(out, self.day.into()),
        }
        out.push(b',');
        push_number(out, self.count.into());
        out.push(b'\n');
    }
}

/// What somebody handed in.
#[derive(Default)]
struct HandedIn {
    rows: u64,
    points: u64,
}

impl HandedIn {
    /// Mean score in per cent; 0 of nothing.
    fn mean(&self) -> f64 {
        self.points as f64 / self.rows.max(1) as f64
    }
}

fn push_submissions(out: &mut Vec<u8>, presentation: &Presentation, student: &[u8], one: &One<'_>) -> HandedIn {
    let mut handed_in = HandedIn::default();
    for event in &one.history.events {
        if !matches!(event.kind, Kind::Quiz | Kind::Assignment) {
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
        handed_in.rows += 1;
        handed_in.points += u64::from(event.detail);
    }
    handed_in
}
