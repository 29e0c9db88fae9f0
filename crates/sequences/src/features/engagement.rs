//! Features of weekly engagement as edX's own pipeline counts it, by its definitions (edx-analytics-pipeline, the mapper
//! and reducer of `edx/analytics/tasks/data_api/student_engagement.py`).
//!
//! A problem or video counts once a week however often it was tried or played. A vote that is taken back counts -1, so
//! that a week's votes may be below 0. Votes received count here and nowhere else; like any other event they make their
//! day active.
//!
//! A week there is the seven days up to and including the report's end date, whenever the course starts. Those of the
//! course's grid stand for them here, which `BuildOptions::week_ending` puts in step; these columns of a first week that is
//! short take in the days before the start that make it whole, though no other feature does. Reported weeks that are over
//! before the course starts have no row, nor does anything count that comes after its calendar's end.

use super::feature::{Feature, Storage, Value};
use super::needs::Needs;

/// Defines the columns, in the order of edX's report.
pub(super) fn features() -> Vec<Feature> {
    vec![
        column(
            "days_active",
            "days",
            Needs::Engagement,
            "days of the week with an event that edX's report takes up, votes received included",
            Value::Always(|week, _| week.counts.engagement.engaged_days.count_ones().into()),
        ),
        column(
            "problems_attempted",
            "problems",
            Needs::AttemptsAtObjects,
            "distinct problems with a checked answer in the week",
            Value::Always(|week, _| week.counts.engagement.problems.into()),
        ),
        column(
            "problem_attempts",
            "events",
            Needs::AttemptsAtObjects,
            "checked answers of the week to problems that the source names",
            Value::Always(|week, _| week.counts.engagement.attempts_at_objects.into()),
        ),
        column(
            "problems_correct",
            "problems",
            Needs::Correctness,
            "distinct problems with an answer in the week that was right",
            Value::Always(|week, _| week.counts.engagement.correct.into()),
        ),
        column(
            "videos_played",
            "objects",
            Needs::VideosPlayed,
            "distinct videos set going in the week",
            Value::Always(|week, _| week.counts.engagement.videos.into()),
        ),
        column(
            "posts",
            "events",
            Needs::Posts,
            "threads begun in the forum in the week",
            Value::Always(|week, _| week.counts.engagement.posts.into()),
        ),
        column(
            "responses",
            "events",
            Needs::Responses,
            "answers to threads written in the week",
            Value::Always(|week, _| week.counts.engagement.responses.into()),
        ),
        column(
            "comments",
            "events",
            Needs::Comments,
            "comments on answers written in the week",
            Value::Always(|week, _| week.counts.engagement.comments.into()),
        ),
        column(
            "upvotes_given",
            "events",
            Needs::Votes,
            "votes up given in the week, less those taken back",
            Value::Always(|week, _| week.counts.engagement.upvotes_given as f64),
        ),
        column(
            "downvotes_given",
            "events",
            Needs::Votes,
            "votes down given in the week, less those taken back",
            Value::Always(|week, _| week.counts.engagement.downvotes_given as f64),
        ),
        column(
            "upvotes_received",
            "events",
            Needs::VotesReceived,
            "votes up received in the week, less those taken back",
            Value::Always(|week, _| week.counts.engagement.upvotes_received as f64),
        ),
        column(
            "downvotes_received",
            "events",
            Needs::VotesReceived,
            "votes down received in the week, less those taken back",
            Value::Always(|week, _| week.counts.engagement.downvotes_received as f64),
        ),
        column(
            "textbook_pages",
            "events",
            Needs::TextbookPages,
            "pages of textbooks opened in the week",
            Value::Always(|week, _| week.counts.engagement.textbook_pages.into()),
        ),
    ]
}

fn column(name: &str, unit: &'static str, needs: Needs, meaning: &str, value: Value) -> Feature {
    let meaning = format!("edX's weekly engagement: {meaning}");
    Feature::new(format!("engagement_{name}"), unit, Storage::Int, needs, meaning, value)
}
