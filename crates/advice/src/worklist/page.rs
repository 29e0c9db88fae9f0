//! A worklist as a page to print or to keep open.

use askama::Template;
use staycast_evaluation::figures::TOKENS;
use staycast_evaluation::numbers;

use super::choose::{ChosenBy, WhyNot};
use super::files::{by_tutor, last_contact};
use super::row::{WhichList, WorklistRow};
use super::summary::WorklistSummary;

/// Holds what a page says beyond the rows.
#[derive(Clone, Debug)]
pub struct PageFacts {
    /// Name of the run.
    pub run: String,
    /// Rule by which a learner counts as a dropout.
    pub rule: String,
    /// Version of Staycast.
    pub version: String,
}

/// Renders the page, with a part for each of the `tutors`.
#[must_use]
pub fn worklist_page(
    rows: &[WorklistRow],
    tutors: &[Option<String>],
    summary: &WorklistSummary,
    facts: &PageFacts,
) -> String {
    let tutors = by_tutor(rows, tutors).into_iter().map(|(tutor, rows)| {
        // A course is named where it is not the same for all.
        let courses = rows.iter().any(|row| row.course_id != rows[0].course_id);
        let of = |list: WhichList| {
            rows.iter().filter(|row| row.list == list).map(|row| Entry::new(row, courses, summary.week)).collect()
        };
        TutorPart {
            tutor: tutor.map(str::to_owned),
            act: of(WhichList::Act),
            praise: of(WhichList::Praise),
            actions: rows.iter().any(|row| row.action.is_some()),
        }
    });
    let page = WorklistPage {
        styles: [TOKENS, include_str!("../../assets/advice.css")],
        facts,
        summary,
        band: format!("{:.0} % to {:.0} %", 100.0 * summary.band[0], 100.0 * summary.band[1]),
        others: summary.others.iter().map(|(why, &count)| (WhyNot::describe(*why), numbers::count(count))).collect(),
        named_by_rule: numbers::counted(summary.named_by_rule, "learner"),
        tutors: tutors.collect(),
        explored: rows.iter().any(|row| row.selection == Some(ChosenBy::Exploration)),
    };
    page.render().expect("the template is checked when it is compiled, and writing to memory does not fail")
}

#[derive(Template)]
#[template(path = "worklist.html")]
struct WorklistPage<'a> {
    styles: [&'static str; 2],
    facts: &'a PageFacts,
    summary: &'a WorklistSummary,
    band: String,
    others: Vec<(&'static str, String)>,
    named_by_rule: String,
    tutors: Vec<TutorPart>,
    explored: bool,
}

struct TutorPart {
    tutor: Option<String>,
    act: Vec<Entry>,
    praise: Vec<Entry>,
    /// Whether any row says what to do.
    actions: bool,
}

struct Entry {
    place: usize,
    learner: String,
    course: Option<String>,
    /// Weeks seen, where these are fewer than were asked for.
    seen: Option<u16>,
    percent: String,
    before: String,
    reasons: Vec<String>,
    change: Option<String>,
    time_left: String,
    contact: String,
    action: String,
    missed_by_rule: bool,
    drawn: bool,
}

impl Entry {
    fn new(row: &WorklistRow, names_course: bool, week: u16) -> Self {
        let mut reasons: Vec<String> = row.reasons.iter().map(|reason| reason.text.clone()).collect();
        if reasons.is_empty() {
            reasons.push(row.reason());
        }
        Self {
            place: row.place,
            learner: row.learner_id.clone(),
            course: names_course.then(|| row.course_id.clone()),
            seen: (row.week != week).then_some(row.week),
            percent: format!("{:.0} %", 100.0 * row.p_dropout),
            before: row.p_before.map_or_else(String::new, |p| format!("was {:.0} %", 100.0 * p)),
            reasons,
            change: row.change.clone(),
            time_left: row.time_left(),
            contact: row.contacts.last().map_or_else(|| "none yet".to_owned(), last_contact),
            action: row.action.as_ref().map_or_else(String::new, |action| action.replace('_', " ")),
            missed_by_rule: !row.named_by_rule,
            drawn: row.selection == Some(ChosenBy::Exploration),
        }
    }
}
