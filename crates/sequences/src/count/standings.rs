//! Compares scores with those that the course knew at the same time.

use staycast_events::time::DAY_SECONDS;
use staycast_events::{Roster, Submission};

/// Sets the points that are added to the standard deviation of an assessment's scores, so that small differences stay
/// small where nearly all have the same score.
const LEAST_SPREAD: f64 = 5.0;

/// Holds the scores of every assessment in the order in which they became known, summed up.
pub(crate) struct AssessmentScores {
    /// By assessment, ascending by time.
    sums: Vec<Vec<KnownScores>>,
}

/// Sums up an assessment's scores that were known at a time.
#[derive(Clone, Copy)]
struct KnownScores {
    /// When the last of them became known, in seconds from the course's start.
    since: i64,
    count: f64,
    sum: f64,
    squares: f64,
}

impl AssessmentScores {
    /// Sums up the scores of `roster`, each known `score_lag_days` after its submission, and not before its learner was
    /// enrolled: until then the course does not know whose it is. Results carried over from an earlier run are left out.
    pub(crate) fn new(roster: &Roster, score_lag_days: u32) -> Self {
        let lag = i64::from(score_lag_days) * DAY_SECONDS;
        let mut known = vec![Vec::new(); roster.assessments.len()];
        for submission in roster.submissions.iter().filter(|submission| !submission.banked) {
            if let Some(score) = submission.score {
                let enrolled = roster.enrolments.enrolled_seconds(submission.enrolment.as_usize());
                let since = (i64::from(submission.seconds) + lag).max(enrolled.map_or(i64::MIN, i64::from));
                known[submission.assessment as usize].push((since, f64::from(score)));
            }
        }
        Self { sums: known.into_iter().map(sum_up).collect() }
    }

    /// Compares the score of `submission` with all of its assessment that are known before `end`: how far it is above their
    /// mean, in standard deviations, to which 5 points are added. `None` without a score.
    pub(crate) fn standing(&self, submission: &Submission, end: i64) -> Option<f64> {
        let score = f64::from(submission.score?);
        let all = &self.sums[submission.assessment as usize];
        let KnownScores { count, sum, squares, .. } = *all[..all.partition_point(|known| known.since < end)].last()?;
        let mean = sum / count;
        let deviation = (squares / count - mean * mean).max(0.0).sqrt();
        Some((score - mean) / (deviation + LEAST_SPREAD))
    }
}

fn sum_up(mut scores: Vec<(i64, f64)>) -> Vec<KnownScores> {
    // By score too: sums of equal scores in another order would differ in the last bit.
    scores.sort_unstable_by(|one, other| one.0.cmp(&other.0).then(one.1.total_cmp(&other.1)));
    let mut so_far = KnownScores { since: i64::MIN, count: 0.0, sum: 0.0, squares: 0.0 };
    let add = |(since, score): (i64, f64)| {
        so_far = KnownScores {
            since,
            count: so_far.count + 1.0,
            sum: so_far.sum + score,
            squares: so_far.squares + score * score,
        };
        so_far
    };
    scores.into_iter().map(add).collect()
}
