//! From probabilities to decisions: at which score a learner is flagged.
//!
//! A rule is chosen by the user, turned into a number on validation scores, and stored with the run. Rows with
//! one score are flagged together or not at all; the number lies midway between the lowest flagged score and the next one
//! below, so that a last bit lost between two devices moves nobody across it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::metrics::{Confusion, MetricError, Ranking};

/// Names the goal of a threshold. Written and stored as text: `f1`, `precision>=0.8`, `recall>=0.9`,
/// `top=100`, `youden`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum ThresholdRule {
    /// The highest F1.
    F1,
    /// As many dropouts found as possible while at least this share of those flagged drop out.
    PrecisionAtLeast(f64),
    /// The highest precision while at least this share of the dropouts is flagged.
    RecallAtLeast(f64),
    /// At most this many rows flagged: as many of the highest scores as fit without parting equal ones.
    Top(u64),
    /// The highest recall less false positive rate (Youden's J).
    Youden,
}

/// Holds the number that a rule chose.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChosenThreshold {
    /// The rule it follows.
    pub rule: ThresholdRule,
    /// Rows with `score >= threshold` are flagged.
    pub threshold: f64,
    /// Its effect on the rows it was chosen on.
    pub confusion: Confusion,
}

/// Says why a rule gave no threshold.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ThresholdError {
    /// The text is no rule.
    #[error("{given:?} is no threshold rule: use f1, precision>=0.8, recall>=0.9, top=100 or youden")]
    UnknownRule {
        /// The text given.
        given: String,
    },
    /// The number in the rule is out of range.
    #[error("{given:?}: a precision or recall must lie above 0 and up to 1, a top count must be 1 or more")]
    OutOfRange {
        /// The text given.
        given: String,
    },
    /// The scores can't be ranked.
    #[error(transparent)]
    Scores(#[from] MetricError),
    /// There are no rows to choose on.
    #[error("no rows to choose a threshold on: the validation part is empty at this week")]
    NoRows,
    /// The rule needs a class that is missing.
    #[error("the rule {rule} needs rows that dropped out{}, but of {rows} validation rows {positives} did", 
        if *.rule == ThresholdRule::Youden { " and rows that stayed" } else { "" })]
    OneClass {
        /// The rule.
        rule: ThresholdRule,
        /// Rows given.
        rows: u64,
        /// Those that dropped out.
        positives: u64,
    },
    /// No threshold has the precision asked for.
    #[error(
        "no threshold reaches a precision of {wanted} on the validation rows; the best is {best:.4}, at threshold \
         {threshold} with {flagged} flagged: ask for that or less, or use another rule"
    )]
    PrecisionOutOfReach {
        /// The precision asked for.
        wanted: f64,
        /// The best precision any threshold has.
        best: f64,
        /// The threshold that has it.
        threshold: f64,
        /// Rows it flags.
        flagged: u64,
    },
    /// So many rows share the highest score that flagging any of them flags more than asked for.
    #[error(
        "top={wanted} can't be met: {tied} rows share the highest score, {score}; \
         ask for at least as many, or use another rule"
    )]
    TopTied {
        /// Rows asked for.
        wanted: u64,
        /// Rows that share the highest score.
        tied: u64,
        /// That score.
        score: f64,
    },
}

impl ThresholdRule {
    /// Chooses the threshold on scores with known outcomes. Where several are equally good by the rule, the
    /// highest of them is taken, which flags the fewest.
    ///
    /// # Errors
    /// Every variant of [`ThresholdError`] but those of parsing.
    pub fn choose(self, scores: &[f64], labels: &[bool]) -> Result<ChosenThreshold, ThresholdError> {
        let ranking = Ranking::new(scores, labels)?;
        let candidates: Vec<(f64, Confusion)> = ranking.confusions().collect();
        if candidates.is_empty() {
            return Err(ThresholdError::NoRows);
        }
        self.check_classes(&ranking)?;
        let at = match self {
            Self::F1 => first_best(&candidates, f1_parts),
            Self::Youden => youden(&candidates),
            Self::PrecisionAtLeast(wanted) => most_found_at_precision(&candidates, wanted)?,
            Self::RecallAtLeast(wanted) => most_precise_at_recall(&candidates, wanted),
            Self::Top(wanted) => last_within(&candidates, wanted)?,
        };
        Ok(ChosenThreshold { rule: self, threshold: just_below(&candidates, at), confusion: candidates[at].1 })
    }

    fn check_classes(self, ranking: &Ranking) -> Result<(), ThresholdError> {
        let (positives, negatives) = (ranking.positives(), ranking.negatives());
        let enough = match self {
            Self::Top(_) => true,
            Self::Youden => positives > 0 && negatives > 0,
            Self::F1 | Self::PrecisionAtLeast(_) | Self::RecallAtLeast(_) => positives > 0,
        };
        if enough {
            Ok(())
        } else {
            Err(ThresholdError::OneClass { rule: self, rows: positives + negatives, positives })
        }
    }
}

/// Finds the first (highest) candidate whose fraction `parts` is largest; fractions compared in integers.
fn first_best(candidates: &[(f64, Confusion)], parts: impl Fn(&Confusion) -> (u64, u64)) -> usize {
    let beats = |a: (u64, u64), b: (u64, u64)| u128::from(a.0) * u128::from(b.1) > u128::from(b.0) * u128::from(a.1);
    let mut best = 0;
    for at in 1..candidates.len() {
        if beats(parts(&candidates[at].1), parts(&candidates[best].1)) {
            best = at;
        }
    }
    best
}

fn f1_parts(confusion: &Confusion) -> (u64, u64) {
    let hits = 2 * confusion.true_positives;
    (hits, hits + confusion.false_positives + confusion.false_negatives)
}

fn precision_parts(confusion: &Confusion) -> (u64, u64) {
    (confusion.true_positives, confusion.flagged())
}

fn youden(candidates: &[(f64, Confusion)]) -> usize {
    // J times positives and negatives, an integer.
    let scaled = |confusion: &Confusion| {
        i128::from(confusion.true_positives) * i128::from(confusion.negatives())
            - i128::from(confusion.false_positives) * i128::from(confusion.positives())
    };
    let mut best = 0;
    for at in 1..candidates.len() {
        if scaled(&candidates[at].1) > scaled(&candidates[best].1) {
            best = at;
        }
    }
    best
}

fn most_found_at_precision(candidates: &[(f64, Confusion)], wanted: f64) -> Result<usize, ThresholdError> {
    let precision = |confusion: &Confusion| confusion.true_positives as f64 / confusion.flagged() as f64;
    let mut best: Option<usize> = None;
    for (at, (_, confusion)) in candidates.iter().enumerate() {
        let found_more = best.is_none_or(|best| confusion.true_positives > candidates[best].1.true_positives);
        if precision(confusion) >= wanted && found_more {
            best = Some(at);
        }
    }
    best.ok_or_else(|| {
        let nearest = first_best(candidates, precision_parts);
        ThresholdError::PrecisionOutOfReach {
            wanted,
            best: precision(&candidates[nearest].1),
            threshold: just_below(candidates, nearest),
            flagged: candidates[nearest].1.flagged(),
        }
    })
}

fn most_precise_at_recall(candidates: &[(f64, Confusion)], wanted: f64) -> usize {
    // Recall only grows on the way down, and the last candidate flags everybody, so one always reaches it.
    let reached = |confusion: &Confusion| confusion.true_positives as f64 / confusion.positives() as f64 >= wanted;
    let first = candidates.partition_point(|(_, confusion)| !reached(confusion));
    first + first_best(&candidates[first..], precision_parts)
}

fn last_within(candidates: &[(f64, Confusion)], wanted: u64) -> Result<usize, ThresholdError> {
    let fitting = candidates.partition_point(|(_, confusion)| confusion.flagged() <= wanted);
    fitting.checked_sub(1).ok_or_else(|| ThresholdError::TopTied {
        wanted,
        tied: candidates[0].1.flagged(),
        score: candidates[0].0,
    })
}

/// Returns the number midway between a candidate's score and the next score below; the score itself where nothing lies between.
fn just_below(candidates: &[(f64, Confusion)], at: usize) -> f64 {
    let score = candidates[at].0;
    let Some(&(below, _)) = candidates.get(at + 1) else {
        return score;
    };
    let midway = below + (score - below) / 2.0;
    if midway > below && midway <= score { midway } else { score }
}

impl fmt::Display for ThresholdRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::F1 => f.write_str("f1"),
            Self::PrecisionAtLeast(share) => write!(f, "precision>={share}"),
            Self::RecallAtLeast(share) => write!(f, "recall>={share}"),
            Self::Top(count) => write!(f, "top={count}"),
            Self::Youden => f.write_str("youden"),
        }
    }
}

impl FromStr for ThresholdRule {
    type Err = ThresholdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let compact: String = text.chars().filter(|c| !c.is_whitespace()).collect();
        let unknown = || ThresholdError::UnknownRule { given: text.to_owned() };
        let share = |number: &str| {
            let share: f64 = number.parse().map_err(|_| unknown())?;
            if share > 0.0 && share <= 1.0 {
                Ok(share)
            } else {
                Err(ThresholdError::OutOfRange { given: text.to_owned() })
            }
        };
        match compact.as_str() {
            "f1" => return Ok(Self::F1),
            "youden" => return Ok(Self::Youden),
            _ => {}
        }
        if let Some(number) = compact.strip_prefix("precision>=") {
            share(number).map(Self::PrecisionAtLeast)
        } else if let Some(number) = compact.strip_prefix("recall>=") {
            share(number).map(Self::RecallAtLeast)
        } else if let Some(number) = compact.strip_prefix("top=") {
            match number.parse() {
                Ok(0) => Err(ThresholdError::OutOfRange { given: text.to_owned() }),
                Ok(count) => Ok(Self::Top(count)),
                Err(_) => Err(unknown()),
            }
        } else {
            Err(unknown())
        }
    }
}

impl TryFrom<String> for ThresholdRule {
    type Error = ThresholdError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<ThresholdRule> for String {
    fn from(rule: ThresholdRule) -> Self {
        rule.to_string()
    }
}
