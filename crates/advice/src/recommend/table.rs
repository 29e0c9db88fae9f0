//! The file of recommendations: a row for each item, and one for each learner without any.

use std::path::Path;
use std::sync::Arc;

use arrow_array::{ArrayRef, Float64Array, Int32Array, RecordBatch, StringArray};
use arrow_schema::ArrowError;
use serde::Serialize;
use staycast_events::Activity;

use super::course::Item;
use super::error::RecommendError;
use super::rows::Recommendations;

/// Lists the columns.
pub const RECOMMENDATION_COLUMNS: [&str; 10] =
    ["course_id", "enrolment_id", "learner_id", "status", "rank", "item", "kind", "reason", "why", "score"];

/// Describes an item on a learner's list, or why there is none.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RecommendationRow<'r> {
    /// The course.
    pub course_id: &'r str,
    /// The enrolment.
    pub enrolment_id: &'r str,
    /// The learner.
    pub learner_id: &'r str,
    /// `recommended`, or why there is nothing.
    pub status: &'static str,
    /// Place on the list, from 1.
    pub rank: Option<u32>,
    /// The source's id of the item.
    pub item: Option<&'r str>,
    /// Kind of the item.
    pub kind: Option<&'static str>,
    /// The name of the reason.
    pub reason: Option<&'static str>,
    /// The reason in words.
    pub why: Option<String>,
    /// How much speaks for it by the method; of use within one list alone.
    pub score: Option<f64>,
}

/// Returns the kind of an item.
fn kind(item: &Item) -> &'static str {
    match item.activity {
        _ if item.is_assessment => "assessment",
        Activity::Post => Activity::Discussion.name(),
        activity => activity.name(),
    }
}

impl Recommendations<'_> {
    /// Returns the rows, by enrolment and rank.
    pub fn rows(&self) -> impl Iterator<Item = RecommendationRow<'_>> {
        let history = self.history;
        let (roster, courses) = (&history.source.roster, &history.courses);
        self.lists.iter().flat_map(move |list| {
            let course = roster.enrolments.course(list.enrolment).as_usize();
            let without = RecommendationRow {
                course_id: &roster.courses[course].id,
                enrolment_id: roster.enrolments.id(list.enrolment),
                learner_id: roster.enrolments.learner(list.enrolment),
                status: list.status.name(),
                rank: None,
                item: None,
                kind: None,
                reason: None,
                why: None,
                score: None,
            };
            let course = &courses[course];
            let empty = list.items.is_empty().then(|| without.clone());
            let with = list.items.iter().zip(1..).map(move |(one, rank)| {
                let item = &course.items[one.item as usize];
                RecommendationRow {
                    rank: Some(rank),
                    item: Some(&item.id),
                    kind: Some(kind(item)),
                    reason: Some(one.why.name()),
                    why: Some(one.why.describe(course)),
                    score: Some(one.score),
                    ..without.clone()
                }
            });
            empty.into_iter().chain(with)
        })
    }

    /// Counts the rows.
    #[must_use]
    pub fn count_rows(&self) -> u64 {
        self.lists.iter().map(|list| list.items.len().max(1) as u64).sum()
    }
}

/// Writes recommendations in the format of the file's ending, in any case: `.parquet`, `.csv` or `.jsonl`; CSV to a pipe or
/// device without one. The file appears whole or not at all.
///
/// # Errors
/// When the name has another ending, or the file can't be written.
pub fn write_recommendations(path: &Path, recommendations: &Recommendations<'_>) -> Result<(), RecommendError> {
    let extension = path.extension().map(|extension| extension.to_string_lossy().to_lowercase());
    match extension.as_deref() {
        Some("parquet") => {
            let batch = batch(&recommendations.rows().collect::<Vec<_>>())?;
            Ok(staycast_files::write_with(path, |file| Ok(staycast_sequences::write_parquet(file, &batch)?))?)
        }
        Some("jsonl") => Ok(staycast_files::write_json_lines(path, recommendations.rows())?),
        Some("csv") => write_csv(path, recommendations),
        _ if staycast_files::is_stream(path) => write_csv(path, recommendations),
        _ => Err(RecommendError::UnknownEnding(path.to_owned())),
    }
}

fn write_csv(path: &Path, recommendations: &Recommendations<'_>) -> Result<(), RecommendError> {
    Ok(staycast_files::write_with(path, |file| {
        let mut writer = csv::WriterBuilder::new().has_headers(false).from_writer(file);
        writer.write_record(RECOMMENDATION_COLUMNS)?;
        for row in recommendations.rows() {
            writer.serialize(row)?;
        }
        writer.flush()
    })?)
}

fn batch(rows: &[RecommendationRow<'_>]) -> Result<RecordBatch, ArrowError> {
    fn texts<'t>(all: impl Iterator<Item = Option<&'t str>>) -> ArrayRef {
        Arc::new(all.collect::<StringArray>())
    }
    let columns: [ArrayRef; 10] = [
        texts(rows.iter().map(|row| Some(row.course_id))),
        texts(rows.iter().map(|row| Some(row.enrolment_id))),
        texts(rows.iter().map(|row| Some(row.learner_id))),
        texts(rows.iter().map(|row| Some(row.status))),
        Arc::new(rows.iter().map(|row| row.rank.map(|rank| rank as i32)).collect::<Int32Array>()),
        texts(rows.iter().map(|row| row.item)),
        texts(rows.iter().map(|row| row.kind)),
        texts(rows.iter().map(|row| row.reason)),
        texts(rows.iter().map(|row| row.why.as_deref())),
        Arc::new(rows.iter().map(|row| row.score).collect::<Float64Array>()),
    ];
    RecordBatch::try_from_iter(RECOMMENDATION_COLUMNS.into_iter().zip(columns))
}
