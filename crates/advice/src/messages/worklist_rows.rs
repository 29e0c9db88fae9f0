//! The worklist, as messages need it.

use std::fs;
use std::path::Path;

use serde::Deserialize;
use staycast_text::parse_problem;

use super::error::MessageError;
use crate::policy::{Noticed, noticed_on};
use crate::reasons::Behaviour;
use crate::worklist::WhichList;

/// Holds a learner of a worklist. Fields that are not listed here are of no concern to messages.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Row {
    /// The course.
    pub course_id: String,
    /// The enrolment.
    pub enrolment_id: String,
    /// The learner.
    pub learner_id: String,
    /// Who looks after the learner.
    #[serde(deserialize_with = "required")]
    pub tutor: Option<String>,
    /// Which list.
    pub list: WhichList,
    /// Weeks that had been seen.
    pub week: u16,
    /// Probability of dropout.
    pub p_dropout: f64,
    /// Days since the last visit, where the worklist has them.
    pub days_since_last: Option<f64>,
    /// Reasons, the strongest of each direction first.
    pub reasons: Vec<RowReason>,
    /// Name of the action that the worklist suggests.
    #[serde(deserialize_with = "required")]
    pub action: Option<String>,
}

/// Holds a reason of a row.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct RowReason {
    /// The behaviour.
    pub behaviour: Behaviour,
    /// Direction in which it points.
    pub finding: Direction,
    /// A sentence in English.
    pub text: String,
    /// The figure behind it.
    pub figure: RowFigure,
}

/// Names in which direction a reason points; other findings are no reasons.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// Towards dropout.
    RaisesRisk,
    /// Away from it.
    LowersRisk,
}

/// Holds the figure of a reason.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct RowFigure {
    /// Name of the feature.
    #[serde(deserialize_with = "required")]
    pub feature: Option<String>,
    /// The learner's, in the last week seen.
    #[serde(deserialize_with = "required")]
    pub learner: Option<f64>,
    /// Typical value in the course.
    #[serde(deserialize_with = "required")]
    pub typical: Option<f64>,
    /// The learner's, before.
    #[serde(deserialize_with = "required")]
    pub before: Option<f64>,
}

/// Reads a field that may be null, but must be there.
fn required<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: serde::Deserializer<'de>,
    T: Deserialize<'de>,
{
    Option::deserialize(deserializer)
}

impl Row {
    /// Returns the reasons as rules see them.
    #[must_use]
    pub fn noticed(&self) -> Vec<Noticed> {
        let one = |reason: &RowReason| Noticed {
            behaviour: reason.behaviour,
            raises_risk: reason.finding == Direction::RaisesRisk,
            figure: reason.figure.learner,
        };
        noticed_on(self.list, self.reasons.iter().map(one), self.days_since_last)
    }

    /// Returns the reasons in the direction of the list.
    pub(super) fn reasons_of_list(&self) -> impl Iterator<Item = &RowReason> {
        let wanted = match self.list {
            WhichList::Act => Direction::RaisesRisk,
            WhichList::Praise => Direction::LowersRisk,
        };
        self.reasons.iter().filter(move |reason| reason.finding == wanted)
    }

    fn problem(&self) -> Option<&'static str> {
        let is_bad = |value: Option<f64>| value.is_some_and(|value| !value.is_finite());
        if self.course_id.is_empty() || self.enrolment_id.is_empty() || self.learner_id.is_empty() {
            Some("`course_id`, `enrolment_id` and `learner_id` must not be empty")
        } else if !(0.0..=1.0).contains(&self.p_dropout) {
            Some("`p_dropout` is a probability, from 0 to 1")
        } else if self.week == 0 {
            Some("`week` is 1 or more")
        } else if self
            .reasons
            .iter()
            .any(|one| [one.figure.learner, one.figure.typical, one.figure.before].into_iter().any(is_bad))
        {
            Some("a figure is no number")
        } else {
            None
        }
    }
}

/// Bounds the bytes of a worklist: it is no longer than tutors can use.
const LARGEST: u64 = 256 << 20;

/// Reads a worklist in JSON lines.
///
/// # Errors
/// When the file can't be read, or a line lacks a field or makes no sense: with its number.
pub fn read_worklist(path: &Path) -> Result<Vec<Row>, MessageError> {
    let metadata = fs::metadata(path).map_err(|source| MessageError::read(path, source))?;
    if metadata.len() > LARGEST {
        return Err(MessageError::file(path, format!("a worklist has at most {LARGEST} bytes")));
    }
    let text = fs::read(path).map_err(|source| MessageError::read(path, source))?;
    let text = String::from_utf8(text).map_err(|_| MessageError::file(path, "is no text in UTF-8"))?;
    let text = text.trim_start_matches('\u{feff}');
    if !text.trim().is_empty() && !text.trim_start().starts_with('{') {
        let what =
            "line 1: is no JSON object; messages are drafted from a worklist in JSON lines, which has the reasons";
        return Err(MessageError::file(path, what));
    }
    let mut rows = Vec::new();
    for (number, line) in (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty()) {
        let row: Row = serde_json::from_str(line).map_err(|error| {
            let message = parse_problem(line, None, &error.to_string());
            let message = message.split(" at line ").next().unwrap_or(&message).to_owned();
            MessageError::file(path, format!("line {number}: {message}"))
        })?;
        if let Some(problem) = row.problem() {
            return Err(MessageError::file(path, format!("line {number}: {problem}")));
        }
        rows.push(row);
    }
    Ok(rows)
}
