//! What edX's own pipeline counts as weekly engagement, by its definitions (edx-analytics-pipeline, the mapper and reducer
//! of `edx/analytics/tasks/data_api/student_engagement.py`).
//!
//! A problem or video counts once a week however often it was tried or played. A vote that is taken back counts -1, so
//! that a week's votes may be below 0. Votes received count here and nowhere else; like any other event they make their
//! day active.
//!
//! A week there is the seven days up to and including the report's end date, whenever the course starts. Those of the
//! course's grid stand for them here, which `BuildOptions::week_ending` puts in step; these columns of a first week that is
//! short take in the days before the start that make it whole, though no other feature does. Reported weeks that are over
//! before the course starts have no row, nor does anything count that comes after its calendar's end.

use super::{Feature, Needs, Storage, feature};

/// Number of these columns.
pub(crate) const COLUMNS: usize = 13;

/// The columns, in the order of edX's report.
pub(super) fn features() -> Vec<Feature> {
    let columns: [(&str, &'static str, Needs, &str); COLUMNS] = [
        (
            "days_active",
            "days",
            Needs::Engagement,
            "days of the week with an event that edX's report takes up, votes received included",
        ),
        (
            "problems_attempted",
            "problems",
            Needs::AttemptsAtObjects,
            "distinct problems with a checked answer in the week",
        ),
        (
            "problem_attempts",
            "events",
            Needs::AttemptsAtObjects,
            "checked answers of the week to problems that the source names",
        ),
        (
            "problems_correct",
            "problems",
            Needs::Correctness,
            "distinct problems with an answer in the week that was right",
        ),
        ("videos_played", "objects", Needs::VideosPlayed, "distinct videos set going in the week"),
        ("posts", "events", Needs::Posts, "threads begun in the forum in the week"),
        ("responses", "events", Needs::Responses, "answers to threads written in the week"),
        ("comments", "events", Needs::Comments, "comments on answers written in the week"),
        ("upvotes_given", "events", Needs::Votes, "votes up given in the week, less those taken back"),
        ("downvotes_given", "events", Needs::Votes, "votes down given in the week, less those taken back"),
        ("upvotes_received", "events", Needs::VotesReceived, "votes up received in the week, less those taken back"),
        (
            "downvotes_received",
            "events",
            Needs::VotesReceived,
            "votes down received in the week, less those taken back",
        ),
        ("textbook_pages", "events", Needs::TextbookPages, "pages of textbooks opened in the week"),
    ];
    columns
        .into_iter()
        .map(|(name, unit, needs, meaning)| {
            feature(
                &format!("engagement_{name}"),
                unit,
                Storage::Int,
                needs,
                &format!("edX's weekly engagement: {meaning}"),
            )
        })
        .collect()
}
