//! Worklists as CSV for spreadsheets, as a table of everybody, and as a mail.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Arc;

use arrow_array::{ArrayRef, BooleanArray, Float64Array, Int32Array, RecordBatch, StringArray};
use arrow_schema::ArrowError;
use serde::Serialize;

use super::candidate::Candidate;
use super::choose::{ChosenBy, Decision};
use super::rank::benefit;
use super::row::{WhichList, WorklistRow};

/// Holds a row of the CSV, for people: what they read first comes first, and the last column is theirs.
#[derive(Debug, Serialize)]
pub struct SpreadsheetRow {
    list: &'static str,
    place: usize,
    tutor: String,
    learner_id: String,
    course_id: String,
    enrolment_id: String,
    week: u16,
    risk_percent: u32,
    risk_percent_before: Option<u32>,
    reason: String,
    change: String,
    confidence: &'static str,
    time_left: String,
    days_since_last_visit: Option<u32>,
    no_visit_for_7_days: &'static str,
    last_contact: String,
    contacts: usize,
    action: String,
    selection: &'static str,
    propensity: f64,
    trained_on: &'static str,
    feedback: &'static str,
}

/// Lists the columns of the CSV.
pub const SPREADSHEET_COLUMNS: [&str; 22] = [
    "list",
    "place",
    "tutor",
    "learner_id",
    "course_id",
    "enrolment_id",
    "week",
    "risk_percent",
    "risk_percent_before",
    "reason",
    "change",
    "confidence",
    "time_left",
    "days_since_last_visit",
    "no_visit_for_7_days",
    "last_contact",
    "contacts",
    "action",
    "selection",
    "propensity",
    "trained_on",
    "feedback",
];

impl SpreadsheetRow {
    /// Makes the row.
    #[must_use]
    pub fn new(row: &WorklistRow) -> Self {
        let percent = |p: f64| (100.0 * p).round() as u32;
        Self {
            list: row.list.key(),
            place: row.place,
            tutor: row.tutor.clone().unwrap_or_default(),
            learner_id: row.learner_id.clone(),
            course_id: row.course_id.clone(),
            enrolment_id: row.enrolment_id.clone(),
            week: row.week,
            risk_percent: percent(row.p_dropout),
            risk_percent_before: row.p_before.map(percent),
            reason: row.reason(),
            change: row.change.clone().unwrap_or_default(),
            confidence: row.confidence.key(),
            time_left: row.time_left(),
            days_since_last_visit: row.days_since_last.map(|days| days as u32),
            no_visit_for_7_days: if row.named_by_rule { "yes" } else { "no" },
            last_contact: row.contacts.last().map_or_else(String::new, last_contact),
            contacts: row.contacts.len(),
            action: row.action.clone().unwrap_or_default(),
            selection: row.selection.map_or("praise", ChosenBy::key),
            propensity: row.propensity,
            trained_on: if row.trained_on { "yes" } else { "no" },
            feedback: "",
        }
    }
}

/// Says when the last contact was, and what.
pub(super) fn last_contact(contact: &super::candidate::Contact) -> String {
    format!("{}: {}", date(contact.day), contact.action)
}

fn date(day: i64) -> String {
    i32::try_from(day).map_or_else(|_| format!("day {day}"), staycast_events::time::format_date)
}

/// Makes the table of everybody: who is on a list, and why others are not. It is what later estimates of effects read.
///
/// # Errors
/// Never for these columns; Arrow checks them.
pub fn everybody_batch(candidates: &[Candidate], decisions: &[Decision]) -> Result<RecordBatch, ArrowError> {
    let texts = |text: &dyn Fn(usize) -> Option<String>| -> ArrayRef {
        Arc::new((0..candidates.len()).map(text).collect::<StringArray>())
    };
    let floats = |value: &dyn Fn(usize) -> Option<f64>| -> ArrayRef {
        Arc::new((0..candidates.len()).map(value).collect::<Float64Array>())
    };
    let whole = |value: &dyn Fn(usize) -> Option<i32>| -> ArrayRef {
        Arc::new((0..candidates.len()).map(value).collect::<Int32Array>())
    };
    let forecast = |at: usize| candidates[at].forecast.as_ref().ok();
    let columns: [(&str, ArrayRef, bool); 17] = [
        ("course_id", texts(&|at| Some(candidates[at].course_id.clone())), false),
        ("enrolment_id", texts(&|at| Some(candidates[at].enrolment_id.clone())), false),
        ("learner_id", texts(&|at| Some(candidates[at].learner_id.clone())), false),
        ("tutor", texts(&|at| candidates[at].tutor.clone()), true),
        (
            "status",
            texts(&|at| {
                let status = candidates[at].forecast.as_ref().map_or_else(|why| why.name(), |_| staycast_weeks::SCORED);
                Some(status.to_owned())
            }),
            false,
        ),
        ("week", whole(&|at| forecast(at).map(|one| i32::from(one.seen.weeks()))), true),
        ("p_dropout", floats(&|at| forecast(at).map(|one| one.p_dropout)), true),
        ("p_before", floats(&|at| forecast(at).and_then(|one| one.p_before)), true),
        ("benefit", floats(&|at| forecast(at).map(benefit)), true),
        ("days_since_last", floats(&|at| candidates[at].days_since_last), true),
        (
            "named_by_rule",
            Arc::new(
                (0..candidates.len())
                    .map(|at| forecast(at).map(|_| candidates[at].is_named_by_rule()))
                    .collect::<BooleanArray>(),
            ),
            true,
        ),
        (
            "list",
            texts(&|at| match decisions[at] {
                Decision::Act { .. } => Some(WhichList::Act.key().to_owned()),
                Decision::Praise { .. } => Some(WhichList::Praise.key().to_owned()),
                Decision::NoPlace { .. } | Decision::None(_) => None,
            }),
            true,
        ),
        (
            "place",
            whole(&|at| match decisions[at] {
                Decision::Act { place, .. } | Decision::Praise { place } => Some(place as i32),
                Decision::NoPlace { .. } | Decision::None(_) => None,
            }),
            true,
        ),
        (
            "selection",
            texts(&|at| match decisions[at] {
                Decision::Act { selection, .. } => Some(selection.key().to_owned()),
                Decision::Praise { .. } | Decision::NoPlace { .. } | Decision::None(_) => None,
            }),
            true,
        ),
        (
            "propensity",
            floats(&|at| match decisions[at] {
                Decision::Act { propensity, .. } | Decision::NoPlace { propensity } => Some(propensity),
                Decision::Praise { .. } | Decision::None(_) => None,
            }),
            true,
        ),
        (
            "trained_on",
            Arc::new((0..candidates.len()).map(|at| Some(candidates[at].trained_on)).collect::<BooleanArray>()),
            false,
        ),
        ("why_not", texts(&|at| decisions[at].why_not().map(|why| why.key().to_owned())), true),
    ];
    RecordBatch::try_from_iter_with_nullable(columns)
}

/// Deals rows out by tutor; there is a part without rows for each of the `tutors` who has none, and one at least.
pub(super) fn by_tutor<'a>(
    rows: &'a [WorklistRow],
    tutors: &'a [Option<String>],
) -> BTreeMap<Option<&'a str>, Vec<&'a WorklistRow>> {
    let mut parts: BTreeMap<Option<&str>, Vec<&WorklistRow>> =
        tutors.iter().map(|tutor| (tutor.as_deref(), Vec::new())).collect();
    rows.iter().for_each(|row| parts.entry(row.tutor.as_deref()).or_default().push(row));
    if parts.is_empty() {
        parts.insert(None, Vec::new());
    }
    parts
}

/// Writes the list of week `week` as mails in plain text, one for each of the `tutors`.
#[must_use]
pub fn digest(rows: &[WorklistRow], tutors: &[Option<String>], week: u16) -> String {
    let tutors = by_tutor(rows, tutors);
    let mut text = String::new();
    for (tutor, rows) in tutors {
        let of = |list: WhichList| rows.iter().filter(|row| row.list == list).collect::<Vec<_>>();
        let (act, praise) = (of(WhichList::Act), of(WhichList::Praise));
        if !text.is_empty() {
            text.push_str("\n\n");
        }
        let whom = tutor.map_or_else(String::new, |tutor| format!(", {}", staycast_text::escape(tutor)));
        let learners = if act.len() == 1 { "1 learner".to_owned() } else { format!("{} learners", act.len()) };
        let _ = writeln!(text, "Subject: Week {week}: {learners} to contact{whom}\n");
        if act.is_empty() {
            let _ = writeln!(text, "Nobody gets a place this week.");
        }
        for row in act {
            entry(&mut text, row, week);
        }
        if !praise.is_empty() {
            let _ = writeln!(text, "\nA word of praise:\n");
            for row in praise {
                entry(&mut text, row, week);
            }
        }
        let _ = writeln!(
            text,
            "\nA reason says what the forecast rests on, and not why a learner leaves. Please tell us what you find: helpful, \
             wrong reason, already contacted, coming back, left for good."
        );
    }
    text
}

fn entry(text: &mut String, row: &WorklistRow, week: u16) {
    let shown = staycast_text::escape;
    let (place, percent) = (row.place, 100.0 * row.p_dropout);
    let _ = writeln!(text, "{place:>3}. {} ({}), {percent:.0} %", shown(&row.learner_id), shown(&row.course_id));
    let _ = writeln!(text, "     {}", row.reason());
    let mut more: Vec<String> = row.change.clone().into_iter().collect();
    if row.week != week {
        more.push(format!("after week {} of the course, the last that is over", row.week));
    }
    if row.selection == Some(ChosenBy::Exploration) {
        more.push("drawn at random".to_owned());
    }
    if row.list == WhichList::Act {
        more.extend(row.days_since_last.map(|days| format!("last visit {days:.0} days ago")));
        more.push(row.time_left());
        more.extend(row.contacts.last().map(|contact| format!("last contact {}", shown(&last_contact(contact)))));
        more.extend(row.action.as_ref().map(|action| format!("suggested: {}", action.replace('_', " "))));
    }
    if !more.is_empty() {
        let _ = writeln!(text, "     {}", more.join("; "));
    }
}
