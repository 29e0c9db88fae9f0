//! Rows of `studentVle.csv`: clicks by site, summed by session and day.

use std::ops::Range;

use super::days::day;
use super::presentations::Presentation;
use crate::course::{Course, DAY, Object};
use crate::damage::{Damage, DamageDraws};
use crate::digits::{push_number, push_signed};
use crate::event::{Event, EventKind};
use crate::formats::layout::{SimulatedEnrolment, WrittenRows};

/// Sets the gap after which clicks belong to another row.
const SESSION_GAP_SECONDS: i32 = 1_800;

/// Returns the site that an event is a click on; `None` if it is no click.
fn site(event: &Event) -> Option<Object> {
    match event.kind {
        EventKind::PageClose => None,
        // The page of submission is not a site of its own.
        EventKind::Assignment => Some(Course::COURSE),
        _ => Some(event.object),
    }
}

/// Appends a row for each site that has clicks in a session on one day, in the order of the first clicks.
pub(super) fn push_clicks(
    out: &mut Vec<u8>,
    presentation: &Presentation,
    student: &[u8],
    one: &SimulatedEnrolment<'_>,
) -> WrittenRows {
    let share = one.simulation.config.irregularities.broken_share;
    let mut damage_draws = DamageDraws::new(one.simulation.streams.damage(one.course, one.learner.number), share);
    let mut written = WrittenRows::default();
    let mut clicks_by_site = ClickCounts::default();
    // Second of the event before, and the seconds of its day.
    let mut before: Option<(i32, Range<i32>)> = None;
    let mut push = |clicks_by_site: &mut ClickCounts, day: i32| {
        clicks_by_site.drain(|object, count| {
            let row = ClickRow { presentation, student, object, day, count };
            row.push(out, None);
            written.rows += 1;
            if let Some(damage) = damage_draws.after_row() {
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
                    push(&mut clicks_by_site, day(last));
                }
                day(second) * DAY..(day(second) + 1) * DAY
            }
        };
        before = Some((second, seconds_of_day));
        let Some(object) = site(event) else { continue };
        clicks_by_site.count(object);
    }
    if let Some((last, _)) = before {
        push(&mut clicks_by_site, day(last));
    }
    written
}

/// Counts clicks by site in a session, in the order of the first clicks.
#[derive(Default)]
struct ClickCounts {
    sites: Vec<(Object, u32)>,
    /// By object: its place in `sites` plus 1; 0 if it is not there.
    places: Vec<u32>,
}

impl ClickCounts {
    /// Counts a click on the site of an object.
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

    /// Passes the sites with their clicks to `take`, and clears the counts.
    fn drain(&mut self, mut take: impl FnMut(Object, u32)) {
        for (object, count) in self.sites.drain(..) {
            self.places[object as usize] = 0;
            take(object, count);
        }
    }
}

/// Holds the values of a row of `studentVle.csv`.
struct ClickRow<'a> {
    presentation: &'a Presentation,
    student: &'a [u8],
    object: Object,
    day: i32,
    count: u32,
}

impl ClickRow<'_> {
    /// Appends the row, or a damaged copy.
    fn push(&self, out: &mut Vec<u8>, damage: Option<Damage>) {
        out.extend_from_slice(self.presentation.codes.as_bytes());
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
