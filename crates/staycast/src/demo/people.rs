//! The learners most at risk.

use staycast_forecast::ScoreRow;
use staycast_sequences::Dataset;

/// Returns the `most` rows with the highest risk, highest first.
pub(super) fn most_at_risk(rows: &[ScoreRow], most: usize) -> Vec<ScoreRow> {
    let mut found: Vec<ScoreRow> =
        rows.iter().filter(|row| row.rank.is_some_and(|rank| rank as usize <= most)).cloned().collect();
    found.sort_by_key(|row| row.rank);
    found
}

/// Returns the `most` of `rows` with the highest risk who were seen in the last `days`, highest first.
pub(super) fn still_active(rows: &[ScoreRow], data: &Dataset, days: f32, most: usize) -> Vec<ScoreRow> {
    let seen = |row: &&ScoreRow| LearnerFacts::new(row, data).inactive_days.is_some_and(|inactive| inactive <= days);
    let mut found: Vec<ScoreRow> = rows.iter().filter(|row| row.rank.is_some()).filter(seen).cloned().collect();
    found.sort_by_key(|row| row.rank);
    found.truncate(most);
    found
}

/// Holds the facts about a learner that the table shows beside the score.
struct LearnerFacts {
    inactive_days: Option<f32>,
    dropped_out: Option<bool>,
}

impl LearnerFacts {
    fn new(row: &ScoreRow, data: &Dataset) -> Self {
        let enrolment = data.find_enrolment(&row.enrolment_id);
        let column = enrolment.zip(data.feature("days_since_last"));
        Self {
            inactive_days: column
                .map(|(enrolment, column)| data.week(enrolment, row.week.last_week())[column])
                .filter(|days| !days.is_nan()),
            dropped_out: enrolment.and_then(|enrolment| data.enrolment(enrolment).dropout),
        }
    }
}

/// Lays the rows out as a table, with what became of the learners.
pub(super) fn table(rows: &[ScoreRow], data: &Dataset) -> String {
    let mut text = format!(
        "   {:>4}  {:18}{:>12}  {:14}{:>12}{:>15}  {}\n",
        "rank", "course", "enrolment", "learner", "p(dropout)", "days inactive", "and in the end"
    );
    for row in rows {
        let person = LearnerFacts::new(row, data);
        let days = person.inactive_days.map_or_else(|| "never seen".to_owned(), |days| format!("{days:.0}"));
        let end = match person.dropped_out {
            Some(true) => "dropped out",
            Some(false) => "stayed",
            None => "not known",
        };
        text += &format!(
            "   {:>4}  {:18}{:>12}  {:14}{:>12.3}{days:>15}  {end}\n",
            row.rank.unwrap_or_default(),
            row.course_id,
            row.enrolment_id,
            row.learner_id,
            row.p_dropout.unwrap_or(f64::NAN),
        );
    }
    text
}
